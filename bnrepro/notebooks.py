"""The notebooks as programs: which there are, their parameters, and the values that a command line gives them. Runs none."""

import ast
import textwrap
from collections.abc import Iterable
from pathlib import Path

import pandas as pd

from bnrepro import workspace
from bnrepro.config import check_type
from bnrepro.errors import UserError, unknown

SHARED = ("preset", "output_root")
"""Parameters of every notebook, which the command line also has options for."""

_KINDS = {"int": int, "float": float, "str": str, "bool": bool}
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

    try:
        found = papermill.inspect_notebook(str(notebook)).values()
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


def _literal(text: str):
    try:
        return ast.literal_eval(text)
    except (ValueError, SyntaxError):
        return text


def parse(assignments: Iterable[str], tables: Iterable[pd.DataFrame]) -> dict:
    """The values of `NAME=VALUE` words, each of the type that the chosen notebooks declare for it.

    Args:
        assignments: The words, as typed.
        tables: The parameters of each chosen notebook; a name has to occur in one of them.

    Raises:
        UserError: No such parameter, or a value of another type. In a notebook 0 or empty means the preset's value; a 0
            that somebody typed is refused.
    """
    known = {row.name: row for row in pd.concat(tables).itertuples(index=False, name="Parameter")}
    values = {}
    for assignment in assignments:
        name, equals, text = assignment.partition("=")
        if not equals:
            raise UserError(f"a parameter is given as NAME=VALUE: got {assignment!r}; write -p {assignment}=VALUE")
        if name not in known:
            raise unknown("parameter", name, known)
        kind = _KINDS.get(known[name].type, str)
        value = check_type(name, _as(kind, text), kind)
        if kind in _LOWEST and name not in SHARED and not value and not known[name].default:
            raise UserError(f"{name} {_LOWEST[kind]}: got {text or repr(text)}; leave it out for the preset's value")
        values[name] = value
    return values


def _as(kind: type, text: str):
    """The text as `kind` where it reads as such, else the text, which `check_type` then refuses."""
    if kind is bool:
        return {"true": True, "false": False}.get(text.lower(), text)
    try:
        return kind(text)
    except ValueError:
        return text
