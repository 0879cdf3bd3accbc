"""A batch on a Slurm of this machine whose task is killed or cancelled, or whose command is interrupted or killed."""

import contextlib
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psutil

from tests.hard import batches
from tests.hard.trials import Place, Skipped, Trial, Trials, command

KINDS = ("task killed", "task cancelled", "command interrupted", "command killed")

TASK = "submitit.core._submit"
"""What stands in the command line of a task's process."""

GONE = 60
"""Seconds after which a task of an interrupted command counts as left behind."""

LATER = 10
"""The most seconds from the first task's start to what befalls the batch."""


class Disturbed:
    """A batch on Slurm again and again, each time on a new output root."""

    def __init__(self, place: Place):
        self.folder = place.folder
        self.expected = batches.reference(place.folder / "pool")

    def trial(self, number: int, chance: random.Random) -> tuple[str, list[str]]:
        kind, failures = KINDS[number % len(KINDS)], []
        output = self.folder / f"batch {number}"
        batch = _start(output)
        while batch.poll() is None and not _tasks("RUNNING"):
            time.sleep(0.2)
        time.sleep(chance.uniform(1, LATER))
        DISTURBANCES[kind](batch)
        code = batch.wait()
        if kind.startswith("command"):
            failures += _ended_otherwise(kind, code, batches.said(output))
            code = _start(output).wait()
        if code:
            failures.append(f"the batch ended with {code} and said {batches.said(output)[-3:]}")
        failures += batches.end_faults(output, self.expected)
        _cancel_all()
        shutil.rmtree(output)
        return kind, failures


def _start(output: Path) -> subprocess.Popen:
    return batches.start(output, *batches.words(), "--executor", "slurm=2")


def _tasks(state: str) -> list[str]:
    command = ["squeue", "--noheader", "--array", "--format=%i", "--name=bnrepro", f"--states={state}"]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()


def _cancel_all() -> None:
    subprocess.run(["scancel", "--name=bnrepro"], check=True)


def _kill_task(batch: subprocess.Popen) -> None:
    with contextlib.suppress(psutil.NoSuchProcess, IndexError):
        [one for one in psutil.process_iter(["cmdline"]) if TASK in (one.info["cmdline"] or ())][-1].kill()


def _cancel_task(batch: subprocess.Popen) -> None:
    subprocess.run(["scancel", *_tasks("RUNNING")[:1]], check=True)


DISTURBANCES = {
    "task killed": _kill_task,
    "task cancelled": _cancel_task,
    "command interrupted": lambda batch: batch.send_signal(signal.SIGINT),
    "command killed": lambda batch: batch.kill(),
}


def _ended_otherwise(kind: str, code: int, said: list[str]) -> list[str]:
    """What is wrong with the end of a command that was interrupted or killed."""
    if kind == "command killed":
        return [] if code in (0, -signal.SIGKILL) else [f"a killed command ended with {code}"]
    failures = [] if code in (0, 130) and len(said) == (code == 130) else [f"it ended with {code} and said {said[-3:]}"]
    until = time.monotonic() + GONE
    while (left := _tasks("PENDING,RUNNING")) and time.monotonic() < until:
        time.sleep(0.5)
    return failures + [f"left behind: task {task}" for task in left]


@contextlib.contextmanager
def begin(place: Place) -> Iterator[Trial]:
    if not shutil.which("squeue") or subprocess.run(["squeue"], capture_output=True).returncode:
        raise Skipped("no Slurm answers on this machine")
    yield Disturbed(place).trial


TRIALS = Trials(
    name="slurm",
    tried="A batch on a Slurm whose nodes are this machine, of which a task is killed by SIGKILL or cancelled, or whose command "
    "is interrupted or killed; then the same command again",
    wrong="one that waits for ever or does not end well; records, results or figures other than those of the processes of this "
    "machine; a task left after an interrupt",
    count=8,
    begin=begin,
)

if __name__ == "__main__":
    sys.exit(command(TRIALS))
