"""What the runs come to: steps and seconds to the target, the grids and what they choose. Knows no claim, draws nothing."""

import numpy as np
import pandas as pd

from bnrepro.analysis import paper
from bnrepro.analysis.curves import distance_from_curve, steps_to_target
from bnrepro.analysis.intervals import bound_of_median
from bnrepro.analysis.paired import paired, ratios
from bnrepro.analysis.races import common_target, raced
from bnrepro.analysis.select import group_curves, on_papers_data
from bnrepro.config.run_config import RunConfig
from bnrepro.experiments.figure1 import INFERENCE
from bnrepro.experiments.training_speed.sweep import AXES, TARGETS
from bnrepro.records.computed import once
from bnrepro.records.results import select
from bnrepro.records.schemas import Tables

TARGET = paper.FIGURE1_TARGET

_FROZEN = RunConfig()

# Share of the largest class in the test set: what a net that knows only the classes' shares can reach.
LARGEST_CLASS = {"mnist": 0.1135, "fashion_mnist": 0.1, "cifar10": 0.1}


def derive(tables: Tables) -> Tables:
    """The tables to keep: of `curves` the evaluations, and the training where the controls with BN switched off are compared."""
    curves, off = tables["curves"], select(tables, "off")
    compared = pd.concat([off["run"], select(tables, "main").query("normalization == 'none'")["run"]])
    kept = (curves["split"] != "train") | (curves["run"].isin(compared) & (curves["step"] <= off["steps"].max()))
    return {**tables, "curves": curves[kept].reset_index(drop=True)}


@once
def speed(tables: Tables) -> pd.DataFrame:
    """By run of the main group, steps and seconds of training to 97%.

    Adds `steps_to_target` (infinite: never), `reached`, and `steps_spent`, `seconds_spent`: until the target, or all. A run
    that diverged counts with all its steps too, and with the seconds that they would have taken.
    """
    table = steps_to_target(group_curves(tables, "main"), TARGET)
    spent = table["steps_to_target"].clip(upper=table["steps"])
    reached = np.isfinite(table["steps_to_target"])
    return table.assign(reached=reached, steps_spent=spent, seconds_spent=spent * _seconds(tables, table))


def _seconds(tables: Tables, runs: pd.DataFrame) -> pd.Series:
    """Of each run the seconds of training a step."""
    whole = runs["run"].map(tables["provenance"].set_index("run")["train_seconds"])
    chunks = np.ceil(runs["diverged_at"].astype(float) / runs["evaluate_every"])  # training ends with a whole chunk
    return whole / (chunks * runs["evaluate_every"]).fillna(np.inf).clip(lower=1, upper=runs["steps"])


@once
def calibrated(tables: Tables) -> pd.DataFrame:
    """The grid of the arm without BN, and what it chooses.

    The choice, fixed in advance: the cell whose runs have the smallest mean distance from the paper's curve without BN,
    among those with binary pixels, for the paper's are.

    Returns:
        A row a cell: `pixels`, `initial_std`, `learning_rate`, `distance` (NaN where the runs end before the paper's first
        point), `chosen`, and `frozen`, whether these are the defaults of `RunConfig`.
    """
    curves = group_curves(tables, "calibration")
    axes = ["pixels", *AXES]
    distances = distance_from_curve(curves, published(tables).query("arm == 'none'"))
    cells = distances.groupby(axes)["distance"].mean().reset_index()
    allowed = cells.loc[cells["pixels"].isin(["binary", "nonzero"]), "distance"]
    frozen = np.logical_and.reduce([cells[axis] == _FROZEN[axis] for axis in axes])
    return cells.assign(chosen=(cells["distance"] == allowed.min()) & cells.index.isin(allowed.index), frozen=frozen)


def target(tables: Tables) -> float:
    """The accuracy that nets are raced to: the runs that choose have chosen it; NaN where there are none."""
    curves = group_curves(tables, "choice")
    return common_target(curves, TARGETS, AXES) if len(curves) else np.nan


@once
def choosing(tables: Tables) -> pd.DataFrame:
    """By run of those that choose, what `analysis.races.raced` gives."""
    return raced(group_curves(tables, "choice"), target(tables))


@once
def sensitivity(tables: Tables) -> pd.DataFrame:
    """Over the grid of those runs, both arms at the same values: `initial_std`, `learning_rate`, `ratio` of steps, `bound`."""
    steps, cell = choosing(tables), list(AXES)
    if steps.empty:
        return pd.DataFrame(columns=[*cell, "ratio", "bound"])
    table = ratios(paired(steps, "steps_to_target", (*cell, "seed")), steps["steps"].iloc[0])
    cells = table.groupby(cell)
    return (
        cells["ratio"].median().reset_index().merge(cells.apply(bound_of_median).rename("bound").reset_index(), on=cell)
    )


@once
def races(tables: Tables, goal: float | None = None) -> pd.DataFrame:
    """By run of each arm at its best, what `analysis.races.raced` gives, and the `seconds` of a step.

    Args:
        tables: Of this experiment.
        goal: The accuracy; None means `target`.
    """
    runs = raced(group_curves(tables, "best"), target(tables) if goal is None else goal)
    return runs.assign(seconds=_seconds(tables, runs))


def at_edge(tables: Tables, name: str, value: float) -> bool:
    """Whether a value of one of `AXES` is the largest or smallest that could be chosen, so that a better one may lie beyond."""
    offered = select(tables, "choice")[name]
    return value in (offered.min(), offered.max())


@once
def readings(tables: Tables) -> pd.DataFrame:
    """By seed, the mean distance of our curve with BN from the paper's: `moving`, `population`; no row without both."""
    curves = group_curves(tables, ("main", "moving")).query("normalization == 'batch'")
    runs = distance_from_curve(curves, published(tables).query("arm == 'batch'")).dropna(subset=["distance"])
    arms = ("moving", "population")
    if not set(arms) <= set(runs[INFERENCE]):
        return pd.DataFrame(columns=arms, dtype=float)
    return paired(runs, "distance", arms=arms, column=INFERENCE)


def published(tables: Tables) -> pd.DataFrame:
    """The paper's curves, or no point of them where the data are not the paper's."""
    return paper.figure1a() if on_papers_data(tables) else paper.figure1a().iloc[:0]
