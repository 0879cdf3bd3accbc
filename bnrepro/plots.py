"""How figures look and how they are kept: theme, colors, words of the arms, `save_figure`. Knows no experiment, no statistic."""

import functools
import hashlib
import io
from collections.abc import Callable
from pathlib import Path

import matplotlib
import matplotlib.style
import pandas as pd
from matplotlib import pyplot
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from bnrepro.drafts import write_whole
from bnrepro.tables import csv_bytes

INK, GREY, _FAINT = "#262626", "#737373", "#E6E6E6"

COLORS = {
    **{"none": "#D55E00", "batch": "#0072B2", "off": "#009E73", "paper": "#4D4D4D"},
    **{"population": "#009E73", "noise": "#CB76A7", "none_dropout": "#8F5A31", "batch_dropout": "#5A319A"},
    **{"baseline": "#D55E00", "baseline_x5": "#8F5A31", "baseline_x30": "#6B2E00", "sigmoid": GREY},
    **{"bn_baseline": "#0072B2", "bn_x5": "#5A319A", "bn_x30": "#CB76A7", "bn_x5_sigmoid": "#009E73"},
    **{"renorm": "#009E73", "ghost": "#5A319A"},
    **{"moving": "#0072B2", "moving_ddof0": "#5A319A", "pooled": "#8F5A31", "test_batch": "#CB76A7"},
    **{"before": "#CB76A7", "after": "#8F5A31", "last": "#009E73", "no_dropout": "#009E73"},
    **{"decay": "#5A319A", "matched": "#009E73"},
}
"""One color an arm in the whole project, mostly Okabe and Ito's. The paper is grey.

Whoever sees no red, no green or no blue tells any two of them apart, and from `INK` and `GREY`: CIEDE2000 is 10 or more.
Arms that never meet in a figure may share one; the Baseline is the arm without BN, BN-Baseline the arm with BN.
"""

LABELS = {
    **{"none": "without BN", "batch": "with BN", "off": "BN switched off", "paper": "paper"},
    **{"population": "population statistics", "noise": "population statistics and noise"},
    **{"none_dropout": "Dropout", "batch_dropout": "BN and Dropout"},
    **{"baseline": "Baseline", "baseline_x5": "Baseline x5", "baseline_x30": "Baseline x30", "sigmoid": "Sigmoid"},
    **{"bn_baseline": "BN-Baseline", "bn_x5": "BN-x5", "bn_x30": "BN-x30", "bn_x5_sigmoid": "BN-x5-Sigmoid"},
    **{"renorm": "Batch Renormalization", "ghost": "ghost batches"},
    **{"moving": "moving averages", "moving_ddof0": "moving averages, biased", "pooled": "pooled variance"},
    **{"test_batch": "the test batch's own", "no_dropout": "recomputed without Dropout"},
    **{"before": "before each BN", "after": "after each nonlinearity", "last": "after the last BN"},
    **{"decay": "weight decay", "matched": "matched rate"},
}
"""The arms in words for people; data say `none`, `batch`, `off`."""

SINGLE, DOUBLE = 85, 175
"""Widths of a figure in mm: a column, and both."""

MM = 25.4
"""Millimetres in an inch."""

FORMATS = ("svg", "pdf", "png")

_STYLE = {
    "figure.dpi": 150,
    "savefig.dpi": 300,
    # DejaVu Sans comes with matplotlib, so a figure is the same on every machine.
    "font.family": "sans-serif",
    "font.sans-serif": ["DejaVu Sans"],
    "font.size": 8,
    "axes.labelsize": 8,
    "axes.labelcolor": INK,
    "axes.edgecolor": INK,
    "axes.linewidth": 0.7,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.axisbelow": True,
    "axes.grid": True,
    "axes.grid.axis": "y",
    "grid.color": _FAINT,
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


def styled(draw: Callable) -> Callable:
    """Draws in the house style whatever the default is, so that a figure's bytes depend on its tables alone."""

    @functools.wraps(draw)
    def draw_in_style(*args, **options):
        with matplotlib.style.context(["default", _STYLE]):
            return draw(*args, **options)

    return draw_in_style


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


def add_panel(
    figure: Figure, place: tuple[float, float, float, float], letter: str = "", title: str = "", subtitle: str = ""
) -> Axes:
    """Axes at `(left, top, width, height)` in mm from the figure's top left corner, their titles starting at their left edge."""
    left, top, width, height = place
    whole_width, whole_height = figure.get_size_inches() * MM
    axes = figure.add_axes(
        (left / whole_width, 1 - (top + height) / whole_height, width / whole_width, height / whole_height)
    )
    line = 19 if subtitle else 7
    texts = ((letter, 0, line, dict(fontsize=9, fontweight="bold")), (title, 11, line, {}), (subtitle, 0, 5, {}))
    for text, right, up, style in texts:
        axes.annotate(text, (0, 1), (right, up), "axes fraction", "offset points", annotation_clip=False, **style)
    return axes


def save_figure(figure: Figure, folder: Path, stem: str, tables: pd.DataFrame | dict[str, pd.DataFrame]) -> list[Path]:
    """Writes a figure as SVG, PDF and PNG, each file whole or not at all; the same figure gives the same bytes.

    Args:
        figure: The figure.
        folder: Where to; made if missing.
        stem: The files' name without ending.
        tables: What was drawn; its digest goes into the files' metadata, so that a figure can be traced to its tables.
    """
    contents = {folder / f"{stem}.{ending}": render(figure, ending, stem, digest(tables)) for ending in FORMATS}
    for path, content in contents.items():
        write_whole(path, content)
    return list(contents)


@styled
def render(figure: Figure, ending: str, title: str, source: str) -> bytes:
    """A figure as the content of an `svg`, `pdf` or `png` file, with its title and the digest of its tables inside."""
    metadata = {
        "svg": {"Date": None, "Creator": "bnrepro", "Title": title, "Description": f"tables sha256 {source}"},
        "pdf": {
            "CreationDate": None,
            "Creator": "bnrepro",
            "Producer": None,
            "Title": title,
            "Subject": f"sha256 {source}",
        },
        "png": {"Software": "bnrepro", "Title": title, "Description": f"tables sha256 {source}"},
    }
    buffer = io.BytesIO()
    figure.savefig(buffer, format=ending, metadata=metadata[ending], facecolor="white")
    return buffer.getvalue()


def digest(tables: pd.DataFrame | dict[str, pd.DataFrame]) -> str:
    """The sha256 of tables as they are written, in the order of their names."""
    named = {"table": tables} if isinstance(tables, pd.DataFrame) else tables
    found = hashlib.sha256()
    for name, table in sorted(named.items()):
        found.update(name.encode() + b"\n" + csv_bytes(table))
    return found.hexdigest()
