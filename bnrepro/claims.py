"""Every claim, its statistic and the rule of its verdict, written down before the runs. Knows no table but what it judges."""

from dataclasses import dataclass

import pandas as pd

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

    The side is `above`, `below`, or `at most`, which the threshold itself meets.
    """

    side: str
    threshold: float

    def __str__(self) -> str:
        other = {"above": "below", "below": "above", "at most": "above"}[self.side]
        return f"interval {self.side} {self.threshold:g}; contradicted: {other}; n of {FEWEST} or more"

    def verdict(self, ci_low: float, ci_high: float, n: int) -> str:
        """One of supported, contradicted, inconclusive; inconclusive too where an interval only touches the threshold."""
        if n < FEWEST:
            return INCONCLUSIVE
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


_LAYER, _SPEED, _DRIFT = "00_the_layer", "01_training_speed", "02_activation_drift"

CLAIMS = {
    claim.id: claim
    for claim in (
        Claim(
            "A1",
            "3",
            "The layer's gradient is the one the paper prints",
            _LAYER,
            "largest error over random draws, relative to the largest gradient",
            Rule("below", 1e-5),
        ),
        Claim(
            "A2",
            "3",
            "gamma = sqrt(Var[x]), beta = E[x] gives the input back",
            _LAYER,
            "largest error over random draws, in standard deviations of the input",
            Rule("below", 1e-3),
        ),
        Claim(
            "A3",
            "3.3",
            "BN((aW)u) = BN(Wu), its Jacobian the same, its weight gradient 1/a",
            _LAYER,
            "largest relative error of output, a vector times Jacobian, and weight gradient, over draws and a from 0.1 to 100",
            Rule("below", 1e-3),
        ),
        Claim(
            "A4",
            "2",
            "A bias grows without bound at a fixed loss if the gradient ignores the mean",
            _LAYER,
            "bias after 2N steps over bias after N steps",
            Rule("above", 1.5),
        ),
        Claim(
            "A5",
            "3.1",
            "With m/(m-1) the running variance is unbiased",
            _LAYER,
            "distance from 1 of the running variance over the population's",
            Rule("below", 0.02),
        ),
        Claim(
            "A6",
            "3.1",
            "At inference BN is a linear map that folds into the layer before it",
            _LAYER,
            "largest difference of the outputs, folded against unfolded",
            Rule("below", 1e-5),
        ),
        Claim(
            "A7",
            "3.2",
            "For convolutions statistics run over batch and locations, m' = m p q",
            _LAYER,
            "largest relative error of output and running variance over random draws",
            Rule("below", 1e-5),
        ),
        Claim(
            "T1",
            "4.1",
            "A net with BN reaches 97% test accuracy in fewer steps",
            _SPEED,
            "steps to 97% without BN over steps with BN, median of seeds",
            Rule("above", 1.0),
        ),
        Claim(
            "T2",
            "4.1",
            "A net with BN ends at a higher test accuracy",
            _SPEED,
            "mean accuracy over the last tenth of the steps, with BN minus without, median of seeds",
            Rule("above", 0.0),
        ),
        Claim(
            "T3",
            "4.1",
            "With BN the inputs of a sigmoid drift less over training",
            _DRIFT,
            "drift of the typical unit without BN over with BN, median of seeds",
            Rule("above", 1.0),
        ),
        Claim(
            "T4",
            "4.1",
            "The curve with BN, on which nothing was tuned, is the paper's",
            _SPEED,
            "mean distance in accuracy from the paper's curve, median of seeds",
            Rule("below", 0.01),
        ),
        Claim(
            "C1",
            "4.1",
            "Control: with shuffled labels both arms stay at chance",
            _SPEED,
            "final accuracy of the better arm minus the share of the largest class, median of seeds",
            Rule("below", 0.02),
        ),
        Claim(
            "C2",
            "4.1",
            "Control: with BN switched off both arms are the same to the bit",
            _SPEED,
            "largest difference of losses and accuracies between the arms over seeds",
            Rule("at most", 0.0),
        ),
    )
}


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
