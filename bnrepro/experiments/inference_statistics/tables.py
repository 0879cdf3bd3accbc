"""What the runs come to: accuracies, gaps, variances, courses. Knows no claim, draws nothing.

Everything but the courses and the layers is of the group `main` without the runs that diverged: those have no late answers.
"""

import math

import pandas as pd

from bnrepro.analysis.intervals import Interval, median_interval
from bnrepro.analysis.select import where
from bnrepro.records.computed import once
from bnrepro.records.results import select
from bnrepro.records.schemas import Tables

MOMENTUM = 0.99
"""The running statistics that the claims are about; Keras's default."""

STATISTICS = ("moving", "population", "pooled", "moving_ddof0", "batch")
"""As the table `statistics` calls them; all are compared with the first."""

DATA = ("test", "contrast", "noise", "imbalanced")

SIZE, MIDDLE = 64, 32
"""The mini-batches whose training is shown, and at which shifted data are; where a sweep has none, the nearest by ratio."""

FEWEST = 2
"""The smallest mini-batch; at it and at `SIZE`, about as large as the paper's, the variances of all layers are judged."""

_CELL = ["batch_size", "seed"]


def derive(tables: Tables) -> Tables:
    """The tables to keep: of the group `layers` the variances of Algorithm 2, for nothing else is read."""
    layers, kept = set(select(tables, "layers")["run"]), dict(tables)
    for name in ("curves", "statistics", "variances"):
        rows = tables[name]
        read = ~rows["run"].isin(layers)
        if name == "variances":
            read |= rows["statistics"] == "population"
        kept[name] = rows[read].reset_index(drop=True)
    return kept


def batch_sizes(tables: Tables) -> list[int]:
    """The mini-batches of the group `main`, whatever became of their runs."""
    return sorted(set(select(tables, "main")["batch_size"].tolist()))


def nearest(found: list[int], size: int) -> int:
    """The one of `found` that is nearest to `size` by ratio, the smaller of two."""
    return min(found, key=lambda other: (abs(math.log(other / size)), other))


@once
def by_statistics(tables: Tables, when: str = "last", data: str = "test", value: str = "value") -> pd.DataFrame:
    """By `batch_size` and `seed` (the index) a column for each choice of statistics, after the `first` or the `last` stretch."""
    rows = _finite(tables, "main", "statistics", data=data)
    rows = rows[rows["step"] == _step(rows, when)]
    return rows.pivot(index=_CELL, columns="statistics", values=value).reindex(columns=list(STATISTICS)).astype(float)


def mean_over(values: pd.Series, chosen: list[int]) -> pd.Series:
    """By seed the mean over the mini-batches `chosen`; a seed without a value has no row."""
    kept = values[values.index.get_level_values("batch_size").isin(chosen)].dropna()
    return kept.groupby("seed").mean()


def gaps(tables: Tables) -> pd.DataFrame:
    """By `batch_size` and `seed`, training mode minus inference with `moving` and with `population` statistics, late."""
    table = by_statistics(tables)
    return pd.DataFrame({name: table["batch"] - table[name] for name in ("moving", "population")})


def gap_growth(tables: Tables, statistics: str = "moving") -> pd.Series:
    """By seed, how much larger the absolute gap is, on average, at the smaller half of the mini-batches than at the larger."""
    found, absolute = batch_sizes(tables), gaps(tables)[statistics].abs()
    half = len(found) // 2
    return (mean_over(absolute, found[:half]) - mean_over(absolute, found[half:])).dropna()


def gain(tables: Tables, statistics: str = "population", when: str = "last", data: str = "test") -> pd.Series:
    """By `batch_size` and `seed`, how much more accurate a choice of statistics is than moving averages."""
    table = by_statistics(tables, when, data)
    return (table[statistics] - table["moving"]).dropna()


def momenta(tables: Tables) -> list[float]:
    """Those of the running statistics besides the one of the group `main`."""
    return sorted(set(select(tables, "momentum")["momentum"].tolist()))


def gain_of_momentum(tables: Tables, momentum: float, when: str = "last") -> pd.Series:
    """By `batch_size` and `seed`, validation accuracy with moving averages of `momentum` minus with those of `main`."""
    found = []
    for group in ("main", "momentum"):
        rows = _finite(tables, group, "curves", split="validation")
        rows = rows[rows["step"] == _step(rows, when)]
        rows = rows if group == "main" else rows[rows["momentum"] == momentum]
        found.append(rows.set_index(_CELL)["value"].astype(float))
    return (found[1] - found[0]).dropna()


@once
def ratios(tables: Tables, group: str = "main") -> pd.DataFrame:
    """The variance in use over that of each BN's inputs at inference: `batch_size`, `seed`, `layer`, `statistics`, `ratio`."""
    rows = _finite(tables, group, "variances")
    rows = rows.assign(ratio=rows["used_over_seen"].astype(float))
    return rows[[*_CELL, "layer", "statistics", "ratio"]].reset_index(drop=True)


def ratio_of(table: pd.DataFrame, layer: str, statistics: str) -> pd.Series:
    """Of what `ratios` gives, one layer and choice of statistics by `batch_size` and `seed`."""
    return where(table, layer=layer, statistics=statistics).set_index(_CELL)["ratio"]


def by_layer(tables: Tables, size: int) -> pd.DataFrame:
    """Of the group `layers` at a mini-batch, `ratios` with the statistics of Algorithm 2: a row a seed, a column a layer."""
    rows = where(ratios(tables, "layers"), batch_size=size, statistics="population")
    return rows.pivot(index="seed", columns="layer", values="ratio")


def effects(tables: Tables) -> pd.DataFrame:
    """How much more accurate each choice of statistics is than moving averages.

    Returns:
        A row for each `when` (`first`: after the first stretch of training; `last`), `data` and `statistics`: `effect` on
        accuracy (a fraction), the mean over the mini-batches, median of the seeds; its interval `ci_low`, `ci_high`; `n`,
        the seeds; `at_smallest` and `at_largest`, the median at the smallest and at the largest mini-batch. Early only the
        test set; fixed statistics say the same whatever the order of the examples, so `imbalanced` has `batch` alone.
    """
    found, rows = batch_sizes(tables), []
    for when, data in (("first", "test"), *(("last", data) for data in DATA)):
        table = by_statistics(tables, when, data)
        for statistics in STATISTICS[1:] if data != "imbalanced" else ("batch",):
            gains = (table[statistics] - table["moving"]).dropna()
            ends = [
                gains[gains.index.get_level_values("batch_size") == size].median() for size in (found[0], found[-1])
            ]
            rows.append((when, data, statistics, *median_interval(mean_over(gains, found)), *ends))
    names = ("effect", *Interval._fields[1:], "at_smallest", "at_largest")
    return pd.DataFrame(rows, columns=("when", "data", "statistics", *names))


@once
def courses(tables: Tables, batch_size: int) -> pd.DataFrame:
    """Accuracy over training at one size of the mini-batch, at chance from where a run diverged.

    Returns:
        `seed`, `momentum`, `line`, `step`, `accuracy`. The lines: `training`, of the mini-batches that are trained on;
        `moving`, inference on the validation examples with moving averages; `population`, on test examples with population
        statistics, of the group `main` alone.
    """
    parts = []
    for group in ("main", "momentum"):
        runs = select(tables, group)
        runs = runs[runs["batch_size"] == batch_size]
        curves = tables["curves"]
        measured = {"moving": curves[curves["split"] == "validation"], "training": curves[curves["split"] == "train"]}
        if group == "main":
            table = tables["statistics"]
            measured["population"] = table[(table["data"] == "test") & (table["statistics"] == "population")]
        for line, rows in measured.items():
            parts += [_course(run, rows, line) for run in runs.itertuples()]
    return pd.concat(parts, ignore_index=True)


def _finite(tables: Tables, group: str, name: str, **values: str) -> pd.DataFrame:
    """What `select` gives of the runs that did not diverge, with these values in the columns of table `name`."""
    rows = select({**tables, name: where(tables[name], **values)}, group, name)
    return rows[rows["status"] != "diverged"]


def _step(rows: pd.DataFrame, when: str) -> pd.Series:
    return rows["steps"] if when == "last" else rows["evaluate_every"]


def _course(run, measured: pd.DataFrame, line: str) -> pd.DataFrame:
    """One run at each of its evaluations; training and population begin with the first stretch, not before it."""
    first = 0 if line == "moving" else run.evaluate_every
    steps = pd.Index([*range(first, run.steps, run.evaluate_every), run.steps], name="step")
    accuracy = (
        measured[measured["run"] == run.run].set_index("step")["value"].rename("accuracy").astype(float).reindex(steps)
    )
    accuracy = accuracy.fillna(run.chance) if run.status == "diverged" else accuracy.dropna()
    return accuracy.reset_index().assign(seed=run.seed, momentum=run.momentum, line=line)
