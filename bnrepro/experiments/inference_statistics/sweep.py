"""The runs: a dense net with BN over the size of the mini-batch and the momentum of its averages. Knows no table."""

from dataclasses import dataclass

from bnrepro.config.grid import grid
from bnrepro.config.group import Group, Sweep
from bnrepro.experiments.inference_statistics.tables import FEWEST, MOMENTUM, SIZE
from bnrepro.experiments.presets import FIRST_JUDGED, Length, lengthened, resolve
from bnrepro.experiments.setups import DENSE

TABLES = ("runs", "curves", "statistics", "variances", "provenance")


@dataclass(frozen=True)
class Preset:
    """How much is trained.

    Attributes:
        seeds: Runs of a cell; the seeds are 0 to seeds - 1.
        main: Their length; the first evaluation is "early", the last "late".
        sizes: Mini-batches.
        momenta: Weights of the old value in the running statistics besides `MOMENTUM`.
        layer_seeds: Runs of a mini-batch by which the variances of all layers are judged, unless `seeds` is given as a parameter;
            the seeds are `FIRST_JUDGED` and on.
    """

    seeds: int
    main: Length
    sizes: tuple[int, ...]
    momenta: tuple[float, ...]
    layer_seeds: int


PRESETS = {
    "smoke": Preset(
        seeds=1,
        main=Length(20, 10),
        sizes=(4, 64),
        momenta=(0.9,),
        layer_seeds=1,
    ),
    "quick": Preset(
        seeds=2,
        main=Length(300, 100),
        sizes=(2, 8, 32, 128),
        momenta=(0.9, 0.999),
        layer_seeds=2,
    ),
    "paper": Preset(
        seeds=8,
        main=Length(1_000, 100),
        sizes=(2, 4, 8, 16, 32, 64, 128, 256),
        momenta=(0.9, 0.999),
        layer_seeds=12,
    ),
}

BASE = DENSE.replace(normalization="batch", momentum=MOMENTUM, learning_rate=0.03)
"""The dense net with BN; one rate for all mini-batches, so that nothing but their size differs."""

_ACCEPTED = ("learning_rate", "hidden_units", "task")


def sweep(preset: str, **overrides) -> Sweep:
    """The runs by group.

    `main`: each mini-batch, with every choice of statistics measured. `momentum`: the same training with other running
    averages, whose accuracy their curves have. `layers`: the smallest mini-batch and one about as large as the paper's, measured
    after the last step, on the seeds by which the variances of all layers are judged.
    """
    values, base = resolve(PRESETS, preset, overrides, BASE, _ACCEPTED)
    cells = dict(batch_size=values.sizes, seed=range(values.seeds))
    net = lengthened(base, values.main)
    last = net.replace(measurements="statistics", evaluate_every=net.steps, inference="population")
    judged = range(FIRST_JUDGED, FIRST_JUDGED + values.layer_seeds)
    return {
        Group("main"): grid(net.replace(measurements="statistics"), **cells),
        Group("momentum"): grid(net, momentum=values.momenta, **cells),
        Group("layers"): grid(last, batch_size=(FEWEST, SIZE), seed=judged),
    }
