"""The claims on Dropout and weight decay, a function each; rows tell of other places, rates, weights. Draws nothing."""

import pandas as pd

from bnrepro.analysis.claims import Rule, claim
from bnrepro.analysis.findings import (
    Row,
    counted_if_any,
    diverged,
    lost,
    median_bounded,
    median_if_any,
    median_of,
    single,
)
from bnrepro.analysis.select import where
from bnrepro.experiments.dropout_and_weight_decay.tables import (
    DECAY,
    DROPOUT,
    LOSS_DECAY,
    NET,
    PLACES,
    STATISTICS,
    STRONG,
    WEAK,
    WHY,
    beyond,
    beyond_at_each_rate,
    by_statistics,
    changes,
    chosen,
    ended,
    gain,
    growth,
    of_net,
    shares,
    shifted,
    shifts,
)
from bnrepro.plotting.arms import LABELS
from bnrepro.records.results import select
from bnrepro.records.schemas import Tables

_RESULT = {
    "moving": "with running averages",
    "population": "with the statistics of Algorithm 2, Dropout active",
    "no_dropout": "recomputed without Dropout",
}
_LOST = {
    "matched": "seeds whose run at the matched rate diverged, which count as 0",
    "other": "seeds of which a run with or without decay diverged, which count as 0",
    "nothing": "seeds in which decay changed nothing, which count as 0",
}
_COMPARED = {"plain": "without decay", "decay": "with decay", "matched": "at the matched rate"}
_SHIFT = "distance from 1 of a BN's input variance at inference over its running variance, mean of the layers, "
_SHARE = (
    "share of the change in {} over training by L2 weight {:g} that the matched rate reproduces, {}, median of seeds"
)
_LOSS = (
    f"share of the change in the mean validation loss over the second half of training by L2 weight {LOSS_DECAY:g} that the "
    "matched rate reproduces, {}, median of seeds; a share that lies 0.3 from half is seen"
)
_POINTS = "difference of shares"
_FEW = "On few examples, Dropout of 40% before the softmax"
_FEW_WEAK = f"On few examples, Dropout of {WEAK:.0%} before the softmax"
_ENDED = (
    "of the convolutional net after training, each at the best learning rate of its own on other seeds, median of seeds"
)
_LATER = "declared after the runs on the validation loss and judged on seeds that were fresh then"


@claim(
    id="D1a",
    kind="secondary",
    section="3.4",
    sentence="Dropout before BN shifts the variance of BN's inputs between training and inference",
    statistic=f"{_SHIFT}Dropout of 50% before each BN, median of seeds",
    unit="distance from 1",
    rule=Rule("above", 0.1),
)
def shifts_before(tables: Tables) -> list[Row]:
    return _shift(tables, "before")


@claim(
    id="D1b",
    kind="secondary",
    section="3.4",
    sentence="Dropout after the last BN does not shift the variance of BN's inputs between training and inference",
    statistic=f"{_SHIFT}Dropout of 50% after the last BN alone, median of seeds",
    unit="distance from 1",
    rule=Rule("below", 0.1),
)
def none_after_the_last(tables: Tables) -> list[Row]:
    return _shift(tables, "last")


@claim(
    id="D2",
    kind="secondary",
    section="3.4",
    sentence="Where Dropout is before BN, statistics recomputed without Dropout recover accuracy",
    statistic="test accuracy with Dropout of 50% before each BN, recomputed minus running statistics, median of seeds",
    unit="difference of shares",
    rule=Rule("above", 0.0),
)
def recomputed(tables: Tables) -> list[Row]:
    """A run that diverged guesses with any statistics, so nothing recovers it."""
    accuracies = by_statistics(tables)
    without = _by_seed(accuracies[accuracies["arm"] == "plain"])
    dropped = accuracies[accuracies["dropout"] == DROPOUT]
    gains = {place: _by_seed(dropped[dropped["dropout_place"] == place]) for place in PLACES}
    judged = gains.pop("before")
    over_population = judged["no_dropout"] - judged["population"]
    unit, runs = "difference of shares", select(tables, "dropout")
    return [
        median_of(judged["no_dropout"] - judged["moving"]),
        *(single(f"accuracy {_RESULT[name]}", judged[name].median(), "accuracy", len(judged)) for name in STATISTICS),
        median_of(over_population, unit, "recomputed over Algorithm 2 with Dropout active"),
        *(
            single(f"accuracy without any Dropout, {words}", without[name].median(), "accuracy", len(without))
            for name, words in (("moving", _RESULT["moving"]), ("no_dropout", "recomputed"))
        ),
        *(
            median_of(own["no_dropout"] - own["moving"], unit, f"gain with Dropout {LABELS[place]}")
            for place, own in gains.items()
        ),
        *diverged(runs[(runs["dropout"] == DROPOUT) | (runs["arm"] == "plain")]),
    ]


@claim(
    id="D7",
    kind="secondary",
    section="4.2.1",
    sentence="With BN weight decay acts through the effective learning rate: a rate that grows to match it "
    "reproduces what decay does to the validation loss",
    statistic=_LOSS.format("with BN, through population statistics"),
    unit="share",
    rule=Rule("above", 0.5),
)
def through_the_rate(tables: Tables) -> list[Row]:
    return _loss_share(tables, "batch")


@claim(
    id="D8",
    kind="secondary",
    section="4.2.1",
    sentence="Without BN a learning rate that grows to match weight decay does not reproduce what decay does to the "
    "validation loss",
    statistic=_LOSS.format("without BN"),
    unit="share",
    rule=Rule("below", 0.5),
)
def not_without(tables: Tables) -> list[Row]:
    return _loss_share(tables, "none")


@claim(
    id="D5",
    kind="secondary",
    section="4.2.1",
    sentence="With BN a learning rate that grows to match weight decay reproduces what decay does to the training "
    "accuracy",
    statistic=_SHARE.format("training accuracy between evaluations", DECAY, f"with BN, {_LATER}"),
    unit="share",
    rule=Rule("above", 0.5),
)
def in_training(tables: Tables) -> list[Row]:
    return _training_share(tables, "batch")


@claim(
    id="D6",
    kind="secondary",
    section="4.2.1",
    sentence="Without BN a learning rate that grows to match weight decay does not reproduce what decay does to the "
    "training accuracy",
    statistic=_SHARE.format("training accuracy between evaluations", DECAY, f"without BN, {_LATER}"),
    unit="share",
    rule=Rule("below", 0.5),
)
def not_in_training_without(tables: Tables) -> list[Row]:
    return _training_share(tables, "none")


@claim(
    id="D9",
    kind="secondary",
    section="4.2.1",
    sentence=f"{_FEW} improves the accuracy of a convolutional net with BN",
    statistic=f"test accuracy with BN, with Dropout of 40% minus without, {_ENDED}; a gain or a loss of 0.8 points "
    "or more is seen",
    unit=_POINTS,
    rule=Rule("above", 0.0),
)
def dropout_improves_accuracy(tables: Tables) -> list[Row]:
    return [
        *_gain(tables, "accuracy", _POINTS),
        *_of_nets(tables, "accuracy", "accuracy"),
        *_of_nets(tables, "fit_accuracy", "accuracy", "training accuracy "),
        *_settings(tables),
    ]


@claim(
    id="D10",
    kind="secondary",
    section="4.2.1",
    sentence=f"{_FEW} lowers the test loss of a convolutional net with BN",
    statistic=f"test loss with BN, with Dropout of 40% minus without, {_ENDED}; a difference of 0.08 nats or more is seen",
    unit="nats",
    rule=Rule("below", 0.0),
)
def dropout_lowers_loss(tables: Tables) -> list[Row]:
    return [
        *_gain(tables, "loss", "nats"),
        *_of_nets(tables, "loss", "nats"),
        *_of_nets(tables, "fit_loss", "nats", "training loss "),
    ]


@claim(
    id="D11",
    kind="secondary",
    section="4.2.1",
    sentence=f"{_FEW} gains a convolutional net less accuracy with BN than without BN",
    statistic=f"what Dropout of 40% does to the test accuracy {_ENDED}, with BN minus without BN; a difference of 1.2 points or "
    "more is seen",
    unit=_POINTS,
    rule=Rule("below", 0.0),
)
def dropout_gains_less_accuracy(tables: Tables) -> list[Row]:
    return _beyond(tables, "accuracy", _POINTS)


@claim(
    id="D12",
    kind="secondary",
    section="4.2.1",
    sentence=f"{_FEW} lowers the test loss of a convolutional net less with BN than without BN",
    statistic=f"what Dropout of 40% does to the test loss {_ENDED}, with BN minus without BN; a difference of 0.15 nats or more "
    "is seen",
    unit="nats",
    rule=Rule("above", 0.0),
)
def dropout_lowers_loss_less(tables: Tables) -> list[Row]:
    return _lowers_less(tables, STRONG)


@claim(
    id="D13",
    kind="secondary",
    section="4.2.1",
    sentence="On few examples, a convolutional net with BN and without Dropout is no less accurate than one with Dropout of 40% "
    "and without BN",
    statistic=f"test accuracy with BN and without Dropout minus that without BN and with Dropout of 40%, {_ENDED}; half a point "
    "is allowed",
    unit=_POINTS,
    rule=Rule("above", -0.005),
)
def in_place_of_dropout(tables: Tables) -> list[Row]:
    def beside(value: str, rate: float = STRONG) -> pd.Series:
        return of_net(tables, "batch", 0.0, value) - of_net(tables, "none", rate, value)

    judged = median_of(beside("accuracy"))
    return [
        judged,
        *_width(judged, _POINTS),
        *median_if_any(beside("accuracy", 0.0), _POINTS, "the same against the net with neither"),
        *median_if_any(beside("loss"), "nats", "test loss, the same difference"),
    ]


@claim(
    id="D14",
    kind="secondary",
    section="4.2.1",
    sentence=f"{_FEW_WEAK} lowers the test loss of a convolutional net less with BN than without BN",
    statistic=f"what Dropout of {WEAK:.0%} does to the test loss {_ENDED}, with BN minus without BN; a difference of 0.15 nats "
    "or more is seen",
    unit="nats",
    rule=Rule("above", 0.0),
)
def weak_dropout_lowers_loss_less(tables: Tables) -> list[Row]:
    alone = of_net(tables, "batch", 0.0, "accuracy") - of_net(tables, "none", WEAK, "accuracy")
    return [
        *_lowers_less(tables, WEAK),
        *(
            row
            for value, unit, what in (("loss", "nats", "test loss"), ("accuracy", _POINTS, "test accuracy"))
            for arm in ("none", "batch")
            for row in median_if_any(gain(tables, arm, value, WEAK), unit, f"change of the {what} {LABELS[arm]}")
        ),
        *median_if_any(beyond(tables, "accuracy", WEAK), _POINTS, "test accuracy, the same difference"),
        *(
            row
            for dropout in (WEAK, STRONG)
            for row in median_if_any(
                of_net(tables, "none", dropout, "fit_accuracy"),
                "accuracy",
                f"training accuracy {_net('none', dropout)}",
            )
        ),
        *median_if_any(alone, _POINTS, f"test accuracy with BN alone minus with Dropout of {WEAK:.0%} alone"),
    ]


def _shift(tables: Tables, place: str) -> list[Row]:
    """The distance at one place. A seed whose run has none is undetermined: a tie in the median, anything in the interval."""
    runs = shifted(tables)
    at = {other: runs[(runs["dropout"] == DROPOUT) & (runs["dropout_place"] == other)] for other in PLACES}
    own, off = at.pop(place).set_index("seed"), runs[(runs["dropout"] == 0) & (runs["dropout_place"] == place)]
    lost = own["distance"].isna()
    distance = own["distance"].fillna(own["distance"].median())
    pairs = pd.DataFrame({"distance": distance, "bound": lost.map({True: "~", False: ""})}).dropna(subset=["distance"])
    return [
        median_bounded(pairs, "distance", least=0.0),
        single("ratio, mean of the layers", own["ratio"].median(), "ratio", len(own)),
        *_layers(tables, place),
        *(
            single(f"ratio with Dropout {LABELS[other]}", rows["ratio"].median(), "ratio", len(rows))
            for other, rows in at.items()
        ),
        single("ratio without Dropout", off["ratio"].median(), "ratio", len(off)),
        single(
            "distance with statistics recomputed without Dropout",
            own["distance_no_dropout"].median(),
            "distance from 1",
            len(own),
        ),
        *counted_if_any("runs that diverged, whose seeds may be anything", lost),
    ]


def _layers(tables: Tables, place: str) -> list[Row]:
    """The median ratio of each BN from the images on, with the running statistics."""
    rows = shifts(tables)
    rows = rows[(rows["dropout"] == DROPOUT) & (rows["dropout_place"] == place) & (rows["statistics"] == "moving")]
    return [
        single(f"ratio in {layer.replace('_', ' ')}", own.median(), "ratio", len(own))
        for layer, own in rows.groupby("layer")["ratio"]
    ]


def _gain(tables: Tables, value: str, unit: str) -> list[Row]:
    """What Dropout does to a value with BN, and without."""
    judged = median_of(gain(tables, "batch", value))
    return [judged, *_width(judged, unit), *median_if_any(gain(tables, "none", value), unit, LABELS["none"])]


def _beyond(tables: Tables, value: str, unit: str, dropout: float = STRONG) -> list[Row]:
    judged = median_of(beyond(tables, value, dropout))
    return [judged, *_width(judged, unit)]


def _lowers_less(tables: Tables, dropout: float) -> list[Row]:
    """What Dropout does to the test loss with BN minus without; then the same where all nets have one rate."""
    label = "held-out loss on the seeds that choose, all nets at rate {:g}"
    others = beyond_at_each_rate(tables, dropout)
    return [
        *_beyond(tables, "loss", "nats", dropout),
        *(single(label.format(rate), change, "nats") for rate, change in others.items()),
    ]


def _width(judged: Row, unit: str) -> list[Row]:
    """How far the seeds leave the median open."""
    return [single("half the width of the interval", (judged.ci_high - judged.ci_low) / 2, unit)] if judged.n else []


def _of_nets(tables: Tables, value: str, unit: str, what: str = "") -> list[Row]:
    """The median of a value by net."""
    nets = ended(tables).groupby(NET, sort=False)[value]
    return [single(f"{what}{_net(*net)}", own.median(), unit, len(own)) for net, own in nets]


def _settings(tables: Tables) -> list[Row]:
    """By net the chosen rate, and whether it is an end of those tried; how many runs diverged or collapsed."""
    rates, runs = chosen(tables), ended(tables)
    words = [
        (f"learning rate {_net(row.normalization, row.dropout)}{', at an end of those tried' * row.at_edge}", row)
        for row in rates.itertuples()
    ]
    return [
        *(single(label, row.learning_rate, "rate") for label, row in words),
        *lost(runs),
    ]


def _net(normalization: str, dropout: float) -> str:
    return LABELS[normalization] + (f" and with Dropout of {dropout:.0%}" if dropout else "")


def _by_seed(accuracies: pd.DataFrame) -> pd.DataFrame:
    return accuracies.pivot(index="seed", columns="statistics", values="accuracy").reindex(columns=STATISTICS)


def _loss_share(tables: Tables, arm: str) -> list[Row]:
    """The share of the change of the validation loss; then both changes, and what became of the effective rate."""
    found = changes(tables).query("normalization == @arm").set_index("seed")
    words = {"decay": "change of the mean validation loss by decay", "matched": "the same by the matched rate"}
    return [
        median_of(found["share"]),
        *(median_of(found[name].dropna(), "nats", label) for name, label in words.items()),
        *_grown(tables, arm),
        *_missing(found),
    ]


def _training_share(tables: Tables, arm: str) -> list[Row]:
    """The share of the training accuracy on the fresh seeds; then that of the seeds that gave the idea, at every weight."""
    found, others = (where(shares(tables, group), normalization=arm).set_index("seed") for group in ("fresh", "decay"))
    label = "share at the L2 weight {:g}, on the seeds that gave the idea"
    return [
        median_of(found["share"]),
        single("first of these seeds", found.index.min(), "seed"),
        single("last of these seeds", found.index.max(), "seed"),
        *(median_of(own["share"], "share", label.format(weight)) for weight, own in others.groupby("weight")),
        *_missing(found),
    ]


def _missing(found: pd.DataFrame) -> list[Row]:
    """Why seeds count as 0."""
    return [row for why in WHY for row in counted_if_any(_LOST[why], found["missing"] == why, "seeds")]


def _grown(tables: Tables, arm: str) -> list[Row]:
    """The effective rate after the last step over that at the start, medians of the runs that get there."""
    rows = growth(tables, "loss").query("normalization == @arm")
    last = rows[rows["step"] == select(tables, "loss")["steps"].max()]
    ends = dict(iter(last.groupby("arm")["rate"]))
    return [
        single(
            f"effective rate at the end over its start {words}", ends[compared].median(), "ratio", len(ends[compared])
        )
        for compared, words in _COMPARED.items()
        if compared in ends
    ]
