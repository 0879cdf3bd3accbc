"""The tables of one notebook with what was computed of them, so that claims, panels and notebook share it. Knows no statistic."""

import functools
from collections.abc import Callable

import pandas as pd


def _changing(method: Callable) -> Callable:
    """A method of a dict that changes it, and forgets before what was computed."""

    @functools.wraps(method)
    def changing(self, *arguments, **named):
        self.computed.clear()
        return method(self, *arguments, **named)

    return changing


class KnownTables(dict):
    """Tables as they were read; where one is replaced, added or taken out, what was computed is forgotten.

    A changed copy, as `{**tables, ...}` or `tables | {...}`, is an ordinary dict.

    Attributes:
        computed: What `once` keeps, by function and arguments.
    """

    def __init__(self, tables: dict[str, pd.DataFrame]):
        super().__init__(tables)
        self.computed = {}

    __setitem__ = _changing(dict.__setitem__)
    __delitem__ = _changing(dict.__delitem__)
    __ior__ = _changing(dict.__ior__)
    update = _changing(dict.update)
    setdefault = _changing(dict.setdefault)
    pop = _changing(dict.pop)
    popitem = _changing(dict.popitem)
    clear = _changing(dict.clear)


def known(tables: dict[str, pd.DataFrame]) -> KnownTables:
    """The tables themselves where they know what was computed of them, else the same tables that do from now on."""
    return tables if isinstance(tables, KnownTables) else KnownTables(tables)


def once(function: Callable) -> Callable:
    """A decorator of a function from tables (and arguments that can be hashed) to a table: computed once for `KnownTables`.

    Each caller has a copy of its own, which pandas makes when it is written into. Of an ordinary dict it is computed anew.
    """

    @functools.wraps(function)
    def computed(tables, *arguments, **named):
        if not isinstance(tables, KnownTables):
            return function(tables, *arguments, **named)
        key = function, arguments, tuple(sorted(named.items()))
        if key not in tables.computed:
            tables.computed[key] = function(tables, *arguments, **named)
        return tables.computed[key].copy(deep=False)

    return computed
