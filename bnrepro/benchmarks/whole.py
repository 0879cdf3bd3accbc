"""Rows of what somebody waits for: whole commands, from their start to their end, against the time that they may take."""

import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from typing import NamedTuple

from bnrepro.benchmarks.rows import Row, row
from bnrepro.errors import UserError
from bnrepro.records.workspace import CHECKOUT

_BNREPRO = (sys.executable, "-m", "bnrepro")
_BATCH = (*_BNREPRO, "run", "--preset", "quick", "--output", "{folder}")


class Whole(NamedTuple):
    """A command.

    Attributes:
        words: Those that are typed; `{folder}` is an empty one.
        limit: The seconds that it may take, on two cores on which Keras `fit` takes 1.2 ms a step (`scale`).
        repeats: How often it is timed.
    """

    words: Sequence[str]
    limit: float
    repeats: int = 5


WHOLE = {
    "command/help": Whole((*_BNREPRO, "--help"), 1),
    "command/list": Whole((*_BNREPRO, "list"), 1),
    "command/verdicts": Whole((*_BNREPRO, "verdicts"), 2),
    "command/figures_of_a_notebook": Whole((*_BNREPRO, "figures", "09", "--output", "{folder}"), 10),
    "batch/first_look": Whole(_BATCH, 360, 1),
    "batch/all": Whole((*_BATCH, "--all"), 1_200, 1),
    "tests/fast": Whole(("make", "test", "FAST=1"), 60, 1),
    "tests/all": Whole(("make", "test"), 480, 1),
}
"""By the name of the row; those of `tests` need a checkout, and install what is missing there first."""


def whole_row(name: str) -> Row:
    """Seconds of a command, against its limit.

    Raises:
        UserError: It fails.
    """
    whole = WHOLE[name]
    return row(name, "s", [_seconds(whole.words) for _ in range(whole.repeats)], whole.repeats * [whole.limit])


def _seconds(words: Sequence[str]) -> float:
    with tempfile.TemporaryDirectory() as folder:
        typed = [word.format(folder=folder) for word in words]
        began = time.perf_counter()
        ended = subprocess.run(typed, stdin=subprocess.DEVNULL, capture_output=True, text=True, cwd=CHECKOUT)
        seconds = time.perf_counter() - began
    if ended.returncode:
        last = [*ended.stdout.splitlines(), *ended.stderr.splitlines()][-1:]
        raise UserError(
            f"a command is timed where it ends well: {' '.join(typed)} ended with {ended.returncode}, {''.join(last)!r}; "
            "run it by hand"
        )
    return seconds
