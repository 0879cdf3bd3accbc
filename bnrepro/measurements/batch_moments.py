"""What each BN of a trained net is given: moments of single mini-batches in training, of all examples at inference.

Many mini-batches are one compiled call, and one program serves every net of the same shape. Knows no config, no data set and
no table.
"""

import contextlib
import functools

import keras
import numpy as np
import tensorflow as tf

from bnrepro.backend.compilation import compile_mode
from bnrepro.measurements.norms import Moments, norms, set_for_now, untouched


def batch_moments(
    model: keras.Model, x: tf.Tensor, rows: np.ndarray, ddof: int = 1, dropout: bool = True, mode: str = "auto"
) -> dict[str, Moments]:
    """By the name of each BN, mean and variance of every mini-batch that it normalizes, in training mode; nothing is trained.

    They are the layer's own: what its running statistics become with momentum 0.

    Args:
        model: A model whose BN layers are `BatchNormalization`; all its variables are afterwards as they were.
        x: Examples, on the device.
        rows: The mini-batches, `(mini-batches, batch_size)` positions in `x`.
        ddof: 1 for the unbiased variance, 0 for the biased.
        dropout: Whether Dropout is active.
        mode: How it is compiled; see `compile_mode`.
    """
    with untouched(model):
        found = _program(model, rows.shape, ddof, dropout, mode)(x, tf.constant(rows))
    values = [value.numpy() for value in found]
    names = [layer.name for layer in norms(model)]
    return {name: Moments(*pair) for name, pair in zip(names, zip(values[::2], values[1::2]))}


def population_moments(found: dict[str, Moments]) -> dict[str, Moments]:
    """Step 10 of Algorithm 2: the expectations over the mini-batches of their means and of their variances."""
    return {name: Moments(each.mean.mean(axis=0), each.variance.mean(axis=0)) for name, each in found.items()}


def pooled_moments(found: dict[str, Moments]) -> dict[str, Moments]:
    """Mean and variance of all values together: the variance within the mini-batches (biased) and that of their means."""
    return {
        name: Moments(each.mean.mean(axis=0), each.variance.mean(axis=0) + each.mean.var(axis=0))
        for name, each in found.items()
    }


def inference_moments(model: keras.Model, x: tf.Tensor, block: int = 2_000, mode: str = "auto") -> dict[str, Moments]:
    """By the name of each BN, the moments over all examples (and locations) of what it is given at inference."""
    sums = [[0.0, 0.0] for _ in norms(model)]
    for start in range(0, len(x), block):
        part = x[start : start + block]
        for total, pair in zip(sums, _inputs(model, len(part), mode)(part)):
            for index, value in enumerate(pair):
                total[index] = total[index] + value.numpy().astype(float) * (len(part) / len(x))
    # The sum of squares is taken around the running mean, so that no digit is lost.
    return {
        layer.name: Moments(layer.moving_mean.numpy() + mean, square - mean**2)
        for layer, (mean, square) in zip(norms(model), sums)
    }


def batch_moments_at_inference(
    model: keras.Model, x: tf.Tensor, rows: np.ndarray, mode: str = "auto"
) -> dict[str, Moments]:
    """As `batch_moments`, of what each BN is given at inference: mean and unbiased variance of every mini-batch."""
    found = _program_at_inference(model, rows.shape, mode)(x, tf.constant(rows))
    names = [layer.name for layer in norms(model)]
    return {
        name: Moments(*(value.numpy() for value in pair)) for name, pair in zip(names, zip(found[::2], found[1::2]))
    }


@functools.lru_cache(maxsize=16)  # by shape, for TensorFlow warns of a function that is traced for many
def _program(model: keras.Model, shape: tuple[int, int], ddof: int, dropout: bool, mode: str):
    layers = norms(model)
    drops = [layer for layer in model.layers if isinstance(layer, keras.layers.Dropout)]

    @tf.function(jit_compile=compile_mode(model, mode) == "xla", autograph=False)
    def program(x, rows):
        # Attributes are read while a graph is traced, so they are set here and put back before anything else is traced.
        with contextlib.ExitStack() as changes:
            changes.enter_context(set_for_now(layers, momentum=0.0, ddof=ddof))
            changes.enter_context(set_for_now(() if dropout else drops, rate=0.0))

            def one(row):
                model(tf.gather(x, row), training=True)
                return [weight.value for layer in layers for weight in (layer.moving_mean, layer.moving_variance)]

            shapes = [
                tf.TensorSpec(weight.shape, weight.dtype) for layer in layers for weight in (layer.moving_mean,) * 2
            ]
            return tf.map_fn(one, rows, parallel_iterations=1, fn_output_signature=shapes)

    return program


@functools.lru_cache(maxsize=16)
def _inputs(model: keras.Model, examples: int, mode: str):
    seen = keras.Model(model.inputs, [layer.input for layer in norms(model)])

    @tf.function(jit_compile=compile_mode(model, mode) == "xla", autograph=False)
    def program(x):
        values = zip(norms(model), keras.tree.flatten(seen(x, training=False)))
        centred = [tf.reshape(value - layer.moving_mean.value, (-1, value.shape[-1])) for layer, value in values]
        return [(tf.reduce_mean(value, axis=0), tf.reduce_mean(tf.square(value), axis=0)) for value in centred]

    return program


@functools.lru_cache(maxsize=16)
def _program_at_inference(model: keras.Model, shape: tuple[int, int], mode: str):
    seen = keras.Model(model.inputs, [layer.input for layer in norms(model)])

    def one(x):
        found = []
        for value in keras.tree.flatten(seen(x, training=False)):
            value = tf.reshape(value, (-1, value.shape[-1]))
            mean, count = tf.reduce_mean(value, axis=0), tf.cast(tf.shape(value)[0], value.dtype)
            found += [mean, tf.reduce_sum(tf.square(value - mean), axis=0) / (count - 1)]
        return found

    specs = [tf.TensorSpec(layer.moving_mean.shape, tf.float32) for layer in norms(model) for _ in range(2)]

    @tf.function(jit_compile=compile_mode(model, mode) == "xla", autograph=False)
    def program(x, rows):
        return tf.map_fn(lambda row: one(tf.gather(x, row)), rows, parallel_iterations=1, fn_output_signature=specs)

    return program
