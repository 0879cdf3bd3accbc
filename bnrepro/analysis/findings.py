"""Numbers as rows: the statistic that a claim is judged by, and what else is to be known of it. Knows no claim and no words."""

import math
from collections.abc import Hashable
from typing import NamedTuple

import pandas as pd

from bnrepro.analysis.intervals import (
    Interval,
    Sample,
    bound_of_median,
    bounded_interval,
    censored_interval,
    median_interval,
    sample,
)

Each = tuple[tuple[Hashable, float], ...]
"""Of some values what each is of, as a seed or a row of a table, and the value itself, be it a bound or not."""


class Row(NamedTuple):
    """One number, with its interval if it has one.

    Attributes:
        label: What it is of; empty for the statistic of the claim itself.
        estimate: The number, in `unit`; of things that are counted, how many of `n`.
        ci_low: Lower end of the interval; NaN where there is none.
        ci_high: Upper end.
        n: How many values are behind it.
        unit: One of `formatting.UNITS`.
        bound: `>` or `<` where the estimate is only a bound (see `paired.ratios`), `~` where it is bounded from neither side.
        sample: Of the statistic of a claim the value of each seed, for an exact test; empty where it is no median of seeds.
        each: Of the same values, in their order, what each is of.
    """

    label: str
    estimate: float
    ci_low: float = math.nan
    ci_high: float = math.nan
    n: int = 0
    unit: str = ""
    bound: str = ""
    sample: Sample = ()
    each: Each = ()


COLUMNS = ("claim", *Row._fields[:-2], "p")
"""Of a table of findings; `p` is of the claim's statistic alone."""


def estimated(
    found: Interval, unit: str = "", label: str = "", bound: str = "", values: Sample = (), each: Each = ()
) -> Row:
    """A number with its interval; without `label` and `unit` the statistic of a claim, which knows its unit."""
    return Row(label, *found, unit=unit, bound=bound, sample=values, each=each)


def each_of(values: pd.Series) -> Each:
    """The values by their index."""
    return tuple(values.items())


def median_of(values: pd.Series, unit: str = "", label: str = "") -> Row:
    """The median of finite values and its interval."""
    return estimated(median_interval(values), unit, label, values=tuple(zip(values, values)), each=each_of(values))


def median_if_any(values: pd.Series, unit: str, label: str) -> list[Row]:
    """The median of the values that there are; no row where there is none."""
    known = values.dropna()
    return [median_of(known, unit, label)] if len(known) else []


def median_bounded(table: pd.DataFrame, value: str, least: float = -math.inf, unit: str = "", label: str = "") -> Row:
    """The median of a column of which some values are bounds, as the column `bound` has it; none lies below `least`."""
    return estimated(
        bounded_interval(table, value, least),
        unit,
        label,
        bound_of_median(table, value),
        sample(table, value, least),
        each_of(table[value]),
    )


def median_ratio(pairs: pd.DataFrame, label: str = "") -> Row:
    """The median `ratio` of pairs of which some are bounds, as `paired.ratios` gives them."""
    return median_bounded(pairs, "ratio", 0.0, "times", label)


def median_between(pairs: pd.DataFrame, label: str = "") -> Row:
    """The median `ratio` of pairs that are each known to lie from `low` to `high`; `bound` where one of these is no number."""
    values = tuple(zip(pairs["low"], pairs["high"]))
    return estimated(censored_interval(pairs), "times", label, bound_of_median(pairs), values, each_of(pairs["ratio"]))


def largest_of(errors: pd.Series, n: int) -> Row:
    """The largest error, which is also both ends of the interval: the claim is about each of the `n` draws or seeds."""
    largest = errors.max()
    return Row("", largest, largest, largest, n)


def single(label: str, value: float, unit: str, n: int = 0) -> Row:
    """A number without an interval: a setting, or the median of `n` values that is only to give an idea."""
    return Row(label, value, n=n, unit=unit)


def counted(label: str, those: pd.Series, unit: str = "runs") -> Row:
    """How many of `those` (true or false, one a run, seed or pair) are true."""
    return Row(label, int(those.sum()), n=len(those), unit=unit)


def counted_if_any(label: str, those: pd.Series, unit: str = "runs") -> list[Row]:
    """As `counted`; no row where none is true, for what did not happen need not be told."""
    return count_if_any(label, int(those.sum()), len(those), unit)


def count_if_any(label: str, count: int, of: int, unit: str = "runs") -> list[Row]:
    """As `counted_if_any`, of numbers."""
    return [Row(label, count, n=of, unit=unit)] if count else []


def lost(runs: pd.DataFrame, whose: str = "runs") -> list[Row]:
    """How many of `runs` diverged and how many collapsed, each if any did."""
    collapsed = counted_if_any(f"{whose} that collapsed: they ended at chance", runs["status"] == "collapsed")
    return [*diverged(runs, f"{whose} that diverged and count as guessing"), *collapsed]


def diverged(runs: pd.DataFrame, label: str = "runs that diverged and count as guessing") -> list[Row]:
    """How many of `runs` diverged, if any did."""
    return counted_if_any(label, runs["status"] == "diverged")
