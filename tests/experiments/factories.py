"""Synthetic tables in the shape of real ones: runs whose curves follow a formula, for tests that need no training."""

import functools
import math
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

import numpy as np
import pandas as pd

from bnrepro.config.group import Group, Sweep
from bnrepro.config.identity import COLUMNS
from bnrepro.config.run_config import RunConfig
from bnrepro.experiments import EXPERIMENTS, Experiment, all_claims
from bnrepro.records.computed import known
from bnrepro.records.results import write_results
from bnrepro.records.schemas import SCHEMAS, Tables
from bnrepro.records.store import membership
from bnrepro.report.judge import judge
from tests.experiments.factories_inception import default_divergence, make_section_42
from tests.experiments.factories_inference import Rows
from tests.experiments.factories_largest_rates import simulate
from tests.experiments.factories_mini_batch_noise import simulate_noise
from tests.experiments.rounds import all_rounds
from tests.experiments.rows import table

MACHINE = ("cpu", "CPU", "a processor", "3.11.9", "2.21.0", "3.15.1", "2.4.6", "0.1.0")


def statistic(tables: Tables, claim: str) -> pd.Series:
    """What one claim comes to: its row of the verdicts, where `note` has what else is to be known; judged alone."""
    one = all_claims()[claim]
    return judge(one(tables), [one]).iloc[0]


def verdicts(tables: Tables, *claims: str) -> list[str]:
    """The verdicts of some claims, each as `statistic` has it."""
    return [statistic(tables, claim)["verdict"] for claim in claims]


def papers_numbers(experiment: Experiment) -> dict[str, float]:
    """The paper's own number by claim, where it gives one."""
    return {claim.id: claim.paper for claim in experiment.claims if not math.isnan(claim.paper)}


def make_tables(sweep: Sweep, diverging: Mapping[str, int] = MappingProxyType({})) -> Tables:
    """All tables of a sweep as `load_results` would return them; `diverging` gives, by run id, the step of divergence.

    A run of section 4.2 that is not named there diverges where its rate is too large for its arm.
    """
    configs = {config.id: config for group in sweep.values() for config in group}
    rows = {name: [] for name in SCHEMAS}
    for run, config in sorted(configs.items()):
        for name, own in _record(config, diverging.get(run, default_divergence(config))).items():
            rows[name] += own
    tables = {name: table(name, values) for name, values in rows.items()}
    later = {
        run: {name: value for name, value in one.as_dict().items() if name not in COLUMNS}
        for run, one in configs.items()
    }
    runs = tables["runs"].join(pd.DataFrame.from_dict(later, orient="index"), on="run")
    return known({**tables, "runs": runs, "sweep": membership(sweep)})


def in_rounds(experiment: Experiment, preset: str, **given) -> Tables:
    """As `make_tables`, of an experiment whose later runs depend on what earlier ones gave."""
    return all_rounds(experiment, lambda configs: make_tables({Group("all"): list(configs)}), preset, **given)


def _record(config: RunConfig, diverged_at: int | None) -> Rows:
    """One run's rows by table."""
    steps = np.unique(np.append(np.arange(0, config.steps, config.evaluate_every), config.steps))
    if diverged_at is not None:
        steps = steps[steps < diverged_at]
    status = "finished" if diverged_at is None else "diverged"
    # A run with BN switched off is the run without BN.
    arm = "none" if config["normalization"] == "off" else config["normalization"]
    noise = np.random.default_rng([config.seed, arm == "batch"])
    test = _accuracy(config, arm, steps, noise)
    train = (test + 0.3 * (1 - test))[1:]
    curves = [
        (config.id, step, split, 3 * (1 - value), value)
        for split, values in (("test", zip(steps, test)), ("train", zip(steps[1:], train)))
        for step, value in values
    ]
    seconds = config.steps * (4.6e-4 if arm == "batch" else 3.1e-4) * (1 + 0.02 * noise.standard_normal())
    measured = _activations(config, arm, steps, noise) if config["model"] == "mlp" else {}
    if config["validation_examples"] and config["activation"] == "sigmoid" and config["model"] == "mlp":
        # The test set waits for the end.
        ends = [row for row in curves if row[1:3] == (config.steps, "test")]
        curves = [(run, step, "validation" if split == "test" else split, *rest) for run, step, split, *rest in curves]
        curves += ends
    elif config["validation_examples"]:
        measured |= make_section_42(config, steps, diverged_at is None)
        curves = measured.pop("curves")
    return {
        "runs": [(config.id, *(config[name] for name in COLUMNS), status, diverged_at)],
        "curves": [
            (run, int(step), split, round(float(loss), 5), round(float(accuracy), 5))
            for run, step, split, loss, accuracy in sorted(curves, key=lambda row: row[1:3])
        ],
        **measured,
        "provenance": [(config.id, seconds, 2.8, 1.3, 900.0, "xla", *MACHINE[1:])],
    }


def _accuracy(config: RunConfig, arm: str, steps: np.ndarray, noise: np.random.Generator) -> np.ndarray:
    """A sigmoid in log steps from 0.1 to a plateau; slower at small rates and, without BN, at small kernels."""
    if config["shuffled_labels"]:
        return 0.1 + 0.004 * noise.standard_normal(len(steps))
    speed = config["learning_rate"] / 0.1
    if arm == "none":
        half, steepness, plateau = 2_200 / speed * (0.1 / max(config["initial_std"], 1e-3)) ** 1.5, 1.7, 0.976
    else:
        half, steepness, plateau = 420 / speed, 1.05, 0.984
    half *= np.exp(0.05 * noise.standard_normal())
    curve = 0.1 + (plateau - 0.1) / (1 + (half / np.maximum(steps, 1e-9)) ** steepness)
    return np.clip(curve + 0.0007 * noise.standard_normal(len(steps)), 0, 1)


def _activations(config: RunConfig, arm: str, steps: np.ndarray, noise: np.random.Generator) -> Rows:
    """Percentiles that start together and spread without BN, and stay nearly where they are with it."""
    layer, fraction = f"hidden_{config['hidden_layers']}", steps / config.steps
    size, spread = (1.0, 1.9 * (1 - 0.9 * np.exp(-fraction / 0.1))) if arm == "none" else (0.25, 1 + 0.2 * fraction)
    wander = 0.02 * noise.standard_normal(len(steps)).cumsum()
    center = size * (noise.choice([-1, 1]) * (1 - np.exp(-fraction / 0.15)) + wander)
    rows = []
    for unit, scale in (("all", 1.6), ("typical", 1.0)):
        for percentile, place in ((15, -1.0), (50, 0.0), (85, 1.0)):
            values = center + place * scale * spread + 0.03 * noise.standard_normal(len(steps))
            rows += [(config.id, step, layer, unit, percentile, value) for step, value in zip(steps, values)]
    drift = np.exp((-1.0 if arm == "none" else -2.0) + 0.45 * noise.standard_normal(config["hidden_units"]))
    return {
        "quantiles": sorted(rows, key=lambda row: (row[1], row[3])),
        "drift": [(config.id, layer, unit, value) for unit, value in enumerate(drift)],
    }


_IN_ROUNDS = {
    "09_largest_rates": functools.partial(simulate, lambda config: 3.0 if config["normalization"] == "batch" else 0.3),
    "10_mini_batch_noise": simulate_noise,
}
"""What makes up the tables of an experiment that has rounds, where no formula of `make_tables` does."""


@functools.cache
def finding_tables(notebook: str, preset: str, seeds: int = 0, task: str = "") -> Tables:
    """The tables that a finding would keep, made up; shared between tests, so nothing may change them."""
    finding = EXPERIMENTS[notebook]
    if notebook in _IN_ROUNDS:
        tables = _IN_ROUNDS[notebook](preset=preset, seeds=seeds, task=task)
    elif hasattr(finding, "ROUNDS"):
        tables = in_rounds(finding, preset, seeds=seeds, task=task)
    else:
        tables = make_tables(finding.sweep(preset, seeds=seeds, task=task))
    kept = {name: table for name, table in tables.items() if name in ("sweep", *finding.TABLES)}
    return known(finding.derive(kept) if hasattr(finding, "derive") else kept)


def write_finding_results(folder: Path, preset: str) -> None:
    """Made-up results of notebooks 01 and 02 below `folder`."""
    for notebook in ("01_training_speed", "02_activation_drift"):
        write_results(folder / notebook, finding_tables(notebook, preset))
