"""What the runs come to: the race to a target, the sweep of rates, weights, Jacobians. Knows no claim, draws nothing."""

import numpy as np
import pandas as pd

from bnrepro.analysis import paper
from bnrepro.analysis.curves import best_metric, final_metric, steps_to_target
from bnrepro.analysis.intervals import bound_of, bound_of_median, bounded_interval, median_interval, ratio_interval
from bnrepro.analysis.paired import paired, ratios
from bnrepro.analysis.select import group_curves, over_start, with_trains
from bnrepro.experiments.setups import BASELINE, PAPER_MODELS, TEN_MODULES, arms
from bnrepro.records.computed import once
from bnrepro.records.results import select
from bnrepro.records.schemas import Tables

ARMS = tuple(arms(BASELINE))
"""The networks of Figures 2 and 3, then those that it has no curve of: the arms of the group `race`."""

PERCENTILES = ("p05", "p25", "p50", "p75", "p95")
"""Of the singular values of a layer's Jacobian, as they stand in the table `geometry`."""


def derive(tables: Tables) -> Tables:
    """The tables to keep: of `geometry` the gradients of the sweep of rates and all but the gradients of the race, for nothing
    else is read.
    """
    geometry = tables["geometry"]
    gradient = geometry["quantity"] == "gradient_norm"
    rates, raced = (geometry["run"].isin(select(tables, group)["run"]) for group in ("rates", "race"))
    return {**tables, "geometry": geometry[gradient & rates | ~gradient & raced].reset_index(drop=True)}


@once
def race(tables: Tables, group: str = "race") -> pd.DataFrame:
    """By run of each arm of a group: `best_metric`, `final_metric`, and `steps_to_target` (infinite: never).

    The target is the best accuracy of the Baseline of the same seed, so the Baseline itself gets there at its best.
    Adds `reached`, and `steps_spent`: until the target, or all.
    """
    curves = group_curves(tables, group)
    best, final = best_metric(curves), final_metric(curves)
    target = best[best["arm"] == ARMS[0]].set_index("seed")["best_metric"]
    runs = steps_to_target(curves, target)
    return runs.assign(
        best_metric=best["best_metric"],
        final_metric=final["final_metric"],
        target=runs["seed"].map(target),
        reached=np.isfinite(runs["steps_to_target"]),
        steps_spent=runs["steps_to_target"].clip(upper=runs["steps"]),
    )


def step_ratios(runs: pd.DataFrame, first: str, second: str) -> pd.DataFrame:
    """By seed the ratio of steps to the target of two arms of `race`, and its bound, as `paired.ratios` gives them."""
    pairs = paired(runs, "steps_to_target", arms=(first, second), column="arm")
    return ratios(pairs, runs["steps"].iloc[0], arms=(first, second))


def at_papers_rates(tables: Tables) -> pd.DataFrame:
    """By seed how many times as large the Baseline's steps over BN-x5's are at the paper's rates as in the race, as `ratios`."""
    theirs, ours = (step_ratios(race(tables, group), "baseline", "bn_x5") for group in ("papers_rates", "race"))
    larger = theirs["bound"].isin([">", "~"]) | ours["bound"].isin(["<", "~"])
    smaller = theirs["bound"].isin(["<", "~"]) | ours["bound"].isin([">", "~"])
    return pd.DataFrame({"ratio": theirs["ratio"] / ours["ratio"], "bound": bound_of(larger, smaller)})


def figure3(tables: Tables) -> pd.DataFrame:
    """The table of Figure 3, with the paper's own columns beside ours.

    Returns:
        A row an arm: `steps` to the Baseline's best accuracy, median of the seeds, `steps_low` to `steps_high` (infinite:
        nothing bounds it) and `reached`, the share of seeds that got there; `fewer`, how many times fewer than the Baseline,
        and `bound`, its sign as in `paired.ratios`; `best_accuracy`, `best_low` to `best_high`; `diverged`, the share; and
        `paper_steps`, `paper_fewer`, `paper_best_accuracy`, NaN where the paper has none. Where the median never got there,
        `steps` are all the steps there were.
    """
    runs = race(tables)
    rows = []
    for arm in ARMS:
        own = runs[runs["arm"] == arm]
        steps = bounded_interval(own.assign(bound=np.where(own["reached"], "", ">")), "steps_spent")
        fewer, bound = 1.0, ""
        if arm != ARMS[0]:
            pairs = step_ratios(runs, ARMS[0], arm)
            fewer, bound = ratio_interval(pairs).estimate, bound_of_median(pairs)
        best, diverged = median_interval(own["best_metric"]), (own["status"] == "diverged").mean()
        rows.append((arm, *steps[:3], own["reached"].mean(), fewer, bound, *best[:3], diverged))
    columns = ("arm", "steps", "steps_low", "steps_high", "reached", "fewer", "bound")
    columns += ("best_accuracy", "best_low", "best_high", "diverged")
    return pd.DataFrame(rows, columns=columns).merge(published(), on="arm", how="left")


def published() -> pd.DataFrame:
    """The paper's Figure 3 by arm: `paper_steps`, `paper_fewer` than its Inception, `paper_best_accuracy`."""
    table = paper.figure3().set_index("model").loc[list(PAPER_MODELS.values())]
    steps = table["steps_to_72_2_percent"].to_numpy()
    columns = {"paper_steps": steps, "paper_fewer": steps[0] / steps}
    return pd.DataFrame({"arm": list(PAPER_MODELS), **columns, "paper_best_accuracy": table["max_accuracy"].to_numpy()})


def calibrated(tables: Tables) -> pd.DataFrame:
    """The Baseline of each net at each rate, on seeds that are not reported, and what it chooses.

    Returns:
        A row a net and rate: `model`, `learning_rate`, `best_metric` (mean of the runs; one that diverged guesses), `chosen`, the
        highest of its net, and `frozen`, whether it is the rate of that Baseline.
    """
    runs = best_metric(group_curves(tables, "calibration"))
    table = runs.groupby(["model", "learning_rate"], sort=False)["best_metric"].mean().reset_index()
    chosen = table.index.isin(table.groupby("model")["best_metric"].idxmax())
    rates = {net.model.name: net.optimizer.learning_rate for net in (BASELINE, TEN_MODULES)}
    return table.assign(chosen=chosen, frozen=table["learning_rate"] == table["model"].map(rates))


@once
def rated(tables: Tables) -> pd.DataFrame:
    """By run of the sweep of rates: `final_metric`, and whether it `trains`: it finished at `TRAINS` or above."""
    return with_trains(final_metric(group_curves(tables, "rates")))


@once
def rate_sweep(tables: Tables) -> pd.DataFrame:
    """Final accuracy by arm and rate.

    Returns:
        Columns `normalization`, `learning_rate`, `estimate`, `ci_low`, `ci_high`, `n`; `diverged`, a number of runs; `trains`,
        whether half of the runs or more do; `best`, whether it is the arm's rate of the highest median (the lowest of equals).
    """
    rows = []
    for (arm, rate), runs in rated(tables).groupby(["normalization", "learning_rate"]):
        diverged, trains = (runs["status"] == "diverged").sum(), runs["trains"].mean() >= 0.5
        rows.append((arm, rate, *median_interval(runs["final_metric"]), diverged, trains))
    columns = ("normalization", "learning_rate", "estimate", "ci_low", "ci_high", "n", "diverged", "trains")
    table = pd.DataFrame(rows, columns=columns)
    return table.assign(best=table.index.isin(table.groupby("normalization")["estimate"].idxmax()))


@once
def effective_rates(tables: Tables) -> pd.DataFrame:
    """By run of each arm and evaluation, over the start's: `weight_norm`, and `effective_rate`, the rate over its square."""
    parts = []
    for arm in ARMS:
        rows = select(tables, "race", "geometry", arm=arm)
        seeds = rows[["run", "seed"]].drop_duplicates("run")
        parts.append(over_start(rows).merge(seeds, on="run").assign(arm=arm))
    columns = ["run", "seed", "step", "arm", "weight_norm", "effective_rate"]
    filled = [part[columns] for part in parts if len(part)]
    return pd.concat(filled, ignore_index=True) if filled else pd.DataFrame(columns=columns)


def gradients(tables: Tables) -> pd.DataFrame:
    """Gradient norms by layer of the runs at each arm's largest rate that trains.

    Returns:
        Columns `normalization`, `learning_rate`, `run`, `layer`, `moment` (`start`, `end`), `value`; layers in the order of the
        net. An arm that trains at no rate is measured at its smallest, and has no `end`.
    """
    sweep = rate_sweep(tables)
    rows = select(tables, "rates", "geometry").query("quantity == 'gradient_norm'")
    parts = []
    for arm, rates in sweep.groupby("normalization"):
        allowed = rates.loc[rates["trains"], "learning_rate"]
        rate = allowed.max() if len(allowed) else rates["learning_rate"].min()
        own = with_moment(rows[(rows["normalization"] == arm) & (rows["learning_rate"] == rate)])
        parts.append(own if len(allowed) else own[own["moment"] == "start"])
    return pd.concat(parts, ignore_index=True)[["normalization", "learning_rate", "run", "layer", "moment", "value"]]


@once
def jacobians(tables: Tables) -> pd.DataFrame:
    """By arm (Baseline and BN-Baseline), layer and moment, the median over the seeds of each percentile of singular values."""
    parts = []
    for arm in ARMS[:2]:
        rows = with_moment(select(tables, "race", "geometry", arm=arm))
        rows = rows[rows["quantity"].isin([f"singular_value_{name}" for name in PERCENTILES])]
        rows = rows.assign(quantity=rows["quantity"].str.removeprefix("singular_value_"))
        parts.append(rows.groupby(["arm", "layer", "moment", "quantity"])["value"].median().unstack())
    return pd.concat(parts).reindex(columns=list(PERCENTILES)).reset_index()


def isometry(tables: Tables, arm: str) -> pd.Series:
    """By seed, the mean over the layers of `isometry_error` after the last step; NaN where the run diverged."""
    rows = with_moment(select(tables, "race", "geometry", arm=arm))
    values = rows.query("quantity == 'isometry_error' and moment == 'end'").groupby("seed")["value"].mean()
    return values.reindex(select(tables, "race", arm=arm)["seed"]).astype(float)


def with_moment(rows: pd.DataFrame) -> pd.DataFrame:
    """Rows of `geometry` at step 0 and after the last step, told apart by a column `moment`: `start`, `end`."""
    moment = np.select([rows["step"] == 0, rows["step"] == rows["steps"]], ["start", "end"], "")
    return rows.assign(moment=moment)[moment != ""]


def invariances(tables: Tables) -> pd.DataFrame:
    """The rows of `invariances` of all arms, with their config and `arm`."""
    return select(tables, "race", "invariances")
