"""Made-up tables of a sweep in rounds: each is trained by a formula, until the sweep asks for nothing new."""

from collections.abc import Callable, Iterable

import pandas as pd

from bnrepro.config.run_config import RunConfig
from bnrepro.experiments import Experiment
from bnrepro.records.schemas import Tables
from bnrepro.records.store import membership


def all_rounds(
    experiment: Experiment, trained: Callable[[Iterable[RunConfig]], Tables], preset: str, **given
) -> Tables:
    """The tables of all rounds.

    Args:
        experiment: One that has rounds.
        trained: From configs to their tables `runs` and `curves`.
        preset: Of the sweep.
        given: Its overrides.
    """
    so_far, seen = None, set()
    while True:
        sweep = experiment.sweep(preset, so_far, **given)
        new = {config.id: config for group in sweep.values() for config in group if config.id not in seen}
        if not new:
            return {"sweep": membership(sweep), **so_far}
        tables = trained(new.values())
        so_far = tables if so_far is None else {name: pd.concat([so_far[name], tables[name]]) for name in tables}
        seen |= set(new)
