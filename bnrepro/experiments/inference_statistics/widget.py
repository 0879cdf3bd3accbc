"""The widget of notebook 07: training mode against inference for any momentum and mini-batch, and a run. Knows no claim."""

import pandas as pd
from matplotlib.figure import Figure

from bnrepro.analysis.select import config_of
from bnrepro.config.run_config import RunConfig
from bnrepro.experiments.control import Control, values_in
from bnrepro.experiments.inference_statistics.panels import draw_courses
from bnrepro.experiments.inference_statistics.tables import SIZE, batch_sizes, courses, momenta, nearest
from bnrepro.experiments.presets import live_run
from bnrepro.plotting import widget_figure
from bnrepro.plotting.axes import accuracy_axis_to, step_axis
from bnrepro.plotting.style import styled
from bnrepro.records.results import select
from bnrepro.records.schemas import Tables

_LIVE_EVALUATIONS = 20


def controls(tables: Tables) -> tuple[Control, ...]:
    """The momentum of the running statistics, which starts at the largest, and the mini-batch."""
    found = values_in(tables["runs"]["momentum"])
    return (
        Control("momentum", "Momentum", found, momenta(tables)[-1]),
        Control("batch_size", "Mini-batch size m", tuple(batch_sizes(tables)), nearest(batch_sizes(tables), SIZE)),
    )


@styled
def explore(tables: Tables, live: pd.DataFrame | None = None, *, momentum: float, batch_size: int) -> Figure:
    """Accuracy over the steps in training mode, at inference with moving averages, and with population statistics.

    The population statistics are of the runs with the momentum of the group `main`, which train to the same weights.
    """
    table = courses(tables, batch_size)
    own = table[(table["momentum"] == momentum) | (table["line"] == "population")]
    figure, axes = widget_figure.panel(f"Accuracy at m = {batch_size}, momentum {momentum:g}", _at_the_end(own))
    draw_courses(axes, own)
    step_axis(axes, tables["runs"]["steps"].max())
    highest = max([*tables["runs"]["chance"], *tables["curves"]["value"]])
    accuracy_axis_to(axes, highest)
    widget_figure.live_curve(axes, live)
    widget_figure.name_lines(axes)
    return figure


def live(tables: Tables, *, momentum: float, batch_size: int) -> RunConfig:
    """A run of the record's length, of a seed that is not reported, evaluated more often."""
    recorded = config_of(select(tables, "momentum"))
    return live_run(recorded.replace(momentum=momentum, batch_size=batch_size), _LIVE_EVALUATIONS)


def _at_the_end(table: pd.DataFrame) -> str:
    """The median accuracies after the last step, in words."""
    last = table[table["step"] == table["step"].max()].groupby("line")["accuracy"].median()
    words = {"moving": "moving averages", "population": "population statistics"}
    return "at the end: " + ", ".join(f"{text} {last[line]:.1%}" for line, text in words.items() if line in last)
