"""SIGKILLs at random moments of a batch: to itself, a worker, what workers are copies of, a notebook's process, its kernel."""

import contextlib
import random
import shutil
import sys
import time
from collections.abc import Iterator

import psutil

from tests.hard import batches
from tests.hard.trials import Place, Trial, Trials, command

MARKS = {
    "worker": "multiprocessing.forkserver",
    "notebook": "bnrepro.jupyter.execute",
    "kernel": "ipykernel_launcher",
}
"""What stands in the command line of each kind of process that a batch starts."""

GONE = 120
"""Seconds after which a process of a killed batch counts as left behind."""


class _Killing:
    """A batch that is started again and again on one output root, until it is done; then on a new one."""

    def __init__(self, place: Place):
        self.folder, self.count, self.rounds = place.folder, place.count, 0
        began = time.monotonic()
        self.expected = batches.reference(place.folder / "undisturbed")
        self.duration = time.monotonic() - began
        self.output, self.batch, self.kept = None, None, set()
        self._new_root()

    def trial(self, number: int, chance: random.Random) -> tuple[str, list[str]]:
        moment, failures = chance.uniform(0, self.duration), []
        while not self._runs_until(time.monotonic() + moment, failures):
            moment = chance.uniform(0, self.duration)
        kind, process = chance.choice(sorted(self._processes().items()))
        tree = psutil.Process(self.batch.pid).children(recursive=True)
        with contextlib.suppress(psutil.NoSuchProcess):
            process.kill()
        if kind == "batch":
            self.batch.wait()
            self.batch = None
            _, left = psutil.wait_procs(tree, GONE)
            failures += [f"left behind: {' '.join(process.cmdline())[:200]}" for process in left]
        self._look(failures)
        if number == self.count - 1:
            self._until_done(failures)
        return kind, failures

    def _new_root(self) -> None:
        if self.output:
            shutil.rmtree(self.output)
        self.rounds += 1
        self.output, self.kept = self.folder / f"round {self.rounds}", set()

    def _runs_until(self, moment: float, failures: list[str]) -> bool:
        """Whether the batch still runs at that moment. One that ends before is looked at."""
        self.batch = self.batch or batches.start(self.output, *batches.words())
        while time.monotonic() < moment:
            if self.batch.poll() is not None:
                self._look_at_end(failures)
                return False
            time.sleep(0.01)
        return True

    def _look_at_end(self, failures: list[str]) -> None:
        """What an ended batch says and leaves."""
        code, said = self.batch.wait(), batches.said(self.output)
        self.batch = None
        self._look(failures)
        if code not in (0, 1) or not all(line.startswith("bnrepro: ") for line in said) or bool(said) != bool(code):
            failures.append(f"a batch that lost a process ended with {code} and said {said[-3:]}")
        if code == 0:
            failures += batches.end_faults(self.output, self.expected)
            self._new_root()

    def _until_done(self, failures: list[str]) -> None:
        rounds = self.rounds
        for _ in range(3):  # the one that the last kill hit may fail, and say so
            self._runs_until(float("inf"), failures)
            if self.rounds > rounds:
                return
        failures.append("the same command never ended well")

    def _look(self, failures: list[str]) -> None:
        failures += batches.record_faults(self.output, self.expected, self.kept, batches.configs())
        self.kept |= batches.recorded(self.output)

    def _processes(self) -> dict[str, psutil.Process]:
        """One process of each kind that there is now."""
        batch = psutil.Process(self.batch.pid)
        found = {"batch": batch}
        for process in batch.children(recursive=True):
            with contextlib.suppress(psutil.NoSuchProcess, psutil.ZombieProcess):
                words = " ".join(process.cmdline())
                kinds = [kind for kind, mark in MARKS.items() if mark in words]
                is_copied = kinds == ["worker"] and process.ppid() == batch.pid
                found |= {"what workers are copies of": process} if is_copied else dict.fromkeys(kinds, process)
        return found


@contextlib.contextmanager
def begin(place: Place) -> Iterator[Trial]:
    killing = _Killing(place)
    try:
        yield killing.trial
    finally:
        if killing.batch:
            killing.batch.kill()


TRIALS = Trials(
    name="kills",
    tried="SIGKILL at a random moment of a batch to itself, a worker, what workers are copies of, a "
    "notebook's process or its kernel; then the same command again, until it is done",
    wrong="a record lost, torn or of other bits; in the end tables of other bits, a figure or notebook that is not whole; "
    "a process left behind",
    count=50,
    begin=begin,
)

if __name__ == "__main__":
    sys.exit(command(TRIALS))
