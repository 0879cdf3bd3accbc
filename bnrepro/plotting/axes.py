"""Axes and the names on them, drawn from tables that are already computed. Knows no run, no experiment and no file."""

import functools
from collections.abc import Iterable

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.offsetbox import AnchoredOffsetbox, HPacker, TextArea
from matplotlib.patheffects import withStroke
from matplotlib.ticker import FixedLocator, FuncFormatter, LogLocator, MaxNLocator, NullLocator, PercentFormatter
from matplotlib.transforms import Affine2D

from bnrepro.plotting.inks import GREY
from bnrepro.plotting.style import small

_LOWEST = 0.05  # where an axis of accuracies begins: below chance among ten classes

DOTTED = dict(color=GREY, linewidth=0.7, linestyle=":", zorder=1)
"""A line of reference."""

CLEAR = [withStroke(linewidth=2, foreground="white")]
"""The path effects of words that stand over lines."""


def thousands(value: float, position: int = 0) -> str:
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
    highest = np.nanmax([2 * _LOWEST, highest])  # no run may have been evaluated
    accuracy_axis(axes, _LOWEST, min(1 - (1 - highest) / room, 0.999))


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
        axis.set_major_formatter(FuncFormatter(lambda value, position: f"{value:g}"))


def accuracy_ticks(axes: Axes, which: str = "y", ticks: Iterable[float] | None = None) -> None:
    """The axis `x` or `y` is of fractions, written as percentages, at `ticks` or where there is room."""
    axis = getattr(axes, f"{which}axis")
    axis.set_major_locator(MaxNLocator(5, steps=[1, 2, 2.5, 5, 10]) if ticks is None else FixedLocator(list(ticks)))
    axis.set_major_formatter(FuncFormatter(lambda value, position: f"{100 * value:g}%"))


def key_above(axes: Axes, *words: tuple[str, str]) -> None:
    """Writes words in their colors in a line over the axes: `(words, color)` each."""
    parts = [TextArea(text, textprops=dict(color=color, fontsize=small())) for text, color in words]
    anchor = dict(bbox_to_anchor=(0, 1.01), bbox_transform=axes.transAxes, frameon=False, pad=0, borderpad=0.2)
    axes.add_artist(AnchoredOffsetbox("lower left", child=HPacker(children=parts, pad=0, sep=6), **anchor))


def nothing(axes: Axes, words: str = "every run diverged") -> None:
    """Says why a panel is empty."""
    axes.minorticks_off()
    axes.text(0.5, 0.5, words, transform=axes.transAxes, fontsize=small(), ha="center", va="center")


def name_ends(axes: Axes, ends: pd.DataFrame | list[tuple], room: float = 4) -> None:
    """Writes names right of the axes, each as near to its curve's end as the others let it, with a thin line to it.

    Args:
        axes: Where to; the names follow where it is moved and what its limits become.
        ends: `step`, `value`, `words`, `color` of each curve's end, as columns or as tuples in this order.
        room: Points between the axes and the names.
    """
    ends = pd.DataFrame(ends, columns=["step", "value", "words", "color"])
    ends = ends.dropna(subset=["value"]).sort_values("value", kind="stable")
    size, tips = small(), ends[["step", "value"]].to_numpy(float)

    def place(index: int, renderer) -> Affine2D:
        # Asked whenever a name is drawn or measured, for an `Area` moves axes once it knows the room of their words.
        scale = axes.figure.dpi / 72
        (_, bottom), (right, top) = axes.transAxes.transform([(0, 0), (1, 1)])
        heights = spread(axes.transData.transform(tips)[:, 1].clip(bottom, top), 1.2 * size * scale, bottom, top)
        return Affine2D().translate(right + room * scale, heights[index])

    for index, end in enumerate(ends.itertuples()):
        line = dict(arrowstyle="-", color=end.color, linewidth=0.5, alpha=0.6, shrinkA=0, shrinkB=0, relpos=(0, 0.5))
        axes.annotate(
            *(end.words, (end.step, end.value), (0, 0)),
            **dict(textcoords=functools.partial(place, index), color=end.color, fontsize=size, va="center", ha="left"),
            **dict(annotation_clip=False, arrowprops=line, zorder=6),
        )


def spread(positions: np.ndarray, gap: float, low: float, high: float) -> np.ndarray:
    """Ascending positions at least `gap` apart and, if they fit, from `low` to `high`: those nearest (least squares) to these."""
    steps = gap * np.arange(len(positions))
    blocks = []
    for position in positions - steps:
        blocks.append([position])
        while len(blocks) > 1 and np.mean(blocks[-2]) > np.mean(blocks[-1]):
            blocks[-2:] = [blocks[-2] + blocks[-1]]
    level = np.concatenate([np.full(len(block), np.mean(block)) for block in blocks])
    return np.clip(level, low, max(low, high - steps[-1])) + steps
