"""The notebooks as programs: which there are, their parameters, and the values that a command line gives them. Runs none."""

import ast
import json
import textwrap
from collections.abc import Iterable
from pathlib import Path

import pandas as pd

from bnrepro.config.validation import check_type
from bnrepro.errors import UserError, unknown
from bnrepro.records import workspace

SHARED = ("preset", "output_root")
"""Parameters of every notebook, which the command line also has options for."""

_KINDS = {"int": int, "float": float, "str": str, "bool": bool}
"""Types that a parameter is declared with. Any other, or none, leaves it to the default what it may be."""

_LOWEST = {int: "is at least 1", float: "is above 0", str: "is not empty"}


def find_notebooks(names: Iterable[str] = ()) -> list[Path]:
    """The notebooks by number (`01`), name (`01_training_speed`) or path, each once; all of them where none is named.

    Raises:
        UserError: A name of no notebook.
    """
    known = {path.stem: path for path in sorted(workspace.NOTEBOOKS.glob("*.ipynb"))}
    if not known:
        raise UserError(
            f"notebooks lie in the checkout: {workspace.NOTEBOOKS} has none; `pip install -e .` in a checkout"
        )
    return list(dict.fromkeys(_find(name, known) for name in names)) or list(known.values())


def _find(name: str, known: dict[str, Path]) -> Path:
    path = Path(name)
    if path.suffix == ".ipynb" and path.is_file():
        return path.resolve()
    stem = name.removesuffix(".ipynb")
    for candidate in known:
        if stem in (candidate, candidate.split("_")[0]):
            return known[candidate]
    raise unknown("notebook", name, known)


def parameters(notebook: Path) -> pd.DataFrame:
    """What a notebook can be given: `name`, `type`, `default` (a value, not text), `help`. Only its cell `parameters` says it.

    Raises:
        UserError: A file that is no notebook, or one without a cell tagged `parameters`.
    """
    import papermill
    from nbformat import ValidationError
    from papermill.iorw import load_notebook_node

    try:
        # Not by its path, in which papermill would fill in what stands between braces.
        found = papermill.inspect_notebook(load_notebook_node(str(notebook))).values()
    except (ValidationError, OSError, AttributeError, KeyError, TypeError, ValueError) as error:
        why = textwrap.shorten(str(error), 200)
        raise UserError(
            f"a notebook is JSON of the notebook format 4: {notebook} is not ({why}); name another"
        ) from error
    rows = [(item["name"], item["inferred_type_name"], _literal(item["default"]), item["help"]) for item in found]
    if not rows:
        raise UserError(
            f"a notebook has a cell tagged `parameters`: {notebook} has none; add one with preset and output_root"
        )
    return pd.DataFrame(rows, columns=["name", "type", "default", "help"], dtype=object)


class _Expression(str):
    """A text that is no literal: what it is worth, only running it would tell."""


def _literal(text: str):
    try:
        return ast.literal_eval(text)
    except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError):
        return _Expression(text)


def parse(assignments: Iterable[str], tables: Iterable[pd.DataFrame]) -> dict:
    """The values of `NAME=VALUE` words, each of the type that the chosen notebooks declare for it.

    Args:
        assignments: The words, as typed.
        tables: The parameters of each chosen notebook; a name has to occur in one of them. One that is declared without a
            type takes values like its default.

    Raises:
        UserError: No such parameter, or a value of another type. In a notebook 0 or empty means the preset's value; a 0
            that somebody typed is refused.
    """
    known = {}
    for row in pd.concat(tables).itertuples(index=False, name="Parameter"):
        known.setdefault(row.name, []).append(row)
    values = {}
    for assignment in assignments:
        name, equals, text = assignment.partition("=")
        if not equals:
            raise UserError(f"a parameter is given as NAME=VALUE: got {assignment!r}; write -p {assignment}=VALUE")
        if name not in known:
            raise unknown("parameter", name, known)
        value, *others = [_value(row, text) for row in known[name]]
        if any((type(other), other) != (type(value), value) for other in others):
            raise UserError(f"{name} is of one type in a batch: got {text!r} for several; run the notebooks one by one")
        values[name] = value
    return values


def _value(parameter, text: str):
    """The value that `text` is for one notebook's parameter."""
    name, default, kind = parameter.name, parameter.default, _KINDS.get(parameter.type)
    if kind is None:
        return _like(name, default, text)
    value = check_type(name, _as(kind, text), kind)
    if kind in _LOWEST and name not in SHARED and not value and not default:
        raise UserError(f"{name} {_LOWEST[kind]}: got {text or repr(text)}; leave it out for the preset's value")
    return value


def _like(name: str, default, text: str):
    """The text as a value of the default's kind, for what is declared without a type or with one of its own."""
    if isinstance(default, str) and not isinstance(default, _Expression):
        return text
    if isinstance(default, bool):
        return check_type(name, _as(bool, text), bool)
    value = _literal(text)
    if isinstance(default, int | float):
        return value if type(value) is int else check_type(name, value, float)
    if isinstance(value, tuple):
        value = list(value)
    elif isinstance(value, _Expression):
        value = _as(bool, text)
    wanted = object if default is None or isinstance(default, _Expression) else type(default)
    if not _is_json(value) or not isinstance(value, list if wanted is tuple else wanted):
        raise UserError(f"{name} is written as {default!r} is: got {text!r}; change {name}")
    return value


def _is_json(value) -> bool:
    """Whether it arrives in a notebook as it is."""
    try:
        return json.loads(json.dumps(value, allow_nan=False)) == value
    except (TypeError, ValueError, RecursionError):
        return False


def _as(kind: type, text: str):
    """The text as `kind` where it reads as such, else the text, which `check_type` then refuses."""
    if kind is bool:
        return {"true": True, "false": False}.get(text.lower(), text)
    try:
        return kind(text)
    except ValueError:
        return text
