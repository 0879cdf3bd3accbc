"""The networks of Figures 2 and 3 as runs, and the sweep of rates. Knows no table."""

from dataclasses import dataclass

from bnrepro.config.grid import grid
from bnrepro.config.run_config import RunConfig
from bnrepro.experiments.presets import CALIBRATION_SEEDS, Length, lengthened, resolve
from bnrepro.experiments.setups import BASELINE_ACCEPTS, arms, baseline_of

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


def sweep(preset: str, **overrides) -> dict[str, list[RunConfig]]:
    """The runs by group: one group an arm, and

    `calibration`, the Baseline at each rate, which chooses the base rate; `rates`, the Baseline and BN-Baseline at each rate.
    """
    values, baseline = resolve(PRESETS, preset, overrides, baseline_of(preset), BASELINE_ACCEPTS)
    seeds = range(values.seeds)
    probed = lengthened(baseline, values.main).replace(measurements="geometry")
    rated = lengthened(baseline, values.sweep).replace(measurements="gradients")
    return {
        **{name: grid(config, seed=seeds) for name, config in arms(probed).items()},
        "calibration": grid(
            lengthened(baseline, values.calibration), learning_rate=values.rates, seed=CALIBRATION_SEEDS
        ),
        "rates": grid(rated, normalization=("none", "batch"), learning_rate=values.rates, seed=seeds),
    }
