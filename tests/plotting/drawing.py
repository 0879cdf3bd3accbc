"""Panels drawn for tests that ask for their artists."""

from collections.abc import Callable

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from bnrepro.experiments import Experiment
from bnrepro.plotting.panel import draw_panel
from bnrepro.records.schemas import Tables


def axes_of(experiment: Experiment, name: str, tables: Tables) -> Axes:
    """The axes of a panel that has one, or the first of several."""
    return draw_panel(experiment.panel(name), tables).axes[0]


def drawer(experiment: Experiment, tables: Tables) -> Callable[[str], Axes]:
    """`axes_of` by name, each panel drawn once."""
    drawn: dict[str, Axes] = {}

    def draw(name: str) -> Axes:
        if name not in drawn:
            drawn[name] = axes_of(experiment, name, tables)
        return drawn[name]

    return draw


def every_panel(experiment: Experiment, tables: Tables) -> list[Figure]:
    """All panels, each on axes whose limits are numbers and with a caption that lacks none."""
    figures = [draw_panel(panel, tables) for panel in experiment.PANELS]
    for panel, figure in zip(experiment.PANELS, figures):
        assert np.isfinite([(axes.get_xlim(), axes.get_ylim()) for axes in figure.axes]).all(), panel.name
        assert "{" not in panel.full_caption(tables)
    return figures


def every_table(experiment: Experiment, tables: Tables) -> dict[str, pd.DataFrame]:
    """All that the panels draw, a table each, by panel and name."""
    drawn = {panel.name: panel.data(tables) for panel in experiment.PANELS}
    return {
        f"{panel} {name}": table
        for panel, data in drawn.items()
        for name, table in (data.items() if isinstance(data, dict) else [("", data)])
    }
