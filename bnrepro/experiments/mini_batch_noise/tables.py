"""What the runs come to after training and at equal training loss, and which rates are chosen. Knows no claim, draws nothing."""

import numpy as np
import pandas as pd
from pandas.api.typing import DataFrameGroupBy

from bnrepro.analysis.curves import at_end, final_metric
from bnrepro.analysis.paired import paired
from bnrepro.analysis.select import group_curves, where
from bnrepro.records.computed import once
from bnrepro.records.schemas import Tables

ARM = ("arm", "over")
"""What says which arm a run is: its normalization, with `_noise` and `_dropout` where there is, or `gamma_decay`; over how many
examples BN normalizes, or those whose noise is added; 0 without BN.
"""

OVER = 64
"""Over how many examples the net that is called the one with BN normalizes: the paper's dense net has mini-batches of 60."""

WITHOUT, WITH_BN = ("none", 0), ("batch", OVER)
"""The net without BN, and the one with BN that it is compared with."""

FEW = 4
"""Examples of the smallest ghost batches, whose effect noise alone is to have."""

WHOLE, GHOSTS = ("batch", 256), ("batch", FEW)
DROPPED, KEPT, NOISE = ("population", 256), ("kept", 256), ("kept_noise", FEW)
GAMMA = ("gamma_decay", 256)
APART = (WHOLE, GHOSTS, DROPPED, KEPT, NOISE, GAMMA)
"""What tells noise from normalization: BN over the mini-batch and over its smallest ghost batches; population statistics with
BN's gradient dropped, kept, and kept with the noise of these ghost batches; and BN over the mini-batch whose gamma decays.
"""

BEST, SECOND, SAME = "", "second", "same_rate"
"""The settings of the judged runs: each arm at its best rate; the net without BN at its second best one; the nets of `APART` at
the best rate of the first of them, and of `DOSES` the one with BN at that of the smallest ghost batches.
"""

DOSES = "doses"
"""The group of the nets with BN over several numbers of examples that are compared at equal training loss."""

FIRST_DOSE = 300
"""The first of their seeds, of which the others have seen none."""

SETTING = ("learning_rate", "weight_decay")
"""What an arm chooses; the decay is 0 but where gamma decays."""

LEVEL = 0.05
"""The training loss at which generalization is compared."""

LEVELS = (0.2, 0.1, LEVEL, 0.02)
"""Those at which it is shown."""

DOSE_LEVEL = 0.1
"""That at which nets of `DOSES` are compared, for BN over the smallest ghost batches takes long to get farther."""

DOSE_LEVELS = (0.2, DOSE_LEVEL, LEVEL)
"""Those at which they are shown."""

BEFORE = 2
"""Fewest evaluations of a net in training before one of these, for it to be known how the net gets there."""


def derive(tables: Tables) -> Tables:
    """The tables to keep: of `curves` what is read, the last evaluation of a run, and of one that is compared at equal training
    loss those right before and after its loss is first at most each of `LEVELS`, or of `DOSE_LEVELS`.
    """
    ends = group_curves(tables, ("choice", "judged"))
    parts = [ends[ends["step"] == ends["steps"]], *_compared(tables, "equal", LEVELS)]
    parts += _compared(tables, DOSES, DOSE_LEVELS)
    kept = pd.concat(parts)[["run", "step", "split"]].query("split != 'train'")
    return {**tables, "curves": tables["curves"].merge(kept.drop_duplicates(), on=["run", "step", "split"])}


def _compared(tables: Tables, group: str, levels: tuple[float, ...]) -> list[pd.DataFrame]:
    curves = group_curves(tables, group).drop_duplicates(["run", "step", "split"])
    lasts = curves.groupby("run")["step"].max()
    around = {run: [step for level in levels for step in _around(own, level)] for run, own in _in_training(curves)}
    return [own[own["step"].isin({lasts[run], *around.get(run, ())})] for run, own in curves.groupby("run")]


def with_arms(runs: pd.DataFrame) -> pd.DataFrame:
    """Adds to runs the columns of `ARM`."""
    noise = runs.get("normalization.noise_size", pd.Series(0, runs.index)).fillna(0).astype(int)
    over = runs["ghost_size"].where(runs["ghost_size"] > 0, runs["batch_size"]).where(noise == 0, noise)
    words = runs["normalization"].mask(runs["weight_decay_on"] == "gamma", "gamma_decay")
    return runs.assign(
        arm=words + np.where(noise > 0, "_noise", "") + np.where(runs["dropout"] > 0, "_dropout", ""),
        over=over.where(runs["normalization"] != "none", 0),
    )


def best_settings(curves: pd.DataFrame, place: int = 0) -> dict[tuple[str, int], dict[str, float]]:
    """By arm the values of `SETTING` of the highest accuracy on held-out examples after training, the median of its seeds.

    Args:
        curves: Of the runs that choose.
        place: 0 for the best, 1 for the second best; of equals the lowest comes first. An arm with fewer is left out.
    """
    runs = with_arms(final_metric(curves))
    medians = runs.groupby([*ARM, *SETTING])["final_metric"].median().reset_index()
    ordered = medians.sort_values("final_metric", ascending=False, kind="stable").groupby(list(ARM)).nth(place)
    return ordered.set_index(list(ARM))[list(SETTING)].to_dict("index")


@once
def chosen(tables: Tables) -> pd.DataFrame:
    """The runs that choose: `final_metric`, whether their setting was `chosen`, and whether the chosen rate is `at_edge` of
    the rates tried.
    """
    curves = group_curves(tables, "choice")
    best, runs = best_settings(curves), with_arms(final_metric(curves))
    own = pd.DataFrame([best[arm] for arm in zip(runs["arm"], runs["over"])], runs.index, dtype=float)
    ends = runs["learning_rate"].agg(["min", "max"])
    settled = (runs[list(SETTING)] == own[list(SETTING)]).all(axis=1)
    return runs.assign(chosen=settled, at_edge=own["learning_rate"].isin(ends))


@once
def ended(tables: Tables, setting: str = BEST) -> pd.DataFrame:
    """The judged runs after training, as `curves.at_end` has them. `setting` is `BEST`, `SECOND` or `SAME`."""
    return with_arms(at_end(group_curves(tables, "judged", setting=setting)))


@once
def at_equal_loss(tables: Tables, level: float = LEVEL, setting: str = BEST, group: str = "equal") -> pd.DataFrame:
    """The runs of a group where their training loss is first at most `level`: `accuracy` and `loss` on the held-out examples.

    Both lie on a straight line in the logarithm of the training loss between that evaluation and the one before. `before` is how
    many evaluations of the net in training there are before it; where they are fewer than `BEFORE`, or the loss never gets
    there, accuracy and loss are NaN.
    """
    curves = group_curves(tables, group, setting=setting)
    runs = with_arms(final_metric(curves)).drop(columns="final_metric")
    every = runs.set_index("run")["evaluate_every"]
    found = [(run, *_crossing(own, level, every[run])) for run, own in _in_training(curves)]
    return runs.merge(pd.DataFrame(found, columns=["run", "accuracy", "loss", "before"]), on="run", how="left")


def _in_training(curves: pd.DataFrame) -> DataFrameGroupBy:
    """By run its evaluations by step, without that of the untrained net: loss on the training examples, and on held-out ones.

    The columns are `fit`, `accuracy` and `loss`.
    """
    trained = curves[curves["step"] > 0].pivot(index=["run", "step"], columns="split", values=["value", "loss"])
    table = trained.reindex(columns=[("loss", "fit"), ("value", "validation"), ("loss", "validation")])
    return table.set_axis(["fit", "accuracy", "loss"], axis=1).reset_index("run").groupby("run")


def _crossing(evaluations: pd.DataFrame, level: float, every: int) -> tuple[float, float, float]:
    steps = _around(evaluations, level)
    before = np.ceil(steps[-1] / every) - 1 if len(steps) else np.nan
    if not before >= BEFORE:
        return np.nan, np.nan, before
    own = evaluations.loc[steps]
    logs = -np.log(own["fit"].clip(lower=1e-12))
    return *(np.interp(-np.log(level), logs, own[of]) for of in ("accuracy", "loss")), before


def _around(evaluations: pd.DataFrame, level: float) -> pd.Index:
    """The first step at which the training loss is at most `level`, behind the one evaluated before; none where none is."""
    below = np.flatnonzero(evaluations["fit"] <= level)
    return evaluations.index[max(below[0] - 1, 0) : below[0] + 1] if below.size else evaluations.index[:0]


def of_arm(table: pd.DataFrame, arm: tuple[str, int], value: str) -> pd.Series:
    """A column of the runs of an arm by seed; empty where it was not trained."""
    return where(table, **dict(zip(ARM, arm))).set_index("seed")[value].sort_index()


def difference(table: pd.DataFrame, value: str, first: tuple[str, int], second: tuple[str, int]) -> pd.Series:
    """By seed a column of the second arm minus that of the first; no row where one of them was not trained.

    Raises:
        ValueError: As `paired`, which sets the arms side by side.
    """
    without, with_it = (" ".join(map(str, arm)) for arm in (first, second))
    named = table.assign(pair=table["arm"] + " " + table["over"].astype(str))
    if not {without, with_it} <= set(named["pair"]):
        return pd.Series(dtype=float)
    pairs = paired(named, value, arms=(without, with_it), column="pair")
    return pairs[with_it] - pairs[without]


def share(table: pd.DataFrame, value: str, first: tuple[str, int], second: tuple[str, int]) -> pd.Series:
    """By seed the difference between two arms over that between `WHOLE` and `GHOSTS`; no row where one was not trained."""
    return (difference(table, value, first, second) / difference(table, value, WHOLE, GHOSTS)).dropna()


def doses(runs: pd.DataFrame) -> list[tuple[str, int]]:
    """The arms with BN and without Dropout, by the examples that BN normalizes together."""
    return [("batch", over) for over in sorted(set(where(runs, arm="batch")["over"]))]
