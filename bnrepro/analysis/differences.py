"""One number in two records: by seed, how much larger it is in the new one. Knows no claim and no file."""

import math

import numpy as np
import pandas as pd

from bnrepro.analysis.findings import Row
from bnrepro.analysis.intervals import bound_of, bound_of_median, censored_interval

_UNITS = dict.fromkeys(("accuracy", "error", "share"), "difference of shares")
"""Of a difference of two numbers of a unit, where it is not that unit."""

NOTHING = Row("", math.nan, unit="difference")
"""No value is of the same thing in both."""


def difference(old: Row, new: Row) -> Row:
    """The median of new minus old, value by value, with its exact interval.

    A value that is known to lie between two ends gives a difference that does too: its smallest is the new one's lower end
    minus the old one's upper, its largest the reverse.

    Args:
        old: A statistic, as `Claim.statistic_of` gives it.
        new: The same one of other tables of the same runs.

    Returns:
        The row; `NOTHING` where no value is of the same thing in both, or where several of one are.
    """
    sides = [_values(row) for row in (old, new)]
    both = sides[0].index.intersection(sides[1].index)
    if both.empty or not all(side.index.is_unique for side in sides):
        return NOTHING
    before, after = (side.loc[both] for side in sides)
    pairs = pd.DataFrame(
        {
            "value": after["value"] - before["value"],
            "low": after["low"] - before["high"],
            "high": after["high"] - before["low"],
            "bound": bound_of(_may_be_more(after) | _may_be_less(before), _may_be_less(after) | _may_be_more(before)),
        }
    )
    found = censored_interval(pairs, "value")
    return Row("", *found, unit=_UNITS.get(new.unit, new.unit), bound=bound_of_median(pairs, "value"))


def _values(row: Row) -> pd.DataFrame:
    """By what each value is of its `value`, and the ends `low` and `high` between which the true one lies."""
    rows = [(value, *ends) for (_, value), ends in zip(row.each, row.sample)]
    index = pd.Index([key for key, _ in row.each], tupleize_cols=False)
    return pd.DataFrame(rows, index, ["value", "low", "high"], float)


def _may_be_more(side: pd.DataFrame) -> pd.Series:
    """Which values are no more than lower bounds."""
    low, value, high = side["low"], side["value"], side["high"]
    return np.isinf(high) | (((value == low) | np.isinf(low)) & (value < high))


def _may_be_less(side: pd.DataFrame) -> pd.Series:
    """Which values are no more than upper bounds."""
    low, value, high = side["low"], side["value"], side["high"]
    return np.isinf(low) | (((value == high) | np.isinf(high)) & (low < value))
