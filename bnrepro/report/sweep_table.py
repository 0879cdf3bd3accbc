"""A sweep as a table for people: a row a group, a column a field that says something. Knows no result."""

import numbers
from collections.abc import Iterable

import pandas as pd

from bnrepro.config.group import Group, Sweep
from bnrepro.config.identity import changes


def plan(sweep: Sweep) -> pd.DataFrame:
    """A sweep as a table: a row a group, with its arm and setting where any group has one; the number of its runs; and each
    field that varies or differs from its default.
    """
    groups = pd.DataFrame(list(sweep), columns=Group._fields)
    index = ["group", *(name for name in ("arm", "setting") if groups[name].any())]
    rows = [pd.DataFrame([config.as_dict() for config in configs]) for configs in sweep.values()]
    changed = {name for configs in sweep.values() for config in configs for name in changes(config)}
    shown = dict.fromkeys(name for table in rows for name in table if name in changed)
    columns = {name: [listed(table.get(name, _NONE).dropna().unique()) for table in rows] for name in shown}
    return groups[index].assign(runs=[len(table) for table in rows], **columns).set_index(index)


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
