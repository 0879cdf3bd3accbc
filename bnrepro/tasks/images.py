"""Images and labels as a run takes them: pixels, splits and controls. Knows no model, no Keras."""

from dataclasses import dataclass

import numpy as np

from bnrepro.errors import UserError, unknown
from bnrepro.tasks.archives import archive_of, read
from bnrepro.tasks.random_streams import LABELS, SUBSET, VALIDATION, check_whole, random_stream

PIXELS = {
    "grey": lambda values: values / np.float32(255),
    "binary": lambda values: (values > 127).astype(np.float32),
    "nonzero": lambda values: (values > 0).astype(np.float32),
}
"""The paper trains on binary images and does not say how they were made binary (section 4.1); all readings are here."""


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
    train_examples = check_whole("train_examples", train_examples)
    validation_examples = check_whole("validation_examples", validation_examples)
    seed = check_whole("seed", seed)
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
        y_train=random_stream(seed, LABELS).permutation(y_train) if shuffled_labels else y_train,
        x_validation=images(arrays["x_train"][validation]),
        y_validation=labels(arrays["y_train"][validation]),
        x_test=images(arrays["x_test"][test]),
        y_test=labels(arrays["y_test"][test]),
        num_classes=archive.num_classes,
    )


def _split(total: int, train_examples: int, validation_examples: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """The indices of the training and of the validation examples among `total`."""
    if max(train_examples, 1) + validation_examples > total:
        raise UserError(
            f"training and validation share {total} examples and one or more is trained on: "
            f"got train_examples={train_examples}, validation_examples={validation_examples}; lower one of them"
        )
    validation = random_stream(0, VALIDATION).permutation(total)[:validation_examples]
    candidates = random_stream(seed, SUBSET).permutation(total) if train_examples else np.arange(total)
    candidates = candidates[~np.isin(candidates, validation)]
    return candidates[:train_examples] if train_examples else candidates, validation


def _at_most(name: str, value: int, most: int) -> int:
    if check_whole(name, value) > most:
        raise UserError(f"{name} is at most the {most} that there are: got {value}; lower it")
    return int(value)
