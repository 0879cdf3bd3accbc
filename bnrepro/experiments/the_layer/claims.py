"""The claims on the layer, a function each: the largest error over random draws, and how a bias grows. Draws nothing."""

import numpy as np

from bnrepro.analysis.claims import Rule, claim
from bnrepro.analysis.findings import Row, largest_of, median_of
from bnrepro.experiments.the_layer.tables import errors, growth
from bnrepro.records.schemas import Tables


@claim(
    id="A1",
    kind="check",
    section="3",
    sentence="The gradient of the batch-normalization layer is the one that the paper prints",
    statistic="largest error of a gradient over random draws, relative to the largest gradient",
    unit="relative error",
    rule=Rule("below", 1e-5),
)
def printed_gradient(tables: Tables) -> list[Row]:
    return _largest(tables, "A1")


@claim(
    id="A2",
    kind="check",
    section="3",
    sentence="With gamma = sqrt(Var[x]) and beta = E[x] batch normalization gives its input back",
    statistic="largest error of the output over random draws, in standard deviations of the input",
    unit="standard deviations",
    rule=Rule("below", 1e-3),
)
def identity(tables: Tables) -> list[Row]:
    return _largest(tables, "A2")


@claim(
    id="A3",
    kind="check",
    section="3.3",
    sentence="With batch normalization, scaling the weights by a leaves output and Jacobian as they are, BN((aW)u) "
    "= BN(Wu), and divides the weight gradient by a",
    statistic="largest relative error of output, a vector times Jacobian, and weight gradient, over draws and a "
    "from 0.1 to 100",
    unit="relative error",
    rule=Rule("below", 1e-3),
)
def scale_of_weights(tables: Tables) -> list[Row]:
    return _largest(tables, "A3")


@claim(
    id="A4",
    kind="check",
    section="2",
    sentence="A bias grows without bound at a fixed loss if the gradient ignores that the mean is subtracted",
    statistic="bias after 2N steps over bias after N steps, median of random draws",
    unit="times",
    rule=Rule("above", 1.5),
)
def growing_bias(tables: Tables) -> list[Row]:
    return [median_of(growth(tables))]


@claim(
    id="A5",
    kind="check",
    section="3.1",
    sentence="With the factor m/(m-1) the running variance of batch normalization is unbiased",
    statistic="distance from 1 of the running variance over the population's, largest over random draws",
    unit="distance from 1",
    rule=Rule("below", 0.02),
)
def unbiased_variance(tables: Tables) -> list[Row]:
    return _largest(tables, "A5")


@claim(
    id="A6",
    kind="check",
    section="3.1",
    sentence="At inference batch normalization is a linear map that folds into the layer before it",
    statistic="largest difference of the outputs over random draws, folded against unfolded",
    unit="difference",
    rule=Rule("below", 1e-5),
)
def folding(tables: Tables) -> list[Row]:
    return _largest(tables, "A6")


@claim(
    id="A7",
    kind="check",
    section="3.2",
    sentence="After a convolution batch normalization takes its statistics over mini-batch and locations, m' = m p "
    "q values",
    statistic="largest relative error of output and running variance over random draws",
    unit="relative error",
    rule=Rule("below", 1e-5),
)
def convolution(tables: Tables) -> list[Row]:
    return _largest(tables, "A7")


def _largest(tables: Tables, name: str) -> list[Row]:
    """The claim is about every draw, so one that is wrong contradicts it. An error that is no number is infinite."""
    rows = errors(tables, name)
    return [largest_of(rows["value"].fillna(np.inf), rows["draw"].nunique())]
