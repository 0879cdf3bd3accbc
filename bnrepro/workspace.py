"""The only place where a path is spelled: the checkout's rooms, the cache, and where a preset's output goes."""

import os
import tempfile
from dataclasses import dataclass
from pathlib import Path

from bnrepro.config import check_preset
from bnrepro.errors import UserError

CHECKOUT = Path(__file__).resolve().parent.parent
DATA = CHECKOUT / "data"
NOTEBOOKS = CHECKOUT / "notebooks"
CACHE = Path(
    os.environ.get("BNREPRO_CACHE") or Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "bnrepro"
)


@dataclass(frozen=True)
class Workspace:
    """Where one preset reads and writes.

    Args:
        preset: `smoke`, `quick` or `paper`.
        output_root: A folder that takes everything that is written; empty means this checkout.
        changed: Whether a parameter differs from the preset's. Such a run never writes the committed rooms.

    Only the unchanged paper preset in the checkout writes the committed rooms `data/results` and `figures`; all else
    goes below `data/runs` and `notebooks/executed`, which git ignores.
    """

    preset: str = "quick"
    output_root: str | os.PathLike = ""
    changed: bool = False

    def __post_init__(self):
        check_preset(self.preset)

    @property
    def label(self) -> str:
        """The preset's name, marked where a parameter was changed."""
        return f"{self.preset}-changed" if self.changed else self.preset

    @property
    def _root(self) -> Path | None:
        return Path(self.output_root).expanduser().resolve() if str(self.output_root) else None

    @property
    def _base(self) -> Path:
        return self._root or DATA / "runs" / self.label

    @property
    def is_record(self) -> bool:
        """Whether this workspace writes the committed rooms."""
        return self._root is None and self.label == "paper"

    @property
    def runs(self) -> Path:
        """The cache of finished runs, shared by all presets: a run is a pure function of its config."""
        return self._root / "runs" if self._root else DATA / "runs" / "cache"

    @property
    def results(self) -> Path:
        """The tables, a folder a notebook."""
        return DATA / "results" if self.is_record else self._base / "results"

    @property
    def figures(self) -> Path:
        """The figures, three files a notebook."""
        return CHECKOUT / "figures" if self.is_record else self._base / "figures"

    @property
    def executed(self) -> Path:
        """The executed notebooks and their logs."""
        return self._root / "notebooks" if self._root else NOTEBOOKS / "executed" / self.label

    @property
    def report(self) -> Path:
        """The HTML page: beside the executed notebooks, or at the top of `output_root`."""
        return self.executed.parent / "report.html" if self._root else self.executed / "report.html"

    def check_writable(self) -> "Workspace":
        """Makes the output folder, or raises `UserError` where nothing can be written there."""
        folder = self._root or DATA / "runs"
        try:
            folder.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryFile(dir=folder):
                pass
        except OSError as error:
            raise UserError(
                f"output goes to a folder that can be written: {folder} cannot ({error.strerror}); "
                "choose another with --output or output_root"
            ) from error
        return self
