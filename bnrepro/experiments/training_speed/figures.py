"""The panels of training speed: curves, steps and seconds to 97%, how BN is read, other rates and starts. Knows no claim."""

import functools

import numpy as np
import pandas as pd

from bnrepro.analysis import paper
from bnrepro.analysis.curves import median_curves
from bnrepro.analysis.intervals import Interval, median_interval
from bnrepro.analysis.select import group_curves
from bnrepro.experiments.figure1 import INFERENCE
from bnrepro.experiments.training_speed.panels import (
    draw_accuracy,
    draw_best,
    draw_calibration,
    draw_rates,
    draw_readings,
    draw_sensitivity,
    draw_to_target,
)
from bnrepro.experiments.training_speed.tables import (
    TARGET,
    calibrated,
    choosing,
    published,
    races,
    sensitivity,
    speed,
)
from bnrepro.plotting.axes import thousands
from bnrepro.plotting.panel import Panel
from bnrepro.records.schemas import Tables

_ARMS = ("batch", "none")  # as they stand in a figure: the higher curve first


def accuracy(tables: Tables) -> dict[str, pd.DataFrame]:
    """Each run, the medians, the paper's curves, and where each of the two is first at the target."""
    curves, runs = group_curves(tables, "main"), speed(tables)
    last = curves["steps"].max()
    papers = published(tables).query("step <= @last").rename(columns={"test_accuracy": "accuracy"})
    ours = [(arm, "ours", runs.loc[runs["normalization"] == arm, "steps_to_target"].median()) for arm in _ARMS]
    theirs = [(arm, "paper", paper.STEPS_TO_97_PERCENT[arm]) for arm in _ARMS if len(papers)]
    tested = curves[curves["split"] == "test"]
    reached = pd.DataFrame([*ours, *theirs], columns=["arm", "whose", "step"])
    return {
        "runs": tested[["run", "normalization", "seed", "step", "value", "steps"]].rename(
            columns={"value": "accuracy"}
        ),
        "medians": median_curves(curves),
        "paper": papers[["arm", "step", "accuracy"]],
        "reached": reached[reached["step"] <= last].assign(accuracy=TARGET),
    }


def read(tables: Tables) -> dict[str, pd.DataFrame]:
    """By how many points each run with BN, read through either statistics, is above the paper's curve, where that has a point."""
    curves = group_curves(tables, ("main", "moving"))
    papers = published(tables).query("arm == 'batch'")[["step", "test_accuracy"]]
    ours = curves[(curves["split"] == "test") & (curves["normalization"] == "batch")]
    both = ours.rename(columns={INFERENCE: "reading"}).merge(papers, on="step")
    both = both.assign(points=100 * (both["value"] - both["test_accuracy"]))
    return {
        "runs": both[["run", "reading", "seed", "step", "points"]],
        "axis": pd.DataFrame({"last_step": [curves["steps"].max()]}),
    }


def at_their_best(tables: Tables) -> dict[str, pd.DataFrame]:
    """What each arm's runs at its own rate and start spend until the target, and the medians."""
    runs, rows = races(tables), []
    for arm in _ARMS:
        own = runs[runs["normalization"] == arm]
        if len(own):
            cell = own[["target", "learning_rate", "initial_std"]].iloc[0]
            rows.append((arm, *median_interval(own["value"]), np.isfinite(own["steps_to_target"].median()), *cell))
    names = ["normalization", *Interval._fields, "reached", "target", "learning_rate", "initial_std"]
    return {
        "runs": runs[["run", "normalization", "seed", "value", "reached"]],
        "medians": pd.DataFrame(rows, columns=names),
    }


def over_rates(tables: Tables) -> dict[str, pd.DataFrame]:
    """What the runs that choose spend until the target, at each rate and start."""
    runs = choosing(tables)
    columns = ["run", "normalization", "seed", "initial_std", "learning_rate", "target", "value", "reached"]
    return {"runs": runs[columns]}


def to_target(tables: Tables, column: str, with_paper: bool) -> dict[str, pd.DataFrame]:
    """What each run spends until the target, or in all where it never gets there, and the medians."""
    runs = speed(tables).rename(columns={column: "value"})
    rows = []
    for arm in _ARMS:
        own = runs[runs["normalization"] == arm]
        rows.append((arm, *median_interval(own["value"]), np.isfinite(own["steps_to_target"].median())))
    names = ["normalization", "estimate", "ci_low", "ci_high", "n", "reached"]
    marks = paper.STEPS_TO_97_PERCENT if with_paper and len(published(tables)) else {}
    return {
        "runs": runs[["run", "normalization", "seed", "value", "reached"]],
        "medians": pd.DataFrame(rows, columns=names),
        "paper": pd.DataFrame(marks.items(), columns=["normalization", "value"]),
    }


def calibration(tables: Tables) -> pd.DataFrame:
    """The grid of the arm without BN: its distance from the paper's curve in points, the reading that is used first."""
    cells, used = calibrated(tables), group_curves(tables, "main").iloc[0]
    order = sorted(set(cells["pixels"]), key=lambda pixels: (pixels != used["pixels"], pixels == "grey"))
    cells = cells.assign(points=100 * cells["distance"], used=_used(cells, used) & (cells["pixels"] == used["pixels"]))
    cells = cells.sort_values("pixels", key=lambda names: names.map(order.index), kind="stable", ignore_index=True)
    return cells[["pixels", "initial_std", "learning_rate", "points", "used"]]


def sensitive(tables: Tables) -> pd.DataFrame:
    """How many times fewer steps BN takes to the target in each cell of the grid."""
    cells, used = sensitivity(tables), group_curves(tables, "main").iloc[0]
    return cells.assign(pixels=used["pixels"], used=_used(cells, used))


def _used(cells: pd.DataFrame, used: pd.Series) -> pd.Series:
    """Whether a cell has the start and the rate of the main group."""
    return (cells["initial_std"] == used["initial_std"]) & (cells["learning_rate"] == used["learning_rate"])


PANELS = (
    Panel(
        name="accuracy",
        title="Test accuracy over training",
        caption="The net of section 4.1 without and with BN, {main_seeds} seeds an arm (thin lines), their median (thick) "
        "and its 95% interval (band), with the curves of the paper's Figure 1(a). On the dotted line at 97%, a "
        "dot is where the median seed gets there first, a diamond where the paper's curve does.",
        data=accuracy,
        draw=draw_accuracy,
        width=175,
        height=66,
    ),
    Panel(
        name="steps",
        title=f"Training steps to {TARGET:.0%}",
        caption="Steps until a run is first at 97%: each run (tick), median (dot) and its 95% interval, and the "
        "paper's steps (diamond). A run that never gets there counts with all its steps and is an arrow.",
        data=functools.partial(to_target, column="steps_spent", with_paper=True),
        draw=functools.partial(draw_to_target, words=thousands, label="Training steps"),
        height=36,
    ),
    Panel(
        name="seconds",
        title=f"Seconds of training to {TARGET:.0%}",
        caption="Seconds of training, without compilation and evaluation, until a run is first at 97%: each run (tick), "
        "median (dot) and its 95% interval. A run that never gets there counts with all its seconds and is an "
        "arrow.",
        data=functools.partial(to_target, column="seconds_spent", with_paper=False),
        draw=functools.partial(draw_to_target, words="{:.3g} s".format, label="Training time, s"),
        height=36,
    ),
    Panel(
        name="readings",
        title="With BN, ours against the paper's curve",
        caption="Test accuracy with BN minus the paper's in Figure 1(a), {main_seeds} seeds (thin), their median (thick) and its "
        "95% interval (band). The same nets are read through the population statistics of Algorithm 2 and through moving "
        "averages.",
        data=read,
        draw=draw_readings,
        width=175,
        height=48,
        least=80,
    ),
    Panel(
        name="calibration",
        title="Distance of the curve without BN from the paper's",
        caption="Values that the paper does not state: mean distance of the arm without BN from the paper's curve, in percentage "
        "points of accuracy, two seeds a cell that occur nowhere else. The frame is around the values that are used.",
        data=calibration,
        draw=draw_calibration,
        width=118,
        height=52,
        least=80,
    ),
    Panel(
        name="best",
        title="Steps to a target, each arm at its own best rate and start",
        caption="Steps until a run is first at the accuracy above, at the rate and start at which its arm was fastest on other "
        "seeds: each run (tick), median (dot) and its 95% interval. A run that never gets there counts with all its steps and "
        "is an arrow.",
        data=at_their_best,
        draw=draw_best,
        width=175,
        height=36,
        least=110,
    ),
    Panel(
        name="rates",
        title="Steps to that target, by rate and start",
        caption="The runs that choose, two seeds a cell that judge nothing (thin), and their median where both get there "
        "(thick): steps until a run is first at the target on held-out examples, a start beside the other. An arrow is a run "
        "that never gets there in the steps that it has.",
        data=over_rates,
        draw=draw_rates,
        width=175,
        height=56,
        least=110,
    ),
    Panel(
        name="sensitivity",
        title="Times fewer steps with BN, both arms at the same rate and start",
        caption="The same runs: how many times fewer steps BN needs to the target, framed the cell that follows the paper. > "
        "where the arm without BN never got there, < where the arm with BN never did, a dash where neither did.",
        data=sensitive,
        draw=draw_sensitivity,
        width=118,
        height=44,
        least=70,
    ),
)

SHEETS = {
    "speed": ("accuracy", "steps", "seconds", "readings"),
    "best": ("best", "rates", "sensitivity"),
    "grid": ("calibration",),
}
"""Panels by sheet."""
