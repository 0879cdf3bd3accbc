"""The runs of Figure 1, which two experiments read: pairs of runs without and with BN, and how long they are. Knows no table."""

import dataclasses
from dataclasses import dataclass

from bnrepro.config.grid import grid
from bnrepro.config.group import Group, Sweep
from bnrepro.config.run_config import RunConfig
from bnrepro.experiments.presets import Length, lengthened, resolve
from bnrepro.experiments.setups import ARMS

_FROZEN = RunConfig()

INFERENCE = "normalization.inference"
"""The field that says what a net with BN is read through."""

FIRST = 200
"""The first of the judged seeds of Figure 1: `presets.FIRST_JUDGED` to 199 have been seen on a GPU, in data/results-gpu."""


@dataclass(frozen=True)
class Preset:
    """How much is trained.

    Attributes:
        seeds: Pairs of runs; the seeds are `FIRST` and on.
        main: The runs that are reported.
        grid: A run of the calibration.
        shuffled: The control with shuffled labels.
        off: The control with BN switched off.
        race: The runs that choose each arm's best rate and start.
        best: The runs of each arm at these.
        moving: Whether the runs with BN are read through moving averages too.
        pixels: Readings of "binary" that are calibrated; without one nothing is.
        initial_stds: Standard deviations of the calibration.
        learning_rates: Learning rates of the calibration.
        raced_stds: Standard deviations from which each arm chooses its own best; without one nothing is raced.
        raced_rates: Learning rates from which it does.
    """

    seeds: int
    main: Length
    grid: Length
    shuffled: Length
    off: Length
    race: Length
    best: Length
    moving: bool
    pixels: tuple[str, ...]
    initial_stds: tuple[float, ...]
    learning_rates: tuple[float, ...]
    raced_stds: tuple[float, ...]
    raced_rates: tuple[float, ...]


PRESETS = {
    "smoke": Preset(
        seeds=2,
        main=Length(60, 20),
        grid=Length(60, 20),
        shuffled=Length(40, 20),
        off=Length(40, 20),
        race=Length(60, 20),
        best=Length(60, 20),
        moving=True,
        pixels=(_FROZEN.task.pixels,),
        initial_stds=(_FROZEN.initialization.initial_std,),
        learning_rates=(_FROZEN.optimizer.learning_rate,),
        raced_stds=(_FROZEN.initialization.initial_std,),
        raced_rates=(_FROZEN.optimizer.learning_rate,),
    ),
    "quick": Preset(
        seeds=10,
        main=Length(19_000, 1_000),
        grid=Length(19_000, 1_000),
        shuffled=Length(500, 500),
        off=Length(1_000, 1_000),
        race=Length(10_000, 250),
        best=Length(10_000, 100),
        moving=False,
        pixels=(),
        initial_stds=(),
        learning_rates=(),
        raced_stds=(),
        raced_rates=(),
    ),
    "paper": Preset(
        seeds=12,
        main=Length(50_000, 500),
        grid=Length(50_000, 1_000),
        shuffled=Length(10_000, 500),
        off=Length(2_000, 500),
        race=Length(10_000, 250),
        best=Length(10_000, 100),
        moving=True,
        pixels=("binary", "nonzero", "grey"),
        initial_stds=(0.03, 0.05, 0.07, 0.1, 0.14),
        learning_rates=(0.05, 0.1, 0.2, 0.4),
        raced_stds=(0.05, 0.1, 0.3),
        raced_rates=(0.1, 0.2, 0.4, 0.8, 1.6, 3.2, 6.4, 12.8),
    ),
}


def resolve_figure1(preset: str, overrides: dict) -> tuple[Preset, RunConfig]:
    """The preset with a notebook's parameters put in, and the reported run that all its runs are variations of.

    As `presets.resolve`, but `steps` may also make the runs that are reported longer than the preset's.
    """
    accepted = ("batch_size", "learning_rate", "initial_std", "task")
    values, base = resolve(PRESETS, preset, overrides, _FROZEN, accepted, FIRST)
    main = dataclasses.replace(values.main, steps=overrides.get("steps") or values.main.steps)
    return dataclasses.replace(values, main=main), lengthened(base, main)


def judged(values: Preset) -> range:
    """The seeds whose runs are reported."""
    return range(FIRST, FIRST + values.seeds)


def both_arms(config: RunConfig) -> list[RunConfig]:
    """A run without BN and with it, then read through the statistics of Algorithm 2."""
    without, with_bn = grid(config, normalization=ARMS)
    return [without, with_bn.replace(inference="population")]


def read_runs(preset: str, **overrides) -> Sweep:
    """The runs that both experiments read: `main`, the pairs that are reported, both arms of each seed; and `moving`, those with
    BN once more, read through moving averages.
    """
    values, base = resolve_figure1(preset, overrides)
    runs = {Group("main"): [run for arm in both_arms(base) for run in grid(arm, seed=judged(values))]}
    if values.moving:
        runs[Group("moving")] = grid(base, normalization=ARMS[1:], seed=judged(values))
    return runs
