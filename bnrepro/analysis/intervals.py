"""Medians over seeds with their exact intervals and tests, also where some values are only bounds. Knows no run and no claim."""

import functools
import itertools
import math
from collections.abc import Iterable
from typing import NamedTuple

import numpy as np
import pandas as pd
from scipy.special import bdtr

CONFIDENCE = 0.95

Sample = tuple[tuple[float, float], ...]
"""Of each seed the two ends between which its value lies; they are the same where it is known."""


class Interval(NamedTuple):
    """A median, its interval and the number of values; NaN and 0 where there is none."""

    estimate: float
    ci_low: float
    ci_high: float
    n: int


def bound_of(raises: pd.Series, lowers: pd.Series) -> np.ndarray:
    """The sign of each value of which the true one may be larger (`>`), smaller (`<`), both (`~`), or neither (empty)."""
    return np.select([raises & lowers, raises, lowers], ["~", ">", "<"], "")


def bound_of_median(table: pd.DataFrame, value: str = "ratio") -> str:
    """Whether the median of the column `value` is itself a bound, and on which side.

    The median stands on the one or two values in the middle. A pair known only from below can change it if it stands at the
    upper of them or below; one known only from above, if at the lower or above; a tie could be on either side, so always.
    """
    lower, upper = (table[value].quantile(0.5, interpolation=side) for side in ("lower", "higher"))
    raises = ((table["bound"] == ">") & (table[value] <= upper)).any()
    lowers = ((table["bound"] == "<") & (table[value] >= lower)).any()
    if (table["bound"] == "~").any() or (raises and lowers):
        return "~"
    return ">" if raises else "<" if lowers else ""


def median_interval(values: Iterable[float]) -> Interval:
    """The median of finite `values` and its exact interval, two of the values in their order.

    Of n values in order, the k-th lies above the median of the distribution that they are drawn from with the probability that
    fewer than k of n fair coins show heads, whatever that distribution is; so does the k-th from the top lie below it. k is
    the largest for which neither exceeds 2.5%, so the interval holds the median in 95% of all samples or more: 97.9% at n = 10
    and 16, 96.1% at 12. Fewer than six values bound nothing so surely; their interval is their range.

    References:
        David and Nagaraja 2003, *Order Statistics*, section 7.1.
    """
    values = np.asarray(values, float)
    if not np.isfinite(values).all():
        raise ValueError("a median is taken of finite values: decide first what a missing one counts as")
    return _between(values, values, values)


def ratio_interval(table: pd.DataFrame) -> Interval:
    """The median `ratio` and an interval that holds whatever the true ratios of the pairs with a `bound` are.

    Its upper end is taken with `>` and `~` at infinity, its lower end with `<` and `~` at 0. So it may end at 0 or infinity:
    nothing then bounds the median on that side.
    """
    return bounded_interval(table, "ratio", least=0.0)


def bounded_interval(table: pd.DataFrame, value: str, least: float = -np.inf) -> Interval:
    """As `ratio_interval`, of the column `value`, whose true values lie anywhere from `least` on."""
    if not np.isfinite(table[value]).all():
        raise ValueError("a median is taken of finite values: a bound is a number with its sign")
    low, high = np.reshape(sample(table, value, least), (-1, 2)).T
    return _between(table[value].to_numpy(float), low, high)


def censored_interval(table: pd.DataFrame, value: str = "ratio") -> Interval:
    """As `median_interval`, of values that are each known to lie from the column `low` to the column `high`."""
    return _between(*(table[name].to_numpy(float) for name in (value, "low", "high")))


def sample(table: pd.DataFrame, value: str = "ratio", least: float = 0.0) -> Sample:
    """The values of a column of which some are bounds, as the column `bound` has it; none lies below `least`."""
    low = table[value].mask(table["bound"].isin(["<", "~"]), least)
    high = table[value].mask(table["bound"].isin([">", "~"]), np.inf)
    return tuple(zip(low.astype(float), high.astype(float)))


def sign_test(values: Sample, threshold: float) -> float:
    """The exact two-sided p of the sign test: how surely the median lies on one side of `threshold`, whichever it is.

    A value that is the threshold, or that could lie on either side of it, counts against both. It is the test that the interval
    of `median_interval` inverts: below 0.05 where the whole interval lies on one side.

    References:
        Conover 1999, *Practical Nonparametric Statistics*, section 3.4.
    """
    above = sum(low > threshold for low, _ in values)
    below = sum(high < threshold for _, high in values)
    if not values:
        return math.nan
    return min(1.0, 2 * bdtr(len(values) - max(above, below), len(values), 0.5))


def equivalence_test(values: Sample, low: float, high: float) -> float:
    """The exact p of two one-sided sign tests: how surely the median lies between `low` and `high`, not only on the right side
    of one of them.

    It is the larger of both, so it is 0.05 or less where the exact 90% interval of the median lies wholly between them. A value
    that is one of them, or could lie beyond it, counts against.

    References:
        Schuirmann 1987, *A comparison of the two one-sided tests procedure and the power approach* (J. Pharmacokinetics and
        Biopharmaceutics 15).
    """
    if not values:
        return math.nan
    above, below = sum(value > low for value, _ in values), sum(value < high for _, value in values)
    return float(bdtr(len(values) - min(above, below), len(values), 0.5))


def fewest_values(tests: int) -> int:
    """Of how many values a `sign_test` can give a p of 0.05 or less after `holm` for so many tests, whatever the others give."""
    return next(n for n in itertools.count(1) if tests * 2 * 0.5**n <= 1 - CONFIDENCE)


def holm(p: dict[str, float]) -> dict[str, float]:
    """Each p corrected for how many there are: take those of 0.05 or less, and one is wrong in 5% of families or fewer.

    The smallest times their number, the next times one less, and so on, none below the one before it; NaN counts as 1.

    References:
        Holm 1979, *A simple sequentially rejective multiple test procedure* (Scandinavian Journal of Statistics 6).
    """
    p = {name: 1.0 if math.isnan(value) else value for name, value in p.items()}
    corrected, least = {}, 0.0
    for place, name in enumerate(sorted(p, key=p.get)):
        least = max(least, min(1.0, (len(p) - place) * p[name]))
        corrected[name] = least
    return corrected


def _between(values: np.ndarray, low: np.ndarray, high: np.ndarray) -> Interval:
    """The median of `values`, from the k-th of `low` to the k-th from the top of `high`."""
    if not values.size:
        return Interval(math.nan, math.nan, math.nan, 0)
    rank = _rank(values.size)
    return Interval(float(np.median(values)), float(np.sort(low)[rank - 1]), float(np.sort(high)[-rank]), values.size)


@functools.cache
def _rank(n: int) -> int:
    """The k of `median_interval`."""
    ranks = range(1, n // 2 + 1)
    return max((rank for rank in ranks if bdtr(rank - 1, n, 0.5) <= (1 - CONFIDENCE) / 2), default=1)
