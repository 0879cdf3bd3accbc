"""Gradients on the backend that Keras runs on, for measurements that are written once for all. Knows no run and no layer."""

from collections.abc import Callable

import keras
from keras import ops


def loss_gradients(model: keras.Model, loss: Callable, x, y, weights: list[keras.Variable]) -> tuple:
    """The outputs of a model in training mode, and the gradients of its loss by some of its weights.

    On TensorFlow the call moves running statistics and random generators; who minds puts them back.

    Args:
        model: The model.
        loss: `loss(targets, outputs)`, a scalar.
        x: Inputs.
        y: Targets.
        weights: The weights.
    """
    if keras.backend.backend() == "tensorflow":
        import tensorflow as tf

        with tf.GradientTape() as tape:
            outputs = model(x, training=True)
            value = loss(y, outputs)
        return outputs, tape.gradient(value, [weight.value for weight in weights])
    import jax

    def loss_of(values):
        with keras.StatelessScope(list(zip(weights, values))):
            outputs = model(x, training=True)
            return loss(y, outputs), outputs

    gradients, outputs = jax.grad(loss_of, has_aux=True)([weight.value for weight in weights])
    return outputs, gradients


def slopes(function: Callable, x):
    """The derivative of a function of single numbers at each number of `x`."""
    if keras.backend.backend() == "tensorflow":
        import tensorflow as tf

        with tf.GradientTape() as tape:
            tape.watch(x)
            y = function(x)
        return tape.gradient(y, x)
    import jax

    return jax.grad(lambda x: ops.sum(function(x)))(x)
