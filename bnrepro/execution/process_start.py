"""How a process that trains begins: for TensorFlow, on Linux, as a copy of one that has loaded it. Knows no run.

That one is Python's own `forkserver`, of which a process has one: it starts with the first training, loads TensorFlow, asks it
for nothing, so that there is one thread to copy, and ends with the process that has others train.
"""

import atexit
import concurrent.futures
import contextlib
import multiprocessing
import os
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from multiprocessing import forkserver
from multiprocessing.context import BaseContext
from multiprocessing.util import Finalize
from typing import Any

import numpy as np

from bnrepro.backend.tensorflow_logging import SETTINGS, look_for_devices

_LOADED = "bnrepro.execution.loaded"

_ENVIRONMENTS = {  # of the processes, whatever the one that starts them uses
    "tensorflow": {
        **dict.fromkeys(("OMP_NUM_THREADS", "TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS"), "1"),
        "KERAS_BACKEND": "tensorflow",
    },
    "jax": {"KERAS_BACKEND": "jax"},
    "mirrored": {"KERAS_BACKEND": "tensorflow"},
}


def begin(
    engine: str, copied: bool, first: Callable, *arguments: Any
) -> tuple[concurrent.futures.Executor, concurrent.futures.Future[int]]:
    """A pool of one process, in which a function is called before all else, and its number.

    Args:
        engine: What trains there.
        copied: Whether it begins as a copy, where it can.
        first: The function.
        arguments: Of the function.

    Raises:
        OSError, EOFError: There is nothing to copy: the name of its socket would be too long (`TMPDIR`), this process was forked
            itself, or it was killed.
    """
    values = _ENVIRONMENTS[engine]
    # NumPy and Keras read the environment while they are imported, before any function runs in a process.
    # Elsewhere a library that TensorFlow uses may not be forked.
    if copied and engine == "tensorflow" and sys.platform == "linux":
        context, around = _copying(values), contextlib.nullcontext()
    else:
        context, around = multiprocessing.get_context("spawn"), _environment(values)
    given = {**SETTINGS, **os.environ, **values}
    with around:
        pool = concurrent.futures.ProcessPoolExecutor(
            1, context, initializer=_begun, initargs=(given, first, *arguments)
        )
        return pool, pool.submit(os.getpid)  # has it start now


def _copying(values: dict[str, str]) -> BaseContext:
    """The context of copies. What they are copies of finds this package where this process has found it."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([_LOADED])
    with _environment(values | {"PYTHONSAFEPATH": "1", "PYTHONPATH": os.pathsep.join(sys.path)}):
        forkserver.ensure_running()
    return context


_changing = threading.Lock()


@contextlib.contextmanager
def _environment(values: dict[str, str]) -> Iterator[None]:
    with _changing:
        before = {name: os.environ[name] for name in values if name in os.environ}
        os.environ.update(values)
        try:
            yield
        finally:
            for name in values:
                os.environ.pop(name)
            os.environ.update(before)


def _begun(environment: dict[str, str], first: Callable, *arguments: Any) -> None:
    """In the process: what a copy has of the time when the first one was made is set anew."""
    os.environ.clear()
    os.environ.update(environment)
    tempfile.tempdir = None
    np.random.seed()
    if sys.platform != "win32":
        time.tzset()
    Finalize(None, atexit._run_exitfuncs, exitpriority=0)  # before Python 3.13 a copy ends without
    if "tensorflow" in sys.modules:
        look_for_devices()
    first(*arguments)
