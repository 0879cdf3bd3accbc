"""The runs: two nets over the size of the mini-batch, ghost batches, sampling, time and memory. Knows no table."""

from dataclasses import dataclass

from bnrepro.config.grid import grid
from bnrepro.config.group import Group, Sweep
from bnrepro.config.run_config import RunConfig
from bnrepro.experiments.batch_size.tables import BUDGETS, LARGE, REFERENCE
from bnrepro.experiments.presets import Length, lengthened, resolve
from bnrepro.experiments.setups import ARMS, BASE_RATE, DENSE

TABLES = ("runs", "curves", "statistics", "errors", "provenance")


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
    task="fashion_mnist",
    pixels="grey",
    model="inception_small",
    width=8,
    activation="relu",
    initialization="he",
    learning_rate=BASE_RATE,
    sgd_momentum=0.9,
    validation_examples=2_000,
)
"""The convolutional net, without regularizers; its rate is that of the Baseline in notebook 03, tuned for no size."""

_ACCEPTED = ("hidden_units", "task")


def sweep(preset: str, **overrides) -> Sweep:
    """The runs by group.

    `examples`, `steps`: the dense net at each size and rate, without BN, with BN, and for small sizes with Batch
    Renormalization, with the number of examples or of steps held fixed. `ghost`: BN at the mini-batch `LARGE`, cut into
    ghost batches, examples fixed. `sampling`: the net whose statistics are compared with the population's. `conv`: the
    convolutional net, steps fixed. `cost`: time and memory, each run in a process of its own.
    """
    values, base = resolve(PRESETS, preset, overrides, BASE, _ACCEPTED)
    seeds, most = range(values.seeds), overrides.get("steps", 0)

    def seeing(size: int, budget: str, measurements: str = "modes") -> RunConfig:
        steps = values.examples // (size if budget == "examples" else REFERENCE)
        steps = min(steps, most or steps)
        return base.replace(batch_size=size, steps=steps, evaluate_every=steps, measurements=measurements)

    groups = {}
    for budget in BUDGETS:
        runs = groups[Group(budget)] = []
        for size in values.sizes:
            arms = (*ARMS, "renorm") if size in values.renorm_sizes else ARMS
            cells = dict(normalization=arms, learning_rate=values.rates, seed=seeds)
            runs += grid(seeing(size, budget), **cells)
    large = seeing(LARGE, "examples").replace(normalization="batch")
    sampled = seeing(REFERENCE, "examples", measurements="sampling").replace(normalization="batch")
    conv_seeds = seeds if overrides.get("seeds") else range(values.conv_seeds)
    conv = CONV.replace(task=base.task.name)
    cost = lengthened(conv, values.cost).replace(measurements="cost", train_examples=5_000)
    return {
        **groups,
        Group("ghost"): grid(large, ghost_size=values.ghosts, learning_rate=values.rates, seed=seeds),
        Group("sampling"): grid(sampled, seed=seeds),
        Group("conv"): grid(
            lengthened(conv, values.conv), batch_size=values.conv_sizes, normalization=ARMS, seed=conv_seeds
        ),
        Group("cost"): grid(cost, batch_size=values.cost_sizes, normalization=ARMS, seed=conv_seeds),
    }
