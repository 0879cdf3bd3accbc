"""The class probabilities of the test set, measured in a run, for ensembles (section 4.2.3). Knows no figure."""

import keras
import pandas as pd
import tensorflow as tf

from bnrepro.records.schemas import SCHEMAS, Tables


class Probabilities:
    """The class probabilities of the test set at the last evaluation, for ensembles (section 4.2.3).

    Args:
        model: The model of the run.
        x: The test set.
        y: Its labels.
    """

    def __init__(self, model: keras.Model, x: tf.Tensor, y: tf.Tensor):
        self.model, self.x, self.y = model, x, y
        self.rows = {}  # nothing before the last evaluation
        self._table = pd.DataFrame(columns=SCHEMAS["probabilities"])

    def measure(self, step: int, rate: float, last: bool) -> None:
        """Measures at the last evaluation."""
        if last:
            logits = self.model.predict(self.x, batch_size=1_000, verbose=0)
            values = keras.ops.softmax(logits).numpy()
            columns = dict(zip(SCHEMAS["probabilities"][3:], values.T, strict=True))
            self._table = pd.DataFrame({"run": "", "example": range(len(values)), "label": self.y.numpy(), **columns})

    def tables(self, run: str) -> Tables:
        """The table `probabilities`."""
        return {"probabilities": self._table.assign(run=run)}
