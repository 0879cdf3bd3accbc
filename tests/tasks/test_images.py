"""What is loaded: checked files, pixels, splits, controls, and the order of the mini-batches."""

import dataclasses
import hashlib
import itertools
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bnrepro.errors import UserError
from bnrepro.records.drafts import write_whole
from bnrepro.records.workspace import DATA
from bnrepro.tasks import archives
from bnrepro.tasks.archives import list_datasets, verify
from bnrepro.tasks.batch_order import batch_order
from bnrepro.tasks.images import load_dataset

MNIST_CLASSES = [5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949]


def install(monkeypatch, name: str, arrays: dict[str, np.ndarray]):
    """Puts other arrays in a data set's place, their checksum included."""
    content = archives.pack(arrays, compressed=True)
    changed = dataclasses.replace(archives.ARCHIVES[name], sha256=archives.digest(content))
    monkeypatch.setitem(archives.ARCHIVES, name, changed)
    write_whole(changed.path, content)


@pytest.fixture
def numbered(monkeypatch, tmp_path):
    """In place of MNIST 500 training and 60 test images, each with its own number in its first two pixels."""

    def images(count: int) -> np.ndarray:
        pixels = np.zeros((count, 28, 28), np.uint8)
        pixels[:, 0, 0], pixels[:, 0, 1] = np.divmod(np.arange(count), 256)
        return pixels

    monkeypatch.setattr(archives, "DATA", tmp_path)
    labels = (np.arange(500) % 10).astype(np.uint8)
    install(monkeypatch, "mnist", dict(x_train=images(500), y_train=labels, x_test=images(60), y_test=labels[:60]))


def numbers(images: np.ndarray) -> np.ndarray:
    """Which of the numbered images these are."""
    return np.rint(images[:, 0, 0, 0] * 255 * 256 + images[:, 0, 1, 0] * 255).astype(int)


@pytest.fixture
def copied(monkeypatch, tmp_path):
    """A data folder of one's own, to damage."""
    monkeypatch.setattr(archives, "DATA", tmp_path)
    monkeypatch.setattr(archives, "CHECKOUT", tmp_path.parent)
    path = tmp_path / "mnist.npz"
    path.write_bytes((DATA / "mnist.npz").read_bytes())
    return path


def test_mnist_is_the_canonical_set_whole():
    dataset = load_dataset("mnist")
    assert dataset.x_train.shape == (60_000, 28, 28, 1) and dataset.x_test.shape == (10_000, 28, 28, 1)
    assert archives.read("mnist")["x_train"].mean() == pytest.approx(33.318421, abs=1e-6)
    assert np.bincount(dataset.y_train).tolist() == MNIST_CLASSES
    assert np.bincount(dataset.y_test).tolist() == [980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009]
    assert dataset.y_train[:5].tolist() == [5, 0, 4, 1, 9]


def test_fashion_mnist_is_the_canonical_set_whole():
    dataset = load_dataset("fashion_mnist")
    assert archives.read("fashion_mnist")["x_train"].mean() == pytest.approx(72.940352, abs=1e-6)
    assert np.bincount(dataset.y_train).tolist() == [6000] * 10
    assert np.bincount(dataset.y_test).tolist() == [1000] * 10


@pytest.mark.skipif(not archives.ARCHIVES["cifar10"].path.is_file(), reason="run `bnrepro data fetch cifar10` first")
def test_cifar10_is_the_canonical_set_whole():
    dataset = load_dataset("cifar10", pixels="binary")
    assert dataset.input_shape == (32, 32, 3) and len(dataset.x_train) == 50_000
    assert np.bincount(dataset.y_train).tolist() == [5000] * 10
    assert archives.read("cifar10")["x_train"].mean() == pytest.approx(120.707565, abs=1e-6)


def test_images_are_float32_from_0_to_1_and_labels_int32():
    dataset = load_dataset("mnist", train_examples=1000, validation_examples=1000)
    for split in ("train", "validation", "test"):
        images, labels = getattr(dataset, f"x_{split}"), getattr(dataset, f"y_{split}")
        assert (images.dtype, labels.dtype) == (np.float32, np.int32)
        assert (images.min(), images.max()) == (0.0, 1.0)
        assert len(images) == len(labels)
    assert dataset.input_shape == (28, 28, 1) and dataset.outputs == 10


@pytest.mark.parametrize(
    "pixels, expected",
    [("grey", [0, 1 / 255, 127 / 255, 128 / 255, 1]), ("binary", [0, 0, 0, 1, 1]), ("nonzero", [0, 1, 1, 1, 1])],
)
def test_pixels_are_made_grey_or_binary_at_half_intensity_or_above_zero(monkeypatch, tmp_path, pixels, expected):
    monkeypatch.setattr(archives, "DATA", tmp_path)
    images = np.array([0, 1, 127, 128, 255], np.uint8).reshape(1, 1, 5)
    labels = np.zeros(1, np.uint8)
    install(monkeypatch, "mnist", dict(x_train=images, y_train=labels, x_test=images, y_test=labels))
    dataset = load_dataset("mnist", pixels=pixels)
    np.testing.assert_array_equal(dataset.x_train.ravel(), np.float32(expected))
    np.testing.assert_array_equal(dataset.x_test.ravel(), np.float32(expected))


def test_a_smaller_subset_begins_a_larger_one_at_the_same_seed(numbered):
    large = load_dataset("mnist", train_examples=300, seed=3)
    small = load_dataset("mnist", train_examples=40, seed=3)
    np.testing.assert_array_equal(small.x_train, large.x_train[:40])
    np.testing.assert_array_equal(small.y_train, large.y_train[:40])
    assert len(set(numbers(large.x_train))) == 300


def test_another_seed_draws_another_subset(numbered):
    one, other = (numbers(load_dataset("mnist", train_examples=40, seed=seed).x_train) for seed in (0, 1))
    assert set(one) != set(other)


def test_runs_of_other_seeds_share_the_subset_of_a_seed_of_its_own(numbered):
    own, one, other = (
        load_dataset("mnist", train_examples=40, seed=seed, subset_seed=subset)
        for seed, subset in ((7, 0), (1, 7), (2, 7))
    )
    np.testing.assert_array_equal(own.x_train, one.x_train)
    np.testing.assert_array_equal(one.x_train, other.x_train)


def test_the_whole_training_split_keeps_the_order_of_the_file(numbered):
    assert numbers(load_dataset("mnist", seed=5).x_train).tolist() == list(range(500))


def test_the_validation_split_is_the_same_for_every_seed_and_grows_at_its_end(numbered):
    one = load_dataset("mnist", validation_examples=50, seed=0)
    other = load_dataset("mnist", validation_examples=80, seed=9, train_examples=20)
    np.testing.assert_array_equal(one.x_validation, other.x_validation[:50])


@pytest.mark.parametrize("train_examples", [0, 150, 400])
def test_no_validation_example_is_trained_on(numbered, train_examples):
    dataset = load_dataset("mnist", train_examples=train_examples, validation_examples=100)
    trained, held_out = set(numbers(dataset.x_train)), set(numbers(dataset.x_validation))
    assert len(held_out) == 100 and len(trained) == (train_examples or 400)
    assert not trained & held_out


@pytest.mark.parametrize("test_examples", [0, 1, 60])
def test_a_smaller_test_set_begins_the_whole(numbered, test_examples):
    dataset = load_dataset("mnist", test_examples=test_examples)
    assert numbers(dataset.x_test).tolist() == list(range(test_examples or 60))


def test_images_keep_their_labels_in_every_split(numbered):
    dataset = load_dataset("mnist", train_examples=100, validation_examples=100, seed=2)
    for split in ("train", "validation", "test"):
        images, labels = getattr(dataset, f"x_{split}"), getattr(dataset, f"y_{split}")
        np.testing.assert_array_equal(labels, numbers(images) % 10)


def test_shuffled_labels_are_those_of_the_training_split_in_another_order(numbered):
    true = load_dataset("mnist", validation_examples=100, seed=1)
    shuffled = load_dataset("mnist", validation_examples=100, seed=1, shuffled_labels=True)
    np.testing.assert_array_equal(shuffled.x_train, true.x_train)
    np.testing.assert_array_equal(np.bincount(shuffled.y_train), np.bincount(true.y_train))
    assert np.mean(shuffled.y_train == true.y_train) < 0.2  # 0.1 is chance
    np.testing.assert_array_equal(shuffled.y_validation, true.y_validation)
    np.testing.assert_array_equal(shuffled.y_test, true.y_test)


def test_the_seed_decides_how_labels_are_shuffled(numbered):
    first, again, other = (load_dataset("mnist", shuffled_labels=True, seed=seed).y_train for seed in (4, 4, 5))
    np.testing.assert_array_equal(first, again)
    assert (first != other).any()


@pytest.mark.parametrize(
    "options, message",
    [
        (dict(name="mnits"), "unknown task 'mnits': did you mean 'mnist'?"),
        (dict(pixels="gray"), "pixels is one of grey, binary, nonzero: got 'gray'"),
        (dict(train_examples=-1), "train_examples is 0 or above: got -1"),
        (dict(validation_examples=0.1), "validation_examples is a whole number: got 0.1"),
        (dict(seed=True), "seed is a whole number, 0 or above: got True"),
        (dict(train_examples=401, validation_examples=100), "share the 500 training examples"),
        (dict(validation_examples=500), "share the 500 training examples of mnist: got 0 and 500"),
        (dict(test_examples=61), "test_examples is at most the 60 of mnist: got 61"),
    ],
)
def test_a_wrong_option_is_answered_with_the_rule_and_what_came(numbered, options, message):
    with pytest.raises(UserError) as error:
        load_dataset(**{"name": "mnist", **options})
    assert message in str(error.value)
    assert "\n" not in str(error.value)


def flip_a_bit(path):
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


@pytest.mark.parametrize(
    "damage",
    [
        flip_a_bit,
        lambda path: path.write_bytes(path.read_bytes()[:-100]),
        lambda path: path.write_bytes(path.read_bytes() + b"more"),
        lambda path: path.write_bytes(b""),
    ],
    ids=["a flipped bit", "truncated", "longer", "empty"],
)
def test_a_damaged_file_is_named_with_the_command_that_repairs_it(copied, damage):
    damage(copied)
    expected, found = archives.ARCHIVES["mnist"].sha256, hashlib.sha256(copied.read_bytes()).hexdigest()
    with pytest.raises(UserError) as error:
        load_dataset("mnist")
    label = f"{copied.parent.name}/mnist.npz"
    assert (
        str(error.value) == f"{label} must have sha256 {expected}: found {found}; run `git checkout -- data/mnist.npz`"
    )


def test_a_missing_file_is_named_with_the_command_that_repairs_it(copied):
    copied.unlink()
    with pytest.raises(
        UserError, match=r"mnist\.npz must have .*: found missing; run `git checkout -- data/mnist\.npz`"
    ):
        load_dataset("mnist")


def test_a_file_that_cannot_be_read_is_named_with_the_command_that_repairs_it(copied):
    copied.unlink()
    copied.mkdir()
    with pytest.raises(UserError, match=r"mnist\.npz must have .*: found unreadable \(.*\); run `git checkout"):
        load_dataset("mnist")


def test_cifar10_that_was_never_fetched_is_named_with_the_command_that_fetches_it(monkeypatch, tmp_path):
    monkeypatch.setattr(archives, "CACHE", tmp_path)
    with pytest.raises(UserError, match=r"cifar10\.npz .* found missing; run `bnrepro data fetch cifar10`"):
        load_dataset("cifar10")


def test_no_pickle_is_ever_loaded(monkeypatch, tmp_path):
    monkeypatch.setattr(archives, "DATA", tmp_path)
    path = tmp_path / "mnist.npz"
    np.savez(path, **dict.fromkeys(archives.KEYS, np.array([{}], object)))
    trusted = dataclasses.replace(archives.ARCHIVES["mnist"], sha256=archives.digest(path.read_bytes()))
    monkeypatch.setitem(archives.ARCHIVES, "mnist", trusted)
    with pytest.raises(ValueError, match="allow_pickle=False"):
        load_dataset("mnist")


def test_verify_tells_sound_files_from_damaged_and_missing_ones(copied):
    flip_a_bit(copied)
    table = verify(["mnist", "fashion_mnist"])
    assert table.columns.tolist() == ["name", "file", "expected", "found", "ok"]
    assert table["ok"].tolist() == [False, False]
    assert table["found"].tolist() == [hashlib.sha256(copied.read_bytes()).hexdigest(), "missing"]


def test_verify_finds_the_committed_files_sound_and_asks_for_no_data_set_that_was_not_fetched(monkeypatch, tmp_path):
    monkeypatch.setattr(archives, "CACHE", tmp_path)
    table = verify()
    assert table["name"].tolist() == ["mnist", "fashion_mnist"]
    assert table["file"].tolist() == ["data/mnist.npz", "data/fashion_mnist.npz"]
    assert table["ok"].all()
    assert verify(["cifar10"])["found"].tolist() == ["missing"]


def test_the_list_of_data_sets_says_what_is_there(monkeypatch, tmp_path):
    monkeypatch.setattr(archives, "CACHE", tmp_path)
    table = list_datasets().set_index("name")
    assert table.columns.tolist() == ["where", "size", "present", "licence", "source"]
    assert table["present"].to_dict() == {"mnist": True, "fashion_mnist": True, "cifar10": False}
    assert table.loc["mnist", "size"] == (DATA / "mnist.npz").stat().st_size
    assert table.loc["fashion_mnist", "size"] == (DATA / "fashion_mnist.npz").stat().st_size


def test_the_readme_states_every_checksum():
    readme = (DATA / "README.md").read_text()
    for archive in archives.ARCHIVES.values():
        assert archive.sha256 in readme and f"{archive.size:,}" in readme and archive.licence.split(";")[0] in readme
    for path in sorted((DATA / "paper").glob("*.csv")):
        assert f"`paper/{path.name}` | `{hashlib.sha256(path.read_bytes()).hexdigest()}`" in readme


@pytest.mark.parametrize("compressed", [True, False])
def test_packing_gives_the_same_bytes_twice_and_numpy_reads_them(tmp_path, compressed):
    arrays = {key: np.arange(24, dtype=np.uint8).reshape(2, 3, 4) + number for number, key in enumerate(archives.KEYS)}
    content = archives.pack(arrays, compressed)
    turned = {key: np.asfortranarray(array) for key, array in arrays.items()}
    assert archives.pack(turned, compressed) == content
    (tmp_path / "packed.npz").write_bytes(content)
    with np.load(tmp_path / "packed.npz") as read:
        for key in archives.KEYS:
            np.testing.assert_array_equal(read[key], arrays[key])


def test_writers_at_once_leave_one_whole_file_and_nothing_beside_it(tmp_path):
    path = tmp_path / "deep" / "file"
    contents = [bytes([number]) * 1_000_000 for number in range(8)]
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda content: write_whole(path, content), contents))
    assert path.read_bytes() in contents
    assert list(path.parent.iterdir()) == [path]


def test_a_write_that_fails_leaves_the_old_file(monkeypatch, tmp_path):
    path = tmp_path / "file"
    path.write_bytes(b"old")
    monkeypatch.setattr("os.fsync", lambda descriptor: (_ for _ in ()).throw(OSError("disk full")))
    with pytest.raises(OSError, match="disk full"):
        write_whole(path, b"new")
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_importing_the_data_room_loads_no_training_framework():
    script = (
        "import sys, bnrepro.tasks.images; print(sorted({'tensorflow', 'keras', 'torch', 'jax'} & set(sys.modules)))"
    )
    result = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "[]"


def test_an_epoch_shows_no_example_twice_and_drops_the_incomplete_mini_batch():
    order = batch_order(seed=0, num_examples=103, batch_size=10, steps=30)
    assert order.shape == (30, 10) and order.dtype == np.int32
    for epoch in np.split(order, 3):
        assert len(set(epoch.ravel())) == 100
    assert order.min() >= 0 and order.max() <= 102


def test_epochs_and_seeds_differ_in_their_order():
    order = batch_order(seed=0, num_examples=100, batch_size=10, steps=20)
    assert (order[:10] != order[10:]).any()
    assert (order != batch_order(seed=1, num_examples=100, batch_size=10, steps=20)).any()


@given(
    num_examples=st.integers(1, 60),
    batch_share=st.floats(0.01, 1),
    start=st.integers(0, 200),
    steps=st.integers(0, 100),
)
def test_any_chunk_of_the_order_equals_that_part_of_the_whole(num_examples, batch_share, start, steps):
    batch_size = max(1, int(num_examples * batch_share))
    whole = batch_order(7, num_examples, batch_size, start + steps)
    np.testing.assert_array_equal(batch_order(7, num_examples, batch_size, steps, start), whole[start:])


def mates(order: np.ndarray) -> list[set[frozenset]]:
    """The pairs of examples that share a mini-batch, a set an epoch."""
    return [{frozenset(pair) for row in epoch for pair in itertools.combinations(row, 2)} for epoch in order]


def test_thorough_shuffling_never_puts_two_examples_together_twice_and_shows_each_once_an_epoch():
    epochs = batch_order(3, 60, 5, 11 * 11, shuffling="thorough").reshape(
        11, 11, 5
    )  # 11: the largest prime up to 60 / 5
    for epoch in epochs:
        assert len(set(epoch.ravel())) == 55
    seen = mates(epochs)
    assert sum(len(pairs) for pairs in seen) == len(set.union(*seen)) == 11 * 11 * 10


def test_fixed_mini_batches_are_the_same_in_every_epoch_in_another_order():
    epochs = batch_order(3, 60, 5, 3 * 11, shuffling="fixed").reshape(3, 11, 5)
    first, *others = mates(epochs)
    assert all(pairs == first for pairs in others)
    assert (epochs[0] != epochs[1]).any()


@pytest.mark.parametrize("shuffling", ["fixed", "thorough"])
def test_any_chunk_of_fixed_and_thorough_order_equals_that_part_of_the_whole(shuffling):
    whole = batch_order(1, 60, 5, 50, shuffling=shuffling)
    np.testing.assert_array_equal(batch_order(1, 60, 5, 30, 20, shuffling), whole[20:])


def test_thorough_and_fixed_shuffling_use_the_same_examples():
    used = [set(batch_order(2, 64, 5, 11, shuffling=shuffling).ravel()) for shuffling in ("fixed", "thorough")]
    assert used[0] == used[1]


def test_the_order_is_the_one_the_record_was_made_with():
    assert batch_order(0, 60_000, 60, 1)[0, :5].tolist() == [4812, 52359, 26339, 16629, 59302]


@pytest.mark.parametrize(
    "arguments, message",
    [
        ((0, 10, 11, 1), "a mini-batch has 1 to 10 examples"),
        ((0, 10, 0, 1), "a mini-batch has 1 to 10 examples"),
        ((0, 10, 2, -1), "steps is a whole number, 0 or above: got -1"),
        ((-1, 10, 2, 1), "seed is a whole number, 0 or above: got -1"),
        ((0, 10, 2, 1, -5), "start is a whole number, 0 or above: got -5"),
        ((0, 10, 2, 1, 0, "thoroug"), "did you mean 'thorough'"),
        ((0, 60, 5, 1, 121, "thorough"), "apart for 11 epochs: got epoch 12"),
        ((0, 60, 12, 1, 0, "thorough"), "apart for 0 epochs: got epoch 1"),
    ],
)
def test_an_order_that_cannot_be_is_refused(arguments, message):
    with pytest.raises(UserError, match=message):
        batch_order(*arguments)
