"""What draws initialization from computed tables: maps, rows and curves. Knows no claim and no run."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import Normalize

from bnrepro.analysis.intervals import median_interval
from bnrepro.analysis.select import TRAINS
from bnrepro.config.run_config import RunConfig
from bnrepro.experiments.initialization.tables import FROM, NETS
from bnrepro.experiments.setups import ARMS
from bnrepro.plotting.area import Area
from bnrepro.plotting.arms import COLORS, LABELS
from bnrepro.plotting.axes import DOTTED, accuracy_ticks, key_above, name_ends
from bnrepro.plotting.heatmap import heat_map
from bnrepro.plotting.inks import INK
from bnrepro.plotting.lines import median_line, row_axis, ticks_at
from bnrepro.plotting.marks import interval_mark
from bnrepro.plotting.palettes import light
from bnrepro.plotting.style import small

_NETS = {"sigmoid": "sigmoid net", "relu": "ReLU net"}
_STARTS = {
    "he": "He",
    "glorot": "Glorot",
    "orthogonal": "orthogonal",
    "same_variance": "same std in all layers",
    "biased": "He, mean not 0",
    "zero": "all zero",
    "symmetric": "all the same",
}
_ALIKE = ("zero", "symmetric")
"""The starts that leave all units of a layer alike."""

_USED = RunConfig()  # whose start and rate follow the paper's curve, in notebook 01


def draw_map(area: Area, maps: pd.DataFrame, marked: bool) -> None:
    """Both arms side by side, in the arm's color, a line around what trains."""
    for axes, arm in zip(area.grid(widths=(1, 1)), ARMS):
        cells = maps[maps["normalization"] == arm]
        words = (100 * cells["accuracy"]).map("{:.0f}".format).mask(cells["lost"], "×")
        colors = light(COLORS[arm])
        heat_map(axes, cells.assign(words=words), "accuracy", "words", colors, Normalize(0, 1))
        _outline(axes, cells)
        if marked:
            _mark_used(axes, cells)
        first = arm == ARMS[0]
        axes.set_ylabel("Initial std" if first else "")
        axes.tick_params(labelleft=first)
        keys = (
            [f"□ {TRAINS:.0%} or above", "◇ notebook 01" * marked]
            if first
            else ["× diverged" * bool(cells["lost"].any())]
        )
        key_above(axes, (LABELS[arm], COLORS[arm]), *[(key, INK) for key in keys if key])


def _outline(axes: Axes, cells: pd.DataFrame) -> None:
    """A line along the edges of the cells between what trains and what does not, and around the map where it ends there."""
    trains = cells.pivot(index="initial_std", columns="learning_rate", values="trains").to_numpy(bool)
    inside = np.pad(trains, 1)
    edges = []
    for row, column in np.argwhere(inside[:, 1:] != inside[:, :-1]):
        edges += [(column, row - 1), (column, row), (np.nan, np.nan)]
    for row, column in np.argwhere(inside[1:] != inside[:-1]):
        edges += [(column - 1, row), (column, row), (np.nan, np.nan)]
    x, y = np.array(edges or [(np.nan, np.nan)]).T
    axes.plot(x, y, color=INK, linewidth=1.3, label="trains", clip_on=False, solid_capstyle="projecting", zorder=4)


def _mark_used(axes: Axes, cells: pd.DataFrame) -> None:
    """The values of notebook 01 at their position between the cells' centers; nothing where the map does not reach there."""
    positions = []
    for name in ("learning_rate", "initial_std"):
        values, used = np.array(sorted(set(cells[name]))), _USED[name]
        if not values[0] <= used <= values[-1]:
            return
        positions.append(np.interp(np.log(used), np.log(values), np.arange(len(values)) + 0.5))
    style = dict(color="white", markeredgecolor=INK, markersize=3.4, markeredgewidth=0.9, zorder=6)
    axes.plot(*positions, "D", label="inferred", **style)


def draw_shares(area: Area, shares: pd.DataFrame) -> None:
    """A heading for each net, below it a row an arm: each seed, the median and its interval."""
    axes = area.axes()
    axes.set_xlim(-0.04, 1.04)
    words, colors = [], []
    for net in NETS:
        words.append(_NETS[net])
        colors.append(INK)
        for arm in ARMS:
            own = shares.loc[(shares["setting"] == net) & (shares["normalization"] == arm), "share"]
            interval_mark(axes, len(words), own, median_interval(own), COLORS[arm])
            words.append(LABELS[arm])
            colors.append(COLORS[arm])
    row_axis(axes, words, colors)
    axes.set_xlabel("Share of the map's cells")
    accuracy_ticks(axes, "x", [0, 0.25, 0.5, 0.75, 1])


def draw_named_starts(area: Area, starts: pd.DataFrame) -> None:
    """A row a start, both arms in it; the starts that leave all units of a layer alike stand apart."""
    axes = area.axes()
    axes.set_xlim(-0.04, 1.04)
    for position, name in enumerate(_STARTS):
        for arm, shift in zip(ARMS, (-0.17, 0.17)):
            own = starts.loc[(starts["setting"] == name) & (starts["normalization"] == arm), "final_metric"]
            interval_mark(axes, position + shift, own, median_interval(own), COLORS[arm])
    row_axis(axes, list(_STARTS.values()), [INK] * len(_STARTS))
    apart = list(_STARTS).index(_ALIKE[0]) - 0.5
    axes.plot([-0.04, 1.04], [apart, apart], color=INK, linewidth=0.8, zorder=2)
    style = dict(textcoords="offset points", fontsize=small(), ha="right", color=INK, annotation_clip=False)
    axes.annotate("units alike", (1.04, apart), (0, -8), **style)
    for chance in set(starts["chance"]):
        axes.axvline(chance, **DOTTED)
    axes.set_xlabel("Final test accuracy")
    accuracy_ticks(axes, "x", [0, 0.25, 0.5, 0.75, 1])
    key_above(axes, *[(f"● {LABELS[arm]}", COLORS[arm]) for arm in ARMS])


def draw_by_start(area: Area, runs: pd.DataFrame) -> None:
    """Over the standard deviation, whose powers of ten alone are written."""
    axes, stds = area.axes(), runs["initial_std"]
    ends = _curves(axes, runs, "initial_std")
    axes.set(xscale="log", xlim=(stds.min() / 1.4, stds.max() * 1.4), xlabel="Initial std")
    ticks_at(axes.xaxis, sorted(set(stds)), lambda std: f"{std:g}" if np.log10(std).is_integer() else "")
    rates = runs.groupby("normalization")["learning_rate"].first()
    key_above(axes, *[(f"best rate {rates[arm]:g}", COLORS[arm]) for arm in ARMS if arm in rates])
    name_ends(axes, ends)


def draw_by_depth(area: Area, runs: pd.DataFrame) -> None:
    """A panel a start, both arms over the number of layers; one scale for all."""
    layers = sorted(set(runs["hidden_layers"]))
    for axes, (start, words) in zip(area.grid(widths=(1,) * len(FROM)), FROM.items()):
        first = start == next(iter(FROM))
        ends = _curves(axes, runs[runs["setting"] == start], "hidden_layers")
        axes.set(xscale="log", xlim=(layers[0] / 1.2, layers[-1] * 1.2), xlabel="Hidden layers")
        ticks_at(axes.xaxis, layers)
        axes.set_ylabel("Final test accuracy" if first else "")
        axes.tick_params(labelleft=first)
        key_above(axes, (words, INK))
        if start == list(FROM)[-1]:
            name_ends(axes, ends)


def _curves(axes: Axes, runs: pd.DataFrame, x: str) -> list[tuple]:
    """Final accuracy over `x`, both arms: each seed, the median and its interval; dotted, what counts as trained.

    Returns the ends of the medians for `name_ends`.
    """
    ends = []
    for arm in ARMS:
        own = runs[runs["normalization"] == arm]
        ends += median_line(axes, own, x, "final_metric", COLORS[arm], LABELS[arm])
    axes.axhline(TRAINS, **DOTTED)
    axes.set(ylim=(0, 1), ylabel="Final test accuracy")
    accuracy_ticks(axes, "y", [0, 0.25, 0.5, 0.75, 1])
    return ends
