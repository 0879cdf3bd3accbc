"""Notebook 06: what does the size of the mini-batch do to BN? Sweep, claims B1 to B4, and figure. Trains nothing."""

from dataclasses import dataclass

import pandas as pd
from matplotlib.figure import Figure

from bnrepro.config import RunConfig, grid
from bnrepro.findings import batch_size_claims, batch_size_figure
from bnrepro.findings import batch_size_effects as found
from bnrepro.findings.batch_size_effects import BUDGETS, LARGE, REFERENCE, SMALL, effects
from bnrepro.findings.batch_size_explore import controls, explore, live
from bnrepro.findings.presets import Length, lengthened, resolve
from bnrepro.findings.setups import ARMS, BASE_RATE, DENSE
from bnrepro.tables import Tables

__all__ = [
    "CAPTION",
    "PAPER",
    "PRESETS",
    "TABLES",
    "TITLE",
    "analyse",
    "controls",
    "derive",
    "effects",
    "explore",
    "figure",
    "live",
    "sweep",
]

TITLE = "Batch size"
TABLES = ("runs", "curves", "statistics", "errors", "provenance")

PAPER = {}
"""The paper says nothing of other mini-batches than its own."""

CAPTION = (
    "(a, b) Test accuracy of the dense net after the last step over the size m of the mini-batch, each arm and size at its best "
    f"learning rate: as many examples seen, and as many steps as m = {REFERENCE} takes for them. {{examples_seeds}} seeds an arm "
    "(thin), their median (thick) and its 95% bootstrap interval (band). (c) These rates, chosen on validation examples, the "
    "lines a little apart; filled, as many examples, open, as many steps. (d) How far the test accuracy with the moving "
    "averages, as at inference, lies from that with each test mini-batch's own statistics, as in training, over the number of "
    f"examples that BN normalizes together: mini-batches of m, and ghost batches in mini-batches of m = {LARGE}, the last of "
    f"which is whole; the claim compares ghosts of {SMALL} with m = {SMALL}. The axis is linear up to 0.1. "
    "(e) The test accuracy of the same nets: where the curves part, it is the "
    "optimizer's mini-batch that matters; where they fall together, it is BN's. (f, g) Root mean square error of the mean and "
    "of the unbiased variance of a mini-batch, against the population's, by layer of a trained net, with the slopes of the "
    "logarithms; dotted, 1/√m. (h) inception_small, all sizes at one rate and as many steps; its BN normalizes m' = m p q "
    "values of a feature map together. (i) Microseconds of training a step and an example, dense net, medians over the rates, "
    "while other processes trained beside it. (j) Peak memory of a process that trains inception_small and nothing else. "
    "Orange, without BN; blue, with BN; green, Batch Renormalization; purple, ghost batches. A run that diverged counts as "
    "guessing, and has no gap."
)


@dataclass(frozen=True)
class Preset:
    """How much is trained.

    Attributes:
        seeds: Runs of an arm; the seeds are 0 to seeds - 1.
        examples: Examples that a run sees where that number is fixed; where the number of steps is, it is that of `REFERENCE`.
        sizes: Mini-batches of the dense net.
        renorm_sizes: Those that are also trained with Batch Renormalization.
        ghosts: Ghost batches at the mini-batch `LARGE`.
        rates: Learning rates, of which each arm, size and budget takes its best.
        conv_seeds: Runs of an arm of `inception_small`, unless `seeds` is given as a parameter.
        conv: Their length.
        conv_sizes: Its mini-batches.
        cost: Length of the runs that measure its time and memory.
        cost_sizes: Their mini-batches.
    """

    seeds: int
    examples: int
    sizes: tuple[int, ...]
    renorm_sizes: tuple[int, ...]
    ghosts: tuple[int, ...]
    rates: tuple[float, ...]
    conv_seeds: int
    conv: Length
    conv_sizes: tuple[int, ...]
    cost: Length
    cost_sizes: tuple[int, ...]


SIZES = (2, 4, 8, 16, 32, 64, 128, 256, 512, 1024)
RATES = (0.01, 0.03, 0.1, 0.3, 1.0)

PRESETS = {
    "smoke": Preset(
        seeds=1,
        examples=2_048,
        sizes=(2, 8, 128, 256),
        renorm_sizes=(2,),
        ghosts=(8,),
        rates=(0.1,),
        conv_seeds=1,
        conv=Length(2, 2),
        conv_sizes=(2,),
        cost=Length(2, 2),
        cost_sizes=(2, 16),
    ),
    "quick": Preset(
        seeds=2,
        examples=8_192,
        sizes=(2, 8, 128, 256),
        renorm_sizes=(2,),
        ghosts=(8,),
        rates=(0.03, 0.3),
        conv_seeds=1,
        conv=Length(60, 60),
        conv_sizes=(2, 16),
        cost=Length(4, 4),
        cost_sizes=(2, 128),
    ),
    "paper": Preset(
        seeds=8,
        examples=32_768,
        sizes=SIZES,
        renorm_sizes=(2, 4, 8, 16),
        ghosts=(4, 8, 16, 32, 64, 128),
        rates=RATES,
        conv_seeds=8,
        conv=Length(200, 100),
        conv_sizes=(2, 4, 16, 64),
        cost=Length(12, 6),
        cost_sizes=(2, 32, 512),
    ),
}

BASE = DENSE
"""The dense net: three hidden layers of 100 ReLU."""

CONV = RunConfig(
    dataset="fashion_mnist",
    pixels="grey",
    model="inception_small",
    width=8,
    activation="relu",
    initializer="he",
    learning_rate=BASE_RATE,
    sgd_momentum=0.9,
    validation_examples=2_000,
)
"""The convolutional net, without regularizers; its rate is that of the Baseline in notebook 03, tuned for no size."""

_ACCEPTED = ("hidden_units", "dataset")


def sweep(preset: str, **overrides) -> dict[str, list[RunConfig]]:
    """The runs by group.

    `examples`, `steps`: the dense net at each size and rate, without BN, with BN, and for small sizes with Batch
    Renormalization, with the number of examples or of steps held fixed. `ghost`: BN at the mini-batch `LARGE`, cut into
    ghost batches, examples fixed. `sampling`: the net whose statistics are compared with the population's. `conv`: the
    convolutional net, steps fixed. `cost`: time and memory, each run in a process of its own.
    """
    values, base = resolve(PRESETS, preset, overrides, BASE, _ACCEPTED)
    seeds, most = range(values.seeds), overrides.get("steps", 0)

    def seeing(size: int, budget: str, probe: str = "modes") -> RunConfig:
        steps = values.examples // (size if budget == "examples" else REFERENCE)
        steps = min(steps, most or steps)
        return base.replace(batch_size=size, steps=steps, evaluate_every=steps, probe=probe)

    groups = {}
    for budget in BUDGETS:
        groups[budget] = []
        for size in values.sizes:
            arms = (*ARMS, "renorm") if size in values.renorm_sizes else ARMS
            cells = dict(normalization=arms, learning_rate=values.rates, seed=seeds)
            groups[budget] += grid(seeing(size, budget), **cells)
    large = seeing(LARGE, "examples").replace(normalization="batch")
    sampled = seeing(REFERENCE, "examples", probe="sampling").replace(normalization="batch")
    conv_seeds = seeds if overrides.get("seeds") else range(values.conv_seeds)
    conv = CONV.replace(dataset=base.dataset)
    cost = lengthened(conv, values.cost).replace(probe="cost", train_examples=5_000)
    return {
        **groups,
        "ghost": grid(large, ghost_size=values.ghosts, learning_rate=values.rates, seed=seeds),
        "sampling": grid(sampled, seed=seeds),
        "conv": grid(lengthened(conv, values.conv), batch_size=values.conv_sizes, normalization=ARMS, seed=conv_seeds),
        "cost": grid(cost, batch_size=values.cost_sizes, normalization=ARMS, seed=conv_seeds),
    }


def derive(tables: Tables) -> Tables:
    """The tables to keep: of `curves` the last evaluations, for the others say nothing here and are most of the bytes."""
    curves = tables["curves"]
    last = curves["step"] == curves["run"].map(tables["runs"].set_index("run")["steps"])
    return {**tables, "curves": curves[last & (curves["split"] != "train")].reset_index(drop=True)}


def analyse(tables: Tables) -> pd.DataFrame:
    """The statistic of each claim: `claim`, `estimate`, `ci_low`, `ci_high`, `n`, `bound`, `note`."""
    return pd.DataFrame(claim(tables) for claim in batch_size_claims.STATISTICS)


def figure(tables: Tables) -> Figure:
    """Accuracy, best rates and the gap between inference and training over the mini-batch; errors of moments; time, memory."""
    return batch_size_figure.draw(
        best=found.at_best_rates(found.measured(tables)),
        errors=found.sampling_errors(tables),
        times=found.times(tables),
        memory=found.memory(tables),
    )
