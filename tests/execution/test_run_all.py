"""Many runs: each trained once, each kept, whatever is killed and whenever."""

import concurrent.futures
import json
import multiprocessing
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from bnrepro.config.grid import grid
from bnrepro.config.run_config import RunConfig
from bnrepro.errors import UserError
from bnrepro.execution.run_all import run_all
from bnrepro.execution.waiting import RunsFailed
from bnrepro.records.store import read_record, write_record

pytestmark = pytest.mark.slow(seconds=60)

TINY = RunConfig(
    hidden_layers=1, hidden_units=4, train_examples=600, test_examples=100, steps=1_000, evaluate_every=100
)
SWEEP = grid(TINY, normalization=("none", "batch"), seed=range(2))
BITS = ("runs.csv", "curves.csv", "quantiles.csv", "drift.csv")
CHILD = """
from bnrepro.config.run_config import RunConfig
from bnrepro.execution import run_all, worker_process
from bnrepro.records.schemas import SCHEMAS, runs_row
from bnrepro.records.store import write_record
from pathlib import Path
import json, os, pandas, signal, sys, time

records, options = Path(sys.argv[1]), json.loads(sys.argv[2])
sweep = [RunConfig.of_row(fields) for fields in options["sweep"]]
really_train, fsync = worker_process.train, os.fsync

def train(group, records, on_steps, on_resumed):
    (config,) = group
    if config.id == options["deadly"]:
        os.kill(os.getpid(), signal.SIGKILL)
    if options["trains"]:
        return really_train(group, records, on_steps, on_resumed)
    tables = {name: pandas.DataFrame(columns=SCHEMAS[name]) for name in run_all.TABLES}
    write_record(records, config, tables | {"runs": runs_row(config, "finished")})
    on_steps(config.steps)

def fsync_slowly(file):  # a record takes a second to write, so that a test can kill then
    time.sleep(0.2)
    fsync(file)

worker_process.train, os.fsync = train, fsync_slowly  # in the workers too, which import this file
if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background job starts with it ignored
    run_all.run_all(sweep, jobs=options["jobs"], records=records)
"""


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    folder = tmp_path_factory.mktemp("trained")
    return folder, run_all(SWEEP, jobs=2, records=folder)


def child(folder: Path, jobs: int, trains: bool = False, deadly: str = "") -> subprocess.Popen:
    """Has the sweep done in a process of its own.

    Args:
        folder: For the records.
        jobs: Workers.
        trains: Whether runs are trained; if not, each writes a record of a run that was not, which takes no TensorFlow.
        deadly: The id of a run that kills its worker.
    """
    script = folder.parent / "child.py"
    script.write_text(CHILD)
    options = dict(sweep=[config.as_dict() for config in SWEEP], jobs=jobs, trains=trains, deadly=deadly)
    with open(folder.parent / "log", "w") as log:
        return subprocess.Popen([sys.executable, str(script), str(folder), json.dumps(options)], stdout=log, stderr=log)


def records(folder: Path) -> list[Path]:
    return [path for path in folder.iterdir() if not path.name.startswith(".")] if folder.exists() else []


def drafts(folder: Path) -> list[Path]:
    return list(folder.glob(".*"))


def workers_of(pid: int) -> list[psutil.Process]:
    """The processes that train for another: none of them has begun others."""
    below = psutil.Process(pid).children(recursive=True)
    return [one for one in below if not one.children() and "resource_tracker" not in " ".join(one.cmdline())]


def wait_until(condition, process) -> None:
    while not condition():
        assert process.poll() is None, "the child ended before the moment to kill it"
        time.sleep(0.005)


def test_every_run_of_a_sweep_is_trained_and_returned(trained):
    folder, tables = trained
    assert len(records(folder)) == len(SWEEP) == len(tables["runs"])
    assert set(tables["runs"]["status"]) == {"finished"}


def test_what_has_a_record_is_not_trained_again(trained):
    folder, tables = trained
    before = {path: path.stat().st_mtime_ns for path in folder.rglob("*")}
    again = run_all(SWEEP, executor=RefusingExecutor(), records=folder)
    assert again["curves"].equals(tables["curves"])
    assert {path: path.stat().st_mtime_ns for path in folder.rglob("*")} == before


class RefusingExecutor(concurrent.futures.Executor):
    def submit(self, *args, **kwargs):
        raise AssertionError("something was trained")


def test_a_run_killed_at_any_moment_goes_on_and_reaches_the_same_bits(trained, tmp_path):
    folder = tmp_path / "records"
    moments = {  # each with what is then on the disk: records and drafts of records
        "before the first record": (lambda: psutil.Process(process.pid).children(), (0, 0)),
        "while a record is written": (lambda: drafts(folder), (0, 1)),
        "after the first record": (lambda: records(folder), (1, 1)),
    }
    for moment, found in moments.values():
        process = child(folder, jobs=1, trains=True)
        wait_until(moment, process)
        workers = psutil.Process(process.pid).children(recursive=True)
        process.send_signal(signal.SIGKILL)
        process.wait()
        psutil.wait_procs(workers)  # for ever, if a killed parent left one behind
        assert (len(records(folder)), len(drafts(folder))) == found
    process = child(folder, jobs=1, trains=True)
    assert process.wait() == 0
    for config in SWEEP:
        for name in BITS:
            assert (folder / config.id / name).read_bytes() == (trained[0] / config.id / name).read_bytes()


def test_an_interrupt_ends_at_once_and_keeps_what_is_finished(tmp_path):
    folder = tmp_path / "records"
    process = child(folder, jobs=1)
    wait_until(lambda: records(folder), process)
    kept = records(folder)[0].name
    process.send_signal(signal.SIGINT)
    process.wait()
    assert process.returncode != 0
    assert kept in {path.name for path in records(folder)}
    for config in SWEEP:
        read_record(folder, config)


@pytest.mark.parametrize("killed", ["the worker", "what it is a copy of"])
def test_a_run_whose_worker_is_killed_is_trained_by_another_worker(tmp_path, killed):
    folder = tmp_path / "records"
    process = child(folder, jobs=1)
    wait_until(lambda: records(folder), process)
    (worker,) = workers_of(process.pid)
    (worker if killed == "the worker" else worker.parent()).kill()
    assert process.wait() == 0
    assert len(records(folder)) == len(SWEEP)


@pytest.mark.parametrize("place", ["a folder with a keras.py", "a folder for temporary files with a long name"])
def test_workers_find_what_they_load_wherever_a_batch_is_started(tmp_path, monkeypatch, place):
    here, there = tmp_path / "here", tmp_path / ("long" * 30)
    here.mkdir()
    there.mkdir()
    (here / "keras.py").write_text("raise RuntimeError('this is not Keras')")
    monkeypatch.chdir(here)
    if place != "a folder with a keras.py":
        monkeypatch.setenv("TMPDIR", str(there))
    assert child(tmp_path / "records", jobs=1).wait() == 0
    assert len(records(tmp_path / "records")) == len(SWEEP)
    assert not list(there.iterdir())


def test_a_run_that_kills_its_worker_twice_fails_and_all_others_are_trained(tmp_path):
    folder, deadly = tmp_path / "records", SWEEP[0].id
    assert child(folder, jobs=2, deadly=deadly).wait() != 0
    told = (tmp_path / "log").read_text().splitlines()[-1]
    assert f"RunsFailed: 1 of {len(SWEEP)} runs failed, the others are recorded: {deadly} (BrokenProcessPool" in told
    assert {path.name for path in records(folder)} == {config.id for config in SWEEP[1:]}


class FailingExecutor(concurrent.futures.Executor):
    def submit(self, *args, **kwargs):
        future = concurrent.futures.Future()
        future.set_exception(ValueError("two\nlines"))
        return future


def test_failed_runs_are_told_in_one_line_that_names_three(tmp_path):
    with pytest.raises(RunsFailed) as error:
        run_all(SWEEP, executor=FailingExecutor(), records=tmp_path)
    assert sorted(error.value.failures) == sorted(f"{config.id} (ValueError: two lines)" for config in SWEEP)
    assert str(error.value).count("two lines") == 3
    assert "\n" not in str(error.value)


def test_a_damaged_record_is_named_moved_aside_and_trained_again(trained, tmp_path, capsys):
    source, tables = trained
    config = SWEEP[0]
    write_record(tmp_path, config, read_record(source, config))
    curves = tmp_path / config.id / "curves.csv"
    curves.write_text(curves.read_text().replace("test", "tests"))
    found = run_all([config], jobs=1, records=tmp_path)
    assert config.id in capsys.readouterr().err
    assert found["curves"].equals(tables["curves"].query(f"run == '{config.id}'").reset_index(drop=True))
    assert len(list(tmp_path.glob(f"{config.id}.damaged-*"))) == 1


def test_another_executor_does_as_well(trained, tmp_path):
    context = multiprocessing.get_context("spawn")
    with concurrent.futures.ProcessPoolExecutor(1, context) as executor:
        found = run_all(SWEEP[:1], executor=executor, records=tmp_path)
    assert found["curves"].equals(trained[1]["curves"].query(f"run == '{SWEEP[0].id}'").reset_index(drop=True))


def test_a_run_that_raises_is_named_and_the_others_are_kept(trained, tmp_path):
    (tmp_path / SWEEP[0].id).write_text("a file where the record's folder should be")
    with pytest.raises(RunsFailed, match=f"1 of 2 runs failed, the others are recorded: {SWEEP[0].id}"):
        run_all(SWEEP[:2], jobs=1, records=tmp_path)
    assert read_record(tmp_path, SWEEP[1]) is not None


@pytest.mark.parametrize("jobs", [0, -1, "two"])
def test_a_wrong_number_of_jobs_is_refused(jobs, tmp_path):
    with pytest.raises(UserError, match="jobs is a whole number of 1 or more"):
        run_all(SWEEP, jobs=jobs, records=tmp_path)
