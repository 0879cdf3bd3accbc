"""The runs of Figure 1, which two experiments read: pairs of runs without and with BN, and how long they are. Knows no table."""

import dataclasses
from dataclasses import dataclass

from bnrepro.config.grid import grid
from bnrepro.config.run_config import RunConfig
from bnrepro.experiments.presets import Length, lengthened, resolve
from bnrepro.experiments.setups import ARMS

_FROZEN = RunConfig()


@dataclass(frozen=True)
class Preset:
    """How much is trained.

    Attributes:
        seeds: Pairs of runs; the seeds are 0 to seeds - 1.
        main: The runs that are reported.
        grid: A run of the calibration and of the sensitivity grid.
        shuffled: The control with shuffled labels.
        off: The control with BN switched off.
        pixels: Readings of "binary" that are calibrated.
        initial_stds: Standard deviations of the grid.
        learning_rates: Learning rates of the grid.
    """

    seeds: int
    main: Length
    grid: Length
    shuffled: Length
    off: Length
    pixels: tuple[str, ...]
    initial_stds: tuple[float, ...]
    learning_rates: tuple[float, ...]


PRESETS = {
    "smoke": Preset(
        seeds=2,
        main=Length(60, 20),
        grid=Length(60, 20),
        shuffled=Length(40, 20),
        off=Length(40, 20),
        pixels=(_FROZEN.task.pixels,),
        initial_stds=(_FROZEN.initialization.initial_std,),
        learning_rates=(_FROZEN.optimizer.learning_rate,),
    ),
    "quick": Preset(
        seeds=7,
        main=Length(20_000, 500),
        grid=Length(20_000, 500),
        shuffled=Length(2_000, 500),
        off=Length(1_000, 500),
        pixels=(_FROZEN.task.pixels,),
        initial_stds=(0.03, 0.05, 0.1),
        learning_rates=(0.05, 0.1, 0.2),
    ),
    "paper": Preset(
        seeds=10,
        main=Length(50_000, 500),
        grid=Length(50_000, 1_000),
        shuffled=Length(10_000, 500),
        off=Length(2_000, 500),
        pixels=("binary", "nonzero", "grey"),
        initial_stds=(0.03, 0.05, 0.07, 0.1, 0.14),
        learning_rates=(0.05, 0.1, 0.2, 0.4),
    ),
}


def resolve_figure1(preset: str, overrides: dict) -> tuple[Preset, RunConfig]:
    """The preset with a notebook's parameters put in, and the reported run that all its runs are variations of.

    As `presets.resolve`, but `steps` may also make the runs that are reported longer than the preset's.
    """
    accepted = ("batch_size", "learning_rate", "initial_std", "task")
    values, base = resolve(PRESETS, preset, overrides, _FROZEN, accepted)
    main = dataclasses.replace(values.main, steps=overrides.get("steps") or values.main.steps)
    return dataclasses.replace(values, main=main), lengthened(base, main)


def pairs(preset: str, **overrides) -> list[RunConfig]:
    """The runs that are reported: both arms of each seed."""
    values, base = resolve_figure1(preset, overrides)
    return grid(base, normalization=ARMS, seed=range(values.seeds))
