"""How much a trained net's outputs vary with an example's mini-batch mates (section 3.4), measured in a run.

Asked at the last evaluation alone, like `gradients`. Knows no data set and no figure.
"""

import keras
import numpy as np
import pandas as pd
import tensorflow as tf

from bnrepro.measurements.norms import untouched
from bnrepro.records.schemas import SCHEMAS, Tables

SIZES = (2, 4, 8, 16, 32, 64, 128, 256)
"""Mini-batches in which an example is seen."""

FIXED, BATCHES = 32, 32
"""Examples that are followed, and random mini-batches of each size for each of them."""


class Mates:
    """How much an example's logits vary with the other examples of its mini-batch (section 3.4), in training and inference mode.

    The spread is the root mean square, over examples and logits, of the standard deviation over mini-batches, relative to the
    standard deviation of the logits over the examples at inference.

    Args:
        model: The model of the run.
        x: Training examples; the first `FIXED` are followed, their mates are drawn among the others.
        seed: Draws them.
    """

    def __init__(self, model: keras.Model, x: tf.Tensor, seed: int):
        self.model, self.x, self.seed = model, x, seed
        self.rows = {"mates": []}

    def measure(self, step: int, rate: float, last: bool) -> None:
        """Measures at the last evaluation."""
        if not last:
            return
        scale = self.model(self.x[:FIXED], training=False).numpy().std(axis=0)
        with untouched(self.model):
            for training, mode in ((True, "training"), (False, "inference")):
                for size in SIZES:
                    logits = self._logits(size, training)  # (examples, mini-batches, classes)
                    spread = np.sqrt(np.square(logits.std(axis=1)).mean() / np.square(scale).mean())
                    self.rows["mates"].append((mode, size, spread))

    def _logits(self, size: int, training: bool) -> np.ndarray:
        generator = np.random.default_rng([self.seed, 2, size])
        rows = np.empty((FIXED * BATCHES, size), np.int32)
        rows[:, 0] = np.repeat(np.arange(FIXED), BATCHES)
        for row in rows:
            row[1:] = generator.choice(len(self.x) - FIXED, size - 1, replace=False) + FIXED

        @tf.function
        def first_of_each(rows):
            def first(row):
                return self.model(tf.gather(self.x, row), training=training)[0]

            return tf.map_fn(first, rows, fn_output_signature=tf.float32)

        return first_of_each(tf.constant(rows)).numpy().reshape(FIXED, BATCHES, -1)

    def tables(self, run: str) -> Tables:
        """The table `mates`."""
        return {"mates": pd.DataFrame([(run, *row) for row in self.rows["mates"]], columns=SCHEMAS["mates"])}
