"""A process of the default pool: how it starts, and how it says what it has done. Knows runs, no other process but its parent."""

import concurrent.futures
import contextlib
import multiprocessing
import os
import threading
from collections.abc import Iterator
from pathlib import Path

import psutil

from bnrepro.execution.packing import unpack
from bnrepro.execution.worker import ignore_interrupt, train

_ENVIRONMENTS = {  # of the workers, whatever the process that asks uses
    "tensorflow": {
        **dict.fromkeys(("OMP_NUM_THREADS", "TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS"), "1"),
        "KERAS_BACKEND": "tensorflow",
    },
    "jax": {"KERAS_BACKEND": "jax"},
}

_changing = threading.Lock()


@contextlib.contextmanager
def _environment(engine: str) -> Iterator[None]:
    """That of the engine's workers for a process that starts now: NumPy and Keras read it while they are imported."""
    with _changing:
        before = dict(os.environ)
        os.environ.update(_ENVIRONMENTS[engine])
        try:
            yield
        finally:
            for name in _ENVIRONMENTS[engine]:
                os.environ.pop(name)
                os.environ.update({name: before[name]} if name in before else {})


def new_process(engine: str, steps_done, stop) -> concurrent.futures.Executor:
    """A process that has started, as a pool of its own.

    Args:
        engine: What its first group is trained with, and all others.
        steps_done: Of each process, the steps of its group that are done; what all see.
        stop: Whether to stop; what all see.
    """
    context, shared = multiprocessing.get_context("spawn"), (steps_done, stop)  # a forked TensorFlow hangs
    worker = concurrent.futures.ProcessPoolExecutor(1, context, initializer=_start, initargs=shared)
    with _environment(engine):
        worker.submit(os.getpid)
    return worker


_shared = {}  # in a worker, what the process that started it sees too


def _start(steps_done, stop) -> None:
    ignore_interrupt()
    _shared.update(steps_done=steps_done, stop=stop)
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    multiprocessing.parent_process().join()  # a killed parent cannot say stop
    os._exit(1)


def train_counting(number: int, packed: bytes, records: Path) -> float:
    """Trains, and returns how much memory this process then holds, in MiB."""

    def on_steps(steps: int) -> None:
        _shared["steps_done"][number] += steps
        if _shared["stop"].value:
            raise InterruptedError("stopped between two chunks")

    _shared["steps_done"][number] = 0
    train(unpack(packed), records, on_steps)
    return psutil.Process().memory_info().rss / 2**20
