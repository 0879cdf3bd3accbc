"""The heat maps over the values that the paper does not state, drawn from computed tables. Knows no claim and no run."""

import numpy as np
import pandas as pd
import seaborn
from matplotlib.axes import Axes
from matplotlib.colors import LogNorm

from bnrepro.plotting.area import Area
from bnrepro.plotting.arms import COLORS
from bnrepro.plotting.heatmap import frame_cell, heat_map
from bnrepro.plotting.style import small


def draw_calibration(area: Area, cells: pd.DataFrame) -> None:
    """A heat map for each reading of the pixels, in the order of the rows."""
    colors, norm = seaborn.light_palette("#3F4A5A", reverse=True, as_cmap=True), LogNorm(0.5, 70, clip=True)
    readings = list(dict.fromkeys(cells["pixels"]))
    for axes, pixels in zip(area.grid(widths=[1] * len(readings)), readings):
        own = cells[cells["pixels"] == pixels]
        words = own["points"].map(lambda value: f"{value:.2g}" if np.isfinite(value) else "–")
        heat_map(axes, own.assign(words=words), "points", "words", colors, norm)
        _finish(axes, own, f"{pixels} pixels", pixels == readings[0])


def draw_sensitivity(area: Area, cells: pd.DataFrame) -> None:
    """Times fewer steps with BN, in the color of the arm that is faster."""
    axes = area.axes()
    colors = seaborn.blend_palette([COLORS["none"], "white", COLORS["batch"]], as_cmap=True)
    undecided = cells["bound"] == "~"
    words = (cells["bound"] + cells["ratio"].map(" {:.2g}".format)).str.strip().mask(undecided, "–")
    shown = cells.assign(words=words, ratio=cells["ratio"].mask(undecided))
    heat_map(axes, shown, "ratio", "words", colors, LogNorm(1 / 12, 12, clip=True))
    _finish(axes, cells, f"{cells['pixels'].iloc[0]} pixels", True)


def _finish(axes: Axes, cells: pd.DataFrame, words: str, first: bool) -> None:
    """The frame, the words above, and the axis of starts, which only the first of several has."""
    for used in cells[cells["used"]].itertuples():
        frame_cell(axes, cells, used.initial_std, used.learning_rate)
    axes.annotate(words, (0, 1), (0, 3), "axes fraction", "offset points", fontsize=small(), annotation_clip=False)
    axes.set_ylabel("Initial std" if first else "")
    axes.tick_params(labelleft=first)
