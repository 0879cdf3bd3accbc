"""What the command prints, for whoever reads it: an encoding without check marks, a pipe that is closed. Knows no command."""

import contextlib
import os
import sys
import threading
from collections.abc import Iterator

_PLAIN = str.maketrans(
    {
        "✓": "+",
        "✗": "x",
        "−": "-",
        "–": "-",
        "…": "...",
        "∞": "inf",
        "≤": "<=",
        "≥": ">=",
        "≈": "~",
        "≉": "!~",
        "±": "+/-",
    }
    | {"§": "section ", "×": "x", "√": "sqrt ", "“": '"', "”": '"', "‘": "'", "’": "'", "µ": "u", "\xa0": " "}
)


class ReaderGone(BaseException):
    """Nobody reads any more, as after `| head`. No `Exception`, so that nothing on the way takes it for a failure of its own."""


@contextlib.contextmanager
def careful_output() -> Iterator[None]:
    """Within the block what is printed fits the encoding of the stream, and a reader that is gone is `ReaderGone`, once."""
    outer = sys.stdout, sys.stderr
    sys.stdout, sys.stderr = (stream and _Stream(stream) for stream in outer)
    try:
        yield
        flush()
    finally:
        sys.stdout, sys.stderr = outer


def flush() -> None:
    """Writes what is waiting, while there is still somebody to hear that it cannot be written."""
    for stream in (sys.stdout, sys.stderr):
        if stream:
            stream.flush()


def say(message: str, code: int) -> int:
    """Says in one line what went wrong, and returns the exit status for it."""
    print("bnrepro:", *message.splitlines(), file=sys.stderr)
    return code


class _Stream:
    """A text stream, and all that it is besides."""

    def __init__(self, stream):
        self._stream, self._gone, self._stopped = stream, False, False

    def __getattr__(self, name: str):
        return getattr(self._stream, name)

    def write(self, text: str) -> int:
        self._try(self._stream.write, fitting(text, self._stream.encoding))
        return len(text)

    def flush(self) -> None:
        self._try(self._stream.flush)

    def _try(self, act, *arguments) -> None:
        try:
            act(*arguments)
        except BrokenPipeError:
            self._gone = True
            self._let_go()
        except OSError:
            self._let_go()
            raise
        if self._gone and not self._stopped and threading.current_thread() is threading.main_thread():
            self._stopped = True
            raise ReaderGone

    def _let_go(self) -> None:
        """What is still waiting goes nowhere, so that Python does not try it again as it ends."""
        with contextlib.suppress(AttributeError, OSError, ValueError), open(os.devnull, "wb") as nowhere:
            os.dup2(nowhere.fileno(), self._stream.fileno())


def fitting(text: str, encoding: str | None) -> str:
    """The text itself where the encoding has it all, else with plain signs in place of its own."""
    try:
        text.encode(encoding or "utf-8")
        return text
    except UnicodeEncodeError:
        return text.translate(_PLAIN).encode(encoding or "utf-8", "replace").decode(encoding or "utf-8")
