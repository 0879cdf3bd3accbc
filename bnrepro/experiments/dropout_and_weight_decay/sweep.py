"""The runs: Dropout by rate and place, weight decay by what decays, and the rate that imitates it. Knows no table."""

from dataclasses import dataclass

from bnrepro.config.grid import grid
from bnrepro.config.group import Group, Sweep
from bnrepro.experiments.dropout_and_weight_decay.tables import DECAY, DROPOUT, PLACES
from bnrepro.experiments.presets import Length, lengthened, resolve
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
    """

    seeds: int
    main: Length
    dropouts: tuple[float, ...]
    decays: tuple[float, ...]
    matched: tuple[float, ...]


PRESETS = {
    "smoke": Preset(
        seeds=1,
        main=Length(20, 10),
        dropouts=(DROPOUT,),
        decays=(DECAY,),
        matched=(DECAY,),
    ),
    "quick": Preset(
        seeds=2,
        main=Length(400, 200),
        dropouts=(0.2, DROPOUT),
        decays=(0.001, DECAY),
        matched=(DECAY,),
    ),
    "paper": Preset(
        seeds=8,
        main=Length(2_000, 200),
        dropouts=(0.1, 0.2, 0.3, DROPOUT),
        decays=(1e-4, 0.001, DECAY, 0.01),
        matched=(0.001, DECAY, 0.01),
    ),
}

BASE = DENSE.replace(train_examples=5_000, batch_size=64, learning_rate=0.1)
"""The dense net on few examples, for a net that does not overfit needs no regularizer."""

_ACCEPTED = ("batch_size", "learning_rate", "hidden_units", "task")


def sweep(preset: str, **overrides) -> Sweep:
    """The runs by group.

    `dropout`: with BN, the arm `dropout` at each rate and place, and `plain` without. `dropout_without_bn`: no BN, Dropout after
    each nonlinearity. `decay`: with BN and without, the arm `decay` at each L2 weight, what decays (`REACHES`) being the setting,
    `plain` without decay, and `matched`: no decay, but the rate of the hidden kernels grows as decay of those would raise their
    effective rate. `fresh`: the last comparison once more on other seeds, for D5 and D6, which were declared after it.
    """
    values, base = resolve(PRESETS, preset, overrides, BASE, _ACCEPTED)
    net, seeds = lengthened(base, values.main), dict(seed=range(values.seeds))
    dropped = net.replace(normalization="batch", measurements="shift")
    decayed, arms = net.replace(measurements="gradients"), dict(normalization=ARMS, **seeds)
    fresh = dict(normalization=ARMS, seed=range(values.seeds, 2 * values.seeds))
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
    }
