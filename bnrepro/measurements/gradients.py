"""Norms of weights and of their gradients, measured in a run.

A measurement is asked at every evaluation and gives its tables at the end; it leaves every variable of the model as it was. Knows
no data set and no figure.
"""

import keras
import numpy as np
import pandas as pd
from keras import ops

from bnrepro.backend.differentiation import loss_gradients
from bnrepro.measurements.norms import untouched
from bnrepro.records.schemas import SCHEMAS, Tables

EXAMPLES = 256
"""Training examples on which gradients are measured, always the same."""


class Gradients:
    """Norms of weights at every evaluation, and of each hidden kernel's gradient at the first and the last.

    Args:
        model: The model of the run.
        loss: Its loss, `loss(labels, logits)`.
        x: Training examples; the first `EXAMPLES` are used.
        y: Their labels.
    """

    def __init__(self, model: keras.Model, loss, x, y):
        self.model, self.loss, self.x, self.y = model, loss, x[:EXAMPLES], y[:EXAMPLES]
        *self.layers, _ = (layer for layer in model.layers if hasattr(layer, "kernel"))
        self.rows = {"geometry": []}

    def measure(self, step: int, rate: float, last: bool) -> None:
        """Takes what is measured at one step, at which the learning rate is `rate`."""
        norm = np.sqrt(
            sum(np.sum(np.square(ops.convert_to_numpy(layer.kernel.value), dtype=float)) for layer in self.layers)
        )
        self.rows["geometry"] += [(step, "all", "weight_norm", norm), (step, "all", "learning_rate", rate)]
        if step == 0 or last:
            _, gradients = self._pass()
            for layer, gradient in zip(self.layers, gradients):
                self.rows["geometry"].append((step, layer.name, "gradient_norm", float(_norm(gradient))))

    def tables(self, run: str) -> Tables:
        """The table `geometry`, and those of who measures more."""
        return {
            name: pd.DataFrame([(run, *row) for row in rows], columns=SCHEMAS[name]) for name, rows in self.rows.items()
        }

    def _pass(self) -> tuple:
        """Logits, and the loss's gradient by each hidden kernel, in training mode."""
        with untouched(self.model):
            return loss_gradients(self.model, self.loss, self.x, self.y, [layer.kernel for layer in self.layers])


def _norm(tensor):
    return ops.sqrt(ops.sum(tensor * tensor))
