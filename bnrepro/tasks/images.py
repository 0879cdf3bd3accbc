"""Images and their labels as a task: pixels, splits and controls. Knows no model, no Keras."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from bnrepro.config.component import field
from bnrepro.config.registry import find, register
from bnrepro.config.validation import ANY, NOT_NEGATIVE, one_of
from bnrepro.errors import UserError
from bnrepro.tasks.archives import read
from bnrepro.tasks.base import Classification, Dataset
from bnrepro.tasks.random_streams import LABELS, SUBSET, VALIDATION, check_whole, random_stream

PIXELS = {
    "grey": lambda values: values / np.float32(255),
    "binary": lambda values: (values > 127).astype(np.float32),
    "nonzero": lambda values: (values > 0).astype(np.float32),
}
"""The paper trains on binary images and does not say how they were made binary (section 4.1); all readings are here."""


@dataclass(frozen=True, kw_only=True)
class Images(Classification):
    """Images by class: float32 in [0, 1], `(examples, height, width, channels)`, and int32 labels.

    One of your own derives from this and gives `arrays`.

    Attributes:
        total, test_total: Training and test examples that there are, None where only loading tells.
    """

    total: ClassVar[int | None] = None
    test_total: ClassVar[int | None] = None

    pixels: str = field("nonzero", one_of(*PIXELS), "grey, 1 above half, or 1 above zero", compiled=False)
    train_examples: int = field(
        0,
        NOT_NEGATIVE,
        "training examples used, the first of a permutation drawn from the seed; 0 means all",
        compiled=False,
    )
    subset_seed: int = field(
        0,
        NOT_NEGATIVE,
        "draws that permutation, so that runs of other seeds share it; 0 means the run's",
        compiled=False,
    )
    shuffled_labels: bool = field(False, ANY, "training labels permuted, a control", compiled=False)
    validation_examples: int = field(
        0,
        NOT_NEGATIVE,
        "training examples held out, alike at every seed, and evaluated on instead of the test set",
        compiled=False,
    )
    test_examples: int = field(
        0, NOT_NEGATIVE, "test examples evaluated on, the first ones; 0 means all", compiled=False
    )

    def arrays(self) -> dict[str, np.ndarray]:
        """uint8 images `x_train`, `x_test`, with or without channels, and their labels `y_train`, `y_test`."""
        raise NotImplementedError

    @property
    def examples(self) -> int | None:
        return self.train_examples or (self.total and self.total - self.validation_examples)

    @property
    def evaluated_on(self) -> str:
        return "validation" if self.validation_examples else "test"

    def check(self, config) -> None:
        if self.total is not None:
            self._check_split(self.total)
        if self.test_total is not None:
            self._check_test(self.test_total)
        if self.examples is not None and config.batch_size > self.examples:
            raise UserError(
                f"batch_size is at most the {self.examples} training examples: got {config.batch_size}; lower it"
            )

    def check_data(self) -> None:
        self.arrays()

    def data_seed(self, seed: int) -> int:
        if self.shuffled_labels:
            return seed
        return (self.subset_seed or seed) if self.train_examples else 0

    def load(self, seed: int) -> Dataset:
        """The splits. Images and labels of the file in its order, but for a subset or a permutation drawn from `seed`.

        At the same seed a smaller subset begins a larger one. Shuffled labels no longer belong to their images, while the
        share of each class stays; those of validation and test stay true.

        Raises:
            UserError: A file that is missing or damaged, or fewer examples than are asked for.
        """
        arrays = self.arrays()
        train, validation = self._split(len(arrays["y_train"]), seed)
        self._check_test(len(arrays["y_test"]))
        test = slice(self.test_examples or None)
        y_train = arrays["y_train"][train].astype(np.int32)
        if self.shuffled_labels:
            y_train = random_stream(seed, LABELS).permutation(y_train)
        return Dataset(
            x_train=self._images(arrays["x_train"][train]),
            y_train=y_train,
            x_validation=self._images(arrays["x_train"][validation]),
            y_validation=arrays["y_train"][validation].astype(np.int32),
            x_test=self._images(arrays["x_test"][test]),
            y_test=arrays["y_test"][test].astype(np.int32),
            outputs=self.classes,
        )

    def _images(self, values: np.ndarray) -> np.ndarray:
        return PIXELS[self.pixels](values if values.ndim == 4 else values[..., np.newaxis])

    def _split(self, total: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
        """The indices of the training and of the validation examples among `total`."""
        self._check_split(total)
        validation = random_stream(0, VALIDATION).permutation(total)[: self.validation_examples]
        subset = random_stream(self.subset_seed or seed, SUBSET)
        candidates = subset.permutation(total) if self.train_examples else np.arange(total)
        candidates = candidates[~np.isin(candidates, validation)]
        return candidates[: self.train_examples] if self.train_examples else candidates, validation

    def _check_split(self, total: int) -> None:
        if max(self.train_examples, 1) + self.validation_examples > total:
            raise UserError(
                f"training and validation share the {total} training examples of {self}: got "
                f"{self.train_examples} and {self.validation_examples}; lower one of them"
            )

    def _check_test(self, total: int) -> None:
        if self.test_examples > total:
            raise UserError(f"test_examples is at most the {total} of {self}: got {self.test_examples}; lower it")


class _Archived(Images):
    """A data set of the archives; its checksum is verified when it is read."""

    test_total = 10_000

    def arrays(self) -> dict[str, np.ndarray]:
        return read(self.name)


@register("task", "mnist")
class MNIST(_Archived):
    """Handwritten digits, 28 x 28."""

    total = 60_000


@register("task", "fashion_mnist")
class FashionMNIST(_Archived):
    """Pieces of clothing, 28 x 28."""

    total = 60_000


@register("task", "cifar10")
class CIFAR10(_Archived):
    """Small photographs, 32 x 32 in color, which `bnrepro data fetch cifar10` has to bring first."""

    total = 50_000


def load_dataset(name: str, *, pixels: str = "grey", seed: int = 0, **fields) -> Dataset:
    """The data of a task by its name.

    Args:
        name: `mnist`, `fashion_mnist`, `cifar10`, which `bnrepro data fetch` has to bring first, or a task of your own.
        pixels: `grey` is value / 255 (for CIFAR-10 in each color), `binary` 1 where the value is above 127, `nonzero` 1
            where it is above 0.
        seed: Draws the subset and permutes the labels, where one of that is asked for.
        fields: Other fields of the task, as `train_examples`, `validation_examples`, `test_examples`, `shuffled_labels`.

    Raises:
        UserError: A name or value that does not exist, or a file that is missing or damaged.
    """
    return find("task", name)(pixels=pixels, **fields).load(check_whole("seed", seed))
