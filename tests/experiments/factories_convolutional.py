"""Tables of the convolutional nets of notebook 08 whose answers are known: what a run ends at is a formula of its config."""

import functools
import math
from collections.abc import Callable, Iterable

import numpy as np
import pandas as pd

from bnrepro.config.group import Group, Sweep
from bnrepro.config.run_config import RunConfig
from bnrepro.experiments import EXPERIMENTS
from bnrepro.experiments.dropout_and_weight_decay.tables import CHOICE, CONVOLUTIONAL
from bnrepro.records.schemas import SCHEMAS, Tables
from bnrepro.records.store import membership
from tests.experiments.rows import CHANCE, GUESS_LOSS

dropout_and_weight_decay = EXPERIMENTS["08_dropout_and_weight_decay"]

Formula = Callable[[RunConfig], float]


@functools.cache
def choosing() -> list[RunConfig]:
    """The runs of the record that choose."""
    return dropout_and_weight_decay.sweep("paper")[Group(CHOICE)]


def convolutional(accuracy: Formula = lambda config: 0.8, loss: Formula = lambda config: 1.0) -> Tables:
    """The tables of both rounds of the preset paper, of these nets alone.

    Args:
        accuracy: Of a run after training, on held-out examples and the test set; NaN where it diverges.
        loss: Its test loss.
    """
    chose = _trained(accuracy, loss, choosing())
    judged = dropout_and_weight_decay.sweep("paper", chose)[Group(CONVOLUTIONAL)]
    sweep: Sweep = {Group(CHOICE): choosing(), Group(CONVOLUTIONAL): judged}
    empty = {name: pd.DataFrame(columns=SCHEMAS[name]) for name in dropout_and_weight_decay.TABLES}
    return {**empty, **_trained(accuracy, loss, [*choosing(), *judged]), "sweep": membership(sweep)}


def _trained(accuracy: Formula, loss: Formula, configs: Iterable[RunConfig]) -> Tables:
    runs, curves = [], []
    for config in configs:
        final = accuracy(config)
        diverged = math.isnan(final)
        status = {"status": "diverged" if diverged else "finished", "end_loss": np.nan if diverged else 0.5}
        runs.append({"run": config.id, **config.as_dict(), **status, "chance": CHANCE, "guess_loss": GUESS_LOSS})
        for step in [0] if diverged else np.unique([*range(0, config.steps, config.evaluate_every), config.steps]):
            ended, value = step == config.steps, final if step else CHANCE
            last = [("test", loss(config), final), ("train", 0.1, 1.0)] if ended else []
            for split, its_loss, its_value in (("fit", 0.01, 1.0), ("validation", 1.0, value), *last):
                curves.append((config.id, step, split, its_loss, "accuracy", its_value))
    return {"runs": pd.DataFrame(runs), "curves": pd.DataFrame(curves, columns=SCHEMAS["curves"])}
