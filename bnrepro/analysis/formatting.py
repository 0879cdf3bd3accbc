"""Numbers and rows in words: the one place that knows how a unit is written. Knows no claim and no page."""

import math
from collections.abc import Callable, Iterable
from typing import NamedTuple

from bnrepro.analysis.findings import Row


def number(value: float) -> str:
    """Three significant digits, or all of a thousand and more; a dash for none."""
    return _signed(value, lambda size: f"{size:,.0f}" if 999.5 <= size < 1e6 else f"{size:.3g}".replace("e-0", "e-"))


def hundredths(value: float) -> str:
    """Two decimals, a dash for none."""
    return _signed(round(value, 2), lambda size: f"{size:.2f}")


def thousandths(value: float) -> str:
    """Three decimals, a dash for none."""
    return _signed(round(value, 3), lambda size: f"{size:.3f}")


def whole(value: float) -> str:
    """No decimals, a dash for none."""
    return _signed(round(value) if math.isfinite(value) else value, lambda size: f"{size:,.0f}")


def _signed(value: float, written: Callable[[float], str]) -> str:
    if math.isnan(value):
        return "–"
    size = "∞" if math.isinf(value) else written(abs(value)).replace("-", "−")
    return f"−{size}" if value < 0 else size


class Unit(NamedTuple):
    """How a number is written: times `scale`, as `written`, with `word` behind it. Things that are counted are so many of `n`."""

    word: str = ""
    written: Callable[[float], str] = number
    scale: float = 1.0
    counts: bool = False


UNITS = {
    "times": Unit(" times"),
    "ratio": Unit(),
    "accuracy": Unit("%", hundredths, 100),
    "error": Unit("%", hundredths, 100),
    "share": Unit("%", number, 100),
    "difference of shares": Unit(" points", hundredths, 100),
    "relative error": Unit(),
    "relative spread": Unit(),
    "difference": Unit(),
    "distance from 1": Unit(),
    "slope": Unit("", thousandths),
    "decades": Unit(" decades"),
    "standard deviations": Unit(),
    "rate": Unit(),
    "nats": Unit(" nats"),
    "layers": Unit(),
    "milliseconds": Unit(" ms"),
    "MiB": Unit(" MiB", whole),
    "runs": Unit(counts=True),
    "seeds": Unit(counts=True),
    "pairs": Unit(counts=True),
    "count": Unit(written=whole),
    "seed": Unit(written=whole),
}
"""By its name in a row: accuracies, errors and shares are fractions there, and per cent or points (of a hundred) in words."""


def amount(value: float, unit: str) -> str:
    """As "0.85" for 0.0085 in points: the number without its unit."""
    return UNITS[unit].written(UNITS[unit].scale * value)


def quantity(value: float, unit: str, bound: str = "") -> str:
    """As "> 3.13 times"; a dash for none."""
    word = "" if math.isnan(value) else UNITS[unit].word
    return f"{bound} {amount(value, unit)}{word}".strip()


def threshold(value: float, unit: str) -> str:
    """As "−0.5" for -0.005 in points: a number that was chosen, with no more digits than it has."""
    return number(UNITS[unit].scale * value)


def interval(low: float, high: float, unit: str = "difference") -> str:
    """As "2.94 to 3.33"; "> 2.94" where nothing bounds it above; the one number where both ends read the same."""
    ends = amount(low, unit), amount(high, unit)
    if ends[0] == ends[1]:
        return ends[0]
    return f"> {ends[0]}" if math.isinf(high) and low > 0 else " to ".join(ends)


def in_words(rows: Iterable[Row]) -> str:
    """As "Baseline over BN-x5: 2.38 times (2.1 to 2.6); runs of BN-x5 that diverged: 1 of 8"."""
    return "; ".join(f"{row.label}: {_value(row)}" for row in rows)


def _value(row: Row) -> str:
    if UNITS[row.unit].counts:
        return f"{row.estimate:.0f} of {row.n}"
    text = quantity(row.estimate, row.unit, row.bound)
    return text if math.isnan(row.ci_low) else f"{text} ({interval(row.ci_low, row.ci_high, row.unit)})"
