"""Whether a process and all that it started still do anything. Knows no notebook."""

import contextlib
import os
import time

import psutil

from bnrepro.config.validation import check_count

STILL_SECONDS = 600
"""After which a notebook that does nothing counts as hung, if the environment variable of this name has no other number."""

_LOOK_SECONDS = 5
_LEAST = 0.002  # of a core: what only waits uses less, what computes on a crowded machine more


def still_seconds() -> int:
    """The environment variable `BNREPRO_STILL_SECONDS`, else `STILL_SECONDS`."""
    given = os.environ.get("BNREPRO_STILL_SECONDS", STILL_SECONDS)
    return check_count("BNREPRO_STILL_SECONDS", given, "leave it out")


class Watch:
    """Looks at a process now and then.

    Args:
        pid: Its number.
        seconds: How long it may do nothing.
    """

    def __init__(self, pid: int, seconds: int):
        self.pid, self.seconds = pid, seconds
        self._looked = self._moved = time.monotonic()
        self._used = 0.0

    def is_still(self) -> bool:
        """Whether the process and all below it have used no processor for that long, as in a deadlock."""
        now = time.monotonic()
        if now - self._looked < min(_LOOK_SECONDS, self.seconds):
            return False
        self._looked, used = now, _used(self.pid)
        if abs(used - self._used) > _LEAST * self.seconds:  # less, too: one of them has ended
            self._moved, self._used = now, used
        return now - self._moved >= self.seconds


def kill_all(pid: int) -> None:
    """Ends a process and all below it."""
    for process in _processes(pid):
        with contextlib.suppress(psutil.NoSuchProcess):
            process.kill()


def _used(pid: int) -> float:
    """Seconds of processor that a process and those below it have used."""
    total = 0.0
    for process in _processes(pid):
        with contextlib.suppress(psutil.NoSuchProcess, psutil.AccessDenied):
            times = process.cpu_times()
            total += times.user + times.system
    return total


def _processes(pid: int) -> list[psutil.Process]:
    try:
        process = psutil.Process(pid)
        return [process, *process.children(recursive=True)]
    except psutil.NoSuchProcess:
        return []
