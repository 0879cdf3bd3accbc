"""What the runs come to: accuracies, variance shifts, what a matched rate reproduces.

Knows no claim and draws nothing. A run that diverged guesses where an accuracy is asked of it, and has no value elsewhere.
"""

import numpy as np
import pandas as pd

from bnrepro.analysis.curves import evaluations, final_accuracy
from bnrepro.analysis.intervals import Interval, bounded_interval, median_interval
from bnrepro.analysis.select import curves_of, over_start, rows_of
from bnrepro.records.schemas import Tables

DROPOUT, DECAY = 0.5, 0.003
"""The Dropout rate and the L2 weight by which the claims are judged."""

PLACES = ("before", "after", "last")
REACHES = ("hidden", "kernels", "all")
STATISTICS = ("moving", "population", "no_dropout")
"""Those that `shift` compares: running averages, Algorithm 2 with Dropout active, Algorithm 2 with Dropout off."""

_DROPPED = ("dropout_off", "dropout", "dropout_none")
_DECAYED = ("decay_off", *(f"decay_{reach}" for reach in REACHES), "matched")
MATCHING = ("decay_off", "decay_hidden", "matched")
"""The groups that are compared: without decay, with it, and at the rate that stands for it."""

FRESH = ("fresh_off", "fresh_decay", "fresh_matched")
"""The same at the L2 weight `DECAY`, on seeds that were trained after D5 and D6 had been declared."""

WHY = ("matched", "other", "nothing")
"""Why a share counts as 0: the matched run diverged, another run did, decay changed nothing."""


def accuracies(tables: Tables) -> pd.DataFrame:
    """The runs of all groups with `final_accuracy` on the test set, `kind` and `amount`.

    `kind` is `dropout_<place>`, `decay_<reach>` or `matched`; of a net without any of them it is the group's name,
    `dropout_off` or `decay_off`. `amount` is the Dropout rate or the L2 weight.
    """
    groups = [group for group in (*_DROPPED, *_DECAYED) if group in set(tables["sweep"]["group"])]
    runs = final_accuracy(curves_of(tables, *groups), "test")
    dropped = runs["arm"].isin(_DROPPED)
    kind = runs["arm"].where(~dropped, "dropout_" + runs["dropout_place"].where(runs["dropout"] > 0, "off"))
    return runs.assign(kind=kind, amount=runs["dropout"].where(dropped, l2_weight(runs)))


def l2_weight(runs: pd.DataFrame) -> pd.Series:
    """What decays, or what is imitated."""
    return runs[["weight_decay", "matched_decay"]].max(axis=1)


def effects(tables: Tables) -> pd.DataFrame:
    """What each regularizer does to the final test accuracy, against the net of the same seed without it.

    Returns:
        A row a `kind`, arm and `amount` as in `accuracies`: the median `accuracy`; `effect` on it (a fraction), the median of
        the differences by seed, and its interval `ci_low`, `ci_high`; `n`, the seeds; `diverged`, the runs that did.
    """
    runs = accuracies(tables)
    off = runs[runs["kind"].isin(["dropout_off", "decay_off"])].assign(regularizer=lambda rows: _regularizer(rows))
    keys = ["regularizer", "normalization", "seed"]
    runs = runs[~runs["run"].isin(off["run"])].assign(regularizer=lambda rows: _regularizer(rows))
    pairs = runs.merge(off[[*keys, "final_accuracy"]], on=keys, suffixes=("", "_off"))
    rows = []
    for (kind, arm, amount), own in pairs.groupby(["kind", "normalization", "amount"], sort=False):
        effect = median_interval(own["final_accuracy"] - own["final_accuracy_off"])
        lost = int((own["status"] == "diverged").sum())
        rows.append((kind, arm, amount, own["final_accuracy"].median(), *effect, lost))
    names = ("kind", "normalization", "amount", "accuracy", "effect", "ci_low", "ci_high", "n", "diverged")
    return pd.DataFrame(rows, columns=names)


def _regularizer(runs: pd.DataFrame) -> pd.Series:
    return runs["kind"].str.split("_").str[0].replace("matched", "decay")


def shifts(tables: Tables) -> pd.DataFrame:
    """The table `variances` of the nets with BN with and without Dropout; `ratio` is the variance at inference over that in use.

    A row a run, layer and choice of statistics. The rows of a net without Dropout are there once for each place, at the rate 0.
    """
    rows = rows_of(tables, ("dropout_off", "dropout"), "variances")
    return _at_each_place(rows.assign(ratio=rows["seen_over_used"].astype(float)))


def shifted(tables: Tables) -> pd.DataFrame:
    """By run with BN, and by place without Dropout: `ratio` with the running statistics, the mean of the layers; `distance`
    from 1, the mean of the layers; and `distance_no_dropout`, the same with statistics recomputed without Dropout.

    NaN where a run has none, as where it diverged.
    """
    runs = rows_of(tables, ("dropout_off", "dropout"))
    rows = rows_of(tables, ("dropout_off", "dropout"), "variances")
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
    off, on = rows[rows["group"] == "dropout_off"], rows[rows["group"] == "dropout"]
    return pd.concat([*(off.assign(dropout_place=place) for place in PLACES), on], ignore_index=True)


def by_statistics(tables: Tables) -> pd.DataFrame:
    """By run with BN with and without Dropout, `group` and choice of `statistics`: `accuracy` on the test set at the end."""
    runs = rows_of(tables, ("dropout_off", "dropout"))
    said = tables["statistics"]
    said = said.loc[said["data"] == "test", ["run", "statistics", "value"]]
    table = runs.merge(pd.DataFrame({"statistics": STATISTICS}), how="cross").merge(
        said, on=["run", "statistics"], how="left"
    )
    return table.assign(accuracy=table["value"].astype(float).fillna(table["chance"]))


def shares(tables: Tables, groups: tuple[str, str, str] = MATCHING) -> pd.DataFrame:
    """How much of what decay does over training the matched rate reproduces, by arm, seed and L2 weight.

    The distance of two runs is the mean over the evaluations after the start of the absolute difference of their validation
    losses. `groups` are the runs without decay, with it, and at the matched rate.

    Returns:
        A row a run at the matched rate, its `weight`: `effect`, the distance of decay from no decay; `rest`, of decay from the
        matched rate; `share`, `1 - rest / effect`, which may be negative; and `missing`, why the share counts as 0: the
        `matched` run diverged, an`other` run did, decay changed `nothing`; else empty. `training_share` is the same of the
        training accuracy, which is measured in training mode between two evaluations.
    """
    runs = rows_of(tables, groups)
    measured = _over_steps(tables, runs, "validation", "loss"), _over_steps(tables, runs, "train", "value")
    keys = ["group", "normalization", "seed", "weight"]
    runs = runs.assign(weight=l2_weight(runs)).set_index(keys)[["run", "status"]]
    rows = []
    for (group, arm, seed, weight), run, status in runs.itertuples():
        if group != groups[2]:
            continue
        off, decay = (runs.loc[(name, arm, seed, at)] for name, at in zip(groups, (0.0, weight)))
        effect, rest = (_distance(measured[0], other, decay["run"]) for other in (off["run"], run))
        training = [_distance(measured[1], other, decay["run"]) for other in (off["run"], run)]
        lost = status == "diverged", "diverged" in (off["status"], decay["status"]), not (effect > 0 and rest >= 0)
        missing = next((why for why, so in zip(WHY, lost) if so), "")
        training_share = 0.0 if missing or not training[0] > 0 else 1 - training[1] / training[0]
        share = 0.0 if missing else 1 - rest / effect
        rows.append((arm, seed, weight, effect, rest, share, missing, training_share))
    names = ("normalization", "seed", "weight", "effect", "rest", "share", "missing", "training_share")
    return pd.DataFrame(rows, columns=names)


def nearly_equal(tables: Tables) -> pd.DataFrame:
    """How far runs drift apart that hardly differ: by arm and seed, the `distance`, as in `shares`, of the run whose kernels all
    decay with the smallest L2 weight, `weight`, from the one without decay. NaN where one diverged.
    """
    runs = rows_of(tables, ("decay_off", "decay_kernels"))
    losses = _over_steps(tables, runs, "validation", "loss")
    off = runs[runs["group"] == "decay_off"].set_index(["normalization", "seed"])["run"]
    least = runs[runs["group"] == "decay_kernels"].query("weight_decay == weight_decay.min()")
    rows = [
        (run.normalization, run.seed, run.weight_decay, _distance(losses, off[run.normalization, run.seed], run.run))
        for run in least.itertuples()
    ]
    return pd.DataFrame(rows, columns=("normalization", "seed", "weight", "distance"))


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


def growth(tables: Tables) -> pd.DataFrame:
    """Over the steps, `norm` of the hidden kernels and `rate`, the learning rate over the norm's square, relative to their start.

    A row a run of the groups `decay_off`, `decay_hidden` and `matched` and a step; `weight` is the L2 weight.
    """
    rows = rows_of(tables, MATCHING, "geometry")
    runs = rows.drop_duplicates("run")[["run", "group", "normalization", "seed"]].assign(weight=l2_weight(rows))
    relative = over_start(rows).rename(columns={"weight_norm": "norm", "effective_rate": "rate"})
    return runs.merge(relative, on="run")


def losses(tables: Tables) -> pd.DataFrame:
    """Over the steps, the validation `loss` of the groups `decay_off`, `decay_hidden` and `matched` by L2 weight, `weight`."""
    curves = evaluations(curves_of(tables, *MATCHING)).dropna(subset=["loss"])
    curves = curves.assign(weight=l2_weight(curves)).rename(columns={"arm": "group"})
    return curves[["run", "group", "normalization", "seed", "weight", "step", "loss"]]


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
