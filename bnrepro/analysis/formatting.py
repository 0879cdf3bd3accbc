"""Numbers, intervals and counts in words. Knows no claim and no page."""

import math

import pandas as pd

from bnrepro.analysis.intervals import Interval


def number(value: float) -> str:
    """Three significant digits, a dash for none."""
    if math.isnan(value):
        return "–"
    return "∞" if math.isinf(value) else f"{value:.3g}".replace("e-0", "e-").replace("-", "−")


def interval(low: float, high: float) -> str:
    """As "2.94 to 3.33"; "> 2.94" where nothing bounds it above; the one number where both ends are the same."""
    if low == high:
        return number(low)
    return f"> {number(low)}" if math.isinf(high) and low > 0 else f"{number(low)} to {number(high)}"


def joined(*parts: str) -> str:
    """A note of those parts that say something."""
    return "; ".join(part for part in parts if part)


def hundredths(fraction: float) -> str:
    """A fraction in points."""
    return f"{round(100 * fraction, 2) + 0.0:.2f}".replace("-", "−")  # + 0.0 makes a plain zero of a negative one


def points(found: Interval) -> str:
    """As "0.12 points (−0.20 to 0.41)"; a dash for none."""
    if not found.n:
        return "–"
    return f"{hundredths(found.estimate)} points ({hundredths(found.ci_low)} to {hundredths(found.ci_high)})"


def times(found: Interval) -> str:
    """As "1.54 (1.51 to 1.56)"; a dash for none."""
    return f"{number(found.estimate)} ({interval(found.ci_low, found.ci_high)})" if found.n else "–"


def diverged(runs: pd.DataFrame, words: str) -> str:
    """As "3 of 8 runs diverged and count as guessing"; nothing where none did."""
    count = int((runs["status"] == "diverged").sum())
    return f"{count} of {len(runs)} runs {words}" if count else ""
