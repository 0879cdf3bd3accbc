"""Rounds of runs, each planned from what the ones before gave, as in a bisection. Knows no experiment."""

from collections.abc import Callable
from pathlib import Path

import pandas as pd

from bnrepro.config.group import Sweep
from bnrepro.execution.parts import Part
from bnrepro.execution.run_all import run_all
from bnrepro.records.schemas import Tables

KEPT = ("runs", "curves")
"""What a round is planned from."""


def run_rounds(
    sweep: Callable[[Tables | None], Sweep], records: Path, jobs: int | None = None, part: Part | None = None
) -> Sweep:
    """Trains a sweep round after round, until it asks for no run that has not been trained; returns it whole.

    A run that has a record is not trained again, so a call after an interrupt goes on in the round that was cut off.

    Args:
        sweep: From the tables `KEPT` of all rounds so far, None before the first, to the runs of them and of the next one. A
            pure function.
        records: Folder of the records.
        jobs: As of `run_all`.
        part: As of `run_all`.

    Raises:
        UserError, RunsFailed: As `run_all`.
    """
    so_far, trained = None, set()
    while True:
        planned = sweep(so_far)
        wanted = {config.id: config for group in planned.values() for config in group if config.id not in trained}
        if not wanted:
            return planned
        found = run_all(wanted.values(), jobs=jobs, records=records, part=part)
        so_far = {
            name: found[name] if so_far is None else pd.concat([so_far[name], found[name]], ignore_index=True)
            for name in KEPT
        }
        trained |= set(wanted)
