"""One HTML page of verdicts, figures, deviations and provenance, from the results. Trains nothing."""

import os
from collections.abc import Iterable
from pathlib import Path
from urllib.parse import quote

import pandas as pd

from bnrepro.experiments import EXPERIMENTS
from bnrepro.plotting.panel import Panel, draw_panel
from bnrepro.plotting.save import digest
from bnrepro.plotting.style import SINGLE
from bnrepro.records.drafts import write_whole
from bnrepro.records.schemas import SCHEMAS, Tables
from bnrepro.records.workspace import Workspace
from bnrepro.report.answers import first_answers
from bnrepro.report.deviations import deviations
from bnrepro.report.explorations import exploration
from bnrepro.report.page import Part, render_page
from bnrepro.report.questions import FIRST
from bnrepro.report.sheets import Sheet, draw_sheets, pictured
from bnrepro.report.sweep_table import listed
from bnrepro.report.verdicts import Result, kept_results, verdicts_on


def write_kept_report(workspace: Workspace, path: Path | None = None) -> Path:
    """`write_report` of all results that a workspace has; returns the file."""
    results = list(kept_results(workspace))
    return write_report(workspace, results, verdicts_on(results), path)


def write_report(
    workspace: Workspace,
    results: list[Result],
    table: pd.DataFrame,
    path: Path | None = None,
    sheets: dict[str, list[Sheet]] | None = None,
) -> Path:
    """Writes one self-contained HTML page: verdicts, figures, deviations from the paper, provenance.

    Args:
        workspace: Whose results.
        results: These.
        table: All verdicts on them.
        path: The file; by default the workspace's own. It links to the pages of the workspace's executed notebooks.
        sheets: The sheets of each notebook that has results, where they are drawn already.

    Returns:
        The file.
    """
    path = workspace.report if path is None else Path(path)
    sheets = draw_sheets(results) if sheets is None else sheets
    asked = table.assign(record="", record_n=0) if workspace.is_record else table  # which need not say what it says
    page = render_page(
        [
            Part(
                notebook,
                experiment.TITLE,
                table[table["experiment"] == experiment.name],
                sheets[notebook],
                _cost(notebook, tables, workspace),
                exploration(experiment, tables),
            )
            for notebook, experiment, tables in results
        ],
        answers=list(zip(first_answers(asked), _pictures(results))) if results else [],
        missing=[notebook for notebook in EXPERIMENTS if notebook not in [name for name, _, _ in results]],
        deviations=deviations(),
        provenance=_provenance(results),
        machines=_machines(results),
        label=workspace.label,
        is_record=workspace.label == "paper",
        notebooks=_links(workspace, path.resolve().parent),
    )
    write_whole(path, page.encode())
    return path


def _pictures(results: list[Result]) -> list[Sheet | None]:
    """By question of a first look the panel that shows its answer, where its notebook has results."""
    panels = pictured(results)
    return [_alone(question.claim, *panels[question.claim]) if question.claim in panels else None for question in FIRST]


def _alone(claim: str, panel: Panel, tables: Tables) -> Sheet:
    return Sheet(f"answer-{claim}", panel.full_caption(tables), draw_panel(panel, tables, max(SINGLE, panel.least)))


def _cost(notebook: str, tables: Tables, workspace: Workspace) -> str:
    """The command that makes a notebook's runs, the time that these took, and on what."""
    command = f"bnrepro run {notebook[:2]} --preset {workspace.preset}"
    if "provenance" not in tables:
        return command
    trained = tables["provenance"]
    processors = listed(sorted(trained["processor"].astype(str).unique()))
    return f"{command}: {_duration(trained['train_seconds'].sum())} of training on {processors}"


def _links(workspace: Workspace, folder: Path) -> dict[str, str]:
    """By notebook that has an executed page, the way to it from `folder`."""
    pages = {notebook: workspace.executed / f"{notebook}.html" for notebook in (*EXPERIMENTS, "99_verdicts")}
    ways = {notebook: Path(os.path.relpath(page, folder)) for notebook, page in pages.items() if page.is_file()}
    return {notebook: quote(os.fsencode(way.as_posix())) for notebook, way in ways.items()}


def _provenance(results: list[Result]) -> list[dict]:
    """A row an experiment, and one of all: `title`, `runs`, `diverged`, `seeds`, `data`, `time`, `digest` of the tables."""
    seconds = all_runs(results, "provenance").set_index("run")["train_seconds"]
    rows = [
        _training(experiment.TITLE, all_runs([(notebook, experiment, tables)], "runs"), seconds, digest(tables)[:12])
        for notebook, experiment, tables in results
    ]
    return [*rows, _training("All", all_runs(results, "runs"), seconds, "")] if results else []


def _training(title: str, runs: pd.DataFrame, seconds: pd.Series, digest: str) -> dict:
    known = runs["run"].map(seconds).dropna()
    return {
        "title": title,
        "runs": len(runs),
        "diverged": int((runs["status"] == "diverged").sum()),
        "seeds": listed(sorted(runs["seed"].unique())),
        "data": listed(sorted(runs["task"].unique())),
        "time": _duration(known.sum()) if len(known) else "",
        "digest": digest,
    }


def _machines(results: list[Result]) -> dict[str, str]:
    """What the runs were trained with, by its name."""
    trained = all_runs(results, "provenance")
    if trained.empty:
        return {}
    names = {"bnrepro": "bnrepro", "Python": "python", "TensorFlow": "tensorflow", "Keras": "keras", "NumPy": "numpy"}
    names |= {"Processor": "processor", "Device": "device", "Execution": "mode"}
    facts = {name: listed(sorted(trained[column].astype(str).unique())) for name, column in names.items()}
    return facts | {"Peak memory": f"{trained['peak_memory_mib'].max():.0f} MiB a process"}


def all_runs(results: Iterable[Result], name: str) -> pd.DataFrame:
    """The rows of table `name` of all experiments that have it, each run once."""
    nothing = pd.DataFrame(columns=SCHEMAS[name])
    return pd.concat([nothing, *(tables[name] for *_, tables in results if name in tables)]).drop_duplicates("run")


def _duration(seconds: float) -> str:
    return f"{seconds / 3600:.1f} h" if seconds >= 3600 else f"{seconds / 60:.1f} min"
