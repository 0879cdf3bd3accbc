"""The area of one panel: axes in a box of a figure, with as much room around them as what is written there takes.

Knows no panel's content: it draws, looks how far the words reach, and moves the axes. So nothing is cut off at any width or font.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.transforms import Bbox

from bnrepro.plotting.style import BASE, MM, font_size, renderer_of

_FIRST = (9.0, 2.0, 3.0, 8.0)  # mm; room at the left, top, right and bottom before anything was measured
_TRIES = 6
_NEAR = 0.4  # mm; room that is not worth another move
_EDGE = 0.6  # mm; between what is drawn and the edge of its box
_LEAST = 6.0  # mm; axes that are smaller show nothing


class Box(NamedTuple):
    """A part of a figure in mm, from the figure's top left corner."""

    left: float
    top: float
    width: float
    height: float


class _Grid(NamedTuple):
    """Axes row by row, and what `Area.grid` was asked for."""

    made: list[Axes]
    widths: Sequence[float]
    heights: Sequence[float]
    gap: tuple[float, float]


class Area:
    """Gives a panel its axes, and moves them later.

    Args:
        figure: Where they are made.
        box: What they and all that is written around them may take.
        room: Of the box, what is left free of axes: at the left, top, right and bottom, in mm.
    """

    def __init__(self, figure: Figure, box: Box, room: Sequence[float]):
        self._figure, self._box, self.room = figure, box, tuple(room)
        self._grids: list[_Grid] = []

    @property
    def made(self) -> list[Axes]:
        """All axes so far."""
        return [axes for grid in self._grids for axes in grid.made]

    def axes(self) -> Axes:
        """One panel, one axes, which fills it."""
        return self.grid()[0]

    def grid(
        self, widths: Sequence[float] = (1,), heights: Sequence[float] = (1,), gap: tuple[float, float] = (3, 3)
    ) -> list[Axes]:
        """Axes side by side, row by row, for what is one message only together.

        Args:
            widths: Of the columns, relative to each other.
            heights: Of the rows, relative to each other.
            gap: Between columns and between rows, in mm at the usual size of the font.
        """
        made = [self._figure.add_axes(place) for place in self._places(widths, heights, gap)]
        for axes in made:
            # Ticks are made when a file is written, and would else be of the size that is usual then.
            axes.tick_params(labelsize=matplotlib.rcParams["xtick.labelsize"])
        self._grids.append(_Grid(made, widths, heights, gap))
        return self.made

    def move(self, room: Sequence[float]) -> None:
        """Leaves another `room`, and the axes in the rest."""
        self.room = tuple(room)
        for made, *shape in self._grids:
            for axes, place in zip(made, self._places(*shape)):
                axes.set_position(place)
                axes.set_in_layout(True)  # out of which `set_position` takes them: a notebook would cut them off

    def _places(
        self, widths: Sequence[float], heights: Sequence[float], gap: tuple[float, float]
    ) -> list[tuple[float, float, float, float]]:
        """Left, bottom, width and height of the axes of a grid, as shares of the figure."""
        left, top, right, bottom = self.room
        across, down = (each * font_size() / BASE for each in gap)
        columns = _parts(self._box.left + left, self._box.width - left - right, widths, across)
        rows = _parts(self._box.top + top, self._box.height - top - bottom, heights, down)
        whole_width, whole_height = self._figure.get_size_inches() * MM
        return [
            (x / whole_width, 1 - (y + height) / whole_height, width / whole_width, height / whole_height)
            for y, height in rows
            for x, width in columns
        ]

    def spare(self) -> np.ndarray:
        """How far from the edges of the box all that is drawn stays, in mm: left, top, right, bottom; below 0 is outside."""
        renderer = renderer_of(self._figure)
        drawn = Bbox.union([axes.get_tightbbox(renderer) for axes in self.made])
        scale, (_, whole) = MM / self._figure.dpi, self._figure.get_size_inches() * MM
        box = self._box
        return np.array(
            [
                drawn.x0 * scale - box.left,
                whole - drawn.y1 * scale - box.top,
                box.left + box.width - drawn.x1 * scale,
                box.top + box.height - (whole - drawn.y0 * scale),
            ]
        )

    def clear(self) -> None:
        """Takes the axes away."""
        for axes in self.made:
            axes.remove()


def _parts(start: float, length: float, shares: Sequence[float], gap: float) -> list[tuple[float, float]]:
    """Start and length of parts one after the other."""
    free = max(length - gap * (len(shares) - 1), _LEAST / 10)
    lengths = free * np.array(shares) / sum(shares)
    starts = start + np.cumsum([0, *(lengths[:-1] + gap)])
    return list(zip(starts, lengths))


def fitted(figure: Figure, box: Box, draw: Callable[[Area], None]) -> Area | None:
    """Draws with as much room as what is written around the axes takes; None, and nothing drawn, where the box is too small."""
    room, best = np.array(_FIRST), None
    area = Area(figure, box, room)
    draw(area)
    for _ in range(_TRIES):
        spare = area.spare() - _EDGE
        if (spare > -0.05).all():
            best = room
            if (spare < _NEAR).all():
                return area
        room = room - spare + _NEAR / 2
        if not _holds(box, room):
            break
        area.move(room)
    if best is None or not _holds(box, best):
        area.clear()
        return None
    area.move(best)
    return area


def _holds(box: Box, room: np.ndarray) -> bool:
    """Whether axes are left."""
    return min(box.width - room[0] - room[2], box.height - room[1] - room[3]) >= _LEAST
