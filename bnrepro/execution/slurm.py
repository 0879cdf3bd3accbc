"""Tasks of a real Slurm: which of them have left its queue, and how they are given up. Knows no run and no bundle."""

import os
import subprocess
import time
from collections.abc import Iterable

LOOK_SECONDS = 30
"""Between two looks at the queue, which all users of a cluster share."""

GRACE_SECONDS = 60
"""After a task has left the queue, until its file has surely come over a shared disk."""


class Lost(RuntimeError):
    """A task of Slurm ended and gave nothing."""


class Queue:
    """The tasks of this user that wait or run, as `squeue` tells. `sacct` knows more, but only where a cluster keeps accounts."""

    def __init__(self):
        self._listed, self._answers, self._missed_at = set(), False, {}
        self._looked_at = float("-inf")

    def has_lost(self, task: str) -> bool:
        """Whether a task, as "12_3", left the queue a while ago. While the controller does not answer, none did."""
        now = time.monotonic()
        if now - self._looked_at >= LOOK_SECONDS:
            self._looked_at = now
            self._look()
        if task in self._listed or not self._answers:
            self._missed_at.pop(task, None)
            return False
        return now - self._missed_at.setdefault(task, now) >= GRACE_SECONDS

    def _look(self) -> None:
        command = ["squeue", "--noheader", "--array", "--format=%i", f"--user={os.getuid()}"]
        try:
            answer = subprocess.run(command, capture_output=True, text=True, timeout=LOOK_SECONDS)
        except (OSError, subprocess.TimeoutExpired):
            self._answers = False
        else:
            self._answers, self._listed = answer.returncode == 0, set(answer.stdout.split())


class Task:
    """The future of one task.

    Args:
        job: As submitit gives it.
        queue: Where it waits or runs.
    """

    def __init__(self, job, queue: Queue):
        self._job, self._queue = job, queue

    @property
    def id(self) -> str:
        """As Slurm says it: "12_3"."""
        return self._job.job_id

    def done(self) -> bool:
        """Whether it has given a result, or never will."""
        return self._has_result() or self._queue.has_lost(self.id)

    def result(self):
        """What it gave.

        Raises:
            Lost: It left the queue without a result: killed, cancelled, out of time or memory, or with its machine.
        """
        if not self._has_result():
            raise Lost(f"task {self.id} of Slurm ended and gave nothing; {self._job.paths.stderr} may say why")
        return self._job.result()

    def _has_result(self) -> bool:
        return self._job.paths.result_pickle.exists()


def give_up(tasks: Iterable[Task]) -> None:
    """Cancels them all at once; what has ended is no error."""
    if names := [task.id for task in tasks]:
        subprocess.run(["scancel", *names], capture_output=True)
