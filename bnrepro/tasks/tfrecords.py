"""Images in TFRecords, as ImageNet is usually packed: where each record lies, so that any can be read alone. Knows no crop."""

import re
import struct
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np

from bnrepro.errors import UserError
from bnrepro.records.machine import cores

IMAGE, LABEL = "image/encoded", "image/class/label"
"""Features of a record: the bytes of a JPEG, and its class from 1 on, for 0 is the background in the usual files."""

_NAME = re.compile(r"(train|validation)-(\d+)-of-(\d+)")

_HEADER, _AROUND = 8, 16  # bytes: a length before each record; it, its checksum, and that of the record behind


class Records:
    """One split. Checksums are not compared.

    Args:
        files: In their order.
        classes: How many there are.

    Raises:
        UserError: A file that ends within a record.
    """

    def __init__(self, files: list[Path], classes: int):
        self._files, self._classes = files, classes
        with ThreadPoolExecutor(cores()) as threads:
            found = list(threads.map(_places, files))
        self._file = np.repeat(np.arange(len(files), dtype=np.int32), [len(places) for places in found])
        self._places = np.concatenate(found)

    def __len__(self) -> int:
        return len(self._file)

    def reader(self):
        """A function from a place to the bytes of an image and its label, for `tf.data`."""
        import tensorflow as tf

        wanted = {IMAGE: tf.io.FixedLenFeature([], tf.string), LABEL: tf.io.FixedLenFeature([], tf.int64)}

        def read(row):
            record = tf.ensure_shape(tf.numpy_function(self._record, [row], tf.string), ())
            found = tf.io.parse_single_example(record, wanted)
            label = tf.cast(found[LABEL], tf.int32)
            inside = (label > 0) & (label <= self._classes)
            if tf.executing_eagerly() and not inside:
                words = f"{LABEL} is from 1 to {self._classes}: got {int(label)}"
                raise tf.errors.InvalidArgumentError(None, None, words)
            with tf.control_dependencies([tf.debugging.Assert(inside, [LABEL, label])]):
                return found[IMAGE], label - 1

        return read

    def name(self, row: int) -> str:
        """What an image is called in a message."""
        return f"record {row - int(np.searchsorted(self._file, self._file[row]))} of {self._files[self._file[row]]}"

    def _record(self, row: np.ndarray) -> bytes:
        start, length = self._places[row]
        with open(self._files[self._file[row]], "rb") as file:
            file.seek(start)
            return file.read(length)


def records_in(folder: Path) -> list[list[Path]]:
    """The files of training and of validation, each in the order of their names; empty where there are none."""
    paths = sorted(folder.glob("*-of-*"))
    named = [(match[1], path) for path in paths if (match := _NAME.fullmatch(path.name))]
    return [[path for split, path in named if split == wanted] for wanted in ("train", "validation")]


def check_shards(files: list[Path]) -> None:
    """Checks that the files of a split are number 0 to N - 1 of one N.

    Raises:
        UserError: One is missing, or they are of two sets.
    """
    names = {path.name for path in files}
    split, number, of = _NAME.fullmatch(files[0].name).groups()
    for one in range(int(of)):
        wanted = f"{split}-{one:0{len(number)}}-of-{of}"
        if wanted not in names:
            raise UserError(f"TFRecords are read with none missing: {files[0].parent} has no {wanted}; copy it there")
        names.remove(wanted)
    if names:
        raise UserError(
            f"the TFRecords of a split are of one set: {files[0].parent} has {files[0].name} and {min(names)}; "
            "remove those of the other"
        )


def _places(path: Path) -> np.ndarray:
    """Where the records of a file begin, and their bytes: `(records, 2)`."""
    places, place, size = [], 0, path.stat().st_size
    with open(path, "rb", buffering=0) as file:
        while place < size:
            file.seek(place)
            header = file.read(_HEADER)
            length = struct.unpack("<Q", header)[0] if len(header) == _HEADER else size
            if place + _AROUND + length > size:
                raise UserError(
                    f"a TFRecord file ends with a whole record: {path} ends within record {len(places)}, at byte {size}; "
                    "copy it again"
                )
            places.append((place + _HEADER + 4, length))
            place += _AROUND + length
    return np.array(places, np.int64).reshape(-1, 2)
