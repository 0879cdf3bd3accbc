"""The default pool: processes that train, and a new one where one was killed. Knows runs, no table."""

import concurrent.futures
import multiprocessing
import os
import threading
from concurrent.futures import Future
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path

import psutil
from tqdm import tqdm

from bnrepro.config.validation import check_count
from bnrepro.execution.groups import Group
from bnrepro.execution.packing import pack, unpack
from bnrepro.execution.scheduler import Lanes
from bnrepro.execution.waiting import wait_for
from bnrepro.execution.worker import ignore_interrupt, train
from bnrepro.records.machine import cores

RENEWED_AT_MIB = 1_350
"""A worker that holds more gives way to a new one before another program: TensorFlow keeps 10 to 25 MiB of each for ever."""


def count_jobs(jobs: int | None) -> int:
    """Processes at once: as given, else the environment variable `BNREPRO_JOBS`, else the number of cores."""
    given = os.environ.get("BNREPRO_JOBS") if jobs is None else jobs
    if given is None:
        return cores()
    return check_count("jobs", given, "leave it out for one a core")


def train_in_own_workers(groups: list[Group], records: Path, jobs: int, bar: tqdm) -> None:
    """Each worker is a pool of one process, so that one that is killed takes no other's runs along.

    All groups are of one engine. TensorFlow's workers have one thread each; JAX's is one process, which has all cores or the GPU.
    """
    engine = groups[0][0].engine
    context = multiprocessing.get_context("spawn")  # a forked TensorFlow hangs
    # Without locks, which a killed process could keep.
    steps_done, stop = context.RawArray("q", len(groups)), context.RawValue("b", False)
    places, futures = {group: place for place, group in enumerate(groups)}, {group: Future() for group in groups}
    jobs = 1 if engine == "jax" else min(jobs, len(groups))
    lanes = Lanes(groups, jobs)

    def new_worker() -> concurrent.futures.Executor:
        return concurrent.futures.ProcessPoolExecutor(
            1, context, initializer=_start_worker, initargs=(steps_done, stop)
        )

    def train_lane(number: int, worker: concurrent.futures.Executor) -> None:
        again, resident = True, 0.0
        group = lanes.take(number)
        while group and not stop.value:
            try:
                resident = worker.submit(_work, places[group], pack(group), records).result()
                futures[group].set_result(None)
            except BrokenProcessPool as error:
                worker.shutdown()
                worker, resident = new_worker(), 0.0
                if again and not stop.value:  # killed from outside, perhaps, so once more
                    again = False
                    continue
                futures[group].set_exception(error)
            except Exception as error:
                futures[group].set_exception(error)
            trained, group, again = group, lanes.take(number), True
            if group and resident > RENEWED_AT_MIB and group[0].compilation_key != trained[0].compilation_key:
                worker.shutdown()
                worker, resident = new_worker(), 0.0
        worker.shutdown()

    first = bar.n

    def move_bar() -> None:
        bar.update(first + sum(steps_done) - bar.n)

    threads, before = concurrent.futures.ThreadPoolExecutor(jobs), dict(os.environ)
    try:
        # NumPy and Keras read it while they are imported, before any function runs there.
        os.environ.update(_ENVIRONMENTS[engine])
        for number in range(jobs):
            threads.submit(train_lane, number, new_worker())
        wait_for({future: group for group, future in futures.items()}, move_bar, lambda group: None)
    finally:
        stop.value = True
        threads.shutdown(wait=True)
        for name in _ENVIRONMENTS[engine]:
            os.environ.pop(name)
            os.environ.update({name: before[name]} if name in before else {})
        move_bar()


_ENVIRONMENTS = {  # of the workers, whatever the process that asks uses
    "tensorflow": {
        **dict.fromkeys(("OMP_NUM_THREADS", "TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS"), "1"),
        "KERAS_BACKEND": "tensorflow",
    },
    "jax": {"KERAS_BACKEND": "jax"},
}

_shared = {}  # in a worker, what the process that started it sees too


def _start_worker(steps_done, stop) -> None:
    ignore_interrupt()
    _shared.update(steps_done=steps_done, stop=stop)
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    multiprocessing.parent_process().join()  # a killed parent cannot say stop
    os._exit(1)


def _work(place: int, packed: bytes, records: Path) -> float:
    """Trains, and returns how much memory this process then holds, in MiB."""

    def on_steps(steps: int) -> None:
        _shared["steps_done"][place] += steps
        if _shared["stop"].value:
            raise InterruptedError("stopped between two chunks")

    _shared["steps_done"][place] = 0
    train(unpack(packed), records, on_steps)
    return psutil.Process().memory_info().rss / 2**20
