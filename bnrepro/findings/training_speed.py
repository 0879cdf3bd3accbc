"""Figure 1(a): does BN reach the same accuracy in fewer steps? Sweep, claims T1, T2, T4, C1, C2, and figure. Trains nothing."""

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from bnrepro import paper
from bnrepro.config import RunConfig, grid
from bnrepro.findings import training_speed_figure
from bnrepro.findings.figure1 import PRESETS, pairs, resolve_figure1
from bnrepro.findings.presets import CALIBRATION_SEEDS, lengthened
from bnrepro.findings.setups import ARMS
from bnrepro.findings.training_speed_explore import controls, explore, live
from bnrepro.select import group_curves, on_papers_data
from bnrepro.stats import (
    Statistic,
    bootstrap_median,
    bootstrap_ratio,
    bound_of_median,
    distance_from_curve,
    final_accuracy,
    paired,
    ratios,
    steps_to_target,
)
from bnrepro.tables import Tables

__all__ = [
    "CAPTION",
    "PAPER",
    "PRESETS",
    "TABLES",
    "TITLE",
    "analyse",
    "calibrated",
    "controls",
    "explore",
    "figure",
    "live",
    "sensitivity",
    "speed",
    "sweep",
]

TITLE = "Training speed"
TABLES = ("runs", "curves", "provenance")
TARGET = paper.FIGURE1_TARGET

_FROZEN = RunConfig()

PAPER = {
    "T1": paper.STEPS_TO_97_PERCENT["none"] / paper.STEPS_TO_97_PERCENT["batch"],
    "T2": float(paper.figure1a().groupby("arm")["test_accuracy"].last()[["none", "batch"]].diff().iloc[-1]),
}
"""The paper's own numbers; for T2 from the last point that it plots of each arm."""

CAPTION = (
    "(a) Accuracy on the test set of the net of section 4.1, without and with BN: {main_seeds} seeds an arm (thin lines), "
    "their median (thick) and its 95% bootstrap interval (band); dashed, the curves of the paper's Figure 1(a). "
    "(b, c) Training steps, and seconds of training without compilation and evaluation, until a run is first at 97%: each run "
    "(tick), median (dot) and its interval; diamonds, the paper's steps. A run that never gets there counts with all its steps "
    "and is an arrow. "
    "(d) The values that the paper does not state: mean distance, in percentage points of accuracy, of the arm without BN from "
    "the paper's curve; the frame marks the values used in (a). (e) How many times fewer steps BN needs to 97% at the same "
    "values; > where the arm without BN never got there, < where the arm with BN never did, a dash where neither did. "
    "Each cell of (d) and (e) is {calibration_seeds} seeds that occur nowhere else."
)

# Share of the largest class in the test set: what a net that knows only the classes' shares can reach.
LARGEST_CLASS = {"mnist": 0.1135, "fashion_mnist": 0.1, "cifar10": 0.1}


def sweep(preset: str, **overrides) -> dict[str, list[RunConfig]]:
    """The runs by group; nothing in them was chosen by looking at the arm with BN.

    `main` are the pairs of runs that are reported. `calibration`, without BN, chooses the values the paper does not
    state; `sensitivity`, with BN, shows the same grid once they are frozen. `shuffled` and `off` are controls.
    """
    values, base = resolve_figure1(preset, overrides)
    seeds = range(values.seeds)
    cell = lengthened(base, values.grid)
    cells = dict(initial_std=values.initial_stds, learning_rate=values.learning_rates, seed=CALIBRATION_SEEDS)
    shuffled = lengthened(base, values.shuffled).replace(shuffled_labels=True)
    off = lengthened(base, values.off).replace(normalization="off")
    return {
        "main": pairs(preset, **overrides),
        "calibration": grid(cell, pixels=values.pixels, **cells),
        "sensitivity": grid(cell.replace(normalization="batch"), **cells),
        "shuffled": grid(shuffled, normalization=ARMS, seed=seeds),
        "off": grid(off, seed=seeds),
    }


def analyse(tables: Tables) -> pd.DataFrame:
    """The statistic of each claim: `claim`, `estimate`, `ci_low`, `ci_high`, `n`, `bound`, `note`."""
    return pd.DataFrame(claim(tables) for claim in (_faster, _better, _as_published, _shuffled, _switched_off))


def figure(tables: Tables) -> Figure:
    """Curves, steps and seconds to 97%, calibration and sensitivity."""
    return training_speed_figure.draw(
        curves=group_curves(tables, "main"),
        published=_published(tables),
        speed=speed(tables),
        target=TARGET,
        calibration=calibrated(tables),
        sensitivity=sensitivity(tables),
    )


def speed(tables: Tables) -> pd.DataFrame:
    """By run of the main group, steps and seconds of training to 97%.

    Adds `steps_to_target` (infinite: never), `reached`, and `steps_spent`, `seconds_spent`: until the target, or all. A run
    that diverged counts with all its steps too, and with the seconds that they would have taken.
    """
    table = steps_to_target(group_curves(tables, "main"), TARGET)
    spent = table["steps_to_target"].clip(upper=table["steps"])
    seconds = table["run"].map(tables["provenance"].set_index("run")["train_seconds"])
    chunks = np.ceil(table["diverged_at"].astype(float) / table["evaluate_every"])  # training ends with a whole chunk
    done = (chunks * table["evaluate_every"]).fillna(np.inf).clip(lower=1, upper=table["steps"])
    reached = np.isfinite(table["steps_to_target"])
    return table.assign(reached=reached, steps_spent=spent, seconds_spent=seconds * spent / done)


def calibrated(tables: Tables) -> pd.DataFrame:
    """The grid of the arm without BN, and what it chooses.

    The choice, fixed in advance: the cell whose runs have the smallest mean distance from the paper's curve without BN,
    among those with binary pixels, for the paper's are.

    Returns:
        A row a cell: `pixels`, `initial_std`, `learning_rate`, `distance` (NaN where the runs end before the paper's first
        point), `chosen`, and `frozen`, whether these are the defaults of `RunConfig`.
    """
    curves = group_curves(tables, "calibration")
    axes = ["pixels", "initial_std", "learning_rate"]
    distances = distance_from_curve(curves, _published(tables).query("arm == 'none'"))
    cells = distances.groupby(axes)["distance"].mean().reset_index()
    allowed = cells.loc[cells["pixels"].isin(["binary", "nonzero"]), "distance"]
    frozen = np.logical_and.reduce([cells[axis] == getattr(_FROZEN, axis) for axis in axes])
    return cells.assign(chosen=(cells["distance"] == allowed.min()) & cells.index.isin(allowed.index), frozen=frozen)


def sensitivity(tables: Tables) -> pd.DataFrame:
    """The result of the main group over the grid: `initial_std`, `learning_rate`, `ratio` of steps to 97%, `bound`."""
    batch = group_curves(tables, "sensitivity")
    none = group_curves(tables, "calibration")
    none = none[none["pixels"].isin(batch["pixels"])]
    steps = steps_to_target(pd.concat([none, batch]), TARGET)
    cell = ["initial_std", "learning_rate"]
    table = ratios(paired(steps, "steps_to_target", (*cell, "seed")), steps["steps"].iloc[0])
    cells = table.groupby(cell)
    return (
        cells["ratio"].median().reset_index().merge(cells.apply(bound_of_median).rename("bound").reset_index(), on=cell)
    )


def _published(tables: Tables) -> pd.DataFrame:
    """The paper's curves, or no point of them where the data are not the paper's."""
    return paper.figure1a() if on_papers_data(tables) else paper.figure1a().iloc[:0]


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
    distances = distance_from_curve(curves, _published(tables).query("arm == 'batch'"))["distance"].dropna()
    note = "" if len(distances) else "the runs end before the first point of the paper's curve, or are on other data"
    return Statistic("T4", *bootstrap_median(distances), note=note)


def _shuffled(tables: Tables) -> Statistic:
    runs = final_accuracy(group_curves(tables, "shuffled"))
    better = paired(runs, "final_accuracy")[list(ARMS)].max(axis=1)
    return Statistic("C1", *bootstrap_median(better - LARGEST_CLASS[runs["dataset"].iloc[0]]))


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
