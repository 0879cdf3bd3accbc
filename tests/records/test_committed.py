"""What is committed counts as trained where a batch asks for that, and gives the same results again, to the bit."""

import json

import pandas as pd
import pytest

from bnrepro import cli
from bnrepro.config.run_config import RunConfig
from bnrepro.errors import RecordError
from bnrepro.execution.run_all import run_all
from bnrepro.experiments import EXPERIMENTS
from bnrepro.records import committed
from bnrepro.records.results import load_results, load_verified, write_results
from bnrepro.records.schemas import NEVER_COMMITTED, SCHEMAS, checked_csv, runs_row
from bnrepro.records.workspace import DATA

CONFIG = RunConfig(steps=2, evaluate_every=1)


def results_of(config: RunConfig, name: str = "curves") -> dict[str, pd.DataFrame]:
    runs = runs_row(config, "finished")
    return {
        "sweep": pd.DataFrame([("main", "", "", config.id)], columns=SCHEMAS["sweep"]),
        "runs": runs,
        name: pd.DataFrame([(config.id, *range(1, len(SCHEMAS[name])))], columns=SCHEMAS[name]),
    }


@pytest.fixture
def results(tmp_path, monkeypatch):
    """A checkout's results, with committed runs counting as trained."""
    monkeypatch.setattr(committed, "DATA", tmp_path)
    monkeypatch.setenv(committed.COMMITTED, "1")
    committed._committed.cache_clear()
    yield tmp_path / "results"
    committed._committed.cache_clear()


def test_a_committed_run_has_the_tables_that_any_notebook_has_kept_of_it_each_row_once(results):
    write_results(results / "01_one", results_of(CONFIG))
    write_results(results / "02_two", results_of(CONFIG, "drift") | {"curves": results_of(CONFIG)["curves"]})
    found = committed.committed_run(CONFIG.id)
    assert {name: len(table) for name, table in found.items()} == {"runs": 1, "curves": 1, "drift": 1}
    assert committed.committed_run(CONFIG.replace(seed=1).id) is None


def test_a_run_whose_own_table_is_never_committed_is_trained_anew(results):
    measured = CONFIG.replace(measurements="probabilities")
    error = pd.DataFrame([("alike", 100, 6, 0.2)], columns=SCHEMAS["ensembles"])
    write_results(results / "01_one", results_of(measured) | {"ensembles": error})
    write_results(results / "02_two", results_of(CONFIG))
    assert committed.committed_run(measured.id) is None
    assert committed.committed_run(CONFIG.id) is not None


def test_a_committed_run_is_not_trained_again_and_leaves_no_record(results, tmp_path):
    write_results(results / "01_one", results_of(CONFIG))
    tables = run_all([CONFIG], records=tmp_path / "runs")
    assert tables["curves"]["step"].tolist() == [1], "as committed, which no training gives"
    assert not (tmp_path / "runs").exists()


def test_committed_runs_count_for_nothing_where_no_batch_asks_for_them(results, monkeypatch):
    write_results(results / "01_one", results_of(CONFIG))
    monkeypatch.delenv(committed.COMMITTED)
    assert committed.committed_run(CONFIG.id) is None


@pytest.mark.parametrize("notebook", ["02_activation_drift", "10_mini_batch_noise"])
def test_committed_runs_give_the_committed_results_again(notebook, monkeypatch):
    experiment, kept = EXPERIMENTS[notebook], load_results(DATA / "results" / notebook)
    monkeypatch.setenv(committed.COMMITTED, "1")
    runs = [committed.committed_run(run) for run in kept["runs"]["run"]]
    joined = {name: pd.concat([run[name] for run in runs], ignore_index=True) for name in experiment.TABLES}
    again = experiment.derive({"sweep": kept["sweep"], **joined})
    assert {name: checked_csv(name, table) for name, table in again.items()} == {
        name: checked_csv(name, table) for name, table in kept.items()
    }


@pytest.mark.parametrize("notebook", EXPERIMENTS)
def test_the_committed_results_are_as_they_were_written(notebook):
    kept = {*EXPERIMENTS[notebook].TABLES} - {*NEVER_COMMITTED}
    assert set(load_verified(DATA / "results" / notebook)) >= kept


def _edited(folder):
    table = folder / "curves.csv"
    table.write_text(table.read_text().replace(",1,", ",7,"))


def _older(folder):
    done = json.loads((folder / "done.json").read_text())
    (folder / "done.json").write_text(json.dumps(done | {"version": 3}))


@pytest.mark.parametrize(
    "damage, rule",
    [
        (_edited, "results are as they were written: those in .*01_one were changed; run `bnrepro run 01_one`"),
        (_older, "results are made of records of version 4: those in .*01_one are of 3"),
        (lambda folder: (folder / "done.json").unlink(), "results have their checksums in done.json: .*01_one has not"),
    ],
)
def test_results_that_are_not_as_they_were_written_count_for_nothing_and_say_so(results, damage, rule):
    write_results(results / "01_one", results_of(CONFIG))
    damage(results / "01_one")
    with pytest.raises(RecordError, match=rule):
        committed.committed_run(CONFIG.id)


def test_the_command_counts_committed_runs_as_trained_and_only_while_it_lasts(capsys):
    assert cli.main(["run", "02", "--preset", "paper", "--committed", "--dry-run"]) == 0
    assert "36 runs, 36 of them trained already" in capsys.readouterr().out
    assert committed.committed_run(CONFIG.id) is None and committed.COMMITTED not in committed.os.environ
