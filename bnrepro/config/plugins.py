"""What others add, in a file or an installed package: found here, loaded once. Knows nothing of what it is that they add."""

import functools
import hashlib
import importlib.metadata
import importlib.util
import os
import sys
from importlib.metadata import EntryPoint
from pathlib import Path

from bnrepro.errors import UserError, one_line

PLUGINS = "BNREPRO_PLUGINS"
"""The environment variable with the paths of plugin files, separated as those of `PATH` are; workers and notebooks inherit it."""

_PREFIX = "bnrepro_plugin_"


def installed(kind: str) -> dict[str, EntryPoint]:
    """By name the entry points `bnrepro.<kind>` of all installed packages."""
    return _installed(kind, tuple((folder, _changed_at(folder)) for folder in sys.path))


@functools.cache
def _installed(kind: str, path: tuple[tuple[str, int], ...]) -> dict[str, EntryPoint]:
    """Those on the path, whose folders are looked through once until one has changed: that takes hundredths of a second."""
    return {point.name: point for point in importlib.metadata.entry_points(group=f"bnrepro.{kind}")}


def _changed_at(folder: str) -> int:
    try:
        return os.stat(folder or os.curdir).st_mtime_ns
    except OSError:
        return 0


def add_plugin(path: str | Path) -> None:
    """Loads a Python file that registers parts, experiments or claims, here and in all processes that are started from here.

    Raises:
        UserError: No such file, or one that raises.
    """
    path = Path(path).expanduser().resolve()
    load_plugin(path)
    known = [one for one in os.environ.get(PLUGINS, "").split(os.pathsep) if one]
    os.environ[PLUGINS] = os.pathsep.join(dict.fromkeys([*known, str(path)]))


def load_plugin(path: Path) -> None:
    """Runs a plugin file as a module of its own, once in a process."""
    module = f"{_PREFIX}{hashlib.sha256(os.fsencode(path)).hexdigest()[:10]}"
    if module in sys.modules:
        return
    if not path.is_file() or path.suffix != ".py":
        raise UserError(f"a plugin is a Python file that adds to this package: {path} is no file *.py; name another")
    spec = importlib.util.spec_from_file_location(module, path)
    sys.modules[module] = importlib.util.module_from_spec(spec)
    try:
        spec.loader.exec_module(sys.modules[module])
    except Exception as error:
        del sys.modules[module]
        raise UserError(
            f"a plugin is a Python file that adds to this package: {path} raised {type(error).__name__} "
            f"({one_line(str(error))}); mend it"
        ) from error


def is_plugin(module: str) -> bool:
    """Whether a module of that name is a plugin file, which only its path leads to."""
    return module.startswith(_PREFIX)


def load_plugins() -> None:
    """Loads every plugin file that `add_plugin` was given, here or in a process that this one was started from."""
    for path in os.environ.get(PLUGINS, "").split(os.pathsep):
        if path:
            load_plugin(Path(path))
