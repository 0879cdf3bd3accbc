"""The panels of section 4.2.1 and of the ensemble, drawn from computed tables. Knows no claim and no run."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import FixedLocator, FuncFormatter

from bnrepro.analysis.intervals import bootstrap_median
from bnrepro.analysis.select import intervals
from bnrepro.experiments.regularization.tables import SETTINGS
from bnrepro.plotting.arms import COLORS, LABELS
from bnrepro.plotting.axes import DOTTED, name_ends
from bnrepro.plotting.lines import row_axis, ticks_at
from bnrepro.plotting.marks import interval_mark, paper_line, paper_mark, seeds_and_median
from bnrepro.plotting.style import INK

_FILLED = {"conv": True, "dense": False}

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


def draw_effects(axes: Axes, effects: pd.DataFrame, margins: dict[str, float]) -> None:
    """A row a change, a mark a setting; a dotted line at no effect, and where a claim allows a loss, at that."""
    changes = [change for change in _CHANGES if change in set(effects["change"])]
    shown = 100 * effects[["effect", "ci_low", "ci_high"]]
    edge = min(max(1.15 * shown.abs().max(axis=None), 1), _MOST_POINTS)
    axes.set_xlim(-edge, edge)
    axes.axvline(0, **DOTTED)
    for place, change in enumerate(changes):
        if change in margins:
            at = 100 * margins[change]
            axes.plot([at, at], [place - 0.42, place + 0.42], color=INK, linewidth=0.8, zorder=2)
        for row in effects[effects["change"] == change].itertuples():
            interval = 100 * row.effect, 100 * row.ci_low, 100 * row.ci_high
            _setting_mark(axes, place, row.setting, interval)
    row_axis(axes, [_CHANGES[change] for change in changes], [INK] * len(changes), lines=True)
    axes.set_xlabel("Points of validation accuracy")


def draw_ratios(axes: Axes, effects: pd.DataFrame) -> None:
    """A row a change, a mark a setting: how many times fewer steps; an arrow where that is a bound or beyond the axis."""
    changes = [change for change in _CHANGES if change in set(effects["change"])]
    shown = effects[["steps_ratio", "ratio_low", "ratio_high"]].to_numpy(float)
    finite = shown[np.isfinite(shown) & (shown > 0)]
    edge = min(max(1.2 * np.exp(np.abs(np.log(finite)).max(initial=0)), 2), _MOST_TIMES)
    axes.set(xscale="log", xlim=(1 / edge, edge))
    axes.axvline(1, **DOTTED)
    for place, change in enumerate(changes):
        for row in effects[effects["change"] == change].itertuples():
            _setting_mark(axes, place, row.setting, (row.steps_ratio, row.ratio_low, row.ratio_high), row.bound)
    row_axis(axes, [""] * len(changes), [INK] * len(changes), lines=True)
    ticks = [tick for tick in (0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20) if 1 / edge <= tick <= edge]
    ticks_at(axes.xaxis, ticks)
    axes.set_xlabel("Steps without / with")


def _setting_mark(axes: Axes, place: int, setting: str, interval: tuple, bound: str = "") -> None:
    shift = 0.17 * (2 * list(SETTINGS).index(setting) - 1)
    interval_mark(axes, place + shift, [], interval, COLORS["batch"], filled=_FILLED[setting], bound=bound)


def draw_shuffling(axes: Axes, shuffling: pd.DataFrame, papers_gain: float) -> None:
    """By arm each seed, median and interval in both settings; below, the difference between the arms; the paper's gain."""
    arms = {"batch": LABELS["batch"], "none": LABELS["none"], "difference": "difference"}
    colors = {"batch": COLORS["batch"], "none": COLORS["none"], "difference": INK}
    gains = shuffling.assign(points=100 * shuffling["gain"])
    found = {keys: (values, bootstrap_median(values)) for keys, values in gains.groupby(["arm", "setting"])["points"]}
    ends = [abs(end) for _, interval in found.values() for end in interval[:3]]
    edge = min(max(1.15 * max(ends), 130 * papers_gain), _MOST_POINTS)
    axes.set_xlim(-edge, edge)
    axes.axvline(0, **DOTTED)
    for place, arm in enumerate(arms):
        for setting, side in zip(SETTINGS, (-1, 1)):
            mark = dict(filled=_FILLED[setting])
            interval_mark(axes, place + 0.2 * side, *found[arm, setting], colors[arm], **mark)
    paper_mark(axes, 100 * papers_gain, -0.62)
    style = dict(textcoords="offset points", fontsize=7, color=COLORS["paper"], va="center")
    axes.annotate(LABELS["paper"], (100 * papers_gain, -0.62), (5, 0), **style)
    row_axis(axes, list(arms.values()), list(colors.values()))
    axes.set_ylim(top=-0.9)
    axes.set_xlabel("Points of validation accuracy")


def draw_ensembles(axes: Axes, ensembles: pd.DataFrame, papers_ratio: float) -> None:
    """Each seed, the median; the paper's ensemble scaled to our single net."""
    errors = ensembles.assign(percent=100 * ensembles["error"])
    medians = intervals(errors, "members", "percent")
    seeds_and_median(axes, errors, medians, "members", "percent", COLORS["bn_x30"], LABELS["bn_x30"])
    middle = medians.set_index("members")["estimate"]
    first, last = middle.index.min(), middle.index.max()
    papers = [middle[first], papers_ratio * middle[first]]
    paper_line(axes, [first, last], papers, linewidth=0.8)
    for x, y in zip((first, last), papers):
        paper_mark(axes, x, y)
    ends = [
        (last, middle[last], LABELS["bn_x30"], COLORS["bn_x30"]),
        (last, papers[1], "paper, scaled", COLORS["paper"]),
    ]
    low, high = (pick([*errors["percent"], *papers]) for pick in (min, max))
    axes.set(xlim=(first - 0.2, last + 0.2), ylim=(low - 0.08 * (high - low), high + 0.08 * (high - low)))
    axes.set_xlabel("Nets averaged")
    axes.xaxis.set_major_locator(FixedLocator(middle.index))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, place: f"{value:g}%"))
    name_ends(axes, ends)
