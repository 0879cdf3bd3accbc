"""Synthetic tables of `06_batch_size` whose answers are known: every number is a formula of the run's config."""

from collections.abc import Callable, Iterable

import pandas as pd

from bnrepro.config.run_config import RunConfig
from bnrepro.experiments import EXPERIMENTS
from bnrepro.records.schemas import Tables
from tests.experiments.rounds import all_rounds
from tests.experiments.rows import CHANCE, GUESS_LOSS, table

batch_size = EXPERIMENTS["06_batch_size"]

BEST = {"none": 0.03, "batch": 0.3, "renorm": 0.3}
SIZES = (2, 8, 32, 128, 512)
LAYERS = ("hidden_1", "hidden_2", "hidden_3")


def arm_of(config: RunConfig) -> str:
    return "ghost" if config["ghost_size"] else config["normalization"]


def accuracy_of(config: RunConfig) -> float:
    """On the test set: BN loses as its mini-batch shrinks, and each arm away from its best rate; seeds differ by 0.001 each."""
    together = config["ghost_size"] or config.batch_size
    lost = {"none": 0.0, "batch": 0.1 / together, "renorm": 0.05 / together}[config["normalization"]]
    away = config["model"] == "mlp" and config["learning_rate"] != BEST[config["normalization"]]
    return 0.85 - lost - 0.2 * away + 0.001 * (config.seed % 100)


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
    """All tables as `collect` would return them, of both rounds.

    Args:
        seeds: Of every arm, the judged ones.
        preset: Of the sweep.
        diverging: Which runs diverge, in their first step.
        test: The accuracy on the test set; on the validation examples it is 0.01 more.
        gap: Inference minus training mode.
        seconds: Of training.
        peak: Memory in MiB.
        power: Of the size in the errors of the `mean` and of the `variance`.
    """

    def trained(configs: Iterable[RunConfig]) -> Tables:
        rows = {name: [] for name in batch_size.TABLES}
        for config in sorted(configs, key=lambda config: config.id):
            for name, own in _record(config, diverging(config), test, gap, seconds, peak, power).items():
                rows[name] += own
        others = {name: table(name, values) for name, values in rows.items() if name != "runs"}
        return {"runs": pd.DataFrame(rows["runs"]), **others}

    return all_rounds(batch_size, trained, preset, seeds=seeds)


def _record(config: RunConfig, lost: bool, test, gap, seconds, peak, power) -> dict[str, list]:
    """One run's rows by table; those of `runs` with their columns."""
    run, ended = config.id, {"status": "diverged" if lost else "finished", "diverged_at": 1 if lost else None}
    machine = ("xla", "CPU", "a processor", "3.11", "2.21", "3.15", "2.4", "0.1")
    rows = {
        "runs": [{"run": run, **config.as_dict(), **ended, "chance": CHANCE, "guess_loss": GUESS_LOSS}],
        "provenance": [(run, seconds(config), 0.5, 1.0, peak(config), *machine)],
        "curves": [(run, 0, "validation", 2.4, 0.1)],
        "statistics": [],
        "errors": [],
    }
    if config["measurements"] == "cost":
        return rows | {"curves": []}
    if lost:
        return rows
    for split, more in (("train", 0.02), ("validation", 0.01), ("test", 0.0)):
        rows["curves"].append((run, config.steps, split, 0.5, test(config) + more))
    if config["measurements"] == "modes" and config["normalization"] != "none":
        fixed = "moving" if config["normalization"] == "renorm" else "population"
        for statistics, less in ((fixed, 0.0), ("batch", gap(config))):
            rows["statistics"].append((run, config.steps, "test", statistics, 0.5, test(config) - less, 0.01))
    if config["measurements"].startswith("sampling"):
        for place, layer in enumerate(LAYERS):
            for size in SIZES:
                errors = [(1 + place) * float(size) ** power(config, value) for value in ("mean", "variance")]
                rows["errors"].append((run, layer, size, *errors))
    return rows


def alternating(config: RunConfig) -> int:
    """1 for an even seed, -1 for an odd one, so that no median is sure of its sign."""
    return 1 - 2 * (config.seed % 2)
