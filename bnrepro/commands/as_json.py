"""What commands print or write as JSON, which has no NaN and no infinity: they are null. Knows no command."""

import dataclasses
import json
import math
from collections.abc import Iterable


def verdicts_json(table) -> str:
    """The verdicts as a list of objects."""
    return json.dumps(_verdicts(table), indent=1)


def cells_json(cells: Iterable[tuple]) -> str:
    """The verdicts of all cells of a grid as a list of objects, each with the values of its `cell`."""
    rows = [{"cell": values, **row} for values, table in cells for row in _verdicts(table)]
    return json.dumps(rows, indent=1)


def comparison_json(comparison) -> str:
    """A `Comparison` as an object: `old`, `new`, and lists of objects `claims` and `notebooks`, and `versions`."""
    old, new = map(str, comparison.folders)
    tables = {"claims": comparison.claims, "notebooks": comparison.notebooks}
    lists = {name: _rows(table) for name, table in tables.items()}
    versions = comparison.versions.to_dict("index")
    return json.dumps({"old": old, "new": new, **lists, "versions": versions}, indent=1)


def _verdicts(table) -> list[dict]:
    return _rows(table.assign(rule=table["rule"].map(dataclasses.asdict)))


def _rows(table) -> list[dict]:
    return [{name: _plain(value) for name, value in row.items()} for row in table.to_dict("records")]


def _plain(value):
    return None if isinstance(value, float) and not math.isfinite(value) else value
