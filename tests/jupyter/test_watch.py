"""The watch over a notebook's process: what computes is not still, what waits for ever is."""

import subprocess
import sys
import time

import psutil
import pytest

from bnrepro.errors import UserError
from bnrepro.jupyter import watch
from bnrepro.jupyter.watch import STILL_SECONDS, Watch, kill_all, still_seconds

WAITS = "import time\ntime.sleep(600)"
BELOW = f"import subprocess, sys\nsubprocess.run([sys.executable, '-c', {WAITS!r}])"


class Clock:
    """Time that passes when it is told to, and a processor that is used when it is told to."""

    def __init__(self):
        self.now = self.used = 0.0

    def monotonic(self) -> float:
        return self.now

    def passes(self, seconds: float, used: float) -> None:
        self.now += seconds
        self.used += used


@pytest.fixture
def clock(monkeypatch):
    clock = Clock()
    monkeypatch.setattr(watch, "time", clock)
    monkeypatch.setattr(watch, "_used", lambda pid: clock.used)
    return clock


def told(clock: Clock, share: float, minutes: int = 60) -> float | None:
    """The minutes after which a process that uses this share of a core is still; None if it is not within that time."""
    watched = Watch(pid=1, seconds=600)
    for second in range(60 * minutes):
        clock.passes(1, used=share)
        if watched.is_still():
            return second / 60
    return None


def test_what_does_nothing_or_only_looks_now_and_then_is_still_after_its_time(clock):
    assert told(clock, share=0) == pytest.approx(10, abs=0.1)
    assert told(clock, share=0.001) == pytest.approx(15, abs=5.1)


def test_what_computes_is_not_still_on_a_machine_however_crowded(clock):
    assert told(clock, share=0.01) is None


def test_a_process_below_that_has_ended_is_something_done(clock):
    clock.passes(0, used=100)
    watched = Watch(pid=1, seconds=600)
    clock.passes(500, used=0)
    assert not watched.is_still()
    clock.passes(500, used=-50)
    assert not watched.is_still()
    clock.passes(600, used=0)
    assert watched.is_still()


@pytest.mark.parametrize("program", [WAITS, BELOW])
def test_what_waits_for_ever_is_still_and_nothing_is_left_of_it(program):
    with subprocess.Popen([sys.executable, "-c", program]) as process:
        watched = Watch(process.pid, 1)
        while not watched.is_still():
            time.sleep(0.1)
        below = psutil.Process(process.pid).children(recursive=True)
        kill_all(process.pid)
    assert psutil.wait_procs(below)[1] == []


def test_how_long_is_said_by_the_environment(monkeypatch):
    monkeypatch.delenv("BNREPRO_STILL_SECONDS", raising=False)
    assert still_seconds() == STILL_SECONDS
    monkeypatch.setenv("BNREPRO_STILL_SECONDS", "30")
    assert still_seconds() == 30
    monkeypatch.setenv("BNREPRO_STILL_SECONDS", "soon")
    with pytest.raises(UserError, match="BNREPRO_STILL_SECONDS is a whole number of 1 or more: got 'soon'"):
        still_seconds()
