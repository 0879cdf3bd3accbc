"""Figures 2 and 3, section 3.3: what rates does BN permit, and what are they worth? Sweep, claims L1 to L9, figure."""

from dataclasses import dataclass

import pandas as pd
from matplotlib.figure import Figure

from bnrepro.claims import CLAIMS
from bnrepro.config import RunConfig, grid
from bnrepro.findings import learning_rates_claims, learning_rates_figure
from bnrepro.findings.learning_rates_explore import controls, explore, live
from bnrepro.findings.learning_rates_tables import (
    ARMS,
    calibrated,
    effective_rates,
    figure3,
    gradients,
    invariances,
    jacobians,
    published,
    race,
    rate_sweep,
)
from bnrepro.findings.presets import CALIBRATION_SEEDS, Length, lengthened, resolve
from bnrepro.findings.setups import BASELINE_ACCEPTS, arms, baseline_of
from bnrepro.select import TRAINS, curves_of
from bnrepro.tables import Tables

__all__ = [
    "CAPTION",
    "PAPER",
    "PRESETS",
    "TABLES",
    "TITLE",
    "analyse",
    "calibrated",
    "controls",
    "explore",
    "figure",
    "figure3",
    "live",
    "sweep",
]

TITLE = "Learning rates"
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

_PUBLISHED = published().set_index("arm")

PAPER = {
    "L1": float(_PUBLISHED.loc["bn_baseline", "paper_fewer"]),
    "L2": float(_PUBLISHED.loc["bn_x5", "paper_fewer"] / _PUBLISHED.loc["bn_baseline", "paper_fewer"]),
    "L3": float(_PUBLISHED["paper_best_accuracy"]["bn_x30"] - _PUBLISHED["paper_best_accuracy"]["bn_x5"]),
}
"""The paper's own numbers, of its Figure 3."""

CAPTION = (
    "(a) Accuracy on validation examples of a small Inception: {baseline_seeds} seeds an arm (thin lines), their median (thick) "
    "and its 95% bootstrap interval (band), on an axis spaced by the logarithm of the error; a cross where all runs of an arm "
    "diverged. Dotted, the best accuracy of the Baseline (median of the seeds); a dot where each arm's median reaches it. "
    "(b) The paper's Figure 2, on ImageNet, in the same colors; diamonds, its printed steps to the best of its Inception. "
    "(c) Training steps to the best accuracy of the Baseline of the same seed: each run (tick), median (dot, number) and its "
    "interval; diamonds, the paper's ratios, put on our Baseline. A run that never gets there counts with all its steps and is "
    "an arrow. (d) Accuracy at the end of shorter runs without and with BN, median of {rates_seeds} seeds and its interval; "
    f"below, the rates at which half of the runs or more end at {TRAINS:.0%} or above (bar), the best (star), and how many runs "
    "diverged (cross). (e) Norm of all hidden weights, and rate over the norm squared, both over the start's. (f) Norm "
    "of the gradient by layer at the start and at the end of the runs of (d) at the largest rate that trains: each run (thin), "
    "median (thick). (g) Singular values of the Jacobian of a convolution in a double 3x3 branch, Baseline and BN-Baseline, "
    "before and after training: median, quartiles, 5th to 95th percentile, medians of the seeds. (h) Relative change of logits "
    "and weight gradients when all weights before a BN are multiplied by a, in every trained net with BN (dots; line, the "
    "largest): as it is, and with epsilon divided by a squared, where nothing but rounding may be left; dotted, the limit of the "
    "claim. (i) The network: convolutions (blue) with their size, stride and channels, pooling (grey), and what the changes of "
    "section 4.2.1 remove (dashed); size and channels of its images below."
)


def sweep(preset: str, **overrides) -> dict[str, list[RunConfig]]:
    """The runs by group: one group an arm, and

    `calibration`, the Baseline at each rate, which chooses the base rate; `rates`, the Baseline and BN-Baseline at each rate.
    """
    values, baseline = resolve(PRESETS, preset, overrides, baseline_of(preset), BASELINE_ACCEPTS)
    seeds = range(values.seeds)
    probed = lengthened(baseline, values.main).replace(probe="geometry")
    rated = lengthened(baseline, values.sweep).replace(probe="gradients")
    return {
        **{name: grid(config, seed=seeds) for name, config in arms(probed).items()},
        "calibration": grid(
            lengthened(baseline, values.calibration), learning_rate=values.rates, seed=CALIBRATION_SEEDS
        ),
        "rates": grid(rated, normalization=("none", "batch"), learning_rate=values.rates, seed=seeds),
    }


def analyse(tables: Tables) -> pd.DataFrame:
    """The statistic of each claim: `claim`, `estimate`, `ci_low`, `ci_high`, `n`, `bound`, `note`."""
    return learning_rates_claims.statistics(tables)


def figure(tables: Tables) -> Figure:
    """Figures 2 and 3, the sweep of rates, and what may explain them."""
    return learning_rates_figure.draw(
        curves=curves_of(tables, *ARMS),
        race=race(tables),
        published=published(),
        sweep=rate_sweep(tables),
        effective=effective_rates(tables),
        gradients=gradients(tables),
        jacobians=jacobians(tables),
        invariances=invariances(tables),
        tolerance=CLAIMS["L8"].rule.threshold,
    )
