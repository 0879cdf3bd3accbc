"""The default pool: processes that train, and a new one where one was killed. Knows runs, no table."""

import concurrent.futures
import multiprocessing
import os
import threading
from collections.abc import Iterable
from concurrent.futures import Future
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path

from bnrepro.config.run_config import RunConfig
from bnrepro.config.validation import check_count
from bnrepro.execution.groups import Group
from bnrepro.execution.packing import pack
from bnrepro.execution.progress import Progress
from bnrepro.execution.scheduler import Queue
from bnrepro.execution.worker_process import new_process, train_counting
from bnrepro.records.costs import work
from bnrepro.records.machine import cores

RENEWED_AT_MIB = 1_350
"""A worker that holds more gives way to a new one before another program: TensorFlow keeps 10 to 25 MiB of each for ever."""


def count_jobs(jobs: int | None) -> int:
    """Processes at once: as given, else the environment variable `BNREPRO_JOBS`, else the number of cores."""
    given = os.environ.get("BNREPRO_JOBS") if jobs is None else jobs
    if given is None:
        return cores()
    return check_count("jobs", given, "leave it out for one a core")


class Workers:
    """Processes that train what is put into their queue, until the block ends. Each is a pool of one process, so that one that is
    killed takes no other's runs along; it starts with its first group.

    TensorFlow's have one thread each; of JAX, whose one process has all cores or the GPU, there is but one.

    Args:
        jobs: Processes at once.
        progress: Is told what they have done.
    """

    def __init__(self, jobs: int, progress: Progress):
        self.progress = progress
        self._queue, context = Queue(), multiprocessing.get_context("spawn")
        # Without locks, which a killed process could keep.
        self._steps_done, self._stop = context.RawArray("q", jobs), context.RawValue("b", False)
        self._known: dict[Group, _Task] = {}
        self._training: list[_Task | None] = [None] * jobs
        self._adding, self._moving = threading.Lock(), threading.Lock()
        self._threads = concurrent.futures.ThreadPoolExecutor(jobs)
        for number in range(jobs):
            self._threads.submit(self._train_lane, number)

    def __enter__(self) -> "Workers":
        return self

    def __exit__(self, *error) -> None:
        self.close()

    def close(self) -> None:
        """Stops what is in training between two chunks, and tells whoever waits for more."""
        self._stop.value = True
        for group in self._queue.close():
            self._known[group].future.set_exception(InterruptedError("stopped before it was trained"))
        self._threads.shutdown(wait=True)

    def part(self, name: str, place: int = 0) -> "Part":
        """Their work for one part of a job, after that of parts with lower places."""
        return Part(self, name, place)

    def move(self) -> None:
        """Tells the progress what has been done since it was told last."""
        with self._moving:
            for number, task in enumerate(self._training):
                if task:
                    steps = sum(config.steps for config in task.group)
                    self._tell(task, min(1.0, self._steps_done[number] / steps))

    def add(self, groups: list[Group], records: Path, part: str, place: int) -> dict[Future, Group]:
        """Puts groups into the queue; which future is of which. One that is there for another part is trained once."""
        with self._adding:
            new = []
            for group in groups:
                if group not in self._known or self._known[group].is_over(records):
                    self._known[group] = _Task(group, records, part)
                    new.append(group)
            self.progress.plan(part, work(new), work(groups) - work(new))
            self._queue.put(new, place)
            return {self._known[group].future: group for group in groups}

    def _tell(self, task: "_Task", share: float) -> None:
        """Of a task this share is done."""
        seconds = share * work([task.group])
        self.progress.advance(task.part, seconds - task.told)
        task.told = seconds

    def _train_lane(self, number: int) -> None:
        worker, resident, last = None, 0.0, None
        while (group := self._queue.take(number)) and not self._stop.value:
            task = self._known[group]
            if worker and _outgrown(resident, last, group):
                worker.shutdown()
                worker = None
            for attempt in (1, 2):
                with self._moving:
                    self._training[number], self._steps_done[number] = task, 0
                    self._tell(task, 0.0)
                try:
                    worker = worker or new_process(group[0].engine, self._steps_done, self._stop)
                    resident = worker.submit(train_counting, number, pack(group), task.records).result()
                    task.future.set_result(None)
                except BrokenProcessPool as error:
                    worker.shutdown()
                    worker = None
                    if attempt == 1 and not self._stop.value:  # killed from outside, perhaps, so once more
                        continue
                    task.future.set_exception(error)
                except Exception as error:
                    task.future.set_exception(error)
                break
            with self._moving:
                self._tell(task, 1.0)
                self._training[number] = None
            last = group
        if worker:
            worker.shutdown()


class _Task:
    """A group on its way: where its records go, which part of the job asked first, how many of its seconds are told as done."""

    def __init__(self, group: Group, records: Path, part: str):
        self.group, self.records, self.part = group, records, part
        self.future, self.told = Future(), 0.0

    def is_over(self, records: Path) -> bool:
        """Whether who wants the group's records there has to have it trained anew."""
        return self.future.done() or self.records != records


class Part:
    """What some workers do for one part of a job: `run_all` trains there."""

    def __init__(self, workers: Workers, name: str, place: int):
        self.name, self._workers, self._place = name, workers, place

    def train(self, groups: list[Group], records: Path) -> dict[Future, Group]:
        """Has groups trained; which future is of which."""
        return self._workers.add(groups, records, self.name, self._place)

    def skip(self, configs: Iterable[RunConfig]) -> None:
        """Takes runs that have a record off what is expected of this part."""
        self._workers.progress.plan(self.name, 0.0, work([configs]))


def _outgrown(resident: float, last: Group, group: Group) -> bool:
    """Whether a worker gives way to a new one: it holds too much for another program, or was started for another engine."""
    other = group[0].compilation_key != last[0].compilation_key
    return group[0].engine != last[0].engine or (other and resident > RENEWED_AT_MIB)
