"""Synthetic tables of notebook 08 whose answers are known: by formulas in the rate, the place, the L2 weight and the seed."""

import numpy as np

from bnrepro.config.identity import COLUMNS
from bnrepro.config.run_config import RunConfig
from bnrepro.experiments import EXPERIMENTS
from bnrepro.experiments.dropout_and_weight_decay.tables import STATISTICS
from bnrepro.records.schemas import Tables
from bnrepro.records.store import membership
from tests.experiments.rows import table

finding = EXPERIMENTS["08_dropout_and_weight_decay"]

RATIOS = {"before": (0.5, 0.6, 0.4), "after": (1.2, 1.1, 1.3), "last": (0.99, 1.02, 1.01)}
"""By place, what a variance at inference is of the running one at Dropout of 50%, in the three hidden layers."""

ACCURACIES = {"before": (0.70, 0.72, 0.79), "after": (0.80, 0.80, 0.81), "last": (0.82, 0.82, 0.82)}
"""By place, the accuracy with each of `STATISTICS` at Dropout of 50%; 0.83 without Dropout."""

SHARES = {"batch": 0.9, "none": 0.2}
"""By arm, how much of decay's effect on the loss the matched rate reproduces."""

TRAINING_SHARES = {"batch": 0.95, "none": 0.1}
"""The same of its effect on the training accuracy."""

LAYERS = ("hidden_1", "hidden_2", "hidden_3")


def kept(preset="smoke", lost=(), early=False, **overrides) -> Tables:
    """The tables of a sweep.

    Args:
        preset: Whose sweep.
        lost: Groups (`Group`) or runs that diverge.
        early: Whether they do so before their first evaluation, so have no row anywhere but in `runs`.
        **overrides: Of the sweep.
    """
    sweep = finding.sweep(preset, **overrides)
    configs = {config.id: config for group in sweep.values() for config in group}
    diverging = {config.id for group in lost for config in sweep.get(group, [])} | set(lost)
    records = [_record(config, run in diverging, early) for run, config in sorted(configs.items())]
    tables = {"sweep": membership(sweep)}
    for name in finding.TABLES:
        values = [row for record in records for row in record.get(name, [])]
        tables[name] = table(name, values)
    return tables


def _record(config: RunConfig, diverged: bool, early: bool) -> dict[str, list[tuple]]:
    """One run's rows by table."""
    steps = np.unique(np.append(np.arange(0, config.steps, config.evaluate_every), config.steps))
    seen = steps[: 0 if early else 2] if diverged else steps
    run = config.id
    status = ("diverged", 1) if diverged else ("finished", None)
    record = {"runs": [(run, *(config[name] for name in COLUMNS), *status)], "provenance": [_provenance(run)]}
    record["curves"] = [(run, step, "validation", _loss(config, step), 0.1 + 0.7 * (step > 0)) for step in seen]
    record["curves"] += [(run, step, "train", 0.3, _training(config)) for step in seen if step]
    if config["measurements"] == "gradients":
        record["geometry"] = [
            (run, step, "all", quantity, value)
            for step in seen
            for quantity, value in (("weight_norm", _norm(config, step)), ("learning_rate", _rate(config, step)))
        ]
    if not diverged:
        record["curves"].append((run, config.steps, "test", 0.5, _accuracy(config)))
        if config["measurements"] == "shift":
            record |= _shift(config)
    return record


def _loss(config: RunConfig, step: int) -> float:
    """Decay lowers the loss in proportion to the L2 weight; a matched rate by a share of that."""
    share = 1.0 if config["weight_decay"] else SHARES[config["normalization"]]
    weight = (config["weight_decay"] or config["matched_decay"]) if step else 0.0
    return 0.7 + 0.01 * (config.seed % 100) - share * 10 * weight


def _training(config: RunConfig) -> float:
    share = 1.0 if config["weight_decay"] else TRAINING_SHARES[config["normalization"]]
    return 0.95 - share * 3 * (config["weight_decay"] or config["matched_decay"])


def _norm(config: RunConfig, step: int) -> float:
    return 12 * np.exp(-config["learning_rate"] * config["weight_decay"] * step)


def _rate(config: RunConfig, step: int) -> float:
    return config["learning_rate"] * np.exp(2 * config["learning_rate"] * config["matched_decay"] * step)


def _accuracy(config: RunConfig) -> float:
    without = {"batch": 0.83, "none": 0.81}[config["normalization"]] + 0.001 * config.seed
    gain = {"hidden": 1.0, "kernels": 2.0, "all": 3.0}[config["weight_decay_on"]] * config["weight_decay"]
    if config["dropout"] and config["normalization"] == "batch":
        gain = (ACCURACIES[config["dropout_place"]][0] - 0.83) * 2 * config["dropout"]
    return without + gain + (0.02 * config["dropout"] if config["normalization"] == "none" else 0.0)


def _shift(config: RunConfig) -> dict[str, list[tuple]]:
    run, share = config.id, 2 * config["dropout"]
    found = dict(zip(STATISTICS, ACCURACIES[config["dropout_place"]]))
    accuracies = {name: 0.83 + share * (value - 0.83) + 0.001 * config.seed for name, value in found.items()}
    ratios = dict(zip(LAYERS, RATIOS[config["dropout_place"]]))
    rows = []
    for name in STATISTICS:
        for layer, ratio in ratios.items():
            value = 1 + share * (ratio - 1) if name != "no_dropout" else 1.001
            rows.append((run, config.steps, layer, name, 1 / value, value))
    return {
        "statistics": [(run, config.steps, "test", name, 0.5, value, 0.0) for name, value in accuracies.items()],
        "variances": rows,
    }


def _provenance(run: str) -> tuple:
    return (run, 1.0, 0.1, 1.3, 900.0, "xla", "CPU", "a processor", "3.11.9", "2.21.0", "3.15.1", "2.4.6", "0.1.0")
