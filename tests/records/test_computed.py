"""What is computed of a notebook's tables once and handed on: never of other tables, never with what a caller wrote into it."""

import operator

import pandas as pd
import pytest

from bnrepro.records.computed import KnownTables, known, once

RUNS = pd.DataFrame({"run": ["a", "b"], "value": [1.0, 2.0]})
OTHERS = RUNS.assign(value=9.0)


def counting():
    """A function from tables to one, and its calls so far."""
    calls = []

    @once
    def shifted(tables, by=0.0, *, column="value"):
        calls.append((by, column))
        return tables["runs"].assign(**{column: tables["runs"][column] + by})

    return shifted, calls


def test_a_table_is_computed_once_for_the_same_tables_and_arguments():
    shifted, calls = counting()
    tables = KnownTables({"runs": RUNS})
    for _ in range(2):
        assert shifted(tables, 1.0)["value"].tolist() == [2.0, 3.0]
        assert shifted(tables, 2.0, column="value")["value"].tolist() == [3.0, 4.0]
    assert calls == [(1.0, "value"), (2.0, "value")]


def test_ordinary_tables_are_lent_a_memory_and_stay_ordinary():
    shifted, calls = counting()
    tables = {"runs": RUNS}
    lent = known(tables)
    assert known(lent) is lent and shifted(lent).equals(shifted(lent)) and len(calls) == 1
    shifted(tables)
    assert len(calls) == 2 and type(tables) is dict


def test_what_a_caller_writes_into_it_no_other_sees():
    shifted, calls = counting()
    tables = KnownTables({"runs": RUNS})
    mine = shifted(tables, 1.0)
    mine.loc[0, "value"] = -1.0
    mine["more"] = 0
    assert shifted(tables, 1.0)["value"].tolist() == [2.0, 3.0] and "more" not in shifted(tables, 1.0)
    assert len(calls) == 1


def test_of_changed_tables_it_is_computed_anew():
    shifted, calls = counting()
    tables = KnownTables({"runs": RUNS})
    shifted(tables)
    others = {**tables, "runs": RUNS.assign(value=7.0)}
    assert not isinstance(others, KnownTables) and shifted(others)["value"].tolist() == [7.0, 7.0]
    assert len(calls) == 2


@pytest.mark.parametrize(
    "change",
    [
        lambda tables: tables.__setitem__("runs", OTHERS),
        lambda tables: operator.ior(tables, {"runs": OTHERS}),
        lambda tables: tables.update(runs=OTHERS),
        lambda tables: (tables.pop("runs"), tables.setdefault("runs", OTHERS)),
        lambda tables: (tables.popitem(), tables.setdefault("runs", OTHERS)),
        lambda tables: (operator.delitem(tables, "runs"), tables.setdefault("runs", OTHERS)),
        lambda tables: (tables.clear(), tables.setdefault("runs", OTHERS)),
    ],
    ids=["[]", "|=", "update", "pop", "popitem", "del", "clear"],
)
def test_whatever_way_tables_are_changed_it_is_computed_anew(change):
    shifted, calls = counting()
    tables = KnownTables({"runs": RUNS})
    shifted(tables)
    change(tables)
    assert isinstance(tables, KnownTables) and shifted(tables)["value"].tolist() == [9.0, 9.0] and len(calls) == 2


@pytest.mark.parametrize(
    "take",
    [
        lambda tables: tables.pop("runs"),
        lambda tables: tables.popitem(),
        lambda tables: operator.delitem(tables, "runs"),
    ],
    ids=["pop", "popitem", "del"],
)
def test_of_tables_that_are_taken_out_nothing_stays(take):
    shifted, _ = counting()
    tables = KnownTables({"runs": RUNS})
    shifted(tables)
    take(tables)
    with pytest.raises(KeyError):
        shifted(tables)


def test_of_an_ordinary_dict_it_is_computed_each_time():
    shifted, calls = counting()
    tables = {"runs": RUNS.copy()}
    shifted(tables)
    tables["runs"].loc[0, "value"] = 5.0
    assert shifted(tables)["value"].tolist() == [5.0, 2.0] and len(calls) == 2
