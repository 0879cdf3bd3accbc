"""The claims on regularization, a function each, with the paper's own numbers; rows tell of the second setting. Draws nothing."""

import math
from itertools import product

import numpy as np
import pandas as pd

from bnrepro.analysis.claims import Rule, claim
from bnrepro.analysis.findings import (
    Row,
    count_if_any,
    counted,
    counted_if_any,
    diverged,
    median_of,
    median_ratio,
    single,
)
from bnrepro.analysis.select import groups_of
from bnrepro.config.group import Group
from bnrepro.experiments.regularization.tables import (
    LOSS,
    ONE,
    SETTINGS,
    SIX,
    UNCHANGED,
    few,
    gain,
    gap_difference,
    gaps,
    net,
    shuffling,
    smallest_seen,
    spreads,
    step_ratios,
)
from bnrepro.records.results import select
from bnrepro.records.schemas import Tables

SMALL, LARGE = 8, 256
"""The mini-batches whose spreads R2 compares."""

_POINTS = "difference of shares"
_CHANGE = "best validation accuracy of inception_small with BN, with the change minus without, median of seeds"
_ALLOWED = "; half a point is allowed"


@claim(
    id="R1",
    kind="secondary",
    section="3.4",
    sentence="A net with BN and without Dropout generalizes no worse than a net with Dropout and without BN",
    statistic=f"final test accuracy, BN without Dropout minus Dropout without BN, median of seeds{_ALLOWED}",
    unit=_POINTS,
    rule=Rule("above", -0.005),
)
def no_worse_without_dropout(tables: Tables) -> list[Row]:
    return _accuracy(tables, "dropout", bn_before=False, split="test")


@claim(
    id="R2",
    kind="secondary",
    section="3.4",
    sentence="With BN an example's output varies with its mini-batch while training, and less so in a larger "
    "mini-batch",
    statistic=f"spread of the logits over mini-batches of {SMALL} over that of {LARGE}, median of seeds",
    unit="times",
    rule=Rule("above", 1.0),
)
def varies_with_its_mates(tables: Tables) -> list[Row]:
    """A seed whose run diverged is undetermined: a tie in the median, anything in the interval."""
    runs, mates = select(tables, "mates").set_index("seed"), spreads(tables)
    training = mates[mates["mode"] == "training"].pivot(index="seed", columns="batch_size", values="spread")
    ratio = (training[SMALL] / training[LARGE] if len(training) else pd.Series(dtype=float)).reindex(runs.index)
    ratio = ratio.replace(np.inf, np.nan)  # no ratio either where a spread is 0
    pairs = pd.DataFrame({"ratio": ratio.fillna(1.0), "bound": np.where(ratio.isna(), "~", "")})
    largest = mates.loc[mates["mode"] == "inference", "spread"].max()
    return [
        median_ratio(pairs),
        *([single("largest spread at inference", largest, "relative spread")] if len(mates) else []),
        *counted_if_any("runs that diverged, whose seeds count as ties", ratio.isna()),
    ]


@claim(
    id="R3",
    kind="secondary",
    section="3.4",
    sentence="At equal training loss a net with BN generalizes better than the same net without BN",
    statistic=f"training minus held-out accuracy at training loss {LOSS:g}, without Dropout, with BN minus without, "
    "median of seeds",
    unit=_POINTS,
    rule=Rule("below", 0.0),
)
def smaller_gap_at_equal_loss(tables: Tables) -> list[Row]:
    return _gap(tables, ("none", "batch"))


@claim(
    id="R4",
    kind="secondary",
    section="4.2.1",
    sentence="With BN, an L2 weight 5 times smaller improves held-out accuracy",
    statistic=_CHANGE,
    unit=_POINTS,
    rule=Rule("above", 0.0),
)
def smaller_weight_decay(tables: Tables) -> list[Row]:
    return _accuracy(tables, "weight_decay")


@claim(
    id="R5",
    kind="secondary",
    section="4.2.1",
    sentence="Thorough shuffling of the training examples gains more accuracy with BN than without BN",
    statistic="gain in best validation accuracy over fixed mini-batches, with BN minus without, median of seeds",
    unit=_POINTS,
    rule=Rule("above", 0.0),
    paper=0.01,  # "about 1%", which is the gain with BN; the paper does not try it without
)
def thorough_shuffling(tables: Tables) -> list[Row]:
    gains = dict(iter(shuffling(tables).set_index("seed").groupby(["setting", "arm"])["gain"]))
    judged, other = (median_of(gains[setting, "difference"], _POINTS) for setting in SETTINGS)
    groups = [net(*keys, with_bn=one) for keys in product(SETTINGS, (UNCHANGED, "shuffling")) for one in (False, True)]
    return [
        judged,
        *_seen(judged),
        median_of(gains["conv", "batch"], _POINTS, "gain with BN"),
        median_of(gains["conv", "none"], _POINTS, "gain without BN"),
        median_of(gains["dense", "batch"], _POINTS, "dense net, gain with BN"),
        median_of(gains["dense", "none"], _POINTS, "dense net, gain without BN"),
        other._replace(label="dense net, difference"),
        *_seen(other, "dense net, "),
        *_diverged(tables, groups),
    ]


@claim(
    id="R6a",
    kind="secondary",
    section="4.2.1",
    sentence="With BN, Inception trains faster at five times the learning rate",
    statistic="steps to the best accuracy of BN-Baseline, without the higher rate over with it, median of seeds",
    unit="times",
    rule=Rule("above", 1.0),
)
def higher_rate(tables: Tables) -> list[Row]:
    """The accuracy is the best that the same seed has at the lower rate."""
    judged, other = (step_ratios(tables, net(setting), net(setting, "rate")) for setting in SETTINGS)
    ratio = median_ratio(judged)
    there = counted("runs at the higher rate that reach that accuracy", ~judged["bound"].isin(["<", "~"]))
    label = "smallest factor that would have been seen"
    holds_one = 0 < ratio.ci_low <= 1 <= ratio.ci_high < math.inf
    seen = [single(label, math.sqrt(ratio.ci_high / ratio.ci_low), "times")] if holds_one else []
    return [ratio, there, *seen, median_ratio(other, "dense net")]


@claim(
    id="R6b",
    kind="secondary",
    section="4.2.1",
    sentence="Removing Dropout does not make a net with BN overfit",
    statistic=_CHANGE + _ALLOWED,
    unit=_POINTS,
    rule=Rule("above", -0.005),
)
def no_dropout(tables: Tables) -> list[Row]:
    return _accuracy(tables, "dropout")


@claim(
    id="R6c",
    kind="secondary",
    section="4.2.1",
    sentence="Decaying the learning rate 6 times faster costs a net with BN no accuracy",
    statistic=_CHANGE + _ALLOWED,
    unit=_POINTS,
    rule=Rule("above", -0.005),
)
def faster_decay(tables: Tables) -> list[Row]:
    return _accuracy(tables, "decay")


@claim(
    id="R6d",
    kind="secondary",
    section="4.2.1",
    sentence="With BN, Local Response Normalization is not needed",
    statistic=_CHANGE + _ALLOWED,
    unit=_POINTS,
    rule=Rule("above", -0.005),
)
def no_local_response_normalization(tables: Tables) -> list[Row]:
    """The dense net has none."""
    return _accuracy(tables, "lrn")


@claim(
    id="R6e",
    kind="secondary",
    section="4.2.1",
    sentence="Less photometric distortion of the training images improves the accuracy of a net with BN",
    statistic=_CHANGE,
    unit=_POINTS,
    rule=Rule("above", 0.0),
)
def less_distortion(tables: Tables) -> list[Row]:
    return _accuracy(tables, "distortion")


@claim(
    id="R7",
    kind="secondary",
    section="4.2.3",
    sentence="An ensemble of six varied Inception nets with BN errs less than its members",
    statistic="test error of six BN-x30 nets averaged minus the mean error of one, median of seeds",
    unit=_POINTS,
    rule=Rule("below", 0.0),
    paper=float(SIX - ONE),
)
def ensemble(tables: Tables) -> list[Row]:
    errors = tables["ensembles"].pivot(index="seed", columns="members", values="error")
    one, six = (errors[members] for members in (errors.columns.min(), errors.columns.max()))
    return [
        median_of(six - one),
        median_of(one, "error", "error of one alone"),
        median_of(six, "error", "error averaged"),
        *diverged(select(tables, "ensemble")),
    ]


@claim(
    id="R8",
    kind="secondary",
    section="3.4",
    sentence="The noise of a mini-batch's statistics itself narrows the gap between training and held-out accuracy",
    statistic=f"training minus held-out accuracy at training loss {LOSS:g}, population statistics with noise in "
    "place of a mini-batch's minus population statistics without noise, median of seeds",
    unit=_POINTS,
    rule=Rule("below", 0.0),
)
def smaller_gap_with_noise(tables: Tables) -> list[Row]:
    return _gap(tables, ("population", "noise"))


def _accuracy(tables: Tables, change: str, *, bn_before: bool = True, split: str = "") -> list[Row]:
    """What BN with a change gains over the net without the change in the first setting; then in the second, if it is there."""
    pairs = [(net(setting, with_bn=bn_before), net(setting, change)) for setting in SETTINGS]
    pairs = [pair for pair in pairs if {*pair} <= {*groups_of(tables)}]
    judged, *others = (median_of(gain(tables, *pair, split), _POINTS) for pair in pairs)
    second = [row for found in others for row in (found._replace(label="dense net"), *_seen(found, "dense net, "))]
    return [
        judged,
        *_seen(judged),
        *second,
        *_diverged(tables, [group for pair in pairs for group in pair]),
    ]


def _diverged(tables: Tables, groups: list[Group]) -> list[Row]:
    """How many runs of some groups diverged, if any did."""
    return diverged(pd.concat([select(tables, one.group, arm=one.arm, setting=one.setting) for one in groups]))


def _gap(tables: Tables, arms: tuple[str, str]) -> list[Row]:
    """The second arm's gap minus the first's at equal training loss; then the same after equal steps."""
    runs = few(gaps(tables))
    judged, missing = _median_difference(runs, "equal", arms)
    last, lost = _median_difference(runs, "last", arms)
    never = f"seeds left out, of which a run never gets to a training loss of {LOSS:g}"
    return [
        judged,
        *count_if_any(never, missing, judged.n + missing, "seeds"),
        *_seen(judged),
        *([last._replace(label="after the last step")] if last.n else []),
        *count_if_any("seeds left out there, of which a run diverged", lost, last.n + lost, "seeds"),
    ]


def _median_difference(runs: pd.DataFrame, value: str, arms: tuple[str, str]) -> tuple[Row, int]:
    """The median of the second arm's gap minus the first's, and how many seeds have none."""
    difference = gap_difference(runs, value, arms)
    return median_of(difference.dropna(), _POINTS), int(difference.isna().sum())


def _seen(found: Row, where: str = "") -> list[Row]:
    """The smallest effect that would have been seen, where the interval holds none; else nothing."""
    label = f"{where}smallest effect that would have been seen"
    return [single(label, smallest_seen(found), _POINTS)] if found.ci_low <= 0 <= found.ci_high else []
