"""Places: where output may go, whatever the name it is given, and where people and their files may be."""

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import pandas as pd
import pytest

from bnrepro import cli
from bnrepro.errors import UserError
from bnrepro.jupyter.execute import execute
from bnrepro.jupyter.plan import make_plan
from bnrepro.jupyter.session import Session
from bnrepro.records import workspace
from bnrepro.records.results import write_results
from bnrepro.records.schemas import SCHEMAS
from bnrepro.records.workspace import CHECKOUT, COMMITTED, Workspace, check_not_committed
from tests.jupyter.throwaway import write_notebook

EXECUTED = '{"metadata": {"papermill": {}}, "cells": [], "nbformat": 4, "nbformat_minor": 5}'


@pytest.fixture
def checkout(tmp_path, monkeypatch):
    """A checkout in small, in which a test may break things."""
    root = tmp_path / "checkout"
    for folder in ("data/results/00_the_layer", "data/runs", "notebooks/executed", "figures", "bnrepro", "tests"):
        (root / folder).mkdir(parents=True)
    write_notebook(root / "notebooks/10_mine.ipynb", "print(preset)")
    (root / "data/results/00_the_layer/facts.csv").write_text("committed")
    (root / "README.md").write_text("committed")
    for name, place in (("CHECKOUT", root), ("DATA", root / "data"), ("NOTEBOOKS", root / "notebooks")):
        monkeypatch.setattr(workspace, name, place)
    monkeypatch.setattr(
        "bnrepro.execution.run_all.run_all", lambda *arguments, **options: pytest.fail("a run was trained")
    )
    return root


def state(folder: Path) -> dict[Path, bytes | None]:
    return {path: path.read_bytes() if path.is_file() else None for path in folder.rglob("*")}


SPELLINGS = {
    "relative": lambda root: ".",
    "with a slash": lambda root: f"{root}/",
    "data": lambda root: "data",
    "back and forth": lambda root: "data/runs/../../data/",
    "a new folder in a committed one": lambda root: "data/new/deep",
    "tests": lambda root: str(root / "tests"),
    "home": lambda root: "~/checkout",
    "a link": lambda root: _link(root.parent / "link", root),
    "a link to a room": lambda root: _link(root.parent / "elsewhere", root / "figures"),
    "a room that is a link": lambda root: str(_link(root.parent / "out/notebooks", root / "notebooks").parent),
    "a link within an ignored room": lambda root: _link(root / "data/runs/a", root / "data/results"),
}


def _link(link: Path, target: Path) -> Path:
    link.parent.mkdir(exist_ok=True)
    link.symlink_to(target)
    return link


@pytest.mark.parametrize("spelling", SPELLINGS)
def test_no_committed_room_is_written_to_under_whatever_name(spelling, checkout, monkeypatch, capsys):
    monkeypatch.chdir(checkout)
    monkeypatch.setenv("HOME", str(checkout.parent))
    output = str(SPELLINGS[spelling](checkout))
    before = state(checkout.parent)
    assert cli.main(["run", "10", "--preset", "paper", "--output", output]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert "only the unchanged paper preset writes what is committed" in line and "--output" in line
    with pytest.raises(UserError, match="what is committed"):
        Session("01_training_speed", "smoke", output)
    assert state(checkout.parent) == before


def test_a_room_that_the_system_knows_by_another_name_is_the_same_room(checkout, monkeypatch, tmp_path):
    """A file system without upper and lower case, or one that is mounted twice, gives two names one inode."""
    twin, stat = tmp_path / "FIGURES", Path.stat
    twin.mkdir()
    monkeypatch.setattr(
        Path, "stat", lambda path, **options: stat(checkout / "figures" if path == twin else path, **options)
    )
    with pytest.raises(UserError, match="is in .*figures"):
        check_not_committed(twin / "deep")


@pytest.mark.parametrize("output", ["out", "data/runs/mine", "notebooks/executed/mine"])
def test_a_folder_that_git_ignores_or_does_not_know_takes_output_again_and_again(output, checkout, monkeypatch):
    monkeypatch.chdir(checkout)
    for _ in range(2):
        plan = make_plan(["10"], "smoke", output=output)
        plan.workspace.executed.mkdir(parents=True, exist_ok=True)
        (plan.workspace.executed / "10_mine.ipynb").write_text(EXECUTED)


def test_an_ignored_room_may_be_a_link_to_another_disk_but_not_to_the_record(checkout):
    (checkout / "data/runs").rmdir()
    (checkout / "data/runs").symlink_to(checkout.parent)
    Workspace("smoke").check_spares()
    (checkout / "data/runs").unlink()
    (checkout / "data/runs").symlink_to(checkout / "data/results")
    with pytest.raises(UserError, match="what is committed"):
        Workspace("smoke").check_spares()


def test_the_unchanged_paper_preset_writes_the_record_and_a_changed_one_does_not(checkout):
    assert make_plan(["10"], "paper").workspace.results == checkout / "data/results"
    assert make_plan(["10"], "paper", ["size=3"]).workspace.results == checkout / "data/runs/paper-changed/results"


@pytest.mark.parametrize("way", ["plain", "a link to the folder", "a link to the notebook", "a hard link", "copied"])
@pytest.mark.usefixtures("checkout")
def test_a_notebook_that_lies_where_its_batch_would_write_is_refused(way, tmp_path, capsys):
    output, source = tmp_path / "out", tmp_path / "out/notebooks/mine.ipynb"
    source.parent.mkdir(parents=True)
    if way in ("plain", "a link to the folder"):
        write_notebook(source)
    else:
        real = write_notebook(tmp_path / "mine.ipynb")
        source.symlink_to(real) if way == "a link to the notebook" else os.link(real, source)
    if way == "a link to the folder":
        output = _link(tmp_path / "link", output)
    elif way == "copied":
        source.unlink()
        write_notebook(source)
        source = tmp_path / "mine.ipynb"
    before = state(tmp_path)
    assert cli.main(["run", str(source), "--preset", "smoke", "--output", str(output)]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert "mine.ipynb" in line and line.endswith("choose another place with --output or output_root")
    assert state(tmp_path) == before


@pytest.mark.parametrize("room", ["results/01_training_speed", "runs", "figures"])
@pytest.mark.usefixtures("checkout")
def test_a_notebook_in_any_folder_that_is_written_is_refused(room, tmp_path):
    (tmp_path / room).mkdir(parents=True)
    source = write_notebook(tmp_path / room / "mine.ipynb")
    with pytest.raises(UserError, match="a notebook that is read lies elsewhere than the output"):
        make_plan([str(source)], "smoke", output=str(tmp_path))


@pytest.mark.usefixtures("checkout")
def test_what_an_earlier_batch_executed_is_replaced_and_can_be_run_elsewhere(tmp_path):
    source = write_notebook(tmp_path / "mine.ipynb")
    (tmp_path / "out/notebooks").mkdir(parents=True)
    (tmp_path / "out/notebooks/mine.ipynb").write_text(EXECUTED)
    make_plan([str(source)], "smoke", output=str(tmp_path / "out"))
    write_notebook(tmp_path / "out/notebooks/mine.ipynb")
    make_plan([str(tmp_path / "out/notebooks/mine.ipynb")], "smoke", output=str(tmp_path / "other"))


def test_names_of_one_batch_that_differ_in_case_alone_are_refused(tmp_path):
    paths = []
    for folder, name in (("a", "mine.ipynb"), ("b", "Mine.ipynb")):
        (tmp_path / folder).mkdir()
        paths.append(str(write_notebook(tmp_path / folder / name)))
    with pytest.raises(UserError, match="notebooks of one batch have different names"):
        make_plan(paths, "smoke", output=str(tmp_path / "out"))


@pytest.mark.parametrize("command", [["report", "--preset", "smoke", "--output"], ["bench", "--json"]])
@pytest.mark.parametrize("place", ["README.md", "data/results/00_the_layer/facts.csv", "figures/a.html", "link.md"])
def test_no_single_file_is_written_over_what_is_committed(command, place, checkout, monkeypatch, capsys):
    monkeypatch.chdir(checkout)
    (checkout / "link.md").symlink_to("README.md")
    before = state(checkout)
    assert cli.main([*command, place]) == 2
    assert "what is committed" in capsys.readouterr().err
    assert state(checkout) == before


@pytest.mark.parametrize("place", ["~nobodyhere/x", "a\0b", 3])
def test_a_place_that_is_none_is_refused_in_one_line(place):
    with pytest.raises(UserError, match="a place for output is a path: got") as error:
        Workspace("smoke", place).check_writable()
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("given", "cache"),
    [
        ({"HOME": "/home/me"}, "/home/me/.cache/bnrepro"),
        ({"HOME": "/home/me", "XDG_CACHE_HOME": "/scratch"}, "/scratch/bnrepro"),
        ({"HOME": "/home/me", "XDG_CACHE_HOME": "/scratch", "BNREPRO_CACHE": "~/data"}, "/home/me/data"),
        ({}, f"{tempfile.gettempdir()}/bnrepro"),
    ],
)
def test_fetched_data_have_a_place_also_where_nobody_has_a_home(given, cache, monkeypatch):
    for name in ("HOME", "XDG_CACHE_HOME", "BNREPRO_CACHE"):
        monkeypatch.delenv(name, raising=False)
    for name, value in given.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr("pwd.getpwuid", {}.__getitem__)  # a user of a container, whom the system has not heard of
    assert workspace._cache() == Path(cache)


def test_a_folder_named_bnrepro_hides_no_package_where_one_works_above_a_clone(tmp_path):
    (tmp_path / "bnrepro/notebooks").mkdir(parents=True)
    subprocess.run([sys.executable, "-c", "from bnrepro import Workspace"], cwd=tmp_path, check=True)


@pytest.mark.parametrize("name", ["exp_{seed}", "a {} b", "{"])
def test_braces_in_a_path_are_part_of_its_name(name, tmp_path, monkeypatch):
    (tmp_path / name).mkdir()
    source = write_notebook(tmp_path / name / "{preset}.ipynb", "print(preset)")
    monkeypatch.chdir(tmp_path / name)
    plan = make_plan([str(source)], "smoke", output=str(tmp_path / name))
    assert list(plan.notebooks) == [source] and plan.notebooks[source]["preset"] == "smoke"
    monkeypatch.setattr("papermill.execute.papermill_engines.execute_notebook_with_engine", lambda name, nb, **rest: nb)
    with pytest.raises(RuntimeError, match="ended before cell 1"):  # for nothing was executed
        execute(source, Path("out {preset}.ipynb"), plan.notebooks[source])
    assert (tmp_path / name / "out {preset}.ipynb").is_file()


def test_what_git_knows_is_what_no_output_goes_to():
    git = shutil.which("git")
    listed = git and subprocess.run([git, "ls-files"], cwd=CHECKOUT, capture_output=True, text=True, check=False)
    if not git or listed.returncode:
        pytest.skip("this copy is no git checkout, or there is no git to ask")
    assert {Path(name).parts[0] for name in listed.stdout.splitlines()} <= {*COMMITTED}


def test_replacing_the_tables_keeps_what_somebody_put_beside_them(tmp_path):
    folder, tables = tmp_path / "01_training_speed", {"sweep": pd.DataFrame(columns=SCHEMAS["sweep"])}
    write_results(folder, tables)
    (folder / "notes.txt").write_text("mine")
    (folder / "curves.csv").write_text("of an earlier run")
    write_results(folder, tables)
    assert {path.name: path.read_text() for path in folder.iterdir() if path.name != "done.json"} == {
        "notes.txt": "mine",
        "sweep.csv": "group,arm,setting,run\n",
    }
