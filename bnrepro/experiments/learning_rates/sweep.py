"""The networks of Figures 2 and 3 as runs, and the sweep of rates. Knows no table."""

from dataclasses import dataclass, replace

from bnrepro.config.grid import grid
from bnrepro.config.group import Group, Sweep
from bnrepro.config.validation import check_type
from bnrepro.experiments.presets import CALIBRATION_SEEDS, Length, lengthened, resolve
from bnrepro.experiments.setups import (
    BASELINE_ACCEPTS,
    IMAGENET,
    IMAGENET_EPOCH,
    IMAGENET_STEPS,
    PAPER_RATES,
    arms,
    baseline_of,
)

TABLES = ("runs", "curves", "geometry", "invariances", "provenance")


@dataclass(frozen=True)
class Preset:
    """How much is trained.

    Attributes:
        seeds: Runs of an arm; the seeds are 0 to seeds - 1.
        main: The runs that are reported.
        sweep: Runs at each rate, in both arms.
        calibration: Runs of the Baseline that choose the base rate.
        rates: The rates of both sweeps.
    """

    seeds: int
    main: Length
    sweep: Length
    calibration: Length
    rates: tuple[float, ...]


RATES = (0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0)

PRESETS = {
    "smoke": Preset(
        seeds=1,
        main=Length(4, 2),
        sweep=Length(4, 2),
        calibration=Length(4, 2),
        rates=(0.03, 10.0),
    ),
    "quick": Preset(
        seeds=2,
        main=Length(400, 100),
        sweep=Length(150, 50),
        calibration=Length(150, 50),
        rates=(0.003, 0.03, 0.3, 3.0),
    ),
    "paper": Preset(
        seeds=8,
        main=Length(2_400, 120),
        sweep=Length(300, 50),
        calibration=Length(1_500, 500),
        rates=RATES,
    ),
}

IMAGENET_PRESETS = {
    "smoke": replace(PRESETS["smoke"], rates=PAPER_RATES[::2]),
    "quick": Preset(
        seeds=1,
        main=Length(2_000, 500),
        sweep=Length(500, 250),
        calibration=Length(500, 250),
        rates=PAPER_RATES,
    ),
    "paper": Preset(
        seeds=1,
        main=Length(IMAGENET_STEPS, IMAGENET_EPOCH // 4),
        sweep=Length(IMAGENET_EPOCH, IMAGENET_EPOCH // 4),
        calibration=Length(IMAGENET_EPOCH, IMAGENET_EPOCH),
        rates=PAPER_RATES,
    ),
}
"""With `task=imagenet`: the paper's net, rates and steps, one run an arm, as there."""


def sweep(preset: str, **overrides) -> Sweep:
    """The runs by group: `race`, in which each of `setups.arms` is an arm, and

    `calibration`, the Baseline at each rate, which chooses the base rate; `rates`, the Baseline and BN-Baseline at each rate, and
    a third arm where the parameter `another_arm` names a normalization for it. With `task=imagenet` it is all at full size.
    """
    another_arm = check_type("another_arm", overrides.pop("another_arm", ""), str)
    task = overrides.get("task", "")
    presets = IMAGENET_PRESETS if task == IMAGENET.task.name else PRESETS
    accepted = (*BASELINE_ACCEPTS, "folder", "classes")
    values, baseline = resolve(presets, preset, overrides, baseline_of(preset, task), accepted)
    seeds = range(values.seeds)
    probed = lengthened(baseline, values.main).replace(measurements="geometry")
    rated = lengthened(baseline, values.sweep).replace(measurements="gradients")
    rated_arms = ["none", "batch", *([another_arm] if another_arm else [])]
    return {
        **{Group("race", arm=name): grid(config, seed=seeds) for name, config in arms(probed).items()},
        Group("calibration"): grid(
            lengthened(baseline, values.calibration), learning_rate=values.rates, seed=CALIBRATION_SEEDS
        ),
        Group("rates"): grid(rated, normalization=rated_arms, learning_rate=values.rates, seed=seeds),
    }
