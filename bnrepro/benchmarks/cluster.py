"""Rows of training elsewhere: what it costs the driver to send a run and to record it, and what workers bring. Needs Dask."""

import contextlib
import pickle
import tempfile
import time
from concurrent.futures import Executor, Future
from pathlib import Path

from bnrepro.benchmarks.engine import ARMS, in_silence, in_turns
from bnrepro.benchmarks.rows import Row, row
from bnrepro.config.grid import grid
from bnrepro.execution.bundles import bundles_of
from bnrepro.execution.by_name import check_executor
from bnrepro.execution.cluster import Cluster
from bnrepro.execution.executors import Dask, Pool
from bnrepro.execution.groups import groups_of
from bnrepro.execution.progress import Progress
from bnrepro.execution.run_all import run_all
from bnrepro.execution.worker import tables_of
from bnrepro.records.store import read_record
from bnrepro.training.run import run


def send_row(repeats: int = 7, runs: int = 400) -> Row:
    """Sending a run, until the scheduler has it: in bundles, against a call of Dask's `submit` for each run."""
    check_executor("dask")
    import distributed

    groups = groups_of(grid(ARMS[1], seed=range(runs)))
    nobody = distributed.LocalCluster(n_workers=0, processes=False, dashboard_address=":0")

    def wait(tasks: int) -> None:
        while len(nobody.scheduler.tasks) != tasks:
            time.sleep(1e-3)

    with nobody, distributed.Client(nobody) as client:
        executor = Dask(client)
        bundles = bundles_of(groups, executor.workers, executor.longest)

        def ours() -> float:
            wait(0)
            began = time.perf_counter()
            with Cluster(executor, Progress(1)) as cluster:
                cluster.part("all").train(groups, Path())
                wait(len(bundles))
                return 1e3 * (time.perf_counter() - began) / runs

        def theirs() -> float:
            wait(0)
            began = time.perf_counter()
            futures = [client.submit(tables_of, group, pure=False) for group in groups]
            wait(runs)
            seconds = time.perf_counter() - began
            client.cancel(futures)
            return 1e3 * seconds / runs

        return row("cluster/send", "ms a run", *in_turns(repeats, ours, theirs))


def record_row(repeats: int = 7, runs: int = 50) -> Row:
    """Recording a run of Figure 1 whose tables have come back, and reading it again: what the driver does besides sending."""
    steps, every = ARMS[1].steps, ARMS[1].evaluate_every
    short = ARMS[1].replace(steps=steps // every, evaluate_every=1, test_examples=100)  # with as many rows
    configs, come = grid(short, seed=range(runs)), _Come(pickle.dumps([run(short)]))

    def ours() -> float:
        with tempfile.TemporaryDirectory() as folder, Cluster(Pool(come, runs), Progress(1)) as cluster:
            cluster.part("all").train(groups_of(configs), Path(folder))
            began = time.perf_counter()
            cluster.move()
            for config in configs:
                read_record(Path(folder), config)
            return 1e3 * (time.perf_counter() - began) / runs

    return row("cluster/record", "ms a run", *in_turns(repeats, ours))


class _Come(Executor):
    """Has the tables of every run, in bytes."""

    def __init__(self, packed: bytes):
        self._packed = packed

    def submit(self, function, driver, engine, program, groups):
        return _Loaded(self._packed, len(groups))


class _Loaded(Future):
    def __init__(self, packed: bytes, groups: int):
        super().__init__()
        self._packed, self._groups = packed, groups

    def done(self):
        return True

    def result(self):
        return [pickle.loads(self._packed) for _ in range(self._groups)]


def workers_row(workers: int = 2, repeats: int = 3, runs: int = 8, steps: int = 3_000) -> Row:
    """Runs an hour on workers of Dask that have compiled the net, against one such worker. More is better here."""
    check_executor("dask")
    import distributed

    sweep = grid(ARMS[1].replace(steps=steps), seed=range(runs))
    with contextlib.ExitStack() as stack:
        clients = [
            stack.enter_context(
                distributed.Client(
                    processes=False, threads_per_worker=count, dashboard_address=":0", set_as_default=False
                )
            )
            for count in (workers, 1)
        ]

        def hourly(client) -> float:
            began = time.perf_counter()
            with tempfile.TemporaryDirectory() as records:
                in_silence(run_all, sweep, executor=client, records=Path(records))
            return 3_600 * runs / (time.perf_counter() - began)

        found = in_turns(repeats, *(lambda client=client: hourly(client) for client in clients))
    return row(f"cluster/{workers}_workers", "runs an hour", *found)
