"""A sweep as a table for people: a row a group, a column a field that says something. Knows no result."""

import numbers
from collections.abc import Iterable

import pandas as pd

from bnrepro.config.identity import changes
from bnrepro.config.run_config import RunConfig


def plan(sweep: dict[str, list[RunConfig]]) -> pd.DataFrame:
    """A sweep as a table: a row a group, the number of its runs, and each field that varies or differs from its default."""
    rows = {group: pd.DataFrame([config.as_dict() for config in configs]) for group, configs in sweep.items()}
    changed = {name for configs in sweep.values() for config in configs for name in changes(config)}
    shown = dict.fromkeys(name for table in rows.values() for name in table if name in changed)
    columns = {name: [listed(table.get(name, _NONE).dropna().unique()) for table in rows.values()] for name in shown}
    return pd.DataFrame(
        {"runs": [len(table) for table in rows.values()], **columns}, index=pd.Index(rows, name="group")
    )


_NONE = pd.Series(dtype=object)


def listed(values: Iterable) -> str:
    """As `0 to 9, 1000, 1001`, or `0.05, 0.1`."""
    values = list(values)
    if not all(isinstance(value, numbers.Integral) for value in values):
        return ", ".join(f"{value:g}" if isinstance(value, float) else str(value) for value in values)
    stretches = []
    for value in values:
        if stretches and value == stretches[-1][-1] + 1:
            stretches[-1].append(value)
        else:
            stretches.append([value])
    return ", ".join(f"{row[0]} to {row[-1]}" if len(row) > 2 else ", ".join(map(str, row)) for row in stretches)
