"""Many training steps of any Keras model over mini-batches that are read meanwhile. Knows no config, no data set and no table."""

import time
from collections.abc import Callable, Iterator

import numpy as np
import tensorflow as tf

from bnrepro.training.engine import Chunk
from bnrepro.training.keras_engine import Engine


class StreamingEngine(Engine):
    """An `Engine` whose examples come from `tf.data`: the loop over the steps is a graph, each step compiled as the mode says."""

    def __init__(self, *args, **options):
        super().__init__(*args, **options)
        self._one_step = tf.function(self._step, jit_compile=self.mode == "xla", autograph=False)
        self._steps = tf.function(self._streamed_program)

    def train(
        self, batches: Callable[[int, int], tf.data.Dataset], steps: int, chunk: int, begin: int = 0
    ) -> Iterator[Chunk]:
        """Trains, and yields after every `chunk` steps; stops after the chunk in which the loss is no longer finite.

        Args:
            batches: `batches(start, count)` gives the examples and labels of mini-batches start to start + count.
            steps: Steps in all.
            chunk: Steps between two yields; the last chunk may be shorter.
            begin: Steps that are done already.
        """
        for start in range(begin, steps, chunk):
            count = min(chunk, steps - start)
            examples = iter(batches(start, count))
            if start == begin:
                began = time.perf_counter()
                self._steps(examples, tf.constant(0))
                self.compile_seconds = time.perf_counter() - began
            began = time.perf_counter()
            losses, metrics, unpenalized = (values.numpy() for values in self._steps(examples, tf.constant(count)))
            done = Chunk.of(start, losses, metrics, time.perf_counter() - began, unpenalized)
            yield done
            if done.diverged_at is not None:
                return

    def evaluate(self, blocks: tf.data.Dataset) -> tuple[float, float, list[np.ndarray]]:
        """Mean loss and mean metric over all examples, in inference mode; what is watched is too large to be kept."""
        loss = metric = examples = 0
        for x, y in blocks:
            part, values, *_ = self._evaluate_block(x, y)
            loss += float(part) * len(values)
            metric += float(tf.reduce_sum(values))
            examples += len(values)
        return loss / examples, metric / examples, []

    def _streamed_program(self, examples, count):
        losses, metrics, unpenalized = (tf.TensorArray(tf.float32, count, element_shape=()) for _ in range(3))
        step = tf.constant(0)
        while step < count:
            loss, metric, bare = self._one_step(*examples.get_next())
            losses = losses.write(step, loss)
            metrics = metrics.write(step, metric)
            unpenalized = unpenalized.write(step, bare)
            step += 1
        return losses.stack(), metrics.stack(), unpenalized.stack()
