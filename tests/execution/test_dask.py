"""A real cluster on loopback: nothing is lost or trained twice, whatever happens to its processes, and bits are as at home."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from pathlib import Path

import psutil
import pytest

from bnrepro.config.grid import grid
from bnrepro.config.plugins import add_plugin
from bnrepro.config.run_config import RunConfig
from bnrepro.errors import MachinesLost
from bnrepro.execution.run_all import run_all
from bnrepro.records.workspace import CHECKOUT
from tests.config.factories import own_registry
from tests.execution.noted import NOTED
from tests.execution.test_run_all import workers_of

distributed = pytest.importorskip("distributed", reason="Dask is not installed: pip install 'bnrepro[dask]'")

pytestmark = pytest.mark.slow(seconds=60)

UNITS = (4, 5, 6, 7, 8, 9)
BITS = ("runs.csv", "curves.csv", "quantiles.csv", "drift.csv")


class Loopback:
    """A scheduler and workers, each a process in a folder of its own."""

    def __init__(self, folder: Path):
        self.folder, self.workers = folder, []
        self.environment = {**os.environ, "PYTHONPATH": str(CHECKOUT), "NOTES": str(folder / "NOTES")}
        self.environment |= {"GATE": str(folder / "GATE")}
        self.environment.pop("BNREPRO_PLUGINS", None)
        (folder / "NOTES").touch()
        self.scheduler = self._start("scheduler", "scheduler", "--host", "127.0.0.1", "--port", "0")
        while not (folder / "scheduler.json").exists():
            time.sleep(0.05)
        self.address = json.loads((folder / "scheduler.json").read_text())["address"]

    def add_worker(self, *options: str) -> subprocess.Popen:
        name = f"worker-{len(self.workers)}"
        self.workers.append(self._start(name, "worker", "--name", name, *options))
        return self.workers[-1]

    def _start(self, name: str, *command: str) -> subprocess.Popen:
        own = self.folder / name
        own.mkdir()
        file = ("--scheduler-file", str(self.folder / "scheduler.json"), "--no-dashboard")
        with open(self.folder / f"{name}.log", "w") as log:
            return subprocess.Popen(
                [sys.executable, "-m", "dask", *command, *file],
                cwd=own,
                env=self.environment,
                stdout=log,
                stderr=log,
            )

    def notes(self) -> list[tuple[int, int]]:
        """Of each net that was compiled the process of its worker, and its units."""
        return [tuple(map(int, line.split())) for line in (self.folder / "NOTES").read_text().splitlines()]

    def end(self) -> None:
        for process in [*self.workers, self.scheduler]:
            if process.poll() is None:
                for one in [*psutil.Process(process.pid).children(recursive=True), process]:
                    with contextlib.suppress(psutil.NoSuchProcess):
                        one.kill()
            process.wait()


@pytest.fixture
def start(tmp_path):
    """Starts a cluster in a folder of its own; all end with the test."""
    clusters = []

    def one(name: str) -> Loopback:
        (tmp_path / name).mkdir()
        clusters.append(Loopback(tmp_path / name))
        return clusters[-1]

    yield one
    for cluster in clusters:
        cluster.end()


@pytest.fixture
def sweep(tmp_path, monkeypatch):
    """60 runs of 6 programs, whose net stands in a plugin that no worker has; half of the programs wait at a gate."""
    own_registry(monkeypatch)
    monkeypatch.setenv("BNREPRO_PLUGINS", "")
    for name in ("NOTES", "GATE"):
        monkeypatch.setenv(name, str(tmp_path / name))
    (tmp_path / "noted.py").write_text(NOTED)
    add_plugin(tmp_path / "noted.py")
    sizes = dict(gate=UNITS[3], train_examples=600, test_examples=100)
    net = RunConfig(model="noted", **sizes, steps=20, evaluate_every=10, compiler="graph")
    return grid(net, units=UNITS, seed=range(10))


def test_60_runs_are_trained_whoever_is_killed_and_whoever_comes_late(start, sweep, tmp_path, monkeypatch):
    (tmp_path / "GATE").touch()
    loopback = start("loopback")
    for _ in range(3):
        loopback.add_worker("--no-nanny", "--nthreads", "1")
    monkeypatch.chdir(tmp_path)

    def happen(client) -> None:
        while len(loopback.notes()) < 3:
            time.sleep(0.05)
        os.kill(loopback.notes()[-1][0], signal.SIGKILL)
        loopback.add_worker("--nthreads", "1")
        while "worker-3" not in {one["name"] for one in client.scheduler_info(n_workers=-1)["workers"].values()}:
            time.sleep(0.1)
        (loopback.folder / "GATE").touch()

    with distributed.Client(loopback.address) as client:
        client.wait_for_workers(3)
        meanwhile = threading.Thread(target=happen, args=(client,))
        meanwhile.start()
        there = run_all(sweep, executor=client, records=Path("records"))
        meanwhile.join()
    assert len(there["runs"]) == len(list(Path("records").iterdir())) == 60
    assert max(Counter(loopback.notes()).values()) == 1  # each net once in each process
    assert len({process for process, _ in loopback.notes()}) == 4
    assert list(loopback.folder.glob("worker-*/**/*.csv")) == []  # where a path as ours would lead to
    run_all(sweep[::5], jobs=1, records=Path("here"))
    for config in sweep[::5]:
        for name in BITS:
            assert Path("here", config.id, name).read_bytes() == Path("records", config.id, name).read_bytes()


def test_after_an_interrupt_and_a_lost_scheduler_finished_runs_are_kept_and_nobody_trains(start, sweep, tmp_path):
    records, loopback = tmp_path / "records", start("first")
    worker = loopback.add_worker("--nthreads", "1")
    waits = max(sweep, key=lambda config: (config["model.units"] >= UNITS[3], config.compilation_key.id))
    first = min(sweep, key=lambda config: (config["model.units"] >= UNITS[3], config.compilation_key.id))
    assert first.compilation_key.id < waits.compilation_key.id  # so it is trained before
    runs = [*grid(first, seed=range(3)), waits]

    def train(noted: int, happens) -> None:
        """Trains, and has something happen as soon as all but one are recorded and so many nets are compiled."""

        def happen() -> None:
            while len(list(records.glob("[!.]*"))) < 3 or len(loopback.notes()) < noted:
                time.sleep(0.05)
            happens()

        meanwhile = threading.Thread(target=happen)
        meanwhile.start()
        with distributed.Client(loopback.address) as client:
            client.wait_for_workers(1)
            run_all(runs, executor=client, records=records)
        meanwhile.join()

    training = []
    usual = signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background job starts with it ignored
    with pytest.raises(KeyboardInterrupt):
        train(2, lambda: (training.extend(workers_of(worker.pid)), signal.raise_signal(signal.SIGINT)))
    signal.signal(signal.SIGINT, usual)
    assert len(training) == 1
    psutil.wait_procs(training)  # for ever, if one goes on
    kept = {path: path.stat().st_mtime_ns for path in records.rglob("*.csv")}
    assert {path.parent.name for path in kept} == {config.id for config in runs[:3]}
    with pytest.raises(MachinesLost, match=f"the scheduler at {loopback.address} is lost; finished runs are kept"):
        train(3, lambda: (training.extend(workers_of(worker.pid)), loopback.scheduler.kill()))
    worker.wait()
    psutil.wait_procs(training)
    loopback = start("second")
    loopback.add_worker("--no-nanny", "--nthreads", "1")
    (loopback.folder / "GATE").touch()
    with distributed.Client(loopback.address) as client:
        tables = run_all(runs, executor=client, records=records)
    assert set(tables["runs"]["run"]) == {config.id for config in runs}
    assert {path: path.stat().st_mtime_ns for path in kept} == kept
