"""The verdicts of all experiments that have results. Trains nothing."""

from collections.abc import Iterable

import pandas as pd

from bnrepro.analysis.claims import by_id
from bnrepro.experiments import EXPERIMENTS, OURS, Experiment, all_claims
from bnrepro.records.results import load_results
from bnrepro.records.schemas import Tables
from bnrepro.records.workspace import Workspace
from bnrepro.report.judge import VERDICT_COLUMNS, judge
from bnrepro.report.record_verdicts import record_verdicts

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
    beside = [
        other.finding(claim, kept) for _, other, kept in others for claim in other.claims if claim.kind == "primary"
    ]
    return _judged(experiment, pd.concat([experiment.findings(tables), *beside], ignore_index=True))


def verdicts(workspace: Workspace = RECORD) -> pd.DataFrame:
    """`verdicts_on` all results of a workspace."""
    return verdicts_on(kept_results(workspace))


def verdicts_on(results: Iterable[Result]) -> pd.DataFrame:
    """All claims on some results, with their verdicts, in the order of the claims; no row where there is none.

    Raises:
        UserError: Two claims have the same id.
    """
    return together({notebook: experiment.findings(tables) for notebook, experiment, tables in results})


def together(findings: dict[str, pd.DataFrame]) -> pd.DataFrame:
    """The verdicts on the findings of some notebooks; no row where there is none.

    Raises:
        UserError: Two claims have the same id.
    """
    experiments = [EXPERIMENTS[notebook] for notebook in findings]
    by_id(claim for experiment in experiments for claim in experiment.claims)
    if not findings:
        return pd.DataFrame(columns=VERDICT_COLUMNS)
    whole = pd.concat(findings.values(), ignore_index=True)
    return pd.concat([_judged(experiment, whole) for experiment in experiments], ignore_index=True)


def _judged(experiment: Experiment, findings: pd.DataFrame) -> pd.DataFrame:
    """Our primary claims are corrected together, whatever others claim; those of an experiment from outside among themselves."""
    family = all_claims().values() if experiment.notebook in OURS else ()
    return judge(findings, experiment.claims, family, record_verdicts()).assign(experiment=experiment.name)


def of_ours(table: pd.DataFrame) -> pd.DataFrame:
    """The verdicts of the claims of this package alone: what is committed says nothing of others'."""
    return table[table["claim"].isin(list(all_claims()))].reset_index(drop=True)


def kept_results(workspace: Workspace) -> Iterable[Result]:
    """Of each notebook that has results, in their order."""
    for notebook in EXPERIMENTS:
        if (workspace.results / notebook).is_dir():
            yield notebook, EXPERIMENTS[notebook], load_results(workspace.results / notebook)
