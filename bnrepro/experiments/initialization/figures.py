"""The figure of initialization: maps of start and rate, what of them trains, named starts, depth. Knows no claim."""

import numpy as np
import pandas as pd
import seaborn
from matplotlib.axes import Axes
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, PercentFormatter

from bnrepro.analysis.curves import CHANCE
from bnrepro.analysis.intervals import bootstrap_median
from bnrepro.analysis.select import TRAINS
from bnrepro.config.run_config import RunConfig
from bnrepro.experiments.initialization.tables import NETS, depths, ended, maps, over_stds, shares, starts
from bnrepro.experiments.setups import ARMS
from bnrepro.plotting.arms import COLORS, LABELS
from bnrepro.plotting.axes import DOTTED, name_ends
from bnrepro.plotting.heatmap import heat_map
from bnrepro.plotting.lines import median_line, row_axis, ticks_at
from bnrepro.plotting.marks import interval_mark
from bnrepro.plotting.style import DOUBLE, INK, add_panel, new_figure, styled
from bnrepro.records.schemas import Tables

CAPTION = (
    "(a, b) Final test accuracy in percent over the standard deviation of the kernels at the start and the learning rate, "
    "without and with BN: median of {map_sigmoid_seeds} seeds, a diverged run counted as chance; a cross where half of the runs "
    f"or more diverged. The line is around the cells at {TRAINS:.0%} or above; the diamond marks the values with which the net "
    "follows the paper's curve (notebook 01). (c) Share of the map whose runs end there: each seed (tick), median (dot) and its "
    "95% bootstrap interval (bar). (d, e) Accuracy over the standard deviation, each arm at its best rate over all of them on "
    "validation examples (above the panel, without and with BN): each seed (thin), median (thick) and its interval (band). "
    "(f) The deeper ReLU net from named starts, each arm at its best rate on validation examples; below the line, two that leave "
    "all units of a layer alike; dotted, chance. (g, h) Accuracy over the number of hidden layers, each arm at its best rate at "
    "each depth; the ReLU nets from He's start."
)

_NETS = {"sigmoid": "sigmoid", "relu": "ReLU"}
_MAPS = {"sigmoid": "Sigmoid net: final test accuracy, %", "relu": "Deeper ReLU net: final test accuracy, %"}
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
_MAP = (35.5, 41.0)  # mm; width and height of a heat map


def figure(tables: Tables) -> Figure:
    """Maps of start and rate, what of them trains, the named starts, and depth."""
    runs = ended(tables, "map")
    return draw(
        maps=maps(runs),
        shares=shares(runs),
        over_stds=over_stds(runs),
        starts=starts(tables),
        depths=depths(tables),
    )


@styled
def draw(
    maps: pd.DataFrame, shares: pd.DataFrame, over_stds: pd.DataFrame, starts: pd.DataFrame, depths: pd.DataFrame
) -> Figure:
    """The whole figure; the arguments are what the functions of `tables` return."""
    figure = new_figure(DOUBLE, 186)
    _maps(figure, maps)
    _shares(add_panel(figure, (22, 77, 27, 36), "c", "Share of the map", f"that ends at {TRAINS:.0%} or above"), shares)
    for letter, left, net in zip("de", (64, 123), NETS):
        own = over_stds[over_stds["name"] == net]
        axes = add_panel(figure, (left, 77, 34, 36), letter, f"Accuracy by start, {_NETS[net]}", _best_rates(own))
        ends = _curves(axes, own, "initial_std")
        stds = own["initial_std"]
        axes.set(xscale="log", xlim=(stds.min() / 1.4, stds.max() * 1.4), xlabel="Initial std")
        _ticks(axes, stds, sparse=True)
        name_ends(axes, ends)
    _starts(figure, (34, 135, 33, 41), starts)
    for letter, left, net in zip("gh", (79, 131), NETS):
        own = depths[depths["name"] == net]
        words = (letter, f"Accuracy by depth, {_NETS[net]}", "at each depth's best rates")
        axes = add_panel(figure, (left, 135, 27, 41), *words)
        ends = _curves(axes, own, "hidden_layers")
        layers = own["hidden_layers"]
        axes.set(xlim=(layers.min() - 1, layers.max() + 1), xlabel="Hidden layers")
        _ticks(axes, layers)
        name_ends(axes, ends)
    return figure


def _best_rates(runs: pd.DataFrame) -> str:
    rates = runs.groupby("normalization")["learning_rate"].first()
    return f"best rate {rates['none']:g} without, {rates['batch']:g} with"


def _maps(figure: Figure, maps: pd.DataFrame) -> None:
    """For each net both arms side by side, in the arm's color, a line around what trains."""
    norm = Normalize(0, 1)
    keys = iter((f"□ ≥ {TRAINS:.0%}", "◇ notebook 01", "", "× diverged"))
    for letter, net, left in zip("ab", NETS, (15, 95)):
        for arm in ARMS:
            cells = maps[(maps["name"] == net) & (maps["normalization"] == arm)]
            first = arm == ARMS[0]
            place = (left if first else left + _MAP[0] + 3, 13, *_MAP)
            axes = add_panel(figure, place, *((letter, _MAPS[net]) if first else ("", "")), LABELS[arm])
            axes.texts[-1].set_color(COLORS[arm])
            style = dict(fontsize=7, ha="right", annotation_clip=False)
            axes.annotate(next(keys), (1, 1), (0, 5), "axes fraction", "offset points", **style)
            words = (100 * cells["accuracy"]).map("{:.0f}".format).mask(cells["lost"], "×")
            colors = seaborn.light_palette(COLORS[arm], as_cmap=True)
            heat_map(axes, cells.assign(words=words), "accuracy", "words", colors, norm)
            _outline(axes, cells)
            if net == "sigmoid":
                _mark_used(axes, cells)
            leftmost = first and net == NETS[0]
            axes.set_ylabel("Initial std" if leftmost else "")
            axes.tick_params(labelleft=leftmost)
            axes.tick_params(axis="x", labelsize=7)
            rates = axes.get_xticklabels()
            axes.set_xticks(
                axes.get_xticks(), [rate.get_text() if place % 2 == 0 else "" for place, rate in enumerate(rates)]
            )


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
    """The values of notebook 01 at their place between the cells' centers; nothing where the map does not reach there."""
    places = []
    for name in ("learning_rate", "initial_std"):
        values, used = np.array(sorted(set(cells[name]))), _USED[name]
        if not values[0] <= used <= values[-1]:
            return
        places.append(np.interp(np.log(used), np.log(values), np.arange(len(values)) + 0.5))
    style = dict(color="white", markeredgecolor=INK, markersize=3.4, markeredgewidth=0.9, zorder=6)
    axes.plot(*places, "D", label="inferred", **style)


def _shares(axes: Axes, shares: pd.DataFrame) -> None:
    """A heading for each net, below it a row an arm: each seed, the median and its interval."""
    axes.set_xlim(-0.04, 1.04)
    words, colors = [], []
    for net in NETS:
        words.append(f"{_NETS[net]} net")
        colors.append(INK)
        for arm in ARMS:
            own = shares.loc[(shares["name"] == net) & (shares["normalization"] == arm), "share"]
            interval_mark(axes, len(words), own, bootstrap_median(own), COLORS[arm])
            words.append(LABELS[arm])
            colors.append(COLORS[arm])
    row_axis(axes, words, colors)
    axes.xaxis.set_major_locator(FixedLocator([0, 0.5, 1]))
    axes.xaxis.set_major_formatter(PercentFormatter(1, 0))


def _starts(figure: Figure, place: tuple, starts: pd.DataFrame) -> None:
    """A row a start, both arms in it; the starts that leave all units of a layer alike stand apart."""
    axes = add_panel(figure, place, "f", "Named starts, ReLU net", f"● {LABELS['none']}")
    axes.texts[-1].set_color(COLORS["none"])
    style = dict(color=COLORS["batch"], annotation_clip=False)
    axes.annotate(f"● {LABELS['batch']}", (0, 1), (64, 5), "axes fraction", "offset points", **style)
    axes.set_xlim(-0.04, 1.04)
    for place, name in enumerate(_STARTS):
        for arm, shift in zip(ARMS, (-0.17, 0.17)):
            own = starts.loc[(starts["name"] == name) & (starts["normalization"] == arm), "final_accuracy"]
            interval_mark(axes, place + shift, own, bootstrap_median(own), COLORS[arm])
    row_axis(axes, list(_STARTS.values()), [INK] * len(_STARTS))
    apart = list(_STARTS).index(_ALIKE[0]) - 0.5
    axes.plot([-0.04, 1.04], [apart, apart], color=INK, linewidth=0.8, zorder=2)
    style = dict(textcoords="offset points", fontsize=7, ha="right", color=INK, annotation_clip=False)
    axes.annotate("units alike", (1.04, apart), (0, -8), **style)
    axes.axvline(CHANCE, **DOTTED)
    axes.set_xlabel("Final test accuracy")
    axes.xaxis.set_major_locator(FixedLocator([0, 0.5, 1]))
    axes.xaxis.set_major_formatter(PercentFormatter(1, 0))


def _curves(axes: Axes, runs: pd.DataFrame, x: str) -> list[tuple]:
    """Final accuracy over `x`, both arms: each seed, the median and its interval; dotted, what counts as trained.

    Returns the ends of the medians for `name_ends`.
    """
    ends = []
    for arm in ARMS:
        own = runs[runs["normalization"] == arm]
        ends += median_line(axes, own, x, "final_accuracy", COLORS[arm], LABELS[arm])
    axes.axhline(TRAINS, **DOTTED)
    axes.set_ylim(0, 1)
    axes.yaxis.set_major_locator(FixedLocator([0, 0.25, 0.5, 0.75, 1]))
    axes.yaxis.set_major_formatter(PercentFormatter(1, 0))
    return ends


def _ticks(axes: Axes, values: pd.Series, sparse: bool = False) -> None:
    """A tick at each of the values, and its number; with `sparse` the powers of ten alone have one."""
    ticks_at(
        axes.xaxis,
        sorted(set(values)),
        lambda value: f"{value:g}" if not sparse or np.log10(value).is_integer() else "",
    )
