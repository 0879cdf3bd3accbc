"""What the runs come to: gains, steps, gaps, spreads, errors of ensembles. Knows no claim, draws nothing."""

import itertools

import numpy as np
import pandas as pd

from bnrepro.analysis import paper
from bnrepro.analysis.curves import best_metric, final_metric, steps_to_target
from bnrepro.analysis.intervals import Interval, bound_of_median, median_interval, ratio_interval
from bnrepro.analysis.paired import paired, ratios
from bnrepro.analysis.select import group_curves, groups_of
from bnrepro.config.group import Group
from bnrepro.config.registry import find
from bnrepro.experiments.setups import CHANGES
from bnrepro.records.computed import once
from bnrepro.records.results import select
from bnrepro.records.schemas import SCHEMAS, Tables

_ERRORS = paper.figure4().set_index("model")["top1_error"]
ONE, SIX = _ERRORS["BN-Inception multicrop"], _ERRORS["BN-Inception ensemble"]
"""The paper's Figure 4: the error of one network, and of six averaged."""

SETTINGS = ("conv", "dense")
"""By the first a claim is judged; the second was named in advance and stands beside it."""

_SIDES = ("without", "with")

LOSS = 0.3
"""The training loss at which generalization is compared."""

UNCHANGED = "unchanged"
"""The arm with none of the changes of section 4.2.1."""

_CLASSES = [name for name in SCHEMAS["probabilities"] if name.startswith("class_")]


def derive(tables: Tables) -> Tables:
    """The tables to keep: `ensembles` in place of the `probabilities` that it is made of."""
    kept = {name: table for name, table in tables.items() if name != "probabilities"}
    return {**kept, "ensembles": ensemble_errors(tables)}


def net(setting: str, change: str = UNCHANGED, *, with_bn: bool = True) -> Group:
    """The runs of one of `SETTINGS` with a change of section 4.2.1, or with none, with BN or without."""
    return Group("changes" if with_bn else "changes_without_bn", change, setting)


@once
def gain(tables: Tables, without: Group, with_it: Group, split: str = "") -> pd.Series:
    """By seed, how much higher one group is than another: best validation accuracy, or with `split` the last on that split."""
    curves = _compared(tables, without, with_it)
    table = final_metric(curves, split) if split else best_metric(curves)
    pairs = paired(table, table.columns[-1], arms=_SIDES, column="side")
    return pairs["with"] - pairs["without"]


@once
def step_ratios(tables: Tables, without: Group, with_it: Group) -> pd.DataFrame:
    """By seed, `ratio` and `bound` of the steps to the best validation accuracy that the seed has in group `without`."""
    curves = _compared(tables, without, with_it)
    best = best_metric(curves).query("side == 'without'").set_index("seed")["best_metric"]
    pairs = paired(steps_to_target(curves, best), "steps_to_target", arms=_SIDES, column="side")
    return ratios(pairs, curves["steps"].max(), _SIDES)


def _compared(tables: Tables, *groups: Group) -> pd.DataFrame:
    """The curves of two groups, told apart by `side`."""
    parts = [
        group_curves(tables, one.group, arm=one.arm, setting=one.setting).assign(side=side)
        for side, one in zip(_SIDES, groups)
    ]
    return pd.concat(parts, ignore_index=True)


@once
def effects(tables: Tables) -> pd.DataFrame:
    """What each change of section 4.2.1 does to the net with BN, in both settings.

    Returns:
        A row a setting and change: `effect` on the best validation accuracy (a fraction), its interval `ci_low`, `ci_high`,
        `smallest_seen`, the smallest effect that the design could have seen (half the interval's width); `steps_ratio`, the
        steps without the change over those with it until the best accuracy of the net without it, its interval `ratio_low`,
        `ratio_high`, and its `bound` as in `findings.Row`; `n`, the seeds.
    """
    rows = []
    for setting, change in itertools.product(SETTINGS, CHANGES):
        without, with_it = net(setting), net(setting, change)
        if with_it in groups_of(tables):
            effect = median_interval(gain(tables, without, with_it))
            steps = step_ratios(tables, without, with_it)
            ratio = ratio_interval(steps)
            rows.append(
                (setting, change, *effect[:3], smallest_seen(effect), *ratio[:3], bound_of_median(steps), ratio.n)
            )
    names = ("effect", "ci_low", "ci_high", "smallest_seen", "steps_ratio", "ratio_low", "ratio_high", "bound", "n")
    return pd.DataFrame(rows, columns=("setting", "change", *names))


def smallest_seen(effect: Interval) -> float:
    """The smallest effect that the design could have seen: half the width of the interval."""
    return (effect.ci_high - effect.ci_low) / 2


@once
def shuffling(tables: Tables) -> pd.DataFrame:
    """By `setting` and `seed` the `gain` of thorough shuffling; the `arm` is `batch`, `none` or the `difference` of the two."""
    parts = []
    for setting in SETTINGS:
        gains = pd.DataFrame(
            {
                arm: gain(tables, net(setting, with_bn=with_bn), net(setting, "shuffling", with_bn=with_bn))
                for arm, with_bn in (("batch", True), ("none", False))
            }
        )
        gains = gains.assign(difference=gains["batch"] - gains["none"]).reset_index()
        parts.append(gains.melt("seed", var_name="arm", value_name="gain").assign(setting=setting))
    return pd.concat(parts, ignore_index=True)[["setting", "arm", "seed", "gain"]]


def spreads(tables: Tables) -> pd.DataFrame:
    """The table `mates` of the group `mates`, with `seed`."""
    return select(tables, "mates")[["run", "seed"]].merge(tables["mates"], on="run")


@once
def gaps(tables: Tables) -> pd.DataFrame:
    """Training minus held-out accuracy, in inference mode, of each run of the groups `gap` and `noise`.

    Returns:
        The runs with `arm` (the normalization, and `_dropout` where there is), `size` (training examples), `last`: training
        minus test accuracy at the last step, NaN where the run diverged; and `equal`: training minus validation accuracy
        where the training loss first falls to `LOSS`, on a straight line in its logarithm between two evaluations, NaN where
        it never does.
    """
    runs = select(tables, ("gap", "noise"))
    curves = tables["curves"][tables["curves"]["run"].isin(runs["run"])].sort_values("step")
    by_run = {run: curves.iloc[:0] for run in runs["run"]} | dict(list(curves.groupby("run")))
    whole = runs["task"].map(lambda task: find("task", task).total) - runs["validation_examples"]
    return runs.assign(
        arm=runs["normalization"] + np.where(runs["dropout"] > 0, "_dropout", ""),
        size=runs["train_examples"].where(runs["train_examples"] > 0, whole),
        last=[_last_gap(by_run[run]) for run in runs["run"]],
        equal=[_equal_gap(by_run[run]) for run in runs["run"]],
    )


def _last_gap(curves: pd.DataFrame) -> float:
    ends = curves[curves["step"] == curves["step"].max()].set_index("split")["value"]
    return ends.get("fit", np.nan) - ends.get("test", np.nan)


def _equal_gap(curves: pd.DataFrame) -> float:
    fit, held_out = (curves[curves["split"] == split].set_index("step") for split in ("fit", "validation"))
    below = np.flatnonzero(fit["loss"] <= LOSS)
    if not below.size:
        return np.nan
    around = slice(max(below[0] - 1, 0), below[0] + 1)
    gap = (fit["value"] - held_out["value"]).loc[fit.index].iloc[around]
    return float(np.interp(-np.log(LOSS), -np.log(fit["loss"].iloc[around].clip(lower=1e-12)), gap))


def gap_difference(table: pd.DataFrame, value: str, arms: tuple[str, str]) -> pd.Series:
    """By seed the second arm's gap minus the first's; NaN where one arm has none."""
    pairs = paired(table, value, arms=arms, column="arm")
    return pairs[arms[1]] - pairs[arms[0]]


def few(table: pd.DataFrame) -> pd.DataFrame:
    """The gaps of the training-set size that the group `noise` has."""
    return table[table["size"].isin(table.loc[table["arm"] == "noise", "size"])]


def ensemble_errors(tables: Tables) -> pd.DataFrame:
    """By seed and number of members, the test error of the averaged class probabilities: the table `ensembles`.

    The mean over all ways to choose so many of the seed's nets. A net that diverged is a member too and guesses: it gives
    every class the same probability, so alone it is as good as chance and among others it changes nothing. Where classes
    tie for the largest probability, one of them is taken at random; the error is the expected one.
    """
    nets = select(tables, "ensemble")
    measured = {run: rows.sort_values("example") for run, rows in tables["probabilities"].groupby("run")}
    labels = next(iter(measured.values()))["label"].to_numpy(int) if measured else np.zeros(1, int)
    guess = np.full((len(labels), len(_CLASSES)), 1 / len(_CLASSES))
    rows = []
    for seed, members in nets.groupby("seed"):
        each = np.stack(
            [
                measured[net.run][_CLASSES].to_numpy(float) if net.status != "diverged" else guess
                for net in members.itertuples()
            ]
        )
        for count in range(1, len(each) + 1):
            chosen = itertools.combinations(range(len(each)), count)
            errors = [_error(each[list(subset)].sum(axis=0), labels) for subset in chosen]
            rows.append((seed, count, float(np.mean(errors))))
    return pd.DataFrame(rows, columns=SCHEMAS["ensembles"])


def _error(sums: np.ndarray, labels: np.ndarray) -> float:
    largest = sums == sums.max(axis=1, keepdims=True)
    return 1 - float((largest[np.arange(len(labels)), labels] / largest.sum(axis=1)).mean())
