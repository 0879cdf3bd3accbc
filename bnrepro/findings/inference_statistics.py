"""Notebook 07: do running averages represent the population? Sweep, claims P1 to P4, and figure. Trains nothing."""

from dataclasses import dataclass

from bnrepro.config import RunConfig, grid
from bnrepro.findings.lengths import Length, lengthened, resolve

TITLE = "Statistics at inference"
TABLES = ("runs", "curves", "statistics", "variances", "provenance")


@dataclass(frozen=True)
class Preset:
    """How much is trained.

    Attributes:
        seeds: Runs of a cell; the seeds are 0 to seeds - 1.
        main: Their length; the first evaluation is "early", the last "late".
        sizes: Mini-batches.
        momenta: Weights of the old value in the running statistics besides `MOMENTUM`.
    """

    seeds: int
    main: Length
    sizes: tuple[int, ...]
    momenta: tuple[float, ...]


MOMENTUM = 0.99
"""The running statistics that the claims are about; Keras's default."""

PRESETS = {
    "smoke": Preset(1, Length(20, 10), (4, 64), (0.9,)),
    "quick": Preset(2, Length(300, 100), (2, 8, 32, 128), (0.9, 0.999)),
    "paper": Preset(8, Length(1_000, 100), (2, 4, 8, 16, 32, 64, 128, 256), (0.9, 0.999)),
}

BASE = RunConfig(
    dataset="fashion_mnist",
    pixels="grey",
    activation="relu",
    initializer="he",
    normalization="batch",
    momentum=MOMENTUM,
    learning_rate=0.03,
    validation_examples=4_000,
)
"""The dense net with BN; one rate for all mini-batches, so that nothing but their size differs."""

_OVERRIDES = {"seeds": int, "steps": int, "learning_rate": float, "hidden_units": int, "dataset": str}


def sweep(preset: str, **overrides) -> dict[str, list[RunConfig]]:
    """The runs by group.

    `main`: each mini-batch, with every choice of statistics measured. `momentum`: the same training with other running
    averages, whose accuracy their curves have.
    """
    values, base = resolve(PRESETS, preset, overrides, _OVERRIDES, BASE)
    cells = dict(batch_size=values.sizes, seed=range(values.seeds))
    net = lengthened(base, values.main)
    return {
        "main": grid(net.replace(probe="statistics"), **cells),
        "momentum": grid(net, momentum=values.momenta, **cells),
    }
