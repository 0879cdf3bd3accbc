"""One function a kind of panel, drawn on axes from tables that are already computed. Knows no run, no experiment and no file."""

import numpy as np
import pandas as pd
import seaborn
from matplotlib.axes import Axes
from matplotlib.colors import Colormap, Normalize
from matplotlib.patches import Rectangle
from matplotlib.ticker import FixedLocator, FuncFormatter, LogLocator, MaxNLocator, NullLocator, PercentFormatter

from bnrepro.plots import COLORS, GREY, INK, LABELS
from bnrepro.stats import CHANCE

DOTTED = dict(color=GREY, linewidth=0.7, linestyle=":", zorder=1)
"""A line of reference."""

_DASHES = (0, (4, 1.6))


def thousands(value: float, place: int = 0) -> str:
    """Steps as people say them: 0, 500, 14.5k, 50k."""
    return f"{value / 1000:.3g}k" if abs(value) >= 1000 else f"{value:.3g}"


def step_axis(axes: Axes, last: float) -> None:
    """An x axis of training steps from 0 to `last`."""
    axes.set(xlim=(0, last), xlabel="Training steps")
    axes.xaxis.set_major_locator(MaxNLocator(5, steps=[1, 2, 5, 10]))
    axes.xaxis.set_major_formatter(FuncFormatter(thousands))


def accuracy_axis(axes: Axes, low: float, high: float) -> None:
    """A y axis of accuracies from `low` to `high`, spaced by the logarithm of the error, so that chance and 90% both show."""
    axes.set_yscale("function", functions=(lambda y: -np.log10(np.maximum(1 - y, 1e-6)), lambda z: 1 - 10.0**-z))
    marks = (0.1, 0.3, 0.5, 0.6, 0.7, 0.75, 0.8, 0.85, 0.88, 0.9, 0.92, 0.94, 0.96, 0.98, 0.99)
    height = np.log10((1 - low) / (1 - high))
    chosen = []
    for mark in (mark for mark in marks if low <= mark <= high):
        if not chosen or np.log10((1 - chosen[-1]) / (1 - mark)) > height / 9:
            chosen.append(mark)
    axes.set_ylim(low, high)
    axes.yaxis.set_major_locator(FixedLocator(chosen))
    axes.yaxis.set_minor_locator(NullLocator())
    axes.yaxis.set_major_formatter(PercentFormatter(1, 0))


def accuracy_axis_to(axes: Axes, highest: float, room: float = 1.15) -> None:
    """An `accuracy_axis` from below chance to a little above `highest`, where the error is `room` times smaller."""
    accuracy_axis(axes, CHANCE / 2, min(1 - (1 - highest) / room, 0.999))


def log_axis(axes: Axes, which: str, limits: tuple[float, float] | None = None) -> None:
    """Makes the axis `x` or `y` logarithmic, its numbers as people write them; leaves it where nothing above 0 is drawn.

    Called when everything is drawn; without `limits` they are the data's.
    """
    if not np.isfinite(getattr(axes.dataLim, f"minpos{which}")):
        return
    axes.set(**{f"{which}scale": "log"})
    axes.set(**{f"{which}lim": limits} if limits else {})
    axis, (low, high) = getattr(axes, f"{which}axis"), getattr(axes, f"get_{which}lim")()
    narrow = high < 100 * low
    axis.set_major_locator(LogLocator(subs=(1, 2, 5) if narrow else (1,), numticks=12 if narrow else 5))
    axis.set_minor_locator(NullLocator())
    if 1e-3 <= low and high < 1e4:
        axis.set_major_formatter(FuncFormatter(lambda value, place: f"{value:g}"))


def seed_curves(
    axes: Axes, runs: pd.DataFrame, medians: pd.DataFrame, y: str = "accuracy", column: str = "normalization"
) -> None:
    """Each run thin, the median of each arm (a value of `column`) thick over its interval, as `stats.median_curves` gives it."""
    thin = dict(units="run", estimator=None, linewidth=0.5, alpha=0.35, legend=False, zorder=2)
    seaborn.lineplot(runs, x="step", y=y, hue=column, palette=COLORS, ax=axes, **thin)
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


def name_curve(axes: Axes, runs: pd.DataFrame, arm: str, place: float, above: bool, y: str = "accuracy") -> None:
    """Writes an arm's name clear of all curves in `runs`, over or under them, at the fraction `place` of the steps."""
    steps = sorted(set(runs["step"]))
    step = steps[int(place * (len(steps) - 1))]
    values = runs.loc[runs["step"] == step, y]
    axes.annotate(
        *(LABELS[arm], (step, values.max() if above else values.min()), (0, 9 if above else -10)),
        **dict(textcoords="offset points", color=COLORS[arm], ha="right" if above else "left", va="center"),
    )


def nothing(axes: Axes, words: str = "every run diverged") -> None:
    """Says why a panel is empty."""
    axes.minorticks_off()
    axes.text(0.5, 0.5, words, transform=axes.transAxes, fontsize=7, ha="center", va="center")


def name_ends(axes: Axes, ends: pd.DataFrame | list[tuple], room: float = 4, size: float = 7) -> None:
    """Writes names right of the axes, each as near to its curve's end as the others let it, with a thin line to it.

    Args:
        axes: Where to; its limits are final.
        ends: `step`, `value`, `words`, `color` of each curve's end, as columns or as tuples in this order.
        room: Points between the axes and the names.
        size: Of the font.
    """
    ends = pd.DataFrame(ends, columns=["step", "value", "words", "color"])
    ends = ends.dropna(subset=["value"]).sort_values("value", kind="stable")
    if ends.empty:
        return
    scale = 72 / axes.figure.dpi
    (left, bottom), (right, top) = axes.transAxes.transform([(0, 0), (1, 1)]) * scale
    points = axes.transData.transform(ends[["step", "value"]].to_numpy(float)) * scale
    heights = spread(points[:, 1].clip(bottom, top), 1.2 * size, bottom, top)
    for (x, y), height, end in zip(points, heights, ends.itertuples()):
        line = dict(arrowstyle="-", color=end.color, linewidth=0.5, alpha=0.6, shrinkA=0, shrinkB=0, relpos=(0, 0.5))
        axes.annotate(
            *(end.words, (end.step, end.value), (right + room - x, height - y)),
            **dict(textcoords="offset points", color=end.color, fontsize=size, va="center", ha="left"),
            **dict(annotation_clip=False, arrowprops=line, zorder=6),
        )


def spread(places: np.ndarray, gap: float, low: float, high: float) -> np.ndarray:
    """Ascending places at least `gap` apart and, if they fit, from `low` to `high`: those nearest to `places` (least squares)."""
    steps = gap * np.arange(len(places))
    blocks = []
    for place in places - steps:
        blocks.append([place])
        while len(blocks) > 1 and np.mean(blocks[-2]) > np.mean(blocks[-1]):
            blocks[-2:] = [blocks[-2] + blocks[-1]]
    level = np.concatenate([np.full(len(block), np.mean(block)) for block in blocks])
    return np.clip(level, low, max(low, high - steps[-1])) + steps


def seeds_and_median(
    axes: Axes, runs: pd.DataFrame, medians: pd.DataFrame, x: str, y: str, color: str, label: str = "_median"
) -> None:
    """Each seed thin, the median thick over its interval, along an `x` of few places; `medians` has `x` and an interval."""
    for _, run in runs.sort_values(x).groupby("seed"):
        axes.plot(run[x], run[y], color=color, linewidth=0.5, alpha=0.35, zorder=2)
    axes.fill_between(medians[x], medians["ci_low"], medians["ci_high"], color=color, alpha=0.22, linewidth=0, zorder=3)
    axes.plot(medians[x], medians["estimate"], "o-", color=color, label=label, markersize=2.5, zorder=5)


def interval_mark(
    axes: Axes, place: float, values, interval, color: str, filled: bool = True, bound: str = "", marker: str = "o"
) -> None:
    """A row of its own at the height `place`: each of `values` a tick, the median a mark on its interval.

    Where the median is only a bound (`bound` as in `stats.Statistic`), or lies beyond the limits of x, the mark is an arrow;
    where it is bounded from neither side, a cross. Without a median nothing is drawn.

    Args:
        axes: Where to; set the limits of x before if they are to hold.
        place: Height.
        values: The seeds.
        interval: `estimate`, `ci_low`, `ci_high`, ... as `stats.Interval`.
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
    axes.plot(values, [place] * len(values), "|", color=color, markersize=6, markeredgewidth=0.6, alpha=0.5, zorder=3)
    ends = np.clip([low, high], left, right)
    axes.plot(ends, [place, place], color=color, linewidth=2.5, alpha=0.4, solid_capstyle="butt", zorder=4)
    edge = (
        dict(markeredgecolor=color, markeredgewidth=0.9)
        if arrow == "x" or not filled
        else dict(markeredgecolor="white", markeredgewidth=0.6)
    )
    style = dict(color=color if filled else "white", markersize=4.6, zorder=5, clip_on=False)
    axes.plot(np.clip(middle, left, right), place, arrow or marker, **style, **edge)


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
    for place, row in enumerate(intervals.itertuples()):
        color = COLORS[row.normalization]
        own = runs[runs["normalization"] == row.normalization]
        for reached, marker, size in ((True, "|", 9), (False, ">", 3.5)):
            values = own.loc[own["reached"] == reached, "value"]
            style = dict(color=color, markersize=size, markeredgewidth=0.7, alpha=0.55, zorder=3)
            axes.plot(values, [place] * len(values), marker, **style)
        axes.plot([row.ci_low, row.ci_high], [place, place], color=color, linewidth=3.5, alpha=0.4, zorder=4)
        style = dict(color=color, markersize=5.5, markeredgecolor="white", markeredgewidth=0.8, zorder=5)
        axes.plot(row.estimate, place, "o" if row.reached else ">", **style)
        label = words(row.estimate) if row.reached else f"> {words(row.estimate)}"
        if aside:
            style = dict(
                xycoords=axes.get_yaxis_transform(), textcoords="offset points", ha="right", annotation_clip=False
            )
            axes.annotate(label, (1, place), (28, 0), va="center", color=color, **style)
        else:
            style = dict(textcoords="offset points", ha="center", va="center")
            axes.annotate(label, (row.estimate, place), (0, -10), color=color, **style)
        if row.normalization in marks:
            paper_mark(axes, marks[row.normalization], place - 0.36)
    for arm in arms[:1]:
        if arm in marks:
            style = dict(textcoords="offset points", fontsize=7, color=COLORS["paper"], ha="right", va="center")
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


def heat_map(axes: Axes, cells: pd.DataFrame, value: str, words: str, colors: Colormap, norm: Normalize) -> None:
    """Colored cells over learning rate and initial standard deviation, each with its text; without a value, pale grey.

    Args:
        axes: Where to.
        cells: `initial_std`, `learning_rate`, and the columns that `value` (a number) and `words` (its text) name.
        value: Column of the color.
        words: Column of the text.
        colors: Color map.
        norm: From values to colors.
    """
    places = dict(index="initial_std", columns="learning_rate")
    numbers, texts = cells.pivot(values=value, **places), cells.pivot(values=words, **places)
    axes.set_facecolor("#F0F0F0")
    axes.pcolormesh(numbers.to_numpy(), cmap=colors, norm=norm, edgecolors="white", linewidth=0.8)
    for row, std in enumerate(numbers.index):
        for column, rate in enumerate(numbers.columns):
            red, green, blue, _ = (
                colors(norm(numbers.loc[std, rate])) if pd.notna(numbers.loc[std, rate]) else (1, 1, 1, 1)
            )
            dark = 0.299 * red + 0.587 * green + 0.114 * blue < 0.55
            text = dict(ha="center", va="center", fontsize=7, color="white" if dark else INK)
            axes.text(column + 0.5, row + 0.5, texts.loc[std, rate], **text)
    axes.set_xticks([place + 0.5 for place in range(len(numbers.columns))], [f"{rate:g}" for rate in numbers.columns])
    axes.set_yticks([place + 0.5 for place in range(len(numbers.index))], [f"{std:g}" for std in numbers.index])
    axes.set(xlabel="Learning rate")
    axes.grid(False)
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)


def frame_cell(axes: Axes, cells: pd.DataFrame, initial_std: float, learning_rate: float) -> None:
    """Frames one cell of a heat map, where it has it."""
    stds, rates = sorted(set(cells["initial_std"])), sorted(set(cells["learning_rate"]))
    if initial_std in stds and learning_rate in rates:
        corner = (rates.index(learning_rate), stds.index(initial_std))
        axes.add_patch(Rectangle(corner, 1, 1, fill=False, edgecolor=INK, linewidth=1.5, clip_on=False, zorder=3))


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
    seaborn.ecdfplot(x=values, ax=axes, **style)


def name_percentiles(axes: Axes, run: pd.DataFrame, color: str) -> None:
    """Writes 15th, 50th, 85th at the right end of the lines."""
    ends = run[run["step"] == run["step"].max()]
    for end in ends.itertuples():
        style = dict(textcoords="offset points", fontsize=7, color=color, va="center", annotation_clip=False)
        axes.annotate(f"{end.percentile}th", (end.step, end.value), (3, 0), **style)
