"""What draws regularization from computed tables: the logits, the gaps, section 4.2.1, the ensemble. Knows no claim, no run."""

import textwrap

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import FixedLocator, FuncFormatter, MaxNLocator

from bnrepro.analysis.formatting import number
from bnrepro.analysis.intervals import median_interval
from bnrepro.analysis.select import intervals
from bnrepro.experiments.regularization.tables import LOSS, SETTINGS
from bnrepro.plotting.area import Area
from bnrepro.plotting.arms import COLORS, LABELS
from bnrepro.plotting.axes import DOTTED, key_above, log_axis, name_ends, nothing, thousands
from bnrepro.plotting.inks import INK
from bnrepro.plotting.lines import median_line, row_axis, ticks_at
from bnrepro.plotting.marks import interval_mark, paper_line, paper_mark, seeds_and_median
from bnrepro.plotting.style import small

_ARMS = {"none": "without BN", "none_dropout": "Dropout", "batch": "with BN", "batch_dropout": "BN and Dropout"}
_CONTROL = ("none", "batch", "population", "noise")
_MOMENTS = {"equal": ("o", -0.17), "last": ("s", 0.17)}  # marker, and position in its row
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


def draw_spread(area: Area, mates: pd.DataFrame) -> None:
    """Training mode by seed and median, with the slope of a mean of independent examples; inference in words."""
    axes, color, runs = area.axes(), COLORS["batch"], mates[mates["mode"] == "training"]
    axes.set(
        xscale="log",
        yscale="log",
        xlabel="Size of the mini-batch",
        ylabel="Spread over mini-batches\nover that of examples",
    )
    sizes = sorted(set(mates["batch_size"]))
    if runs.empty:
        nothing(axes)
        return
    medians = intervals(runs, "batch_size", "spread")
    seeds_and_median(axes, runs, medians, "batch_size", "spread", color)
    middle = medians.set_index("batch_size")["estimate"]
    falling = middle.iloc[0] * np.sqrt(sizes[0] / np.array(sizes))
    axes.plot(sizes, falling, **DOTTED)
    style = dict(textcoords="offset points", fontsize=small())
    axes.annotate("1 / √size", (sizes[-1], falling[-1]), (0, -9), color="#6B6B6B", ha="right", **style)
    at_inference = mates.loc[mates["mode"] == "inference", "spread"].max()
    axes.annotate("training mode", (sizes[2], middle.iloc[2]), (6, 5), color=color, **style)
    axes.annotate(f"inference: {number(at_inference)}", (0, 0), (3, 4), "axes fraction", color=color, **style)
    ticks_at(axes.xaxis, sizes[::2], thousands)
    log_axis(axes, "y", (min(falling[-1], runs["spread"].min()) / 2.4, 1.4 * runs["spread"].max()))


def draw_gaps(area: Area, data: dict[str, pd.DataFrame]) -> None:
    """A gap over the training-set size, a line an arm."""
    axes, gaps, (low, high), ends = area.axes(), data["runs"], data["axis"].iloc[0], []
    sizes, margin = sorted(set(gaps["size"])), 0.06 * (high - low) + 0.1
    for arm, words in _ARMS.items():
        ends += median_line(axes, gaps[gaps["arm"] == arm], "size", "points", COLORS[arm], words)
    axes.set(xscale="log", xlim=(sizes[0] / 1.25, sizes[-1] * 1.25), ylim=(min(low - margin, 0), high + margin))
    axes.set(xlabel="Training examples", ylabel="Generalization gap, points")
    ticks_at(axes.xaxis, sizes, thousands)
    axes.yaxis.set_major_locator(MaxNLocator(5, steps=[1, 2, 5, 10]))
    name_ends(axes, ends)
    if not ends:
        nothing(axes, "no run gets there")


def draw_noise(area: Area, gaps: pd.DataFrame) -> None:
    """A row an arm, a mark a moment."""
    axes = area.axes()
    for position, arm in enumerate(_CONTROL):
        for moment, (marker, shift) in _MOMENTS.items():
            own = gaps.loc[(gaps["arm"] == arm) & (gaps["moment"] == moment), "points"].dropna()
            interval_mark(axes, position + shift, own, median_interval(own), COLORS[arm], marker=marker)
    row_axis(axes, [textwrap.fill(LABELS[arm], 12) for arm in _CONTROL], [COLORS[arm] for arm in _CONTROL])
    axes.set_xlim(left=min(0, axes.get_xlim()[0]))
    axes.set_xlabel("Training minus held-out, points")
    key_above(axes, (f"● at loss {LOSS:g}   ■ after equal steps", INK))


def draw_effects(area: Area, effects: pd.DataFrame) -> None:
    """A row a change, a mark a setting; a dotted line at no effect, and where a claim allows a loss, a bar at that."""
    axes, changes = area.axes(), [change for change in _CHANGES if change in set(effects["change"])]
    shown = effects[["effect", "ci_low", "ci_high"]]
    edge = min(max(1.15 * shown.abs().max(axis=None), 1), _MOST_POINTS)
    axes.set_xlim(-edge, edge)
    axes.axvline(0, **DOTTED)
    for position, change in enumerate(changes):
        own = effects[effects["change"] == change]
        for at in own["allowed"].dropna().unique():
            axes.plot([at, at], [position - 0.42, position + 0.42], color=INK, linewidth=0.8, zorder=2)
        for row in own.itertuples():
            _setting_mark(axes, position, row.setting, (row.effect, row.ci_low, row.ci_high))
    row_axis(axes, [_CHANGES[change] for change in changes], [INK] * len(changes), lines=True)
    axes.set_xlabel("Effect on validation accuracy, points")
    key_above(axes, (_KEY, INK))


def draw_ratios(area: Area, effects: pd.DataFrame) -> None:
    """A row a change, a mark a setting: how many times fewer steps; an arrow where that is a bound or beyond the axis."""
    axes, changes = area.axes(), [change for change in _CHANGES if change in set(effects["change"])]
    shown = effects[["steps_ratio", "ratio_low", "ratio_high"]].to_numpy(float)
    finite = shown[np.isfinite(shown) & (shown > 0)]
    edge = min(max(1.2 * np.exp(np.abs(np.log(finite)).max(initial=0)), 2), _MOST_TIMES)
    axes.set(xscale="log", xlim=(1 / edge, edge))
    axes.axvline(1, **DOTTED)
    for position, change in enumerate(changes):
        for row in effects[effects["change"] == change].itertuples():
            _setting_mark(axes, position, row.setting, (row.steps_ratio, row.ratio_low, row.ratio_high), row.bound)
    row_axis(axes, [_CHANGES[change] for change in changes], [INK] * len(changes), lines=True)
    ticks = [tick for tick in (0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20) if 1 / edge <= tick <= edge]
    ticks_at(axes.xaxis, ticks)
    axes.set_xlabel("Times fewer steps")
    key_above(axes, (_KEY, INK))


def _setting_mark(axes: Axes, position: int, setting: str, interval: tuple, bound: str = "") -> None:
    shift = 0.17 * (2 * list(SETTINGS).index(setting) - 1)
    interval_mark(axes, position + shift, [], interval, COLORS["batch"], filled=_FILLED[setting], bound=bound)


def draw_shuffling(area: Area, data: dict[str, pd.DataFrame]) -> None:
    """By arm each seed, median and interval in both settings; below, the difference between the arms; the paper's gain."""
    axes, medians, papers_gain = area.axes(), data["medians"], data["paper"]["points"].iloc[0]
    words = {"batch": LABELS["batch"], "none": LABELS["none"], "difference": "difference"}
    colors = {"batch": COLORS["batch"], "none": COLORS["none"], "difference": INK}
    farthest = medians[["estimate", "ci_low", "ci_high"]].abs().max(axis=None)
    edge = min(max(1.15 * farthest, 1.3 * papers_gain), _MOST_POINTS)
    axes.set_xlim(-edge, edge)
    axes.axvline(0, **DOTTED)
    seeds = {keys: own["points"] for keys, own in data["seeds"].groupby(["arm", "setting"])}
    for row in medians.itertuples():
        position = list(words).index(row.arm) + 0.2 * (2 * list(SETTINGS).index(row.setting) - 1)
        interval = row.estimate, row.ci_low, row.ci_high
        interval_mark(
            axes, position, seeds[row.arm, row.setting], interval, colors[row.arm], filled=_FILLED[row.setting]
        )
    paper_mark(axes, papers_gain, -0.62)
    style = dict(textcoords="offset points", fontsize=small(), color=COLORS["paper"], va="center")
    axes.annotate(LABELS["paper"], (papers_gain, -0.62), (5, 0), **style)
    row_axis(axes, list(words.values()), list(colors.values()))
    axes.set_ylim(top=-0.9)
    axes.set_xlabel("Gain in validation accuracy, points")
    key_above(axes, (_KEY, INK))


def draw_ensembles(area: Area, data: dict[str, pd.DataFrame]) -> None:
    """Each seed, the median; the paper's ensemble scaled to our single net."""
    axes, errors, papers = area.axes(), data["seeds"], data["paper"]
    medians = intervals(errors, "members", "percent")
    seeds_and_median(axes, errors, medians, "members", "percent", COLORS["bn_x30"], LABELS["bn_x30"])
    middle = medians.set_index("members")["estimate"]
    first, last = middle.index.min(), middle.index.max()
    paper_line(axes, papers["members"], papers["percent"], linewidth=0.8)
    for mark in papers.itertuples():
        paper_mark(axes, mark.members, mark.percent)
    ours = (last, middle[last], LABELS["bn_x30"], COLORS["bn_x30"])
    theirs = (last, papers["percent"].iloc[-1], "paper, scaled", COLORS["paper"])
    low, high = (pick([*errors["percent"], *papers["percent"]]) for pick in (min, max))
    axes.set(xlim=(first - 0.2, last + 0.2), ylim=(low - 0.08 * (high - low), high + 0.08 * (high - low)))
    axes.set(xlabel="Nets averaged", ylabel="Test error")
    axes.xaxis.set_major_locator(FixedLocator(middle.index))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, position: f"{value:g}%"))
    name_ends(axes, [ours, theirs])
