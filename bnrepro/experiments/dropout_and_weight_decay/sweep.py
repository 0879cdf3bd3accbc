"""The runs: Dropout by rate and place, weight decay by what decays, the rate that imitates it, and a convolutional net with
Dropout, whose rates are chosen in a first round. Knows no claim and draws nothing.
"""

from dataclasses import dataclass

from bnrepro.analysis.curves import final_metric
from bnrepro.analysis.select import trained_curves
from bnrepro.config.grid import grid
from bnrepro.config.group import Group, Sweep
from bnrepro.config.run_config import RunConfig
from bnrepro.experiments.dropout_and_weight_decay.tables import (
    ACCURACY,
    CHOICE,
    CONVOLUTIONAL,
    DECAY,
    DROPOUT,
    LOSS_DECAY,
    PLACES,
    STRONG,
    WEAK,
    at_best,
)
from bnrepro.experiments.presets import FIRST_JUDGED, SELECTING_SEEDS, Length, lengthened, resolve
from bnrepro.experiments.setups import ARMS, BASELINE, DENSE
from bnrepro.records.schemas import Tables

TABLES = ("runs", "curves", "statistics", "variances", "geometry", "provenance")

ROUNDS = True
"""The rates of the convolutional nets that are judged depend on the runs that choose."""

TIMES_FIRST_ROUND = {"smoke": 1.0, "quick": 1.0, "paper": 1.9}
"""By preset about how many times the work of its first round all rounds come to."""


@dataclass(frozen=True)
class Preset:
    """How much is trained.

    Attributes:
        seeds: Runs of a cell; the seeds are 0 to seeds - 1.
        main: Their length.
        dropouts: Dropout rates above 0.
        decays: L2 weights above 0.
        matched: Those whose effect on the rate is imitated.
        loss_seeds: Runs of a cell by whose validation loss it is judged, unless `seeds` is given as a parameter; the seeds are
            `FIRST_JUDGED` and on.
        loss: Their length.
        accuracy: Whether nets with BN are trained once more, to be read through population statistics.
        convolutional: The length of the runs of the convolutional net, as many of a cell; none where there is none.
    """

    seeds: int
    main: Length
    dropouts: tuple[float, ...]
    decays: tuple[float, ...]
    matched: tuple[float, ...]
    loss_seeds: int
    loss: Length
    accuracy: bool = True
    convolutional: Length | None = None


PRESETS = {
    "smoke": Preset(
        seeds=1,
        main=Length(20, 10),
        dropouts=(DROPOUT,),
        decays=(DECAY,),
        matched=(DECAY,),
        loss_seeds=1,
        loss=Length(20, 5),
        accuracy=False,
    ),
    "quick": Preset(
        seeds=2,
        main=Length(400, 200),
        dropouts=(0.2, DROPOUT),
        decays=(0.001, DECAY),
        matched=(DECAY,),
        loss_seeds=2,
        loss=Length(400, 50),
    ),
    "paper": Preset(
        seeds=8,
        main=Length(2_000, 200),
        dropouts=(0.1, 0.2, 0.3, DROPOUT),
        decays=(1e-4, 0.001, DECAY, 0.01),
        matched=(0.001, DECAY, 0.01),
        loss_seeds=12,
        loss=Length(2_000, 100),
        convolutional=Length(2_400, 1_200),
    ),
}

BASE = DENSE.replace(train_examples=5_000, batch_size=64, learning_rate=0.1)
"""The dense net on few examples, for a net that does not overfit needs no regularizer."""

SLOWER = 0.3
"""The rate of the runs that are judged by their validation loss, in that of the others: there two runs that hardly differ stay
near each other."""

CONV = BASELINE.replace(
    train_examples=1_000,
    fit_examples=1_000,
    rate_halvings=2.0,  # so that it comes to rest
    weight_decay=0.0,
    dropout=0.0,
    local_response_normalization=False,
    distortion=0.0,
    shuffling="epoch",
)
"""The Baseline of section 4.2 on few examples, with none of what regularizes it; Dropout stands before the softmax."""

DROPOUTS = (0.0, WEAK, STRONG)
"""Its Dropout rates, the last the paper's."""

RATES = (0.006, 0.02, 0.06, 0.2, 0.6)
"""Its learning rates, of which each net takes its best."""

_POPULATION = {"normalization": "batch", "inference": "population"}

_ACCEPTED = ("batch_size", "learning_rate", "hidden_units", "task")


def sweep(preset: str, so_far: Tables | None = None, **overrides) -> Sweep:
    """The runs of the rounds so far and of the next one, by group.

    `dropout`: with BN, the arm `dropout` at each rate and place, and `plain` without. `dropout_without_bn`: no BN, Dropout after
    each nonlinearity. `decay`: with BN and without, the arm `decay` at each L2 weight, what decays (`REACHES`) being the setting,
    `plain` without decay, and `matched`: no decay, but the rate of the hidden kernels grows as decay of those would raise their
    effective rate. `fresh`: the last comparison once more on other seeds, for D5 and D6, which were declared after it. `loss`:
    the same comparison at a smaller rate and a larger L2 weight, read through the statistics of Algorithm 2, by whose validation
    loss D7 and D8 are judged. `accuracy`: the nets with BN of `dropout` and `decay` once more, read after training through those
    statistics. `choice`: the convolutional net of each of `DROPOUTS`, without BN and with it, at each of `RATES`, on seeds that
    judge nothing; `convolutional`: each at its best rate on the judged seeds.
    """
    values, base = resolve(PRESETS, preset, overrides, BASE, _ACCEPTED)
    net, seeds = lengthened(base, values.main), dict(seed=range(values.seeds))
    dropped = net.replace(normalization="batch", measurements="shift")
    decayed, arms = net.replace(measurements="gradients"), dict(normalization=ARMS, **seeds)
    fresh = dict(normalization=ARMS, seed=range(values.seeds, 2 * values.seeds))
    slow = lengthened(net, values.loss).replace(
        measurements="gradients", learning_rate=SLOWER * net.optimizer.learning_rate
    )
    both = [slow, slow.replace(**_POPULATION)]
    judged = range(FIRST_JUDGED, FIRST_JUDGED + values.loss_seeds)
    reaches = _reaches(values)
    choice = _choice(CONV.replace(task=base.task.name), values.convolutional)
    return {
        Group("dropout", "plain"): grid(dropped, **seeds),
        Group("dropout", "dropout"): grid(dropped, dropout_place=PLACES, dropout=values.dropouts, **seeds),
        Group("dropout_without_bn"): grid(net, dropout=(0.0, *values.dropouts), **seeds),
        Group("decay", "plain"): grid(decayed, **arms),
        **{
            Group("decay", "decay", reach): grid(decayed.replace(weight_decay_on=reach), weight_decay=weights, **arms)
            for reach, weights in reaches.items()
        },
        Group("decay", "matched"): grid(decayed, matched_decay=values.matched, **arms),
        Group("fresh", "plain"): grid(decayed, **fresh),
        Group("fresh", "decay", "hidden"): grid(decayed, weight_decay=(DECAY,), **fresh),
        Group("fresh", "matched"): grid(decayed, matched_decay=(DECAY,), **fresh),
        Group("loss", "plain"): [run for arm in both for run in grid(arm, seed=judged)],
        Group("loss", "decay", "hidden"): [
            run for arm in both for run in grid(arm, weight_decay=(LOSS_DECAY,), seed=judged)
        ],
        Group("loss", "matched"): [run for arm in both for run in grid(arm, matched_decay=(LOSS_DECAY,), seed=judged)],
        **(_accuracy(net, values, seeds) if values.accuracy else {}),
        **(
            {Group(CHOICE): choice, Group(CONVOLUTIONAL): _judged(choice, so_far, values.convolutional, judged)}
            if choice
            else {}
        ),
    }


def _reaches(values: Preset) -> dict[str, tuple[float, ...]]:
    """L2 weights by what decays."""
    return {"hidden": values.matched, "kernels": values.decays, "all": values.decays}


def _accuracy(net: RunConfig, values: Preset, seeds: dict) -> Sweep:
    """The nets with BN and Dropout or decay, evaluated once, through population statistics."""
    read = net.replace(evaluate_every=net.steps, **_POPULATION)
    return {
        Group(ACCURACY, "plain"): grid(read, **seeds),
        Group(ACCURACY, "dropout"): grid(read, dropout_place=PLACES, dropout=values.dropouts, **seeds),
        **{
            Group(ACCURACY, "decay", reach): grid(read.replace(weight_decay_on=reach), weight_decay=weights, **seeds)
            for reach, weights in _reaches(values).items()
        },
        Group(ACCURACY, "matched"): grid(read, matched_decay=values.matched, **seeds),
    }


def _choice(net: RunConfig, length: Length | None) -> list[RunConfig]:
    """The convolutional net of each cell at each rate, evaluated once, on the seeds that choose."""
    if length is None:
        return []
    once = lengthened(net, Length(length.steps, length.steps))
    axes = dict(dropout=DROPOUTS, learning_rate=RATES, seed=SELECTING_SEEDS)
    return [run for arm in (once, once.replace(**_POPULATION)) for run in grid(arm, **axes)]


def _judged(choice: list[RunConfig], so_far: Tables | None, length: Length | None, seeds: range) -> list[RunConfig]:
    """Each of those nets at its best rate on the judged seeds; none while one that chooses is not trained."""
    curves = trained_curves(choice, so_far)
    if curves is None:
        return []
    best, by_id = set(at_best(final_metric(curves))["run"]), {config.id: config for config in choice}
    nets = [by_id[run] for run in by_id if run in best and by_id[run].seed == SELECTING_SEEDS[0]]
    return [run for net in nets for run in grid(lengthened(net, length), seed=seeds)]
