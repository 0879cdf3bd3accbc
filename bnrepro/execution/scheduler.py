"""Which worker trains which group next: what comes first is done first, and a compiled net stays with one worker while there is
other work. Knows no Keras.
"""

import threading
from collections import deque
from collections.abc import Iterable

from bnrepro.config.validation import ALL_CORES
from bnrepro.execution.groups import Group
from bnrepro.records.costs import work

WORTH_SECONDS = 5.0
"""Of work, for which a second worker compiles the same net while work for later is waiting."""


class Queue:
    """Groups that wait, and who asks for one gets it or waits; more of them may come until it is closed."""

    def __init__(self):
        self._changed, self._closed = threading.Condition(), False
        self._waiting: dict[int, dict[str, deque[Group]]] = {}
        self._homes: dict[str, int] = {}

    def put(self, groups: Iterable[Group], place: int = 0) -> None:
        """Adds groups, to be trained in their order after all of lower places.

        Raises:
            InterruptedError: It is closed.
        """
        with self._changed:
            if self._closed:
                raise InterruptedError("stopped before they were trained")
            programs = self._waiting.setdefault(place, {})
            for group in groups:
                programs.setdefault(group[0].compilation_key.id, deque()).append(group)
            self._changed.notify_all()

    def take(self, number: int) -> Group | None:
        """The next group for worker `number`, as soon as there is one; None once the queue is closed."""
        with self._changed:
            while not self._closed:
                if group := self._next(number):
                    return group
                self._changed.wait()
            return None

    def close(self) -> list[Group]:
        """Gives out none any more; returns those that nobody took."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
            return [group for programs in self._waiting.values() for groups in programs.values() for group in groups]

    def _next(self, number: int) -> Group | None:
        others = []
        for place in sorted(self._waiting):
            programs = {
                name: groups
                for name, groups in self._waiting[place].items()
                if groups and (number == 0 or groups[0][0].engine not in ALL_CORES)  # whose one process has all cores
            }
            for home in (number, None):
                if known := [name for name in programs if self._homes.get(name) == home]:
                    name = known[0] if home == number else max(known, key=lambda name: work(programs[name]))
                    self._homes[name] = number
                    return programs[name].popleft()
            others += programs.values()
            if others and work(longest := max(others, key=work)) >= WORTH_SECONDS:
                return longest.pop()
        return max(others, key=work).pop() if others else None
