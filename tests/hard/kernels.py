"""Notebooks whose kernel is killed, hangs, or runs out of memory, in a batch with others that are well."""

import contextlib
import os
import random
import sys
from collections.abc import Iterator
from pathlib import Path
from unittest import mock

import psutil

from tests.hard import batches
from tests.hard.trials import Place, Trial, Trials, command
from tests.jupyter.throwaway import KILL, write_notebook

STILL_SECONDS = 30
"""How long a notebook may do nothing in these batches."""

WAIT = "import threading\nlock = threading.Lock()\nlock.acquire()\nlock.acquire()"
ALL_MEMORY = """
import resource
resource.setrlimit(resource.RLIMIT_AS, (2**31, 2**31))
kept = []
while True:
    kept.append(bytearray(2**28))
"""

ENDS = {
    "killed": (KILL, "Kernel died"),
    "hung, waiting for ever": (WAIT, "hung"),
    "hung, stopped": ("import os, signal\nos.kill(os.getpid(), signal.SIGSTOP)", "hung"),
    "out of memory": (ALL_MEMORY, "MemoryError"),
}
"""How a kernel ends: the cell that makes it, and the word by which it is reported."""


def faults(folder: Path, kind: str, chance: random.Random) -> list[str]:
    """What is wrong with a batch of three notebooks, of which the second ends so, at some cell."""
    cell, word = ENDS[kind]
    before, after = (["print('a cell')"] * chance.randrange(4) for _ in range(2))
    bad, well = "11_bad", ("10_well", "12_well")
    notebooks = [write_notebook(folder / "11_bad.ipynb", *before, cell, *after)]
    notebooks += [write_notebook(folder / f"{name}.ipynb", "print(preset)") for name in well]
    output = folder / "out"
    with mock.patch.dict(os.environ, BNREPRO_STILL_SECONDS=str(STILL_SECONDS)):
        words = ["run", *map(str, sorted(notebooks)), "--preset", "smoke", "--jobs", "2"]
        code = batches.start(output, *words).wait()
    said, found = batches.said(output), []
    if code != 1:
        found.append(f"ended with {code}")
    if len(said) != 1 or not said[0].startswith(f"bnrepro: {bad} failed: ") or word not in said[0]:
        found.append(f"said {said}")
    kept = {path.name for path in (output / "notebooks").iterdir()}
    wanted = {f"{name}.{ending}" for name in well for ending in ("ipynb", "html", "log")} | {f"{bad}.log"}
    found += [f"{name} is missing" for name in sorted(wanted - kept)]
    found += [
        f"{name} is there"
        for name in sorted(kept - wanted - {f"{bad}.failed.{ending}" for ending in ("ipynb", "html")})
    ]
    return found + _left_behind(folder)


def _left_behind(folder: Path) -> list[str]:
    """Processes that still work for that batch."""
    found = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            if str(folder) in f"{process.cwd()} {' '.join(process.cmdline())}":
                found.append(f"left behind: {process.cmdline()}")
    return found


@contextlib.contextmanager
def begin(place: Place) -> Iterator[Trial]:
    def trial(number: int, chance: random.Random) -> tuple[str, list[str]]:
        folder = place.folder / str(number)
        folder.mkdir()
        kind = list(ENDS)[number % len(ENDS)]
        return kind, faults(folder, kind, chance)

    yield trial


TRIALS = Trials(
    name="kernels",
    tried="A notebook in a batch of three whose kernel is killed, waits for ever, is stopped, or runs out of memory",
    wrong="no line, another line, or one that does not say which and how; another notebook that is not whole; a process left",
    count=20,
    begin=begin,
)

if __name__ == "__main__":
    sys.exit(command(TRIALS))
