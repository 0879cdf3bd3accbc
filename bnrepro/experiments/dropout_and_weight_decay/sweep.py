"""The runs: Dropout by rate and place, weight decay by what decays, and the rate that imitates it. Knows no table."""

from dataclasses import dataclass

from bnrepro.config.grid import grid
from bnrepro.config.group import Group, Sweep
from bnrepro.experiments.dropout_and_weight_decay.tables import DECAY, DROPOUT, LOSS_DECAY, PLACES
from bnrepro.experiments.presets import FIRST_JUDGED, Length, lengthened, resolve
from bnrepro.experiments.setups import ARMS, DENSE

TABLES = ("runs", "curves", "statistics", "variances", "geometry", "provenance")


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
    """

    seeds: int
    main: Length
    dropouts: tuple[float, ...]
    decays: tuple[float, ...]
    matched: tuple[float, ...]
    loss_seeds: int
    loss: Length


PRESETS = {
    "smoke": Preset(
        seeds=1,
        main=Length(20, 10),
        dropouts=(DROPOUT,),
        decays=(DECAY,),
        matched=(DECAY,),
        loss_seeds=1,
        loss=Length(20, 5),
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
    ),
}

BASE = DENSE.replace(train_examples=5_000, batch_size=64, learning_rate=0.1)
"""The dense net on few examples, for a net that does not overfit needs no regularizer."""

SLOWER = 0.3
"""The rate of the runs that are judged by their validation loss, in that of the others: there two runs that hardly differ stay
near each other."""

_ACCEPTED = ("batch_size", "learning_rate", "hidden_units", "task")


def sweep(preset: str, **overrides) -> Sweep:
    """The runs by group.

    `dropout`: with BN, the arm `dropout` at each rate and place, and `plain` without. `dropout_without_bn`: no BN, Dropout after
    each nonlinearity. `decay`: with BN and without, the arm `decay` at each L2 weight, what decays (`REACHES`) being the setting,
    `plain` without decay, and `matched`: no decay, but the rate of the hidden kernels grows as decay of those would raise their
    effective rate. `fresh`: the last comparison once more on other seeds, for D5 and D6, which were declared after it. `loss`:
    the same comparison at a smaller rate and a larger L2 weight, read through the statistics of Algorithm 2, by whose validation
    loss D7 and D8 are judged.
    """
    values, base = resolve(PRESETS, preset, overrides, BASE, _ACCEPTED)
    net, seeds = lengthened(base, values.main), dict(seed=range(values.seeds))
    dropped = net.replace(normalization="batch", measurements="shift")
    decayed, arms = net.replace(measurements="gradients"), dict(normalization=ARMS, **seeds)
    fresh = dict(normalization=ARMS, seed=range(values.seeds, 2 * values.seeds))
    slow = lengthened(net, values.loss).replace(
        measurements="gradients", learning_rate=SLOWER * net.optimizer.learning_rate
    )
    both = [slow, slow.replace(normalization="batch", inference="population")]
    judged = range(FIRST_JUDGED, FIRST_JUDGED + (overrides.get("seeds") or values.loss_seeds))
    reaches = {"hidden": values.matched, "kernels": values.decays, "all": values.decays}
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
    }
