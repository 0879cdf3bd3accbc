"""The default pool: processes that train and write records, and a new one where one was killed. Knows runs, no table."""

import concurrent.futures
import multiprocessing
import os
import threading
from concurrent.futures import Future
from pathlib import Path

from bnrepro.config.validation import check_count
from bnrepro.execution.groups import Group
from bnrepro.execution.packing import pack
from bnrepro.execution.parts import Task, Team
from bnrepro.execution.progress import Progress
from bnrepro.execution.scheduler import Queue
from bnrepro.execution.worker_process import WorkerProcess, train_counting
from bnrepro.records.machine import cores


def count_jobs(jobs: int | None) -> int:
    """Processes at once: as given, else the environment variable `BNREPRO_JOBS`, else the number of cores."""
    given = os.environ.get("BNREPRO_JOBS") if jobs is None else jobs
    if given is None:
        return cores()
    return check_count("jobs", given, "leave it out for one a core")


class Workers(Team):
    """Processes that train what is put into their queue, until the block ends. Each is a pool of one process, so that one that is
    killed takes no other's runs along; it starts with its first group.

    TensorFlow's have one thread each; of JAX, whose one process has all cores or the GPU, there is but one.

    Args:
        jobs: Processes at once.
        progress: Is told what they have done.
    """

    def __init__(self, jobs: int, progress: Progress):
        super().__init__(progress)
        self._queue, context = Queue(), multiprocessing.get_context("spawn")
        # Without locks, which a killed process could keep.
        self._steps_done, self._stop = context.RawArray("q", jobs), context.RawValue("b", False)
        self._training: list[Task | None] = [None] * jobs
        self._adding, self._moving = threading.Lock(), threading.Lock()
        self._threads = concurrent.futures.ThreadPoolExecutor(jobs)
        for number in range(jobs):
            self._threads.submit(self._train_lane, number)

    def close(self) -> None:
        """Stops what is in training between two chunks, and tells whoever waits for more."""
        self._stop.value = True
        self.tasks.give_up(self._queue.close())
        self._threads.shutdown(wait=True)

    def move(self) -> None:
        """Tells the progress what has been done since it was told last."""
        with self._moving:
            for number, task in enumerate(self._training):
                if task:
                    steps = sum(config.steps for config in task.group)
                    task.tell(self.progress, min(1.0, self._steps_done[number] / steps))

    def add(self, groups: list[Group], records: Path, part: str, place: int) -> dict[Future, Group]:
        """Puts groups into the queue; which future is of which."""
        with self._adding:
            self._queue.put(self.tasks.add(groups, records, part), place)
            return self.tasks.futures(groups)

    def _train_lane(self, number: int) -> None:
        process = WorkerProcess(self._steps_done, self._stop)
        while group := self._queue.take(number):
            task = self.tasks[group]
            with self._moving:
                self._training[number], self._steps_done[number] = task, 0
            try:
                if self._stop.value:
                    raise InterruptedError("stopped before it was trained")
                program = group[0].compilation_key
                process.train(group[0].engine, program, train_counting, number, pack(group), task.records)
                task.future.set_result(None)
            except Exception as error:
                task.future.set_exception(error)
            with self._moving:
                task.tell(self.progress, 1.0)
                self._training[number] = None
        process.end()
