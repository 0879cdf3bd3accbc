"""Notebook 07: do running averages represent the population? Sweep, claims P1 to P4, and figure. Trains nothing."""

from dataclasses import dataclass

import pandas as pd
from matplotlib.figure import Figure

from bnrepro.config import RunConfig, grid
from bnrepro.findings import inference_statistics_claims, inference_statistics_figure
from bnrepro.findings import inference_statistics_effects as found
from bnrepro.findings.inference_statistics_effects import effects
from bnrepro.findings.inference_statistics_explore import controls, explore, live
from bnrepro.findings.presets import Length, lengthened, resolve
from bnrepro.findings.setups import DENSE
from bnrepro.tables import Tables

__all__ = [
    "BASE",
    "CAPTION",
    "MOMENTUM",
    "PAPER",
    "PRESETS",
    "TABLES",
    "TITLE",
    "analyse",
    "controls",
    "effects",
    "explore",
    "figure",
    "live",
    "sweep",
]

TITLE = "Statistics at inference"
TABLES = ("runs", "curves", "statistics", "variances", "provenance")

PAPER = {}
"""The paper gives no number for these claims."""

CAPTION = (
    "A dense net with BN on Fashion-MNIST, mini-batches of m examples, at one rate; {main_seeds} seeds (thin lines, ticks), "
    "their median (thick, dot) and its 95% bootstrap interval. Blue: moving averages of momentum 0.99, Keras's default; green: "
    "population statistics, step 10 of Algorithm 2; pink: a mini-batch's own statistics, as in training. (a) Training mode on "
    "the mini-batches that are trained on, inference on validation examples with moving averages of three momenta, and on test "
    "examples with population statistics. The weights are the same for every momentum; a run is at chance from where it "
    "diverged. (b) Accuracy on the test set with the test batch's own statistics minus with fixed ones. (c, d) Test accuracy "
    "by choice of statistics; pooled: the variance of all values together; biased: without the factor m/(m-1). (e, f) The "
    "variance in use, of Algorithm 2 with (filled) and without (open) that factor, over the variance of the BN's inputs at "
    "inference, mean of the units; dotted, 1 and (m-1)/m. (g) Test images as they are, at half the contrast, with Gaussian "
    "noise, and class by class, so that a mini-batch is of one class; dotted, chance. (h) Share of test examples whose class "
    "changes with the other members of their mini-batch; class by class: against mixed ones. (b) to (h) leave out runs that "
    "diverged."
)


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
    "smoke": Preset(
        seeds=1,
        main=Length(20, 10),
        sizes=(4, 64),
        momenta=(0.9,),
    ),
    "quick": Preset(
        seeds=2,
        main=Length(300, 100),
        sizes=(2, 8, 32, 128),
        momenta=(0.9, 0.999),
    ),
    "paper": Preset(
        seeds=8,
        main=Length(1_000, 100),
        sizes=(2, 4, 8, 16, 32, 64, 128, 256),
        momenta=(0.9, 0.999),
    ),
}

BASE = DENSE.replace(normalization="batch", momentum=MOMENTUM, learning_rate=0.03)
"""The dense net with BN; one rate for all mini-batches, so that nothing but their size differs."""

_ACCEPTED = ("learning_rate", "hidden_units", "dataset")


def sweep(preset: str, **overrides) -> dict[str, list[RunConfig]]:
    """The runs by group.

    `main`: each mini-batch, with every choice of statistics measured. `momentum`: the same training with other running
    averages, whose accuracy their curves have.
    """
    values, base = resolve(PRESETS, preset, overrides, BASE, _ACCEPTED)
    cells = dict(batch_size=values.sizes, seed=range(values.seeds))
    net = lengthened(base, values.main)
    return {
        "main": grid(net.replace(probe="statistics"), **cells),
        "momentum": grid(net, momentum=values.momenta, **cells),
    }


def analyse(tables: Tables) -> pd.DataFrame:
    """The statistic of each claim: `claim`, `estimate`, `ci_low`, `ci_high`, `n`, `bound`, `note`."""
    return pd.DataFrame(claim(tables) for claim in inference_statistics_claims.STATISTICS)


def figure(tables: Tables) -> Figure:
    """Training mode and inference over the steps and over the mini-batch, variances, shifted data, answers that change."""
    sizes, run = found.sizes(tables), tables["runs"].iloc[0]
    shown = found.nearest(sizes, found.SIZE), found.nearest(sizes, found.MIDDLE)
    shifted = {data: found.said(tables, data=data) for data in found.DATA}
    courses = found.courses(tables, shown[0])
    same = (courses["line"] == "training") & (courses["momentum"] != MOMENTUM)  # as with MOMENTUM, to the bit
    return inference_statistics_figure.draw(
        courses=courses[~same],
        gaps=found.gaps(tables),
        ratios=found.ratios(tables),
        accuracies={when: found.said(tables, when) for when in ("last", "first")},
        shifted={
            data: table[table.index.get_level_values("batch_size") == shown[1]] for data, table in shifted.items()
        },
        changed={data: found.said(tables, data=data, value="changed") for data in ("test", "imbalanced")},
        sizes=sizes,
        shown=shown,
        steps=(run["evaluate_every"], run["steps"]),
    )
