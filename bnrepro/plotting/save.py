"""Figures as files, the same bytes for the same tables. Knows no experiment, no statistic."""

import hashlib
import io
from pathlib import Path

import pandas as pd
from matplotlib.figure import Figure

from bnrepro.plotting.style import styled
from bnrepro.records.drafts import write_whole
from bnrepro.records.schemas import csv_bytes

FORMATS = ("svg", "pdf", "png")


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
