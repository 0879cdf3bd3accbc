"""The figure of regularization, drawn from statistics that are already computed. Knows no claim and no table of runs."""

import textwrap

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FuncFormatter, MaxNLocator

from bnrepro import panels
from bnrepro.findings.regularization_effects import LOSS, SETTINGS, few
from bnrepro.lines import median_line, row_axis, ticks_at
from bnrepro.plots import COLORS, DOUBLE, INK, LABELS, add_panel, new_figure, styled
from bnrepro.select import intervals
from bnrepro.stats import bootstrap_median
from bnrepro.wording import number

_ARMS = ("none", "none_dropout", "batch", "batch_dropout")
_CONTROL = ("none", "batch", "population", "noise")
_MOMENTS = {"equal": ("o", -0.17), "last": ("s", 0.17)}  # marker, and place in its row
_FILLED = {"conv": True, "dense": False}
_KEY = "● inception_small   ○ dense net"
_CHANGES = {
    "rate": "rate x 5",
    "dropout": "no Dropout",
    "weight_decay": "L2 / 5",
    "decay": "decay 6 x faster",
    "lrn": "no LRN",
    "shuffling": "thorough shuffling",
    "distortion": "less distortion",
}
_MOST_POINTS, _MOST_TIMES = 5, 20  # effects and ratios beyond are arrows at the edge


@styled
def draw(
    mates: pd.DataFrame,
    gaps: pd.DataFrame,
    effects: pd.DataFrame,
    shuffling: pd.DataFrame,
    ensembles: pd.DataFrame,
    margins: dict[str, float],
    papers_gain: float,
    papers_ratio: float,
) -> Figure:
    """The whole figure.

    Args:
        mates: The table `mates` with the config of its runs.
        gaps: As `regularization_effects.gaps` gives them; so too `effects` and `shuffling`.
        effects: What each change does.
        shuffling: What thorough shuffling gains.
        ensembles: The table `ensembles`.
        margins: By change, how much accuracy it may cost for its claim to hold.
        papers_gain: What thorough shuffling gains in the paper.
        papers_ratio: The error of the paper's ensemble over that of one of its nets.
    """
    figure = new_figure(DOUBLE, 196)
    _spread(add_panel(figure, (13, 12, 33, 38), "a", "Spread of the logits", "over mini-batches"), mates)
    gap = "Generalization gap, points"
    last = add_panel(figure, (58, 12, 32, 38), "b", gap, "after equal steps")
    equal = add_panel(figure, (117, 12, 32, 38), "c", gap, f"at equal training loss, {LOSS:g}")
    _sizes({"last": last, "equal": equal}, gaps)
    _noise(
        add_panel(figure, (27, 74, 30, 46), "d", "Is it the noise?", f"● at loss {LOSS:g}   ■ after equal steps"), gaps
    )
    _effects(add_panel(figure, (91, 74, 41, 46), "e", "Effect on best accuracy", _KEY), effects, margins)
    _ratios(add_panel(figure, (139, 74, 33, 46), "f", "Times fewer steps", "to the best without it"), effects)
    _shuffling(add_panel(figure, (27, 144, 49, 41), "g", "Gain from thorough shuffling", _KEY), shuffling, papers_gain)
    ensemble = add_panel(
        figure, (103, 144, 45, 41), "h", "Test error of an ensemble", "mean over all choices of its nets"
    )
    _ensembles(ensemble, ensembles, papers_ratio)
    return figure


def _spread(axes: Axes, mates: pd.DataFrame) -> None:
    """Training mode by seed and median, with the slope of a mean of independent examples; inference in words."""
    color, runs = COLORS["batch"], mates[mates["mode"] == "training"]
    axes.set(xscale="log", yscale="log", xlabel="Mini-batch size")
    sizes = sorted(set(mates["batch_size"]))
    if runs.empty:
        panels.nothing(axes)
        return
    medians = intervals(runs, "batch_size", "spread")
    panels.seeds_and_median(axes, runs, medians, "batch_size", "spread", color)
    middle = medians.set_index("batch_size")["estimate"]
    falling = middle.iloc[0] * np.sqrt(sizes[0] / np.array(sizes))
    axes.plot(sizes, falling, **panels.DOTTED)
    style = dict(textcoords="offset points", fontsize=7)
    axes.annotate("1 / √size", (sizes[-1], falling[-1]), (0, -9), color="#6B6B6B", ha="right", **style)
    at_inference = mates.loc[mates["mode"] == "inference", "spread"].max()
    axes.annotate("training mode", (sizes[2], middle.iloc[2]), (6, 5), color=color, **style)
    words = f"inference: {number(at_inference)}"
    axes.annotate(words, (0, 0), (3, 4), "axes fraction", textcoords="offset points", fontsize=7, color=color)
    ticks_at(axes.xaxis, sizes[::2], panels.thousands)
    panels.log_axis(axes, "y", (min(falling[-1], runs["spread"].min()) / 2.4, 1.4 * runs["spread"].max()))


def _sizes(each: dict[str, Axes], gaps: pd.DataFrame) -> None:
    """Both gaps over the training-set size, on the same scale."""
    gaps = gaps[gaps["arm"].isin(_ARMS)]
    sizes = sorted(set(gaps["size"]))
    values = 100 * gaps[list(each)].to_numpy(float)
    low, high = (np.nanmin(values), np.nanmax(values)) if np.isfinite(values).any() else (0.0, 1.0)
    margin = 0.06 * (high - low) + 0.1
    for value, axes in each.items():
        ends = []
        for arm in _ARMS:
            own = gaps[gaps["arm"] == arm]
            own = own.assign(points=100 * own[value])
            ends += median_line(axes, own, "size", "points", COLORS[arm], LABELS[arm])
        axes.set(xscale="log", xlim=(sizes[0] / 1.25, sizes[-1] * 1.25), ylim=(min(low - margin, 0), high + margin))
        axes.set(xlabel="Training examples")
        ticks_at(axes.xaxis, sizes, panels.thousands)
        axes.yaxis.set_major_locator(MaxNLocator(5, steps=[1, 2, 5, 10]))
        panels.name_ends(axes, ends)
        if not ends:
            panels.nothing(axes, "no run gets there")


def _noise(axes: Axes, gaps: pd.DataFrame) -> None:
    """The gaps without Dropout on few examples, and of the control in which noise is told from normalization."""
    runs = few(gaps)
    for place, arm in enumerate(_CONTROL):
        for value, (marker, shift) in _MOMENTS.items():
            own = 100 * runs.loc[runs["arm"] == arm, value].dropna()
            panels.interval_mark(axes, place + shift, own, bootstrap_median(own), COLORS[arm], marker=marker)
    row_axis(axes, [textwrap.fill(LABELS[arm], 12) for arm in _CONTROL], [COLORS[arm] for arm in _CONTROL])
    axes.set_xlim(left=min(0, axes.get_xlim()[0]))
    axes.set_xlabel("Training minus held-out, points")


def _effects(axes: Axes, effects: pd.DataFrame, margins: dict[str, float]) -> None:
    """A row a change, a mark a setting; a dotted line at no effect, and where a claim allows a loss, at that."""
    changes = [change for change in _CHANGES if change in set(effects["change"])]
    shown = 100 * effects[["effect", "ci_low", "ci_high"]]
    edge = min(max(1.15 * shown.abs().max(axis=None), 1), _MOST_POINTS)
    axes.set_xlim(-edge, edge)
    axes.axvline(0, **panels.DOTTED)
    for place, change in enumerate(changes):
        if change in margins:
            at = 100 * margins[change]
            axes.plot([at, at], [place - 0.42, place + 0.42], color=INK, linewidth=0.8, zorder=2)
        for row in effects[effects["change"] == change].itertuples():
            interval = 100 * row.effect, 100 * row.ci_low, 100 * row.ci_high
            _setting_mark(axes, place, row.setting, interval)
    row_axis(axes, [_CHANGES[change] for change in changes], [INK] * len(changes), lines=True)
    axes.set_xlabel("Points of validation accuracy")


def _ratios(axes: Axes, effects: pd.DataFrame) -> None:
    changes = [change for change in _CHANGES if change in set(effects["change"])]
    shown = effects[["steps_ratio", "ratio_low", "ratio_high"]].to_numpy(float)
    finite = shown[np.isfinite(shown) & (shown > 0)]
    edge = min(max(1.2 * np.exp(np.abs(np.log(finite)).max(initial=0)), 2), _MOST_TIMES)
    axes.set(xscale="log", xlim=(1 / edge, edge))
    axes.axvline(1, **panels.DOTTED)
    for place, change in enumerate(changes):
        for row in effects[effects["change"] == change].itertuples():
            _setting_mark(axes, place, row.setting, (row.steps_ratio, row.ratio_low, row.ratio_high), row.bound)
    row_axis(axes, [""] * len(changes), [INK] * len(changes), lines=True)
    ticks = [tick for tick in (0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20) if 1 / edge <= tick <= edge]
    ticks_at(axes.xaxis, ticks)
    axes.set_xlabel("Steps without / with")


def _setting_mark(axes: Axes, place: int, setting: str, interval: tuple, bound: str = "") -> None:
    shift = 0.17 * (2 * list(SETTINGS).index(setting) - 1)
    panels.interval_mark(axes, place + shift, [], interval, COLORS["batch"], filled=_FILLED[setting], bound=bound)


def _shuffling(axes: Axes, shuffling: pd.DataFrame, papers_gain: float) -> None:
    """By arm each seed, median and interval in both settings; below, the difference between the arms; the paper's gain."""
    arms = {"batch": LABELS["batch"], "none": LABELS["none"], "difference": "difference"}
    colors = {"batch": COLORS["batch"], "none": COLORS["none"], "difference": INK}
    gains = shuffling.assign(points=100 * shuffling["gain"])
    found = {keys: (values, bootstrap_median(values)) for keys, values in gains.groupby(["arm", "setting"])["points"]}
    ends = [abs(end) for _, interval in found.values() for end in interval[:3]]
    edge = min(max(1.15 * max(ends), 130 * papers_gain), _MOST_POINTS)
    axes.set_xlim(-edge, edge)
    axes.axvline(0, **panels.DOTTED)
    for place, arm in enumerate(arms):
        for setting, side in zip(SETTINGS, (-1, 1)):
            mark = dict(filled=_FILLED[setting])
            panels.interval_mark(axes, place + 0.2 * side, *found[arm, setting], colors[arm], **mark)
    panels.paper_mark(axes, 100 * papers_gain, -0.62)
    style = dict(textcoords="offset points", fontsize=7, color=COLORS["paper"], va="center")
    axes.annotate(LABELS["paper"], (100 * papers_gain, -0.62), (5, 0), **style)
    row_axis(axes, list(arms.values()), list(colors.values()))
    axes.set_ylim(top=-0.9)
    axes.set_xlabel("Points of validation accuracy")


def _ensembles(axes: Axes, ensembles: pd.DataFrame, papers_ratio: float) -> None:
    """Each seed, the median; the paper's ensemble scaled to our single net."""
    errors = ensembles.assign(percent=100 * ensembles["error"])
    medians = intervals(errors, "members", "percent")
    panels.seeds_and_median(axes, errors, medians, "members", "percent", COLORS["bn_x30"], LABELS["bn_x30"])
    middle = medians.set_index("members")["estimate"]
    first, last = middle.index.min(), middle.index.max()
    papers = [middle[first], papers_ratio * middle[first]]
    panels.paper_line(axes, [first, last], papers, linewidth=0.8)
    for x, y in zip((first, last), papers):
        panels.paper_mark(axes, x, y)
    ends = [
        (last, middle[last], LABELS["bn_x30"], COLORS["bn_x30"]),
        (last, papers[1], "paper, scaled", COLORS["paper"]),
    ]
    low, high = (pick([*errors["percent"], *papers]) for pick in (min, max))
    axes.set(xlim=(first - 0.2, last + 0.2), ylim=(low - 0.08 * (high - low), high + 0.08 * (high - low)))
    axes.set_xlabel("Nets averaged")
    axes.xaxis.set_major_locator(FixedLocator(middle.index))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, place: f"{value:g}%"))
    panels.name_ends(axes, ends)
