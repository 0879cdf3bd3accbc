"""The verdicts of all experiments that have results. Trains nothing."""

from collections.abc import Iterable

import pandas as pd

from bnrepro.experiments import EXPERIMENTS, Experiment, all_claims
from bnrepro.records.results import load_results
from bnrepro.records.schemas import Tables
from bnrepro.records.workspace import Workspace
from bnrepro.report.judge import VERDICT_COLUMNS, judge

RECORD = Workspace("paper")

Result = tuple[str, Experiment, Tables]
"""A notebook, its experiment and the tables that it kept."""


def judged(experiment: Experiment, tables: Tables, others: Iterable[Result] = ()) -> pd.DataFrame:
    """An experiment's claims with their verdicts: the columns of `judge.VERDICT_COLUMNS`.

    Args:
        experiment: The experiment.
        tables: Its results.
        others: The results of the other notebooks, whose primary claims its own are corrected together with.
    """
    beside = [claim(kept) for _, other, kept in others for claim in other.claims if claim.kind == "primary"]
    findings = pd.concat([experiment.findings(tables), *beside], ignore_index=True)
    return judge(findings, experiment.claims, all_claims().values())


def verdicts(workspace: Workspace = RECORD) -> pd.DataFrame:
    """All claims whose notebook has results, with their verdicts, in the order of the claims; no row where none has."""
    return together([experiment.findings(tables) for _, experiment, tables in kept_results(workspace)])


def together(findings: list[pd.DataFrame]) -> pd.DataFrame:
    """The verdicts on the findings of several experiments; no row where there is none."""
    if not findings:
        return pd.DataFrame(columns=VERDICT_COLUMNS)
    return judge(pd.concat(findings, ignore_index=True), all_claims().values(), all_claims().values())


def kept_results(workspace: Workspace) -> Iterable[Result]:
    """Of each notebook that has results, in their order."""
    for notebook in EXPERIMENTS:
        if (workspace.results / notebook).is_dir():
            yield notebook, EXPERIMENTS[notebook], load_results(workspace.results / notebook)
