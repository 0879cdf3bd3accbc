"""A row of what was measured: medians of ours and of theirs, and their ratio. Knows nothing that can be measured."""

import json
import statistics
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from bnrepro.records.drafts import write_whole

Row = dict[str, str | float | int | None]


def row(name: str, unit: str, ours: Iterable[float], theirs: Iterable[float] = (), note: str = "") -> Row:
    """One row: medians, ours over theirs, and how many samples the shorter side has; without theirs, ours alone."""
    sides = [side for side in (list(ours), list(theirs)) if side]
    first, second = [*(statistics.median(side) for side in sides), None][:2]
    ratio = None if second is None else first / second
    measured = {"ours": first, "theirs": second, "ratio": ratio, "n": min(map(len, sides))}
    return {"name": name, "unit": unit, **measured, **({"note": note} if note else {})}


def told(row: Row) -> str:
    """A row as a line."""
    against = "" if row["theirs"] is None else " against {theirs:10.4g}: ratio {ratio:.3f}".format(**row)
    note = f"; {row['note']}" if "note" in row else ""
    return f"{row['name']:38} {row['ours']:10.4g} {row['unit']}{against} (n = {row['n']}){note}"


def write_rows(path: str | Path, rows: list[Row]) -> None:
    """Writes rows as JSON, whole or not at all."""
    write_whole(Path(path), f"{json.dumps(rows, indent=1)}\n".encode())


def write_with_scale(path: str | Path, scale: dict[str, Any], rows: list[Row]) -> None:
    """Writes rows beside the scale of their machine as JSON, `{"scale": ..., "rows": [...]}`, whole or not at all."""
    write_whole(Path(path), f"{json.dumps({'scale': scale, 'rows': rows}, indent=1)}\n".encode())
