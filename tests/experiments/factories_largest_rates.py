"""Tables of notebook 09 whose answers are known: a run trains up to a ceiling, and races as fast as its rate is high."""

from collections.abc import Callable, Iterable

import numpy as np
import pandas as pd

from bnrepro.config.run_config import RunConfig
from bnrepro.experiments import EXPERIMENTS
from bnrepro.records.schemas import SCHEMAS, Tables
from bnrepro.records.store import membership
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
    so_far, seen = None, set()
    while True:
        sweep = largest_rates.sweep(preset, so_far, **given)
        new = {config.id: config for group in sweep.values() for config in group if config.id not in seen}
        if not new:
            return {"sweep": membership(sweep), **so_far}
        tables = _trained(new.values(), ceiling, speed)
        so_far = tables if so_far is None else {name: pd.concat([so_far[name], tables[name]]) for name in tables}
        seen |= set(new)


def _trained(configs: Iterable[RunConfig], ceiling: Callable, speed: Callable) -> Tables:
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
