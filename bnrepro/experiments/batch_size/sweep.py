"""The runs: a dense net over the size of the mini-batch, ghost batches, sampling, time and memory. Two rounds: rates are chosen,
then judged. Knows no claim and draws nothing.
"""

from dataclasses import dataclass

from bnrepro.analysis.curves import final_metric
from bnrepro.analysis.select import trained_curves
from bnrepro.config.grid import grid
from bnrepro.config.group import Group, Sweep
from bnrepro.config.run_config import RunConfig
from bnrepro.experiments.batch_size.tables import BUDGETS, GROUPS, LARGE, REFERENCE, best_rates, with_arms
from bnrepro.experiments.presets import FIRST_JUDGED, SELECTING_SEEDS, Length, lengthened, resolve, smallest
from bnrepro.experiments.setups import ARMS, BASE_RATE, DENSE
from bnrepro.records.schemas import Tables

TABLES = ("runs", "curves", "statistics", "errors", "provenance")

ROUNDS = True
"""The rates of the judged runs depend on the runs that choose."""

TIMES_FIRST_ROUND = {"smoke": 1.6, "quick": 1.5, "paper": 1.7}
"""By preset about how many times the work of its first round all rounds come to."""


@dataclass(frozen=True)
class Preset:
    """How much is trained.

    Attributes:
        seeds: Judged runs of an arm; the seeds are `FIRST_JUDGED` and on.
        examples: Examples that a run sees where that number is fixed; where the number of steps is, it is that of `REFERENCE`.
        sizes: Mini-batches of the dense net.
        renorm_sizes: Those that are also trained with Batch Renormalization.
        ghosts: Ghost batches at the mini-batch `LARGE`.
        rates: Learning rates, of which each arm, size and budget takes its best.
        cost_seeds: Runs of an arm that measure memory, unless `seeds` is given as a parameter; the seeds are 0 and on.
        cost: Their length.
        cost_sizes: Their mini-batches.
    """

    seeds: int
    examples: int
    sizes: tuple[int, ...]
    renorm_sizes: tuple[int, ...]
    ghosts: tuple[int, ...]
    rates: tuple[float, ...]
    cost_seeds: int
    cost: Length
    cost_sizes: tuple[int, ...]


SIZES = (2, 8, 32, 128, 256)
RATES = (0.003, 0.01, 0.03, 0.1, 0.3, 1.0)

PRESETS = {
    "smoke": Preset(
        seeds=1,
        examples=512,
        sizes=(2, 8, 128, 256),
        renorm_sizes=(2,),
        ghosts=(8,),
        rates=(0.1,),
        cost_seeds=1,
        cost=Length(2, 2),
        cost_sizes=(2,),
    ),
    "quick": Preset(
        seeds=2,
        examples=8_192,
        sizes=(2, 8, 128, 256),
        renorm_sizes=(2,),
        ghosts=(8,),
        rates=(0.03, 0.3),
        cost_seeds=1,
        cost=Length(4, 4),
        cost_sizes=(2, 128),
    ),
    "paper": Preset(
        seeds=12,
        examples=32_768,
        sizes=SIZES,
        renorm_sizes=(2, 8),
        ghosts=(4, 8, 32),
        rates=RATES,
        cost_seeds=8,
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
"""The net whose memory is measured, without regularizers."""

_ACCEPTED = ("hidden_units", "task")


def sweep(preset: str, so_far: Tables | None = None, **overrides) -> Sweep:
    """The runs of the rounds so far and of the next one, by group.

    `choice`: each arm and size at each rate, on seeds that judge nothing; its settings are the groups that it chooses for.
    `examples`, `steps`: each at its best rate on the judged seeds, without BN, with BN, and for small sizes with Batch
    Renormalization, with the number of examples or of steps held fixed. `ghost`: BN at the mini-batch `LARGE`, cut into ghost
    batches, examples fixed. `sampling`: the net whose statistics are compared with the population's, in training mode and, as
    the setting `inference`, there. `cost`: memory, each run in a process of its own.
    """
    values, base = resolve(PRESETS, preset, overrides, BASE, _ACCEPTED, FIRST_JUDGED)
    base = smallest(base) if preset == "smoke" else base
    seeds = range(FIRST_JUDGED, FIRST_JUDGED + values.seeds)
    nets = _nets(values, base, overrides.get("steps", 0))
    choice = {
        Group("choice", setting=group): [
            run for net in nets[group] for run in grid(net, learning_rate=values.rates, seed=SELECTING_SEEDS)
        ]
        for group in GROUPS
    }
    sampled = next(net for net in nets["examples"] if net.batch_size == REFERENCE and net.has("inference"))
    cost = lengthened(CONV.replace(task=base.task.name), values.cost).replace(measurements="cost", train_examples=5_000)
    return {
        **choice,
        **{Group(group): _judged(choice[Group("choice", setting=group)], so_far, seeds) for group in GROUPS},
        Group("sampling"): grid(sampled.replace(measurements="sampling"), seed=seeds),
        Group("sampling", setting="inference"): grid(sampled.replace(measurements="sampling_at_inference"), seed=seeds),
        Group("cost"): grid(
            cost,
            batch_size=values.cost_sizes,
            normalization=ARMS,
            seed=range(values.cost_seeds),
        ),
    }


_BN = {"normalization": "batch", "inference": "population"}
"""BN, whose accuracy is read with the statistics of Algorithm 2."""


def _nets(values: Preset, base: RunConfig, most: int) -> dict[str, list[RunConfig]]:
    """By group its nets, of which each takes the best rate of its own; no run is longer than `most`, where that is not 0."""
    nets = {}
    for budget in BUDGETS:
        nets[budget] = []
        for size in values.sizes:
            steps = values.examples // (size if budget == "examples" else REFERENCE)
            net = _seeing(base, size, size * min(steps, most or steps))
            nets[budget] += [net, net.replace(**_BN)]
            nets[budget] += [net.replace(normalization="renorm")] * (size in values.renorm_sizes)
    steps = values.examples // LARGE
    large = _seeing(base, LARGE, LARGE * min(steps, most or steps)).replace(**_BN)
    return {**nets, "ghost": grid(large, ghost_size=values.ghosts)}


def _seeing(base: RunConfig, size: int, examples: int) -> RunConfig:
    """The net at a mini-batch, trained on so many examples and then evaluated."""
    return base.replace(batch_size=size, steps=examples // size, evaluate_every=examples // size)


def _judged(choice: list[RunConfig], so_far: Tables | None, seeds: range) -> list[RunConfig]:
    """Each net of those that choose at its best rate on the judged seeds; none while one of them is not trained."""
    curves = trained_curves(choice, so_far)
    if curves is None:
        return []
    best = best_rates(with_arms(final_metric(curves)), "final_metric")
    by_id = {config.id: config for config in choice}
    nets = [by_id[run] for run in best.drop_duplicates(["arm", "batch_size", "together"])["run"]]
    return [run for net in nets for run in grid(net.replace(measurements="modes"), seed=seeds)]
