"""What draws batch size from computed tables: lines over the size of the mini-batch. Knows no claim and no run."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from matplotlib.ticker import MaxNLocator

from bnrepro.experiments.batch_size.tables import LARGE, slopes
from bnrepro.plotting.area import Area
from bnrepro.plotting.arms import COLORS, LABELS
from bnrepro.plotting.axes import DOTTED, accuracy_axis, key_above, log_axis, nothing
from bnrepro.plotting.inks import INK
from bnrepro.plotting.lines import median_line, name_lines, ticks_at

ARMS = ("none", "batch", "renorm")
_MARKS = 3.6  # parts of an axis of sizes that have room for a number each
_BELOW = 0.65  # the dotted line, in the smallest error of a layer
_SMALLEST_GAP = 0.1  # points; up to here the axis of gaps is linear, for two accuracies may be the same
_APART = 0.045  # decades between lines that would else hide each other
INDEPENDENT = "independent"
"""What stands in place of a layer where the errors are of independent values."""

_WAYS = {"batch": "mini-batches of m", "ghost": f"m = {LARGE} in ghosts"}
_SIZE, _TOGETHER = "Size m of the mini-batch", "Examples normalized together"


def draw_accuracy(area: Area, runs: pd.DataFrame) -> None:
    """A line an arm over the sizes."""
    axes = area.axes()
    for arm in ARMS:
        arm_line(axes, runs[runs["arm"] == arm], "test", arm, LABELS[arm])
    size_axis(axes, sorted(set(runs["batch_size"])), _SIZE)
    _accuracy_axis(axes, runs)


def _accuracy_axis(axes: Axes, runs: pd.DataFrame) -> None:
    accuracy_axis(axes, runs["axis_low"].iloc[0], runs["axis_high"].iloc[0])
    axes.set_ylabel("Test accuracy")
    name_lines(axes)


def draw_rates(area: Area, best: pd.DataFrame) -> None:
    """A line an arm and budget, a little apart where they would hide each other."""
    axes, rates = area.axes(), sorted(set(best["learning_rate"]))
    for budget in ("examples", "steps"):
        for index, arm in enumerate(ARMS):
            own = best[(best["group"] == budget) & (best["arm"] == arm)].sort_values("batch_size")
            apart = 10 ** (_APART * (2 * (index - 1) + (0.5 if budget == "steps" else -0.5)))
            filled = budget == "examples"
            style = dict(color=COLORS[arm], linewidth=1, markersize=3, markeredgewidth=0.8, label=f"_{budget} {arm}")
            style |= dict(markerfacecolor=COLORS[arm] if filled else "white", linestyle="-" if filled else (0, (2, 1)))
            axes.plot(own["batch_size"], own["learning_rate"] * apart, "o", **style)
    size_axis(axes, sorted(set(best["batch_size"])), _SIZE)
    axes.set(yscale="log", ylim=(rates[0] / 1.6, rates[-1] * 1.6), ylabel="Learning rate")
    ticks_at(axes.yaxis, rates, plain)
    key_above(axes, *[(LABELS[arm], COLORS[arm]) for arm in ARMS])


def draw_gaps(area: Area, runs: pd.DataFrame) -> None:
    """BN over mini-batches and over ghosts; linear near 0, logarithmic above."""
    axes = area.axes()
    for arm, words in _WAYS.items():
        arm_line(axes, runs[runs["arm"] == arm], "gap_points", arm, words, "together")
    size_axis(axes, sorted(set(runs["together"])), _TOGETHER)
    axes.set_yscale("symlog", linthresh=_SMALLEST_GAP, linscale=0.5)
    axes.set_ylim(0, max(axes.dataLim.y1, 1) * 1.3 if np.isfinite(axes.dataLim.y1) else 1)
    axes.set_ylabel("Gap in test accuracy, points")
    ticks_at(axes.yaxis, [0, 0.1, 0.3, 1, 3, 10, 30, 100], plain)
    name_lines(axes)


def draw_accuracy_of_ways(area: Area, runs: pd.DataFrame) -> None:
    """As `draw_gaps`, the accuracy."""
    axes = area.axes()
    for arm, words in _WAYS.items():
        arm_line(axes, runs[runs["arm"] == arm], "test", arm, words, "together")
    size_axis(axes, sorted(set(runs["together"])), _TOGETHER)
    _accuracy_axis(axes, runs)


def draw_errors(area: Area, errors: pd.DataFrame, value: str, unit: str) -> None:
    """A line a layer, its slope beside it; dotted, a little below, a fall with the root of the size."""
    axes = area.axes()
    layers = sorted(set(errors["layer"]))
    hidden = [layer for layer in layers if layer != INDEPENDENT]
    paler = dict(zip(hidden, np.linspace(0.55, 0, len(hidden))))  # the first layer's
    for layer in layers:
        own = errors[errors["layer"] == layer]
        slope = f"{slopes(own, value).median():.2f}".replace("-", "−")
        color = _paler(COLORS["batch"], paler[layer]) if layer in paler else INK
        label = f"{layer.replace('_', ' ')}: {slope}"
        median_line(axes, own, "size", value, color, label)
    if not layers:
        nothing(axes)
        return
    sizes = np.array(sorted(set(errors["size"])), float)
    least = errors[errors["size"] == sizes[0]].groupby("layer")[value].median().min()
    axes.plot(sizes, _BELOW * least * np.sqrt(sizes[0] / sizes), **DOTTED, label="1 / √m")
    size_axis(axes, list(sizes), _SIZE)
    axes.set_ylabel(unit)
    log_axis(axes, "y")
    name_lines(axes)


def draw_times(area: Area, times: pd.DataFrame) -> None:
    """A step and an example, the names once for both arms."""
    axes = area.axes()
    for arm in ARMS[:2]:
        for value, words in (("step", "a step"), ("example", "an example")):
            own = times[times["arm"] == arm]
            own = own.assign(microseconds=1e6 * own[value])
            arm_line(axes, own, "microseconds", arm, words if arm == "batch" else f"_{arm} {value}")
    size_axis(axes, sorted(set(times["batch_size"])), _SIZE)
    axes.set_ylabel("Training time, µs")
    log_axis(axes, "y")
    key_above(axes, *[(LABELS[arm], COLORS[arm]) for arm in ARMS[:2]])
    name_lines(axes)


def draw_memory(area: Area, memory: pd.DataFrame) -> None:
    """Of both arms, from 0 on."""
    axes = area.axes()
    for arm in ARMS[:2]:
        arm_line(axes, memory[memory["arm"] == arm], "peak", arm, LABELS[arm])
    size_axis(axes, sorted(set(memory["batch_size"])), _SIZE)
    axes.set_ylabel("Peak memory, MiB")
    axes.set_ylim(0, 1.08 * memory["peak"].max())
    axes.yaxis.set_major_locator(MaxNLocator(5, steps=[1, 2, 5, 10]))
    name_lines(axes)


def arm_line(axes: Axes, runs: pd.DataFrame, value: str, arm: str, label: str, x: str = "batch_size") -> None:
    """The seeds of one arm that have the value thin, their median thick over its interval."""
    median_line(axes, runs, x, value, COLORS[arm], label)


def size_axis(axes: Axes, sizes: list[int], words: str) -> None:
    """A logarithmic x axis to the base 2, with those of the sizes marked that have room, the smallest always."""
    axes.set_xscale("log", base=2)
    axes.set(xlim=(sizes[0] / 1.25, sizes[-1] * 1.25), xlabel=words)
    room = (sizes[-1] / sizes[0]) ** (1 / _MARKS)
    shown = [sizes[0]]
    for size in sizes[1:]:
        if size >= room * shown[-1]:
            shown.append(size)
    ticks_at(axes.xaxis, shown, plain)


def accuracy_limits(accuracies: pd.Series) -> tuple[float, float]:
    """Of an axis of accuracies that several panels share."""
    low, high = accuracies.min(), accuracies.max()
    if np.isnan(low):
        return 0.0, 0.99
    return max(1 - 1.25 * (1 - low), 0.0), min(1 - 0.85 * (1 - high), 0.999)


def plain(value: float) -> str:
    """A number as people write it, for the ticks of a logarithmic axis."""
    return f"{value:.4g}"


def _paler(color: str, share: float) -> tuple[float, ...]:
    """Between a color and white."""
    return tuple((1 - share) * part + share for part in to_rgb(color))
