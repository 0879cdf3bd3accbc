"""Tables of notebook 09 whose answers are known: a run trains up to a ceiling, and races as fast as its rate is high."""

import dataclasses
import functools
from collections.abc import Callable, Iterable, Mapping
from types import MappingProxyType
from unittest.mock import patch

import numpy as np
import pandas as pd

from bnrepro.config.run_config import RunConfig
from bnrepro.experiments import EXPERIMENTS
from bnrepro.experiments.largest_rates.sweep import PRESETS
from bnrepro.records.schemas import SCHEMAS, Tables
from tests.experiments.rounds import all_rounds
from tests.experiments.rows import CHANCE, GUESS_LOSS

largest_rates = EXPERIMENTS["09_largest_rates"]

SLOWEST = 0.003
"""A rate below this does not train: 600 steps are too few."""


def simulate(
    ceiling: Callable[[RunConfig], float],
    speed: Callable[[RunConfig], float] = lambda config: 1.0,
    preset="paper",
    fewer: Mapping[str, tuple] = MappingProxyType({}),
    **given,
) -> Tables:
    """The tables of all rounds.

    Args:
        ceiling: The largest rate at which a run trains; 0 where none does.
        speed: What accuracy a run gains a step, over its rate and over 0.001.
        preset: Of the sweep.
        fewer: What of the preset is less, as its depths or the nets that are raced.
        given: The overrides of the sweep.
    """
    less = {preset: dataclasses.replace(PRESETS[preset], **fewer)}
    with patch.dict(PRESETS, less):
        return all_rounds(largest_rates, functools.partial(_trained, ceiling, speed), preset, **given)


def _trained(ceiling: Callable, speed: Callable, configs: Iterable[RunConfig]) -> Tables:
    runs, curves, updates = [], [], []
    for config in configs:
        trains = SLOWEST <= config["learning_rate"] <= ceiling(config)
        steps = np.arange(0, config.steps + 1, config.evaluate_every)
        gained = 0.001 * speed(config) * config["learning_rate"] * steps if trains else 0 * steps
        ended = {"status": "finished" if trains else "collapsed", "end_loss": 0.5 if trains else 2.3}
        runs.append({"run": config.id, **config.as_dict(), **ended, "chance": CHANCE, "guess_loss": GUESS_LOSS})
        curves += [
            (config.id, step, "validation", 1.0, "accuracy", value)
            for step, value in zip(steps, np.minimum(CHANCE + gained, 0.9))
        ]
        if config["measurements"]:
            updates += [(config.id, *row) for row in _first_steps(config, config["learning_rate"] > ceiling(config))]
    rows = {"curves": curves, "updates": updates}
    return {
        "runs": pd.DataFrame(runs),
        **{name: pd.DataFrame(own, columns=SCHEMAS[name]) for name, own in rows.items()},
    }


GROUPS = {"none": ("kernel", "bias", "logits"), "batch": ("kernel", "gamma", "beta", "logits")}

LOSSES = {"nothing": 2.3, "kernel": 3.0, "bias": 3.5, "gamma": 4.0, "beta": 5.0, "logits": 20.0}
"""After a group alone has taken a step past the ceiling."""

GROWTH = {"none": 1.5, "batch": 0.9}
"""By which factor a step past the ceiling makes the outputs of a layer grow more than those of the one before."""


def _first_steps(config: RunConfig, past: bool) -> Iterable[tuple]:
    """Past its ceiling the second step breaks a net, after which one without BN has no more; at other rates none does."""
    arm, last = config["normalization"], config.steps if config["normalization"] == "batch" or not past else 1
    for step in range(last + 1):
        for layer in range(1, config["hidden_layers"] + 1):
            growth = 3.0 * GROWTH[arm] ** layer if past else 1.0
            yield step, f"hidden_{layer}", 10.0, 0.8**layer if arm == "batch" else 1.0, 1.5, 1.5 * growth, np.nan
        for part in ("nothing", *GROUPS[arm]):
            outputs = (1.0, 2.0) if part == "logits" else (np.nan, np.nan)
            yield step, part, 10.0, 1.0, *outputs, LOSSES[part] if past else 2.0
        yield step, "all", 10.0, 1.0, np.nan, np.nan, 25.0 if past and step > 0 else 2.0
