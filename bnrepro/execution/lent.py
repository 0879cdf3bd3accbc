"""What a machine that others lend does: trains bundles of runs in processes of its own, and gives their tables back.

A process is kept for the next bundle, since it has loaded the backend and compiled nets. Knows no record and no driver.
"""

import contextlib
import multiprocessing
import threading
from collections import Counter
from multiprocessing.util import Finalize

from bnrepro.config.validation import ALL_CORES
from bnrepro.execution.worker_process import Seen, WorkerProcess, tables_counting
from bnrepro.records.schemas import Tables

KEPT_SECONDS = 60
"""How long a process that has nothing to do waits for another bundle."""

Outcome = list[Tables] | Exception
"""Of a group: the tables of its runs, or why there are none."""


class _Lent:
    """A process of one driver."""

    def __init__(self, engine: str, driver: str):
        self.engine, self.driver, self.programs = engine, driver, set()
        seen = Seen.by(1)
        self.stop, self.timer, self.process = seen.stop, None, WorkerProcess(seen)


_all: list[_Lent] = []
_idle: list[_Lent] = []
_stops = Counter()
"""How often a driver has said stop."""
_lock = threading.Lock()
_ALONE = threading.Lock()
"""Of a process which has all cores or GPUs, however many threads ask."""


def train_bundle(driver: str, engine: str, program: str, groups: list[bytes]) -> list[Outcome]:
    """Trains groups of runs one after another, whichever of them fails.

    Args:
        driver: A name of whoever asks, for `stop`.
        engine: Of all runs.
        program: The id of their `compilation_key`.
        groups: In bytes.

    Raises:
        InterruptedError: The driver said stop while this waited for its turn.
    """
    stops = _stops[driver]
    with _ALONE if engine in ALL_CORES else contextlib.nullcontext():
        lent = _borrow(driver, engine, program, stops)
        try:
            return [_outcome(lent, program, group) for group in groups]
        except BaseException:  # an interrupt of this process
            lent.stop.value = True
            lent.process.kill()
            raise
        finally:
            _give_back(lent)


def stop(driver: str) -> None:
    """Ends all processes of a driver, whatever they do: what they train is recorded by nobody any more."""
    with _lock:
        _stops[driver] += 1
        for lent in [one for one in _all if one.driver == driver]:
            lent.stop.value = True
            lent.process.kill()
            if lent in _idle:
                _end(lent)


def _stop_all() -> None:
    for driver in {one.driver for one in _all}:
        stop(driver)


# Before this process, at its end, waits for its children, which wait for it: in one of multiprocessing, and in any other.
Finalize(None, _stop_all, exitpriority=100)
threading._register_atexit(_stop_all)


def _outcome(lent: _Lent, program: str, group: bytes) -> Outcome:
    try:
        if lent.stop.value:
            raise InterruptedError("stopped before it began")
        return lent.process.train(lent.engine, program, tables_counting, 0, group)
    except Exception as error:
        return error


def _borrow(driver: str, engine: str, program: str, stops: int) -> _Lent:
    """An idle process, if there is one that has compiled the program, else any, else a new one."""
    with _lock:
        if _stops[driver] != stops:
            raise InterruptedError("stopped before it began")
        fitting = [one for one in _idle if (one.driver, one.engine) == (driver, engine)]
        if fitting:
            lent = max(fitting, key=lambda one: program in one.programs)
            _idle.remove(lent)
            lent.timer.cancel()
        else:
            # A worker of Dask's nanny is called a daemon, which may start no process; its processes end with it all the same.
            multiprocessing.current_process()._config["daemon"] = False
            lent = _Lent(engine, driver)
            _all.append(lent)
        lent.programs.add(program)
        return lent


def _give_back(lent: _Lent) -> None:
    with _lock:
        _idle.append(lent)
        if lent.stop.value:
            _end(lent)
        else:
            lent.timer = threading.Timer(KEPT_SECONDS, _end_if_idle, (lent,))
            lent.timer.daemon = True
            lent.timer.start()


def _end_if_idle(lent: _Lent) -> None:
    with _lock:
        if lent in _idle:
            _end(lent)


def _end(lent: _Lent) -> None:
    _idle.remove(lent)
    _all.remove(lent)
    lent.process.end()
