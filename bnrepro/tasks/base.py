"""A task: data, loss, metric and its level of chance, as a part of a run. Knows no net and no data set."""

import math
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from bnrepro.config.component import Component


@dataclass(frozen=True, eq=False)
class Dataset:
    """What a task loads: three splits of inputs and targets, one example after the other; `validation` may be empty.

    Attributes:
        outputs: How many numbers a net gives for an example.
    """

    x_train: np.ndarray
    y_train: np.ndarray
    x_validation: np.ndarray
    y_validation: np.ndarray
    x_test: np.ndarray
    y_test: np.ndarray
    outputs: int

    @property
    def input_shape(self) -> tuple[int, ...]:
        """Of one example, as `(height, width, channels)` of an image."""
        return self.x_train.shape[1:]


@dataclass(frozen=True, kw_only=True)
class Task(Component):
    """What a net is trained for.

    Attributes:
        metric: The name of its metric in the tables; larger is better.
        streams: Whether its examples are read while a net trains, by `stream`, as they are too many for memory.
    """

    kind: ClassVar[str] = "task"
    metric: ClassVar[str]
    streams: ClassVar[bool] = False

    @property
    def chance(self) -> float:
        """The metric of a net that guesses."""
        raise NotImplementedError

    @property
    def guess_loss(self) -> float:
        """The loss of a net that guesses: what a run that has learned nothing ends at."""
        raise NotImplementedError

    @property
    def examples(self) -> int | None:
        """Training examples that are trained on; None where only loading tells."""
        return None

    @property
    def evaluated_on(self) -> str:
        """The split on which a run is evaluated while it trains."""
        return "test"

    def check_data(self) -> None:
        """Raises `UserError` where the data are missing or damaged: asked before anything is trained."""

    def load(self, seed: int) -> Dataset:
        """The data, a pure function of the fields and the seed."""
        raise NotImplementedError

    def stream(self):
        """Where it `streams`, in place of `load`: a `bnrepro.tasks.image_stream.ImageStream`, or what does the same."""
        raise NotImplementedError

    def shapes(self, seed: int) -> tuple[tuple[int, ...], int]:
        """The shape of an example, and how many numbers a net gives for it."""
        data = self.load(seed)
        return data.input_shape, data.outputs

    def data_seed(self, seed: int) -> int:
        """`seed` where the data depend on it, else 0: runs that share data share their copy on the device."""
        return seed

    def loss(self):
        """A Keras loss: `loss(targets, outputs)` is a scalar."""
        raise NotImplementedError

    def score(self, targets, outputs):
        """The metric, a tensor with a value an example."""
        raise NotImplementedError


@dataclass(frozen=True, kw_only=True)
class Classification(Task):
    """One of several classes for each example; targets are whole numbers, outputs logits.

    The loss is the softmax's cross-entropy in nats, the metric accuracy, a share from 0 to 1; a net that guesses has
    log(classes) and 1 / classes.
    """

    metric: ClassVar[str] = "accuracy"
    classes: ClassVar[int] = 10

    @property
    def chance(self) -> float:
        return 1 / self.classes

    @property
    def guess_loss(self) -> float:
        return math.log(self.classes)

    def loss(self):
        import keras

        return keras.losses.SparseCategoricalCrossentropy(from_logits=True)

    def score(self, targets, outputs):
        import keras

        return keras.metrics.sparse_categorical_accuracy(targets, outputs)
