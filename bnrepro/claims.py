"""Every claim, its statistic and the rule of its verdict, written down before the runs. Knows no table but what it judges."""

import math
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


_LAYER, _SPEED, _DRIFT = "00_the_layer", "01_training_speed", "02_activation_drift"
_RATES, _REGULARIZATION = "03_learning_rates", "04_regularization"
_INITIALIZATION, _BATCH_SIZE = "05_initialization", "06_batch_size"
_INFERENCE, _DROPOUT = "07_inference_statistics", "08_dropout_and_weight_decay"

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
            "L1",
            "4.2.2",
            "BN alone reaches the Baseline's best accuracy in fewer steps, at the same rate",
            _RATES,
            "steps to the Baseline's best validation accuracy, Baseline over BN-Baseline, median of seeds",
            Rule("above", 1.0),
        ),
        Claim(
            "L2",
            "4.2.2",
            "With five times the rate and the changes of 4.2.1 it takes fewer steps still",
            _RATES,
            "steps to the Baseline's best validation accuracy, BN-Baseline over BN-x5, median of seeds",
            Rule("above", 1.0),
        ),
        Claim(
            "L3",
            "4.2.2",
            "BN-x30 ends at least as high as BN-x5",
            _RATES,
            "best validation accuracy, BN-x30 minus BN-x5, median of seeds; a fifth of a point is allowed",
            Rule("above", -0.002),
        ),
        Claim(
            "L4",
            "4.2.2",
            "Without BN a net at 5 or 30 times the rate diverges or stays behind",
            _RATES,
            "final validation accuracy, the better of Baseline x5 and x30 minus the Baseline, median of seeds",
            Rule("below", 0.0),
        ),
        Claim(
            "L5a",
            "4.2.2",
            "With sigmoids and without BN the net stays at chance",
            _RATES,
            "final validation accuracy minus chance, median of seeds",
            Rule("below", 0.02),
        ),
        Claim(
            "L5b",
            "4.2.2",
            "With sigmoids and BN it trains",
            _RATES,
            "final validation accuracy, BN-x5-Sigmoid minus the same without BN, median of seeds",
            Rule("above", 0.2),
        ),
        Claim(
            "L6",
            "3.3",
            "The largest rate that trains is at least 5 times higher with BN",
            _RATES,
            "largest rate of the grid that ends above 50% accuracy, with BN over without, median of seeds",
            Rule("above", 5.0),
        ),
        Claim(
            "L7",
            "3.3",
            "With each arm at its own best rate BN needs fewer steps",
            _RATES,
            "steps to the best accuracy without BN, each arm at its best rate of the grid, without BN over with, median",
            Rule("above", 1.0),
        ),
        Claim(
            "L8",
            "3.3",
            "In the trained net, scaling the weights by a changes outputs and gradients only as epsilon / a^2 does",
            _RATES,
            "largest relative error of logits and weight gradients over the layers and a from 1/8 to 64, largest of the seeds",
            Rule("below", 1e-3),
        ),
        Claim(
            "L9",
            "3.3",
            "With BN the singular values of layer Jacobians lie closer to 1",
            _RATES,
            "mean distance from 0 of their logarithm (base 10) in the trained nets, BN-Baseline minus Baseline, median of seeds",
            Rule("below", 0.0),
        ),
        Claim(
            "R1",
            "3.4",
            "Without Dropout, BN generalizes no worse than the Baseline with Dropout",
            _REGULARIZATION,
            "final test accuracy, BN without Dropout minus Dropout without BN, median of seeds; half a point is allowed",
            Rule("above", -0.005),
        ),
        Claim(
            "R2",
            "3.4",
            "With BN an example's output varies with its mini-batch, less so as it grows",
            _REGULARIZATION,
            "spread of the logits over mini-batches of 8 over that of 256, median of seeds",
            Rule("above", 1.0),
        ),
        Claim(
            "R3",
            "3.4",
            "At equal training loss BN generalizes better",
            _REGULARIZATION,
            "training minus held-out accuracy at training loss 0.3, with BN minus without, median of seeds",
            Rule("below", 0.0),
        ),
        Claim(
            "R4",
            "4.2.1",
            "With BN an L2 weight 5 times smaller improves held-out accuracy",
            _REGULARIZATION,
            "best validation accuracy, with the change minus BN-Baseline, median of seeds",
            Rule("above", 0.0),
        ),
        Claim(
            "R5",
            "4.2.1",
            "Thorough shuffling helps with BN more than without",
            _REGULARIZATION,
            "gain in best validation accuracy over fixed mini-batches, with BN minus without, median of seeds",
            Rule("above", 0.0),
        ),
        Claim(
            "R6a",
            "4.2.1",
            "Five times the rate trains faster",
            _REGULARIZATION,
            "steps to the best accuracy of BN-Baseline, without the change over with it, median of seeds",
            Rule("above", 1.0),
        ),
        Claim(
            "R6b",
            "4.2.1",
            "Removing Dropout does not make BN overfit",
            _REGULARIZATION,
            "best validation accuracy, with the change minus BN-Baseline, median of seeds; half a point is allowed",
            Rule("above", -0.005),
        ),
        Claim(
            "R6c",
            "4.2.1",
            "Decaying the rate 6 times faster costs no accuracy",
            _REGULARIZATION,
            "best validation accuracy, with the change minus BN-Baseline, median of seeds; half a point is allowed",
            Rule("above", -0.005),
        ),
        Claim(
            "R6d",
            "4.2.1",
            "With BN Local Response Normalization is not needed",
            _REGULARIZATION,
            "best validation accuracy, with the change minus BN-Baseline, median of seeds; half a point is allowed",
            Rule("above", -0.005),
        ),
        Claim(
            "R6e",
            "4.2.1",
            "Less photometric distortion improves accuracy",
            _REGULARIZATION,
            "best validation accuracy, with the change minus BN-Baseline, median of seeds",
            Rule("above", 0.0),
        ),
        Claim(
            "R7",
            "4.2.3",
            "An ensemble of six varied BN-x30 nets errs less than its members",
            _REGULARIZATION,
            "test error of six nets averaged minus the mean error of one, median of seeds",
            Rule("below", 0.0),
        ),
        Claim(
            "R8",
            "3.4",
            "The noise of a mini-batch's statistics itself narrows the gap",
            _REGULARIZATION,
            "training minus held-out accuracy at training loss 0.3, population statistics with noise minus without, median",
            Rule("below", 0.0),
        ),
        Claim(
            "I1",
            "1",
            "More of the map of initial std and rate trains with BN",
            _INITIALIZATION,
            "share of the map whose runs end above 50% accuracy, sigmoid net of 4.1, with BN over without, median of seeds",
            Rule("above", 1.0),
        ),
        Claim(
            "I2",
            "1",
            "With BN the final accuracy depends less on the initial std",
            _INITIALIZATION,
            "standard deviation of the final accuracy over the initial stds, each arm at its best rate, sigmoid net of 4.1, with "
            "BN minus without, median of seeds",
            Rule("below", 0.0),
        ),
        Claim(
            "I3",
            "1",
            "Deeper nets train with BN",
            _INITIALIZATION,
            "largest number of hidden layers that ends above 50% accuracy at any rate, sigmoid nets, with BN over without",
            Rule("above", 1.0),
        ),
        Claim(
            "B1a",
            "3",
            "With BN accuracy falls as the mini-batch shrinks to 2",
            _BATCH_SIZE,
            "final test accuracy at m = 2 minus at m = 128, as many examples seen, each at its best rate, median of seeds",
            Rule("below", -0.01),
        ),
        Claim(
            "B1b",
            "3",
            "Without BN it does not",
            _BATCH_SIZE,
            "the same without BN; a point is allowed",
            Rule("above", -0.01),
        ),
        Claim(
            "B2a",
            "3",
            "The error of a mini-batch's mean falls as 1/sqrt(m)",
            _BATCH_SIZE,
            "slope of the logarithm of the error over that of m, m from 2 to 1,024, all hidden layers, median of seeds",
            Rule("around", -0.5, 0.05),
        ),
        Claim(
            "B2b",
            "3",
            "The error of its variance falls as 1/sqrt(m)",
            _BATCH_SIZE,
            "the same of the unbiased variance",
            Rule("around", -0.5, 0.05),
        ),
        Claim(
            "B3",
            "3",
            "Ghost batches of 8 make BN at m = 256 more like BN at m = 8",
            _BATCH_SIZE,
            "distance from m = 8 of the gap between inference and training mode, ghost batches minus m = 256, median of seeds",
            Rule("below", 0.0),
        ),
        Claim(
            "B4a",
            "3",
            "A larger mini-batch costs less time an example",
            _BATCH_SIZE,
            "training seconds an example at the smallest m over the largest, dense net with BN, median of seeds",
            Rule("above", 1.0),
        ),
        Claim(
            "B4b",
            "3",
            "A larger mini-batch needs more memory",
            _BATCH_SIZE,
            "peak memory in MiB of a process that trains inception_small with BN, largest m minus smallest, median of seeds",
            Rule("above", 0.0),
        ),
        Claim(
            "P1",
            "3.1",
            "The gap between training mode and inference grows as the mini-batch shrinks",
            _INFERENCE,
            "accuracy in training mode against inference, mean absolute difference over the smaller half of the m minus over the "
            "larger half, median of seeds",
            Rule("above", 0.0),
        ),
        Claim(
            "P2a",
            "3.1",
            "Late in training population statistics are at least as accurate as moving averages",
            _INFERENCE,
            "accuracy after the last step, population minus moving, mean over m, median of seeds; a fifth of a point is allowed",
            Rule("above", -0.002),
        ),
        Claim(
            "P2b",
            "3.1",
            "Early in training population statistics are better",
            _INFERENCE,
            "accuracy at the first evaluation, population minus moving, mean over m, median of seeds",
            Rule("above", 0.0),
        ),
        Claim(
            "P2c",
            "3.1",
            "With small mini-batches population statistics are better",
            _INFERENCE,
            "accuracy after the last step, population minus moving, mean over m of 8 or less, median of seeds",
            Rule("above", 0.0),
        ),
        Claim(
            "P3a",
            "3.1",
            "With m/(m-1) the variance in use is the population's",
            _INFERENCE,
            "variance of Algorithm 2 over that of all training examples, first hidden layer, mean over m, median of seeds",
            Rule("around", 1.0, 0.05),
        ),
        Claim(
            "P3b",
            "3.1",
            "Without it the variance is (m-1)/m of the population's",
            _INFERENCE,
            "the same with ddof 0, over (m-1)/m",
            Rule("around", 1.0, 0.05),
        ),
        Claim(
            "P4",
            "3.1",
            "With the test batch's own statistics an answer depends on the batch's other members",
            _INFERENCE,
            "share of test examples whose class changes with their mini-batch, test-batch minus moving statistics, mean over m, "
            "median of seeds",
            Rule("above", 0.01),
        ),
        Claim(
            "D1a",
            "3.4",
            "Dropout before BN shifts the variance between training and inference",
            _DROPOUT,
            "distance from 1 of a BN's input variance at inference over its running variance, mean of the layers, Dropout of 50% "
            "before each BN, median of seeds",
            Rule("above", 0.1),
        ),
        Claim(
            "D1b",
            "3.4",
            "Dropout after the last BN does not",
            _DROPOUT,
            "the same with Dropout of 50% after the last BN alone",
            Rule("below", 0.1),
        ),
        Claim(
            "D2",
            "3.4",
            "Statistics recomputed without Dropout recover accuracy",
            _DROPOUT,
            "test accuracy with Dropout of 50% before each BN, recomputed minus running statistics, median of seeds",
            Rule("above", 0.0),
        ),
        Claim(
            "D3",
            "4.2.1",
            "With BN weight decay acts through the effective rate: matching that reproduces its effect",
            _DROPOUT,
            "share of the change in validation loss over training by L2 weight 0.003 that the matched rate reproduces, median",
            Rule("above", 0.5),
        ),
        Claim(
            "D4",
            "4.2.1",
            "Without BN it does not",
            _DROPOUT,
            "the same without BN",
            Rule("below", 0.5),
        ),
        Claim(
            "D5",
            "4.2.1",
            "With BN the matched rate reproduces what decay does to the training accuracy",
            _DROPOUT,
            "as D3, of the training accuracy between evaluations; declared after D3's runs, judged on seeds that were fresh then",
            Rule("above", 0.5),
        ),
        Claim(
            "D6",
            "4.2.1",
            "Without BN it does not",
            _DROPOUT,
            "as D5 without BN",
            Rule("below", 0.5),
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
