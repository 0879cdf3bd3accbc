"""One color and one name an arm in the whole project. Knows no figure."""

from bnrepro.plotting.style import GREY

COLORS = {
    **{"none": "#D55E00", "batch": "#0072B2", "off": "#009E73", "paper": "#4D4D4D"},
    **{"population": "#009E73", "noise": "#CB76A7", "none_dropout": "#8F5A31", "batch_dropout": "#5A319A"},
    **{"baseline": "#D55E00", "baseline_x5": "#8F5A31", "baseline_x30": "#6B2E00", "sigmoid": GREY},
    **{"bn_baseline": "#0072B2", "bn_x5": "#5A319A", "bn_x30": "#CB76A7", "bn_x5_sigmoid": "#009E73"},
    **{"renorm": "#009E73", "ghost": "#5A319A"},
    **{"moving": "#0072B2", "moving_ddof0": "#5A319A", "pooled": "#8F5A31", "test_batch": "#CB76A7"},
    **{"before": "#CB76A7", "after": "#8F5A31", "last": "#009E73", "no_dropout": "#009E73"},
    **{"decay": "#5A319A", "matched": "#009E73"},
}
"""One color an arm in the whole project, mostly Okabe and Ito's. The paper is grey.

Whoever sees no red, no green or no blue tells any two of them apart, and from `INK` and `GREY`: CIEDE2000 is 10 or more.
Arms that never meet in a figure may share one; the Baseline is the arm without BN, BN-Baseline the arm with BN.
"""

LABELS = {
    **{"none": "without BN", "batch": "with BN", "off": "BN switched off", "paper": "paper"},
    **{"population": "population statistics", "noise": "population statistics and noise"},
    **{"none_dropout": "Dropout", "batch_dropout": "BN and Dropout"},
    **{"baseline": "Baseline", "baseline_x5": "Baseline x5", "baseline_x30": "Baseline x30", "sigmoid": "Sigmoid"},
    **{"bn_baseline": "BN-Baseline", "bn_x5": "BN-x5", "bn_x30": "BN-x30", "bn_x5_sigmoid": "BN-x5-Sigmoid"},
    **{"renorm": "Batch Renormalization", "ghost": "ghost batches"},
    **{"moving": "moving averages", "moving_ddof0": "moving averages, biased", "pooled": "pooled variance"},
    **{"test_batch": "the test batch's own", "no_dropout": "recomputed without Dropout"},
    **{"before": "before each BN", "after": "after each nonlinearity", "last": "after the last BN"},
    **{"decay": "weight decay", "matched": "matched rate"},
}
"""The arms in words for people; data say `none`, `batch`, `off`."""
