"""One function a kind of panel, drawn on axes from tables that are already computed. Knows no run, no finding and no file."""

import pandas as pd
import seaborn
from matplotlib.axes import Axes
from matplotlib.colors import Colormap, Normalize
from matplotlib.patches import Rectangle
from matplotlib.ticker import FuncFormatter, MaxNLocator

from bnrepro.plots import COLORS, INK, LABELS

_DASHES = (0, (4, 1.6))


def thousands(value: float, place: int = 0) -> str:
    """Steps as people say them: 0, 500, 14.5k, 50k."""
    return f"{value / 1000:.3g}k" if abs(value) >= 1000 else f"{value:.3g}"


def step_axis(axes: Axes, last: float) -> None:
    """An x axis of training steps from 0 to `last`."""
    axes.set(xlim=(0, last), xlabel="Training steps")
    axes.xaxis.set_major_locator(MaxNLocator(5, steps=[1, 2, 5, 10]))
    axes.xaxis.set_major_formatter(FuncFormatter(thousands))


def seed_curves(axes: Axes, runs: pd.DataFrame, medians: pd.DataFrame, y: str = "accuracy") -> None:
    """Each run thin, the median of each arm thick over its interval; `medians` as `stats.median_curves` gives it."""
    thin = dict(units="run", estimator=None, linewidth=0.5, alpha=0.35, legend=False, zorder=2)
    seaborn.lineplot(runs, x="step", y=y, hue="normalization", palette=COLORS, ax=axes, **thin)
    for arm, curve in medians.groupby("normalization"):
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


def runs_and_interval(axes: Axes, runs: pd.DataFrame, intervals: pd.DataFrame, words, marks: dict[str, float]) -> None:
    """A row an arm: each run a tick, the median a dot on its interval; a run that never got there is an arrow.

    Args:
        axes: Where to.
        runs: `normalization`, `value`, `reached`.
        intervals: `normalization`, `estimate`, `ci_low`, `ci_high`, `reached`, whether the median did; the first is on top.
        words: A number as text.
        marks: Published values by arm, drawn as diamonds; may be empty.
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
        axes.annotate(
            label, (row.estimate, place), (0, -10), textcoords="offset points", ha="center", va="center", color=color
        )
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
