"""The runs of Figure 1(a), the grid of what the paper does not state, and two controls. Knows no table."""

from bnrepro.config.grid import grid
from bnrepro.config.group import Group, Sweep
from bnrepro.experiments import figure1
from bnrepro.experiments.figure1 import pairs, resolve_figure1
from bnrepro.experiments.presets import CALIBRATION_SEEDS, lengthened
from bnrepro.experiments.setups import ARMS

PRESETS = figure1.PRESETS
TABLES = ("runs", "curves", "provenance")


def sweep(preset: str, **overrides) -> Sweep:
    """The runs by group; nothing in them was chosen by looking at the arm with BN.

    `main` are the pairs of runs that are reported. `calibration`, without BN, chooses the values the paper does not
    state; `sensitivity`, with BN, shows the same grid once they are frozen. `shuffled` and `off` are controls.
    """
    values, base = resolve_figure1(preset, overrides)
    seeds = range(values.seeds)
    cell = lengthened(base, values.grid)
    cells = dict(initial_std=values.initial_stds, learning_rate=values.learning_rates, seed=CALIBRATION_SEEDS)
    shuffled = lengthened(base, values.shuffled).replace(shuffled_labels=True)
    off = lengthened(base, values.off).replace(normalization="off")
    return {
        Group("main"): pairs(preset, **overrides),
        Group("calibration"): grid(cell, pixels=values.pixels, **cells),
        Group("sensitivity"): grid(cell.replace(normalization="batch"), **cells),
        Group("shuffled"): grid(shuffled, normalization=ARMS, seed=seeds),
        Group("off"): grid(off, seed=seeds),
    }
