"""Who trains elsewhere: any executor of `concurrent.futures`, a Dask client, an executor of submitit, all asked alike.

Each takes bundles and gives futures with `done`, `result` and `cancel`. Knows no run, no record and no command line.
"""

import contextlib
import secrets
from collections.abc import Iterable
from typing import Any, Protocol

from bnrepro.execution import lent, slurm

WORTH_SECONDS = 20.0
"""Of training, next to which it is little to compile a net and to send it."""

ARRAY = 1_000
"""Tasks of one job array; Slurm's `MaxArraySize` is 1,001 where nobody changed it."""

UNKNOWN = 16
"""Workers to reckon with where none has come yet."""

_PROCESS = secrets.token_hex(8)


class Executor(Protocol):
    """Attributes:
    workers: How many train at once, as far as is known.
    longest: Seconds of the longest bundle of several groups.
    pause: Seconds between two looks at the futures.
    """

    workers: int
    longest: float
    pause: float

    def submit(self, place: int, *columns: list[Any]) -> list:
        """A future of each call of `train_bundle`; its arguments but the driver's name stand in columns.

        What has a lower place is trained first, if the executor can choose.
        """

    def stop(self, futures: Iterable) -> None:
        """Gives up on futures, and stops what trains for them."""

    def lost(self) -> str:
        """Why no future will ever be done; empty where all is well."""


class Pool:
    """Any executor of `concurrent.futures`.

    Args:
        executor: The executor.
        workers: How many it has.
    """

    longest, pause = WORTH_SECONDS, 0.0

    def __init__(self, executor, workers: int):
        self._executor, self.workers, self._driver = executor, workers, f"{_PROCESS} {id(executor)}"

    def submit(self, place, *columns):
        return [self._executor.submit(lent.train_bundle, self._driver, *each) for each in zip(*columns)]

    def stop(self, futures):
        for future in futures:
            future.cancel()
        lent.stop(self._driver)  # of workers that are threads

    def lost(self):
        return ""


class Dask:
    """A client of Dask distributed.

    Args:
        client: The client.
    """

    longest, pause = WORTH_SECONDS, 0.0

    def __init__(self, client):
        self._client, self._driver, self._address = client, client.id, client.scheduler.address
        self.workers = sum(client.nthreads().values()) or UNKNOWN

    def submit(self, place, *columns):
        drivers = [self._driver] * len(columns[0])
        return self._client.map(lent.train_bundle, drivers, *columns, pure=False, priority=-place)

    def stop(self, futures):
        with contextlib.suppress(Exception):  # the scheduler may be lost, now or meanwhile
            if not self.lost():
                self._client.cancel(list(futures))
                self._client.run(lent.stop, self._driver)

    def lost(self):
        return "" if self._client.status == "running" else f"the scheduler at {self._address} is lost"


class Submitit:
    """An executor of submitit; its tasks are those of job arrays.

    Args:
        executor: The executor.
        workers: Tasks at once.
    """

    longest, pause = float("inf"), 1.0  # each task starts a process, and its future is a file

    def __init__(self, executor, workers: int):
        self._executor, self.workers = executor, workers

    def submit(self, place, *columns):
        columns, futures = [[""] * len(columns[0]), *columns], []
        for start in range(0, len(columns[0]), ARRAY):
            futures += self._executor.map_array(lent.train_bundle, *(one[start : start + ARRAY] for one in columns))
        return futures

    def stop(self, futures):
        for future in futures:
            future.cancel()

    def lost(self):
        return ""


class Slurm(Submitit):
    """An executor of submitit that sends to Slurm: a task that is gone is noticed, and all are cancelled at once."""

    def __init__(self, executor, workers: int):
        super().__init__(executor, workers)
        self._queue = slurm.Queue()

    def submit(self, place, *columns):
        return [slurm.Task(job, self._queue) for job in super().submit(place, *columns)]

    def stop(self, futures):
        slurm.give_up(futures)


def executor_of(given, workers: int) -> Executor:
    """What a user gave, asked as all others are.

    Args:
        given: An executor of `concurrent.futures` or submitit, or a Dask client.
        workers: How many it has; a Dask client knows.
    """
    if hasattr(given, "map_array"):
        sends_to = getattr(given, "cluster", "") or given.name()
        return (Slurm if sends_to == "slurm" else Submitit)(given, workers)
    return Dask(given) if hasattr(given, "nthreads") else Pool(given, workers)
