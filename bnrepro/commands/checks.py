"""What commands check and need alike: plugins, files to write, the width of the terminal. Knows no command."""

import os
import shutil
import sys
from pathlib import Path

from bnrepro.errors import UserError
from bnrepro.records.workspace import check_can_be_written, check_not_committed, whole_path


def load(plugins: list[str]) -> None:
    """Loads the files of `--plugin`."""
    from bnrepro.config.plugins import add_plugin

    for plugin in plugins:
        add_plugin(plugin)


def columns() -> int | None:
    """Of the terminal that is printed to; None for a file or a pipe, whose lines are never broken."""
    return shutil.get_terminal_size().columns if sys.stdout.isatty() else None


def check_left_out(given: dict[str, object], rule: str, remedy: str) -> None:
    """Raises `UserError` where one of these arguments was given, which would be ignored."""
    names = [name for name, value in given.items() if value not in (None, False, [])]
    if names:
        raise UserError(f"{rule}: got {', '.join(names)}; {remedy}")


def writable(path: str | None) -> Path | None:
    """The path of a file to write, or a `UserError` before any work is done for it."""
    if path is None:
        return None
    check_not_committed(path)
    whole = whole_path(path)
    if path.endswith("/") or os.path.isdir(whole):
        raise UserError(f"a file is written under a name of its own: {path} is a folder; name a file in it")
    if not os.path.isdir(whole.parent):
        raise UserError(f"a file is written in a folder that there is: that of {path} is none; make it or name another")
    check_can_be_written(whole.parent if os.path.isfile(whole) else whole)
    return Path(path).expanduser()
