"""The committed record: written by the paper preset, its choices those of the rule, and README and figures made from it."""

import os
import re
import subprocess
import sys

import pandas as pd
import pytest

from bnrepro.analysis.claims import FEWEST
from bnrepro.config.run_config import RunConfig
from bnrepro.execution.progress import Progress
from bnrepro.experiments import EXPERIMENTS, all_claims
from bnrepro.plotting.panel import draw_sheet
from bnrepro.plotting.save import LARGEST, digest, save_figure
from bnrepro.records.costs import COSTS, costs_file, seconds, work
from bnrepro.records.results import load_results
from bnrepro.records.workspace import CHECKOUT, Workspace
from bnrepro.report.questions import QUESTIONS
from bnrepro.report.record_verdicts import RECORD_VERDICTS
from bnrepro.report.sheets import PICTURE_NAME
from bnrepro.report.write import all_runs

training_speed = EXPERIMENTS["01_training_speed"]

RECORD = Workspace("paper")

SHEETS = {f"{notebook}-{sheet}.png" for notebook in EXPERIMENTS for sheet in EXPERIMENTS[notebook].SHEETS}
"""The committed sheets."""

PICTURE = f"{PICTURE_NAME}.png"
"""That of the README."""


REDRAW = """
import shutil, sys
from pathlib import Path
import matplotlib
from bnrepro import Workspace
from bnrepro.report.readme import update_readme
from bnrepro.report.record_verdicts import record_verdicts_file
from bnrepro.report.sheets import draw_all
from bnrepro.report.verdict_page import verdict_page
from bnrepro.report.verdicts import kept_results, of_ours, verdicts_on
from bnrepro.records.workspace import CHECKOUT, DATA

matplotlib.rcParams.update({"font.size": 20, "svg.hashsalt": "other", "axes.grid": True, "figure.dpi": 50})
folder = Path(sys.argv[1])
shutil.copytree(DATA / "results", folder / "results")
workspace = Workspace("paper", folder)
results = list(kept_results(workspace))
table = of_ours(verdicts_on(results))
draw_all(workspace, results)
(folder / "README.md").write_text(update_readme((CHECKOUT / "README.md").read_text(), table, results))
(folder / "verdicts.md").write_text(verdict_page(table))
(folder / "verdicts.csv").write_bytes(record_verdicts_file(table))
print(*sys.modules)
"""


@pytest.fixture(scope="module")
def results():
    return {notebook: load_results(RECORD.results / notebook) for notebook in EXPERIMENTS}


@pytest.fixture(scope="module")
def redrawn(tmp_path_factory):
    """A folder with figures and README made anew from the record, in a process of other settings, and what that loaded."""
    folder = tmp_path_factory.mktemp("redrawn")
    environment = {**os.environ, "PYTHONHASHSEED": "123"}
    command = [sys.executable, "-c", REDRAW, folder]
    run = subprocess.run(command, check=True, capture_output=True, text=True, env=environment, cwd=CHECKOUT)
    return folder, set(run.stdout.split())


@pytest.mark.slow
@pytest.mark.parametrize("notebook", [name for name in EXPERIMENTS if EXPERIMENTS[name].sweep("paper")])
def test_the_runs_are_those_of_the_paper_preset(results, notebook):
    sweep = EXPERIMENTS[notebook].sweep("paper", results[notebook])
    configs = {config.id: config for group in sweep.values() for config in group}
    runs = results[notebook]["runs"].set_index("run")
    assert set(runs.index) == set(configs)
    for run, config in configs.items():
        assert RunConfig.of_row(runs.loc[run]) == config


def test_the_values_that_the_paper_leaves_out_are_those_that_the_rule_chose_without_bn(results):
    tables = results["01_training_speed"]
    cells = training_speed.calibrated(tables)
    chosen = cells[cells["chosen"]]
    assert len(chosen) == 1 and chosen["frozen"].all()
    frozen = RunConfig()
    assert tuple(chosen.iloc[0][["pixels", "initial_std", "learning_rate"]]) == (
        *(frozen["pixels"], frozen["initial_std"], frozen["learning_rate"]),
    )


def test_both_arms_of_a_seed_differ_in_the_normalization_alone(results):
    runs = results["01_training_speed"]["sweep"].query("group == 'main'").merge(results["01_training_speed"]["runs"])
    fields = [name for name in RunConfig().as_dict() if name not in ("normalization", "seed")]
    assert (runs[fields].nunique(dropna=False) == 1).all()
    assert set(runs.query("normalization == 'batch'")["normalization.inference"]) == {"population"}
    assert pd.crosstab(runs["seed"], runs["normalization"]).eq(1).all(axis=None)


@pytest.mark.parametrize("notebook", list(EXPERIMENTS))
def test_the_committed_figures_were_drawn_from_the_committed_tables(results, notebook):
    expected = digest(results[notebook])
    for sheet in EXPERIMENTS[notebook].SHEETS:
        content = (RECORD.figures / f"{notebook}-{sheet}.png").read_bytes()
        assert expected.encode() in content, f"figures/{notebook}-{sheet}.png is of other tables: run `bnrepro figures`"


def test_committed_are_the_sheets_alone_each_small_enough_to_be_rewritten_with_each_record():
    pictures = {path.name: path.stat().st_size for path in RECORD.figures.iterdir() if path.name != "README.md"}
    assert set(pictures) == {*SHEETS, PICTURE} and max(pictures.values()) <= LARGEST <= 300_000


def test_the_committed_results_take_no_newcomer_long_to_fetch():
    assert sum(path.stat().st_size for path in RECORD.results.rglob("*.csv")) <= 15_000_000


@pytest.mark.slow(seconds=60)
def test_the_readme_is_generated_from_the_record_small_and_answers_every_question(redrawn):
    text = (CHECKOUT / "README.md").read_text()
    assert (redrawn[0] / "README.md").read_text() == text
    assert len(text.encode()) <= 6_000
    assert all(f".ipynb), {question.claim} |" in text for question in QUESTIONS)


@pytest.mark.slow(seconds=60)
def test_the_page_of_verdicts_is_generated_from_the_record_and_each_has_enough_seeds(redrawn):
    text = (CHECKOUT / "docs" / "verdicts.md").read_text()
    assert (redrawn[0] / "verdicts.md").read_text() == text
    rows = [line.split(" | ") for line in text.splitlines() if line.startswith("| [")]
    assert [re.match(r"\| \[(\w+)\]", row[0])[1] for row in rows] == list(all_claims())
    assert all(int(row[7]) >= FEWEST for row in rows)


@pytest.mark.slow(seconds=60)
def test_the_file_of_verdicts_is_generated_from_the_record(redrawn):
    assert (redrawn[0] / "verdicts.csv").read_bytes() == RECORD_VERDICTS.read_bytes()


def test_the_file_of_costs_is_generated_from_the_record(results):
    kept = [(notebook, EXPERIMENTS[notebook], tables) for notebook, tables in results.items()]
    assert costs_file(all_runs(kept, "provenance"), all_runs(kept, "runs")) == COSTS.read_bytes()


def test_the_rounds_of_the_record_come_to_about_what_is_said(results):
    first, every = [], [RunConfig.of_row(row) for row in results["09_largest_rates"]["runs"].to_dict("records")]
    for group in EXPERIMENTS["09_largest_rates"].sweep("paper").values():
        first += group
    said = EXPERIMENTS["09_largest_rates"].TIMES_FIRST_ROUND["paper"]
    assert work([every]) / work([first]) == pytest.approx(said, rel=0.2)


@pytest.mark.parametrize("slowness", [1.0, 3.0])
def test_at_half_time_of_the_records_own_runs_their_end_is_known_within_30_percent(results, slowness):
    """By what each run truly took, on two processes of a machine so much slower, one experiment after the other."""
    now, moments = 0.0, []
    progress = Progress(2, clock=lambda: now)
    for notebook in (notebook for notebook, tables in results.items() if "provenance" in tables):
        runs = results[notebook]["runs"].merge(results[notebook]["provenance"], on="run").iloc[::5]
        took = runs[["train_seconds", "evaluate_seconds", "compile_seconds"]].sum(axis=1)
        for row, truly in zip(runs.to_dict("records"), took):
            moments.append((notebook, seconds(RunConfig.of_row(row)), truly))
            progress.plan(*moments[-1][:2])
    told = []
    for notebook, estimate, truly in moments:
        now += truly * slowness / 2
        progress.advance(notebook, estimate)
        told.append((now, now + progress.seconds_left))
    assert next(end for moment, end in told if moment >= now / 2) == pytest.approx(now, rel=0.3)


@pytest.mark.slow(seconds=60)
def test_the_figures_of_the_record_are_drawn_without_tensorflow(redrawn):
    folder, loaded = redrawn
    drawn = {path.name for path in (folder / "figures").iterdir()}
    assert drawn == {"README.md", *SHEETS, PICTURE}
    assert "matplotlib" in loaded and not {"tensorflow", "keras"} & loaded


@pytest.mark.slow(seconds=60)
def test_a_sheet_has_the_same_bytes_in_another_process_whatever_its_settings(redrawn, results, tmp_path):
    notebook, sheet = "02_activation_drift", "drift"
    figure = draw_sheet(EXPERIMENTS[notebook].sheets()[sheet], results[notebook])
    path = save_figure(figure, tmp_path / f"{notebook}-{sheet}.png", results[notebook], small=True)
    assert path.read_bytes() == (redrawn[0] / "figures" / path.name).read_bytes()
