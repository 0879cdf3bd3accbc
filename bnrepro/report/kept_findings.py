"""The statistics of claims, kept in the cache by all that they depend on, so that to look again takes no time.

Knows no claim and judges none: whatever table, code or version changes, statistics are computed anew, as they are where the cache
is missing, damaged or cannot be written.
"""

import functools
import hashlib
import json
from pathlib import Path

import pandas as pd

from bnrepro.analysis.findings import COLUMNS
from bnrepro.experiments import EXPERIMENTS, all_claims
from bnrepro.records.drafts import write_whole
from bnrepro.records.machine import processor, versions
from bnrepro.records.results import load_results, results_digest
from bnrepro.records.workspace import CACHE, CHECKOUT, DATA, Workspace
from bnrepro.report.verdicts import RECORD

ROOM = CACHE / "findings"
"""A file a folder of tables."""


def kept_findings(workspace: Workspace = RECORD) -> dict[str, pd.DataFrame]:
    """The findings of each notebook that has results, from the cache where nothing that they depend on has changed since."""
    return findings_in(workspace.results)


def findings_in(results: Path) -> dict[str, pd.DataFrame]:
    """As `kept_findings`, of a folder of results."""
    folders = {notebook: results / notebook for notebook in EXPERIMENTS}
    return {notebook: _findings(notebook, folder) for notebook, folder in folders.items() if folder.is_dir()}


def _findings(notebook: str, folder: Path) -> pd.DataFrame:
    if not set(EXPERIMENTS[notebook].claims) <= set(all_claims().values()):  # code from outside is not looked at
        return EXPERIMENTS[notebook].findings(load_results(folder))
    key = f"{_code()} {results_digest(folder)}"
    place = ROOM / f"{notebook}-{hashlib.sha256(str(folder).encode()).hexdigest()[:16]}.json"
    if (kept := _read(place, key)) is not None:
        return kept
    table = EXPERIMENTS[notebook].findings(load_results(folder))
    if key == f"{_code()} {results_digest(folder)}":  # else the tables were replaced meanwhile
        _write(place, key, table)
    return table


def _read(place: Path, key: str) -> pd.DataFrame | None:
    """The findings of that key; None where there are none, or not whole."""
    try:
        kept = json.loads(place.read_bytes())
        if (kept["key"], kept["digest"]) != (key, _digest(kept["rows"])):
            return None
        return pd.DataFrame(kept["rows"], columns=COLUMNS)
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _write(place: Path, key: str, table: pd.DataFrame) -> None:
    rows = table.to_dict("records")
    try:
        write_whole(place, json.dumps({"key": key, "digest": _digest(rows), "rows": rows}).encode())
    except OSError:
        pass  # the next one computes them too


def _digest(rows: list[dict]) -> str:
    return hashlib.sha256(json.dumps(rows).encode()).hexdigest()


@functools.cache
def _code() -> str:
    """What findings depend on besides the tables: every source of the package, the paper's numbers, versions, processor."""
    known = hashlib.sha256(json.dumps([versions(), pd.__version__, processor()]).encode())
    for path in (*sorted((CHECKOUT / "bnrepro").rglob("*.py")), *sorted((DATA / "paper").iterdir())):
        known.update(f"{path.relative_to(CHECKOUT)} {hashlib.sha256(path.read_bytes()).hexdigest()}\n".encode())
    return known.hexdigest()
