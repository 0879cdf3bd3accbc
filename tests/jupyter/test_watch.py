"""The watch over a notebook's process: what computes is not still, what waits for ever is."""

import subprocess
import sys
import time

import psutil
import pytest

from bnrepro.errors import UserError
from bnrepro.jupyter.watch import STILL_SECONDS, Watch, kill_all, still_seconds

WAITS = "import time\ntime.sleep(600)"
COMPUTES = "while True:\n    pass"
BELOW = "import subprocess, sys\nsubprocess.run([sys.executable, '-c', {program!r}])"


def watched(program: str, condition) -> tuple[bool, int]:
    """What `condition` says of a watch over a process that runs that program; and how many processes are left of it."""
    with subprocess.Popen([sys.executable, "-c", program]) as process:
        found = condition(Watch(process.pid, 1))
        tree = [process, *psutil.Process(process.pid).children(recursive=True)]
        kill_all(process.pid)
        process.wait()
        _, left = psutil.wait_procs([one for one in tree if one is not process], 60)
    return found, len(left)


def becomes_still(watch: Watch) -> bool:
    while not watch.is_still():
        time.sleep(0.1)
    return True


def is_still_within_seconds(watch: Watch) -> bool:
    end = time.monotonic() + 4
    while time.monotonic() < end and not watch.is_still():
        time.sleep(0.1)
    return watch.is_still()


@pytest.mark.parametrize("program", [WAITS, BELOW.format(program=WAITS)])
def test_what_waits_for_ever_is_still_and_nothing_is_left_of_it(program):
    assert watched(program, becomes_still) == (True, 0)


@pytest.mark.parametrize("program", [COMPUTES, BELOW.format(program=COMPUTES)])
def test_what_computes_is_not_even_where_another_process_does_it(program):
    assert watched(program, is_still_within_seconds) == (False, 0)


def test_how_long_is_said_by_the_environment(monkeypatch):
    monkeypatch.delenv("BNREPRO_STILL_SECONDS", raising=False)
    assert still_seconds() == STILL_SECONDS
    monkeypatch.setenv("BNREPRO_STILL_SECONDS", "30")
    assert still_seconds() == 30
    monkeypatch.setenv("BNREPRO_STILL_SECONDS", "soon")
    with pytest.raises(UserError, match="BNREPRO_STILL_SECONDS is a whole number of 1 or more: got 'soon'"):
        still_seconds()
