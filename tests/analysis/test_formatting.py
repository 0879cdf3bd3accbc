"""Rows in words: each unit is told in its own way, and nothing else is."""

import math

import pandas as pd
import pytest

from bnrepro.analysis.findings import (
    Row,
    counted,
    counted_if_any,
    diverged,
    largest_of,
    median_of,
    median_ratio,
    single,
)
from bnrepro.analysis.formatting import UNITS, amount, in_words, number, quantity, threshold


@pytest.mark.parametrize(
    ("value", "unit", "words"),
    [
        (3.128, "times", "3.13 times"),
        (0.81034, "accuracy", "81.03%"),
        (0.102, "share", "10.2%"),
        (-12.6, "share", "−1,260%"),
        (0.00846, "difference of shares", "0.85 points"),
        (-0.000004, "difference of shares", "0.00 points"),
        (1.5e-7, "relative error", "1.5e−7"),
        (-0.4891, "slope", "−0.489"),
        (896.6, "MiB", "897 MiB"),
        (math.nan, "times", "–"),
        (math.inf, "times", "∞ times"),
        (-math.inf, "decades", "−∞ decades"),
    ],
)
def test_a_number_is_told_with_its_unit(value, unit, words):
    assert quantity(value, unit) == words


def test_a_bound_stands_before_the_number():
    assert quantity(3.128, "times", ">") == "> 3.13 times"


@pytest.mark.parametrize("unit", [unit for unit in UNITS if not UNITS[unit].counts])
def test_every_unit_tells_a_number_a_zero_and_none(unit):
    assert amount(0.0, unit).strip("0.") == "" and amount(math.nan, unit) == "–"
    assert amount(-5.0, unit).startswith("−") and "-" not in amount(-1e-7, unit)


def test_a_threshold_has_no_more_digits_than_were_chosen():
    assert threshold(-0.005, "difference of shares") == "−0.5" and threshold(0.05, "slope") == "0.05"


def test_thousands_have_all_their_digits_and_smaller_numbers_three():
    assert [number(value) for value in (1024, 999.6, 12_345.6, 0.05)] == ["1,024", "1,000", "12,346", "0.05"]


def test_rows_are_put_into_words_one_after_the_other():
    rows = [
        Row("Baseline over BN-x5", 2.38, 2.0, 3.17, 8, "times"),
        Row("dense net", 0.0075, -0.001, math.inf, 8, "difference of shares", "~"),
        single("best rate", 0.03, "rate"),
        Row("runs that diverged", 1, n=8, unit="runs"),
    ]
    assert in_words(rows) == (
        "Baseline over BN-x5: 2.38 times (2 to 3.17); dense net: ~ 0.75 points (−0.10 to ∞); best rate: 0.03; "
        "runs that diverged: 1 of 8"
    )


def test_a_row_of_a_unit_that_is_none_is_an_error():
    with pytest.raises(KeyError, match="furlongs"):
        in_words([single("a way", 3.0, "furlongs")])


def test_what_is_counted_has_a_row_and_what_did_not_happen_none_where_it_need_not_be_told():
    runs = pd.DataFrame({"status": ["finished", "diverged", "finished"]})
    assert diverged(runs, "lost") == [Row("lost", 1, n=3, unit="runs")]
    assert diverged(runs.iloc[[0]]) == counted_if_any("none", pd.Series([False]), "seeds") == []
    assert counted("none", pd.Series([False]), "seeds") == Row("none", 0, n=1, unit="seeds")


def test_a_statistic_is_a_median_a_ratio_that_may_be_a_bound_or_the_largest_of_all():
    known = ((1.0, 1.0), (2.0, 2.0), (2.0, 2.0))
    assert median_of(pd.Series([1.0, 2.0, 2.0])) == Row(
        "", 2.0, 1.0, 2.0, 3, sample=known, each=((0, 1.0), (1, 2.0), (2, 2.0))
    )
    ratio = median_ratio(pd.DataFrame({"ratio": [2.0, 2.0, 2.0], "bound": [">", ">", ""]}))
    assert (ratio.estimate, ratio.ci_high, ratio.bound, ratio.unit) == (2.0, math.inf, ">", "times")
    assert largest_of(pd.Series([0.1, 0.3]), 20) == Row("", 0.3, 0.3, 0.3, 20)
