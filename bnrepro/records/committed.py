"""What the committed results hold of each run, for a batch that takes it for trained. Trains nothing, writes nothing.

They are what experiments have kept of their runs, which may be less than a record has: enough to make the same results again.
"""

import functools
import os

import pandas as pd

from bnrepro.records.results import load_verified
from bnrepro.records.schemas import NEVER_COMMITTED, SCHEMAS, Tables
from bnrepro.records.workspace import DATA

COMMITTED = "BNREPRO_COMMITTED"
"""The environment variable by which `run --committed` tells processes that it starts that committed runs count as trained."""


def is_committed(run: str) -> bool:
    """Whether `committed_run` has that run."""
    return bool(os.environ.get(COMMITTED)) and any(run in places["runs"][1] for places in _committed())


def committed_run(run: str) -> Tables | None:
    """The rows of a run in all committed results, by table; None where there are none, or where they do not count."""
    if not is_committed(run):
        return None
    found = {name: [] for name in SCHEMAS}
    for places in _committed():
        for name, (table, rows) in places.items():
            if run in rows:
                found[name].append(table.iloc[rows[run]])
    return {name: _union(parts) for name, parts in found.items() if parts}


@functools.cache
def _committed() -> list[dict[str, tuple[pd.DataFrame, dict]]]:
    """Of each notebook with runs, its tables by name, each with where in it the rows of a run are; read once a process."""
    return [
        {name: (table, table.groupby("run").indices) for name, table in _counting(load_verified(runs.parent)).items()}
        for runs in sorted((DATA / "results").glob("*/runs.csv"))
    ]


def _counting(tables: Tables) -> Tables:
    """The tables that have rows of single runs, without the runs of which a table is never committed."""
    runs = tables["runs"]
    whole = runs["run"][~runs["measurements"].isin(NEVER_COMMITTED)]
    return {
        name: table[table["run"].isin(whole)] for name, table in tables.items() if name != "sweep" and "run" in table
    }


def _union(parts: list[pd.DataFrame]) -> pd.DataFrame:
    """The rows of a run that two notebooks have kept, each once."""
    return parts[0].reset_index(drop=True) if len(parts) == 1 else pd.concat(parts, ignore_index=True).drop_duplicates()
