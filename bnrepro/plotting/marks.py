"""Runs, medians and intervals as lines and marks, drawn from tables that are already computed. Knows no run and no file."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from bnrepro.plotting.arms import COLORS, LABELS
from bnrepro.plotting.style import small

_DASHES = (0, (4, 1.6))


def seed_curves(
    axes: Axes, runs: pd.DataFrame, medians: pd.DataFrame, y: str = "accuracy", column: str = "normalization"
) -> None:
    """Each run thin, the median of each arm (a value of `column`) thick over its interval, as `curves.median_curves` gives it."""
    for arm, own in runs[[column, "run", "step", y]].dropna().groupby(column, sort=False):
        _thin_lines(axes, own, "run", "step", y, COLORS[arm])
    for arm, curve in medians.groupby(column):
        axes.fill_between(
            curve["step"], curve["ci_low"], curve["ci_high"], color=COLORS[arm], alpha=0.22, linewidth=0, zorder=3
        )
        axes.plot(curve["step"], curve["estimate"], color=COLORS[arm], label=LABELS[arm], zorder=5)


def paper_line(axes: Axes, x, y, label: str = "_paper", **style) -> None:
    """A published curve: dashed, dark grey, over the runs and under their medians."""
    axes.plot(
        x, y, **{"color": COLORS["paper"], "linestyle": _DASHES, "linewidth": 1.0, "label": label, "zorder": 4, **style}
    )


def name_curve(axes: Axes, runs: pd.DataFrame, arm: str, fraction: float, above: bool, y: str = "accuracy") -> None:
    """Writes an arm's name clear of all curves in `runs`, over or under them, at this `fraction` of the steps."""
    steps = sorted(set(runs["step"]))
    step = steps[int(fraction * (len(steps) - 1))]
    values = runs.loc[runs["step"] == step, y]
    axes.annotate(
        *(LABELS[arm], (step, values.max() if above else values.min()), (0, 9 if above else -10)),
        **dict(textcoords="offset points", color=COLORS[arm], ha="right" if above else "left", va="center"),
    )


def _thin_lines(axes: Axes, runs: pd.DataFrame, each: str, x: str, y: str, color: str) -> None:
    """A thin line for each value of the column `each`."""
    for _, run in runs[[each, x, y]].sort_values(x).groupby(each):
        axes.plot(run[x], run[y], color=color, linewidth=0.5, alpha=0.35, zorder=2)


def seeds_and_median(
    axes: Axes, runs: pd.DataFrame, medians: pd.DataFrame, x: str, y: str, color: str, label: str = "_median"
) -> None:
    """Each seed thin, the median thick over its interval, along an `x` of few positions; `medians` has `x` and an interval."""
    _thin_lines(axes, runs, "seed", x, y, color)
    axes.fill_between(medians[x], medians["ci_low"], medians["ci_high"], color=color, alpha=0.22, linewidth=0, zorder=3)
    axes.plot(medians[x], medians["estimate"], "o-", color=color, label=label, markersize=2.5, zorder=5)


def interval_mark(
    axes: Axes, position: float, values, interval, color: str, filled: bool = True, bound: str = "", marker: str = "o"
) -> None:
    """A row of its own at the height `position`: each of `values` a tick, the median a mark on its interval.

    Where the median is only a bound (`bound` as in `findings.Row`), or lies beyond the limits of x, the mark is an arrow;
    where it is bounded from neither side, a cross. Without a median nothing is drawn.

    Args:
        axes: Where to; set the limits of x before if they are to hold.
        position: Height.
        values: The seeds.
        interval: `estimate`, `ci_low`, `ci_high`, ... as `intervals.Interval`.
        color: Of all of it.
        filled: Whether the mark is.
        bound: What the median is.
        marker: The mark's shape.
    """
    middle, low, high = interval[:3]
    if np.isnan(middle):
        return
    left, right = axes.get_xlim() if not axes.get_autoscalex_on() else (-np.inf, np.inf)
    arrow = (
        "x" if bound == "~" else "<" if middle < left or bound == "<" else ">" if middle > right or bound == ">" else ""
    )
    axes.plot(
        values, [position] * len(values), "|", color=color, markersize=6, markeredgewidth=0.6, alpha=0.5, zorder=3
    )
    ends = np.clip([low, high], left, right)
    axes.plot(ends, [position, position], color=color, linewidth=2.5, alpha=0.4, solid_capstyle="butt", zorder=4)
    edge = (
        dict(markeredgecolor=color, markeredgewidth=0.9)
        if arrow == "x" or not filled
        else dict(markeredgecolor="white", markeredgewidth=0.6)
    )
    style = dict(color=color if filled else "white", markersize=4.6, zorder=5, clip_on=False)
    axes.plot(np.clip(middle, left, right), position, arrow or marker, **style, **edge)


def runs_and_interval(
    axes: Axes, runs: pd.DataFrame, intervals: pd.DataFrame, words, marks: dict[str, float], aside: bool = False
) -> None:
    """A row an arm: each run a tick, the median a dot on its interval; a run that never got there is an arrow.

    Args:
        axes: Where to.
        runs: `normalization`, `value`, `reached`.
        intervals: `normalization`, `estimate`, `ci_low`, `ci_high`, `reached`, whether the median did; the first is on top.
        words: A number as text.
        marks: Published values by arm, drawn as diamonds; may be empty.
        aside: Whether the medians' texts stand in a column right of the axes, not below their dots.
    """
    arms = list(intervals["normalization"])
    for position, row in enumerate(intervals.itertuples()):
        color = COLORS[row.normalization]
        own = runs[runs["normalization"] == row.normalization]
        for reached, marker, size in ((True, "|", 9), (False, ">", 3.5)):
            values = own.loc[own["reached"] == reached, "value"]
            style = dict(color=color, markersize=size, markeredgewidth=0.7, alpha=0.55, zorder=3)
            axes.plot(values, [position] * len(values), marker, **style)
        axes.plot([row.ci_low, row.ci_high], [position, position], color=color, linewidth=3.5, alpha=0.4, zorder=4)
        style = dict(color=color, markersize=5.5, markeredgecolor="white", markeredgewidth=0.8, zorder=5)
        axes.plot(row.estimate, position, "o" if row.reached else ">", **style)
        label = words(row.estimate) if row.reached else f"> {words(row.estimate)}"
        if aside:
            style = dict(
                xycoords=axes.get_yaxis_transform(), textcoords="offset points", ha="right", annotation_clip=False
            )
            axes.annotate(label, (1, position), (28, 0), va="center", color=color, **style)
        else:
            style = dict(textcoords="offset points", ha="center", va="center")
            axes.annotate(label, (row.estimate, position), (0, -10), color=color, **style)
        if row.normalization in marks:
            paper_mark(axes, marks[row.normalization], position - 0.36)
    for arm in arms[:1]:
        if arm in marks:
            style = dict(textcoords="offset points", fontsize=small(), color=COLORS["paper"], ha="right", va="center")
            axes.annotate(LABELS["paper"], (marks[arm], -0.36), (-5, 0), **style)
    axes.set(ylim=(len(arms) - 0.3, -0.7), yticks=range(len(arms)), yticklabels=[LABELS[arm] for arm in arms])
    axes.set_xlim(0, 1.1 * max([runs["value"].max(), *marks.values()]))
    for label, arm in zip(axes.get_yticklabels(), arms):
        label.set_color(COLORS[arm])
    axes.grid(False)
    axes.spines["left"].set_visible(False)


def paper_mark(axes: Axes, x: float, y: float) -> None:
    """A published number."""
    axes.plot(x, y, "D", color="white", markeredgecolor=COLORS["paper"], markersize=4.2, markeredgewidth=1, zorder=6)


def percentile_band(axes: Axes, run: pd.DataFrame, color: str, strong: bool) -> None:
    """Percentiles over the steps, `step`, `percentile`, `value`: thin lines, or thick ones with the range between shaded."""
    if run.empty:
        return
    lines = run.pivot(index="step", columns="percentile", values="value")
    middle = lines.columns[len(lines.columns) // 2]
    for percentile in lines:
        width = (1.8 if percentile == middle else 1.1) if strong else 0.4
        axes.plot(
            lines.index, lines[percentile], color=color, linewidth=width, alpha=1 if strong else 0.35, zorder=3 + strong
        )
    if strong:
        axes.fill_between(
            lines.index, lines.iloc[:, 0], lines.iloc[:, -1], color=color, alpha=0.13, linewidth=0, zorder=2
        )


def share_below(axes: Axes, values: pd.Series, **style) -> None:
    """The share of values at or below x."""
    import seaborn

    seaborn.ecdfplot(x=values, ax=axes, **style)


def name_percentiles(axes: Axes, run: pd.DataFrame, color: str) -> None:
    """Writes 15th, 50th, 85th at the right end of the lines."""
    ends = run[run["step"] == run["step"].max()]
    for end in ends.itertuples():
        style = dict(textcoords="offset points", fontsize=small(), color=color, va="center", annotation_clip=False)
        axes.annotate(f"{end.percentile}th", (end.step, end.value), (3, 0), **style)
