"""Images and labels as a run takes them: pixels, splits, controls, the seeded batch order. Knows no model, no Keras."""

from dataclasses import dataclass

import numpy as np

from bnrepro.archives import archive_of, list_datasets, read, verify
from bnrepro.config import largest_prime
from bnrepro.errors import UserError, unknown
from bnrepro.fetching import fetch

__all__ = ["PIXELS", "Dataset", "batch_order", "fetch", "list_datasets", "load_dataset", "verify"]

PIXELS = {
    "grey": lambda values: values / np.float32(255),
    "binary": lambda values: (values > 127).astype(np.float32),
    "nonzero": lambda values: (values > 0).astype(np.float32),
}
"""The paper trains on binary images and does not say how they were made binary (section 4.1); all readings are here."""

# What a seed is used for. Each use has its own stream, so that shuffling labels, say, leaves the batch order as it was.
_VALIDATION, _SUBSET, _LABELS, _BATCHES, _TABLE, _SLOPES = range(6)


@dataclass(frozen=True, eq=False)
class Dataset:
    """Three splits of one data set.

    Images are float32 in [0, 1] with shape `(examples, height, width, channels)`, labels int32 with shape
    `(examples,)`. A validation split that was not asked for has no examples.
    """

    name: str
    x_train: np.ndarray
    y_train: np.ndarray
    x_validation: np.ndarray
    y_validation: np.ndarray
    x_test: np.ndarray
    y_test: np.ndarray
    num_classes: int

    @property
    def image_shape(self) -> tuple[int, ...]:
        """`(height, width, channels)`."""
        return self.x_train.shape[1:]


def load_dataset(
    name: str,
    *,
    pixels: str = "grey",
    train_examples: int = 0,
    validation_examples: int = 0,
    test_examples: int = 0,
    shuffled_labels: bool = False,
    seed: int = 0,
) -> Dataset:
    """Loads a data set, its checksum verified.

    Args:
        name: `mnist`, `fashion_mnist`, or `cifar10`, which `fetch` has to bring first.
        pixels: `grey` is value / 255 (for CIFAR-10 in each color), `binary` 1 where the value is above 127, `nonzero` 1
            where it is above 0.
        train_examples: How many training examples are used. 0 means all that are not held out for validation, in the
            order of the file; n means the first n of a permutation drawn from `seed`: at the same seed a smaller subset
            begins a larger one.
        validation_examples: How many training examples are held out. They depend on no seed and are never trained on.
        test_examples: How many test examples there are, the first of the file. 0 means all.
        shuffled_labels: Permutes the labels of the training split, a control: images and labels no longer belong
            together, the share of each class stays. Validation and test labels stay true.
        seed: Draws the subset and permutes the labels.

    Raises:
        UserError: A name or number that does not exist, or a file that is missing or damaged.
    """
    archive = archive_of(name)
    if pixels not in PIXELS:
        raise unknown("pixels", pixels, PIXELS)
    train_examples = _whole("train_examples", train_examples)
    validation_examples = _whole("validation_examples", validation_examples)
    seed = _whole("seed", seed)
    arrays = read(name)
    test = slice(_at_most("test_examples", test_examples, len(arrays["y_test"])) or None)

    def images(values: np.ndarray) -> np.ndarray:
        return PIXELS[pixels](values if values.ndim == 4 else values[..., np.newaxis])

    def labels(values: np.ndarray) -> np.ndarray:
        return values.astype(np.int32)

    train, validation = _split(len(arrays["y_train"]), train_examples, validation_examples, seed)
    y_train = labels(arrays["y_train"][train])
    return Dataset(
        name=name,
        x_train=images(arrays["x_train"][train]),
        y_train=_generator(seed, _LABELS).permutation(y_train) if shuffled_labels else y_train,
        x_validation=images(arrays["x_train"][validation]),
        y_validation=labels(arrays["y_train"][validation]),
        x_test=images(arrays["x_test"][test]),
        y_test=labels(arrays["y_test"][test]),
        num_classes=archive.num_classes,
    )


def batch_order(
    seed: int, num_examples: int, batch_size: int, steps: int, start: int = 0, shuffling: str = "epoch"
) -> np.ndarray:
    """Which examples are in which mini-batch: int32 with shape `(steps, batch_size)`.

    What is left of an epoch below a whole mini-batch is dropped. What epoch k shows is drawn from the seed and k alone: all
    arms see the same, and any chunk of steps can be had without those before.

    Args:
        seed: Draws the permutations.
        num_examples: Examples in the training split.
        batch_size: Examples in a mini-batch.
        steps: How many steps are wanted.
        start: The first of them.
        shuffling: `epoch` draws a fresh permutation each epoch. The other two place the examples in a table of `batch_size`
            rows and p columns, p the largest prime that leaves no place empty (what is left over is not used). A mini-batch
            takes from row r the column `j + slope r` (mod p). With `fixed` the slope is the same in every epoch, so the same
            examples are always together, in another order of the mini-batches; with `thorough` each epoch has a slope of its
            own, so no two examples are together twice, for p epochs: two lines of different slope meet in one point.

    Raises:
        UserError: A mini-batch larger than the training split, a number below 0, or more steps than `thorough` can keep
            examples apart.
    """
    seed, steps, start = _whole("seed", seed), _whole("steps", steps), _whole("start", start)
    if not 1 <= _whole("batch_size", batch_size) <= _whole("num_examples", num_examples):
        raise UserError(
            f"a mini-batch has 1 to {num_examples} examples, all there are: got {batch_size}; change batch_size"
        )
    if shuffling not in _EPOCHS:
        raise unknown("shuffling", shuffling, _EPOCHS)
    steps_per_epoch = num_examples // batch_size if shuffling == "epoch" else largest_prime(num_examples // batch_size)
    first_epoch, skipped = divmod(start, steps_per_epoch)
    epochs = -(-(skipped + steps) // steps_per_epoch)
    rows = np.empty((epochs, steps_per_epoch, batch_size), np.int32)
    for place in range(epochs):
        rows[place] = _EPOCHS[shuffling](seed, first_epoch + place, num_examples, steps_per_epoch, batch_size)
    return rows.reshape(-1, batch_size)[skipped : skipped + steps]


def _fresh_epoch(seed: int, epoch: int, num_examples: int, steps: int, batch_size: int) -> np.ndarray:
    order = _generator(seed, _BATCHES, epoch).permutation(np.arange(num_examples, dtype=np.int32))
    return order[: steps * batch_size].reshape(steps, batch_size)


def _fixed_epoch(seed: int, epoch: int, num_examples: int, steps: int, batch_size: int) -> np.ndarray:
    return _lines(seed, epoch, 0, num_examples, steps, batch_size)


def _thorough_epoch(seed: int, epoch: int, num_examples: int, steps: int, batch_size: int) -> np.ndarray:
    if batch_size > steps or epoch >= steps:
        raise UserError(
            f"thorough shuffling keeps {num_examples} examples in mini-batches of {batch_size} apart for "
            f"{steps if batch_size <= steps else 0} epochs: got epoch {epoch + 1}; lower batch_size or steps"
        )
    return _lines(seed, epoch, epoch, num_examples, steps, batch_size)


_EPOCHS = {"epoch": _fresh_epoch, "fixed": _fixed_epoch, "thorough": _thorough_epoch}


def _lines(seed: int, epoch: int, turn: int, num_examples: int, steps: int, batch_size: int) -> np.ndarray:
    """The mini-batches of one epoch, `(steps, batch_size)`: all lines of the slope that is this turn's."""
    table = _generator(seed, _TABLE).permutation(num_examples)[: steps * batch_size].reshape(batch_size, steps)
    slope = _generator(seed, _SLOPES).permutation(steps)[turn]
    first = _generator(seed, _BATCHES, epoch).permutation(steps)
    row = np.arange(batch_size)
    return table[row, (first[:, np.newaxis] + slope * row) % steps].astype(np.int32)


def _generator(seed: int, *use: int) -> np.random.Generator:
    return np.random.default_rng(np.random.SeedSequence(seed, spawn_key=use))


def _split(total: int, train_examples: int, validation_examples: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """The indices of the training and of the validation examples among `total`."""
    if max(train_examples, 1) + validation_examples > total:
        raise UserError(
            f"training and validation share {total} examples and one or more is trained on: "
            f"got train_examples={train_examples}, validation_examples={validation_examples}; lower one of them"
        )
    validation = _generator(0, _VALIDATION).permutation(total)[:validation_examples]
    candidates = _generator(seed, _SUBSET).permutation(total) if train_examples else np.arange(total)
    candidates = candidates[~np.isin(candidates, validation)]
    return candidates[:train_examples] if train_examples else candidates, validation


def _at_most(name: str, value: int, most: int) -> int:
    if _whole(name, value) > most:
        raise UserError(f"{name} is at most the {most} that there are: got {value}; lower it")
    return int(value)


def _whole(name: str, value: int) -> int:
    if isinstance(value, (int, np.integer)) and not isinstance(value, bool) and value >= 0:
        return int(value)
    raise UserError(f"{name} is a whole number, 0 or above: got {value!r}; change {name}")
