"""Encoded images as mini-batches, read, decoded and cropped while a net trains, with `tf.data`. Knows no place and no model."""

import re
from collections.abc import Callable, Iterable
from typing import Protocol

import numpy as np
import tensorflow as tf

from bnrepro.errors import UserError, one_line
from bnrepro.records.machine import cores

AREA, ASPECT = (0.08, 1.0), (3 / 4, 4 / 3)
"""Of a training crop: its share of the image, and width over height (Szegedy et al. 2014, section 6)."""

CENTRAL = 0.875
"""An evaluation's crop is the central square of so much of the shorter side: 224 pixels of 256."""

AHEAD = 2
"""Mini-batches that are ready before they are asked for."""


class Split(Protocol):
    """Encoded images, each to be had by its place."""

    def __len__(self) -> int: ...

    def reader(self) -> Callable[[tf.Tensor], tuple[tf.Tensor, tf.Tensor]]:
        """A function from a place to the bytes of an image and its label, from 0."""

    def name(self, row: int) -> str:
        """What an image is called in a message."""


class ImageStream:
    """Mini-batches of two splits: float32 images in [0, 1], `(examples, size, size, 3)`, and int32 labels.

    What a mini-batch holds depends on the seed, the step and the places of its images alone, to the bit, however many threads
    read; they hold no more images than `AHEAD` mini-batches, besides the one in use, and one a thread.

    Args:
        train: Training images.
        test: Images of which a net is evaluated on some.
        evaluated: The places of these.
        size: Height and width of a crop.
        outputs: How many classes there are.

    Attributes:
        examples, test_examples, test_total: Images that are trained on, that a net is evaluated on, and of which these are some.
    """

    def __init__(self, train: Split, test: Split, evaluated: np.ndarray, size: int, outputs: int):
        self._splits, self._evaluated, self._size = {"train": train, "test": test}, evaluated, size
        self._readers = {name: split.reader() for name, split in self._splits.items()}
        self.input_shape, self.outputs = (size, size, 3), outputs
        self.examples, self.test_examples, self.test_total = len(train), len(evaluated), len(test)

    def batches(self, rows: np.ndarray, seed: int, start: int) -> tf.data.Dataset:
        """Training mini-batches: a random crop of each image, flipped or not.

        Args:
            rows: Which images are in which mini-batch, `(mini-batches, batch_size)`.
            seed: Draws crops and flips, of each step others.
            start: The step of the first mini-batch.
        """
        numbers = np.arange(rows.size, dtype=np.int64) + start * rows.shape[1]

        def example(row, number):
            image, label = self._decoded("train", row)
            return self._scaled(_distorted(image, tf.stack([tf.constant(seed, tf.int64), number]))), label

        return _batched(tf.data.Dataset.from_tensor_slices((rows.ravel(), numbers)), example, rows.shape[1], whole=True)

    def undistorted(self, rows: np.ndarray) -> tuple[tf.Tensor, tf.Tensor]:
        """Training images as they are evaluated, and their labels."""
        return next(iter(self._central("train", rows, len(rows))))

    def evaluated(self, block: int) -> tf.data.Dataset:
        """The images that a net is evaluated on, `block` at a time, each its central crop."""
        return self._central("test", self._evaluated, block)

    def told(self, error: tf.errors.OpError, rows: Iterable[int] | None = None) -> Exception:
        """What to raise where reading failed: the first image that cannot be read, by its name.

        Args:
            error: What was raised.
            rows: The training images among which it is; by default it is one of those that a net is evaluated on.
        """
        split, rows = ("test", self._evaluated) if rows is None else ("train", rows)
        for row in rows:
            try:
                self._decoded(split, tf.constant(row))
            except tf.errors.OpError as found:
                name, why = self._splits[split].name(int(row)), _why(found)
                return UserError(
                    f"each image is a whole JPEG with its class: {name} is not ({why}); put a whole one there"
                )
        return error

    def _central(self, split: str, rows: np.ndarray, block: int) -> tf.data.Dataset:
        def example(row):
            image, label = self._decoded(split, row)
            return self._scaled(_centre(image)), label

        return _batched(tf.data.Dataset.from_tensor_slices(rows), example, block)

    def _decoded(self, split: str, row: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        content, label = self._readers[split](row)
        image = tf.io.decode_image(content, channels=3, expand_animations=False)
        return tf.ensure_shape(image, (None, None, 3)), label

    def _scaled(self, image: tf.Tensor) -> tf.Tensor:
        resized = tf.image.resize(image, (self._size, self._size)) / 255
        return tf.ensure_shape(resized, self.input_shape)


def _why(error: tf.errors.OpError) -> str:
    """What an operation says of its input, without what it says of itself."""
    return one_line(re.sub(r"\{\{.*?\}\}|\[Op:.*|for 'image of unknown type'", "", error.message), 100).strip()


def _batched(examples: tf.data.Dataset, function, size: int, whole: bool = False) -> tf.data.Dataset:
    """What a function makes of each example, `size` together; `whole`, where none is left over, has them of a known shape."""
    found = examples.map(function, num_parallel_calls=cores(), deterministic=True)
    batches = found.batch(size, drop_remainder=whole).prefetch(AHEAD)
    options = tf.data.Options()
    options.threading.private_threadpool_size = cores()  # a run's own net may have but one
    return batches.with_options(options)


def _distorted(image: tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
    for_crop, for_flip = tf.unstack(tf.random.split(seed, 2))
    whole = tf.zeros((1, 0, 4))
    begin, size, _ = tf.image.stateless_sample_distorted_bounding_box(
        tf.shape(image), whole, for_crop, 0.0, ASPECT, AREA, use_image_if_no_bounding_boxes=True
    )
    return tf.image.stateless_random_flip_left_right(tf.slice(image, begin, size), for_flip)


def _centre(image: tf.Tensor) -> tf.Tensor:
    shape = tf.shape(image)[:2]
    side = tf.cast(tf.round(CENTRAL * tf.cast(tf.reduce_min(shape), tf.float32)), tf.int32)
    top, left = tf.unstack((shape - side) // 2)
    return image[top : top + side, left : left + side]
