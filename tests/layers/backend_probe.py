"""Run with KERAS_BACKEND set: what the layer gives on that backend, written to the .npz that is the only argument."""

import os
import sys

if os.environ["KERAS_BACKEND"] == "tensorflow":
    import tensorflow as tf

import keras
import numpy as np
from keras import layers, ops

from bnrepro.layers.batch_normalization import BatchNormalization
from bnrepro.layers.folding import fold
from bnrepro.layers.population import population_statistics

BACKEND = keras.backend.backend()
CASES = {
    "rows": ((6, 5), -1),
    "images": ((4, 6, 6, 3), -1),
    "channels first": ((4, 3, 6, 6), 1),
    "rank 5": ((3, 4, 2, 2, 5), 2),
}
FOUND = {}


def normal(*shape, seed=0):
    return (1 + 2 * np.random.default_rng(seed).standard_normal(shape)).astype("float32")


def with_random_weights(layer, shape):
    layer.build(shape)
    generator = np.random.default_rng(1)
    layer.set_weights([generator.uniform(0.5, 1.5, weight.shape).astype("float32") for weight in layer.weights])
    return layer


def keep(name, **values):
    for key, value in values.items():
        FOUND[f"{name}/{key}"] = np.asarray(ops.convert_to_numpy(value), "float64")


def call_and_differentiate(layer, x, dy, **arguments):
    """`y` and the gradients of `sum(y dy)` with respect to `x` and the trainable weights; statistics are updated."""
    if BACKEND == "tensorflow":
        x = tf.constant(x)
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = layer(x, training=True, **arguments)
        return y, tape.gradient(y, [x, *(weight.value for weight in layer.trainable_weights)], tf.constant(dy))
    if BACKEND == "torch":
        x = ops.convert_to_tensor(x).requires_grad_()
        y = layer(x, training=True, **arguments)
        weights = [weight.value for weight in layer.trainable_weights]
        y.backward(ops.convert_to_tensor(dy))
        return y.detach(), [value.grad for value in (x, *weights)]
    import jax

    def loss(x, trainable):
        state = [weight.value for weight in layer.non_trainable_weights]
        y, new = layer.stateless_call(trainable, state, x, training=True, **arguments)
        return ops.sum(y * dy), (y, new)

    differentiated = jax.jit(jax.value_and_grad(loss, (0, 1), has_aux=True))
    (_, (y, new)), (dx, weights) = differentiated(x, [weight.value for weight in layer.trainable_weights])
    for weight, value in zip(layer.non_trainable_weights, new, strict=True):
        weight.assign(value)
    return y, [dx, *weights]


def train(name, layer, x, dy, **arguments):
    y, (dx, *weights) = call_and_differentiate(layer, x, dy, **arguments)
    keep(name, y=y, dx=dx)
    keep(name, **{f"d_{weight.name}": value for weight, value in zip(layer.trainable_weights, weights, strict=True)})
    keep(name, **{weight.name: weight.value for weight in layer.non_trainable_weights})


def training_and_inference():
    for name, (shape, axis) in CASES.items():
        layer = with_random_weights(BatchNormalization(axis=axis, momentum=0.8), shape)
        keep(f"{name}, inference", y=layer(normal(*shape), training=False))
        train(name, layer, normal(*shape), normal(*shape, seed=1))
    x = (1e4 + np.random.default_rng(0).standard_normal((64, 8))).astype("float32")
    train("large mean", with_random_weights(BatchNormalization(momentum=0.0), x.shape), x, normal(64, 8, seed=1))
    clipping = {"rmin": 0.8, "rmax": 1.4, "dmax": 0.3}
    layer = BatchNormalization(renorm=True, renorm_clipping=clipping, renorm_momentum=0.7, momentum=0.9)
    train("renorm", with_random_weights(layer, (6, 5)), normal(6, 5), normal(6, 5, seed=1))


def masks():
    mask = np.random.default_rng(2).random((4, 5)) < 0.6
    for name, shape, axis in (("mask", (4, 5, 3), -1), ("mask, channels first", (4, 3, 5), 1)):
        layer = with_random_weights(BatchNormalization(axis=axis, momentum=0.8), shape)
        train(name, layer, normal(*shape), normal(*shape, seed=1), mask=ops.convert_to_tensor(mask))
    layer = with_random_weights(BatchNormalization(), (4, 3))
    train("empty", layer, normal(0, 3), normal(0, 3))
    train("all masked", layer, normal(4, 3), normal(4, 3, seed=1), mask=ops.zeros(4, "bool"))


def second_runs():
    """A step under rematerialization, and a layer that a functional graph calls for inference."""
    with keras.RematScope(mode="full"):
        layer = BatchNormalization(momentum=0.5)
    fixed, inputs = BatchNormalization(momentum=0.5), keras.Input((3,))
    model = keras.Model(inputs, layers.Dense(1)(layer(fixed(inputs, training=False))))
    model.compile(keras.optimizers.SGD(0.0), "mse")
    model.fit(normal(8, 3), normal(8, 1), batch_size=8, verbose=0)
    keep("second run", moving_mean=layer.moving_mean.value, fixed=fixed.moving_mean.value)


def models():
    model = keras.Sequential([keras.Input((6, 6, 2)), layers.Resizing(4, 4), BatchNormalization(momentum=0.0)])
    model(normal(3, 6, 6, 2))
    keep("bare call", moving_mean=model.layers[-1].moving_mean.value)
    for kind, name in ((BatchNormalization, "ours"), (layers.BatchNormalization, "theirs")):
        arguments = {"ddof": 0} if name == "ours" else {}
        stack = [layers.Dense(5, use_bias=False), kind(momentum=0.9, **arguments), layers.Dropout(0.0), layers.Dense(2)]
        model = with_random_weights(keras.Sequential([keras.Input((4,)), *stack]), (None, 4))
        model.compile(keras.optimizers.SGD(0.01), "mse")
        model.fit(normal(24, 4), normal(24, 2, seed=1), batch_size=8, epochs=2, shuffle=False, verbose=0)
        keep(f"fit, {name}", **{str(place): value for place, value in enumerate(model.get_weights())})
    population_statistics(model, normal(24, 4), 8)
    keep("population", mean=model.layers[1].moving_mean.value, variance=model.layers[1].moving_variance.value)
    keep("population", kernel=model.layers[0].kernel.value)
    keep("fold", unfolded=model(normal(24, 4), training=False), folded=fold(model)(normal(24, 4), training=False))
    adapted = layers.Normalization()
    adapted.adapt(normal(24, 4))
    stack = [adapted, layers.GaussianNoise(1.0), layers.Dense(3), BatchNormalization(), layers.LayerNormalization()]
    model = keras.Sequential([keras.Input((4,)), *stack])
    before = model.get_weights()
    folded = fold(model)
    assert len(folded.layers) == 4
    keep("fold, state", unfolded=model(normal(8, 4), training=False), folded=folded(normal(8, 4), training=False))
    for old, new in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(old, new)
    policy = BatchNormalization(dtype="bfloat16")
    policy(normal(4, 3), training=True)
    assert policy.moving_variance.dtype == "float32"


class Cell(layers.Layer):
    """A recurrent cell with BN on its inputs."""

    state_size = 2

    def __init__(self):
        super().__init__()
        self.bn = BatchNormalization()

    def build(self, shape):
        self.bn.build((None, 2))

    def call(self, inputs, states, training=None):
        hidden = self.bn(inputs, training=training) + states[0]
        return hidden, [hidden]


def populations():
    """A BN in a recurrent cell and one that the graph calls for inference, from mini-batches with targets."""
    inputs = keras.Input((3, 2))
    fixed, recurrent = BatchNormalization(), layers.RNN(Cell())
    model = keras.Model(inputs, recurrent(fixed(inputs, training=False)))
    x = normal(8, 3, 2)
    population_statistics(model, ((x[start : start + 4], x) for start in (0, 4)))
    bn = recurrent.cell.bn
    keep("cell", mean=bn.moving_mean.value, variance=bn.moving_variance.value, fixed=fixed.moving_mean.value)


def refusals():
    try:
        BatchNormalization()(normal(1, 3), training=True)
    except ValueError as error:
        assert "training needs at least 2 values" in str(error)
    else:
        raise AssertionError("a batch of one was not refused")


if __name__ == "__main__":
    training_and_inference()
    masks()
    second_runs()
    models()
    populations()
    refusals()
    np.savez(sys.argv[1], **FOUND)
