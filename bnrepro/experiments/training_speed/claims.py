"""The claims on training speed as statistics, and the paper's own numbers. Draws nothing."""

import numpy as np
import pandas as pd

from bnrepro.analysis import paper
from bnrepro.analysis.curves import distance_from_curve, final_accuracy
from bnrepro.analysis.intervals import Statistic, bootstrap_median, bootstrap_ratio, bound_of_median
from bnrepro.analysis.paired import paired, ratios
from bnrepro.analysis.select import group_curves
from bnrepro.experiments.setups import ARMS
from bnrepro.experiments.training_speed.tables import LARGEST_CLASS, TARGET, published, speed
from bnrepro.records.schemas import Tables

PAPER = {
    "T1": paper.STEPS_TO_97_PERCENT["none"] / paper.STEPS_TO_97_PERCENT["batch"],
    "T2": float(paper.figure1a().groupby("arm")["test_accuracy"].last()[["none", "batch"]].diff().iloc[-1]),
}
"""The paper's own numbers; for T2 from the last point that it plots of each arm."""


def analyse(tables: Tables) -> pd.DataFrame:
    """The statistic of each claim: `claim`, `estimate`, `ci_low`, `ci_high`, `n`, `bound`, `note`."""
    return pd.DataFrame(claim(tables) for claim in (_faster, _better, _as_published, _shuffled, _switched_off))


def _faster(tables: Tables) -> Statistic:
    runs = speed(tables)
    table = ratios(paired(runs, "steps_to_target"), runs["steps"].iloc[0])
    reached = runs.groupby("normalization")["reached"].agg(["sum", "size"])
    without, with_bn = (f"{reached.loc[arm, 'sum']} of {reached.loc[arm, 'size']} runs" for arm in ARMS)
    note = f"{TARGET:.0%} reached by {without} without BN and {with_bn} with BN"
    return Statistic("T1", *bootstrap_ratio(table), bound_of_median(table), note)


def _better(tables: Tables) -> Statistic:
    runs = final_accuracy(group_curves(tables, "main"))
    pairs = paired(runs, "final_accuracy")
    diverged = int((runs["status"] == "diverged").sum())
    note = f"{diverged} of {len(runs)} runs diverged and count as guessing" if diverged else ""
    return Statistic("T2", *bootstrap_median(pairs["batch"] - pairs["none"]), note=note)


def _as_published(tables: Tables) -> Statistic:
    curves = group_curves(tables, "main").query("normalization == 'batch'")
    distances = distance_from_curve(curves, published(tables).query("arm == 'batch'"))["distance"].dropna()
    note = "" if len(distances) else "the runs end before the first point of the paper's curve, or are on other data"
    return Statistic("T4", *bootstrap_median(distances), note=note)


def _shuffled(tables: Tables) -> Statistic:
    runs = final_accuracy(group_curves(tables, "shuffled"))
    better = paired(runs, "final_accuracy")[list(ARMS)].max(axis=1)
    return Statistic("C1", *bootstrap_median(better - LARGEST_CLASS[runs["task"].iloc[0]]))


def _switched_off(tables: Tables) -> Statistic:
    """The largest difference is also both ends of the interval, for the claim is about every seed."""
    off = group_curves(tables, "off")
    none = group_curves(tables, "main").query("normalization == 'none'")
    none = none[none["step"] <= off["steps"].iloc[0]]
    both = off.merge(none, on=["seed", "step", "split"], suffixes=("_off", "_none"), how="outer")
    differences = pd.concat(
        [_difference(both[f"{name}_off"], both[f"{name}_none"]) for name in ("loss", "accuracy")], axis=1
    )
    largest = differences.max(axis=None)
    evaluated = int((both["split"] == "test").sum())
    note = f"over {evaluated} evaluations and the {len(both) - evaluated} stretches of training between them"
    return Statistic("C2", largest, largest, largest, both["seed"].nunique(), note=note)


def _difference(one: pd.Series, other: pd.Series) -> pd.Series:
    """The absolute difference; 0 where both are missing, infinite where one is."""
    same = (one == other) | (one.isna() & other.isna())
    return (one - other).abs().fillna(np.inf).where(~same, 0.0)
