"""How much of a job is done and when it ends, in seconds of work; and the bar that shows it. Knows no run."""

import math
import sys
import threading
import time
from collections.abc import Callable

from tqdm import tqdm

_TRUST_SECONDS = 10.0
"""So long a job counts with what its work took elsewhere, before what it takes here says more."""

_TERMINAL_SECONDS, _FILE_SECONDS = 0.5, 2.0
"""Between two looks at a bar: in a file each is a line."""


class Progress:
    """The work of a job by its parts, in seconds of one process on the machine that the estimates are of.

    Parts are done in the order of their names. What this machine takes is seen from what is done: so the job ends when all that
    is left is done as fast as all so far.

    Args:
        processes: How many work at once.
        clock: Seconds, from any moment on.
    """

    def __init__(self, processes: int, clock: Callable[[], float] = time.monotonic):
        self._processes, self._clock, self._began = processes, clock, clock()
        self._lock, self._first = threading.Lock(), None
        self._planned: dict[str, float] = {}
        self._later: dict[str, float] = {}
        self._done: dict[str, float] = {}
        self._shown = 0.0

    def expect(self, part: str, seconds: float) -> None:
        """Counts on work of a part which is not planned yet; what is planned then is taken off."""
        with self._lock:
            self._later[part] = self._later.get(part, 0.0) + seconds
            self._planned.setdefault(part, 0.0)

    def plan(self, part: str, seconds: float, recorded: float = 0.0) -> None:
        """Adds work to a part; `recorded` is what was planned with it and is done already."""
        with self._lock:
            self._later[part] = max(0.0, self._later.get(part, 0.0) - seconds - recorded)
            self._planned[part] = self._planned.get(part, 0.0) + seconds

    def advance(self, part: str, seconds: float) -> None:
        """Some work of a part is done."""
        with self._lock:
            if self._first is None and seconds > 0:
                self._first = self._clock(), seconds
            self._done[part] = self._done.get(part, 0.0) + seconds

    def end(self, part: str) -> None:
        """A part is done, whatever was expected of it."""
        with self._lock:
            self._later[part], self._planned[part] = 0.0, self._done.get(part, 0.0)

    @property
    def under_way(self) -> str:
        """The first part in their order that is not done; empty where all are."""
        with self._lock:
            return next((part for part in sorted(self._planned) if self._left_of(part) > 1e-6), "")

    @property
    def share_done(self) -> float:
        """From 0 to 1; it never falls, also where more work turns up."""
        with self._lock:
            done, left = sum(self._done.values()), self._left()
            self._shown = max(self._shown, done / (done + left) if left else 1.0)
            return self._shown

    @property
    def seconds_left(self) -> float:
        """Until the job ends."""
        with self._lock:
            now = self._clock()
            began, known = self._first or (now, 0.0)  # what processes take to start is not the speed of their work
            done, gone = sum(self._done.values()) - known, now - began
            speed = (done + _TRUST_SECONDS * self._processes) / (gone + _TRUST_SECONDS)
            return self._left() / speed

    @property
    def seconds_gone(self) -> float:
        """Since the job began."""
        return self._clock() - self._began

    def _left(self) -> float:
        return sum(map(self._left_of, self._planned))

    def _left_of(self, part: str) -> float:
        return max(0.0, self._planned[part] - self._done.get(part, 0.0)) + self._later.get(part, 0.0)


class Bar:
    """A line that says which part is under way, how much of all is done, and how long the rest takes.

    Args:
        progress: What it shows.
        columns: Of the line; by default the terminal's.
    """

    def __init__(self, progress: Progress, columns: int | None = None):
        self.progress, self._shown_at = progress, -math.inf
        style = "{desc} {percentage:3.0f}%|{bar}| {unit}"
        self._bar = tqdm(
            total=1.0, file=sys.stdout, bar_format=style, ncols=columns, dynamic_ncols=columns is None, delay=1e9
        )

    def show(self) -> None:
        """Shows how far the job is, now and then."""
        now = time.monotonic()
        if now - self._shown_at >= (_TERMINAL_SECONDS if sys.stdout.isatty() else _FILE_SECONDS):
            self._shown_at = now
            self._draw()

    def write(self, line: str) -> None:
        """Prints a line above the bar."""
        self._bar.write(line, file=sys.stdout)

    def close(self) -> None:
        """Leaves the bar as it is at the end, on a line of its own."""
        if self._shown_at > -math.inf:
            self._draw()
            print(flush=True)
        self._bar.close()

    def _draw(self) -> None:
        progress = self.progress
        part, left = progress.under_way, in_words(progress.seconds_left)
        self._bar.desc, self._bar.n = part or "done", progress.share_done
        self._bar.unit = f"{left} left" if part else f"after {in_words(progress.seconds_gone)}"
        self._bar.refresh()


def in_words(seconds: float) -> str:
    """As "about 40 s", "about 4 min", "about 1.5 h"."""
    if seconds < 60:
        return f"about {max(1, round(seconds, -1 if seconds > 10 else 0)):.0f} s"
    return f"about {seconds / 60:.0f} min" if seconds < 5_400 else f"about {seconds / 3_600:.1f} h"
