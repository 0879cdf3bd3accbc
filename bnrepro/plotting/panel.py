"""A panel is one message: its words, its data, its drawing. Drawn alone at any width, or with others on a sheet.

Knows no experiment and no file: whose panels there are stands in `experiments`, where they go in `report.sheets`.
"""

import textwrap
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from bnrepro.errors import UserError
from bnrepro.plotting.area import Area, Box, fitted
from bnrepro.plotting.grey import to_grey
from bnrepro.plotting.style import BASE, DOUBLE, MM, house_style, new_figure, renderer_of
from bnrepro.records.schemas import Tables

Data = pd.DataFrame | dict[str, pd.DataFrame]

MOST = 4
"""Panels of a sheet."""

_GUTTER = 4.0  # mm; between the panels of a sheet
_LINE = 1.35  # of the font's size; from one line of a title to the next


@dataclass(frozen=True, kw_only=True)
class Panel:
    """One message of an experiment.

    Attributes:
        name: What a notebook and the command line call it.
        title: In a few words, above it.
        caption: What is drawn, in two sentences at most. Put in are `{main_seeds}`, the seeds of the group `main`, and so on, and
            `{map_relu_seeds}`, those of its setting `relu`.
        data: From an experiment's tables to all that is drawn: a table, or several by name.
        draw: Draws these data on the axes that an `Area` gives.
        width, height: Its size where nobody asks for another, in mm.
        least: The smallest width in which its words have room, in mm.
    """

    name: str
    title: str
    caption: str
    data: Callable[[Tables], Data]
    draw: Callable[[Area, Data], None]
    width: float = 85.5
    height: float = 60
    least: float = 60

    def full_caption(self, tables: Tables) -> str:
        """The caption with the numbers of seeds in it."""
        return self.caption.format(**_seeds(tables))


def draw_panel(
    panel: Panel, tables: Tables, width: float | None = None, size: float = BASE, grey: bool = False
) -> Figure:
    """One panel alone, from an experiment's tables; the rest as in `draw_data`."""
    return draw_data(panel, panel.data(tables), width, size, grey)


def draw_data(panel: Panel, data: Data, width: float | None = None, size: float = BASE, grey: bool = False) -> Figure:
    """One panel alone.

    Args:
        panel: The panel.
        data: What its `data` gives.
        width: In mm; None is its own.
        size: Of the font, in points. A larger one makes the panel higher.
        grey: Whether arms are told apart by lightness, dashes and marks in place of colors.

    Raises:
        UserError: A width that has no room for its words, or a size that is none.
    """
    width, height = extent(panel, width, size)
    with house_style(size):
        figure = new_figure(width, height)
        _row(figure, [panel], [data], [""], Box(0, 0, width, height))
        if grey:
            to_grey(figure)
    return figure


def extent(panel: Panel, width: float | None = None, size: float = BASE) -> tuple[float, float]:
    """Width and height of a panel alone, in mm; the arguments and what they raise are those of `draw_data`."""
    if not 4 <= size <= 32:
        raise UserError(f"a font is of 4 to 32 points: got {size:g}; choose one that can be read")
    least = panel.least * size / BASE
    width = max(panel.width, least) if width is None else width
    if not least <= width <= 1_000:
        raise UserError(
            f"a panel is as wide as its words, and no wider than a meter: {panel.name} takes {least:.0f} mm "
            f"or more at {size:g} points, got {width:g}; choose another width or font size"
        )
    return width, panel.height * size / BASE


def draw_sheet(panels: Sequence[Panel], tables: Tables, width: float = DOUBLE) -> Figure:
    """Up to four panels of one experiment with letters."""
    return draw_together([(panel, panel.data(tables)) for panel in panels], width)


def draw_together(panels: Sequence[tuple[Panel, Data]], width: float = DOUBLE) -> Figure:
    """Up to four panels with their data and letters, in rows as their widths allow, each row as wide as the sheet."""
    rows, data = _rows([panel for panel, _ in panels], width), iter([own for _, own in panels])
    letters = iter(f"({letter})" if len(panels) > 1 else "" for letter in "abcd")
    heights = [max(panel.height for panel in row) for row in rows]
    with house_style():
        figure = new_figure(width, sum(heights) + _GUTTER * (len(rows) - 1))
        top = 0.0
        for row, height in zip(rows, heights):
            own = [next(letters) for _ in row]
            _row(figure, row, [next(data) for _ in row], own, Box(0, top, width, height))
            top += height + _GUTTER
    return figure


def sheet_caption(panels: Sequence[Panel], tables: Tables) -> str:
    """The captions of a sheet's panels one after the other, each behind its letter."""
    return lettered([panel.full_caption(tables) for panel in panels])


def lettered(captions: Sequence[str]) -> str:
    """Captions one after the other, each behind the letter of its panel."""
    if len(captions) == 1:
        return captions[0]
    return " ".join(f"({letter}) {caption}" for letter, caption in zip("abcd", captions))


def _seeds(tables: Tables) -> dict[str, int]:
    """How many seeds each group has, as `<group>_seeds`, and each of its settings, as `<group>_<setting>_seeds`."""
    if "runs" not in tables:
        return {}
    runs = tables["sweep"].merge(tables["runs"], on="run")
    whole, settings = (runs.groupby(keys)["seed"].nunique() for keys in ("group", ["group", "setting"]))
    counts = {f"{group}_seeds": count for group, count in whole.items()}
    return counts | {f"{group}_{setting}_seeds": count for (group, setting), count in settings.items()}


def _rows(panels: Sequence[Panel], width: float) -> list[list[Panel]]:
    """The panels in their order, as many in a row as have room."""
    rows: list[list[Panel]] = []
    for panel in panels:
        if rows and sum(other.width + _GUTTER for other in rows[-1]) + panel.width <= width + 0.1:
            rows[-1].append(panel)
        else:
            rows.append([panel])
    return rows


def _row(figure: Figure, panels: list[Panel], data: list[Data], letters: list[str], box: Box) -> None:
    """Panels side by side, their axes on one line above and below."""
    free = box.width - _GUTTER * (len(panels) - 1)
    widths = free * np.array([panel.width for panel in panels]) / sum(panel.width for panel in panels)
    lefts = box.left + np.cumsum([0, *(widths[:-1] + _GUTTER)])
    heads = [
        _title(figure, letter, panel.title, Box(left + 0.6, box.top, width - 0.6, box.height))
        for letter, panel, left, width in zip(letters, panels, lefts, widths)
    ]
    head = max(heads)
    boxes = [Box(left, box.top + head, width, box.height - head) for left, width in zip(lefts, widths)]
    draws = [lambda area, panel=panel, own=own: panel.draw(area, own) for panel, own in zip(panels, data)]
    areas = [fitted(figure, each, draw) for each, draw in zip(boxes, draws)]
    for panel, each, area in zip(panels, boxes, areas):
        if area is None:
            raise UserError(
                f"a panel is as large as its words: {panel.name} does not fit {each.width:.0f} x {box.height:.0f} mm; "
                "make it wider or its font smaller"
            )
    above, below = (max(area.room[side] for area in areas) for side in (1, 3))
    for area in areas:
        left, _, right, _ = area.room
        area.move((left, above, right, below))


def _title(figure: Figure, letter: str, title: str, box: Box) -> float:
    """Writes letter and title at the top of a box, in as many lines as its width asks for; returns their height in mm."""
    whole_width, whole_height = figure.get_size_inches() * MM
    left, top = box.left / whole_width, 1 - (box.top + 0.6) / whole_height
    first = figure.text(left, top, letter, va="top", fontweight="bold")
    renderer = renderer_of(figure)
    indent = (first.get_window_extent(renderer).width * MM / figure.dpi + 1.2) if letter else 0.0
    text = figure.text(left + indent / whole_width, top, title, va="top", linespacing=_LINE * 0.85)
    room, longest = (box.width - indent) * figure.dpi / MM, len(title)
    while text.get_window_extent(renderer).width > room and longest > 10:
        longest -= 1
        text.set_text(textwrap.fill(title, longest))
    return text.get_window_extent(renderer).height * MM / figure.dpi + 1.6
