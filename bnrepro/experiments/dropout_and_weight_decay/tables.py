"""What the runs come to: accuracies, variance shifts, what a matched rate reproduces, what Dropout does to convolutional nets.

Knows no claim and draws nothing. A run that diverged guesses where an accuracy is asked of it, and has no value elsewhere.
"""

from typing import NamedTuple

import numpy as np
import pandas as pd

from bnrepro.analysis.curves import at_end, evaluations, final_metric
from bnrepro.analysis.intervals import Interval, bounded_interval, median_interval
from bnrepro.analysis.select import at_best_rate, group_curves, over_start, where
from bnrepro.records.computed import once
from bnrepro.records.results import select
from bnrepro.records.schemas import Tables

DROPOUT, DECAY = 0.5, 0.003
"""The Dropout rate and the L2 weight by which the claims are judged."""

LOSS_DECAY = 0.01
"""The L2 weight of the runs that are judged by their validation loss."""

PLACES = ("before", "after", "last")
REACHES = ("hidden", "kernels", "all")
STATISTICS = ("moving", "population", "no_dropout")
"""Those that `shift` compares: running averages, Algorithm 2 with Dropout active, Algorithm 2 with Dropout off."""

ACCURACY = "accuracy"
"""The group of the runs with BN whose accuracy is read through the population statistics of Algorithm 2."""

ARMS = ("plain", "decay", "matched")
"""Of the groups `decay`, `fresh` and `loss`: without decay, with it, and at the rate that stands for decay of the hidden kernels.

`fresh` is the same at the L2 weight `DECAY`, on seeds that were trained after D5 and D6 had been declared.
"""

WHY = ("matched", "other", "nothing")
"""Why a share counts as 0: the matched run diverged, another run did, decay changed nothing."""

CHOICE, CONVOLUTIONAL = "choice", "convolutional"
"""The groups of the convolutional nets that choose a learning rate, and of those that are judged."""

WEAK, STRONG = 0.2, 0.4
"""The Dropout rates of the convolutional nets: half the paper's, with which a net fits more of its examples, and the paper's."""

NET = ["normalization", "dropout"]
"""What says which of the convolutional nets a run is."""


def derive(tables: Tables) -> Tables:
    """The tables to keep: of `geometry` the weights and the rate, for the gradients are not read; of `curves` what is read."""
    geometry, curves = tables["geometry"], tables["curves"]
    groups = curves["run"].map(tables["sweep"].drop_duplicates("run").set_index("run")["group"])
    unread = (
        (groups == ACCURACY) & (curves["split"] != "test")
        | (groups == CHOICE) & ((curves["split"] != "validation") | (curves["step"] == 0))
        | (groups == CONVOLUTIONAL) & (curves["split"] == "train")
    )
    return {
        **tables,
        "geometry": geometry[geometry["layer"] == "all"].reset_index(drop=True),
        "curves": curves[~unread].reset_index(drop=True),
    }


@once
def accuracies(tables: Tables) -> pd.DataFrame:
    """The runs with Dropout or decay, and those without, with `final_metric` on the test set, and what is done how much.

    Those with BN are of the group `ACCURACY`. `regularizer` is `dropout` or `decay`; `arm` is `plain` where there is none of it,
    else `dropout`, `decay` or `matched`, and with BN one net without any is there for both; `setting` is the place of Dropout or
    what decays; `amount` is the Dropout rate or the L2 weight.
    """
    runs = final_metric(group_curves(tables, (ACCURACY, "dropout_without_bn", "decay")), "test")
    runs = runs[(runs["normalization"] == "none") | (runs["group"] == ACCURACY)]
    drops = runs["dropout"] > 0
    of_dropout = drops | (runs["group"] == "dropout_without_bn")
    runs = runs.assign(
        regularizer=np.where(of_dropout, "dropout", "decay"),
        arm=runs["arm"].where(~of_dropout, np.where(drops, "dropout", "plain")),
        setting=runs["setting"].where(~of_dropout, runs["dropout_place"].where(drops, "")),
        amount=l2_weight(runs).where(~of_dropout, runs["dropout"]),
    )
    both = runs[(runs["group"] == ACCURACY) & (runs["arm"] == "plain")].assign(regularizer="dropout")
    return pd.concat([both, runs], ignore_index=True)


def l2_weight(runs: pd.DataFrame) -> pd.Series:
    """What decays, or what is imitated."""
    return runs[["weight_decay", "matched_decay"]].max(axis=1)


def effects(tables: Tables) -> pd.DataFrame:
    """What each regularizer does to the final test accuracy, against the net of the same seed without it.

    Returns:
        A row a `regularizer`, `arm`, `setting`, `normalization` and `amount` as in `accuracies`: the median
        `accuracy`; `effect` on it (a fraction), the median of the differences by seed, and its interval `ci_low`, `ci_high`;
        `n`, the seeds; `diverged`, the runs that did.
    """
    runs = accuracies(tables)
    plain = runs["arm"] == "plain"
    keys = ["regularizer", "normalization", "seed"]
    pairs = runs[~plain].merge(runs.loc[plain, [*keys, "final_metric"]], on=keys, suffixes=("", "_plain"))
    cell, rows = ["regularizer", "arm", "setting", "normalization", "amount"], []
    for found, own in pairs.groupby(cell, sort=False):
        effect = median_interval(own["final_metric"] - own["final_metric_plain"])
        lost = int((own["status"] == "diverged").sum())
        rows.append((*found, own["final_metric"].median(), *effect, lost))
    return pd.DataFrame(rows, columns=[*cell, "accuracy", "effect", "ci_low", "ci_high", "n", "diverged"])


@once
def shifts(tables: Tables) -> pd.DataFrame:
    """The table `variances` of the nets with BN with and without Dropout; `ratio` is the variance at inference over that in use.

    A row a run, layer and choice of statistics. The rows of a net without Dropout are there once for each place, at the rate 0.
    """
    rows = select(tables, "dropout", "variances")
    return _at_each_place(rows.assign(ratio=rows["seen_over_used"].astype(float)))


@once
def shifted(tables: Tables) -> pd.DataFrame:
    """By run with BN, and by place without Dropout: `ratio` with the running statistics, the mean of the layers; `distance`
    from 1, the mean of the layers; and `distance_no_dropout`, the same with statistics recomputed without Dropout.

    NaN where a run has none, as where it diverged.
    """
    runs = select(tables, "dropout")
    rows = select(tables, "dropout", "variances")
    ratios = rows["seen_over_used"].astype(float)
    rows = rows.assign(ratio=ratios, distance=(ratios - 1).abs())
    means = rows.groupby(["statistics", "run"])[["ratio", "distance"]].mean()
    found = {name: means.loc[name] if name in means.index else means.droplevel(0).iloc[:0] for name in STATISTICS}
    columns = {
        "ratio": found["moving"]["ratio"],
        "distance": found["moving"]["distance"],
        "distance_no_dropout": found["no_dropout"]["distance"],
    }
    return _at_each_place(runs.assign(**{name: runs["run"].map(values) for name, values in columns.items()}))


def _at_each_place(rows: pd.DataFrame) -> pd.DataFrame:
    """A net without Dropout has no place; it is put to each of them."""
    off, on = rows[rows["arm"] == "plain"], rows[rows["arm"] == "dropout"]
    return pd.concat([*(off.assign(dropout_place=place) for place in PLACES), on], ignore_index=True)


@once
def by_statistics(tables: Tables) -> pd.DataFrame:
    """By run with BN with and without Dropout, `arm` and choice of `statistics`: `accuracy` on the test set at the end."""
    runs = select(tables, "dropout")
    measured = tables["statistics"]
    measured = measured.loc[measured["data"] == "test", ["run", "statistics", "value"]]
    table = runs.merge(pd.DataFrame({"statistics": STATISTICS}), how="cross").merge(
        measured, on=["run", "statistics"], how="left"
    )
    return table.assign(accuracy=table["value"].astype(float).fillna(table["chance"]))


def matching(tables: Tables, group: str = "decay") -> pd.DataFrame:
    """The runs of each of `ARMS`, those with decay of the hidden kernels alone, and `weight`, the L2 weight."""
    runs = select(tables, group)
    runs = runs[runs["setting"].isin(["", "hidden"])].reset_index(drop=True)
    return runs.assign(weight=l2_weight(runs))


@once
def shares(tables: Tables, group: str = "decay") -> pd.DataFrame:
    """How much of what decay does to the training accuracy the matched rate reproduces, by arm, seed and L2 weight.

    The distance of two runs is the mean over training of the absolute difference of their accuracies in training mode between two
    evaluations. `group` is `decay`, or `fresh`, the same on other seeds.

    Returns:
        A row a run at the matched rate, its `weight`: `effect`, the distance of decay from no decay; `rest`, of decay from the
        matched rate; `share`, `1 - rest / effect`, which may be negative; and `missing`, why the share counts as 0: the
        `matched` run diverged, an`other` run did, decay changed `nothing`; else empty.
    """
    measured = _over_steps(tables, matching(tables, group), "train", "value")
    rows = []
    for row in _compared(tables, group):
        effect, rest = (_distance(measured, other, row.decay) for other in (row.plain, row.matched))
        missing = row.lost or ("" if effect > 0 and rest >= 0 else "nothing")
        share = 0.0 if missing else 1 - rest / effect
        rows.append((row.normalization, row.seed, row.weight, effect, rest, share, missing))
    return pd.DataFrame(rows, columns=("normalization", "seed", "weight", "effect", "rest", "share", "missing"))


@once
def changes(tables: Tables) -> pd.DataFrame:
    """What decay and the matched rate do to the mean validation loss over the second half of the steps, of the group `loss`.

    Returns:
        A row an arm and seed: `decay` and `matched`, the loss minus that without either, in nats, NaN where a run diverged;
        `share`, the second over the first; and `missing`, why it counts as 0, as in `shares`.
    """
    runs = matching(tables, "loss")
    losses = _over_steps(tables, runs, "validation", "loss")
    late = losses[2 * losses.index > runs["steps"].max()].mean()
    rows = []
    for row in _compared(tables, "loss"):
        decay, matched = (late.get(other, np.nan) - late.get(row.plain, np.nan) for other in (row.decay, row.matched))
        missing = row.lost or ("nothing" if decay == 0 or np.isnan(decay) else "")
        rows.append((row.normalization, row.seed, decay, matched, 0.0 if missing else matched / decay, missing))
    return pd.DataFrame(rows, columns=("normalization", "seed", "decay", "matched", "share", "missing"))


class _Compared(NamedTuple):
    """A run at the matched rate beside those of its seed with decay and without, and why nothing can be compared, if so."""

    normalization: str
    seed: int
    weight: float
    plain: str
    decay: str
    matched: str
    lost: str


def _compared(tables: Tables, group: str) -> list[_Compared]:
    runs = matching(tables, group).set_index(["arm", "normalization", "seed", "weight"])[["run", "status"]]
    found = []
    for (normalization, seed, weight), run, status in runs.loc["matched"].itertuples():
        plain, decay = (runs.loc[(arm, normalization, seed, at)] for arm, at in (("plain", 0.0), ("decay", weight)))
        lost = status == "diverged", "diverged" in (plain["status"], decay["status"])
        why = next((why for why, so in zip(WHY, lost) if so), "")
        found.append(_Compared(normalization, seed, weight, plain["run"], decay["run"], run, why))
    return found


def _over_steps(tables: Tables, runs: pd.DataFrame, split: str, value: str) -> pd.DataFrame:
    """After the start, a row a step, a column a run; one that diverged has none."""
    curves = tables["curves"]
    finite = runs.loc[runs["status"] != "diverged", "run"]
    own = (curves["split"] == split) & (curves["step"] > 0) & curves["run"].isin(finite)
    return curves[own].pivot(index="step", columns="run", values=value).astype(float)


def _distance(measured: pd.DataFrame, one: str, other: str) -> float:
    """NaN where one of them was not measured."""
    if one not in measured or other not in measured:
        return np.nan
    return float((measured[one] - measured[other]).abs().mean())


@once
def growth(tables: Tables, group: str = "decay") -> pd.DataFrame:
    """Over the steps, `norm` of the hidden kernels and `rate`, the learning rate over the norm's square, relative to their start.

    A row a run that `matching` gives and a step.
    """
    runs = matching(tables, group)
    rows = runs.merge(tables["geometry"], on="run")
    runs = runs.loc[runs["run"].isin(rows["run"]), ["run", "arm", "normalization", "seed", "weight"]]
    relative = over_start(rows).rename(columns={"weight_norm": "norm", "effective_rate": "rate"})
    return runs.merge(relative, on="run")


def losses(tables: Tables) -> pd.DataFrame:
    """Over the steps, the validation `loss` of the runs of the group `loss`."""
    runs = matching(tables, "loss")
    curves = evaluations(runs.merge(tables["curves"], on="run")).dropna(subset=["loss"])
    return curves[["run", "arm", "normalization", "seed", "weight", "step", "loss"]].reset_index(drop=True)


def medians(rows: pd.DataFrame, value: str, runs: int) -> pd.DataFrame:
    """Over the steps, the median of `value` over `runs` runs and its interval: `step`, `estimate`, `ci_low`, `ci_high`.

    A run that diverged is beyond all others from then on; where half of the runs are, there is no median.
    """
    found = []
    for step, values in rows.groupby("step")[value]:
        lost = runs - len(values)
        if 2 * lost < runs:
            table = pd.DataFrame({value: [*values, *[values.max()] * lost], "bound": [""] * len(values) + [">"] * lost})
            found.append((step, *bounded_interval(table, value)[:3]))
    return pd.DataFrame(found, columns=("step", *Interval._fields[:3])).astype(float)


def at_best(runs: pd.DataFrame) -> pd.DataFrame:
    """Of each net the runs at its best rate, by the median of their `final_metric`."""
    return at_best_rate(runs, NET, "final_metric") if len(runs) else runs


@once
def chosen(tables: Tables) -> pd.DataFrame:
    """By net its learning rate, and whether that is `at_edge` of those tried."""
    runs = final_metric(group_curves(tables, CHOICE))
    best = at_best(runs).drop_duplicates(NET)
    return best.assign(at_edge=best["learning_rate"].isin(runs["learning_rate"].agg(["min", "max"])))


@once
def ended(tables: Tables) -> pd.DataFrame:
    """The judged runs after training, as `curves.at_end` has them, and `fit_accuracy` on the training examples."""
    curves = group_curves(tables, CONVOLUTIONAL)
    fitted = final_metric(curves, "fit").set_index("run")["final_metric"]
    runs = at_end(curves)
    return runs.assign(fit_accuracy=runs["run"].map(fitted))


def of_net(tables: Tables, normalization: str, dropout: float, value: str) -> pd.Series:
    """A column of `ended` of one net by seed; empty where it was not trained."""
    return where(ended(tables), normalization=normalization, dropout=dropout).set_index("seed")[value].sort_index()


def gain(tables: Tables, normalization: str, value: str, dropout: float = STRONG) -> pd.Series:
    """By seed what Dropout does to a column of `ended`: with it minus without; no row where one of them was not trained."""
    return (of_net(tables, normalization, dropout, value) - of_net(tables, normalization, 0.0, value)).dropna()


def beyond(tables: Tables, value: str, dropout: float = STRONG) -> pd.Series:
    """By seed what Dropout does with BN minus what it does without."""
    return (gain(tables, "batch", value, dropout) - gain(tables, "none", value, dropout)).dropna()


def beyond_at_each_rate(tables: Tables, dropout: float = STRONG) -> pd.Series:
    """By learning rate the same of the loss on held-out examples, of the runs that choose, all at that rate: medians of seeds."""
    curves = group_curves(tables, CHOICE)
    ends = curves[(curves["step"] == curves["steps"]) & (curves["split"] == "validation")]
    losses = ends.pivot(index=["learning_rate", "seed"], columns=NET, values="loss").reindex(
        columns=pd.MultiIndex.from_product([("none", "batch"), (0.0, dropout)], names=NET)
    )
    change = losses.xs(dropout, axis=1, level="dropout") - losses.xs(0.0, axis=1, level="dropout")
    return (change["batch"] - change["none"]).dropna().groupby(level="learning_rate").median()


def training(tables: Tables) -> pd.DataFrame:
    """By net, `quantity` and step the median loss of the runs on the training examples (`fit`) and on held-out ones
    (`validation`), and its interval, where no run has diverged.
    """
    runs = select(tables, CONVOLUTIONAL)
    curves = group_curves(tables, CONVOLUTIONAL).dropna(subset=["loss"])
    rows = []
    for (split, *net, step), losses in curves.groupby(["split", *NET, "step"])["loss"]:
        if split in ("fit", "validation") and len(losses) == len(where(runs, **dict(zip(NET, net)))):
            rows.append((split, *net, step, *median_interval(losses)))
    return pd.DataFrame(rows, columns=["quantity", *NET, "step", *Interval._fields])
