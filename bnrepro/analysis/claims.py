"""What a claim is, its rule, and the verdict that a rule gives. Knows no claim of ours."""

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from bnrepro.analysis.findings import COLUMNS, Row
from bnrepro.analysis.intervals import CONFIDENCE, Sample, equivalence_test, sign_test
from bnrepro.errors import UserError
from bnrepro.records.computed import known
from bnrepro.records.schemas import Tables

SUPPORTED, CONTRADICTED, INCONCLUSIVE = "supported", "contradicted", "inconclusive"

FEWEST = 7
"""Fewest seeds (or draws) for a verdict: a one-sided sign test of fewer pairs cannot reach 0.01 (0.5 ** 7 = 0.008)."""

KINDS = ("primary", "secondary", "check")
"""Of claims about training, the few that the paper's abstract makes and all others; and checks: arithmetic, or an identity of the
layer's equations or code, so that no training can make one fail."""


@dataclass(frozen=True)
class Rule:
    """A threshold, and the side of it on which the whole interval has to lie for the claim to be supported.

    The side is `above`, `below`, or `at most`, which the threshold itself meets. `around` claims equivalence: the median lies
    within `margin` of the threshold, by two one-sided tests at 5%, so that a wide interval supports nothing; where the whole
    interval lies beyond the margin, the claim is contradicted.
    """

    side: str
    threshold: float
    margin: float = 0.0

    def __str__(self) -> str:
        if self.side == "around":
            return (
                f"90% interval within {self.margin:g} of {self.threshold:g} (two one-sided tests); contradicted: 95% interval "
                f"beyond; n of {FEWEST} or more"
            )
        other = {"above": "below", "below": "above", "at most": "above"}[self.side]
        return f"interval {self.side} {self.threshold:g}; contradicted: {other}; n of {FEWEST} or more"

    @property
    def bounds(self) -> tuple[float, float]:
        """Between which the median is claimed to lie, of a rule that claims equivalence."""
        return self.threshold - self.margin, self.threshold + self.margin

    def p(self, values: Sample) -> float:
        """The exact p of the values of the seeds: of equivalence where that is claimed, else of being off the threshold."""
        if self.side == "around":
            return equivalence_test(values, *self.bounds)
        return sign_test(values, self.threshold)

    def verdict(self, ci_low: float, ci_high: float, n: int, p: float = math.nan) -> str:
        """One of supported, contradicted, inconclusive; inconclusive too where an interval only touches the threshold.

        `p` is that of the values of the seeds, which decides on equivalence.
        """
        if n < FEWEST:
            return INCONCLUSIVE
        if self.side == "around":
            if p <= 1 - CONFIDENCE:
                return SUPPORTED
            low, high = self.bounds
            return CONTRADICTED if ci_high < low or ci_low > high else INCONCLUSIVE
        above = ci_low > self.threshold
        below = ci_high <= self.threshold if self.side == "at most" else ci_high < self.threshold
        if not above and not below:
            return INCONCLUSIVE
        return SUPPORTED if above == (self.side == "above") else CONTRADICTED


@dataclass(frozen=True, kw_only=True)
class Claim:
    """One sentence that can turn out wrong, and the function that computes what it is judged by.

    Attributes:
        id: Its short name, as `T1`.
        kind: One of `KINDS`.
        section: The paper's.
        sentence: What is claimed; it makes sense alone.
        statistic: What is computed, in words.
        unit: Of the statistic, one of `formatting.UNITS`.
        rule: When it is supported, and when contradicted.
        paper: The paper's own number; NaN where it gives none.
        function: From the tables of its experiment to the statistic and the rows that say more about it.
    """

    id: str
    kind: str
    section: str
    sentence: str
    statistic: str
    unit: str
    rule: Rule
    paper: float
    function: Callable[[Tables], list[Row]]

    def __post_init__(self):
        if self.kind not in KINDS:
            raise ValueError(f"a claim is one of {', '.join(KINDS)}: {self.id} is {self.kind!r}; name one of these")

    @property
    def experiment(self) -> str:
        """Where it stands: the folder of an experiment's `claims.py`, or a file of somebody's own."""
        file = Path(self.function.__code__.co_filename)
        return file.parent.name if file.name == "claims.py" else file.stem

    @property
    def line(self) -> int:
        """The line of its experiment's `claims.py` at which it begins."""
        return self.function.__code__.co_firstlineno

    def repeats(self, other: "Claim") -> bool:
        """Whether another one is of the same function: of its name and file, or of an edited cell of the same notebook."""
        own, its = self.function, other.function
        file, its_file = own.__code__.co_filename, its.__code__.co_filename
        return own.__qualname__ == its.__qualname__ and (file == its_file or own.__module__ == its.__module__)

    def statistic_of(self, tables: Tables) -> Row:
        """The row of its statistic, with the value of each seed."""
        return self.function(known(tables))[0]._replace(label="", unit=self.unit)

    def __call__(self, tables: Tables) -> pd.DataFrame:
        """Its finding: the columns `findings.COLUMNS`, first the row of its statistic, then what else is to be known."""
        statistic, *others = self.function(known(tables))
        p = self.rule.p(statistic.sample)
        tested = self.kind == "primary" or self.rule.side == "around"
        if tested and statistic.n and math.isnan(p):
            raise ValueError(
                "a claim that is primary or one of equivalence is tested on the values of its seeds: "
                f"{self.id} has none; give its row a sample"
            )
        rows = pd.DataFrame([statistic._replace(label="", unit=self.unit), *others])
        return rows.assign(claim=self.id, p=[p, *[math.nan] * len(others)])[list(COLUMNS)]


def claim(
    *,
    id: str,
    kind: str,
    section: str,
    sentence: str,
    statistic: str,
    unit: str,
    rule: Rule,
    paper: float = math.nan,
) -> Callable[[Callable[[Tables], list[Row]]], Claim]:
    """Makes a function a `Claim`, whose attributes these are: the function gives the row of its statistic, then others."""

    def made(function: Callable[[Tables], list[Row]]) -> Claim:
        return Claim(
            id=id,
            kind=kind,
            section=section,
            sentence=sentence,
            statistic=statistic,
            unit=unit,
            rule=rule,
            paper=paper,
            function=function,
        )

    return made


def by_id(claims: Iterable[Claim]) -> dict[str, Claim]:
    """Claims by their ids.

    Raises:
        UserError: Two have the same.
    """
    found = {}
    for each in claims:
        if each.id in found:
            raise shared_id(each)
        found[each.id] = each
    return found


def shared_id(claim: Claim) -> UserError:
    """The error of another claim that has the id of this one."""
    return UserError(f"no two claims share an id: {claim.id} is in {claim.experiment} too; give this one another")
