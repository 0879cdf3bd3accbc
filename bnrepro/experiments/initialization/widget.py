"""The widget of notebook 05: either net at any start and rate of its map, and a run to train at once. Knows no claim."""

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from bnrepro.analysis.curves import evaluations, final_metric
from bnrepro.analysis.select import config_of, group_curves, where
from bnrepro.config.run_config import RunConfig
from bnrepro.experiments.control import Control, values_in
from bnrepro.experiments.presets import live_run
from bnrepro.plotting import widget_figure
from bnrepro.plotting.arms import LABELS
from bnrepro.plotting.style import styled
from bnrepro.records.results import select
from bnrepro.records.schemas import Tables

_FROZEN = RunConfig()
_AXES = {"initial_std": "Std of first kernels", "learning_rate": "Learning rate"}
_NETS = {"sigmoid": "sigmoid", "ReLU": "relu"}
"""The setting of the map by what a person reads."""

_ARMS = ("batch", "none")  # as they stand in a figure: the higher curve first
_LIVE_EVALUATIONS = 20


def controls(tables: Tables) -> tuple[Control, ...]:
    """The net, and the axes of its map, which start next to the frozen values of notebook 01."""
    cells = select(tables, "map", setting=_NETS["sigmoid"])
    axes = []
    for name, label in _AXES.items():
        values = values_in(cells[name])
        axes.append(Control(name, label, values, min(values, key=lambda value: abs(np.log(value / _frozen(name))))))
    return Control("net", "Net", tuple(_NETS), "sigmoid"), *axes


@styled
def explore(
    tables: Tables, live: pd.DataFrame | None = None, *, net: str, initial_std: float, learning_rate: float
) -> Figure:
    """Validation accuracy over the steps without and with BN in one cell of a map; a run that diverged guesses from then on."""
    curves = group_curves(tables, "map").astype({"value": float})  # without an evaluation it has no type
    cell = where(curves, setting=_NETS[net], initial_std=initial_std, learning_rate=learning_rate)
    title = f"Validation accuracy, {net} net, std {initial_std:g}, rate {learning_rate:g}"
    figure, axes = widget_figure.panel(title, _at_the_end(cell))
    highest = evaluations(curves)["value"].fillna(curves["chance"]).max()
    widget_figure.accuracy_curves(axes, cell, curves["steps"].max(), highest)
    widget_figure.live_curve(axes, live)
    widget_figure.name_lines(axes)
    return figure


def live(tables: Tables, *, net: str, initial_std: float, learning_rate: float) -> RunConfig:
    """The run with BN of the cell, at a seed that is not reported, and evaluated more often."""
    runs = select(tables, "map", setting=_NETS[net])
    cell = where(runs, normalization="batch", initial_std=initial_std, learning_rate=learning_rate)
    return live_run(config_of(cell), _LIVE_EVALUATIONS)


def _frozen(name: str) -> float:
    return _FROZEN[name]


def _at_the_end(cell: pd.DataFrame) -> str:
    """The median test accuracy of each arm at the end, and how many of its runs diverged, in words."""
    words, ended = [], final_metric(cell, "test")
    for arm in _ARMS:
        runs = ended[ended["normalization"] == arm]
        lost = (runs["status"] == "diverged").sum()
        words.append(f"{LABELS[arm]} {runs['final_metric'].median():.1%}" + (f" ({lost} diverged)" if lost else ""))
    return f"on the test set: {', '.join(words)}"
