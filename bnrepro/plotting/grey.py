"""A figure in grey: arms told apart by lightness, dashes and marks in place of colors. Knows no experiment and no panel."""

from typing import NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import Collection
from matplotlib.colors import ListedColormap, to_hex, to_rgba
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.text import Text

from bnrepro.plotting.arms import COLORS


class Style(NamedTuple):
    """How an arm looks without its color."""

    shade: str
    dashes: str | tuple
    marker: str


STYLES = (
    Style("#8C8C8C", "-", "o"),
    Style("#000000", "-", "s"),
    Style("#000000", (0, (4, 1.4)), "^"),
    Style("#7A7A7A", (0, (4, 1.4)), "D"),
    Style("#000000", (0, (1, 1.2)), "v"),
    Style("#7A7A7A", (0, (1, 1.2)), "P"),
    Style("#000000", (0, (5, 1.2, 1, 1.2)), "X"),
    Style("#7A7A7A", (0, (5, 1.2, 1, 1.2)), "<"),
)
"""Of the arms of a panel, in the order of `COLORS`: the first two are those without and with BN wherever they are drawn."""


def to_grey(figure: Figure) -> None:
    """Takes the colors out of a figure."""
    for axes in figure.axes:
        _axes_to_grey(axes)
    for text in figure.texts:
        text.set_color(shade_of(text.get_color()))


def shade_of(color) -> str:
    """The grey that is as light as a color, with its transparency."""
    red, green, blue, alpha = to_rgba(color)
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in (red, green, blue)]
    light = float(np.dot((0.2126, 0.7152, 0.0722), linear))
    level = 12.92 * light if light <= 0.0031308 else 1.055 * light ** (1 / 2.4) - 0.055
    return to_hex((level, level, level, alpha), keep_alpha=True)


def _axes_to_grey(axes: Axes) -> None:
    drawn = [line.get_color() for line in axes.lines] + [text.get_color() for text in axes.findobj(Text)]
    styles = _styles({to_hex(color) for color in drawn})
    for artist in axes.findobj():
        if isinstance(artist, Line2D):
            _line_to_grey(artist, styles)
        elif isinstance(artist, Text):
            color = artist.get_color()
            artist.set_color(styles[to_hex(color)].shade if to_hex(color) in styles else shade_of(color))
        elif isinstance(artist, Collection):
            _collection_to_grey(artist, styles)
        elif isinstance(artist, Patch):
            artist.set_facecolor(_grey(artist.get_facecolor(), styles))
            artist.set_edgecolor(_grey(artist.get_edgecolor(), styles))


def _styles(colors: set[str]) -> dict[str, Style]:
    """By color of an arm that is drawn, its style; both arms that everything is about have theirs, drawn or not."""
    main = [COLORS["none"].lower(), COLORS["batch"].lower()]
    others = [color for color in dict.fromkeys(map(to_hex, COLORS.values())) if color in colors and color not in main]
    neutral = {COLORS["paper"].lower(), COLORS["plain"].lower()}
    return dict(zip([*main, *(color for color in others if color not in neutral)], STYLES))


def _grey(color, styles: dict[str, Style]) -> tuple:
    shade = styles[to_hex(color)].shade if to_hex(color) in styles else shade_of(color)
    return to_rgba(shade, to_rgba(color)[3])


def _line_to_grey(line: Line2D, styles: dict[str, Style]) -> None:
    style = styles.get(to_hex(line.get_color())) or styles.get(to_hex(line.get_markeredgecolor()))
    thick = line.get_linewidth() >= 1 and line.get_alpha() is None and len(line.get_xdata()) > 1
    if style and thick and line.get_linestyle() == "-":
        line.set_linestyle(style.dashes)
    if style and line.get_marker() == "o":
        line.set_marker(style.marker)
    face, edge = line.get_markerfacecolor(), line.get_markeredgecolor()
    line.set_color(_grey(line.get_color(), styles))
    for color, change in ((face, line.set_markerfacecolor), (edge, line.set_markeredgecolor)):
        if not isinstance(color, str) or color not in ("none", "auto"):
            change(_grey(color, styles))


def _collection_to_grey(collection: Collection, styles: dict[str, Style]) -> None:
    if collection.get_array() is not None:
        colors = collection.get_cmap()(np.linspace(0, 1, 256))
        collection.set_cmap(ListedColormap([shade_of(color) for color in colors]))
        return
    collection.set_facecolor([_grey(color, styles) for color in collection.get_facecolor()])
    collection.set_edgecolor([_grey(color, styles) for color in collection.get_edgecolor()])
