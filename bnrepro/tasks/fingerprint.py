"""What tells one folder of images from another: the names and sizes of its files. Opens no image, knows no path outside it."""

import hashlib
import os
from pathlib import Path

from bnrepro.tasks.class_folders import LABELS_OF_VAL, images_in
from bnrepro.tasks.tfrecords import records_in


def fingerprint(folder: Path) -> str:
    """As `1281167-50000-3f2a9c1b4d`: files for training and for validation, and a digest of their names and sizes.

    It is the same wherever the folder lies. A file that is another one of the same name and size is not told apart. Empty where
    there are no images.

    Args:
        folder: Has what `ImageNet` reads, whole or not.
    """
    splits, told = records_in(folder), b""
    if not all(splits):
        train, val = (folder / split for split in ("train", "val"))
        splits, flat = [_by_class(train), _by_class(val)], _images(val)
        if flat:
            splits[1], labels = flat, folder / LABELS_OF_VAL
            told = labels.read_bytes() if labels.is_file() else b""
    if not any(splits):
        return ""
    digest = hashlib.sha256(told)
    for path in (path for split in splits for path in split):
        digest.update(os.fsencode(f"{os.fspath(path)[len(os.fspath(folder)) :]}\0{os.stat(path).st_size}\n"))
    return "-".join([*(str(len(split)) for split in splits), digest.hexdigest()[:10]])


def _by_class(folder: Path) -> list[str]:
    return [path for each in sorted(folder.glob("*/")) for path in _images(each)]


def _images(folder: Path) -> list[str]:
    return images_in(folder) if folder.is_dir() else []
