"""What a claim is, its rule, and the verdict that a rule gives. Knows no claim of ours and no table."""

import math
from dataclasses import dataclass

SUPPORTED, CONTRADICTED, INCONCLUSIVE = "supported", "contradicted", "inconclusive"

FEWEST = 7
"""Fewest seeds (or draws) for a verdict: a one-sided sign test of fewer pairs cannot reach 0.01 (0.5 ** 7 = 0.008)."""

COLUMNS = (
    *("claim", "section", "statement", "notebook", "statistic", "estimate", "ci_low", "ci_high", "n"),
    *("rule", "verdict", "paper"),
)


@dataclass(frozen=True)
class Rule:
    """A threshold, and the side of it on which the whole interval has to lie for the claim to be supported.

    The side is `above`, `below`, or `at most`, which the threshold itself meets. With `around` the interval has to hold the
    threshold and to lie within `margin` of it, so that a wide interval supports nothing; one without it contradicts.
    """

    side: str
    threshold: float
    margin: float = 0.0

    def __str__(self) -> str:
        if self.side == "around":
            return (
                f"interval holds {self.threshold:g} and lies within {self.margin:g} of it; contradicted: does not hold it; "
                f"n of {FEWEST} or more"
            )
        other = {"above": "below", "below": "above", "at most": "above"}[self.side]
        return f"interval {self.side} {self.threshold:g}; contradicted: {other}; n of {FEWEST} or more"

    def verdict(self, ci_low: float, ci_high: float, n: int) -> str:
        """One of supported, contradicted, inconclusive; inconclusive too where an interval only touches the threshold."""
        if n < FEWEST:
            return INCONCLUSIVE
        if self.side == "around":
            if not ci_low <= self.threshold <= ci_high:
                return INCONCLUSIVE if math.isnan(ci_low) else CONTRADICTED
            narrow = self.threshold - self.margin <= ci_low and ci_high <= self.threshold + self.margin
            return SUPPORTED if narrow else INCONCLUSIVE
        above = ci_low > self.threshold
        below = ci_high <= self.threshold if self.side == "at most" else ci_high < self.threshold
        if not above and not below:
            return INCONCLUSIVE
        return SUPPORTED if above == (self.side == "above") else CONTRADICTED


@dataclass(frozen=True)
class Claim:
    """One sentence that can turn out wrong."""

    id: str
    section: str
    statement: str
    notebook: str
    statistic: str
    rule: Rule
