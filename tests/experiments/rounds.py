"""Made-up tables of a sweep in rounds: each is trained by a formula, until the sweep asks for nothing new."""

from collections.abc import Callable, Iterable

import pandas as pd

from bnrepro.config.run_config import RunConfig
from bnrepro.experiments import Experiment
from bnrepro.records.computed import known
from bnrepro.records.schemas import Tables
from bnrepro.records.store import membership


def all_rounds(
    experiment: Experiment, trained: Callable[[Iterable[RunConfig]], Tables], preset: str, **given
) -> Tables:
    """The tables of all rounds, which know what was computed of them, as those that are read do.

    Args:
        experiment: One that has rounds.
        trained: From configs to their tables, `runs` and `curves` among them.
        preset: Of the sweep.
        given: Its overrides.
    """
    so_far, parts, seen = None, [], set()
    while True:
        sweep = experiment.sweep(preset, so_far, **given)
        new = {config.id: config for group in sweep.values() for config in group if config.id not in seen}
        if not new:
            return known({**so_far, "sweep": membership(sweep)})
        parts.append(trained(new.values()))
        so_far = {name: pd.concat([part[name] for part in parts], ignore_index=True) for name in parts[0]}
        seen |= set(new)
