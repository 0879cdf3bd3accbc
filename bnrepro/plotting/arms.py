"""One color and one name an arm in the whole project. Knows no figure."""

from collections.abc import Callable

from bnrepro.plotting.inks import GREY


class _Arms(dict):
    """By arm; `other` says what one of somebody's own is told by."""

    def __init__(self, known: dict[str, str], other: Callable[[str], str]):
        super().__init__(known)
        self._other = other

    def __missing__(self, arm: str) -> str:
        return self._other(arm)


COLORS = {
    "none": "#D55E00",
    "batch": "#0072B2",
    "paper": "#4D4D4D",
    "plain": GREY,
    # Figures 2 and 3: networks with the rates and the nonlinearity that their names say
    "baseline_x5": "#8F5A31",
    "baseline_changed": "#642800",
    "baseline_x5_changed": "#001464",
    "sigmoid": "#788CF0",
    "bn_x5": "#5A319A",
    "bn_x30": "#CB76A7",
    "bn_x5_sigmoid": "#009E73",
    # a mini-batch's statistics in other hands
    "renorm": "#00A0A0",
    "ghost": "#A00014",
    "noise": "#A08CB4",
    "population": "#8C3C78",
    "kept": "#0000DC",
    "kept_noise": "#A01450",
    "pooled": "#DC3C78",
    "moving_ddof0": "#B48C64",
    "test_batch": "#786414",
    # Dropout, and where it stands; L2 weight
    "none_dropout": "#003C64",
    "batch_dropout": "#788C64",
    "before": "#3C643C",
    "after": "#B478F0",
    "last": "#640064",
    "decay": "#503C14",
    "matched": "#50A050",
    "gamma_decay": "#8C7864",
    # what the layer is compared with
    "keras": "#DC7864",
    "mean_ignored": "#78A028",
}
COLORS |= {"baseline": COLORS["none"], "bn_baseline": COLORS["batch"], "moving": COLORS["batch"]}
COLORS = _Arms(COLORS | {"another": "#A07878"}, lambda arm: COLORS["another"])
"""One color an arm in the whole project, those that are met most after Okabe and Ito. The paper is grey.

No two arms share one: the Baseline is the arm without BN, BN-Baseline the arm with BN, and BN with moving averages is BN as it
always is. An arm of somebody's own has that of `another`. Whoever sees no red, no green or no blue tells any two apart that are
drawn together, and from `INK`: CIEDE2000 is 10 or more. `plain` is a net without what the others of its panel have.
"""

LABELS = {
    **{"none": "without BN", "batch": "with BN", "paper": "paper", "plain": "without any"},
    **{"population": "population statistics", "noise": "population statistics and noise"},
    **{"kept": "gradient kept", "kept_noise": "gradient kept, noise", "gamma_decay": "decay of gamma"},
    **{"none_dropout": "Dropout", "batch_dropout": "BN and Dropout"},
    **{"baseline": "Baseline", "baseline_x5": "Baseline x5", "sigmoid": "Sigmoid"},
    **{"baseline_changed": "Baseline changed", "baseline_x5_changed": "Baseline x5 changed"},
    **{"bn_baseline": "BN-Baseline", "bn_x5": "BN-x5", "bn_x30": "BN-x30", "bn_x5_sigmoid": "BN-x5-Sigmoid"},
    **{"renorm": "Batch Renormalization", "ghost": "ghost batches"},
    **{"moving": "moving averages", "moving_ddof0": "moving averages, biased", "pooled": "pooled variance"},
    **{"test_batch": "the test batch's own", "keras": "Keras", "mean_ignored": "mean ignored"},
    **{"before": "before each BN", "after": "after each nonlinearity", "last": "after the last BN"},
    **{"another": "another"},
    **{"decay": "weight decay", "matched": "matched rate"},
}
LABELS = _Arms(LABELS, lambda arm: arm)
"""The arms in words for people; data say `none`, `batch`."""
