"""A grid of parameters: a cell is an output like any other, what cells share is trained once, mistakes stop all of it."""

import dataclasses
import functools
import json
import os

import nbformat
import pandas as pd
import pytest

from bnrepro.cli import main
from bnrepro.config.run_config import RunConfig
from bnrepro.errors import UserError
from bnrepro.execution.rounds import KEPT
from bnrepro.execution.worker import is_recorded
from bnrepro.jupyter.batch import run_batch
from bnrepro.jupyter.grid import make_grid
from bnrepro.jupyter.notebook_process import Failure
from bnrepro.jupyter.plan import joined, make_plan
from bnrepro.jupyter.plan_text import plan_text
from bnrepro.records import workspace
from bnrepro.records.results import write_results
from bnrepro.records.schemas import RECORD_VERSION, runs_row
from bnrepro.records.store import write_record
from bnrepro.records.workspace import Workspace
from tests.experiments.factories import finding_tables
from tests.jupyter.throwaway import only, write_notebook

DRIFT = "02_activation_drift"

SHOWS = "import os\nprint(output_root, size, os.path.realpath(os.path.join(output_root, 'runs')))"
"""A cell that shows where a notebook writes, and where it reads records."""

RATES = "learning_rate=0.05,0.1"


def ids(plan) -> set[str]:
    return {config.id for group in plan.sweep().values() for config in group}


def grid_of(tmp_path, *words, notebooks=("01",), **given):
    return make_grid(words, notebooks, "smoke", output=str(tmp_path / "out"), **given)


def test_a_cell_is_what_the_command_with_its_values_would_do(tmp_path):
    grid = grid_of(tmp_path, RATES, "seeds=1,2")
    assert list(grid.cells) == [f"learning_rate={rate},seeds={seeds}" for rate in ("0.05", "0.1") for seeds in (1, 2)]
    for name, cell in grid.cells.items():
        alone = make_plan(["01"], "smoke", name.split(","), str(tmp_path / "out" / name), cell=name)
        assert (cell.notebooks, cell.workspace, ids(cell)) == (alone.notebooks, alone.workspace, ids(alone))
        assert grid.values[name] == dict(learning_rate=float(name.split(",")[0][14:]), seeds=int(name[-1]))
    assert list(tmp_path.iterdir()) == []


def images(folder, content: bytes):
    """A tree that lies as ImageNet does, of two classes; nobody looks into its images."""
    for path in (folder / split / name / "1.JPEG" for split in ("train", "val") for name in "ab"):
        path.parent.mkdir(parents=True)
        path.write_bytes(content)


def test_cells_of_two_folders_of_images_share_no_run_and_their_notebooks_find_the_folders(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name, content in {"one": b"1", "same": b"1", "other": b"22"}.items():
        images(tmp_path / name, content)
    values = ["task=imagenet", "classes=2"]
    grid = make_grid(["folder=one,same,other"], ["03"], "smoke", values, str(tmp_path / "out"))
    one, same, other = map(ids, grid.cells.values())
    assert one == same and not one & other
    passed = [value["folder"] for cell in grid.cells.values() for value in cell.notebooks.values()]
    assert passed == [str(tmp_path / name) for name in ("one", "same", "other")]


def test_the_training_is_of_the_runs_of_all_cells_each_once(tmp_path):
    grid = grid_of(tmp_path, "seeds=1,2")
    one, two = map(ids, grid.cells.values())
    assert one < two == ids(grid.plan) and grid.plan.notebooks == {}
    assert grid.plan.workspace.runs == tmp_path / "out" / "runs"


def test_without_a_folder_cells_are_below_the_rooms_of_changed_parameters_and_share_the_checkouts_runs(monkeypatch):
    monkeypatch.setattr(Workspace, "check_writable", lambda workspace: workspace)
    grid = make_grid(["seeds=2"], ["01"], "paper")
    assert grid.folder == workspace.DATA / "runs" / "paper-changed" / "cells"
    assert grid.plan.workspace.runs == Workspace().runs


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["learning_rate"], "a grid is given as NAME=VALUE,VALUE: got 'learning_rate'"),
        (["learning_rat=0.1"], "did you mean 'learning_rate'?"),
        (["learning_rate="], "a grid has no empty value: got --grid learning_rate=;"),
        (["learning_rate=0.1,,0.2"], "a grid has no empty value"),
        (["learning_rate=0.1,0.10"], "each value of a grid stands there once: got --grid learning_rate=0.1,0.10"),
        (["seeds=2", "seeds=3"], "a parameter is given once: got seeds twice"),
        (["steps=2", "seeds=3"], "a parameter is given once: got steps twice"),
        (["batch_size=60,1"], "batch_size"),
        (["seeds=some"], "seeds is a whole number: got 'some'"),
        (["seeds=1,0"], "seeds is at least 1: got 0"),
        (["preset=smoke,quick"], "the cells of a grid have one preset"),
        (["output_root=a,b"], "the cells of a grid have one output_root"),
        (["task=mnist,Mnist"], "Mnist"),
    ],
)
def test_a_mistake_in_a_grid_is_one_line_and_nothing_is_written(words, message, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("bnrepro.jupyter.batch.run_batch", lambda *given: pytest.fail("a batch was started"))
    grids = [part for word in words for part in ("--grid", word)]
    assert main(["run", "01", "-p", "steps=20", "--output", "out", *grids]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert message in line
    assert list(tmp_path.iterdir()) == []


def test_the_folder_of_a_grid_is_an_option_and_its_columns_are_ours(tmp_path):
    with pytest.raises(UserError, match="the folder of a grid is given with --output: got -p output_root"):
        make_grid(["seeds=1"], ["01"], "smoke", [f"output_root={tmp_path}"])
    own = write_notebook(
        tmp_path / "10_own.ipynb", "1", parameters='preset: str = ""\noutput_root: str = ""\nn: int = 0'
    )
    with pytest.raises(UserError, match="a column of a grid's table has a name of its own: n is one of ours"):
        grid_of(tmp_path, "n=1,2", notebooks=[str(own)])


def test_a_folder_that_has_records_of_its_own_is_refused(tmp_path):
    (tmp_path / "out" / "seeds=2" / "runs").mkdir(parents=True)
    with pytest.raises(UserError, match="the cells of a grid share their records: .*seeds=2/runs is not"):
        grid_of(tmp_path, "seeds=1,2")
    assert not (tmp_path / "out" / "seeds=1").exists()


def test_a_value_of_any_text_is_one_folder(tmp_path):
    own = write_notebook(
        tmp_path / "10_own.ipynb", "1", parameters='preset: str = ""\noutput_root: str = ""\nplace: str = "here"'
    )
    grid = grid_of(tmp_path, "place=a/b,../c", notebooks=[str(own)])
    assert [cell.workspace.root.parent for cell in grid.cells.values()] == [tmp_path / "out"] * 2
    assert [cell.notebooks[own]["place"] for cell in grid.cells.values()] == ["a/b", "../c"]


def test_a_dry_run_says_what_each_cell_takes_and_what_is_shared_and_writes_nothing(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr("bnrepro.jupyter.batch.run_batch", lambda *given: pytest.fail("a batch was started"))
    words = ["run", "01", "--preset", "smoke", "--output", str(tmp_path / "out"), "--dry-run"]
    assert main([*words, "--grid", "seeds=1,2"]) == 0
    first, second, together = capsys.readouterr().out.splitlines()
    counts = [len(ids(cell)) for cell in grid_of(tmp_path, "seeds=1,2").cells.values()]
    assert first.startswith(f"seeds=1/01_training_speed: {counts[0]} runs")
    assert second.startswith(f"seeds=2/01_training_speed: {counts[1]} runs")
    assert together.startswith(f"together: {counts[1]} runs; about ")
    assert main(words) == 0
    assert capsys.readouterr().out.startswith("01_training_speed: ")
    assert main([*words, "--force"]) == 2
    assert "run --dry-run does nothing but say what would be done: got --force" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_a_dry_run_counts_as_trained_what_a_batch_would_not_train_again_and_moves_nothing(tmp_path):
    plan = make_plan(["01"], "smoke", output=str(tmp_path))
    configs = {config.id: config for group in plan.sweep().values() for config in group}
    whole, old, empty, cut = list(configs.values())[:4]
    done = {
        config.id: write_record(plan.workspace.runs, config, {"runs": runs_row(config, "finished")}) / "done.json"
        for config in (whole, old, empty, cut)
    }
    done[old.id].write_text(json.dumps(json.loads(done[old.id].read_text()) | {"version": RECORD_VERSION - 1}))
    done[empty.id].write_text("")
    (done[cut.id].parent / "runs.csv").write_text("")
    text, files = plan_text(plan), sorted(tmp_path.rglob("*"))
    assert f"together: {len(configs)} runs, 1 of them trained already; " in text
    assert len(done) == len({path.parent for path in files if path.name == "done.json"})
    assert [is_recorded(plan.workspace.runs, config) for config in (whole, old, empty, cut)] == [True] + 3 * [False]


@pytest.mark.slow
@pytest.mark.parametrize("force", [False, True])
def test_each_cell_is_executed_with_its_values_over_the_records_of_all_which_are_trained_once(
    tmp_path, monkeypatch, force
):
    trained = []

    def run_all(configs, records, **options):
        trained.extend(configs)
        return {name: pd.DataFrame({"run": []}) for name in KEPT}

    monkeypatch.setattr("bnrepro.execution.rounds.run_all", run_all)
    own = write_notebook(tmp_path / "10_a.ipynb", SHOWS)
    grid = grid_of(tmp_path, "size=1,2", notebooks=[str(own)])
    sweeps = [only([RunConfig(seed=seed) for seed in seeds])["10_a"] for seeds in ((0, 1), (1, 2))]
    plan = dataclasses.replace(grid.plan, sweeps={"10_a": functools.partial(joined, sweeps)})
    for _ in range(2):  # what is there already is no hindrance
        grid.open()
    assert run_batch(plan, force, grid.cells.values()) == []
    assert sorted(config.seed for config in trained) == [0, 1, 2]
    records = os.path.realpath(tmp_path / "out" / "runs")
    for name, cell in grid.cells.items():
        executed = nbformat.read(cell.workspace.executed / "10_a.ipynb", 4)
        assert executed.cells[-1].outputs[0].text == f"{tmp_path}/out/{name} {name[-1]} {records}\n"


@pytest.mark.slow
def test_a_grid_ends_with_an_output_a_cell_one_table_and_json(tmp_path, monkeypatch, capsys):
    def trained(plan, force, cells):
        for cell, seeds in zip(cells, (1, 2)):
            write_results(cell.workspace.results / DRIFT, finding_tables(DRIFT, "smoke", seeds))
        return [Failure("seeds=2/02_activation_drift", "boom")]

    monkeypatch.setattr("bnrepro.jupyter.batch.run_batch", trained)
    monkeypatch.setattr("bnrepro.report.kept_findings.ROOM", tmp_path / "cache")
    out = tmp_path / "out"
    words = ["run", "02", "--preset", "smoke", "--output", str(out), "--grid", "seeds=1,2"]
    assert main([*words, "--json", str(tmp_path / "grid.json")]) == 1
    printed = capsys.readouterr()
    assert printed.err == "bnrepro: seeds=2/02_activation_drift failed: boom\n"
    assert f"table      {out / 'grid.csv'}" in printed.out and "  seeds=2  inconclusive" in printed.out
    table = pd.read_csv(out / "grid.csv")
    assert set(table["seeds"]) == {1, 2} and "T3" in set(table["claim"])
    rows = json.loads((tmp_path / "grid.json").read_text())
    assert [row["cell"] for row in rows if row["claim"] == "T3"] == [{"seeds": 1}, {"seeds": 2}]
    for name in ("seeds=1", "seeds=2"):
        assert (out / name / "report.html").is_file() and list((out / name / "figures").glob("*.png"))
        assert (out / name / "runs").resolve() == out / "runs"
