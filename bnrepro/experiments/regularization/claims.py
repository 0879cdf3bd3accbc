"""The claims on regularization, a function each, with the paper's own numbers. Draws nothing."""

import math

import numpy as np
import pandas as pd

from bnrepro.analysis.claims import Rule, claim
from bnrepro.analysis.findings import Row, counted_if_any, diverged, median_of, median_ratio, single
from bnrepro.analysis.select import config_of
from bnrepro.experiments.regularization.tables import (
    ALIKE,
    PAPERS_SHARE,
    UNCHANGED,
    VARIED,
    beyond,
    gain,
    gains,
    net,
    relative_reductions,
    spreads,
    steps_to_decay,
)
from bnrepro.experiments.setups import ARMS
from bnrepro.plotting.arms import LABELS
from bnrepro.records.results import select
from bnrepro.records.schemas import Tables

SMALL, LARGE = 8, 256
"""The mini-batches whose spreads R2 compares."""

_POINTS = "difference of shares"
_DENSE = dict(kind="secondary", section="4.2.1", unit=_POINTS)
_WITH_BN = "test accuracy of a dense net with BN after training, with the change minus without it, median of seeds; "
_SEEN = "a gain or a loss of 0.6 points or more is seen"
_IMPROVES = dict(statistic=_WITH_BN + _SEEN, rule=Rule("above", 0.0), **_DENSE)
_COSTS_NOTHING = dict(statistic=f"{_WITH_BN}half a point is allowed; {_SEEN}", rule=Rule("above", -0.005), **_DENSE)
_MORE = "gains a dense net more accuracy with BN than without BN, or costs it less"
_GAINS_MORE = dict(
    statistic="what the change does to the test accuracy of a dense net after training, with BN minus without BN, median of "
    "seeds; a difference of 1.1 points or more is seen, half a point is not",
    rule=Rule("above", 0.0),
    **_DENSE,
)
_LOSS = dict(kind="secondary", section="4.2.1", unit="nats")
_SMALL_LOSS = "a difference of 0.03 nats or more is seen"
_LOSS_BEYOND = f"test loss of a dense net after training, with BN minus without BN, median of seeds; {_SMALL_LOSS}"


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


@claim(id="R9a", sentence="With BN, five times the learning rate costs a dense net no accuracy", **_COSTS_NOTHING)
def higher_rate(tables: Tables) -> list[Row]:
    return _change(tables, "rate")


@claim(id="R9b", sentence="Removing Dropout costs a dense net with BN no accuracy", **_COSTS_NOTHING)
def no_dropout(tables: Tables) -> list[Row]:
    return _change(tables, "dropout")


@claim(id="R9c", sentence="With BN, an L2 weight 5 times smaller improves the accuracy of a dense net", **_IMPROVES)
def smaller_weight_decay(tables: Tables) -> list[Row]:
    return [*_change(tables, "weight_decay"), *_steps_to_decay(tables)]


@claim(
    id="R9d",
    sentence="Decaying the learning rate 6 times faster costs a dense net with BN no accuracy",
    **_COSTS_NOTHING,
)
def faster_decay(tables: Tables) -> list[Row]:
    return _change(tables, "decay")


@claim(
    id="R9e",
    sentence="Thorough shuffling of the training examples improves the accuracy of a dense net with BN",
    **_IMPROVES,
    paper=0.01,
)
def thorough_shuffling(tables: Tables) -> list[Row]:
    return _change(tables, "shuffling")


@claim(
    id="R9f",
    sentence="Less photometric distortion of the training images improves the accuracy of a dense net with BN",
    **_IMPROVES,
)
def less_distortion(tables: Tables) -> list[Row]:
    return _change(tables, "distortion")


@claim(id="R10a", sentence=f"Five times the learning rate {_MORE}", **_GAINS_MORE)
def higher_rate_with_bn(tables: Tables) -> list[Row]:
    return _beyond(tables, "rate")


@claim(id="R10b", sentence=f"Removing Dropout {_MORE}", **_GAINS_MORE)
def no_dropout_with_bn(tables: Tables) -> list[Row]:
    return _beyond(tables, "dropout")


@claim(id="R10c", sentence=f"An L2 weight 5 times smaller {_MORE}", **_GAINS_MORE)
def smaller_weight_decay_with_bn(tables: Tables) -> list[Row]:
    return _beyond(tables, "weight_decay")


@claim(id="R10d", sentence=f"Decaying the learning rate 6 times faster {_MORE}", **_GAINS_MORE)
def faster_decay_with_bn(tables: Tables) -> list[Row]:
    return _beyond(tables, "decay")


@claim(id="R10e", sentence=f"Thorough shuffling of the training examples {_MORE}", **_GAINS_MORE)
def thorough_shuffling_with_bn(tables: Tables) -> list[Row]:
    return _beyond(tables, "shuffling")


@claim(id="R10f", sentence=f"Less photometric distortion of the training images {_MORE}", **_GAINS_MORE)
def less_distortion_with_bn(tables: Tables) -> list[Row]:
    return _beyond(tables, "distortion")


@claim(
    id="R11",
    sentence="Removing Dropout does not raise the test loss of a dense net with BN",
    statistic=f"test loss of a dense net with BN after training, without Dropout minus with it, median of seeds; {_SMALL_LOSS}",
    rule=Rule("at most", 0.0),
    **_LOSS,
)
def no_dropout_no_higher_loss(tables: Tables) -> list[Row]:
    return [
        median_of(gain(tables, "dropout", "batch", "loss")),
        median_of(gain(tables, "dropout", "none", "loss"), "nats", "without BN"),
    ]


@claim(
    id="R12",
    sentence="Removing Dropout raises the test loss of a dense net less with BN than without BN",
    statistic=f"what removing Dropout does to the {_LOSS_BEYOND}",
    rule=Rule("below", 0.0),
    **_LOSS,
)
def no_dropout_raises_loss_less(tables: Tables) -> list[Row]:
    return [median_of(beyond(tables, "dropout", "loss"))]


@claim(
    id="R13",
    sentence="Thorough shuffling of the training examples lowers the test loss of a dense net more with BN than without BN",
    statistic=f"what thorough shuffling does to the {_LOSS_BEYOND}",
    rule=Rule("below", 0.0),
    **_LOSS,
)
def thorough_shuffling_lowers_loss(tables: Tables) -> list[Row]:
    return [
        median_of(beyond(tables, "shuffling", "loss")),
        *(median_of(gain(tables, "shuffling", arm, "loss"), "nats", LABELS[arm]) for arm in ARMS),
    ]


@claim(
    id="R14",
    kind="secondary",
    section="4.2.3",
    sentence="Averaging six varied dense nets with BN, trained on the same examples, removes at least as large a share of the "
    "error as in the paper",
    statistic="test error that averaging six nets removes, over the mean error of one, median of sixes of nets; the paper's is "
    "of the top-1 error over 144 crops",
    unit="share",
    rule=Rule("above", PAPERS_SHARE),
    paper=PAPERS_SHARE,
)
def ensemble(tables: Tables) -> list[Row]:
    errors = tables["ensembles"].query("setting == @VARIED").pivot(index="seed", columns="members", values="error")
    removed = relative_reductions(tables)
    return [
        median_of(removed[VARIED]),
        median_of(removed[ALIKE], "share", "of nets that differ in their seed alone"),
        *(
            median_of(errors[count], "error", f"error of {count}")
            for count in (errors.columns.min(), errors.columns.max())
        ),
        *diverged(select(tables, "ensemble")),
    ]


@claim(
    id="R15",
    kind="secondary",
    section="4.2.3",
    sentence="Averaging six dense nets with BN, trained on the same examples, removes more of the error where they are varied as "
    "in the paper than where they differ in their seed alone",
    statistic="share of the error of one that averaging six nets removes, varied nets minus others, median of pairs of sixes",
    unit=_POINTS,
    rule=Rule("above", 0.0),
)
def varied_ensemble(tables: Tables) -> list[Row]:
    removed = relative_reductions(tables)
    found = median_of(removed[VARIED] - removed[ALIKE])
    return [found, *_seen(found)]


def _change(tables: Tables, change: str) -> list[Row]:
    """What a change does to the accuracy with BN; then without BN, to the loss, and how much nets still learn at the end."""
    late = gains(tables).query("change == @change").dropna().groupby("arm")["late"].median()
    judged = median_of(gain(tables, change, "batch"))
    return [
        judged,
        *_seen(judged),
        median_of(gain(tables, change, "none"), _POINTS, LABELS["none"]),
        *(median_of(gain(tables, change, arm, "loss"), "nats", f"test loss {LABELS[arm]}") for arm in ARMS),
        *(single(f"gained in the last quarter {LABELS[arm]}", late[arm], _POINTS) for arm in ARMS if arm in late),
        *_lost(tables, *(net(name, arm) for arm in ARMS for name in (UNCHANGED, change))),
    ]


def _beyond(tables: Tables, change: str) -> list[Row]:
    judged = median_of(beyond(tables, change))
    return [judged, *_seen(judged), median_of(beyond(tables, change, "loss"), "nats", "test loss, the same difference")]


def _steps_to_decay(tables: Tables) -> list[Row]:
    """In which L2 shrinks a kernel to 1/e, unchanged; none where that takes longer than the run."""
    steps = steps_to_decay(config_of(select(tables, *net()[:1], arm=UNCHANGED)))
    return (
        [single("steps in which L2 alone shrinks a kernel to 1/e, unchanged", steps, "count")]
        if steps < math.inf
        else []
    )


def _lost(tables: Tables, *groups) -> list[Row]:
    """How many runs of some groups diverged or learned nothing, if any did."""
    runs = pd.concat([select(tables, one.group, arm=one.arm, setting=one.setting) for one in groups])
    return [*diverged(runs), *counted_if_any("runs that learned nothing", runs["status"] == "collapsed")]


def _seen(found: Row) -> list[Row]:
    """The smallest effect that would have been seen, half the interval's width, where the interval holds none; else nothing."""
    width = (found.ci_high - found.ci_low) / 2
    label = "smallest effect that would have been seen"
    return [single(label, width, _POINTS)] if found.ci_low <= 0 <= found.ci_high else []
