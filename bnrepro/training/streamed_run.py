"""One run on TensorFlow of a task whose examples are read while it trains. Knows no table's columns, no record and no claim."""

import contextlib
from collections.abc import Callable, Iterator

import numpy as np
import tensorflow as tf

from bnrepro.measurements.batch_moments import batch_moments, population_moments
from bnrepro.measurements.norms import Moments, normalizing_with
from bnrepro.tasks.batch_order import batch_order
from bnrepro.training.device_data import Loaded
from bnrepro.training.engine import Chunk, Evaluation
from bnrepro.training.tensorflow_run import TensorFlowRun

EVALUATED_AT_ONCE = 100
"""Examples that are evaluated at once: 60 MB of the pixels of ImageNet."""

_LOOKED_THROUGH = 100
"""Mini-batches from the last step on among which an image is looked for that could not be read: no more lie ready."""


class StreamedRun(TensorFlowRun):
    """A run whose task `streams`. What measures in it sees its first training mini-batch, without distortion."""

    def _load(self) -> Loaded:
        self.stream = self.config.task.stream()
        splits = {}
        if self.config.measurements:
            with self._named(lambda: (0, 1)):
                splits["train"] = self.stream.undistorted(self._rows(0, 1)[0])
        return splits, self.stream.input_shape, self.stream.outputs

    def train(self, start: int = 0) -> Iterator[tuple[Chunk, ...]]:
        config = self.config
        with self._named(self._next):
            for chunk in self.engine.train(self._batches, config.steps, config.evaluate_every, start):
                yield (chunk,)

    def evaluate(self, splits: list[str], watched: str | None) -> list[dict[str, Evaluation]]:
        found = {}
        with self._statistics(needed=bool(splits)):
            for split in splits:
                with self._named():
                    loss, metric, _ = self.engine.evaluate(self.stream.evaluated(EVALUATED_AT_ONCE))
                found[split] = Evaluation(loss, metric)
        return [found]

    def _batches(self, start: int, count: int) -> tf.data.Dataset:
        return self.stream.batches(self._rows(start, count), self.config.seed, start)

    def _statistics(self, needed: bool) -> contextlib.AbstractContextManager:
        batches = self.config.normalization.inference_batches(self.config.batch_size) if needed else 0
        if not batches:
            return contextlib.nullcontext()
        found = []
        row = np.arange(self.config.batch_size)[np.newaxis]
        with self._named(lambda: (0, batches)):
            for x, _ in self._batches(0, batches):
                found.append(batch_moments(self.engine.model, x, row, mode=self.engine.mode))
        joined = {name: Moments(*map(np.concatenate, zip(*(one[name] for one in found)))) for name in found[0]}
        return normalizing_with(self.engine.model, population_moments(joined))

    @contextlib.contextmanager
    def _named(self, among: Callable[[], tuple[int, int]] | None = None) -> Iterator[None]:
        """Where an image cannot be read, names it.

        Args:
            among: Gives the first training mini-batch among which it is, and how many they are; by default it is one of the
                images that a net is evaluated on.
        """
        try:
            yield
        except tf.errors.ResourceExhaustedError:  # no image is to blame
            raise
        except tf.errors.OpError as error:
            raise self.stream.told(error, self._rows(*among()).ravel() if among else None) from None

    def _next(self) -> tuple[int, int]:
        """The mini-batches that may have been asked for last: a graph may count a step before it has read its images."""
        first = max(0, int(self.engine.optimizer.iterations) - 1)
        return first, min(self.config.steps - first, _LOOKED_THROUGH)

    def _rows(self, start: int, count: int) -> np.ndarray:
        config = self.config
        return batch_order(config.seed, self.stream.examples, config.batch_size, count, start, config.shuffling)
