"""What a shell completes behind `bnrepro`: a script for bash, zsh or fish, made of the command's parser. Runs no command."""

import argparse
from collections.abc import Iterator

from bnrepro.config.validation import PRESETS
from bnrepro.errors import unknown
from bnrepro.experiments import EXPERIMENTS
from bnrepro.jupyter.parameters import find_notebooks
from bnrepro.plotting.save import FORMATS
from bnrepro.tasks.archives import ARCHIVES

SHELLS = ("bash", "zsh", "fish")

_FILES, _FOLDERS = ("plugin", "json"), ("output", "old", "new")
"""Arguments that take a path; `report --output` is a file, and its folder is completed."""


def script(parser: argparse.ArgumentParser, shell: str) -> str:
    """The script that a shell reads to complete subcommands, options, and the names that they take.

    Raises:
        UserError: Another shell.
    """
    if shell not in SHELLS:
        raise unknown("shell", shell, SHELLS)
    import shtab

    names = _names()
    for action in _actions(parser):
        if action.dest in names:
            action.choices = names[action.dest]
        elif action.nargs != 0 and action.dest in (*_FILES, *_FOLDERS):
            action.complete = shtab.DIRECTORY if action.dest in _FOLDERS else shtab.FILE
    return shtab.complete(parser, shell)


def _names() -> dict[str, list[str]]:
    """What an argument can be, by its destination."""
    panels = [panel.name for notebook in EXPERIMENTS for panel in EXPERIMENTS[notebook].PANELS]
    return {
        "notebooks": [path.stem for path in find_notebooks()],
        "preset": list(PRESETS),
        "format": list(FORMATS),
        "panel": sorted(set(panels)),
        "name": list(ARCHIVES),
        "shell": list(SHELLS),
    }


def _actions(parser: argparse.ArgumentParser) -> Iterator[argparse.Action]:
    """Of a parser and of its subcommands."""
    for action in parser._actions:
        yield action
        if isinstance(action, argparse._SubParsersAction):
            for below in action.choices.values():
                yield from _actions(below)
