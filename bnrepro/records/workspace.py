"""The only place where a path is spelled: the checkout's rooms, the cache, where a preset's output goes, and where none may."""

import json
import os
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from bnrepro.config.validation import check_preset, check_type
from bnrepro.errors import UserError

CHECKOUT = Path(__file__).resolve().parents[2]
DATA = CHECKOUT / "data"
NOTEBOOKS = CHECKOUT / "notebooks"


def _cache() -> Path:
    """Where fetched data go. Somebody who has no home, as in many a container, has them among the temporary files."""
    if own := os.environ.get("BNREPRO_CACHE"):
        return Path(os.path.expanduser(own))
    caches = os.path.expanduser(os.environ.get("XDG_CACHE_HOME") or "~/.cache")
    return Path(tempfile.gettempdir() if caches.startswith("~") else caches, "bnrepro")


CACHE = _cache()

COMMITTED = (
    *("bnrepro", "tests", "data", "figures", "notebooks", "docs"),
    *(".ci", ".git", ".gitignore", ".pre-commit-config.yaml", "pyproject.toml", "requirements.lock", "environment.yml"),
    *("Makefile", "README.md", "CONTRIBUTING.md", "CHANGELOG.md", "CITATION.cff", "LICENSE"),
)
"""What lies in the checkout and in git. `data/runs` and `notebooks/executed` are the two rooms within it that git ignores."""


@dataclass(frozen=True)
class Workspace:
    """Where one preset reads and writes.

    Args:
        preset: `smoke`, `quick` or `paper`.
        output_root: A folder that takes everything that is written; empty means this checkout.
        changed: Whether a parameter differs from the preset's. Such a run never writes the committed rooms.

    Only the unchanged paper preset in the checkout writes the committed rooms `data/results` and `figures`; all else
    goes below `data/runs` and `notebooks/executed`, which git ignores, or below `output_root`.
    """

    preset: str = "quick"
    output_root: str | os.PathLike = ""
    changed: bool = False

    def __post_init__(self):
        check_preset(self.preset)
        check_type("changed", self.changed, bool)

    @property
    def label(self) -> str:
        """The preset's name, marked where a parameter was changed."""
        return f"{self.preset}-changed" if self.changed else self.preset

    @property
    def root(self) -> Path | None:
        """The output folder, whole; None means this checkout."""
        return whole_path(self.output_root) if str(self.output_root) else None

    @property
    def _base(self) -> Path:
        return self.root or DATA / "runs" / self.label

    @property
    def is_record(self) -> bool:
        """Whether this workspace writes the committed rooms."""
        return self.root is None and self.label == "paper"

    @property
    def runs(self) -> Path:
        """The cache of finished runs, shared by all presets: a run is a pure function of its config."""
        return self.root / "runs" if self.root else DATA / "runs" / "cache"

    @property
    def results(self) -> Path:
        """The tables, a folder a notebook."""
        return DATA / "results" if self.is_record else self._base / "results"

    @property
    def figures(self) -> Path:
        """The figures, a file a sheet."""
        return CHECKOUT / "figures" if self.is_record else self._base / "figures"

    @property
    def executed(self) -> Path:
        """The executed notebooks and their logs."""
        return self.root / "notebooks" if self.root else NOTEBOOKS / "executed" / self.label

    @property
    def cells(self) -> Path:
        """Of a grid of parameters the outputs, a folder a cell, and one table of all."""
        return self.root or self._base / "cells"

    @property
    def report(self) -> Path:
        """The HTML page: beside the executed notebooks, or at the top of `output_root`."""
        return self.executed.parent / "report.html" if self.root else self.executed / "report.html"

    def check_spares(self, notebooks: Iterable[Path] = ()) -> "Workspace":
        """Raises `UserError` where output would go into a committed room or over a notebook; writes nothing.

        Args:
            notebooks: Those that a batch reads. None of them may lie where it writes, nor may an executed one take the
                place of a notebook that is no output itself, so is somebody's source.
        """
        notebooks = list(notebooks)
        folders = {self.runs, self.results, self.figures, self.executed}
        for target in {*folders, self.report} - ({self.results, self.figures} if self.is_record else set()):
            check_not_committed(target)
        written, read = {_identity(folder) for folder in folders}, {_identity(notebook) for notebook in notebooks}
        for notebook in notebooks:
            if written & {_identity(folder) for folder in notebook.parents}:
                raise _spared(f"a notebook that is read lies elsewhere than the output: {notebook} is among it")
            for ending in ("ipynb", "failed.ipynb"):
                target = self.executed / f"{notebook.stem}.{ending}"
                if target.exists() and (_identity(target) in read or not is_executed(target)):
                    raise _spared(f"an executed notebook replaces none but an executed one: {target} is a source")
        return self

    def check_writable(self) -> "Workspace":
        """Raises `UserError` where nothing can or may be written; writes nothing."""
        self.check_spares()
        check_can_be_written(self.root or DATA / "runs", "choose another with --output or output_root")
        return self


def whole_path(path: str | os.PathLike) -> Path:
    """A path from the root, `~` and links followed; `UserError` where that leads nowhere."""
    try:
        return Path(path).expanduser().resolve()
    except (RuntimeError, OSError, TypeError, ValueError) as error:
        raise UserError(f"a place for output is a path: got {str(path)!r} ({error}); name another") from error


def check_can_be_written(folder: Path, remedy: str = "name another") -> None:
    """Raises `UserError` where no file can be written in a folder, or none can be made where it is missing. Makes none."""
    try:
        nearest = next(path for path in (folder, *folder.parents) if path.exists())
        with tempfile.TemporaryFile(dir=nearest):
            pass
    except OSError as error:
        raise UserError(
            f"output goes to a folder that can be written: {folder} cannot be ({error.strerror}); {remedy}"
        ) from error


def check_not_committed(path: Path) -> None:
    """Raises `UserError` for what is, or lies in, a committed room, under whatever name the system knows it by."""
    committed = {_identity(CHECKOUT / name): name for name in COMMITTED}
    ignored = {_identity(room) for room in (DATA / "runs", NOTEBOOKS / "executed") if room.resolve() == room}
    path = whole_path(path)
    for identity in map(_identity, (path, *path.parents)):
        if identity in committed:
            raise _spared(
                f"only the unchanged paper preset writes what is committed: {path} is in {CHECKOUT / committed[identity]}"
            )
        if identity in ignored:
            return


def _spared(what: str) -> UserError:
    return UserError(f"{what}; choose another place with --output or output_root")


def _identity(path: Path) -> tuple[int, int] | Path:
    """The same for two names of one file or folder, be they links or spelled in another case."""
    try:
        status = path.stat()
    except (OSError, ValueError):
        return path
    return status.st_dev, status.st_ino


def is_executed(notebook: Path) -> bool:
    """Whether papermill wrote it, which no source is by."""
    try:
        return "papermill" in json.loads(notebook.read_bytes())["metadata"]
    except (OSError, ValueError, KeyError, TypeError):
        return False
