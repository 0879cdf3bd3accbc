"""The widget of notebook 01: both arms at any start and rate of the grid, and a run to train at once. Knows no claim."""

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from bnrepro.analysis import paper
from bnrepro.analysis.curves import evaluations, steps_to_target
from bnrepro.analysis.select import group_curves
from bnrepro.config.run_config import RunConfig
from bnrepro.experiments.control import Control, values_in
from bnrepro.experiments.presets import live_run
from bnrepro.experiments.training_speed.sweep import AXES, HELD_OUT
from bnrepro.experiments.training_speed.tables import target
from bnrepro.plotting import widget_figure
from bnrepro.plotting.arms import LABELS
from bnrepro.plotting.axes import DOTTED, thousands
from bnrepro.plotting.marks import paper_line
from bnrepro.plotting.style import styled
from bnrepro.records.results import select
from bnrepro.records.schemas import Tables

_FROZEN = RunConfig()
_LIVE_STEPS, _LIVE_EVALUATIONS = 10_000, 20
_ARMS = ("batch", "none")  # as they stand in a figure: the higher curve first


def controls(tables: Tables) -> tuple[Control, ...]:
    """The axes of the grid, which starts at the frozen values; none where the preset trains no grid."""
    cells = select(tables, "choice")
    labels = ("Std of first kernels", "Learning rate") if len(cells) else ()
    return tuple(Control(name, label, values_in(cells[name]), _FROZEN[name]) for name, label in zip(AXES, labels))


@styled
def explore(tables: Tables, live: pd.DataFrame | None = None, *, initial_std: float, learning_rate: float) -> Figure:
    """Held-out accuracy over the steps without and with BN in one cell of the grid, the paper's curves dashed behind."""
    grid = group_curves(tables, "choice")
    cell = grid[(grid["initial_std"] == initial_std) & (grid["learning_rate"] == learning_rate)]
    last, published, goal = grid["steps"].max(), paper.figure1a(), target(tables)
    title = f"Held-out accuracy, kernels of std {initial_std:g}, rate {learning_rate:g}"
    figure, axes = widget_figure.panel(title, _until(cell, goal))
    for arm, curve in published[published["step"] <= last].groupby("arm"):
        paper_line(axes, curve["step"].to_numpy(), curve["test_accuracy"].to_numpy(), f"paper, {LABELS[arm]}")
    widget_figure.accuracy_curves(
        axes, cell, last, max(evaluations(grid)["value"].max(), published["test_accuracy"].max())
    )
    widget_figure.live_curve(axes, live)
    axes.axhline(goal, **DOTTED)
    widget_figure.name_lines(axes)
    return figure


def live(tables: Tables, *, initial_std: float, learning_rate: float) -> RunConfig:
    """A run of the cell with BN, on a seed that is not recorded."""
    cell = RunConfig(
        initial_std=initial_std, learning_rate=learning_rate, normalization="batch", inference="population"
    )
    return live_run(cell.replace(validation_examples=HELD_OUT), _LIVE_EVALUATIONS, _LIVE_STEPS)


def _until(cell: pd.DataFrame, goal: float) -> str:
    """When the median run of each arm is at the target, in words."""
    medians = steps_to_target(cell, goal).groupby("normalization")["steps_to_target"].median()
    words = [
        f"{LABELS[arm]} {f'after {thousands(medians[arm])}' if np.isfinite(medians[arm]) else 'never'}"
        for arm in _ARMS
        if arm in medians
    ]
    return f"at {goal:.0%}: {', '.join(words)}"
