"""What the runs come to: accuracy and gaps at the best rates, errors of moments, time, memory. Knows no claim, draws nothing."""

import numpy as np
import pandas as pd

from bnrepro.analysis.intervals import median_interval
from bnrepro.analysis.select import at_best_rate, where
from bnrepro.records.computed import once
from bnrepro.records.results import select
from bnrepro.records.schemas import Tables

BUDGETS = ("examples", "steps")
GROUPS = (*BUDGETS, "ghost")
"""The groups that are judged by their accuracy, each of which takes its best rates."""

SMALL, REFERENCE, LARGE = 8, 128, 256
"""The small mini-batch that ghost batches imitate, the one where both budgets meet, and the large one that is cut into ghosts."""

AT_INFERENCE = "inference"
"""The setting of `sampling` in which the layers below normalize with the population's statistics."""

_CELL = ["arm", "batch_size", "together"]
_KEYS = ["group", *_CELL]


def derive(tables: Tables) -> Tables:
    """The tables to keep: of `curves` the last evaluation, of what is read: the test set of the judged runs, the validation
    examples of those that choose.
    """
    curves, steps = tables["curves"], tables["runs"].set_index("run")["steps"]
    chooses = curves["run"].isin(select(tables, "choice")["run"])
    kept = (curves["step"] == curves["run"].map(steps)) & (curves["split"] == np.where(chooses, "validation", "test"))
    return {**tables, "curves": curves[kept].reset_index(drop=True)}


def with_arms(runs: pd.DataFrame) -> pd.DataFrame:
    """Adds `arm`, the normalization or `ghost`, and `together`, the examples that BN normalizes together."""
    ghost = runs["ghost_size"] > 0
    return runs.assign(
        arm=runs["normalization"].mask(ghost, "ghost"),
        together=runs["ghost_size"].where(ghost, runs["batch_size"]),
    )


def best_rates(runs: pd.DataFrame, value: str) -> pd.DataFrame:
    """Of runs `with_arms` those at the best rate of their arm and size, by the median of `value`, the lowest of equals."""
    return at_best_rate(runs, _CELL, value)


@once
def tried(tables: Tables) -> pd.DataFrame:
    """The runs that choose, a row for each `group` that they choose for, with `arm` and `together`.

    Returns:
        The runs with `validation`, the accuracy after the last step, a guess where the run diverged, and whether its rate is
        `chosen`.
    """
    runs = with_arms(select(tables, "choice"))
    runs = runs.assign(group=runs["setting"], validation=_last(tables, runs, "validation"))
    best = pd.concat([best_rates(own, "validation") for _, own in runs.groupby("group", sort=False)])
    chosen = best[[*_KEYS, "learning_rate"]].drop_duplicates().assign(chosen=True)
    runs = runs.merge(chosen, on=[*_KEYS, "learning_rate"], how="left")
    return runs.assign(chosen=runs["chosen"].notna())


@once
def measured(tables: Tables) -> pd.DataFrame:
    """Every run that is judged by its accuracy, a row for each group that it is in; each is at the best rate of its cell.

    Returns:
        The runs with `group`; `arm`, the normalization or `ghost`; `together`, the examples that BN normalizes together;
        `test`, the accuracy after the last step, a guess where the run diverged; `gap`, how far the accuracy on the test set
        with the statistics of inference lies from that with its own mini-batches, NaN where the run diverged or has no BN; and
        `edge`: `smallest` or `largest`, where the best rate is at that end of several tried.
    """
    runs = with_arms(select(tables, GROUPS))
    accuracies = tables["statistics"].query("data == 'test'").pivot(index="run", columns="statistics", values="value")
    accuracies = accuracies.reindex(columns=["population", "moving", "batch"]).astype(float)
    gap = (accuracies["population"].fillna(accuracies["moving"]) - accuracies["batch"]).abs()
    ends = tried(tables).groupby(_KEYS)["learning_rate"].agg(least="min", most="max").reset_index()
    runs = runs.merge(ends, on=_KEYS, how="left")
    several = runs["least"] < runs["most"]
    at = [several & (runs["learning_rate"] == runs[end]) for end in ("least", "most")]
    return runs.drop(columns=["least", "most"]).assign(
        test=_last(tables, runs, "test"),
        gap=runs["run"].map(gap).where(runs["status"] != "diverged"),
        edge=np.select(at, ["smallest", "largest"], ""),
    )


def _last(tables: Tables, runs: pd.DataFrame, split: str) -> pd.Series:
    """The accuracy of each run on a split after the last step; a guess where it diverged."""
    curves = tables["curves"].merge(runs[["run", "steps"]].drop_duplicates("run"), on="run")
    values = curves[(curves["step"] == curves["steps"]) & (curves["split"] == split)].set_index("run")["value"]
    return runs["run"].map(values).astype(float).where(runs["status"] != "diverged", runs["chance"])


def chosen(best: pd.DataFrame, group: str, arm: str, size: int, together: int = 0) -> pd.DataFrame:
    """Of the runs `measured` those of one group, arm and size, by seed; `together` tells ghosts of one size."""
    own = where(best, group=group, arm=arm, batch_size=size, together=together or size)
    return own.set_index("seed").sort_index()


def effects(tables: Tables) -> pd.DataFrame:
    """What each arm comes to at its best rate.

    Returns:
        A row a `group`, `arm`, `batch_size` and number of examples normalized `together`: `best_rate` and its `edge`, as
        `measured` gives it; `accuracy` on the test set, the median of the seeds, `ci_low` to `ci_high`; the median `gap`
        between inference and training mode; how many runs `diverged`; and `n`, the seeds.
    """
    rows = []
    for keys, runs in measured(tables).groupby(_KEYS):
        first, lost = runs.iloc[0], (runs["status"] == "diverged").sum()
        test = median_interval(runs["test"].dropna())
        rows.append((*keys, first["learning_rate"], first["edge"], *test[:3], runs["gap"].median(), lost, test.n))
    columns = (*_KEYS, "best_rate", "edge", "accuracy", "ci_low", "ci_high", "gap", "diverged", "n")
    order = [GROUPS.index(row[0]) for row in rows]
    table = pd.DataFrame(rows, columns=columns).assign(order=order)
    return table.sort_values("order", kind="stable", ignore_index=True).drop(columns="order")


@once
def sampling_errors(tables: Tables, setting: str = "") -> pd.DataFrame:
    """By `seed`, `layer` and `size` of a mini-batch, `mean_error` and `variance_error` of its moments, in training mode or
    `AT_INFERENCE`.
    """
    errors = select(tables, "sampling", "errors", setting=setting)
    return errors[["seed", "layer", "size", "mean_error", "variance_error"]]


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


@once
def times(tables: Tables) -> pd.DataFrame:
    """By `arm`, `batch_size` and `seed` of the dense net, `step` and `example`: seconds of training.

    A run that diverged does all its steps too, for they are one call, so it takes as long and counts; one whose loss is not
    finite at the start makes none, and has no time.
    """
    rows = select(tables, "steps", "provenance")
    step = rows["train_seconds"].where(rows["train_seconds"] > 0) / rows["steps"]
    rows = rows.assign(arm=rows["normalization"], step=step, example=step / rows["batch_size"])
    return rows[["arm", "batch_size", "seed", "step", "example"]].reset_index(drop=True)


def memory(tables: Tables) -> pd.DataFrame:
    """By `arm`, `batch_size` and `seed` of `inception_small`, `peak`: MiB of a process that trains nothing else."""
    rows = select(tables, "cost", "provenance")
    rows = rows.assign(arm=rows["normalization"], peak=rows["peak_memory_mib"])
    return rows[["arm", "batch_size", "seed", "peak"]]


def by_seed(table: pd.DataFrame, value: str, **values) -> pd.Series:
    """A column of `times` or `memory` by seed, of one arm and size."""
    return where(table, **values).set_index("seed")[value].sort_index()
