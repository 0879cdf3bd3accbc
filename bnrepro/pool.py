"""Trains the runs whose record is missing, on all cores, one thread a process, and keeps each record as it is done.

Any `concurrent.futures.Executor` will do. Knows runs and records, no claim and no figure.
"""

import concurrent.futures
import multiprocessing
import os
import queue
import signal
import sys
import threading
from collections.abc import Iterable
from pathlib import Path

from tqdm import tqdm

from bnrepro.config import RunConfig
from bnrepro.errors import RecordError, UserError
from bnrepro.machine import cores
from bnrepro.quiet import load_tensorflow
from bnrepro.tables import Tables, collect, move_aside, read_record, write_record
from bnrepro.workspace import Workspace

TABLES = ("runs", "curves", "quantiles", "drift", "provenance")


class RunsFailed(RuntimeError):
    """Some runs failed; all others are recorded."""


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
        RunsFailed: A run raised, or its worker was killed.
    """
    configs = list({config.id: config for config in configs}.values())
    records = Workspace().runs if records is None else Path(records)
    missing = [config for config in configs if not _is_recorded(records, config)]
    # Long runs first, so that no core idles at the end; runs of one program next to each other, so that few are compiled.
    missing.sort(key=lambda config: (-config.steps, config.dataset, config.pixels, config.normalization, config.seed))
    if missing:
        with tqdm(total=sum(config.steps for config in missing), unit="step", unit_scale=True, file=sys.stdout) as bar:
            bar.set_description(f"{len(missing)} runs")
            if executor is None:
                _train_in_own_pool(missing, records, _count(jobs), bar)
            else:
                futures = {executor.submit(train, config, records): config for config in missing}
                _wait(futures, lambda: None, lambda config: bar.update(config.steps))
    return collect({"all": configs}, records, TABLES)


def train(config: RunConfig, records: Path, on_steps=lambda steps: None) -> None:
    """Trains one run in this process, with one thread, and writes its record: what a worker does."""
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
        print(f"{error}; moved to {move_aside(records, config)}, training it again", file=sys.stderr)
        return False


def _count(jobs: int | None) -> int:
    given = os.environ.get("BNREPRO_JOBS") if jobs is None else jobs
    if given is None:
        return cores()
    if not str(given).isdigit() or int(given) < 1:
        raise UserError(f"jobs is a whole number of 1 or more: got {given!r}; leave it out for one a core")
    return int(given)


def _train_in_own_pool(configs: list[RunConfig], records: Path, jobs: int, bar: tqdm) -> None:
    context = multiprocessing.get_context("spawn")  # a forked TensorFlow hangs
    steps_done, stop = context.Queue(), context.Event()
    pool = concurrent.futures.ProcessPoolExecutor(
        min(jobs, len(configs)), context, initializer=_start_worker, initargs=(steps_done, stop)
    )

    def move_bar() -> None:
        while True:
            try:
                bar.update(steps_done.get_nowait())
            except queue.Empty:
                return

    try:
        futures = {pool.submit(_work, config, records): config for config in configs}
        _wait(futures, move_bar, lambda config: None)
    finally:
        stop.set()
        pool.shutdown(wait=True, cancel_futures=True)
        move_bar()


def _wait(futures: dict, while_waiting, when_done) -> None:
    failures, pending = [], set(futures)
    while pending:
        done, pending = concurrent.futures.wait(pending, timeout=0.2, return_when="FIRST_COMPLETED")
        while_waiting()
        for future in done:
            if error := future.exception():
                failures.append(f"{futures[future].id} ({type(error).__name__}: {error})")
            else:
                when_done(futures[future])
    if failures:
        raise RunsFailed(
            f"{len(failures)} of {len(futures)} runs failed, the others are recorded: {'; '.join(failures[:3])}"
        )


_worker = {}


def _start_worker(steps_done, stop) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent hears the interrupt and says stop
    for name in ("OMP_NUM_THREADS", "TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS"):
        os.environ[name] = "1"
    _worker.update(steps_done=steps_done, stop=stop)
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    multiprocessing.parent_process().join()  # a killed parent cannot say stop
    os._exit(1)


def _work(config: RunConfig, records: Path) -> None:
    def on_steps(steps: int) -> None:
        _worker["steps_done"].put(steps)
        if _worker["stop"].is_set():
            raise InterruptedError("stopped between two chunks")

    train(config, records, on_steps)
