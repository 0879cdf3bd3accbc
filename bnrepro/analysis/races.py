"""Races to a target: how high it is, where an arm is fastest, and how many steps each takes. Knows no experiment and no figure.

`curves` here is what `select.group_curves` gives.
"""

from collections.abc import Iterable

import numpy as np
import pandas as pd

from bnrepro.analysis.ceilings import over
from bnrepro.analysis.curves import are_evaluations, best_metric, each_run, steps_to_target
from bnrepro.analysis.paired import paired

_RATE = ("learning_rate",)


def common_target(curves: pd.DataFrame, targets: Iterable[float], axes: tuple[str, ...] = _RATE) -> float:
    """The first of `targets` that each arm reaches somewhere on `axes` with all its seeds in two thirds of the steps; else the
    last.
    """
    targets, step = list(targets), curves["step"]
    early = (step > 0) & (3 * step <= 2 * curves["steps"]) & (curves["status"] == "finished")
    soon = curves[["run", "value"]][early & are_evaluations(curves)]
    runs = each_run(curves, "highest", soon.groupby("run")["value"].max()).fillna({"highest": -np.inf})
    each = runs.groupby(["normalization", *axes])["highest"].min().groupby("normalization").max()
    return next((target for target in targets if target <= each.min()), targets[-1])


def fastest(curves: pd.DataFrame, target: float, axes: tuple[str, ...] = _RATE) -> dict[str, dict[str, float]]:
    """By arm the values of `axes` at which it reaches `target` in the fewest steps, by the median of the seeds there.

    Of equals, as where none reaches it, those whose median run gets highest.
    """
    table = steps_to_target(curves, target).assign(highest=best_metric(curves)["best_metric"])
    medians = table.groupby(["normalization", *axes])[["steps_to_target", "highest"]].median().reset_index()
    ordered = medians.sort_values(["steps_to_target", "highest"], ascending=[True, False], kind="stable")
    return ordered.groupby("normalization")[list(axes)].first().to_dict("index")


def deciding(curves: pd.DataFrame, targets: Iterable[float]) -> pd.DataFrame:
    """Of each run the evaluations that decide races to any of `targets`: the first one there, and the highest of all.

    Args:
        curves: The table of that name.
        targets: All that a race may be to.
    """
    ordered, by = curves.sort_values(["run", "step"], kind="stable"), ["run", "split"]
    there = [ordered[(ordered["value"] >= target) & (ordered["step"] > 0)] for target in targets]
    upwards = ordered.sort_values("value", ascending=False, kind="stable")
    return curves.loc[sorted({row for rows in (upwards, *there) for row in rows.drop_duplicates(by).index})]


def raced(curves: pd.DataFrame, target: float) -> pd.DataFrame:
    """By run `steps_to_target`, and `target`, `reached`, and `value`: the steps until the target, or all.

    A run that diverges later has not reached it.
    """
    runs = steps_to_target(curves, target)
    reached = np.isfinite(runs["steps_to_target"])
    return runs.assign(target=target, reached=reached, value=runs["steps_to_target"].clip(upper=runs["steps"]))


def fewer_steps(runs: pd.DataFrame, seconds: pd.Series | float = 1.0) -> pd.DataFrame:
    """By seed how many times fewer steps a race takes with BN, as `ceilings.over`.

    A race takes more steps than until the evaluation before the one at which it is first at the target, and at most those until
    this one; more than all where it never gets there. No row where an arm was not raced.

    Args:
        runs: As of `raced`.
        seconds: Of a step of each run: then how many times less time it takes.
    """
    if not {"none", "batch"} <= set(runs["normalization"]):
        return over(*2 * [pd.DataFrame(columns=["low", "high"], dtype=float)])
    reached, every = runs["reached"].astype(bool), runs["evaluate_every"]
    low = (runs["value"] - every).where(reached, runs["value"]) * seconds
    own = runs.assign(low=low, high=(runs["value"] * seconds).where(reached, np.inf))
    ends = {end: paired(own, end) for end in ("low", "high")}
    without, with_bn = (pd.DataFrame({end: table[arm] for end, table in ends.items()}) for arm in ("none", "batch"))
    return over(without, with_bn)
