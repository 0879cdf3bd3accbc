"""Tables of notebook 09 whose answers are known: a run trains up to a ceiling, and races as fast as its rate is high."""

import functools
from collections.abc import Callable, Iterable

import numpy as np
import pandas as pd

from bnrepro.config.run_config import RunConfig
from bnrepro.experiments import EXPERIMENTS
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
    **given,
) -> Tables:
    """The tables of all rounds.

    Args:
        ceiling: The largest rate at which a run trains; 0 where none does.
        speed: What accuracy a run gains a step, over its rate and over 0.001.
        preset: Of the sweep.
        given: Its overrides.
    """
    return all_rounds(largest_rates, functools.partial(_trained, ceiling, speed), preset, **given)


def _trained(ceiling: Callable, speed: Callable, configs: Iterable[RunConfig]) -> Tables:
    runs, curves = [], []
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
    return {"runs": pd.DataFrame(runs), "curves": pd.DataFrame(curves, columns=SCHEMAS["curves"])}
