"""Figures as files, the same bytes for the same tables. Knows no experiment, no statistic."""

import hashlib
import io
from pathlib import Path

import pandas as pd
from matplotlib.figure import Figure
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from bnrepro.plotting.style import styled
from bnrepro.records.drafts import write_whole
from bnrepro.records.schemas import csv_bytes

FORMATS = ("pdf", "png", "svg")

LARGEST = 300_000
"""Bytes of a committed picture, at most."""

_SMALL = 200  # dots an inch of a picture that is committed
_COLORS = 256


def save_figure(
    figure: Figure, path: Path, tables: pd.DataFrame | dict[str, pd.DataFrame], small: bool = False
) -> Path:
    """Writes a figure whole or not at all; the same figure gives the same bytes.

    Args:
        figure: The figure.
        path: The file, `.pdf`, `.png` or `.svg`; its folder is made if missing.
        tables: What was drawn; its digest goes into the file's metadata, so that a figure can be traced to its tables.
        small: Whether a PNG file is of as few bytes as a picture in a repository should have.
    """
    source = digest(tables)
    content = _smaller(figure, path.stem, source) if small else render(figure, path.suffix[1:], path.stem, source)
    write_whole(path, content)
    return path


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
        "png": _png_metadata(title, source),
    }
    buffer = io.BytesIO()
    figure.savefig(buffer, format=ending, metadata=metadata[ending], facecolor="white")
    return buffer.getvalue()


@styled
def _smaller(figure: Figure, title: str, source: str) -> bytes:
    """A PNG file with a palette and fewer dots."""
    drawn, buffer, metadata = io.BytesIO(), io.BytesIO(), PngInfo()
    figure.savefig(drawn, format="png", dpi=_SMALL, facecolor="white", pil_kwargs={"compress_level": 0})
    for name, text in _png_metadata(title, source).items():
        metadata.add_text(name, text)
    picture = Image.open(drawn).convert("RGB").quantize(_COLORS, dither=Image.Dither.NONE)
    picture.save(buffer, "png", optimize=True, dpi=(_SMALL, _SMALL), pnginfo=metadata)
    return buffer.getvalue()


def _png_metadata(title: str, source: str) -> dict[str, str]:
    return {"Software": "bnrepro", "Title": title, "Description": f"tables sha256 {source}"}


def digest(tables: pd.DataFrame | dict[str, pd.DataFrame]) -> str:
    """The sha256 of tables as they are written, in the order of their names."""
    named = {"table": tables} if isinstance(tables, pd.DataFrame) else tables
    found = hashlib.sha256()
    for name, table in sorted(named.items()):
        found.update(name.encode() + b"\n" + csv_bytes(table))
    return found.hexdigest()
