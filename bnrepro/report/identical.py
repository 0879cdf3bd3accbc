"""What of two notebooks' tables is the same to the bit. Knows no claim and no file."""

import pandas as pd

from bnrepro.records.schemas import Tables, csv_bytes

_NO_NUMBERS = ("sweep", "provenance")
"""Tables of what runs are for, and of the machine: no bit of a result is in them."""


def are_same(old: Tables, new: Tables) -> bool:
    """Whether all their tables of numbers are."""
    return _numbers(old) == _numbers(new)


def different(old: Tables, new: Tables) -> set[str]:
    """The runs of which rows differ; a notebook need not keep all rows of a run, so one may have more than the other."""
    found = set()
    for name in (old.keys() & new.keys()) - {*_NO_NUMBERS}:
        mine, others = (_by_run(tables[name]) for tables in (old, new))
        found |= {run for run in mine.keys() & others if mine[run] - others[run] and others[run] - mine[run]}
    return found


def _numbers(tables: Tables) -> dict[str, list[str]]:
    """The rows of each table that has numbers, with every bit of them."""
    return {name: _lines(table) for name, table in tables.items() if name not in _NO_NUMBERS}


def _by_run(table: pd.DataFrame) -> dict[str, set[str]]:
    """The rows of each run; none of a table that is not of runs."""
    rows = {}
    for run, line in zip(table.get("run", ()), _lines(table)):
        rows.setdefault(run, set()).add(line)
    return rows


def _lines(table: pd.DataFrame) -> list[str]:
    """The rows as text, whatever the order of the columns."""
    return csv_bytes(table[sorted(table)]).decode().splitlines()[1:]
