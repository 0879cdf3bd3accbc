"""Workers elsewhere: bundles of runs travel there, tables come back, and this process writes the records. Knows no Keras."""

import contextlib
import threading
import time
from concurrent.futures import CancelledError, Future
from pathlib import Path

from bnrepro.errors import MachinesLost
from bnrepro.execution.bundles import Bundle, bundles_of
from bnrepro.execution.executors import Executor
from bnrepro.execution.groups import Group
from bnrepro.execution.lent import Outcome
from bnrepro.execution.packing import pack
from bnrepro.execution.parts import Team
from bnrepro.execution.progress import Progress
from bnrepro.execution.waiting import told
from bnrepro.records.store import write_record


class Cluster(Team):
    """The workers of an executor, which share no folder with this process; those whose block ends train no more.

    A bundle whose machine is gone is sent a second time.

    Args:
        executor: Where to train.
        progress: Is told what is done, bundle by bundle.
    """

    def __init__(self, executor: Executor, progress: Progress):
        super().__init__(progress)
        self._executor, self._closed = executor, False
        self._changing, self._looked_at = threading.Lock(), 0.0
        self._pending: dict[Future, tuple[Bundle, int]] = {}
        self._sent_again: set[Bundle] = set()

    def close(self) -> None:
        """Records what has come back, gives up on all else, and tells whoever waits for it."""
        with self._changing:
            self._closed = True
            for future in [one for one in self._pending if not self._executor.lost() and one.done()]:
                with contextlib.suppress(Exception):
                    self._take(future)
            if self._pending:
                self._executor.stop(self._pending)
                self._pending.clear()
            self.tasks.give_up(self.tasks)

    def add(self, groups: list[Group], records: Path, part: str, place: int) -> dict[Future, Group]:
        """Sends groups; which future is of which."""
        with self._changing:
            if self._closed:
                raise InterruptedError("stopped before they were trained")
            new = self.tasks.add(groups, records, part)
            self._send(bundles_of(new, self._executor.workers, self._executor.longest), place)
            return self.tasks.futures(groups)

    def move(self) -> None:
        """Records what has come back.

        Raises:
            MachinesLost: Nobody is left who trains.
        """
        with self._changing:
            if time.monotonic() - self._looked_at < self._executor.pause:
                return
            for future in [one for one in self._pending if one.done()]:
                try:
                    self._take(future)
                except Exception as error:
                    self._fail(future, error)
            self._looked_at = time.monotonic()

    def _send(self, bundles: list[Bundle], place: int) -> None:
        engines = [bundle[0][0].engine for bundle in bundles]
        programs = [bundle[0][0].compilation_key.id for bundle in bundles]
        packed = [[pack(group) for group in bundle] for bundle in bundles]
        try:
            futures = self._executor.submit(place, engines, programs, packed) if bundles else []
        except Exception as error:
            raise MachinesLost(self._executor.lost() or f"the executor takes no work {told(error)}") from error
        self._pending.update({future: (bundle, place) for future, bundle in zip(futures, bundles)})

    def _take(self, future: Future) -> None:
        """Takes what a future brought; raises what it raised."""
        outcomes = future.result()
        for group, outcome in zip(self._pending.pop(future)[0], outcomes):
            self._keep(group, outcome)

    def _fail(self, future: Future, error: BaseException) -> None:
        """A future brought nothing: its runs are sent again, once."""
        if self._executor.lost() or isinstance(error, CancelledError):
            raise MachinesLost(self._executor.lost() or "the executor was shut down") from error
        bundle, place = self._pending.pop(future)
        if bundle not in self._sent_again:
            self._sent_again.add(bundle)
            self._send([bundle], place)
            return
        for group in bundle:
            self._keep(group, error)

    def _keep(self, group: Group, outcome: Outcome) -> None:
        """Writes the records of a group, or says why there are none."""
        task = self.tasks[group]
        try:
            if isinstance(outcome, BaseException):
                raise outcome
            for config, tables in zip(group, outcome):
                write_record(task.records, config, tables)
            task.future.set_result(None)
        except Exception as error:
            task.future.set_exception(error)
        task.tell(self.progress, 1.0)
