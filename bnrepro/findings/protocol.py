"""What a preset and a notebook's parameters mean together: the runs of Figure 1, checked in one place. Knows no table."""

from dataclasses import dataclass, replace

from bnrepro.config import RunConfig, check_preset, check_type
from bnrepro.errors import UserError, unknown

CALIBRATION_SEEDS = (1000, 1001)
"""Seeds that choose the unstated values; never among the seeds whose runs are reported."""


@dataclass(frozen=True)
class Preset:
    """How much is trained.

    Attributes:
        seeds: Pairs of runs; the seeds are 0 to seeds - 1.
        steps: Training steps of the runs that are reported.
        evaluate_every: Steps between their evaluations.
        grid_steps: Steps of a run of the calibration and the sensitivity grid.
        grid_evaluate_every: Steps between its evaluations.
        shuffled_steps: Steps of the control with shuffled labels.
        off_steps: Steps of the control with BN switched off.
        pixels: Readings of "binary" that are calibrated.
        initial_stds: Standard deviations of the grid.
        learning_rates: Learning rates of the grid.
    """

    seeds: int
    steps: int
    evaluate_every: int
    grid_steps: int
    grid_evaluate_every: int
    shuffled_steps: int
    off_steps: int
    pixels: tuple[str, ...]
    initial_stds: tuple[float, ...]
    learning_rates: tuple[float, ...]


_OVERRIDES = {
    "seeds": int,
    "steps": int,
    "batch_size": int,
    "learning_rate": float,
    "initial_std": float,
    "dataset": str,
}


def resolve(presets: dict[str, Preset], preset: str, overrides: dict) -> tuple[Preset, RunConfig]:
    """The preset with a notebook's parameters put in, and the run of seed 0 that all its runs are variations of.

    Args:
        presets: What each preset means.
        preset: The name of one.
        overrides: `seeds` (a count), `steps`, `batch_size`, `learning_rate`, `initial_std`, `dataset`; 0 or an empty
            word means the preset's value. Fewer steps shorten every group; the grid's axes and seeds stay.

    Raises:
        UserError: An unknown name, or a value of the wrong type or out of range.
    """
    values = presets[check_preset(preset)]
    given = check_overrides(overrides, _OVERRIDES)
    seeds = check_seeds(given.pop("seeds", values.seeds))
    base = RunConfig(**{"steps": values.steps, **given})
    short = {
        field: min(getattr(values, field), base.steps)
        for field in ("evaluate_every", "grid_steps", "grid_evaluate_every", "shuffled_steps", "off_steps")
    }
    values = replace(values, seeds=seeds, steps=base.steps, **short)
    return values, base.replace(evaluate_every=values.evaluate_every)


def check_overrides(overrides: dict, kinds: dict[str, type]) -> dict:
    """The parameters that were given a value: known by name, of the right type, and neither 0 nor empty."""
    for name, value in overrides.items():
        if name not in kinds:
            raise unknown("parameter", name, kinds)
        check_type(name, value, kinds[name])
    return {name: value for name, value in overrides.items() if value}


def check_seeds(seeds: int) -> int:
    """`seeds`, a count, or a `UserError` where a calibration seed would be among them."""
    most = min(CALIBRATION_SEEDS)
    if not 1 <= seeds <= most:
        raise UserError(f"seeds is a count from 1 to {most} (seed {most} calibrates): got {seeds}; change seeds")
    return seeds
