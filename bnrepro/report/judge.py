"""Claims judged by their rules. Knows no table but what it judges."""

import math
from collections.abc import Iterable, Mapping
from types import MappingProxyType

import pandas as pd

from bnrepro.analysis.claims import FEWEST, INCONCLUSIVE, Claim
from bnrepro.analysis.formatting import in_words
from bnrepro.analysis.intervals import CONFIDENCE, fewest_values, holm

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
    "p",
    "rule",
    "verdict",
    "paper",
    "note",
    "needs",
    "record",
    "record_n",
)


def judge(
    findings: pd.DataFrame,
    claims: Iterable[Claim],
    family: Iterable[Claim] = (),
    record: Mapping[str, tuple[str, int]] = MappingProxyType({}),
) -> pd.DataFrame:
    """Each claim with its statistic, interval, rule and verdict.

    A primary claim is judged by its interval and by its exact p, corrected for how many primary claims there are.

    Args:
        findings: Rows of claims, as a `Claim` gives them.
        claims: Those to be judged; one without a row is left out.
        family: All primary claims, those to be judged among them; one without a row counts with p = 1. By default only
            those to be judged.
        record: Verdict and n of the committed record, by claim.

    Returns:
        A row a claim in their order, the columns `VERDICT_COLUMNS`: `p` is the corrected one of a primary claim, else NaN;
        `rule` is the `Rule`; `paper` is NaN where the paper has no number; `note` says in words what the other rows do; from
        `needs` values on a claim can be decided whatever the others give; `record` and `record_n` are those of `record`, empty
        and 0 where it has none.
    """
    claims = list(claims)
    rows = {name: list(own.itertuples(index=False)) for name, own in findings.groupby("claim")}
    primary = {claim.id for claim in (*claims, *family) if claim.kind == "primary"}
    corrected = holm({name: rows[name][0].p if name in rows else math.nan for name in primary})
    needs = {"primary": max(FEWEST, fewest_values(len(primary)))}
    table = [
        {
            **_judged(claim, corrected.get(claim.id, math.nan), *rows[claim.id]),
            "needs": needs.get(claim.kind, FEWEST),
            **dict(zip(("record", "record_n"), record.get(claim.id, ("", 0)))),
        }
        for claim in claims
        if claim.id in rows
    ]
    return pd.DataFrame(table, columns=VERDICT_COLUMNS)


def _judged(claim: Claim, p: float, statistic, *others) -> dict:
    verdict = claim.rule.verdict(statistic.ci_low, statistic.ci_high, statistic.n, statistic.p)
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
        "p": p,
        "rule": claim.rule,
        "verdict": INCONCLUSIVE if p > 1 - CONFIDENCE else verdict,
        "paper": claim.paper,
        "note": in_words(others),
    }
