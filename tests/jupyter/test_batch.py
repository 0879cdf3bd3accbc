"""The batch: a process a notebook, whole or reported, whatever dies on the way; and the plan that is made before."""

import contextlib
import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import nbformat
import pandas as pd
import papermill
import pytest
from nbclient import NotebookClient
from nbclient.exceptions import DeadKernelError
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output
from papermill.exceptions import PapermillExecutionError

from bnrepro.config.run_config import RunConfig
from bnrepro.errors import UserError
from bnrepro.execution.rounds import KEPT
from bnrepro.execution.waiting import RunsFailed
from bnrepro.jupyter.batch import run_batch
from bnrepro.jupyter.execute import LOADS, execute, reason, to_html
from bnrepro.jupyter.notebook_process import Failure
from bnrepro.jupyter.parameters import find_notebooks
from bnrepro.jupyter.plan import Plan, make_plan
from bnrepro.records import workspace
from bnrepro.records.drafts import locked
from bnrepro.records.workspace import CHECKOUT, Workspace
from tests.jupyter.throwaway import KILL, only, write_notebook

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def executed(tmp_path_factory):
    """A batch in which all that can happen to a notebook happens: the folder, the failures by name, the plan."""
    folder = tmp_path_factory.mktemp("notebooks")
    write_notebook(
        folder / "10_good.ipynb", "import matplotlib.pyplot as plt\nplt.plot([1, 2]);", "print(preset, size)"
    )
    write_notebook(folder / "11_raises.ipynb", 'raise ValueError("boom")', "print('never')")
    write_notebook(folder / "12_killed.ipynb", KILL, "print('never')")
    write_notebook(folder / "13_killed_at_the_end.ipynb", "print('all but')", KILL)
    write_notebook(folder / "14_leaves.ipynb", "import sys\nsys.exit(0)", "print('never')")
    write_notebook(folder / "15_lacks.ipynb", "before = size", "print(before, open('mine.txt').read())")
    write_notebook(folder / "99_verdicts.ipynb", f"import os\nprint(sorted(os.listdir()))\nprint({str(folder)!r})")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(workspace, "NOTEBOOKS", folder)
        # A folder with braces and a blank: papermill fills in the one, a shell splits at the other.
        output = tmp_path_factory.mktemp("out") / "a {folder}"
        stale = output / "notebooks" / "11_raises.ipynb"
        stale.parent.mkdir(parents=True)
        stale.write_text('{"metadata": {"papermill": "of an earlier batch"}}')
        plan = make_plan(preset="smoke", assignments=["size=3"], output=str(output), jobs=2)
        failures = {failure.what: failure for failure in run_batch(plan)}
    return output / "notebooks", failures, plan


def test_a_whole_notebook_has_its_name_its_page_and_its_log(executed):
    folder, failures, _ = executed
    assert "10_good" not in failures
    assert {path.name for path in folder.glob("10_good*")} == {"10_good.ipynb", "10_good.html", "10_good.log"}
    assert not list(folder.glob(".*"))


def test_a_notebook_gets_the_values_and_shows_its_figure(executed):
    folder, _, plan = executed
    cells = nbformat.read(folder / "10_good.ipynb", 4).cells
    outputs = [output for cell in cells if cell.cell_type == "code" for output in cell.outputs]
    assert [output.text for output in outputs if output.output_type == "stream"] == ["smoke 3\n"]
    assert [output for output in outputs if "image/png" in output.get("data", {})]
    assert list(plan.notebooks.values())[0]["size"] == 3


def test_a_notebook_that_raises_is_reported_with_its_error_and_kept_under_another_name(executed):
    folder, failures, _ = executed
    kept = folder / "11_raises.failed.ipynb"
    assert failures["11_raises"] == Failure("11_raises", "ValueError: boom", folder / "11_raises.log", kept)
    assert kept.exists()
    assert not (folder / "11_raises.ipynb").exists()


def test_its_page_shows_what_came_before_its_parameters_and_what_was_raised(executed):
    folder, _, _ = executed
    page = (folder / "11_raises.failed.html").read_text()
    words = re.sub(r"<[^>]*>", "", page)
    assert "ValueError: boom" in words and "Traceback" in words and "size = 3" in words
    assert not LOADS.search(page)


def test_it_runs_again_as_it_is_once_what_it_lacked_is_there(executed):
    """What Run All Cells does in JupyterLab, where a kernel works in the notebook's folder."""
    folder, failures, plan = executed
    kept = failures["15_lacks"].kept
    (folder / "mine.txt").write_text("found")
    again = NotebookClient(nbformat.read(kept, 4), resources={"metadata": {"path": folder}}).execute()
    values = [output.text for cell in again.cells for output in cell.get("outputs", ()) if "text" in output]
    assert values == ["3 found\n"]
    assert f"output_root = {str(plan.workspace.root)!r}".replace("'", '"') in again.cells[2].source


@pytest.mark.parametrize("name", ["12_killed", "13_killed_at_the_end"])
def test_a_killed_kernel_is_a_failure_never_a_success(executed, name):
    folder, failures, _ = executed
    assert "Kernel died" in failures[name].why
    assert {path.name for path in folder.glob(f"{name}*")} == {
        f"{name}.{end}" for end in ("failed.ipynb", "failed.html", "log")
    }


def test_a_notebook_that_leaves_before_its_end_is_a_failure(executed):
    _, failures, _ = executed
    assert "ended before cell" in failures["14_leaves"].why


def test_the_verdicts_come_last_and_the_others_run_whatever_fails(executed):
    folder, failures, _ = executed
    text = (folder / "99_verdicts.ipynb").read_text()
    assert len(failures) == 5
    assert all(name in text for name in ("10_good.html", "11_raises.failed.ipynb", "14_leaves.failed.ipynb"))


def test_the_reason_is_what_the_cell_raised_and_where_it_begins():
    error = PapermillExecutionError(0, 1, "cell", "ValueError", "alpha is above 0\n\nArguments:\n  • mask=None", [])
    assert reason(error) == "ValueError: alpha is above 0 Arguments: • mask=None"
    killed = "DeadKernelError: Kernel died: somebody killed it, or the memory ran out"
    assert reason(DeadKernelError("Kernel died")) == killed


def test_a_failure_says_which_why_where_to_look_and_how_to_go_on(executed, monkeypatch):
    folder, failures, _ = executed
    monkeypatch.setenv("PATH", str(Path(sys.executable).parent))
    monkeypatch.setenv("BNREPRO_PLUGINS", "/a/my net.py")
    notebook = f"'{folder}/11_raises.failed.ipynb'"
    by_hand = f"BNREPRO_PLUGINS='/a/my net.py' jupyter lab {notebook}"
    assert str(failures["11_raises"]) == (
        f"11_raises failed: ValueError: boom (log: {folder}/11_raises.log; "
        f"as far as it came: {folder}/11_raises.failed.html; to run its cells by hand: {by_hand})"
    )
    monkeypatch.setenv("PATH", "/nowhere")
    monkeypatch.delenv("BNREPRO_PLUGINS")
    assert f"by hand: {sys.executable} -m jupyter lab {notebook})" in str(failures["11_raises"])


@pytest.fixture
def waiting(tmp_path):
    """A batch in a process of its own, its only notebook waiting, and the kernel's process id."""
    pid = tmp_path / "pid"
    wait = f"import os, pathlib, time\npathlib.Path({str(pid)!r}).write_text(str(os.getpid()))\ntime.sleep(300)"
    write_notebook(tmp_path / "10_waits.ipynb", wait)
    script = f"""
import pathlib, signal, sys
from bnrepro import cli
from bnrepro.records import workspace
from bnrepro.records.drafts import locked
workspace.NOTEBOOKS = pathlib.Path({str(tmp_path)!r})
signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background job starts with it ignored
sys.exit(cli.main(["run", "--output", {str(tmp_path / "out")!r}]))
"""
    with subprocess.Popen([sys.executable, "-c", script], stderr=subprocess.PIPE, text=True, cwd=CHECKOUT) as batch:
        _eventually(lambda: batch.poll() is not None or (pid.exists() and pid.read_text()))
        assert batch.poll() is None, batch.stderr.read()
        yield batch, int(pid.read_text())
        batch.kill()


def test_an_interrupt_ends_the_notebooks_and_their_kernels(waiting, tmp_path):
    batch, kernel = waiting
    batch.send_signal(signal.SIGINT)
    assert batch.wait() == 130
    assert batch.stderr.read().splitlines() == [
        "bnrepro: interrupted; finished runs are kept, the same command goes on from there"
    ]
    assert _eventually(lambda: not _is_alive(kernel))
    assert [path.name for path in (tmp_path / "out/notebooks").iterdir()] == ["10_waits.log"]


def test_a_notebook_that_is_torn_gets_no_name_so_that_the_next_batch_goes_on(monkeypatch, tmp_path):
    """As on a full disk."""
    tear = "import glob\nopen(glob.glob('.10_torn.*.ipynb')[0], 'w').write('{')\n" + KILL.replace("getpid", "getppid")
    source = write_notebook(tmp_path / "10_torn.ipynb", tear)
    for _ in range(2):
        plan = make_plan([str(source)], "smoke", output=str(tmp_path / "out"))
        (failure,) = run_batch(plan)
        assert failure.why == "killed by signal 9"
        assert [path.name for path in plan.workspace.executed.iterdir()] == ["10_torn.log"]


def test_a_killed_batch_takes_its_notebooks_and_their_kernels_along(waiting):
    batch, kernel = waiting
    batch.kill()
    assert _eventually(lambda: not _is_alive(kernel))


def _eventually(condition):
    """The condition's first answer that is true, however busy the machine is."""
    while not (answer := condition()):
        time.sleep(0.1)
    return answer


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    status = Path(f"/proc/{pid}/status")  # a container may keep what is dead, as a zombie
    return "State:\tZ" not in (status.read_text() if status.exists() else "")


def _papermill(monkeypatch, *answers):
    """Lets papermill give these answers, one a call; returns the list that the rest stays in."""
    rest = list(answers)

    def execute_notebook(*arguments, **options):
        answer = rest.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    monkeypatch.setattr(papermill, "execute_notebook", execute_notebook)
    return rest


def test_a_kernel_that_does_not_start_gets_a_second_chance(monkeypatch, tmp_path):
    rest = _papermill(monkeypatch, RuntimeError("Kernel didn't respond in 180 seconds"), new_notebook())
    execute(tmp_path / "a.ipynb", tmp_path / "b.ipynb", {})
    assert not rest
    assert (tmp_path / "b.html").exists()


@pytest.mark.parametrize(
    "answers", [[DeadKernelError("Kernel died")], [RuntimeError("Kernel"), RuntimeError("Kernel")]]
)
def test_there_is_no_third_chance_and_none_once_the_kernel_ran(monkeypatch, tmp_path, answers):
    rest = _papermill(monkeypatch, *answers, new_notebook())
    with pytest.raises(RuntimeError, match="Kernel"):
        execute(tmp_path / "a.ipynb", tmp_path / "b.ipynb", {})
    assert len(rest) == 1
    assert not (tmp_path / "b.html").exists()


def test_a_page_keeps_links_and_pictures_and_loads_no_script():
    picture = new_output("display_data", {"image/png": "iVBORw0KGgo="})
    cells = [new_markdown_cell("[a link](https://arxiv.org)"), new_code_cell("1", execution_count=1, outputs=[picture])]
    page = to_html(new_notebook(cells=cells))
    assert 'href="https://arxiv.org"' in page
    assert "data:image/png;base64,iVBORw0KGgo=" in page
    assert "<script src" not in page


@pytest.mark.parametrize(
    "text",
    [
        "![a picture](https://example.org/a.png)",
        '<script src="//example.org/a.js"></script>',
        "<link rel=stylesheet href=https://example.org/a.css>",
        "<style>@import 'https://example.org/a.css'</style>",
        "<p style='background: url(https://example.org/a.png)'></p>",
    ],
)
def test_a_notebook_that_would_load_something_is_refused(text):
    with pytest.raises(RuntimeError, match="works offline"):
        to_html(new_notebook(cells=[new_markdown_cell(text)]))


def _plan(tmp_path, *configs) -> Plan:
    return Plan({}, only(configs), Workspace("smoke", tmp_path), jobs=1)


def _ids(plan: Plan) -> set[str]:
    return {config.id for group in plan.sweep().values() for config in group}


def _trains(monkeypatch, train) -> None:
    """Puts `train(config)` in the place of training; it returns what the record says."""

    def run_all(configs, records, **options):
        for config in configs:
            text = train(config)
            (records / config.id).mkdir(parents=True)
            (records / config.id / "done.json").write_text(text)
        return {name: pd.DataFrame() for name in KEPT}

    monkeypatch.setattr("bnrepro.execution.rounds.run_all", run_all)


def test_force_trains_again_what_has_a_record(monkeypatch, tmp_path):
    plan = _plan(tmp_path, RunConfig(seed=0), RunConfig(seed=1))
    _trains(monkeypatch, lambda config: "old")
    run_batch(plan)
    _trains(monkeypatch, lambda config: "new")
    run_batch(plan, force=True)
    assert {path.parent.name: path.read_text() for path in plan.workspace.runs.rglob("done.json")} == {
        run: "new" for run in _ids(plan)
    }


@pytest.mark.parametrize("force", [True, False])
def test_a_batch_that_needs_no_run_trains_nothing(monkeypatch, tmp_path, force):
    monkeypatch.setattr(
        "bnrepro.execution.rounds.run_all", lambda *arguments, **options: pytest.fail("training was asked for")
    )
    assert run_batch(_plan(tmp_path), force) == []


def test_an_interrupt_while_training_anew_keeps_every_finished_run(monkeypatch, tmp_path):
    first, second = RunConfig(seed=0), RunConfig(seed=1)
    plan = _plan(tmp_path, first, second)
    _trains(monkeypatch, lambda config: "old")
    run_batch(plan)

    def interrupted(config):
        if config == second:
            raise KeyboardInterrupt
        return "new"

    _trains(monkeypatch, interrupted)
    with pytest.raises(KeyboardInterrupt):
        run_batch(plan, force=True)
    runs = {path.name: (path / "done.json").read_text() for path in plan.workspace.runs.iterdir()}
    assert runs == {first.id: "new", second.id: "old"}


@pytest.mark.parametrize("killed", [True, False])
def test_what_was_trained_anew_before_a_kill_is_taken_by_the_next_batch_and_nothing_of_one_that_lives(
    monkeypatch, tmp_path, killed
):
    config = RunConfig()
    plan = _plan(tmp_path, config)
    _trains(monkeypatch, lambda config: "old")
    run_batch(plan)
    left = plan.workspace.runs / ".anew.0123"
    (left / config.id).mkdir(parents=True)
    (left / config.id / "done.json").write_text("new")
    with contextlib.nullcontext() if killed else locked(left):
        run_batch(plan)
    assert (plan.workspace.runs / config.id / "done.json").read_text() == ("new" if killed else "old")
    assert left.exists() != killed


def test_a_notebook_is_executed_as_soon_as_its_own_runs_are_trained(monkeypatch, tmp_path):
    """The second experiment is trained until the first one's notebook is done, so that otherwise this test would not end."""
    notebooks = {write_notebook(tmp_path / f"{name}.ipynb", "1 + 1"): {} for name in ("10_a", "11_b")}
    sweeps = {name: only([RunConfig(seed=seed)])["10_a"] for seed, name in enumerate(("10_a", "11_b"))}
    plan = Plan(notebooks, sweeps, Workspace("smoke", tmp_path / "out"), jobs=2)
    first = plan.workspace.executed / "10_a.ipynb"
    _trains(monkeypatch, lambda config: (config.seed == 0 or _eventually(first.exists)) and "done")
    assert run_batch(plan) == []
    assert (plan.workspace.executed / "11_b.ipynb").exists()


def test_an_error_that_is_none_of_a_run_is_not_swallowed(monkeypatch, tmp_path):
    def fail(config):
        raise ZeroDivisionError("a mistake of ours")

    _trains(monkeypatch, fail)
    with pytest.raises(ZeroDivisionError):
        run_batch(_plan(tmp_path, RunConfig()))


@pytest.mark.parametrize("force", [True, False])
def test_runs_that_fail_are_reported_in_one_line_and_all_of_them_in_a_log(monkeypatch, tmp_path, force):
    lines = [f"run-{number} (ValueError: boom)" for number in range(5)]

    def fail(config):
        raise RunsFailed(lines, 7)

    _trains(monkeypatch, fail)
    (failure,) = run_batch(_plan(tmp_path, RunConfig()), force)
    log = tmp_path / "notebooks" / "training.log"
    told = f"5 of 7 runs failed, the others are recorded: {'; '.join(lines[:3])}"
    assert str(failure) == f"training failed: {told} (log: {log})"
    assert log.read_text().splitlines() == lines
    _trains(monkeypatch, lambda config: "done")
    assert run_batch(_plan(tmp_path, RunConfig())) == []
    assert not log.exists()


def test_a_plan_has_each_run_of_the_chosen_notebooks(tmp_path):
    both, alone = (_ids(make_plan(names, "smoke", output=str(tmp_path))) for names in (["01", "02"], ["01"]))
    assert alone and alone <= both


def test_without_names_a_plan_is_a_first_look_and_all_is_every_notebook(tmp_path):
    look, every = (make_plan((), "smoke", output=str(tmp_path), every=every) for every in (False, True))
    stems = [path.stem for path in look.notebooks]
    assert stems == [path.stem for path in find_notebooks() if path.stem in stems]
    assert {"00_the_layer", "01_training_speed", "09_largest_rates", "99_verdicts"} <= set(stems)
    assert not {"03_learning_rates", "04_regularization"} & set(stems)
    assert list(every.notebooks) == find_notebooks()


def test_a_first_look_trains_dense_nets_alone(tmp_path):
    plan = make_plan((), "quick", output=str(tmp_path))
    assert {config.model.name for group in plan.sweep().values() for config in group} == {"mlp"}


def test_rounds_are_expected_to_come_to_what_they_came_to_unless_a_parameter_says_otherwise(tmp_path):
    assert make_plan(["09"], "quick", output=str(tmp_path)).times_first_round["09_largest_rates"] > 1
    assert not make_plan(["09"], "quick", ["seeds=2"], str(tmp_path)).times_first_round


def test_a_plan_passes_the_given_values_only_and_as_plain_json(tmp_path):
    plan = make_plan(["01", "99"], "smoke", ["steps=30", "learning_rate=1"], str(tmp_path))
    first, last = plan.notebooks.values()
    assert first == {
        "preset": "smoke",
        "output_root": str(tmp_path),
        "steps": 30,
        "learning_rate": 1.0,
        "changed": True,
    }
    assert "steps" not in last
    assert json.loads(json.dumps(first)) == first
    assert {config.steps for group in plan.sweep().values() for config in group} == {30}


def test_a_parameter_in_a_plan_keeps_it_from_the_committed_rooms(tmp_path, monkeypatch):
    monkeypatch.setattr(Workspace, "check_writable", lambda workspace: workspace)
    assert make_plan(["02"], "paper").workspace.is_record
    assert not make_plan(["02"], "paper", ["seeds=2"]).workspace.is_record


@pytest.mark.parametrize("word", ["draws=2", "changed=true"])
def test_all_notebooks_of_a_batch_write_to_the_same_rooms(tmp_path, word):
    plan = make_plan(["00", "01", "99"], "smoke", [word], str(tmp_path))
    assert plan.workspace.changed
    assert [own["changed"] for own in plan.notebooks.values()] == [True, True, True]
    assert _ids(plan) == _ids(make_plan(["01"], "smoke", output=str(tmp_path)))


def test_processes_at_once_are_capped_by_the_environment_for_notebooks_too(tmp_path, monkeypatch):
    monkeypatch.setenv("BNREPRO_JOBS", "1")
    assert make_plan(["99"], "smoke", output=str(tmp_path)).jobs == 1
    assert make_plan(["99"], "smoke", output=str(tmp_path), jobs=3).jobs == 3
    monkeypatch.setenv("BNREPRO_JOBS", "some")
    with pytest.raises(UserError, match="jobs is a whole number of 1 or more: got 'some'"):
        make_plan(["99"], "smoke", output=str(tmp_path))


def test_preset_and_folder_can_be_given_as_parameters_too(tmp_path):
    plan = make_plan(["02"], assignments=["preset=smoke", f"output_root={tmp_path}"])
    assert plan.workspace == Workspace("smoke", str(tmp_path))
    with pytest.raises(UserError, match="preset is given once"):
        make_plan(["02"], "quick", ["preset=smoke"], str(tmp_path))


def test_a_notebook_is_found_by_number_name_and_path(tmp_path):
    by_path = str(CHECKOUT / "notebooks" / "02_activation_drift.ipynb")
    names = ["02", "02_activation_drift", "02_activation_drift.ipynb", by_path]
    assert [path.stem for path in make_plan(names, "smoke", output=str(tmp_path)).notebooks] == ["02_activation_drift"]


def test_two_notebooks_of_one_name_are_refused_since_what_they_write_has_it(tmp_path):
    copy = write_notebook(tmp_path / "01_training_speed.ipynb", "print(preset)")
    with pytest.raises(UserError, match=f"notebooks of one batch have different names: got .* and {copy}"):
        make_plan(["01", str(copy)], "smoke", output=str(tmp_path / "out"))
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("content", ["no notebook", "", "{}", "[]", "3", "null", '{"nbformat": 4, "cells": 3}'])
def test_a_file_that_is_no_notebook_is_refused_in_one_line(tmp_path, content):
    path = tmp_path / "bad.ipynb"
    path.write_text(content)
    with pytest.raises(UserError, match="a notebook is JSON .*bad.ipynb is not") as error:
        make_plan([str(path)], "smoke", output=str(tmp_path / "out"))
    assert "\n" not in str(error.value)
    assert not (tmp_path / "out").exists()


def test_a_notebook_without_parameters_is_refused(tmp_path):
    nbformat.write(new_notebook(), tmp_path / "bare.ipynb")
    with pytest.raises(UserError, match="tagged `parameters`"):
        make_plan([str(tmp_path / "bare.ipynb")], "smoke", output=str(tmp_path / "out"))
    assert not (tmp_path / "out").exists()
