"""The claims on statistics at inference, a function each; the notes tell of other statistics, layers, data. Draws nothing."""

import pandas as pd

from bnrepro.analysis.formatting import diverged, joined, points, times
from bnrepro.analysis.intervals import Interval, Statistic, bootstrap_median
from bnrepro.experiments.inference_statistics.tables import (
    MIDDLE,
    SMALL,
    batch_sizes,
    gain,
    gain_of_momentum,
    gap_growth,
    gaps,
    mean_over,
    momenta,
    nearest,
    ratio_of,
    ratios,
    said,
)
from bnrepro.records.results import select
from bnrepro.records.schemas import Tables

PAPER = {}
"""The paper gives no number for these claims."""

_WORDS = {"pooled": "the pooled variance", "moving_ddof0": "moving averages of the biased variance"}


def gap_grows(tables: Tables) -> Statistic:
    """P1."""
    sizes, moving = batch_sizes(tables), gaps(tables)["moving"].dropna()
    ends = [f"{points(_at(moving, size))} at m = {size}" for size in dict.fromkeys((sizes[0], sizes[-1]))]
    growth, other = (bootstrap_median(gap_growth(tables, name)) for name in ("moving", "population"))
    note = joined(
        f"training mode minus inference is {', '.join(ends)}",
        f"with population statistics in place of moving averages the estimate is {points(other)}",
        _lost(tables, growth.n),
    )
    return Statistic("P1", *growth, note=note)


def late_at_least_as_accurate(tables: Tables) -> Statistic:
    """P2a."""
    return _gain("P2a", tables, "last", batch_sizes(tables))


def early_better(tables: Tables) -> Statistic:
    """P2b."""
    return _gain("P2b", tables, "first", batch_sizes(tables))


def small_better(tables: Tables) -> Statistic:
    """P2c."""
    return _gain("P2c", tables, "last", [size for size in batch_sizes(tables) if size <= SMALL])


def unbiased(tables: Tables) -> Statistic:
    """P3a."""
    sizes, table = batch_sizes(tables), ratios(tables)
    judged = _mean(ratio_of(table, "hidden_1", "population"), sizes)
    moving = _mean(ratio_of(table, "hidden_1", "moving"), sizes)
    note = joined(f"moving averages {times(moving)}", _deeper(table, "population", sizes[0]), _lost(tables, judged.n))
    return Statistic("P3a", *judged, note=note)


def biased(tables: Tables) -> Statistic:
    """P3b."""
    sizes, table = batch_sizes(tables), ratios(tables)
    table = table.assign(ratio=table["ratio"] / (1 - 1 / table["batch_size"]))
    judged = _mean(ratio_of(table, "hidden_1", "population_ddof0"), sizes)
    note = joined(
        "the mini-batches are those of P3a, so that the layer's factor alone is new",
        _deeper(table, "population_ddof0", sizes[0]),
        _lost(tables, judged.n),
    )
    return Statistic("P3b", *judged, note=note)


def depends_on_the_others(tables: Tables) -> Statistic:
    """P4."""
    sizes, changed = batch_sizes(tables), said(tables, value="changed")
    middle = nearest(sizes, MIDDLE)
    judged = _mean((changed["batch"] - changed["moving"]).dropna(), sizes)
    share = _at(changed["batch"].dropna(), middle)
    shifted = [
        f"{words} {points(_mean(gain(tables, 'batch', data=data), sizes))}"
        for data, words in (
            ("imbalanced", "class by class"),
            ("contrast", "at half the contrast"),
            ("noise", "with noise"),
        )
    ]
    note = joined(
        f"{_percent(share)} of the answers change at m = {middle} with the test batch's own statistics"
        if share.n
        else "",
        f"their accuracy minus that of moving averages: {', '.join(shifted)}",
        _lost(tables, judged.n),
    )
    return Statistic("P4", *judged, note=note)


STATISTICS = (
    gap_grows,
    late_at_least_as_accurate,
    early_better,
    small_better,
    unbiased,
    biased,
    depends_on_the_others,
)
"""In their order."""


def analyse(tables: Tables) -> pd.DataFrame:
    """The statistic of each claim: `claim`, `estimate`, `ci_low`, `ci_high`, `n`, `bound`, `note`."""
    return pd.DataFrame(claim(tables) for claim in STATISTICS)


def _gain(claim: str, tables: Tables, when: str, sizes: list[int]) -> Statistic:
    """Population statistics against moving averages; the note has other momenta, and the other statistics."""
    judged = _mean(gain(tables, when=when), sizes)
    others = [f"{words} {points(_mean(gain(tables, name, when), sizes))}" for name, words in _WORDS.items()]
    by_momentum = [
        f"{momentum:g} {points(_mean(gain_of_momentum(tables, momentum, when), sizes))}" for momentum in momenta(tables)
    ]
    runs = select(tables, "momentum", "runs")
    main = select(tables, "main", "runs")["momentum"].iloc[0]
    note = joined(
        f"against moving averages: {', '.join(others)}",
        f"moving averages of momentum {', '.join(by_momentum)} against those of {main:g}, on the validation set",
        _lost(tables, judged.n),
        diverged(runs, "of the other momenta diverged"),
    )
    return Statistic(claim, *judged, note=note)


def _mean(values: pd.Series, sizes: list[int]) -> Interval:
    return bootstrap_median(mean_over(values, sizes))


def _at(values: pd.Series, size: int) -> Interval:
    return _mean(values, [size])


def _deeper(table: pd.DataFrame, statistics: str, size: int) -> str:
    """As "at m = 2 hidden_2 1.54 (1.51 to 1.56)", for each layer after the first."""
    layers = sorted(set(table["layer"]) - {"hidden_1"})
    words = [f"{layer} {times(_at(ratio_of(table, layer, statistics), size))}" for layer in layers]
    return f"deeper, at m = {size}: {', '.join(words)}" if words else ""


def _percent(found: Interval) -> str:
    return f"{100 * found.estimate:.3g}% ({100 * found.ci_low:.3g} to {100 * found.ci_high:.3g})"


def _lost(tables: Tables, n: int) -> str:
    """The runs that diverged, and the seeds that so have no value."""
    runs = select(tables, "main", "runs")
    missing = runs["seed"].nunique() - n
    return joined(
        diverged(runs, "diverged, left out of the means over m"),
        f"{missing} of {runs['seed'].nunique()} seeds have no value" if missing else "",
    )
