"""The runs of Figure 1(a), two grids of what the paper does not state, controls, each arm at its best. Knows no claim."""

from bnrepro.analysis.races import common_target, fastest
from bnrepro.analysis.select import trained_curves
from bnrepro.config.grid import grid
from bnrepro.config.group import Group, Sweep
from bnrepro.config.run_config import RunConfig
from bnrepro.experiments import figure1
from bnrepro.experiments.figure1 import both_arms, judged, read_runs, resolve_figure1
from bnrepro.experiments.presets import CALIBRATION_SEEDS, SELECTING_SEEDS, lengthened, smallest
from bnrepro.records.schemas import Tables

PRESETS = figure1.PRESETS
TABLES = ("runs", "curves", "provenance")

ROUNDS = True
"""Where each arm is raced depends on the runs that choose."""

AXES = ("initial_std", "learning_rate")
"""What the paper does not state, and an arm may choose."""

HELD_OUT = 5_000
"""Training examples that are held out of the runs that choose, which are evaluated on them: the test set chooses nothing."""

TARGETS = (0.97, 0.96, 0.95, 0.9, 0.8, 0.6)
"""Accuracies: nets are raced to the highest that both arms reach on the seeds that choose; first that of Figure 1(a)."""


def sweep(preset: str, so_far: Tables | None = None, **overrides) -> Sweep:
    """The runs by group; nothing in those of Figure 1 was chosen by looking at the arm with BN.

    `main` are the pairs of runs that are reported, `moving` those with BN read through moving averages. `calibration`, without
    BN, chooses the values the paper does not state. `shuffled` and `off` are controls. `choice`: both arms at other rates and
    starts, on seeds that judge nothing and examples that are held out, which choose a target, and each arm's rate and start.
    `best`: each arm at these on the judged seeds.
    """
    values, base = resolve_figure1(preset, overrides)
    seeds = judged(values)
    shuffled = lengthened(base, values.shuffled).replace(shuffled_labels=True)
    off = lengthened(base, values.off).replace(normalization="off")
    groups = read_runs(preset, **overrides)
    if values.pixels:
        cells = dict(initial_std=values.initial_stds, learning_rate=values.learning_rates, seed=CALIBRATION_SEEDS)
        groups[Group("calibration")] = grid(lengthened(base, values.grid), pixels=values.pixels, **cells)
    groups[Group("shuffled")] = _each(both_arms(shuffled), seed=seeds)
    groups[Group("off")] = grid(off, seed=seeds)
    if not values.raced_rates:
        return groups
    race = lengthened(base, values.race)
    choosing = both_arms(race.replace(validation_examples=HELD_OUT))
    choosing = list(map(smallest, choosing)) if preset == "smoke" else choosing
    cells = dict(initial_std=values.raced_stds, learning_rate=values.raced_rates)
    choice = groups[Group("choice")] = _each(choosing, **cells, seed=SELECTING_SEEDS)
    own = _fastest(choice, so_far)
    best = [arm.replace(**own[arm["normalization"]]) for arm in both_arms(lengthened(base, values.best)) if own]
    groups[Group("best")] = _each(best, seed=seeds)
    return groups


def _each(arms: list[RunConfig], **axes) -> list[RunConfig]:
    """A grid of each arm."""
    return [run for arm in arms for run in grid(arm, **axes)]


def _fastest(choice: list[RunConfig], so_far: Tables | None) -> dict[str, dict[str, float]]:
    """By arm the rate and the start at which it was fastest; none while a run that chooses is not trained."""
    curves = trained_curves(choice, so_far)
    return {} if curves is None else fastest(curves, common_target(curves, TARGETS, AXES), AXES)
