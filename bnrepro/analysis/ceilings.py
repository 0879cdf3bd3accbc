"""The largest learning rate at which a net trains, found in rounds: which rates to try next, and what they say.

A run trains if it finished with at most half the loss of guessing. Rates stand on a scale of steps of a factor of 1.1, by their
number on it, so that runs of any search can be shared. Knows no net and no figure.
"""

import math
from collections.abc import Iterable, Mapping
from typing import NamedTuple

import numpy as np
import pandas as pd

from bnrepro.analysis.intervals import bound_of

TRAINS_AT = 0.5
"""A run trains if its loss over the last tenth of its steps is at most this share of the loss of guessing."""

LOWEST, HIGHEST = -49, 63
"""The numbers of the smallest and the largest rate that are tried, about 0.001 and 40."""

STRIDE = 7
"""Steps between the rates of a scan, about a factor of 2."""

WINDOW = (-3, -1, 1, 3)
"""Steps from where a ceiling is expected to the rates that are tried first."""

CHECK = 7
"""Steps, or one more, below and above a ceiling at which it is checked that nets train below it and not above it."""


class Ceiling(NamedTuple):
    """Between which two rates the largest that trains lies.

    Attributes:
        low: The largest rate found to train; 0 where none does.
        high: The next larger one, which does not; infinite where the largest of all trains.
    """

    low: float
    high: float


def rate(number: int) -> float:
    """The rate of a number on the scale, `0.1 * 1.1^number`, with three digits."""
    return float(f"{0.1 * 1.1**number:.3g}")


def with_trains_by_loss(runs: pd.DataFrame, share: float = TRAINS_AT) -> pd.DataFrame:
    """Adds to runs whether each `trains`: its loss ends at most at this share of that of guessing."""
    ended = runs["end_loss"] <= share * runs["guess_loss"]
    return runs.assign(trains=ended & (runs["status"] == "finished"))


def to_try(trains: Mapping[int, bool], start: int | None = None) -> list[int]:
    """The numbers of the rates to try next; none where the ceiling is found and checked.

    Args:
        trains: By the number of each rate tried so far, whether it trains.
        start: Near which number the ceiling is expected: it is looked for in a `WINDOW` around it, from there up while all
            train, or down while none does, in steps that double. None where nothing is known: then the whole scale is scanned
            first. So it is where the search has come down to the smallest rate, for it may have stepped over those that
            train: a scan misses a band of them that is narrower than its stride.
    """
    below, above = bracket(trains)
    scanned = start is None or (below is None and LOWEST in trains)
    wanted = range(LOWEST, HIGHEST + 1, STRIDE) if scanned else _on_scale(start + steps for steps in WINDOW)
    missing = [each for each in wanted if each not in trains]
    if missing:
        return missing
    if below is None or above is None:
        outwards = HIGHEST if start is None else 2 * below - start + 1 if above is None else 2 * min(trains) - start - 1
        return [each for each in _on_scale([outwards]) if each not in trains]
    gap = above - below
    if gap > 2:
        return sorted({below + round(gap * quarter / 4) for quarter in (1, 2, 3)} - {below, above})
    checks = [below - CHECK] if not {below - CHECK, below - CHECK - 1} & {*trains} else []
    checks += [above + CHECK] if not {above + CHECK, above + CHECK + 1} & {*trains} else []
    return [*range(below + 1, above), *(each for each in checks if LOWEST <= each <= HIGHEST)]


def _on_scale(numbers: Iterable[int]) -> list[int]:
    """The numbers in their order, those beyond an end of the scale moved there."""
    return sorted({min(max(each, LOWEST), HIGHEST) for each in numbers})


def number(rate: float) -> int:
    """The number of a rate of the scale."""
    return round(math.log(rate / 0.1) / math.log(1.1))


def over(first: pd.DataFrame, second: pd.DataFrame) -> pd.DataFrame:
    """The first over the second of two quantities of which each is known to lie from `low` to `high`, row by row.

    Returns:
        As `between`.
    """
    low = (first["low"] / second["high"]).where(first["low"] > 0, 0.0)
    return between(low, (first["high"] / second["low"].where(second["low"] > 0)).fillna(np.inf))


def between(low: pd.Series, high: pd.Series) -> pd.DataFrame:
    """Ratios that are known to lie from `low` to `high`: these and `ratio`, `bound`.

    `ratio` is the middle of the two on a scale of factors; where `low` is 0 or `high` infinite the other one, which is then a
    bound, as `bound` says; 1 where both are (`~`).
    """
    raises, lowers = np.isinf(high), low == 0
    middle = np.sqrt(low * high.where(~raises, 1.0))
    ratio = np.select([raises & lowers, raises, lowers], [1.0, low, high], middle)
    return pd.DataFrame({"ratio": ratio, "low": low, "high": high, "bound": bound_of(raises, lowers)}, index=low.index)


def bracket(trains: Mapping[int, bool]) -> tuple[int | None, int | None]:
    """The number of the largest rate that trains, and of the next larger one that was tried and does not; None for none."""
    below = max((each for each, fine in trains.items() if fine), default=None)
    above = min((each for each, fine in trains.items() if not fine and (below is None or each > below)), default=None)
    return below, above


def ceiling(trains: Mapping[int, bool]) -> Ceiling:
    """Where the ceiling lies, of a search that is done: beyond the scale where its end was reached."""
    below, above = bracket(trains)
    return Ceiling(0.0 if below is None else rate(below), math.inf if above is None else rate(above))
