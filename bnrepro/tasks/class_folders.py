"""Images in files, a folder a class, as ImageNet is unpacked: their paths and labels. Knows no crop, no mini-batch, no model."""

import os
from pathlib import Path

import numpy as np

from bnrepro.errors import UserError

ENDINGS = (".jpeg", ".jpg", ".png")

LABELS_OF_VAL = "imagenet_2012_validation_synset_labels.txt"
"""Beside a flat `val`: the name of the class of each file, a line a file, in the order of their names."""


class FilesByClass:
    """One split.

    Args:
        paths: Of the images.
        labels: int32, from 0, in their order.
    """

    def __init__(self, paths: list[str], labels: np.ndarray):
        self._paths, self._labels = np.array(paths, object), labels

    def __len__(self) -> int:
        return len(self._labels)

    def reader(self):
        """A function from a place to the bytes of an image and its label, for `tf.data`."""
        import tensorflow as tf

        paths, labels = tf.constant(self._paths), tf.constant(self._labels)
        return lambda row: (tf.io.read_file(tf.gather(paths, row)), tf.gather(labels, row))

    def name(self, row: int) -> str:
        """What an image is called in a message."""
        return self._paths[row]


def classes_in(folder: Path) -> list[str]:
    """The names of the classes in their order: the folders below `folder/train`."""
    with os.scandir(folder / "train") as entries:
        return sorted(entry.name for entry in entries if entry.is_dir())


def files_by_class(folder: Path) -> tuple[FilesByClass, FilesByClass]:
    """The training and the validation images; classes are numbered in the order of their names.

    Args:
        folder: Has `train/CLASS/*.JPEG`, and `val/CLASS/*.JPEG` or `val/*.JPEG` with `LABELS_OF_VAL` beside `val`.

    Raises:
        UserError: A class without an image, or a flat `val` whose classes are not told.
    """
    names = classes_in(folder)
    with os.scandir(folder / "val") as entries:
        flat = any(map(_is_image, entries))
    return _split(folder / "train", names), _flat(folder, names) if flat else _split(folder / "val", names)


def _split(folder: Path, names: list[str]) -> FilesByClass:
    paths, labels = [], []
    for label, name in enumerate(names):
        own = images_in(folder / name) if (folder / name).is_dir() else []
        if not own:
            raise UserError(
                f"a class has an image or more in train and in val: {folder / name} has none; unpack it again"
            )
        paths += own
        labels += [label] * len(own)
    return FilesByClass(paths, np.array(labels, np.int32))


def _flat(folder: Path, names: list[str]) -> FilesByClass:
    paths, told = images_in(folder / "val"), folder / LABELS_OF_VAL
    lines = told.read_text().split() if told.is_file() else []
    strange = sorted(set(lines) - set(names))
    if strange or len(lines) != len(paths):
        came = f"{strange[0]}, no folder of train" if strange else f"{len(lines)} lines for {len(paths)} images"
        raise UserError(
            f"images in val itself need the name of the class of each, a line an image, in {told}: got {came}; put the file "
            "there, or the images into a folder a class"
        )
    return FilesByClass(paths, np.array([names.index(line) for line in lines], np.int32))


def images_in(folder: Path) -> list[str]:
    """The paths of the images in a folder itself, in the order of their names."""
    with os.scandir(folder) as entries:
        return sorted(entry.path for entry in entries if _is_image(entry))


def _is_image(entry: os.DirEntry) -> bool:
    return entry.name.lower().endswith(ENDINGS) and entry.is_file()
