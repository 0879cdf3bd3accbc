"""A model of `building` in float64 NumPy: what it gives in training and at inference, and the statistics that it sees."""

import keras
import numpy as np
from keras import layers

from bnrepro.layers import reference
from bnrepro.layers.batch_normalization import BatchNormalization

ACTIVATIONS = {
    "linear": lambda x: x,
    "relu": lambda x: np.maximum(x, 0),
    "tanh": np.tanh,
    "sigmoid": lambda x: 1 / (1 + np.exp(-x)),
}


class Oracle:
    """One pass through the steps of a model.

    Args:
        training: Whether our layers normalize with the mini-batch.
        mask: Where values count, of the shape of the inputs without the features; None is everywhere.

    Attributes:
        seen: For each of our layers that trained, `(mean, biased variance, count)` of each of its calls.
    """

    def __init__(self, training: bool, mask=None):
        self.training, self.mask, self.seen = training, mask, {}

    def __call__(self, steps, x):
        x = np.asarray(x, "float64")
        for step in steps:
            if isinstance(step, list):
                y = self(step, x)
                x = x + y if x.shape == y.shape else y
            else:
                x = self._layer(step, x)
        return x

    def _layer(self, layer, x):
        if isinstance(layer, BatchNormalization):
            return self._normalized(layer, x)
        if isinstance(layer, layers.Masking):
            self.mask = np.any(x != layer.mask_value, -1)  # of what comes in now: a shared one is called twice
            return np.where(self.mask[..., None], x, 0)
        if not isinstance(layer, layers.Activation):
            x = _linear(layer, x)
        return ACTIVATIONS[keras.activations.serialize(layer.activation)](x)

    def _normalized(self, layer, x):
        gamma, beta, mean, variance = weights_of(layer)
        if not (self.training and layer.trainable):
            return reference.inference(x, gamma, beta, mean, variance, layer.axis, layer.epsilon)
        mask = None if self.mask is None else np.broadcast_to(self.mask[..., None], x.shape)
        y, mean, variance = reference.algorithm_1(x, gamma, beta, layer.axis, layer.epsilon, mask)
        count = reference.count(x.shape, layer.axis) if mask is None else self.mask.sum()
        self.seen.setdefault(layer, []).append((mean, variance, count))
        return y


def weights_of(layer: BatchNormalization) -> list:
    """`gamma, beta, mean, variance` in float64, 1 and 0 where there is none."""
    defaults = {"gamma": 1.0, "beta": 0.0, "moving_mean": None, "moving_variance": None}
    return [
        default if getattr(layer, name) is None else as_float64(getattr(layer, name))
        for name, default in defaults.items()
    ]


def moved(weights: list, seen: list, layer: BatchNormalization) -> tuple:
    """The running statistics of a layer that had these weights, after the calls in `seen`."""
    mean, variance = weights[2:]
    for batch_mean, batch_variance, count in seen:
        mean = reference.moving(mean, batch_mean, layer.momentum)
        variance = reference.moving(variance, batch_variance * count / (count - layer.ddof), layer.momentum)
    return mean, variance


def as_float64(tensor) -> np.ndarray:
    """A tensor as an array."""
    return np.asarray(keras.ops.convert_to_numpy(keras.ops.cast(tensor, "float64")))


def _linear(layer, x):
    """Dense layers, and convolutions that keep the size: a sum over the places of the kernel."""
    kernel = as_float64(layer.kernel)
    bias = as_float64(layer.bias) if layer.use_bias else 0.0
    if isinstance(layer, layers.Dense):
        return x @ kernel + bias
    first = layer.data_format == "channels_first"
    x = np.moveaxis(x, 1, -1) if first else x
    sizes, locations = kernel.shape[: x.ndim - 2], x.shape[1:-1]
    padded = np.pad(x, [(0, 0), *(((size - 1) // 2, size // 2) for size in sizes), (0, 0)])
    y = 0.0
    for place in np.ndindex(*sizes):
        window = tuple(slice(start, start + length) for start, length in zip(place, locations, strict=True))
        values, weights = padded[(slice(None), *window)], kernel[place]
        y = y + (values @ weights if _is_full(layer) else _each_apart(values, weights))
    y = y + bias
    return np.moveaxis(y, -1, 1) if first else y


def _is_full(layer) -> bool:
    return not isinstance(layer, (layers.DepthwiseConv1D, layers.DepthwiseConv2D))


def _each_apart(values, weights):
    """A depthwise kernel: the outputs of a feature stand together."""
    product = values[..., :, None] * weights
    return product.reshape(*values.shape[:-1], -1)
