"""Tables of notebook 10 whose answers are known: the training loss falls by a formula, and with it grows the accuracy."""

import functools
import math
from collections.abc import Callable, Iterable

import numpy as np
import pandas as pd

from bnrepro.config.run_config import RunConfig
from bnrepro.experiments import EXPERIMENTS
from bnrepro.records.schemas import SCHEMAS, Tables
from tests.experiments.rounds import all_rounds
from tests.experiments.rows import CHANCE, GUESS_LOSS

mini_batch_noise = EXPERIMENTS["10_mini_batch_noise"]

Formula = Callable[[RunConfig], float]


def simulate_noise(
    accuracy: Formula = lambda config: 0.8,
    loss: Formula = lambda config: 1.0,
    speed: Formula = lambda config: 0.02,
    preset="quick",
    **given,
) -> Tables:
    """The tables of both rounds.

    Args:
        accuracy: Of a run when it fits its training examples, on validation and test set; NaN where it diverges.
        loss: Its test loss then, and its loss on the validation set at any time.
        speed: By how much the logarithm of its training loss falls a step.
        preset: Of the sweep.
        given: Its overrides.
    """
    return all_rounds(mini_batch_noise, functools.partial(_trained, accuracy, loss, speed), preset, **given)


def _trained(accuracy: Formula, loss: Formula, speed: Formula, configs: Iterable[RunConfig]) -> Tables:
    runs, curves = [], []
    for config in configs:
        final, diverged = accuracy(config), math.isnan(accuracy(config))
        status = {"status": "diverged" if diverged else "finished", "end_loss": np.nan if diverged else 0.5}
        runs.append({"run": config.id, **config.as_dict(), **status, "chance": CHANCE, "guess_loss": GUESS_LOSS})
        steps = [0] if diverged else np.unique([*range(0, config.steps, config.evaluate_every), config.steps])
        for step in steps:
            fit = GUESS_LOSS * math.exp(-speed(config) * step)
            value = CHANCE if diverged else CHANCE + (final - CHANCE) * (1 - fit / GUESS_LOSS)
            last = [("test", loss(config), final)] if step == config.steps else []
            for split, its_loss, its_value in (("fit", fit, value), ("validation", loss(config), value), *last):
                curves.append((config.id, step, split, its_loss, "accuracy", its_value))
            curves.append((config.id, step, "train", fit, "accuracy", value))
    return {"runs": pd.DataFrame(runs), "curves": pd.DataFrame(curves, columns=SCHEMAS["curves"])}
