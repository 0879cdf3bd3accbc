"""The claims on regularization by mini-batches, a function each. Draws nothing."""

import pandas as pd

from bnrepro.analysis.claims import Rule, claim
from bnrepro.analysis.findings import (
    Row,
    count_if_any,
    lost,
    median_if_any,
    median_of,
    single,
)
from bnrepro.analysis.select import where
from bnrepro.experiments.mini_batch_noise.tables import (
    ARM,
    DOSE_LEVEL,
    DOSE_LEVELS,
    DOSES,
    DROPPED,
    FEW,
    GAMMA,
    GHOSTS,
    KEPT,
    LEVEL,
    NOISE,
    OVER,
    SAME,
    SECOND,
    WHOLE,
    WITH_BN,
    WITHOUT,
    at_equal_loss,
    chosen,
    difference,
    doses,
    ended,
    of_arm,
    share,
)
from bnrepro.plotting.arms import LABELS
from bnrepro.records.schemas import Tables

_POINTS = "difference of shares"
_DROPOUT, _BOTH = ("none_dropout", 0), ("batch_dropout", OVER)
_NOT_BN = ("none", "none_dropout")

_APART_WORDS = {
    DROPPED: "population statistics, gradient dropped",
    KEPT: "population statistics, gradient kept",
    NOISE: f"population statistics, gradient kept, noise of {FEW}",
    GAMMA: f"BN over {WHOLE[1]} examples, decay of gamma",
}

_OWN = "each arm at the best of its learning rates on other seeds"
_BN = f"BN over {OVER} examples"


@claim(
    id="G1",
    kind="primary",
    section="3.4",
    sentence="On few examples, each at the best learning rate of its own, a dense net is more accurate with BN",
    statistic=f"test accuracy after training, {_BN} minus without BN, {_OWN}, median of seeds; a gain "
    "or a loss of 0.6 points or more is seen",
    unit=_POINTS,
    rule=Rule("above", 0.0),
)
def more_accurate(tables: Tables) -> list[Row]:
    runs = ended(tables)
    return [
        median_of(difference(runs, "accuracy", WITHOUT, WITH_BN)),
        *_others(runs, "accuracy", _POINTS),
        *_second(runs, ended(tables, SECOND), "accuracy", _POINTS),
        *_medians(runs, "accuracy", "accuracy", WITHOUT, *doses(runs)),
        *_settings(tables, WITHOUT, WITH_BN),
    ]


@claim(
    id="G2",
    kind="primary",
    section="3.4",
    sentence=f"On few examples, a dense net has a lower test loss where BN normalizes over {FEW} examples than over {OVER}",
    statistic=f"test loss after training, BN over {FEW} examples minus over {OVER}, {_OWN}, median of seeds; a "
    "difference of 0.1 nats or more is seen",
    unit="nats",
    rule=Rule("below", 0.0),
)
def smaller_batches_lower_loss(tables: Tables) -> list[Row]:
    runs = ended(tables)
    return [
        median_of(difference(runs, "loss", WITH_BN, GHOSTS)),
        *_medians(runs, "loss", "nats", WITHOUT, *doses(runs), what="test loss "),
        *_medians(runs, "fit_loss", "nats", WITHOUT, *doses(runs), what="training loss "),
        *median_if_any(difference(runs, "accuracy", WITH_BN, GHOSTS), _POINTS, "test accuracy, the same difference"),
        *_settings(tables, *doses(runs)),
    ]


@claim(
    id="G3",
    kind="primary",
    section="3.4",
    sentence="On few examples and at equal training loss, a dense net is more accurate on held-out examples with BN",
    statistic=f"accuracy on held-out examples where the training loss is first {LEVEL:g}, {_BN} minus without BN, {_OWN}, "
    "median of seeds; a gain or a loss of 0.6 points or more is seen",
    unit=_POINTS,
    rule=Rule("above", 0.0),
)
def more_accurate_at_equal_loss(tables: Tables) -> list[Row]:
    runs = at_equal_loss(tables)
    own = difference(runs, "accuracy", WITHOUT, WITH_BN)
    return [
        median_of(own.dropna()),
        *_left_out(own, LEVEL),
        *_others(runs, "accuracy", _POINTS),
        *_second(runs, at_equal_loss(tables, setting=SECOND), "accuracy", _POINTS),
        *_medians(runs, "accuracy", "accuracy", WITHOUT, *doses(runs)),
        *median_if_any(difference(runs, "loss", WITHOUT, WITH_BN), "nats", "held-out loss, the same difference"),
        *_second(runs, at_equal_loss(tables, setting=SECOND), "loss", "nats", "held-out loss, "),
        *_medians(runs, "loss", "nats", WITHOUT, *doses(runs), what="held-out loss "),
        *_before(runs, WITHOUT, WITH_BN),
    ]


@claim(
    id="G4",
    kind="secondary",
    section="3.4",
    sentence="On few examples, each at the best learning rate of its own, a dense net has a lower test loss with BN",
    statistic=f"test loss after training, {_BN} minus without BN, {_OWN}, median of seeds",
    unit="nats",
    rule=Rule("below", 0.0),
)
def lower_loss(tables: Tables) -> list[Row]:
    runs = ended(tables)
    return [
        median_of(difference(runs, "loss", WITHOUT, WITH_BN)),
        *_second(runs, ended(tables, SECOND), "loss", "nats"),
        *_others(runs, "loss", "nats"),
        *_settings(tables, WITHOUT, WITH_BN),
    ]


@claim(
    id="G5",
    kind="secondary",
    section="3.4",
    sentence="On few examples, a dense net with BN and without Dropout is no less accurate than one with Dropout and without BN",
    statistic=f"test accuracy after training, {_BN} without Dropout minus Dropout without BN, {_OWN}, median of seeds; half a "
    "point is allowed",
    unit=_POINTS,
    rule=Rule("above", -0.005),
)
def instead_of_dropout(tables: Tables) -> list[Row]:
    runs = ended(tables)
    return [
        median_of(difference(runs, "accuracy", _DROPOUT, WITH_BN)),
        *_medians(runs, "accuracy", "accuracy", WITHOUT, _DROPOUT, WITH_BN, _BOTH),
        *median_if_any(difference(runs, "accuracy", WITHOUT, _DROPOUT), _POINTS, "gain from Dropout without BN"),
        *median_if_any(difference(runs, "loss", _DROPOUT, WITH_BN), "nats", "test loss, the same difference"),
        *_settings(tables, _DROPOUT, _BOTH),
    ]


@claim(
    id="G6",
    kind="secondary",
    section="3.4",
    sentence="On few examples, a dense net gains less accuracy from Dropout with BN than without BN",
    statistic=f"gain in test accuracy from Dropout, with {_BN} minus without BN, {_OWN}, median of seeds",
    unit=_POINTS,
    rule=Rule("below", 0.0),
)
def dropout_gains_less(tables: Tables) -> list[Row]:
    runs = ended(tables)
    without, with_bn = (difference(runs, "accuracy", *arms) for arms in ((WITHOUT, _DROPOUT), (WITH_BN, _BOTH)))
    return [
        median_of((with_bn - without).dropna()),
        *median_if_any(without, _POINTS, "gain without BN"),
        *median_if_any(with_bn, _POINTS, "gain with BN"),
    ]


@claim(
    id="G7",
    kind="secondary",
    section="3.4",
    sentence="On few examples, Gaussian noise in population statistics, as large as that in the statistics of "
    f"{FEW} independent examples, with BN's gradient kept, gives more than half of what ghost batches of {FEW} take from a dense "
    "net's test loss",
    statistic="test loss after training, population statistics with noise minus without, over the difference between BN over "
    f"{FEW} examples and over {WHOLE[1]}, {_OWN}, median of seeds",
    unit="share",
    rule=Rule("above", 0.5),
)
def noise_alone(tables: Tables) -> list[Row]:
    return [*_shares(tables, KEPT, NOISE), *_apart(tables, WHOLE, GHOSTS, KEPT, NOISE)]


@claim(
    id="G8",
    kind="secondary",
    section="3.4",
    sentence="On few examples, a dense net that is normalized by population statistics, with BN's gradient kept, is as accurate "
    "as with BN over the mini-batch",
    statistic=f"test accuracy after training, population statistics with BN's gradient minus BN over {WHOLE[1]} examples, "
    f"{_OWN}, median of seeds; one point is allowed",
    unit=_POINTS,
    rule=Rule("around", 0.0, 0.01),
)
def as_accurate_by_population_statistics(tables: Tables) -> list[Row]:
    runs, same = ended(tables), ended(tables, SAME)
    return [
        median_of(difference(runs, "accuracy", WHOLE, KEPT)),
        *median_if_any(difference(same, "accuracy", WHOLE, KEPT), _POINTS, f"the same, {_SAME}"),
        *median_if_any(difference(runs, "accuracy", WHOLE, DROPPED), _POINTS, f"the same, {_words(DROPPED)}"),
        *median_if_any(difference(runs, "loss", WHOLE, KEPT), "nats", "test loss, the same difference"),
        *median_if_any(difference(same, "loss", WHOLE, KEPT), "nats", f"test loss, the same, {_SAME}"),
        *_apart(tables, WHOLE, KEPT, DROPPED),
    ]


@claim(
    id="G9",
    kind="secondary",
    section="3.4",
    sentence="On few examples, the decay of gamma with which it is most accurate takes from a dense net's test loss more than "
    f"half of what ghost batches of {FEW} do",
    statistic=f"test loss after training, BN over {WHOLE[1]} examples with decay of gamma minus without, over the difference "
    f"between BN over {FEW} examples and over {WHOLE[1]}, {_OWN}, median of seeds; the decay is chosen with the rate",
    unit="share",
    rule=Rule("above", 0.5),
)
def decay_of_gamma(tables: Tables) -> list[Row]:
    decays = set(where(chosen(tables), **dict(zip(ARM, GAMMA)), chosen=True)["weight_decay"])
    chose = [single("L2 weight of gamma, chosen with the rate", decay, "rate") for decay in decays]
    return [*_shares(tables, WHOLE, GAMMA), *chose, *_apart(tables, WHOLE, GHOSTS, GAMMA)]


@claim(
    id="G10",
    kind="secondary",
    section="3.4",
    sentence="On few examples and at equal training loss, a dense net has about the same held-out loss whether BN normalizes "
    f"over {FEW} examples or over {OVER}",
    statistic=f"loss on held-out examples where the training loss is first {DOSE_LEVEL:g}, BN over {FEW} examples minus over "
    f"{OVER}, {_OWN}, median of seeds; 0.05 nats are allowed, about a tenth of what lies between these nets after training",
    unit="nats",
    rule=Rule("around", 0.0, 0.05),
)
def as_low_a_loss_at_equal_training_loss(tables: Tables) -> list[Row]:
    runs = at_equal_loss(tables, DOSE_LEVEL, group=DOSES)
    own = difference(runs, "loss", WITH_BN, GHOSTS)
    one_rate = of_arm(runs, GHOSTS, "loss") - of_arm(at_equal_loss(tables, DOSE_LEVEL, SAME, DOSES), WITH_BN, "loss")
    others = {level: at_equal_loss(tables, level, group=DOSES) for level in DOSE_LEVELS if level != DOSE_LEVEL}
    return [
        median_of(own.dropna()),
        *_left_out(own, DOSE_LEVEL),
        *median_if_any(one_rate, "nats", f"the same, both at the rate of BN over {FEW} examples"),
        *(
            row
            for level, its in others.items()
            for row in median_if_any(
                difference(its, "loss", WITH_BN, GHOSTS), "nats", f"the same where the training loss is first {level:g}"
            )
        ),
        *median_if_any(
            difference(runs, "accuracy", WITH_BN, GHOSTS), _POINTS, "held-out accuracy, the same difference"
        ),
        *_medians(runs, "loss", "nats", *doses(runs), what="held-out loss "),
        *_medians(runs, "accuracy", "accuracy", *doses(runs), what="held-out accuracy "),
        *(_before(runs, WITH_BN, GHOSTS) if len(own) else []),
    ]


_SAME = f"all at the rate of BN over {WHOLE[1]} examples"


def _shares(tables: Tables, first: tuple[str, int], second: tuple[str, int]) -> list[Row]:
    """The share in the effect of the smallest ghost batches on the test loss, and what it costs or gives in accuracy."""
    runs, same = ended(tables), ended(tables, SAME)
    return [
        median_of(share(runs, "loss", first, second)),
        *median_if_any(share(same, "loss", first, second), "share", f"the same, {_SAME}"),
        *median_if_any(difference(runs, "loss", first, second), "nats", "difference in test loss"),
        *median_if_any(difference(runs, "loss", WHOLE, GHOSTS), "nats", f"with BN over {FEW} examples"),
        *median_if_any(difference(runs, "accuracy", first, second), _POINTS, "difference in test accuracy"),
        *median_if_any(difference(runs, "accuracy", WHOLE, GHOSTS), _POINTS, f"with BN over {FEW} examples"),
    ]


def _apart(tables: Tables, *arms: tuple[str, int]) -> list[Row]:
    """Test accuracy, test loss and training loss of some arms, and what they have chosen."""
    runs = ended(tables)
    return [
        *_medians(runs, "accuracy", "accuracy", *arms),
        *_medians(runs, "loss", "nats", *arms, what="test loss "),
        *_medians(runs, "fit_loss", "nats", *arms, what="training loss "),
        *_settings(tables, *arms),
    ]


def _left_out(differences: pd.Series, level: float) -> list[Row]:
    """How many seeds are left out at a training loss, if any are."""
    label = f"seeds left out, of which a run gets to {level:g} never or before its third evaluation"
    return count_if_any(label, int(differences.isna().sum()), len(differences), "seeds")


def _before(runs: pd.DataFrame, *arms: tuple[str, int]) -> list[Row]:
    """How many evaluations arms have before that training loss."""
    medians = [(arm, of_arm(runs, arm, "before").median()) for arm in arms]
    return [single(f"evaluations before it {_words(arm)}", count, "count") for arm, count in medians]


def _others(runs: pd.DataFrame, value: str, unit: str) -> list[Row]:
    """The difference from the net without BN for each other number of examples that BN normalizes over."""
    arms = [arm for arm in doses(runs) if arm != WITH_BN]
    return [
        row
        for arm in arms
        for row in median_if_any(difference(runs, value, WITHOUT, arm), unit, f"the same, {_words(arm)}")
    ]


def _second(runs: pd.DataFrame, second: pd.DataFrame, value: str, unit: str, what: str = "") -> list[Row]:
    """The difference from the net without BN at its second best rate, whose runs are `second`."""
    without = of_arm(second, WITHOUT, value)
    rate = second["learning_rate"].max()
    label = f"{what}the same, without BN at rate {rate:g}, its second best"
    return median_if_any(of_arm(runs, WITH_BN, value).reindex(without.index) - without, unit, label)


def _medians(runs: pd.DataFrame, value: str, unit: str, *arms: tuple[str, int], what: str = "") -> list[Row]:
    """The median of a column by arm."""
    return [row for arm in arms for row in median_if_any(of_arm(runs, arm, value), unit, f"{what}{_words(arm)}")]


def _settings(tables: Tables, *arms: tuple[str, int]) -> list[Row]:
    """The chosen rate by arm, and whether it is an end of those tried; how many runs diverged or collapsed."""
    choice, runs, rows = chosen(tables), ended(tables), []
    for arm in arms:
        own, name = where(choice, **dict(zip(ARM, arm)), chosen=True), _words(arm)
        if len(own):
            edge = ", at an end of those tried" if own["at_edge"].any() else ""
            rows.append(single(f"learning rate {name}{edge}", own["learning_rate"].iloc[0], "rate"))
            mine = where(runs, **dict(zip(ARM, arm)))
            rows += lost(mine, f"runs {name}")
    return rows


def _words(arm: tuple[str, int]) -> str:
    """As "without BN", "BN over 64 examples", "BN over 64 examples and Dropout"."""
    name, over = arm
    if arm in _APART_WORDS:
        return _APART_WORDS[arm]
    if name in _NOT_BN:
        return LABELS[name] if name == "none" else "Dropout without BN"
    return f"BN over {over} examples{' and Dropout' if name == 'batch_dropout' else ''}"
