"""What a user did wrong, told in one line: the rule, what came, the remedy. Knows nothing of the other rooms."""

import difflib
import re
from collections.abc import Iterable


class UserError(ValueError):
    """Wrong input. The message is one line: the rule, what came, the remedy; the command line exits with 2."""


class RecordError(RuntimeError):
    """A record on disk that is damaged, or was written by another version."""


class MachinesLost(RuntimeError):
    """The machines that train are gone. What they had finished is recorded; the message is one line."""

    def __init__(self, what: str):
        super().__init__(f"{what}; finished runs are kept, the same command goes on from there")


def one_line(text: str, longest: int = 300) -> str:
    """A message in one line without a terminal's colors, its beginning where it is long: there stands what is wrong."""
    line = " ".join(re.sub(r"\x1b\[[0-9;]*m", "", text).split())
    return line if len(line) <= longest else f"{line[:longest]} …"


def unknown(kind: str, name: str, known: Iterable[str]) -> UserError:
    """The error for a name that does not exist, with the nearest one that does."""
    known = list(known)
    nearest = difflib.get_close_matches(str(name), known, n=1, cutoff=0.4)
    remedy = f"did you mean {nearest[0]!r}?" if nearest else f"choose one of {', '.join(known)}"
    return UserError(f"unknown {kind} {name!r}: {remedy}")
