"""Differences of one number in two records: by what its values are of, with exact intervals, bounds kept as bounds."""

import math

import pandas as pd
import pytest

from bnrepro.analysis.differences import NOTHING, difference
from bnrepro.analysis.findings import Row, median_between, median_of, median_ratio


def series(*values: float, first: int = 0) -> pd.Series:
    return pd.Series(values, index=range(first, first + len(values)), dtype=float)


def ratios(*rows: tuple[float, str]) -> Row:
    return median_ratio(pd.DataFrame(rows, columns=["ratio", "bound"]))


def test_new_minus_old_is_taken_value_by_value_with_the_exact_interval_of_a_median():
    old, new = series(*range(12)), series(*range(12)) + series(*[0.5] * 6, *[1.0] * 6)
    found = difference(median_of(old, "nats"), median_of(new, "nats"))
    assert (found.estimate, found.ci_low, found.ci_high, found.n) == (0.75, 0.5, 1.0, 12)
    assert (found.unit, found.bound) == ("nats", "")


def test_values_are_paired_by_what_they_are_of_never_by_their_place():
    found = difference(median_of(series(1, 2, 3)), median_of(series(2.5, 3.5, 99, first=1)))
    assert (found.estimate, found.ci_low, found.ci_high, found.n) == (0.5, 0.5, 0.5, 2)


def test_a_value_that_is_a_bound_bounds_its_difference_on_that_side_alone():
    found = difference(ratios((2.0, ""), (2.0, "")), ratios((3.0, ">"), (3.0, "")))
    assert (found.estimate, found.ci_low, found.ci_high, found.bound) == (1.0, 1.0, math.inf, ">")
    found = difference(ratios((3.0, ">"), (3.0, "")), ratios((2.0, ""), (2.0, "")))
    assert (found.estimate, found.ci_low, found.ci_high, found.bound) == (-1.0, -math.inf, -1.0, "<")
    assert difference(ratios((2.0, "")), ratios((1.0, "<"))).bound == "<"
    assert difference(ratios((2.0, "")), ratios((1.0, "~"))).bound == "~"


def test_values_between_two_ends_give_a_difference_between_two():
    ends = pd.DataFrame({"ratio": [2.0], "low": [1.5], "high": [2.5], "bound": [""]})
    found = difference(
        median_between(ends), median_between(ends + pd.Series({"ratio": 1, "low": 1, "high": 1, "bound": ""}))
    )
    assert (found.estimate, found.ci_low, found.ci_high, found.bound) == (1.0, 0.0, 2.0, "")


@pytest.mark.parametrize(
    "new",
    [
        median_of(series(1.0, first=5)),
        median_of(series(1.0, 2.0).set_axis([0, 0])),
        Row("", 1.0, 1.0, 1.0, 20),
        median_of(series()),
    ],
    ids=["of other things", "two of one thing", "the largest error", "of nothing"],
)
def test_where_no_value_is_of_the_same_thing_there_is_none(new):
    assert difference(median_of(series(1.0, 2.0)), new) is NOTHING


def test_shares_differ_by_points():
    unit = difference(median_of(series(0.1), "accuracy"), median_of(series(0.2), "accuracy")).unit
    assert unit == "difference of shares"
