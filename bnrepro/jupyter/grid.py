"""Every combination of some parameters' values as one batch: each has an output of its own, and all share their records.

Checks a grid whole before any of it is done; trains nothing, executes nothing.
"""

import contextlib
import functools
import itertools
import os
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bnrepro.errors import UserError
from bnrepro.execution.by_name import LOCAL
from bnrepro.jupyter import parameters
from bnrepro.jupyter.plan import Plan, chosen, joined, make_plan
from bnrepro.records.workspace import Workspace
from bnrepro.report.cells import COLUMNS

_OF_ALL = ("preset", "output_root", "changed")
"""Parameters that are the same in all cells: they say where these are."""


@dataclass(frozen=True)
class Grid:
    """A batch of cells.

    Attributes:
        folder: Below which the cells are.
        cells: By name, as `learning_rate=0.05,seeds=8`, what is done for one combination of values.
        values: By name those values.
        plan: The training of all cells, each run once, and no notebook.
    """

    folder: Path
    cells: dict[str, Plan]
    values: dict[str, dict[str, Any]]
    plan: Plan

    @property
    def table(self) -> Path:
        """The file of the table of all cells."""
        return self.folder / "grid.csv"

    def open(self) -> None:
        """Makes the folder of each cell, an output like any other but that its `runs` leads to the records that all share."""
        records = self.plan.workspace.runs
        records.mkdir(parents=True, exist_ok=True)
        for cell in self.cells.values():
            link = cell.workspace.runs
            link.parent.mkdir(parents=True, exist_ok=True)
            with contextlib.suppress(FileExistsError):
                link.symlink_to(os.path.relpath(records.resolve(), link.parent.resolve()), target_is_directory=True)


def make_grid(
    words: Iterable[str],
    names: Iterable[str] = (),
    preset: str | None = None,
    assignments: Iterable[str] = (),
    output: str | None = None,
    jobs: int | None = None,
    every: bool = False,
    executor: str = LOCAL,
) -> Grid:
    """Checks what was asked for, every cell of it, and writes nothing.

    Args:
        words: Axes as `NAME=VALUE,VALUE`: a cell is one value of each.
        names: As of `make_plan`, and so all the others.
        preset: Of all cells.
        assignments: Of all cells.
        output: The folder below which the cells are; by default one of this checkout.
        jobs: Processes at once.
        every: In place of names, every notebook.
        executor: Where to train.

    Raises:
        UserError: Something in it is wrong; one line says what.
    """
    names, assignments = list(names), list(assignments)
    axes = _axes(words, assignments, chosen(names, every))
    given = dict(word.partition("=")[::2] for word in assignments)
    workspace = Workspace(given.get("preset", "quick") if preset is None else preset, output or "", changed=True)
    cells, values = {}, {}
    for texts in itertools.product(*axes.values()):
        cell = {axis: axes[axis][text] for axis, text in zip(axes, texts)}
        name = ",".join(f"{axis}={_quoted(value)}" for axis, value in cell.items())
        own = [*assignments, *(f"{axis}={text}" for axis, text in zip(axes, texts))]
        cells[name] = make_plan(names, preset, own, str(workspace.cells / name), jobs, every, executor, name)
        values[name] = cell
        _check_shared(cells[name].workspace.runs, workspace.runs)
    plans = list(cells.values())
    sweeps = {
        notebook: functools.partial(joined, [plan.sweeps[notebook] for plan in plans]) for notebook in plans[0].sweeps
    }
    one = plans[0]
    plan = Plan({}, sweeps, workspace, one.jobs, one.still_seconds, one.times_first_round, executor)
    return Grid(workspace.cells, cells, values, plan)


def _axes(words: Iterable[str], assignments: list[str], notebooks: list[Path]) -> dict[str, dict[str, Any]]:
    """By parameter its values, each by the text that was typed."""
    known = [parameters.parameters(notebook) for notebook in notebooks]
    given = {word.partition("=")[0] for word in assignments}
    if "output_root" in given:
        raise UserError("the folder of a grid is given with --output: got -p output_root; write --output")
    axes = {}
    for word in words:
        name, equals, texts = word.partition("=")
        if not equals:
            raise UserError(f"a grid is given as NAME=VALUE,VALUE: got {word!r}; write --grid {word}=VALUE,VALUE")
        if name in _OF_ALL:
            raise UserError(f"the cells of a grid have one {name}: got --grid {word}; take {name} out of the grid")
        if name in COLUMNS:
            raise UserError(f"a column of a grid's table has a name of its own: {name} is one of ours; rename it")
        if name in given or name in axes:
            raise UserError(f"a parameter is given once: got {name} twice; leave one of them out")
        axes[name] = _values(name, texts, known)
    return axes


def _values(name: str, texts: str, known: list[list[parameters.Parameter]]) -> dict[str, Any]:
    """The values of one parameter by their texts, each once."""
    values = {}
    for text in texts.split(","):
        if not text:
            raise UserError(f"a grid has no empty value: got --grid {name}={texts}; write {name}=VALUE,VALUE")
        values |= {text: parameters.parse([f"{name}={text}"], known)[name]}
    folders = {_quoted(value).casefold() for value in values.values()}  # where case does not count, they are one
    if len(folders) < len(texts.split(",")):
        raise UserError(
            f"each value of a grid stands there once: got --grid {name}={texts}; leave out what is there twice"
        )
    return values


def _quoted(value: Any) -> str:
    """A value as part of a folder's name."""
    return re.sub(r"[/\\%,\0]", lambda sign: f"%{ord(sign[0]):02X}", str(value))


def _check_shared(link: Path, records: Path) -> None:
    """Raises `UserError` where a cell has records that are not those of all."""
    if (link.exists() or link.is_symlink()) and link.resolve() != records.resolve():
        raise UserError(f"the cells of a grid share their records: {link} is not {records}; choose another --output")
