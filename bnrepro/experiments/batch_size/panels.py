"""What panels of the figure of batch size share, and those of moments, time and memory. Knows no claim and no run."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from matplotlib.ticker import MaxNLocator

from bnrepro.experiments.batch_size.tables import slopes
from bnrepro.plotting.arms import COLORS, LABELS
from bnrepro.plotting.axes import DOTTED, log_axis, nothing
from bnrepro.plotting.lines import median_line, name_lines, ticks_at

ARMS = ("none", "batch", "renorm")
_MARKS = 3.6  # parts of an axis of sizes that have room for a number each
_BELOW = 0.65  # the dotted line, in the smallest error of a layer


def draw_errors(axes: Axes, errors: pd.DataFrame, value: str) -> None:
    """A line a layer, its slope beside it; dotted, a little below, a fall with the root of the size."""
    layers = sorted(set(errors["layer"]))
    for place, layer in enumerate(layers):
        own = errors[errors["layer"] == layer]
        slope = f"{slopes(own, value).median():.2f}".replace("-", "−")
        color = _paler(COLORS["batch"], 0.55 * (1 - place / max(len(layers) - 1, 1)))
        label = f"{layer.replace('_', ' ')}: {slope}"
        median_line(axes, own, "size", value, color, label)
    if not layers:
        nothing(axes)
        return
    sizes = np.array(sorted(set(errors["size"])), float)
    least = errors[errors["size"] == sizes[0]].groupby("layer")[value].median().min()
    axes.plot(sizes, _BELOW * least * np.sqrt(sizes[0] / sizes), **DOTTED, label="1 / √m")
    size_axis(axes, list(sizes), "Mini-batch m")
    log_axis(axes, "y")
    name_lines(axes)


def draw_times(axes: Axes, times: pd.DataFrame) -> None:
    """A step and an example, the names once for both arms."""
    for arm in ARMS[:2]:
        for value, words in (("step", "a step"), ("example", "an example")):
            own = times[times["arm"] == arm]
            own = own.assign(microseconds=1e6 * own[value])
            arm_line(axes, own, "microseconds", arm, words if arm == "batch" else f"_{arm} {value}")
    size_axis(axes, sorted(set(times["batch_size"])), "Mini-batch m")
    log_axis(axes, "y")
    name_lines(axes)


def draw_memory(axes: Axes, memory: pd.DataFrame) -> None:
    """Of both arms, from 0 on."""
    for arm in ARMS[:2]:
        arm_line(axes, memory[memory["arm"] == arm], "peak", arm, LABELS[arm])
    size_axis(axes, sorted(set(memory["batch_size"])), "Mini-batch m")
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
