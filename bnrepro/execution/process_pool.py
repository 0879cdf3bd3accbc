"""The default pool: processes that train and write records, and a new one where one was killed. Knows runs, no table."""

import concurrent.futures
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
from bnrepro.execution.worker_process import Seen, WorkerProcess, train_counting
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
        self._queue, self._seen = Queue(), Seen.by(jobs)
        self._training: list[Task | None] = [None] * jobs
        self._adding, self._moving = threading.Lock(), threading.Lock()
        self._threads = concurrent.futures.ThreadPoolExecutor(jobs)
        for number in range(jobs):
            self._threads.submit(self._train_lane, number)

    def close(self) -> None:
        """Stops what is in training between two chunks, and tells whoever waits for more."""
        self._seen.stop.value = True
        self.tasks.give_up(self._queue.close())
        self._threads.shutdown(wait=True)

    def move(self) -> None:
        """Tells the progress what has been done since it was told last."""
        with self._moving:
            for number, task in enumerate(self._training):
                if task:
                    task.tell(self.progress, *self._shares(number, task))

    def _shares(self, number: int, task: Task) -> tuple[float, float]:
        """Of a task, what its worker has done, and what had been kept when it took it up."""
        steps = sum(config.steps for config in task.group)
        kept = self._seen.steps_kept[number] / steps
        return min(1.0 - kept, self._seen.steps_done[number] / steps), kept

    def add(self, groups: list[Group], records: Path, part: str, place: int) -> dict[Future, Group]:
        """Puts groups into the queue; which future is of which."""
        with self._adding:
            self._queue.put(self.tasks.add(groups, records, part), place)
            return self.tasks.futures(groups)

    def _train_lane(self, number: int) -> None:
        process = WorkerProcess(self._seen)
        while group := self._queue.take(number):
            task = self.tasks[group]
            with self._moving:
                self._training[number] = task
                self._seen.steps_done[number] = self._seen.steps_kept[number] = 0
            try:
                if self._seen.stop.value:
                    raise InterruptedError("stopped before it was trained")
                program = group[0].compilation_key
                process.train(group[0].engine, program, train_counting, number, pack(group), task.records)
                task.future.set_result(None)
            except Exception as error:
                task.future.set_exception(error)
            with self._moving:
                _, kept = self._shares(number, task)
                task.tell(self.progress, 1.0 - kept, kept)
                self._training[number] = None
        process.end()
