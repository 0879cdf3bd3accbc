"""The notebooks as programs: which there are, their parameters, and the values that a command line gives them. Runs none."""

import ast
import io
import itertools
import json
import textwrap
import tokenize
from collections.abc import Iterable
from pathlib import Path
from typing import Any, NamedTuple

from bnrepro.config.validation import check_type
from bnrepro.errors import UserError, unknown
from bnrepro.jupyter.loading import load_nbformat
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


class Parameter(NamedTuple):
    """What a notebook can be given.

    Attributes:
        name: Its name.
        type: As it is declared, `int`; empty where it is not.
        default: A value, not text.
        help: The comment behind it.
    """

    name: str
    type: str
    default: Any
    help: str


def parameters(notebook: Path) -> list[Parameter]:
    """What a notebook can be given. Only its cell `parameters` says it, each assignment of it one.

    Raises:
        UserError: A file that is no notebook, or one without a cell tagged `parameters`.
    """
    try:
        content = json.loads(notebook.read_bytes())
        cells = [cell for cell in content["cells"] if "parameters" in cell["metadata"].get("tags", ())]
        found = _assignments("".join(cells[0]["source"])) if cells else []
    except (OSError, AttributeError, KeyError, TypeError, ValueError, SyntaxError, RecursionError) as error:
        raise _no_notebook(notebook, error) from error
    if not found:
        raise UserError(
            f"a notebook has a cell tagged `parameters`: {notebook} has none; add one with preset and output_root"
        )
    return found


def check_format(notebook: Path) -> None:
    """Raises `UserError` for a notebook that its format does not allow, and that nothing could execute."""
    nbformat = load_nbformat()
    try:
        nbformat.validate(json.loads(notebook.read_bytes()))
    except (nbformat.ValidationError, OSError, AttributeError, KeyError, TypeError, ValueError) as error:
        raise _no_notebook(notebook, error) from error


def _no_notebook(notebook: Path, error: Exception) -> UserError:
    why = textwrap.shorten(f"it lacks {error}" if isinstance(error, KeyError) else str(error), 200)
    return UserError(f"a notebook is JSON of the notebook format 4: {notebook} is not ({why}); name another")


def _assignments(source: str) -> list[Parameter]:
    """Each `name: type = value  # help` of a cell, which may go over several lines; of two for one name the last."""
    source = "\n".join("" if line.startswith(("%", "!")) else line for line in source.splitlines())
    tree = ast.parse(source)  # first, for it alone says what is wrong in one line
    tokens = tokenize.generate_tokens(io.StringIO(source).readline)
    comments = {token.start[0]: token.string for token in tokens if token.type == tokenize.COMMENT}
    found = {}
    for node in tree.body:
        targets = node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", None)]
        if len(targets) == 1 and isinstance(targets[0], ast.Name) and node.value is not None:
            kind = ast.unparse(node.annotation).strip("\"'") if isinstance(node, ast.AnnAssign) else ""
            help = comments.get(node.end_lineno, "").lstrip("#").strip()
            name = targets[0].id
            found[name] = Parameter(name, kind, _literal(ast.unparse(node.value)), help)
    return list(found.values())


class _Expression(str):
    """A text that is no literal: what it is worth, only running it would tell."""


def _literal(text: str):
    try:
        return ast.literal_eval(text)
    except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError):
        return _Expression(text)


def parse(assignments: Iterable[str], known: Iterable[list[Parameter]]) -> dict:
    """The values of `NAME=VALUE` words, each of the type that the chosen notebooks declare for it.

    Args:
        assignments: The words, as typed.
        known: The parameters of each chosen notebook; a name has to occur in one of them. One that is declared without a
            type takes values like its default.

    Raises:
        UserError: No such parameter, or a value of another type. In a notebook 0 or empty means the preset's value; a 0
            that somebody typed is refused.
    """
    named: dict[str, list[Parameter]] = {}
    for parameter in itertools.chain(*known):
        named.setdefault(parameter.name, []).append(parameter)
    values = {}
    for assignment in assignments:
        name, equals, text = assignment.partition("=")
        if not equals:
            raise UserError(f"a parameter is given as NAME=VALUE: got {assignment!r}; write -p {assignment}=VALUE")
        if name not in named:
            raise unknown("parameter", name, named)
        value, *others = [_value(parameter, text) for parameter in named[name]]
        if any((type(other), other) != (type(value), value) for other in others):
            raise UserError(f"{name} is of one type in a batch: got {text!r} for several; run the notebooks one by one")
        values[name] = value
    return values


def _value(parameter: Parameter, text: str):
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
