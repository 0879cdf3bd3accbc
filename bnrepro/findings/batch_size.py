"""Notebook 06: what does the size of the mini-batch do to BN? Sweep, claims B1 to B4, and figure. Trains nothing."""

from dataclasses import dataclass

import pandas as pd
from matplotlib.figure import Figure

from bnrepro.config import RunConfig, grid
from bnrepro.findings import batch_size_claims, batch_size_figure
from bnrepro.findings import batch_size_effects as found
from bnrepro.findings.batch_size_effects import BUDGETS, LARGE, REFERENCE, SMALL, effects
from bnrepro.findings.batch_size_explore import controls, explore, live
from bnrepro.findings.inception import BASE_RATE
from bnrepro.findings.lengths import DENSE, Length, lengthened, resolve
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
ARMS = ("none", "batch")

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
    "smoke": Preset(1, 2_048, (2, 8, 128, 256), (2,), (8,), (0.1,), 1, Length(2, 2), (2,), Length(2, 2), (2, 16)),
    "quick": Preset(
        *(2, 8_192, (2, 8, 128, 256), (2,), (8,), (0.03, 0.3)),
        *(1, Length(60, 60), (2, 16), Length(4, 4), (2, 128)),
    ),
    "paper": Preset(
        *(8, 32_768, SIZES, (2, 4, 8, 16), (4, 8, 16, 32, 64, 128), RATES),
        *(8, Length(200, 100), (2, 4, 16, 64), Length(12, 6), (2, 32, 512)),
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

_OVERRIDES = {"seeds": int, "steps": int, "hidden_units": int, "dataset": str}


def sweep(preset: str, **overrides) -> dict[str, list[RunConfig]]:
    """The runs by group.

    `examples`, `steps`: the dense net at each size and rate, without BN, with BN, and for small sizes with Batch
    Renormalization, with the number of examples or of steps held fixed. `ghost`: BN at the mini-batch `LARGE`, cut into
    ghost batches, examples fixed. `sampling`: the net whose statistics are compared with the population's. `conv`: the
    convolutional net, steps fixed. `cost`: time and memory, each run in a process of its own.
    """
    most = overrides.pop("steps", 0)
    values, base = resolve(PRESETS, preset, {**overrides, "steps": most}, _OVERRIDES, BASE)
    seeds = range(values.seeds)

    def seeing(size: int, budget: str, probe: str = "modes") -> RunConfig:
        steps = values.examples // (size if budget == "examples" else REFERENCE)
        steps = min(steps, most or steps)
        return base.replace(batch_size=size, steps=steps, evaluate_every=steps, probe=probe)

    def arms(size: int) -> tuple[str, ...]:
        return (*ARMS, *(("renorm",) if size in values.renorm_sizes else ()))

    groups = {
        budget: [
            config
            for size in values.sizes
            for config in grid(seeing(size, budget), normalization=arms(size), learning_rate=values.rates, seed=seeds)
        ]
        for budget in BUDGETS
    }
    large, sampled = (
        seeing(*of).replace(normalization="batch") for of in ((LARGE, "examples"), (REFERENCE, "examples", "sampling"))
    )
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
    best = found.at_best_rates(found.measured(tables))
    return batch_size_figure.draw(best, found.sampling_errors(tables), found.times(tables), found.memory(tables))
