"""Synthetic tables of `06_batch_size` whose answers are known: every number is a formula of the run's config."""

import functools
from collections.abc import Callable

import pandas as pd

from bnrepro.config.identity import COLUMNS
from bnrepro.config.run_config import RunConfig
from bnrepro.experiments import EXPERIMENTS
from bnrepro.records.schemas import Tables
from bnrepro.records.store import membership
from tests.experiments.rows import table

batch_size = EXPERIMENTS["06_batch_size"]

BEST = {"none": 0.03, "batch": 0.3, "renorm": 0.3}
SIZES = (2, 8, 32, 128, 512)
LAYERS = ("hidden_1", "hidden_2", "hidden_3")


@functools.cache
def sweep_of(preset: str, seeds: int) -> tuple[list[tuple[str, RunConfig]], pd.DataFrame]:
    """The runs by their id, sorted, and who is in which group; shared between tests, so nothing may change them."""
    sweep = batch_size.sweep(preset, seeds=seeds)
    configs = {config.id: config for members in sweep.values() for config in members}
    return sorted(configs.items()), membership(sweep)


def arm_of(config: RunConfig) -> str:
    return "ghost" if config["ghost_size"] else config["normalization"]


def accuracy_of(config: RunConfig) -> float:
    """On the test set: BN loses as its mini-batch shrinks, and each arm away from its best rate; seeds differ by 0.001."""
    together = config["ghost_size"] or config.batch_size
    lost = {"none": 0.0, "batch": 0.1 / together, "renorm": 0.05 / together}[config["normalization"]]
    away = config["model"] == "mlp" and config["learning_rate"] != BEST[config["normalization"]]
    return 0.85 - lost - 0.2 * away + 0.001 * config.seed


def gap_of(config: RunConfig) -> float:
    return 0.2 / (config["ghost_size"] or config.batch_size)


def seconds_of(config: RunConfig) -> float:
    """A step takes a tenth of a millisecond and a microsecond an example, half as much again with BN."""
    return config.steps * (1e-4 + 1e-6 * config.batch_size) * (1.0 if config["normalization"] == "none" else 1.5)


def peak_of(config: RunConfig) -> float:
    return 500.0 + config.batch_size * (1 if config["normalization"] == "none" else 2)


def make_batch_size(
    seeds: int = 3,
    preset: str = "quick",
    diverging: Callable[[RunConfig], bool] = lambda config: False,
    test: Callable[[RunConfig], float] = accuracy_of,
    gap: Callable[[RunConfig], float] = gap_of,
    seconds: Callable[[RunConfig], float] = seconds_of,
    peak: Callable[[RunConfig], float] = peak_of,
    power: Callable[[RunConfig, str], float] = lambda config, value: -0.5,
) -> Tables:
    """All tables as `collect` would return them.

    Args:
        seeds: Of every arm.
        preset: Of the sweep.
        diverging: Which runs diverge, in their first step.
        test: The accuracy on the test set; on the validation examples it is 0.01 more.
        gap: Inference minus training mode.
        seconds: Of training.
        peak: Memory in MiB.
        power: Of the size in the errors of the `mean` and of the `variance`.
    """
    configs, members = sweep_of(preset, seeds)
    rows = {name: [] for name in batch_size.TABLES}
    for run, config in configs:
        lost = diverging(config)
        rows["runs"].append(
            (run, *(config[name] for name in COLUMNS), "diverged" if lost else "finished", 1 if lost else None)
        )
        machine = ("xla", "CPU", "a processor", "3.11", "2.21", "3.15", "2.4", "0.1")
        rows["provenance"].append((run, seconds(config), 0.5, 1.0, peak(config), *machine))
        if config["measurements"] == "cost":
            continue
        rows["curves"].append((run, 0, "validation", 2.4, 0.1))
        if lost:
            continue
        for split, more in (("train", 0.02), ("validation", 0.01), ("test", 0.0)):
            rows["curves"].append((run, config.steps, split, 0.5, test(config) + more))
        if config["measurements"] == "modes" and config["normalization"] != "none":
            for statistics, less in (("moving", 0.0), ("batch", gap(config))):
                rows["statistics"].append((run, config.steps, "test", statistics, 0.5, test(config) - less, 0.01))
        if config["measurements"] == "sampling":
            for place, layer in enumerate(LAYERS):
                for size in SIZES:
                    errors = [(1 + place) * float(size) ** power(config, value) for value in ("mean", "variance")]
                    rows["errors"].append((run, layer, size, *errors))
    tables = {name: table(name, values) for name, values in rows.items()}
    return {"sweep": members.copy(), **tables}


def alternating(config: RunConfig) -> int:
    """1 for an even seed, -1 for an odd one, so that no median is sure of its sign."""
    return 1 - 2 * (config.seed % 2)
