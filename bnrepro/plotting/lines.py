"""Lines over few positions, each seed thin and the median thick, their names, and the ticks and rows such figures share.

Drawn on axes from tables; knows no run, no experiment and no file.
"""

from collections.abc import Callable, Iterable

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

from bnrepro.analysis.select import intervals
from bnrepro.plotting.axes import name_ends
from bnrepro.plotting.inks import INK
from bnrepro.plotting.marks import seeds_and_median


def median_line(
    axes: Axes, rows: pd.DataFrame, x: str, y: str, color: str, label: str = "_median", seeds: bool = True, **style
) -> list[tuple]:
    """Each seed thin and the median thick over its interval, of the rows that have a `y`; nothing where none has.

    Args:
        axes: Where to.
        rows: `seed`, and the columns that `x` and `y` name.
        x: Column of the positions.
        y: Column of the values.
        color: Of all of it.
        label: Of the median.
        seeds: Whether the seeds are drawn too.
        **style: Of the median.

    Returns:
        The end of the median as `name_ends` takes it, in a list that is empty where nothing is drawn.
    """
    rows = rows.dropna(subset=[y])
    if rows.empty:
        return []
    middle = intervals(rows, x, y)
    seeds_and_median(axes, rows if seeds else rows.iloc[:0], middle, x, y, color, label)
    axes.lines[-1].set(**style)
    return [(middle[x].iloc[-1], middle["estimate"].iloc[-1], label, color)]


def name_lines(axes: Axes) -> None:
    """Writes the label of each line that has one right of the axes; called when all are drawn."""
    named = [line for line in axes.lines if not line.get_label().startswith("_") and len(line.get_xdata())]
    ends = []
    for line in named:
        color = INK if line.get_linestyle() == ":" else line.get_color()
        ends.append((line.get_xdata()[-1], line.get_ydata()[-1], line.get_label(), color))
    name_ends(axes, ends)


def ticks_at(axis: Axis, positions: Iterable[float], words: Callable[[float], str] = "{:g}".format) -> None:
    """Ticks at `positions` and nowhere else, each number as `words` writes it."""
    axis.set_major_locator(FixedLocator(list(positions)))
    axis.set_minor_locator(NullLocator())
    axis.set_major_formatter(FuncFormatter(lambda value, position: words(value)))


def row_axis(axes: Axes, words: list[str], colors: list[str], lines: bool = False) -> None:
    """A y axis of named rows, the first on top, with faint lines between them if asked for."""
    for position in range(1, len(words) if lines else 0):
        axes.axhline(position - 0.5, color="#E6E6E6", linewidth=0.6, zorder=1)
    axes.set(ylim=(len(words) - 0.4, -0.6), yticks=range(len(words)), yticklabels=words)
    for label, color in zip(axes.get_yticklabels(), colors):
        label.set_color(color)
    axes.grid(False)
    axes.spines["left"].set_visible(False)
