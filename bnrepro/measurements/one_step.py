"""What one step along a mini-batch's own gradient does to activations and loss, measured in a run: all weights or some of them
take it. Like `gradients`, it is asked at every evaluation and leaves every variable of the model as it was. Knows no figure.
"""

import contextlib
from collections.abc import Iterable, Iterator

import keras
import numpy as np
import pandas as pd
from keras import ops

from bnrepro.backend.differentiation import loss_gradients
from bnrepro.measurements.norms import untouched
from bnrepro.records.schemas import SCHEMAS, Tables

ALL, NONE = "all", "nothing"
"""The groups of all weights and of none, beside those of `groups`."""

_DIGITS = 4
"""Significant digits of what is told: two seeds share fewer."""


class OneStep:
    """At every evaluation, in training mode on a mini-batch that is always the same, before and after a step of gradient descent.

    Of each layer with a kernel, the norms of the kernel and of its gradient, and the root mean square of what its linear map
    gives, which no normalization and no nonlinearity has changed yet, before the step and after all weights have taken it. Of
    each of `groups`, the norms of its weights and of their gradient, and the loss after these weights alone have taken the
    step. The last layer is a group of its own, so its row has both.

    Args:
        model: The model of the run.
        loss: Its loss, `loss(labels, logits)`.
        x: Training examples.
        y: Their labels.
        batch_size: How many of them, from the first on, are the mini-batch.
    """

    def __init__(self, model: keras.Model, loss, x, y, batch_size: int):
        self.model, self.loss, self.x, self.y = model, loss, x[:batch_size], y[:batch_size]
        self.layers = [layer for layer in model.layers if hasattr(layer, "kernel")]
        self.groups = groups(model)
        self.weights = model.trainable_variables
        self._seen = keras.Model(model.inputs, [layer.output for layer in self.layers])
        self.rows = {"updates": []}

    def measure(self, step: int, rate: float, last: bool) -> None:
        """Takes what is measured at one step, at which the learning rate is `rate`."""
        taken = {**self.groups, ALL: self.weights}
        with untouched(self.model):
            outputs, found = loss_gradients(self._seen, self._loss_of, self.x, self.y, self.weights)
            values, gradients = (
                {id(weight): _number(value) for weight, value in zip(self.weights, each)}
                for each in ([weight.value for weight in self.weights], found)
            )
            with np.errstate(over="ignore", invalid="ignore"):  # past the largest rate that is what is measured
                new = {key: value - rate * gradients[key] for key, value in values.items()}
            after = {}
            for part, weights in taken.items():
                with _set_for_now(weights, new, values):
                    after[part] = self._seen(self.x, training=True)
        losses = {part: float(self._loss_of(self.y, each)) for part, each in {NONE: outputs, **after}.items()}
        *hidden, outermost = self.layers
        pairs = list(zip(outputs, after[ALL]))
        parts = [(layer.name, [layer.kernel], pair) for layer, pair in zip(hidden, pairs)]
        parts += [
            (part, weights, pairs[-1] if part == outermost.name else ())
            for part, weights in {NONE: [], **taken}.items()
        ]
        for part, weights, pair in parts:
            norms = [_norm(each[id(weight)] for weight in weights) for each in (values, gradients)]
            sizes = [_root_mean_square(each) for each in pair] or [np.nan, np.nan]
            self.rows["updates"].append((step, part, *map(_rounded, (*norms, *sizes, losses.get(part, np.nan)))))

    def tables(self, run: str) -> Tables:
        """The table `updates`."""
        rows = [(run, *row) for row in self.rows["updates"]]
        return {"updates": pd.DataFrame(rows, columns=SCHEMAS["updates"])}

    def _loss_of(self, y, outputs: list):
        return self.loss(y, outputs[-1])


def groups(model: keras.Model) -> dict[str, list[keras.Variable]]:
    """The trainable weights of a model by what they are called in their layer, as `kernel` or `gamma`; those of the last layer
    with a kernel by that layer's name.
    """
    *_, outermost = (layer for layer in model.layers if hasattr(layer, "kernel"))
    found = {}
    for layer in model.layers:
        for weight in layer.trainable_weights:
            found.setdefault(outermost.name if layer is outermost else weight.name, []).append(weight)
    return found


@contextlib.contextmanager
def _set_for_now(weights: Iterable[keras.Variable], new: dict, old: dict) -> Iterator[None]:
    """Weights with the values `new`, for a while."""
    try:
        for weight in weights:
            weight.assign(new[id(weight)])
        yield
    finally:
        for weight in weights:
            weight.assign(old[id(weight)])


def _number(tensor) -> np.ndarray:
    return ops.convert_to_numpy(tensor)


def _norm(tensors: Iterable[np.ndarray]) -> float:
    """Of all their values together; in double precision, for their squares are beyond single where a net diverges."""
    return float(np.sqrt(sum(np.sum(np.square(each, dtype=float)) for each in tensors)))


def _root_mean_square(tensor) -> float:
    return float(np.sqrt(np.mean(np.square(_number(tensor), dtype=float))))


def _rounded(value: float) -> float:
    return float(f"{value:.{_DIGITS}g}")
