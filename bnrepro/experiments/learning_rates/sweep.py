"""The networks of Figures 2 and 3 as runs, and the sweep of rates. Knows no table."""

from dataclasses import dataclass, replace

from bnrepro.config.grid import grid
from bnrepro.config.group import Group, Sweep
from bnrepro.config.validation import check_type
from bnrepro.experiments.presets import (
    CALIBRATION_SEEDS,
    FIRST_JUDGED,
    SELECTING_SEEDS,
    Length,
    lengthened,
    resolve,
    smallest,
)
from bnrepro.experiments.setups import (
    BASELINE_ACCEPTS,
    IMAGENET,
    IMAGENET_EPOCH,
    IMAGENET_STEPS,
    PAPER_RATES,
    arms,
    baseline_of,
    raced_of,
)

TABLES = ("runs", "curves", "geometry", "invariances", "provenance")


@dataclass(frozen=True)
class Preset:
    """How much is trained.

    Attributes:
        seeds: Runs of an arm of the race; the seeds are `FIRST_JUDGED` and on.
        rate_seeds: Runs at each rate, in both arms; the seeds are 0 and on.
        main: The runs that are reported.
        sweep: Runs at each rate, in both arms.
        calibration: Runs of the Baseline that choose the base rate.
        rates: The rates of both sweeps.
        at_papers_rates: Arms of the race that run at the paper's own rates besides, where the race does not.
    """

    seeds: int
    rate_seeds: int
    main: Length
    sweep: Length
    calibration: Length
    rates: tuple[float, ...]
    at_papers_rates: tuple[str, ...] = ()


MEASURED = {
    **dict.fromkeys(("baseline", "bn_baseline"), "geometry"),
    **dict.fromkeys(("bn_x5", "bn_x30", "bn_x5_sigmoid"), "gradients"),
}
"""What is measured in the arms of the race: Jacobians in two, the norm of the weights in those that explain the rates."""

RACED_RATES = (0.003, 0.01, 0.03, 0.1, 0.3)
"""The rates of which the net of ten modules has its own best chosen."""

RATES = (0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0)

PRESETS = {
    "smoke": Preset(
        seeds=1,
        rate_seeds=1,
        main=Length(4, 4),
        sweep=Length(4, 2),
        calibration=Length(4, 2),
        rates=(0.03, 10.0),
    ),
    "quick": Preset(
        seeds=2,
        rate_seeds=2,
        main=Length(300, 100),
        sweep=Length(150, 50),
        calibration=Length(150, 50),
        rates=(0.003, 0.03, 0.3, 3.0),
    ),
    "paper": Preset(
        seeds=12,
        rate_seeds=8,
        main=Length(1_000, 100),
        sweep=Length(300, 50),
        calibration=Length(1_500, 500),
        rates=RATES,
        at_papers_rates=("baseline", "bn_x5", "bn_x30"),
    ),
}

IMAGENET_PRESETS = {
    "smoke": replace(PRESETS["smoke"], rates=PAPER_RATES[::2]),
    "quick": Preset(
        seeds=1,
        rate_seeds=1,
        main=Length(2_000, 500),
        sweep=Length(500, 250),
        calibration=Length(500, 250),
        rates=PAPER_RATES,
    ),
    "paper": Preset(
        seeds=1,
        rate_seeds=1,
        main=Length(IMAGENET_STEPS, IMAGENET_EPOCH // 4),
        sweep=Length(IMAGENET_EPOCH, IMAGENET_EPOCH // 4),
        calibration=Length(IMAGENET_EPOCH, IMAGENET_EPOCH),
        rates=PAPER_RATES,
    ),
}
"""With `task=imagenet`: the paper's net, rates and steps, one run an arm, as there."""


def sweep(preset: str, **overrides) -> Sweep:
    """The runs by group.

    `race`, in which each of `setups.arms` is an arm, at preset `paper` of ten modules; `papers_rates`, some of those arms at the
    rates that the paper prints; `calibration`, the Baseline at each rate, which chooses the base rate of each net; `rates`, the
    Baseline and BN-Baseline of four modules at each rate, and a third arm where the parameter `another_arm` names a normalization
    for it.

    With `task=imagenet` it is all at full size.
    """
    another_arm = check_type("another_arm", overrides.pop("another_arm", ""), str)
    task = overrides.get("task", "")
    presets = IMAGENET_PRESETS if task == IMAGENET.task.name else PRESETS
    accepted = (*BASELINE_ACCEPTS, "folder", "classes")
    values, raced = resolve(presets, preset, overrides, raced_of(preset, task), accepted, FIRST_JUDGED)
    _, baseline = resolve(presets, preset, overrides, baseline_of(preset, task), accepted)
    if preset == "smoke" and not baseline.task.streams:
        raced, baseline = smallest(raced), smallest(baseline)
    judged = range(FIRST_JUDGED, FIRST_JUDGED + values.seeds)
    rated = lengthened(baseline, values.sweep).replace(measurements="gradients")
    rated_arms = ["none", "batch", *([another_arm] if another_arm else [])]
    calibration = grid(lengthened(baseline, values.calibration), learning_rate=values.rates, seed=CALIBRATION_SEEDS)
    if raced != baseline:
        calibration += grid(lengthened(raced, values.main), learning_rate=RACED_RATES, seed=SELECTING_SEEDS)
    papers = arms(lengthened(raced, values.main).replace(learning_rate=PAPER_RATES[0]))
    return {
        **{
            Group("race", arm=arm): grid(config.replace(measurements=MEASURED.get(arm, "")), seed=judged)
            for arm, config in arms(lengthened(raced, values.main)).items()
        },
        **{Group("papers_rates", arm=arm): grid(papers[arm], seed=judged) for arm in values.at_papers_rates},
        Group("calibration"): calibration,
        Group("rates"): grid(
            rated, normalization=rated_arms, learning_rate=values.rates, seed=range(values.rate_seeds)
        ),
    }
