"""A process that trains, and a new one where it was killed or has grown. Knows runs, no other process but its parent."""

import concurrent.futures
import contextlib
import multiprocessing
import os
import threading
from collections.abc import Callable, Hashable, Iterator
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path
from typing import Any

import psutil

from bnrepro.execution.packing import unpack
from bnrepro.execution.worker import ignore_interrupt, tables_of, train
from bnrepro.records.schemas import Tables

RENEWED_AT_MIB = 1_350
"""A process that holds more gives way to a new one before another program: TensorFlow keeps 10 to 25 MiB of each for ever."""

_ENVIRONMENTS = {  # of the processes, whatever the one that starts them uses
    "tensorflow": {
        **dict.fromkeys(("OMP_NUM_THREADS", "TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS"), "1"),
        "KERAS_BACKEND": "tensorflow",
    },
    "jax": {"KERAS_BACKEND": "jax"},
}


class WorkerProcess:
    """A pool of one process, so that one that is killed takes nothing else along. It starts with its first work.

    TensorFlow has one thread there.

    Args:
        steps_done: Of each process, the steps of its group that are done; what all see.
        stop: Whether to stop between two chunks; what all see.
    """

    def __init__(self, steps_done, stop):
        self._shared, self._stop = (steps_done, stop), stop
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
        context = multiprocessing.get_context("spawn")  # a forked TensorFlow hangs
        with _environment(_ENVIRONMENTS[self._engine]):
            pool = concurrent.futures.ProcessPoolExecutor(1, context, initializer=_start_with, initargs=self._shared)
            self._pid = pool.submit(os.getpid)  # has it start now
        return pool


_changing = threading.Lock()


@contextlib.contextmanager
def _environment(values: dict[str, str]) -> Iterator[None]:
    """NumPy and Keras read it while they are imported, before any function runs in a process."""
    with _changing:
        before = {name: os.environ[name] for name in values if name in os.environ}
        os.environ.update(values)
        try:
            yield
        finally:
            for name in values:
                os.environ.pop(name)
            os.environ.update(before)


_shared = {}  # in the process, what the one that started it sees too


def _start_with(steps_done, stop) -> None:
    ignore_interrupt()
    _shared.update(steps_done=steps_done, stop=stop)
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    multiprocessing.parent_process().join()  # a killed parent cannot say stop
    os._exit(1)


def train_counting(number: int, packed: bytes, records: Path) -> tuple[float, None]:
    """In the process: trains a group that came in bytes, and writes its records."""
    return _counting(number, packed, lambda group, on_steps: train(group, records, on_steps))


def tables_counting(number: int, packed: bytes) -> tuple[float, list[Tables]]:
    """In the process: trains a group that came in bytes, and returns the tables of its runs."""
    return _counting(number, packed, tables_of)


def _counting(number: int, packed: bytes, train: Callable) -> tuple[float, Any]:
    """How much memory this process holds after the training, in MiB, and what came of it; its steps are told meanwhile."""

    def on_steps(steps: int) -> None:
        _shared["steps_done"][number] += steps
        if _shared["stop"].value:
            raise InterruptedError("stopped between two chunks")

    _shared["steps_done"][number] = 0
    found = train(unpack(packed), on_steps)
    return psutil.Process().memory_info().rss / 2**20, found
