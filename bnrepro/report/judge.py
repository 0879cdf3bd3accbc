"""Claims judged by their rules. Knows no table but what it judges."""

import pandas as pd

from bnrepro.analysis.claims import COLUMNS
from bnrepro.experiments.claims import CLAIMS


def judge(statistics: pd.DataFrame, paper: dict[str, float]) -> pd.DataFrame:
    """Each claim with its statistic, interval, rule and verdict.

    Args:
        statistics: One row a claim: `claim`, `estimate`, `ci_low`, `ci_high`, `n`.
        paper: The paper's own number by claim, where it gives one.

    Returns:
        A table with the columns `COLUMNS`, in the order of `CLAIMS`.
    """
    measured = statistics.set_index("claim")
    rows = []
    for claim in CLAIMS.values():
        if claim.id not in measured.index:
            continue
        estimate, ci_low, ci_high, n = measured.loc[claim.id, ["estimate", "ci_low", "ci_high", "n"]]
        verdict = claim.rule.verdict(ci_low, ci_high, int(n))
        rows.append(
            (
                claim.id,
                claim.section,
                claim.statement,
                claim.notebook,
                claim.statistic,
                estimate,
                ci_low,
                ci_high,
                int(n),
            )
            + (str(claim.rule), verdict, paper.get(claim.id, float("nan")))
        )
    return pd.DataFrame(rows, columns=COLUMNS)
