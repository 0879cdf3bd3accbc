"""Claims judged by their rules. Knows no table but what it judges."""

from collections.abc import Iterable

import pandas as pd

from bnrepro.analysis.claims import Claim
from bnrepro.analysis.formatting import in_words

VERDICT_COLUMNS = (
    "claim",
    "kind",
    "section",
    "sentence",
    "experiment",
    "statistic",
    "unit",
    "estimate",
    "ci_low",
    "ci_high",
    "n",
    "bound",
    "rule",
    "verdict",
    "paper",
    "note",
)


def judge(findings: pd.DataFrame, claims: Iterable[Claim]) -> pd.DataFrame:
    """Each claim with its statistic, interval, rule and verdict.

    Args:
        findings: Rows of claims, as a `Claim` gives them.
        claims: Those to be judged; one without a row is left out.

    Returns:
        A row a claim in their order, the columns `VERDICT_COLUMNS`: `rule` is the `Rule`, `paper` is NaN where the paper has no
        number, and `note` says in words what the other rows of the finding do.
    """
    rows = {name: list(own.itertuples(index=False)) for name, own in findings.groupby("claim")}
    table = [_judged(claim, *rows[claim.id]) for claim in claims if claim.id in rows]
    return pd.DataFrame(table, columns=VERDICT_COLUMNS)


def _judged(claim: Claim, statistic, *others) -> dict:
    return {
        "claim": claim.id,
        "kind": claim.kind,
        "section": claim.section,
        "sentence": claim.sentence,
        "experiment": claim.experiment,
        "statistic": claim.statistic,
        "unit": claim.unit,
        "estimate": statistic.estimate,
        "ci_low": statistic.ci_low,
        "ci_high": statistic.ci_high,
        "n": statistic.n,
        "bound": statistic.bound,
        "rule": claim.rule,
        "verdict": claim.rule.verdict(statistic.ci_low, statistic.ci_high, statistic.n),
        "paper": claim.paper,
        "note": in_words(others),
    }
