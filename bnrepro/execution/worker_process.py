"""A process that trains, and a new one where it was killed or has grown. Knows runs, no other process but its parent."""

import concurrent.futures
import contextlib
import multiprocessing
import os
import threading
from collections.abc import Callable, Hashable
from concurrent.futures.process import BrokenProcessPool
from multiprocessing.sharedctypes import RawArray, RawValue
from pathlib import Path
from typing import Any, NamedTuple, Self

import psutil

from bnrepro.execution.packing import unpack
from bnrepro.execution.process_start import begin
from bnrepro.execution.worker import ignore_interrupt, tables_of, train
from bnrepro.records.schemas import Tables

RENEWED_AT_MIB = 1_350
"""A process that holds more gives way to a new one before another program: TensorFlow keeps 10 to 25 MiB of each for ever."""


class Seen(NamedTuple):
    """What some processes and the one that starts them see, without locks, which a killed process could keep.

    Attributes:
        steps_done: Of each process, the steps of its group that it has done.
        steps_kept: Of each process, the steps of its group that were done before, and of which it goes on.
        stop: Whether to stop between two chunks.
    """

    steps_done: Any
    steps_kept: Any
    stop: Any

    @classmethod
    def by(cls, processes: int) -> Self:
        """For that many processes."""
        return cls(RawArray("q", processes), RawArray("q", processes), RawValue("b", False))


class WorkerProcess:
    """A pool of one process, so that one that is killed takes nothing else along. It starts with its first work.

    TensorFlow has one thread there.

    Args:
        seen: What all see.
    """

    def __init__(self, seen: Seen):
        self._seen, self._stop = seen, seen.stop
        self._pool, self._resident, self._engine, self._program = None, 0.0, None, None

    def train(self, engine: str, program: Hashable, function: Callable, *arguments: Any) -> Any:
        """What a function returns in the process, a second time where the process was killed.

        Args:
            engine: What trains.
            program: What is compiled for it.
            function: Returns the memory that the process then holds, in MiB, and its answer.
            arguments: Of the function.

        Raises:
            BrokenProcessPool: The process was killed twice.
        """
        if engine != self._engine or (program != self._program and self._resident > RENEWED_AT_MIB):
            self.end()
        self._engine, self._program = engine, program
        for last in (False, True):
            try:
                self._pool = self._pool or self._start()
                self._resident, found = self._pool.submit(function, *arguments).result()
                return found
            except BrokenProcessPool:  # killed from outside, perhaps, so once more
                self.end()
                if last or self._stop.value:
                    raise

    def end(self) -> None:
        """Ends the process, after what it does."""
        if self._pool:
            self._pool.shutdown()
        self._pool, self._resident = None, 0.0

    def kill(self) -> None:
        """Ends the process, whatever it does."""
        if self._pool:
            with contextlib.suppress(psutil.NoSuchProcess, BrokenProcessPool):
                psutil.Process(self._pid.result()).kill()

    def _start(self) -> concurrent.futures.Executor:
        with contextlib.suppress(OSError, EOFError):  # then it loads TensorFlow itself
            return self._begun(copied=True)
        if self._stop.value:
            raise InterruptedError("stopped before it began")
        return self._begun(copied=False)

    def _begun(self, copied: bool) -> concurrent.futures.Executor:
        pool, self._pid = begin(self._engine, copied, _start_with, self._seen)
        return pool


_shared: list[Seen] = []  # in the process, what the one that started it sees too


def _start_with(seen: Seen) -> None:
    ignore_interrupt()
    _shared[:] = [seen]
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    multiprocessing.parent_process().join()  # a killed parent cannot say stop
    os._exit(1)


def train_counting(number: int, packed: bytes, records: Path) -> tuple[float, None]:
    """In the process: trains a group that came in bytes, and writes its records."""
    return _counting(number, packed, lambda group, *tell: train(group, records, *tell))


def tables_counting(number: int, packed: bytes) -> tuple[float, list[Tables]]:
    """In the process: trains a group that came in bytes, and returns the tables of its runs."""
    return _counting(number, packed, lambda group, on_steps, on_resumed: tables_of(group, on_steps))


def _counting(number: int, packed: bytes, train: Callable) -> tuple[float, Any]:
    """How much memory this process holds after the training, in MiB, and what came of it; its steps are told meanwhile."""
    (seen,) = _shared

    def on_steps(steps: int) -> None:
        seen.steps_done[number] += steps
        if seen.stop.value:
            raise InterruptedError("stopped between two chunks")

    def on_resumed(steps: int) -> None:
        seen.steps_kept[number] = steps

    seen.steps_done[number] = seen.steps_kept[number] = 0
    found = train(unpack(packed), on_steps, on_resumed)
    return psutil.Process().memory_info().rss / 2**20, found
