"""How the panels of the largest rates are drawn, from data that are already computed. Knows no run and no claim."""

import math

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from bnrepro.analysis.intervals import Interval
from bnrepro.plotting.area import Area
from bnrepro.plotting.arms import COLORS, LABELS
from bnrepro.plotting.axes import DOTTED, accuracy_axis_to, log_axis, name_ends, nothing, step_axis
from bnrepro.plotting.inks import GREY, INK
from bnrepro.plotting.lines import median_line, name_lines, row_axis, ticks_at
from bnrepro.plotting.marks import interval_mark
from bnrepro.plotting.style import small

_DASHES = ("-", (0, (4, 1.5)))
"""Of the shallower and the deeper net, and of what is past the largest rate and beside it."""

_NOT_LOOKED_AT = "no net's first steps are looked at"


def draw_ceilings(area: Area, ceilings: pd.DataFrame) -> None:
    """The largest rate that trains over the depth: an arm a color, a size of the mini-batch a kind of line."""
    axes, several = area.axes(), ceilings["batch_size"].nunique() > 1
    axes.set_xscale("log", base=2)
    for dashes, (size, arms) in zip(_DASHES, ceilings.groupby("batch_size")):
        solid = dashes == _DASHES[0]
        style = {} if solid else {"linestyle": dashes, "markerfacecolor": "white"}
        for arm, own in arms.groupby("normalization", sort=False):
            name = f"{LABELS[arm]}, {size}" if several else LABELS[arm]
            median_line(axes, own, "hidden_layers", "rate", COLORS[arm], name, seeds=solid, **style)
    log_axis(axes, "y")
    ticks_at(axes.xaxis, sorted(set(ceilings["hidden_layers"])))
    axes.set(xlabel="Hidden layers", ylabel="Largest rate that trains")
    name_lines(axes)


def draw_raised(area: Area, data: dict[str, pd.DataFrame]) -> None:
    """A row a cell of the map: how many times higher the largest rate is with BN, each seed, the median and its interval."""
    axes, seeds, cells = area.axes(), data["seeds"], data["cells"]
    known = cells.loc[cells["bound"] == "", "estimate"]  # a bound says nothing of how wide the axis is to be
    _factor_axis(axes, known if len(known) else seeds["ratio"], "Largest rate with BN over without")
    for position, cell in enumerate(cells.itertuples()):
        own = seeds.loc[seeds["cell"] == cell.cell, "ratio"]
        interval = Interval(cell.estimate, cell.ci_low, cell.ci_high, cell.n)
        interval_mark(axes, position, own, interval, COLORS[cell.normalization], bound=cell.bound)
    row_axis(axes, list(cells["cell"]), [INK] * len(cells))


def draw_races(area: Area, data: dict[str, pd.DataFrame]) -> None:
    """A heading for each race, below it a row an arm: steps to the target, each run, the median and its interval."""
    axes, runs, medians = area.axes(), data["runs"], data["medians"]
    words, colors = [], []
    if runs.empty:
        nothing(axes, "no rate trains in either arm")
        return
    axes.set_xscale("log")
    high = 1.25 * runs["value"].max()
    axes.set_xlim(min(runs["value"].min() / 1.3, high / 5), high)
    for race, arms in medians.groupby("race", sort=False):
        words.append(race)
        colors.append(INK)
        for row in arms.itertuples():
            own = runs.loc[(runs["race"] == race) & (runs["normalization"] == row.normalization), "value"]
            interval = Interval(row.estimate, row.ci_low, row.ci_high, row.n)
            bound = "" if row.reached else ">"
            interval_mark(axes, len(words), own, interval, COLORS[row.normalization], bound=bound)
            words.append(f"{LABELS[row.normalization]}, rate {row.learning_rate:g}")
            colors.append(COLORS[row.normalization])
    row_axis(axes, words, colors)
    log_axis(axes, "x", axes.get_xlim())
    axes.set_xlabel("Training steps")


def draw_worth(area: Area, data: dict[str, pd.DataFrame]) -> None:
    """A heading for each depth, below it a row a cell: how many times fewer steps with BN: each seed, median, interval."""
    axes, seeds, cells = area.axes(), data["seeds"], data["cells"]
    if cells.empty:
        nothing(axes, "no net is raced in both arms")
        return
    ends = cells[["estimate", "ci_low", "ci_high"]].to_numpy(float)
    ends = ends[np.isfinite(ends) & (ends > 0)]  # the other ends are open, and go on to the edge
    low, high = 0.8 * min(0.5, *ends), 1.25 * max(5.0, *ends)
    axes.set_xscale("log")
    axes.set_xlim(low, high)
    axes.axvspan(low, 1, color=COLORS["none"], alpha=0.08, linewidth=0, zorder=0)
    axes.axvline(1, color=GREY, linewidth=0.9, zorder=1)
    words, aside = [], []
    for heading, own in cells.groupby("heading", sort=False):
        words.append(heading)
        aside.append("" if aside else "target: steps without, with")
        for row in own.itertuples():
            ticks = seeds.loc[(seeds["heading"] == heading) & (seeds["row"] == row.row), "ratio"]
            interval = Interval(row.estimate, row.ci_low, row.ci_high, row.n)
            faster = "batch" if row.ci_low > 1 else "none" if row.ci_high < 1 else ""
            interval_mark(axes, len(words), ticks, interval, COLORS[faster] if faster else GREY, bound=row.bound)
            words.append(row.row)
            aside.append(f"{row.target}: {_steps(row.steps_without)}, {_steps(row.steps_with)}")
    row_axis(axes, words, [INK] * len(words))
    style = dict(textcoords="offset points", fontsize=small(), va="center", annotation_clip=False)
    for position, text in enumerate(aside):
        axes.annotate(text, (1, position), (4, 0), xycoords=axes.get_yaxis_transform(), ha="left", **style)
    for text, arm, side, offset in (("BN loses", "none", "right", -4), ("BN wins", "batch", "left", 4)):
        place = dict(xycoords=axes.get_xaxis_transform(), ha=side, color=COLORS[arm])
        axes.annotate(text, (1, 1), (offset, 5), **place, **style)
    ticks_at(axes.xaxis, [mark for mark in (0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50, 100) if low <= mark <= high])
    axes.set_xlabel("Steps without BN over with BN")


def _steps(steps: float) -> str:
    """Of the median run; never, where that does not get there."""
    return "never" if math.isnan(steps) else f"{steps:,.0f}"


def draw_curves(area: Area, data: dict[str, pd.DataFrame]) -> None:
    """Accuracy on held-out examples over the steps: an arm a color, a depth a kind of line."""
    axes, curves, ends = area.axes(), data["medians"], []
    for depth, dashes in zip(sorted(set(curves["hidden_layers"])), _DASHES):
        for arm, own in curves[curves["hidden_layers"] == depth].groupby("normalization"):
            axes.fill_between(
                own["step"], own["ci_low"], own["ci_high"], color=COLORS[arm], alpha=0.2, linewidth=0, zorder=3
            )
            axes.plot(own["step"], own["estimate"], color=COLORS[arm], linestyle=dashes, zorder=4)
            ends.append((*own.iloc[-1][["step", "estimate"]], f"{LABELS[arm]}, {depth}", COLORS[arm]))
    step_axis(axes, curves["step"].max())
    accuracy_axis_to(axes, curves["ci_high"].max(), room=1.25)
    for target in dict.fromkeys(data["targets"]["target"]):
        axes.axhline(target, **DOTTED)
    axes.set_ylabel("Held-out accuracy")
    name_ends(axes, ends)


def draw_layers(area: Area, values: pd.DataFrame, label: str) -> None:
    """A value over the hidden layers, an arm a color: solid past the largest rate, dashed beside it."""
    axes = area.axes()
    if values.empty:
        nothing(axes, _NOT_LOOKED_AT)
        return
    several = values["setting"].nunique() > 1
    for (setting, arm), own in values.groupby(["setting", "normalization"], sort=False):
        base = several and setting == "base"
        name = f"{LABELS[arm]}, half rate" if base else LABELS[arm]
        style = {"linestyle": _DASHES[base], "marker": "" if base else "o"}
        median_line(axes, own, "layer", "value", COLORS[arm], name, seeds=not base, **style)
    log_axis(axes, "y")
    last = values["layer"].max()
    ticks_at(axes.xaxis, sorted({1, *range(5, last - 1, 5), last}))
    axes.set(xlabel="Hidden layer, from the input", ylabel=label)
    name_lines(axes)


def draw_losses(area: Area, data: dict[str, pd.DataFrame]) -> None:
    """A row for each of `rows`, below its heading if it has one: the loss over that of guessing, each seed, the median and its
    interval.
    """
    axes, seeds, rows = area.axes(), data["seeds"], data["rows"]
    if rows.empty:
        nothing(axes, _NOT_LOOKED_AT)
        return
    known = seeds[seeds["bound"] == ""]  # a bound says nothing of how wide the axis is to be
    axes.set_xscale("log")
    axes.set_xlim(0.7 * min(1.0, known["ratio"].min()), 1.5 * max(10.0, known["ratio"].max()))
    for factor in (1, 2):
        axes.axvline(factor, **DOTTED)
    words, colors = [], []
    for heading, own in rows.groupby("heading", sort=False):
        words += [heading] if heading else []
        colors += [INK] if heading else []
        for row in own.itertuples():
            ticks = known.loc[(known["heading"] == heading) & (known["row"] == row.row), "ratio"]
            interval = Interval(row.estimate, row.ci_low, row.ci_high, row.n)
            interval_mark(axes, len(words), ticks, interval, COLORS[row.normalization], bound=row.bound)
            words.append(row.row)
            colors.append(COLORS[row.normalization])
    row_axis(axes, words, colors)
    log_axis(axes, "x", axes.get_xlim())
    axes.set_xlabel("Loss over that of guessing")


def _factor_axis(axes: Axes, values: pd.Series, label: str) -> None:
    """A logarithmic x axis of factors, dotted at 1 and 5."""
    low, high = min(values.min(), 1.0) / 1.4, max(values.max(), 5.0) * 1.6
    axes.set_xscale("log")
    axes.set_xlim(low, high)
    for factor in (1, 5):
        axes.axvline(factor, **DOTTED)
    marks = (0.1, 1, 5, 10, 100, 1_000) if high > 100 * low else (0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50)
    ticks_at(axes.xaxis, [mark for mark in marks if low <= mark <= high])
    axes.set_xlabel(label)
