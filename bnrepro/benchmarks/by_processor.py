"""Rows of other processors: a file each in `data/bench`, read to print them beside this one's. Measures nothing."""

import json
import re
from pathlib import Path
from typing import Any

from bnrepro.benchmarks.rows import Row, write_with_scale
from bnrepro.records.machine import processor
from bnrepro.records.workspace import DATA

ROOM = DATA / "bench"


def own_file() -> Path:
    """The file of this machine's processor."""
    return ROOM / f"{re.sub(r'[^a-z0-9]+', '-', processor().lower()).strip('-')}.json"


def keep(scale: dict[str, Any], rows: list[Row]) -> Path:
    """Writes the rows of this processor, with the scale of the run that they come from; its other rows stay, with theirs."""
    known = _read(own_file()) if own_file().is_file() else {"rows": []}
    names = {row["name"] for row in rows}
    kept = [row for row in known["rows"] if row["name"] not in names]
    rows = [{**row, "fit_ms_a_step": round(scale["fit_ms_a_step"], 3), "load": scale["load"]} for row in rows]
    write_with_scale(own_file(), scale, sorted([*kept, *rows], key=lambda row: row["name"]))
    return own_file()


def others(name: str) -> str:
    """The ratios of a row on all other processors that are recorded, as one piece of text; empty where there is none."""
    files = [file for file in sorted(ROOM.glob("*.json")) if file != own_file()]
    found = [
        (content["scale"]["processor"], row) for file in files for content in [_read(file)] for row in content["rows"]
    ]
    ratios = [f"{processor} {row['ratio']:.3f} (n = {row['n']})" for processor, row in found if row["name"] == name]
    return "; ".join(ratios)


def _read(file: Path) -> dict[str, Any]:
    return json.loads(file.read_bytes())
