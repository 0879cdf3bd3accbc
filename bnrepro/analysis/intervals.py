"""Medians over seeds and their intervals, also where some values are only bounds. Knows no run, no claim and no figure."""

import functools
from typing import NamedTuple

import numpy as np
import pandas as pd

RESAMPLES = 10_000

CONFIDENCE = 0.95

BOOTSTRAP_SEED = 0

_LOW, _HIGH = (1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2


class Interval(NamedTuple):
    """A median, its bootstrap interval and the number of values; NaN and 0 where there is none."""

    estimate: float
    ci_low: float
    ci_high: float
    n: int


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


@functools.lru_cache(maxsize=8)
def _drawn(n: int) -> np.ndarray:
    """How often each resample of `n` values holds each of them, `(n, RESAMPLES)`."""
    resamples = np.random.default_rng(BOOTSTRAP_SEED).integers(n, size=(RESAMPLES, n))
    return np.stack([(resamples == value).sum(axis=1, dtype=np.int16) for value in range(n)])


def bootstrap_median(values) -> Interval:
    """The median of finite `values` and its percentile bootstrap interval; always the same for the same values."""
    values = np.asarray(values, float)
    if not np.isfinite(values).all():
        raise ValueError("a median is taken of finite values: decide first what a missing one counts as")
    if not values.size:
        return Interval(np.nan, np.nan, np.nan, 0)
    medians = _medians(values)
    return Interval(float(np.median(values)), _end(medians, _LOW), _end(medians, _HIGH), values.size)


def bootstrap_ratio(table: pd.DataFrame) -> Interval:
    """The median `ratio` and an interval that holds whatever the true ratios of the pairs with a `bound` are.

    Its upper end is taken with `>` and `~` at infinity, its lower end with `<` and `~` at 0. So it may end at 0 or infinity:
    nothing then bounds the median on that side.
    """
    return bootstrap_bounded(table, "ratio", least=0.0)


def bootstrap_bounded(table: pd.DataFrame, value: str, least: float = -np.inf) -> Interval:
    """As `bootstrap_ratio`, of the column `value`, whose true values lie anywhere from `least` on."""
    middle = bootstrap_median(table[value])
    if not middle.n:
        return middle
    low = table[value].mask(table["bound"].isin(["<", "~"]), least).to_numpy()
    high = table[value].mask(table["bound"].isin([">", "~"]), np.inf).to_numpy()
    return middle._replace(ci_low=_end(_medians(low), _LOW), ci_high=_end(_medians(high), _HIGH))


def _medians(values: np.ndarray) -> np.ndarray:
    """The median of each resample: of its values in order, the one in the middle or the mean of the two there.

    To count how many of its values lie at or below each value is ten times as fast as to sort each resample.
    """
    order = np.argsort(values)
    at_or_below, lower, upper = np.zeros((3, RESAMPLES), np.int16)
    for drawn in _drawn(values.size)[order]:
        at_or_below += drawn
        lower += at_or_below <= (values.size - 1) // 2
        upper += at_or_below <= values.size // 2
    return (values[order][lower] + values[order][upper]) / 2


def _end(medians: np.ndarray, share: float) -> float:
    """A quantile; where medians are infinite the next one outwards, for no line leads from a number to infinity."""
    outwards = "lower" if np.isneginf(medians).any() else "higher" if np.isposinf(medians).any() else "linear"
    return float(np.quantile(medians, share, method=outwards))
