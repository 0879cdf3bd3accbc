"""A long run that is killed goes on where it was kept, in the same pool and in the next one, to the same bits."""

import functools
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from bnrepro.config.run_config import RunConfig
from bnrepro.execution.worker import is_recorded
from bnrepro.records.checkpoints import Checkpoints
from bnrepro.records.store import write_record
from tests.execution.factories import made_up
from tests.execution.test_run_all import BITS, wait_until, workers_of

LONG = RunConfig(
    hidden_layers=1,
    hidden_units=4,
    train_examples=600,
    test_examples=100,
    steps=3_000,
    evaluate_every=50,
    normalization="batch",
    sgd_momentum=0.9,
)
CHILD = """
import functools, json, sys
from pathlib import Path
from bnrepro.config.run_config import RunConfig
from bnrepro.execution import run_all, worker, worker_process

records, config = Path(sys.argv[1]), RunConfig.of_row(json.loads(sys.argv[2]))
really_train = worker_process.train

def train(group, records, on_steps, on_resumed):
    def noted(steps):
        with open(records.parent / "resumed", "a") as file:
            print(steps, file=file)
        on_resumed(steps)

    really_train(group, records, on_steps, noted)

worker.Checkpoints = functools.partial(worker.Checkpoints, seconds=float(sys.argv[3]))  # in the worker too
worker_process.train = train
if __name__ == "__main__":
    run_all.run_all([config], jobs=1, records=records)
"""


def child(folder: Path, seconds: float) -> subprocess.Popen:
    """Has the run trained in a process of its own, and kept so often."""
    folder.mkdir(parents=True, exist_ok=True)
    script = folder / "child.py"
    script.write_text(CHILD)
    words = [sys.executable, str(script), str(folder / "records"), json.dumps(LONG.as_dict()), str(seconds)]
    with open(folder / "log", "a") as log:
        return subprocess.Popen(words, stdout=log, stderr=log)


def kept_files(folder: Path) -> list[os.stat_result]:
    room = folder / "records" / ".checkpoints"
    return [path.stat() for path in room.iterdir() if not path.name.startswith(".")] if room.exists() else []


def is_kept_anew(folder: Path, before: list[os.stat_result]) -> bool:
    return any(status.st_ino not in {one.st_ino for one in before} for status in kept_files(folder))


@pytest.mark.slow(seconds=30)
def test_killed_in_the_pool_and_with_it_a_run_goes_on_to_the_same_bits(tmp_path):
    undisturbed, folder = tmp_path / "undisturbed", tmp_path / "killed"
    assert child(undisturbed, seconds=3_600).wait() == 0
    assert not (undisturbed / "records" / ".checkpoints").exists()

    process = child(folder, seconds=0)
    wait_until(functools.partial(kept_files, folder), process)
    (worker,) = workers_of(process.pid)
    before = kept_files(folder)
    worker.kill()
    wait_until(lambda: (folder / "resumed").exists() and is_kept_anew(folder, before), process)
    workers = psutil.Process(process.pid).children(recursive=True)
    process.send_signal(signal.SIGKILL)
    process.wait()
    psutil.wait_procs(workers)
    assert not (folder / "records" / LONG.id).exists()

    assert child(folder, seconds=3_600).wait() == 0
    first, second = map(int, (folder / "resumed").read_text().split())
    assert 0 < first < second < LONG.steps
    for name in BITS:
        ours, expected = (place / "records" / LONG.id / name for place in (folder, undisturbed))
        assert ours.read_bytes() == expected.read_bytes()
    assert kept_files(folder) == []


def test_what_a_kill_left_after_the_record_was_written_is_removed_when_the_record_is_read(tmp_path):
    records = tmp_path / "records"
    write_record(records, LONG, *made_up((LONG,)))
    Checkpoints(records).write([LONG], {}, {"step": 1})
    assert len(kept_files(tmp_path)) == 1
    assert is_recorded(records, LONG)
    assert kept_files(tmp_path) == []
