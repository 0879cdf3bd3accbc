"""Runs that are under way, kept so that those that are killed go on: a file a group of runs, whole or not at all.

A file is the sha256 of what follows, then an archive of arrays, one of which is JSON: nothing is executed to read it. Knows no
Keras, and not what a state is made of.
"""

import contextlib
import hashlib
import io
import json
import zipfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from bnrepro.config.run_config import RunConfig
from bnrepro.errors import RecordError, UserError
from bnrepro.records.drafts import write_whole
from bnrepro.records.schemas import RECORD_VERSION

_TREE, _ARRAY = "tree", "numpy.ndarray"
"""The array that is JSON; what stands there in place of another one, with its number, which is its name in the archive."""


class Kept(NamedTuple):
    """A state that was kept, of a group with the runs that were asked for, and their places in that group."""

    state: dict[str, Any]
    places: list[int]


@dataclass(frozen=True)
class Checkpoints:
    """Where the state of runs that are under way is kept, and how often.

    Attributes:
        records: The folder of the records; states lie in its folder `.checkpoints`, each under the name of its first run.
        seconds: From one to the next. A kill costs what was trained since, so a minute, and the steps between two evaluations.
    """

    records: Path
    seconds: float = 60.0

    def write(self, configs: Iterable[RunConfig], made_with: dict[str, str], state: dict[str, Any]) -> None:
        """Keeps the state of a group of runs in place of an earlier one.

        Args:
            configs: The runs.
            made_with: What its bits depend on besides.
            state: JSON, in which NumPy arrays may stand too.

        Raises:
            UserError: Something else stands in it.
        """
        configs = list(configs)
        about = {"version": RECORD_VERSION, "made_with": made_with, "configs": [one.as_dict() for one in configs]}
        content = _packed({**about, "state": state})
        write_whole(self._file(configs[0]), hashlib.sha256(content).digest() + content)

    def read(self, configs: Iterable[RunConfig], made_with: dict[str, str]) -> Kept | None:
        """The last state of a group that had these runs; None where there is none.

        Raises:
            RecordError: It is damaged, of other runs, or was made with something else, so that other bits would follow.
        """
        configs = list(configs)
        file = self._file(configs[0])
        try:
            content = file.read_bytes()
        except FileNotFoundError:
            return None
        except OSError as error:
            raise RecordError(f"the checkpoint {file} cannot be read ({error.strerror})") from error
        if hashlib.sha256(content[32:]).digest() != content[:32]:
            raise RecordError(f"the checkpoint {file} is damaged")
        try:
            tree = _unpacked(content[32:])
            differs = _difference(tree, made_with)
            if differs:
                raise RecordError(f"the checkpoint {file} was made with {differs}")
            return Kept(tree["state"], [tree["configs"].index(config.as_dict()) for config in configs])
        except (ValueError, KeyError, TypeError, zipfile.BadZipFile) as error:
            raise RecordError(f"the checkpoint {file} is of other runs or of another layout") from error

    def remove(self, config: RunConfig) -> None:
        """Removes the state of the group whose first run this is, and what a kill left of one that was being written."""
        folder = self._file(config).parent
        with contextlib.suppress(OSError):
            for path in folder.iterdir():
                if path.name == config.id or path.name.startswith(f".{config.id}."):
                    path.unlink()

    def _file(self, config: RunConfig) -> Path:
        return self.records / ".checkpoints" / config.id


def _difference(tree: dict[str, Any], made_with: dict[str, str]) -> str:
    """In what a state was made otherwise; empty where in nothing."""
    if tree["version"] != RECORD_VERSION:
        return f"version {tree['version']} of the records, this is version {RECORD_VERSION}"
    then = tree["made_with"]
    names = [name for name in {**made_with, **then} if then.get(name) != made_with.get(name)]
    return "; ".join(f"{name} {then.get(name)}, here is {made_with.get(name)}" for name in names)


def _packed(tree: dict[str, Any]) -> bytes:
    arrays = []

    def reference(value: Any) -> Any:
        if isinstance(value, np.generic):
            return value.item()
        if not isinstance(value, np.ndarray) or value.dtype.hasobject:
            raise UserError(f"a state is of numbers, words and arrays: got {type(value).__name__}; keep something else")
        arrays.append(value)
        return {_ARRAY: len(arrays) - 1}

    words = np.frombuffer(json.dumps(tree, default=reference).encode(), np.uint8)
    archive = io.BytesIO()
    np.savez(archive, **{_TREE: words}, **{str(number): array for number, array in enumerate(arrays)})
    return archive.getvalue()


def _unpacked(content: bytes) -> dict[str, Any]:
    with np.load(io.BytesIO(content), allow_pickle=False) as archive:

        def found(value: dict) -> Any:
            return archive[str(value[_ARRAY])] if value.keys() == {_ARRAY} else value

        return json.loads(archive[_TREE].tobytes(), object_hook=found)
