"""What draws training speed: curves, rows of runs, how BN is read, other rates and starts. Knows no claim and no run."""

from collections.abc import Callable

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import LogNorm
from matplotlib.ticker import MaxNLocator

from bnrepro.experiments.training_speed.tables import TARGET
from bnrepro.plotting.area import Area
from bnrepro.plotting.arms import COLORS, LABELS
from bnrepro.plotting.axes import (
    DOTTED,
    accuracy_axis_to,
    key_above,
    log_axis,
    name_ends,
    nothing,
    step_axis,
    thousands,
)
from bnrepro.plotting.heatmap import frame_cell, heat_map
from bnrepro.plotting.inks import INK
from bnrepro.plotting.lines import median_line, ticks_at
from bnrepro.plotting.marks import name_curve, paper_line, paper_mark, runs_and_interval, seed_curves
from bnrepro.plotting.palettes import between, light
from bnrepro.plotting.style import small

_ARMS = ("batch", "none")  # as they stand in a figure: the higher curve first
_NOT_HERE = "needs preset paper"


def draw_accuracy(area: Area, data: dict[str, pd.DataFrame]) -> None:
    """Every seed, the medians, the paper's curves behind them, and marks on the line of the target."""
    axes, runs, papers = area.axes(), data["runs"], data["paper"]
    seed_curves(axes, runs, data["medians"])
    for index, (_, curve) in enumerate(papers.groupby("arm")):
        paper_line(axes, curve["step"], curve["accuracy"], label="_paper" if index else "paper, Figure 1(a)")
    drawn = pd.concat([runs, papers])
    for arm in _ARMS:
        name_curve(axes, drawn, arm, 0.62, above=arm == "batch")
    for mark in data["reached"].itertuples():
        if mark.whose == "paper":
            paper_mark(axes, mark.step, mark.accuracy)
        else:
            style = dict(color=COLORS[mark.arm], markersize=6, markeredgecolor="white", markeredgewidth=0.9, zorder=7)
            axes.plot(mark.step, mark.accuracy, "o", **style)
    axes.axhline(TARGET, **DOTTED)
    step_axis(axes, runs["steps"].max())
    accuracy_axis_to(axes, drawn["accuracy"].max())
    axes.set_ylabel("Test accuracy")
    if len(papers):
        key_above(axes, ("- - -  paper, Figure 1(a)", COLORS["paper"]))


def draw_to_target(area: Area, data: dict[str, pd.DataFrame], words: Callable, label: str) -> None:
    """A row an arm: runs as ticks, the median on its interval, the paper's number."""
    axes = area.axes()
    marks = data["paper"].set_index("normalization")["value"].to_dict()
    runs_and_interval(axes, data["runs"], data["medians"], words, marks)
    axes.xaxis.set_major_formatter(thousands)
    axes.set_xlabel(label)


def draw_readings(area: Area, data: dict[str, pd.DataFrame]) -> None:
    """How far the accuracy with BN is from the paper's over the steps, through population statistics and moving averages."""
    axes, runs, ends = area.axes(), data["runs"], []
    axes.axhline(0, **DOTTED)
    for reading, own in runs.groupby("reading"):
        ends += median_line(axes, own, "step", "points", COLORS[reading], LABELS[reading], markersize=0)
    step_axis(axes, data["axis"]["last_step"].iloc[0])
    axes.yaxis.set_major_locator(MaxNLocator(5, steps=[1, 2, 5, 10]))
    axes.set_ylabel("Ours minus paper, points")
    name_ends(axes, ends)
    if runs.empty:
        nothing(axes, "nothing of the paper's to compare with")


def draw_best(area: Area, data: dict[str, pd.DataFrame]) -> None:
    """A row an arm: steps to the target at its own rate and start, which stand above."""
    axes, medians = area.axes(), data["medians"]
    axes.set_xlabel("Training steps")
    if medians.empty:
        axes.set_yticks([])
        nothing(axes, _NOT_HERE)
        return
    runs_and_interval(axes, data["runs"], medians, thousands, {})
    axes.xaxis.set_major_formatter(thousands)
    words = (
        (f"to {row.target:.0%} at rate {row.learning_rate:g}, std {row.initial_std:g}", row)
        for row in medians.itertuples()
    )
    key_above(axes, *((text, COLORS[row.normalization]) for text, row in words))


def draw_rates(area: Area, data: dict[str, pd.DataFrame]) -> None:
    """Steps to the target over the rate in both arms, a start beside the other; what never gets there is an arrow."""
    runs = data["runs"]
    starts = sorted(set(runs["initial_std"])) or [None]
    high = 1.2 * runs["value"].max() if len(runs) else 1
    for place, (axes, start) in enumerate(zip(area.grid(widths=[1] * len(starts), gap=(4, 3)), starts)):
        axes.set(xlabel="Learning rate", ylabel="" if place else "Training steps")
        if start is None:
            nothing(axes, _NOT_HERE)
            return
        for arm in _ARMS:
            own = runs[(runs["initial_std"] == start) & (runs["normalization"] == arm)]
            there = own.groupby("learning_rate")["reached"].transform("all")
            median_line(axes, own[there], "learning_rate", "value", COLORS[arm])
            size, above = (3.5, 6) if arm == "batch" else (6, 5)  # where neither gets there both are seen
            for reached, marker in ((True, "."), (False, "^")):
                single = own[~there & (own["reached"] == reached)]
                style = dict(color=COLORS[arm], markersize=size, zorder=above)
                axes.plot(single["learning_rate"], single["value"], marker, **style)
        log_axis(axes, "y", (runs["value"].min() / 1.3, high))
        axes.yaxis.set_major_formatter(thousands)
        axes.set_xscale("log", base=2)
        ticks_at(axes.xaxis, sorted(set(runs["learning_rate"]))[::2])
        axes.tick_params(labelleft=place == 0)
        arms = [(LABELS[arm], COLORS[arm]) for arm in _ARMS] if place == len(starts) - 1 else []
        key_above(axes, (f"std {start:g}", INK), *arms)


def draw_calibration(area: Area, cells: pd.DataFrame) -> None:
    """A heat map for each reading of the pixels, in the order of the rows."""
    colors, norm = light("#3F4A5A", reverse=True), LogNorm(0.5, 70, clip=True)
    readings = list(dict.fromkeys(cells["pixels"]))
    if not readings:
        _empty(area.axes())
    for axes, pixels in zip(area.grid(widths=[1] * len(readings)), readings):
        own = cells[cells["pixels"] == pixels]
        words = own["points"].map(lambda value: f"{value:.2g}" if np.isfinite(value) else "–")
        heat_map(axes, own.assign(words=words), "points", "words", colors, norm)
        _finish(axes, own, f"{pixels} pixels", pixels == readings[0])


def draw_sensitivity(area: Area, cells: pd.DataFrame) -> None:
    """Times fewer steps with BN, in the color of the arm that is faster."""
    axes = area.axes()
    colors = between(COLORS["none"], "white", COLORS["batch"])
    if cells.empty:
        return _empty(axes)
    undecided = cells["bound"] == "~"
    words = (cells["bound"] + cells["ratio"].map(" {:.2g}".format)).str.strip().mask(undecided, "–")
    shown = cells.assign(words=words, ratio=cells["ratio"].mask(undecided))
    heat_map(axes, shown, "ratio", "words", colors, LogNorm(1 / 12, 12, clip=True))
    _finish(axes, cells, f"{cells['pixels'].iloc[0]} pixels", True)


def _empty(axes: Axes) -> None:
    axes.set(xlabel="Learning rate", ylabel="Initial std", xticks=[], yticks=[])
    nothing(axes, _NOT_HERE)


def _finish(axes: Axes, cells: pd.DataFrame, words: str, first: bool) -> None:
    """The frame, the words above, and the axis of starts, which only the first of several has."""
    for used in cells[cells["used"]].itertuples():
        frame_cell(axes, cells, used.initial_std, used.learning_rate)
    axes.annotate(words, (0, 1), (0, 3), "axes fraction", "offset points", fontsize=small(), annotation_clip=False)
    axes.set_ylabel("Initial std" if first else "")
    axes.tick_params(labelleft=first)
