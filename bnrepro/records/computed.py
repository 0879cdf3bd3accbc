"""The tables of one notebook with what was computed of them, so that claims, panels and notebook share it. Knows no statistic."""

import functools
from collections.abc import Callable

import pandas as pd


class KnownTables(dict):
    """Tables as they were read, which nobody writes into; a changed copy, as `{**tables, ...}`, is an ordinary dict.

    Attributes:
        computed: What `once` keeps, by function and arguments.
    """

    def __init__(self, tables: dict[str, pd.DataFrame]):
        super().__init__(tables)
        self.computed = {}

    def __setitem__(self, name: str, table: pd.DataFrame) -> None:
        self.computed.clear()
        super().__setitem__(name, table)


def once(function: Callable) -> Callable:
    """A decorator of a function from tables (and arguments that can be hashed) to a table: computed once for `KnownTables`.

    Each caller has a copy of its own, which pandas makes when it is written into. Of an ordinary dict it is computed anew.
    """

    @functools.wraps(function)
    def known(tables, *arguments, **named):
        if not isinstance(tables, KnownTables):
            return function(tables, *arguments, **named)
        key = function, arguments, tuple(sorted(named.items()))
        if key not in tables.computed:
            tables.computed[key] = function(tables, *arguments, **named)
        return tables.computed[key].copy(deep=False)

    return known
