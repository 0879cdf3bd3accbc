"""Trains the runs whose record is missing, on all cores, one thread a process, and keeps each record as it is done.

Any `concurrent.futures.Executor` will do. Knows runs and records, no claim and no figure.
"""

import concurrent.futures
import multiprocessing
import os
import signal
import sys
import threading
from collections.abc import Iterable
from concurrent.futures import Future
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path

from tqdm import tqdm

from bnrepro.config import RunConfig
from bnrepro.errors import RecordError, UserError, one_line
from bnrepro.lanes import Lanes, program
from bnrepro.machine import cores
from bnrepro.quiet import load_tensorflow
from bnrepro.tables import Tables, collect, move_aside, read_record, write_record
from bnrepro.workspace import Workspace

TABLES = ("runs", "curves", "quantiles", "drift", "provenance")


class RunsFailed(RuntimeError):
    """Some runs failed; all others are recorded. The message names three, `failures` has a line for each."""

    def __init__(self, failures: list[str], total: int):
        named = "; ".join(map(one_line, failures[:3]))
        super().__init__(f"{len(failures)} of {total} runs failed, the others are recorded: {named}")
        self.failures = failures


def run_all(
    configs: Iterable[RunConfig],
    executor: concurrent.futures.Executor | None = None,
    jobs: int | None = None,
    *,
    records: Path | None = None,
) -> Tables:
    """Trains each run that has no record and returns the tables of all.

    Finished runs are kept whatever happens to the others: after an interrupt, a kill or a full disk the next call goes on.

    Args:
        configs: The runs; one that occurs twice is trained once.
        executor: Where to train. By default a pool of processes, one a core, with one thread each. An executor of another
            kind needs workers that share this folder of records and in which TensorFlow has not started yet.
        jobs: Processes of the default pool; by default the environment variable `BNREPRO_JOBS`, else the number of cores.
        records: Folder of the records; by default this checkout's cache.

    Raises:
        UserError: `jobs` below 1.
        RunsFailed: A run raised, or its worker was killed twice.
    """
    configs = list({config.id: config for config in configs}.values())
    records = Workspace().runs if records is None else Path(records)
    missing = [config for config in configs if not _is_recorded(records, config)]
    # Long runs first, so that no core idles at the end; runs of one program next to each other, so that it is compiled once.
    missing.sort(key=lambda config: (-config.steps, *program(config), config.batch_size, config.seed))
    if missing:
        with tqdm(total=sum(config.steps for config in missing), unit="step", unit_scale=True, file=sys.stdout) as bar:
            bar.set_description(f"{len(missing)} runs")
            if executor is None:
                _train_in_own_workers(missing, records, count_jobs(jobs), bar)
            else:
                futures = {executor.submit(train, config, records): config for config in missing}
                _wait(futures, lambda: None, lambda config: bar.update(config.steps))
    return collect({"all": configs}, records, TABLES)


def train(config: RunConfig, records: Path, on_steps=lambda steps: None) -> None:
    """Trains one run with one thread and writes its record: what a worker does.

    A run whose cost is measured gets a process that trains no other, so that its peak memory is its own.
    """
    if config.probe != "cost":
        _train_here(config, records, on_steps)
        return
    context = multiprocessing.get_context("spawn")
    with concurrent.futures.ProcessPoolExecutor(1, context, initializer=_ignore_interrupt) as alone:
        alone.submit(_train_here, config, records).result()
    on_steps(config.steps)


def _train_here(config: RunConfig, records: Path, on_steps=lambda steps: None) -> None:
    load_tensorflow()
    from bnrepro.engine import one_thread
    from bnrepro.runner import run

    one_thread()
    if not _is_recorded(records, config):  # another process may have been faster
        write_record(records, config, run(config, on_steps))


def _is_recorded(records: Path, config: RunConfig) -> bool:
    try:
        return read_record(records, config) is not None
    except RecordError as error:
        if kept := move_aside(records, config):
            print(f"{error}; moved to {kept}, training it again", file=sys.stderr)
        return False


def count_jobs(jobs: int | None) -> int:
    """Processes at once: as given, else the environment variable `BNREPRO_JOBS`, else the number of cores."""
    given = os.environ.get("BNREPRO_JOBS") if jobs is None else jobs
    if given is None:
        return cores()
    if not str(given).isdecimal() or int(given) < 1:
        raise UserError(f"jobs is a whole number of 1 or more: got {given!r}; leave it out for one a core")
    return int(given)


def _train_in_own_workers(configs: list[RunConfig], records: Path, jobs: int, bar: tqdm) -> None:
    """Each worker is a pool of one process, so that one that is killed takes no other's run along."""
    context = multiprocessing.get_context("spawn")  # a forked TensorFlow hangs
    # Without locks, which a killed process could keep.
    steps_done, stop = context.RawArray("q", len(configs)), context.RawValue("b", False)
    places, futures = {config: place for place, config in enumerate(configs)}, {config: Future() for config in configs}
    jobs = min(jobs, len(configs))
    lanes = Lanes(configs, jobs)

    def new_worker() -> concurrent.futures.Executor:
        return concurrent.futures.ProcessPoolExecutor(
            1, context, initializer=_start_worker, initargs=(steps_done, stop)
        )

    def train_lane(number: int, worker: concurrent.futures.Executor) -> None:
        again = True
        config = lanes.take(number)
        while config and not stop.value:
            try:
                worker.submit(_work, places[config], config, records).result()
                futures[config].set_result(None)
            except BrokenProcessPool as error:
                worker.shutdown()
                worker = new_worker()
                if again and not stop.value:  # killed from outside, perhaps, so once more
                    again = False
                    continue
                futures[config].set_exception(error)
            except Exception as error:
                futures[config].set_exception(error)
            config, again = lanes.take(number), True
        worker.shutdown()

    def move_bar() -> None:
        bar.update(sum(steps_done) - bar.n)

    threads, before = concurrent.futures.ThreadPoolExecutor(jobs), dict(os.environ)
    try:
        os.environ.update(_WORKERS)  # NumPy and Keras read it while they are imported, before any function runs there
        for number in range(jobs):
            threads.submit(train_lane, number, new_worker())
        _wait({future: config for config, future in futures.items()}, move_bar, lambda config: None)
    finally:
        stop.value = True
        threads.shutdown(wait=True)
        for name in _WORKERS:
            os.environ.pop(name)
            os.environ.update({name: before[name]} if name in before else {})
        move_bar()


def _wait(futures: dict, while_waiting, when_done) -> None:
    failures, pending = [], set(futures)
    while pending:
        done, pending = concurrent.futures.wait(pending, timeout=0.2, return_when="FIRST_COMPLETED")
        while_waiting()
        for future in done:
            if error := future.exception():
                failures.append(" ".join(f"{futures[future].id} ({type(error).__name__}: {error})".split()))
            else:
                when_done(futures[future])
    if failures:
        raise RunsFailed(failures, len(futures))


_WORKERS = dict.fromkeys(("OMP_NUM_THREADS", "TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS"), "1")
_WORKERS["KERAS_BACKEND"] = "tensorflow"  # whatever the process that asks uses
_worker = {}


def _ignore_interrupt() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent hears the interrupt and says stop


def _start_worker(steps_done, stop) -> None:
    _ignore_interrupt()
    _worker.update(steps_done=steps_done, stop=stop)
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    multiprocessing.parent_process().join()  # a killed parent cannot say stop
    os._exit(1)


def _work(place: int, config: RunConfig, records: Path) -> None:
    def on_steps(steps: int) -> None:
        _worker["steps_done"][place] += steps
        if _worker["stop"].value:
            raise InterruptedError("stopped between two chunks")

    _worker["steps_done"][place] = 0
    train(config, records, on_steps)
