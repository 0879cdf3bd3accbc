"""Which worker trains which run: runs of one compiled net stay with one worker while there is other work. Knows no Keras."""

import threading
from collections import deque

from bnrepro.config.run_config import RunConfig


class Lanes:
    """A queue of runs for each worker; who has done his own helps with the longest other one, from its end.

    Args:
        configs: The runs, in the order in which a lane trains them.
        count: Workers.
    """

    def __init__(self, configs: list[RunConfig], count: int):
        self._lock, self._lanes = threading.Lock(), [deque() for _ in range(count)]
        groups, places = {}, {config: place for place, config in enumerate(configs)}
        for config in configs:
            groups.setdefault(config.compilation_key, []).append(config)
        # The largest group first, each into the lane that has least to do.
        for runs in sorted(groups.values(), key=_work, reverse=True):
            min(self._lanes, key=_work).extend(runs)
        for lane in self._lanes:
            ordered = sorted(lane, key=places.get)
            lane.clear()
            lane.extend(ordered)

    def take(self, number: int) -> RunConfig | None:
        """The next run for worker `number`; None when none is left."""
        with self._lock:
            if self._lanes[number]:
                return self._lanes[number].popleft()
            longest = max(self._lanes, key=_work)
            return longest.pop() if longest else None


def _work(runs) -> int:
    return sum(config.steps for config in runs)
