"""Moments of what each BN normalizes, noted while a model runs. Knows no Algorithm 2, no experiment and no data set."""

import contextlib
import functools

import keras
from keras import ops

from bnrepro.layers import kernels
from bnrepro.layers.batch_normalization import BatchNormalization
from bnrepro.layers.folding import KINDS
from bnrepro.layers.training_mode import training_phase


@contextlib.contextmanager
def recording(indices, calls):
    """While it lasts, BN layers note the moments of what they normalize with a mini-batch: `(index, moments)` in `calls`.

    What is replaced is `call` of our class and of Keras's, so that a class derived from one of them that calls it, and does
    more, has what it normalizes noted, not what it is given.
    """
    originals = {kind: kind.call for kind in KINDS}
    for kind, call in originals.items():
        kind.call = _noting(call, indices, calls)
    try:
        yield
    finally:
        for kind, call in originals.items():
            kind.call = call


def repeats_any(layer, indices):
    """Whether the layer is recurrent with a BN of `indices` inside of its cell."""
    return isinstance(layer, keras.layers.RNN) and any(id(each) in indices for each in layer._flatten_layers())


@contextlib.contextmanager
def unrolled(recurrent):
    """While it lasts, recurrent layers call their cells once a step; else Keras calls them once more to see the outputs."""
    before = [layer.unroll for layer in recurrent]
    for layer in recurrent:
        layer.unroll = True
    try:
        yield
    finally:
        for layer, unroll in zip(recurrent, before):
            layer.unroll = unroll


def _noting(call, indices, calls):
    @functools.wraps(call)
    def noting(layer, inputs, training=None, mask=None):
        index, ours = indices.get(id(layer)), isinstance(layer, BatchNormalization)
        if index is None or (ours and kernels.is_ragged(inputs)):  # then it calls itself with the values
            return call(layer, inputs, training=training, mask=mask)
        in_training = bool(training_phase(layer, training))
        if not ours:
            # Keras's own layer does what a sibling was told, and not what a functional graph says.
            in_training = training = in_training and bool(training)
        if in_training and layer.trainable:
            values = kernels.ragged_values(inputs) if kernels.is_ragged(inputs) else inputs
            x = ops.cast(values, keras.backend.result_type(values.dtype, "float32"))
            calls.append((index, _moments(layer, x, mask)))
        return call(layer, inputs, training=training, mask=mask)

    return noting


def _moments(layer, x, mask):
    """`(number, mean, variance)` of the batches of a call that have two values of the feature or more, summed over them."""
    ours = layer if isinstance(layer, BatchNormalization) else BatchNormalization(axis=layer.axis)
    mean, variance, number = ours.batch_moments(x, mask)
    number = ops.broadcast_to(ops.cast(number, x.dtype), ops.shape(mean))
    usable = ops.cast(number > 1, x.dtype)
    correction = number / ops.maximum(number - 1, 1)
    moments = (usable, usable * mean, usable * variance * correction)
    return moments if len(mean.shape) == 1 else tuple(ops.sum(each, axis=0) for each in moments)
