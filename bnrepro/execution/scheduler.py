"""Which worker trains which group: those of one compiled net stay with one worker while there is other work. Knows no Keras."""

import threading
from collections import deque

from bnrepro.execution.groups import Group, work


class Lanes:
    """A queue of groups for each worker; who has done his own helps with the longest other one, from its end.

    Args:
        groups: The groups, in the order in which a lane trains them.
        count: Workers.
    """

    def __init__(self, groups: list[Group], count: int):
        self._lock, self._lanes = threading.Lock(), [deque() for _ in range(count)]
        programs, places = {}, {group: place for place, group in enumerate(groups)}
        for group in groups:
            programs.setdefault(group[0].compilation_key, []).append(group)
        # The program with most to do first, each into the lane that has least to do.
        for own in sorted(programs.values(), key=work, reverse=True):
            min(self._lanes, key=work).extend(own)
        for lane in self._lanes:
            ordered = sorted(lane, key=places.get)
            lane.clear()
            lane.extend(ordered)

    def take(self, number: int) -> Group | None:
        """The next group for worker `number`; None when none is left."""
        with self._lock:
            if self._lanes[number]:
                return self._lanes[number].popleft()
            longest = max(self._lanes, key=work)
            return longest.pop() if longest else None
