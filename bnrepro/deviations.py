"""What the paper leaves open or does otherwise, and what is done here: one list for the report. Knows no result."""

from typing import NamedTuple

from bnrepro import paper
from bnrepro.claims import FEWEST
from bnrepro.config import RunConfig

_READINGS = {"binary": "above half of the range", "nonzero": "above 0", "grey": "is white, with all greys between"}


class Deviation(NamedTuple):
    """One choice that is ours."""

    what: str
    paper: str
    here: str


def deviations() -> list[Deviation]:
    """Every choice that is ours, with the values that are used."""
    used = RunConfig()
    without, with_bn = (paper.STEPS_TO_97_PERCENT[arm] for arm in ("none", "batch"))
    calibrated = "calibrated on the arm without BN alone, on seeds that are not reported, then frozen"
    return [
        Deviation("Initial kernels", "“small random Gaussian values”", f"std {used.initial_std:g}, {calibrated}"),
        Deviation(
            "Learning rate", "not stated", f"{used.learning_rate:g}, constant, the same in both arms; {calibrated}"
        ),
        Deviation("Optimizer", "not stated for this experiment", "stochastic gradient descent without momentum"),
        Deviation("Images", "“binary image”, not how", f"1 {_READINGS[used.pixels]}; {calibrated}"),
        Deviation("Biases", "not stated", "start at 0; none in a layer that BN follows (section 3.2)"),
        Deviation("Epsilon", "“a constant”", f"{used.epsilon:g}, Keras's default"),
        Deviation(
            "Test accuracy with BN",
            "not stated which statistics",
            f"running averages, weight of the old value {used.momentum:g}, variances with m/(m-1) as in Algorithm 2",
        ),
        Deviation(
            "Seeds", "one curve an arm", f"a verdict needs {FEWEST} pairs or more; seeds pair kernels and batch order"
        ),
        Deviation(
            "Percentiles", "not stated over which data", "over the test set, in inference mode, at each evaluation"
        ),
        Deviation(
            "Typical unit", "“one typical activation”", "the unit of (lower) median drift, a rule fixed in advance"
        ),
        Deviation(
            "The paper's curves",
            "printed as plots",
            f"points read off the plots; {paper.FIGURE1_TARGET:.0%} as the target of speed is ours; the paper's first step at "
            f"it ({without:,.0f} without BN, {with_bn:,.0f} with) is on straight lines between points 1,000 steps apart, and "
            "uncertain by that much where the curve is flat",
        ),
        Deviation(
            "Hardware and software", "not stated for this experiment", "float32, Keras on TensorFlow, see Provenance"
        ),
    ]
