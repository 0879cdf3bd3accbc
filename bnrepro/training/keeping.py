"""When the state of runs under way is kept, and what is said where it cannot be kept or taken up. Knows no engine."""

import sys
import time
from collections.abc import Callable
from typing import Any

from bnrepro.config.run_config import RunConfig
from bnrepro.errors import RecordError, UserError, one_line
from bnrepro.records.checkpoints import Checkpoints, Kept


class Keeper:
    """Keeps a group of runs while it trains. What does not work is told in a line, and the training goes on.

    Args:
        checkpoints: Where, and how often.
        configs: The runs.
        made_with: What their bits depend on besides.
    """

    def __init__(self, checkpoints: Checkpoints, configs: list[RunConfig], made_with: dict[str, str]):
        self._checkpoints, self._configs, self._made_with = checkpoints, configs, made_with
        self._kept_at, self._failed = time.monotonic(), False

    def take_up(self, restore: Callable[[Kept], None]) -> bool:
        """Has the last state restored, if there is one that fits; False if that failed halfway."""
        run, kept = self._configs[0].id, None
        try:
            kept = self._checkpoints.read(self._configs, self._made_with)
            if kept is not None:
                restore(kept)
        except RecordError as error:
            _say(f"{error}; {run} starts anew")
        except (KeyError, TypeError, ValueError) as error:
            _say(f"the checkpoint of {run} was made by other code ({error}); it starts anew")
            return False
        return True

    def keep(self, snapshot: Callable[[], dict[str, Any]]) -> None:
        """Keeps what `snapshot` gives, if it is time."""
        if time.monotonic() - self._kept_at < self._checkpoints.seconds:
            return
        try:
            self._checkpoints.write(self._configs, self._made_with, snapshot())
        except (OSError, UserError) as error:
            if not self._failed:
                _say(f"no checkpoint of {self._configs[0].id} ({error}); it trains on, and if killed starts anew")
            self._failed = True
        self._kept_at = time.monotonic()


def _say(line: str) -> None:
    print(f"bnrepro: {one_line(line)}", file=sys.stderr, flush=True)
