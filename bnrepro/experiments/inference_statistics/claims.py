"""The claims on statistics at inference, a function each; rows tell of other statistics, layers, data. Draws nothing."""

import pandas as pd

from bnrepro.analysis.claims import Rule, claim
from bnrepro.analysis.findings import Row, count_if_any, diverged, median_of
from bnrepro.experiments.inference_statistics.tables import (
    FEWEST,
    MIDDLE,
    SIZE,
    batch_sizes,
    by_layer,
    by_statistics,
    gain,
    gain_of_momentum,
    gap_growth,
    gaps,
    mean_over,
    momenta,
    nearest,
    ratio_of,
    ratios,
)
from bnrepro.records.results import select
from bnrepro.records.schemas import Tables

_POINTS = "difference of shares"
_OTHERS = {"pooled": "the pooled variance", "moving_ddof0": "moving averages of the biased variance"}
_SHIFTS = {"imbalanced": "class by class", "contrast": "at half the contrast", "noise": "with noise"}


@claim(
    id="P1",
    kind="secondary",
    section="3.1",
    sentence="The gap in accuracy between training mode and inference grows as the mini-batch shrinks",
    statistic="accuracy in training mode against inference, mean absolute difference over the smaller half of the m "
    "minus over the larger half, median of seeds",
    unit=_POINTS,
    rule=Rule("above", 0.0),
)
def gap_grows(tables: Tables) -> list[Row]:
    sizes, moving = batch_sizes(tables), gaps(tables)["moving"].dropna()
    growth, other = (gap_growth(tables, name) for name in ("moving", "population"))
    ends = dict.fromkeys((sizes[0], sizes[-1]))
    return [
        median_of(growth),
        *(_mean(moving, [size], _POINTS, f"training mode minus inference at m = {size}") for size in ends),
        median_of(other, _POINTS, "growth with population statistics in place of moving averages"),
        *_lost(tables, len(growth)),
    ]


@claim(
    id="P2a",
    kind="secondary",
    section="3.1",
    sentence="Late in training population statistics are at least as accurate as moving averages",
    statistic="accuracy after the last step, population minus moving, mean over m, median of seeds; a fifth of a "
    "point is allowed",
    unit=_POINTS,
    rule=Rule("above", -0.002),
)
def late_at_least_as_accurate(tables: Tables) -> list[Row]:
    return _gain(tables, "last", batch_sizes(tables))


@claim(
    id="P2b",
    kind="secondary",
    section="3.1",
    sentence="Early in training population statistics are more accurate than moving averages",
    statistic="accuracy at the first evaluation, population minus moving, mean over m, median of seeds",
    unit=_POINTS,
    rule=Rule("above", 0.0),
)
def early_better(tables: Tables) -> list[Row]:
    return _gain(tables, "first", batch_sizes(tables))


@claim(
    id="P3a",
    kind="check",
    section="3.1",
    sentence="With the factor m/(m-1) the variance that BN uses at inference is the population's",
    statistic="variance of Algorithm 2 over that of all training examples, first hidden layer, mean over m, median "
    "of seeds",
    unit="ratio",
    rule=Rule("around", 1.0, 0.05),
)
def unbiased(tables: Tables) -> list[Row]:
    sizes, table = batch_sizes(tables), ratios(tables)
    judged = mean_over(ratio_of(table, "hidden_1", "population"), sizes)
    return [
        median_of(judged),
        _mean(ratio_of(table, "hidden_1", "moving"), sizes, "ratio", "moving averages"),
        *_deeper(table, "population", sizes),
        *_lost(tables, len(judged)),
    ]


@claim(
    id="P3b",
    kind="check",
    section="3.1",
    sentence="Without the factor m/(m-1) the variance that BN uses at inference is (m-1)/m of the population's",
    statistic="variance of Algorithm 2 with ddof 0 over that of all training examples, over (m-1)/m, first hidden "
    "layer, in the mini-batches that give the variance with the factor, so that the factor alone is new, mean over "
    "m, median of seeds",
    unit="ratio",
    rule=Rule("around", 1.0, 0.05),
)
def biased(tables: Tables) -> list[Row]:
    sizes, table = batch_sizes(tables), ratios(tables)
    table = table.assign(ratio=table["ratio"] / (1 - 1 / table["batch_size"]))
    judged = mean_over(ratio_of(table, "hidden_1", "population_ddof0"), sizes)
    return [median_of(judged), *_deeper(table, "population_ddof0", sizes), *_lost(tables, len(judged))]


@claim(
    id="P3c",
    kind="secondary",
    section="3.1",
    sentence=f"With mini-batches of {SIZE}, about as many as the paper's, the variance that BN uses at inference is the "
    "population's in every hidden layer",
    statistic="variance of Algorithm 2 over that of all training examples, of the hidden layer where it is farthest from 1, "
    "median of seeds",
    unit="ratio",
    rule=Rule("around", 1.0, 0.05),
)
def every_layer(tables: Tables) -> list[Row]:
    found = by_layer(tables, SIZE)
    largest, smallest = found.max(axis=1), found.min(axis=1)
    farthest = largest.where(largest - 1 >= 1 - smallest, smallest)
    return [
        median_of(farthest),
        *_layers(tables, found),
    ]


@claim(
    id="P3d",
    kind="secondary",
    section="3.1",
    sentence=f"With mini-batches of {FEWEST} the variance that BN uses at inference is larger than the population's in every "
    "hidden layer behind the first",
    statistic="variance of Algorithm 2 over that of all training examples, of the hidden layer behind the first where it is "
    "smallest, median of seeds; an excess of 0.1 or more is seen",
    unit="ratio",
    rule=Rule("above", 1.05),
)
def too_large_further_up(tables: Tables) -> list[Row]:
    found = by_layer(tables, FEWEST)
    smallest = found.drop(columns="hidden_1", errors="ignore").min(axis=1)
    return [
        median_of(smallest),
        *_layers(tables, found),
    ]


@claim(
    id="P4",
    kind="secondary",
    section="3.1",
    sentence="Where BN uses the test batch's own statistics, an answer depends on the batch's other members",
    statistic="share of test examples whose class changes with their mini-batch, test-batch minus moving "
    "statistics, mean over m, median of seeds",
    unit=_POINTS,
    rule=Rule("above", 0.01),
)
def depends_on_the_others(tables: Tables) -> list[Row]:
    sizes, changed = batch_sizes(tables), by_statistics(tables, value="changed")
    middle, own = nearest(sizes, MIDDLE), changed["batch"].dropna()
    judged = mean_over((changed["batch"] - changed["moving"]).dropna(), sizes)
    share = _mean(own, [middle], "share", f"answers that change at m = {middle} with the test batch's own statistics")
    return [
        median_of(judged),
        *([share] if share.n else []),
        *(
            _mean(gain(tables, "batch", data=data), sizes, _POINTS, f"accuracy over that of moving averages, {words}")
            for data, words in _SHIFTS.items()
        ),
        *_lost(tables, len(judged)),
    ]


def _gain(tables: Tables, when: str, sizes: list[int]) -> list[Row]:
    """Population statistics against moving averages; then other statistics, and other momenta."""
    judged = mean_over(gain(tables, when=when), sizes)
    main = select(tables, "main")["momentum"].iloc[0]
    against = f"moving averages of momentum {{:g}} against those of {main:g}, on the validation set"
    return [
        median_of(judged),
        *(
            _mean(gain(tables, name, when), sizes, _POINTS, f"{words} against moving averages")
            for name, words in _OTHERS.items()
        ),
        *(
            _mean(gain_of_momentum(tables, momentum, when), sizes, _POINTS, against.format(momentum))
            for momentum in momenta(tables)
        ),
        *_lost(tables, len(judged)),
        *diverged(select(tables, "momentum"), "runs of the other momenta that diverged"),
    ]


def _mean(values: pd.Series, sizes: list[int], unit: str, label: str) -> Row:
    return median_of(mean_over(values, sizes), unit, label)


def _deeper(table: pd.DataFrame, statistics: str, sizes: list[int]) -> list[Row]:
    """Each layer after the first: the mean over the mini-batches, and at the smallest and the largest of them."""
    rows = []
    for layer in sorted(set(table["layer"]) - {"hidden_1"}):
        words, values = layer.replace("_", " "), ratio_of(table, layer, statistics)
        rows.append(_mean(values, sizes, "ratio", f"{words}, mean over m"))
        rows += [
            _mean(values, [size], "ratio", f"{words} at m = {size}") for size in dict.fromkeys((sizes[0], sizes[-1]))
        ]
    return rows


def _layers(tables: Tables, found: pd.DataFrame) -> list[Row]:
    """Each layer of `by_layer`, then the runs that it lacks."""
    return [
        *(median_of(values, "ratio", layer.replace("_", " ")) for layer, values in found.items()),
        *diverged(select(tables, "layers"), "runs that diverged and are left out"),
    ]


def _lost(tables: Tables, n: int) -> list[Row]:
    """The runs that diverged, and the seeds that so have no value."""
    runs = select(tables, "main")
    seeds = runs["seed"].nunique()
    return [
        *diverged(runs, "runs that diverged and are left out of the means over m"),
        *count_if_any("seeds without a value", seeds - n, seeds, "seeds"),
    ]
