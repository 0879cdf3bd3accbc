"""What the runs come to: accuracy and gaps at the best rates, errors of moments, time, memory. Knows no claim, draws nothing."""

import numpy as np
import pandas as pd

from bnrepro.analysis.intervals import median_interval
from bnrepro.analysis.select import at_best_rate, where
from bnrepro.records.results import select
from bnrepro.records.schemas import Tables

BUDGETS = ("examples", "steps")
SMALL, REFERENCE, LARGE = 8, 128, 256
"""The small mini-batch that ghost batches imitate, the one where both budgets meet, and the large one that is cut into ghosts."""

_GROUPS = (*BUDGETS, "ghost", "conv")
_KEYS = ["group", "arm", "batch_size", "together"]


def derive(tables: Tables) -> Tables:
    """The tables to keep: of `curves` the last evaluations, for the others say nothing here and are most of the bytes."""
    curves = tables["curves"]
    last = curves["step"] == curves["run"].map(tables["runs"].set_index("run")["steps"])
    return {**tables, "curves": curves[last & (curves["split"] != "train")].reset_index(drop=True)}


def measured(tables: Tables) -> pd.DataFrame:
    """Every run that is judged by its accuracy, a row for each group that it is in.

    Returns:
        The runs with `group`; `arm`, the normalization or `ghost`; `together`, the examples that BN normalizes together;
        `validation` and `test`, the accuracy after the last step, a guess where the run diverged; and `gap`, how far the
        accuracy on the test set with the moving averages lies from that with its own mini-batches, NaN where the run diverged
        or has no BN.
    """
    runs = select(tables, _GROUPS)
    curves = tables["curves"].merge(runs[["run", "steps"]].drop_duplicates("run"), on="run")
    last = curves[curves["step"] == curves["steps"]].pivot(index="run", columns="split", values="value")
    said = tables["statistics"].query("data == 'test'").pivot(index="run", columns="statistics", values="value")
    nothing = pd.Series(dtype=float)
    finite = runs["status"] != "diverged"
    accuracy = {
        split: runs["run"].map(last.get(split, nothing)).astype(float).where(finite, runs["chance"])
        for split in ("validation", "test")
    }
    gap = (said.get("moving", nothing) - said.get("batch", nothing)).abs()
    return runs.assign(
        arm=runs["normalization"].mask(runs["ghost_size"] > 0, "ghost"),
        together=runs["ghost_size"].where(runs["ghost_size"] > 0, runs["batch_size"]),
        **accuracy,
        gap=runs["run"].map(gap).astype(float).where(finite),
    )


def at_best_rates(runs: pd.DataFrame) -> pd.DataFrame:
    """Those of the runs `measured` that have the best rate of their group, arm and size.

    It is one rate for all seeds: that of the highest median of the final validation accuracy, the lowest of equals.

    Returns:
        The runs with `edge`: `smallest` or `largest`, where the best rate is at that end of several tried.
    """
    tried = runs.groupby(_KEYS)["learning_rate"].agg(least="min", most="max").reset_index()
    best = at_best_rate(runs, _KEYS, "validation").merge(tried, on=_KEYS)
    several = best["least"] < best["most"]
    ends = [several & (best["learning_rate"] == best[end]) for end in ("least", "most")]
    return best.assign(edge=np.select(ends, ["smallest", "largest"], "")).drop(columns=["least", "most"])


def chosen(best: pd.DataFrame, group: str, arm: str, size: int, together: int = 0) -> pd.DataFrame:
    """Of the runs at their best rates those of one group, arm and size, by seed; `together` tells ghosts of one size."""
    own = where(best, group=group, arm=arm, batch_size=size, together=together or size)
    return own.set_index("seed").sort_index()


def effects(tables: Tables) -> pd.DataFrame:
    """What each arm comes to at its best rate.

    Returns:
        A row a `group`, `arm`, `batch_size` and number of examples normalized `together`: `best_rate` and its `edge`, as
        `at_best_rates` gives it; `accuracy` on the test set, the median of the seeds, `ci_low` to `ci_high`; the median `gap`
        between inference and training mode; how many runs `diverged`; and `n`, the seeds.
    """
    rows = []
    for keys, runs in at_best_rates(measured(tables)).groupby(_KEYS):
        first, lost = runs.iloc[0], (runs["status"] == "diverged").sum()
        test = median_interval(runs["test"].dropna())
        rows.append((*keys, first["learning_rate"], first["edge"], *test[:3], runs["gap"].median(), lost, test.n))
    columns = (*_KEYS, "best_rate", "edge", "accuracy", "ci_low", "ci_high", "gap", "diverged", "n")
    order = [_GROUPS.index(row[0]) for row in rows]
    table = pd.DataFrame(rows, columns=columns).assign(order=order)
    return table.sort_values("order", kind="stable", ignore_index=True).drop(columns="order")


def sampling_errors(tables: Tables) -> pd.DataFrame:
    """By `seed`, `layer` and `size` of a mini-batch, `mean_error` and `variance_error` of its moments."""
    return select(tables, "sampling", "errors")[["seed", "layer", "size", "mean_error", "variance_error"]]


def over_layers(errors: pd.DataFrame) -> pd.DataFrame:
    """The root mean square over the layers of `sampling_errors`: `seed`, `size`, `mean_error`, `variance_error`."""
    names = ["mean_error", "variance_error"]
    squares = errors.assign(**errors[names].astype(float) ** 2).groupby(["seed", "size"])[names].mean()
    return (squares**0.5).reset_index()


def slopes(errors: pd.DataFrame, value: str, least: int = 0) -> pd.Series:
    """By seed the slope of the logarithm of an error over that of the size, least squares, sizes of `least` and more.

    `errors` has a row a seed and size; a seed with fewer than two sizes has no slope.
    """
    kept = errors[(errors["size"] >= least) & (errors[value] > 0)]
    found = {
        seed: np.polyfit(np.log(rows["size"].astype(float)), np.log(rows[value].astype(float)), 1)[0]
        for seed, rows in kept.groupby("seed")
        if rows["size"].nunique() > 1
    }
    return pd.Series(found, dtype=float)


def times(tables: Tables) -> pd.DataFrame:
    """By `arm`, `batch_size` and `seed` of the dense net, `step` and `example`: seconds of training, medians over the rates.

    A run that diverged does all its steps too, for they are one call, so it takes as long and counts; one whose loss is not
    finite at the start makes none, and has no time.
    """
    rows = select(tables, "steps", "provenance")
    step = rows["train_seconds"].where(rows["train_seconds"] > 0) / rows["steps"]
    rows = rows.assign(arm=rows["normalization"], step=step)
    table = rows.groupby(["arm", "batch_size", "seed"])["step"].median().reset_index()
    return table.assign(example=table["step"] / table["batch_size"])


def memory(tables: Tables) -> pd.DataFrame:
    """By `arm`, `batch_size` and `seed` of `inception_small`, `peak`: MiB of a process that trains nothing else."""
    rows = select(tables, "cost", "provenance")
    rows = rows.assign(arm=rows["normalization"], peak=rows["peak_memory_mib"])
    return rows[["arm", "batch_size", "seed", "peak"]]


def by_seed(table: pd.DataFrame, value: str, **values) -> pd.Series:
    """A column of `times` or `memory` by seed, of one arm and size."""
    return where(table, **values).set_index("seed")[value].sort_index()
