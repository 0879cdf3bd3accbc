"""The verdicts of all experiments that have results. Trains nothing."""

from collections.abc import Iterable

import pandas as pd

from bnrepro.experiments import EXPERIMENTS, Experiment
from bnrepro.records.results import load_results
from bnrepro.records.schemas import Tables
from bnrepro.records.workspace import Workspace
from bnrepro.report.judge import VERDICT_COLUMNS, judge

RECORD = Workspace("paper")

Result = tuple[str, Experiment, Tables]
"""A notebook, its experiment and the tables that it kept."""


def judged(experiment: Experiment, tables: Tables) -> pd.DataFrame:
    """An experiment's claims with their verdicts: the columns of `judge.VERDICT_COLUMNS`."""
    return judge(experiment.findings(tables), experiment.claims)


def verdicts(workspace: Workspace = RECORD) -> pd.DataFrame:
    """All claims whose notebook has results, with their verdicts, in the order of the claims; no row where none has."""
    return joined([judged(experiment, tables) for _, experiment, tables in kept_results(workspace)])


def joined(tables: list[pd.DataFrame]) -> pd.DataFrame:
    """The verdicts of several experiments as one table."""
    return pd.concat(tables, ignore_index=True) if tables else pd.DataFrame(columns=VERDICT_COLUMNS)


def kept_results(workspace: Workspace) -> Iterable[Result]:
    """Of each notebook that has results, in their order."""
    for notebook in EXPERIMENTS:
        if (workspace.results / notebook).is_dir():
            yield notebook, EXPERIMENTS[notebook], load_results(workspace.results / notebook)
