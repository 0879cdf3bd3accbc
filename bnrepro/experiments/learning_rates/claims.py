"""The claims on learning rates as statistics, a function each; the notes say what a number leaves out. Draws nothing."""

import numpy as np
import pandas as pd

from bnrepro.analysis.curves import CHANCE, best_accuracy, steps_to_target
from bnrepro.analysis.formatting import number
from bnrepro.analysis.intervals import Statistic, bootstrap_bounded, bootstrap_median, bootstrap_ratio, bound_of_median
from bnrepro.analysis.paired import paired, ratios
from bnrepro.analysis.select import curves_of, ratios_with_bn
from bnrepro.experiments.learning_rates.tables import (
    invariances,
    isometry,
    published,
    race,
    rate_sweep,
    rated,
    step_ratios,
)
from bnrepro.plotting.arms import LABELS
from bnrepro.records.schemas import Tables

_PUBLISHED = published().set_index("arm")

PAPER = {
    "L1": float(_PUBLISHED.loc["bn_baseline", "paper_fewer"]),
    "L2": float(_PUBLISHED.loc["bn_x5", "paper_fewer"] / _PUBLISHED.loc["bn_baseline", "paper_fewer"]),
    "L3": float(_PUBLISHED["paper_best_accuracy"]["bn_x30"] - _PUBLISHED["paper_best_accuracy"]["bn_x5"]),
}
"""The paper's own numbers, of its Figure 3."""


def analyse(tables: Tables) -> pd.DataFrame:
    """The statistic of each claim, a row each, in the order of the claims."""
    runs = race(tables)
    of_arms = (_faster, _faster_still, _as_high, _too_fast_without, _sigmoid_without, _sigmoid_with)
    of_tables = (_widest, _at_its_best, _invariant, _isometric)
    return pd.DataFrame([*(claim(runs) for claim in of_arms), *(claim(tables) for claim in of_tables)])


def _faster(runs: pd.DataFrame) -> Statistic:
    pairs = step_ratios(runs, "baseline", "bn_baseline")
    return Statistic("L1", *bootstrap_ratio(pairs), bound_of_median(pairs), _outcomes(runs, "baseline", "bn_baseline"))


def _faster_still(runs: pd.DataFrame) -> Statistic:
    pairs, whole = step_ratios(runs, "bn_baseline", "bn_x5"), step_ratios(runs, "baseline", "bn_x5")
    times = f"{bound_of_median(whole)} {number(bootstrap_ratio(whole).estimate)}".strip()
    note = f"{_outcomes(runs, 'bn_baseline', 'bn_x5')}; Baseline over BN-x5: {times}"
    return Statistic("L2", *bootstrap_ratio(pairs), bound_of_median(pairs), note)


def _as_high(runs: pd.DataFrame) -> Statistic:
    pairs = paired(runs, "best_accuracy", arms=("bn_x5", "bn_x30"), column="arm")
    return Statistic("L3", *bootstrap_median(pairs["bn_x30"] - pairs["bn_x5"]), note=_lost(runs, "bn_x5", "bn_x30"))


def _too_fast_without(runs: pd.DataFrame) -> Statistic:
    final = runs.pivot(index="seed", columns="arm", values="final_accuracy")
    better = final[["baseline_x5", "baseline_x30"]].max(axis=1)
    note = _lost(runs, "baseline", "baseline_x5", "baseline_x30")
    return Statistic("L4", *bootstrap_median(better - final["baseline"]), note=note)


def _sigmoid_without(runs: pd.DataFrame) -> Statistic:
    final = runs.loc[runs["arm"] == "sigmoid", "final_accuracy"]
    return Statistic("L5a", *bootstrap_median(final - CHANCE), note=_lost(runs, "sigmoid"))


def _sigmoid_with(runs: pd.DataFrame) -> Statistic:
    pairs = paired(runs, "final_accuracy", arms=("sigmoid", "bn_x5_sigmoid"), column="arm")
    note = _lost(runs, "sigmoid", "bn_x5_sigmoid")
    return Statistic("L5b", *bootstrap_median(pairs["bn_x5_sigmoid"] - pairs["sigmoid"]), note=note)


def _widest(tables: Tables) -> Statistic:
    """Where the answer lies beyond the grid, the ratio is a bound.

    An arm that trains at no rate counts as if it trained at the smallest; one that trains at the largest might at more.
    """
    runs = rated(tables)
    rates = runs["learning_rate"]
    largest = runs.assign(rate=rates.where(runs["trains"])).groupby(["seed", "normalization"])["rate"].max().unstack()
    nowhere, top = largest.isna(), largest == rates.max()
    counted = largest.fillna(rates.min())
    pairs = ratios_with_bn(counted, nowhere["none"] | top["batch"], nowhere["batch"] | top["none"])
    words = []
    for arm in ("none", "batch"):
        lost = nowhere[arm].sum()
        remark = f" (at no rate with {lost} of {len(largest)} seeds, which count as the smallest)" if lost else ""
        words.append(f"{LABELS[arm]} up to a median of {number(counted[arm].median())}{remark}")
    note = f"{' and '.join(words)}, of rates from {number(rates.min())} to {number(rates.max())}"
    return Statistic("L6", *bootstrap_ratio(pairs), bound_of_median(pairs), note)


def _at_its_best(tables: Tables) -> Statistic:
    """The note tells apart what BN is worth at the rate that is best without it."""
    table, curves = rate_sweep(tables), curves_of(tables, "rates")
    best = table[table["best"]].set_index("normalization")["learning_rate"]
    without = curves[(curves["normalization"] == "none") & (curves["learning_rate"] == best["none"])]
    target = best_accuracy(without).set_index("seed")["best_accuracy"]

    def against(rate: float) -> pd.DataFrame:
        with_bn = curves[(curves["normalization"] == "batch") & (curves["learning_rate"] == rate)]
        steps = steps_to_target(pd.concat([without, with_bn], ignore_index=True), target)
        return ratios(paired(steps, "steps_to_target"), steps["steps"].iloc[0])

    pairs, same = against(best["batch"]), against(best["none"])
    times = f"{bound_of_median(same)} {number(bootstrap_ratio(same).estimate)}".strip()
    there = int((~pairs["bound"].isin(["<", "~"])).sum())
    note = (
        f"best rates {number(best['none'])} without BN and {number(best['batch'])} with BN, where {there} of {len(pairs)} "
        f"runs with BN get there; with both at {number(best['none'])} the ratio is {times}"
    )
    return Statistic("L7", *bootstrap_ratio(pairs), bound_of_median(pairs), note)


def _invariant(tables: Tables) -> Statistic:
    """The largest error is also both ends of the interval, for the claim is about every seed."""
    table = invariances(tables)
    if table.empty:
        return Statistic("L8", np.nan, np.nan, np.nan, 0, note="no run with BN finished")
    largest = table["error"].max()
    note = f"in {table['run'].nunique()} trained nets; with epsilon as it is, the change is up to {number(table['change'].max())}"
    return Statistic("L8", largest, largest, largest, table["seed"].nunique(), note=note)


def _isometric(tables: Tables) -> Statistic:
    """A pair of which a run diverged is undetermined: no difference in the median, any in the interval."""
    difference = isometry(tables, "bn_baseline") - isometry(tables, "baseline")
    pairs = pd.DataFrame({"difference": difference.fillna(0.0), "bound": np.where(difference.isna(), "~", "")})
    lost = int(difference.isna().sum())
    note = f"a run of {lost} of {len(pairs)} pairs diverged; such a pair counts as no difference" if lost else ""
    return Statistic("L9", *bootstrap_bounded(pairs, "difference"), bound_of_median(pairs, "difference"), note)


def _outcomes(runs: pd.DataFrame, *names: str) -> str:
    """As "reached by 8 of 8 runs of Baseline and 7 of 8 runs of BN-x5; 1 of 8 runs of BN-x5 diverged"."""
    reached = [
        f"{own['reached'].sum()} of {len(own)} runs of {LABELS[name]}"
        for name, own in ((name, runs[runs["arm"] == name]) for name in names)
    ]
    lost = _diverged(runs, *names)
    return f"reached by {' and '.join(reached)}" + (f"; {lost} diverged" if lost else "")


def _lost(runs: pd.DataFrame, *names: str) -> str:
    """As "8 of 8 runs of Baseline x30 diverged and count as guessing", nothing where none did."""
    lost = _diverged(runs, *names)
    return f"{lost} diverged and count as guessing" if lost else ""


def _diverged(runs: pd.DataFrame, *names: str) -> str:
    counts = {name: (runs.loc[runs["arm"] == name, "status"] == "diverged") for name in names}
    parts = [f"{lost.sum()} of {len(lost)} runs of {LABELS[name]}" for name, lost in counts.items() if lost.any()]
    return " and ".join(parts)
