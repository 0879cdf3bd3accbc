"""How figures look: theme, sizes, an empty figure and an empty panel in it. Knows no experiment, no statistic."""

import contextlib
import functools
from collections.abc import Callable, Iterator

import matplotlib
import matplotlib.style
from matplotlib import pyplot
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import RendererAgg
from matplotlib.figure import Figure

from bnrepro.plotting.inks import FAINT, INK

SINGLE, DOUBLE = 85, 175
"""Widths of a figure in mm: a column, and both."""

MM = 25.4
"""Millimetres in an inch."""

BASE = 8.0
"""The usual size of the font, in points."""

_STYLE = {
    "figure.dpi": 150,
    "savefig.dpi": 300,
    # DejaVu Sans comes with matplotlib, so a figure is the same on every machine.
    "font.family": "sans-serif",
    "font.sans-serif": ["DejaVu Sans"],
    "text.hinting": "none",  # else words are of another width at another resolution
    "font.size": BASE,
    "axes.labelsize": BASE,
    "axes.labelcolor": INK,
    "axes.edgecolor": INK,
    "axes.linewidth": 0.7,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.axisbelow": True,
    "axes.grid": True,
    "axes.grid.axis": "y",
    "grid.color": FAINT,
    "grid.linewidth": 0.6,
    "text.color": INK,
    "xtick.labelsize": 7.5,
    "ytick.labelsize": 7.5,
    "xtick.color": INK,
    "ytick.color": INK,
    "xtick.major.size": 3,
    "xtick.major.width": 0.7,
    "ytick.major.size": 0,
    "lines.linewidth": 1.6,
    "lines.solid_capstyle": "round",
    "legend.frameon": False,
    "svg.fonttype": "none",  # text stays text: it can be searched and edited
    "svg.hashsalt": "bnrepro",
    "pdf.fonttype": 42,
}


_SIZES = ("font.size", "axes.labelsize", "xtick.labelsize", "ytick.labelsize")


@contextlib.contextmanager
def house_style(size: float = BASE) -> Iterator[None]:
    """The house style whatever the default is, so that a figure's bytes depend on its tables alone; all text `size` / `BASE`."""
    sizes = {name: _STYLE[name] * size / BASE for name in _SIZES}
    with matplotlib.style.context(["default", {**_STYLE, **sizes}]):
        yield


def styled(draw: Callable) -> Callable:
    """Draws in the house style."""

    @functools.wraps(draw)
    def draw_in_style(*args, **options):
        with house_style():
            return draw(*args, **options)

    return draw_in_style


def font_size() -> float:
    """Of the font of what is being drawn, in points."""
    return matplotlib.rcParams["font.size"]


def small() -> float:
    """The size of what is written beside a curve or a mark, in points: 7 at the usual size of the font."""
    return 0.875 * font_size()


def new_figure(width: float, height: float) -> Figure:
    """An empty figure, sizes in mm. It belongs to its caller, not to pyplot, so nothing is left open."""
    _load_inline_backend()
    return Figure(figsize=(width / MM, height / MM))


@functools.cache
def _load_inline_backend() -> None:
    # Jupyter shows a figure as an image only once its backend is loaded, which else happens with pyplot's first figure.
    backend = matplotlib.get_backend(auto_select=False)
    if backend and "inline" in backend:
        pyplot.switch_backend(backend)


def renderer_of(figure: Figure) -> RendererAgg:
    """What measures the text of a figure in the house style, without drawing it."""
    return _ruler(figure.dpi)


@functools.cache
def _ruler(dpi: float) -> RendererAgg:
    # One for all figures, for matplotlib remembers by renderer how wide which words are.
    return RendererAgg(1, 1, dpi)


def add_panel(
    figure: Figure, box: tuple[float, float, float, float], letter: str = "", title: str = "", subtitle: str = ""
) -> Axes:
    """Axes at `(left, top, width, height)` in mm from the figure's top left corner, their titles starting at their left edge."""
    left, top, width, height = box
    whole_width, whole_height = figure.get_size_inches() * MM
    axes = figure.add_axes(
        (left / whole_width, 1 - (top + height) / whole_height, width / whole_width, height / whole_height)
    )
    line = 19 if subtitle else 7
    texts = ((letter, 0, line, dict(fontsize=9, fontweight="bold")), (title, 11, line, {}), (subtitle, 0, 5, {}))
    for text, right, up, style in texts:
        axes.annotate(text, (0, 1), (right, up), "axes fraction", "offset points", annotation_clip=False, **style)
    return axes
