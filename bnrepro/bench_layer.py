"""How long the layer takes against Keras's, both called in turns in this process, so that other work on the machine hits both.

Speed is for the TensorFlow backend; a row is a plain dictionary, and whoever prints or keeps it is not known.
"""

import statistics
import time

import keras
import numpy as np
import tensorflow as tf

from bnrepro.folding import fold
from bnrepro.layer import BatchNormalization

IMAGES = (64, 28, 28, 64)
ROWS = (60, 100)


def layer_rows(repeats=7):
    """The layer in training and at inference, and a folded net.

    Args:
        repeats: Samples of each side; a row has their medians.

    Returns:
        A list of `{name, unit, ours, theirs, ratio, n}`. Theirs is `keras.layers.BatchNormalization`, and in `fold/inference`
        the net before folding. `.../60x100/xla` is a step in a compiled loop of 2,000, as the engine runs it: a call for each
        step would time the call.
    """
    layers = {
        "layer/train/64x28x28x64/graph": lambda kind: _training(kind, IMAGES, jit_compile=False),
        "layer/train/64x28x28x64/xla": lambda kind: _training(kind, IMAGES, jit_compile=True),
        "layer/train/60x100/xla": lambda kind: _training(kind, ROWS, jit_compile=True, steps=2_000),
        "layer/inference/64x28x28x64/graph": lambda kind: _inference(keras.Sequential([kind()]), IMAGES),
    }
    rows = [
        _row(name, make(BatchNormalization), make(keras.layers.BatchNormalization), repeats)
        for name, make in layers.items()
    ]
    net = _net()
    return [
        *rows,
        _row("fold/inference", _inference(fold(net), (64, 28, 28, 3)), _inference(net, (64, 28, 28, 3)), repeats),
    ]


def _row(name, ours, theirs, repeats, at_least=0.05):
    """Medians of `repeats` samples of each side in turns; a sample repeats its call for `at_least` seconds."""
    for call in (ours, theirs):
        call()  # compiles
    calls = max(1, round(at_least / _seconds(theirs, 3)))
    samples = [(_seconds(ours, calls), _seconds(theirs, calls)) for _ in range(repeats)]
    mine, keras_s = (1e3 * statistics.median(side) for side in zip(*samples, strict=True))
    return {"name": name, "unit": "ms", "ours": mine, "theirs": keras_s, "ratio": mine / keras_s, "n": repeats}


def _seconds(call, calls):
    began = time.perf_counter()
    for _ in range(calls):
        steps = call()
    return (time.perf_counter() - began) / calls / steps


def _training(kind, shape, jit_compile, steps=1):
    """A call that runs `steps` forward and backward passes, with the running statistics, and returns `steps`."""
    generator = np.random.default_rng(0)
    x, dy = (tf.constant(generator.standard_normal(shape), "float32") for _ in range(2))
    layer = kind()
    layer.build(shape)

    @tf.function(jit_compile=jit_compile)
    def passes(x, dy):
        for _ in tf.range(steps):
            with tf.GradientTape() as tape:
                tape.watch(x)
                y = layer(x, training=True)
            dx, d_gamma, d_beta = tape.gradient(y, [x, layer.gamma.value, layer.beta.value], dy)
            # Each pass must need the one before it, or the loop may be emptied.
            x += 1e-3 * dx
            layer.gamma.assign_sub(1e-3 * d_gamma)
            layer.beta.assign_sub(1e-3 * d_beta)
        return x[(0,) * (len(shape) - 1)]

    def call():
        passes(x, dy).numpy()
        return steps

    return call


def _inference(model, shape):
    x = tf.constant(np.random.default_rng(0).standard_normal(shape), "float32")
    outputs = tf.function(lambda x: model(x, training=False))

    def call():
        outputs(x).numpy()
        return 1

    return call


def _net():
    net = [keras.Input((28, 28, 3))]
    for filters in (16, 32, 32):
        net += [
            keras.layers.Conv2D(filters, 3, padding="same", use_bias=False),
            BatchNormalization(),
            keras.layers.ReLU(),
        ]
    return keras.Sequential([*net, keras.layers.GlobalAveragePooling2D(), keras.layers.Dense(10)])
