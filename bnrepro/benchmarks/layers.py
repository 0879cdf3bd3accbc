"""How long the layer takes against Keras's, both called in turns in this process, so that other work on the machine hits both.

Speed is for the TensorFlow backend; a row is a plain dictionary, and whoever prints or keeps it is not known.
"""

import statistics
import time

import keras
import numpy as np
import tensorflow as tf

from bnrepro.layers.batch_normalization import BatchNormalization
from bnrepro.layers.folding import fold

IMAGES = (64, 28, 28, 64)
LOOP = 1_000


def layer_row(name, repeats=7):
    """The layer in training or at inference, or a folded net.

    Args:
        name: One of `SIDES`.
        repeats: Samples of each side; the row has their medians.

    Returns:
        `{name, unit, ours, theirs, ratio, n}`. Theirs is `keras.layers.BatchNormalization`. `layer/train/60x100/xla` is a pass
        within one compiled loop of 1,000, as the engine runs them: a call for each pass would time the call. In
        `fold/inference` theirs is a small convolutional net with our own BN, ours the same net folded; there is little to
        gain, for TensorFlow's graph optimizer already merges our fused op into the convolution before it. In
        `fold/inference/keras` theirs is the same net with Keras's BN, which it cannot merge.
    """
    return _row(name, *SIDES[name](), repeats, LOOP if "60x100" in name else 1)


def _row(name, ours, theirs, repeats, passes, at_least=0.05):
    """Medians of `repeats` samples of each side in turns; a sample repeats its call for about `at_least` seconds."""
    for call in (ours, theirs):
        call()  # compiles
    calls = max(1, round(at_least / _seconds(theirs, 1)))
    samples = [(_seconds(ours, calls), _seconds(theirs, calls)) for _ in range(repeats)]
    medians = [1e3 * statistics.median(side) / calls / passes for side in zip(*samples, strict=True)]
    row = dict(zip(("ours", "theirs"), medians, strict=True))
    return {"name": name, "unit": "ms", **row, "ratio": medians[0] / medians[1], "n": repeats}


def _seconds(call, calls):
    began = time.perf_counter()
    for _ in range(calls):
        call()
    return time.perf_counter() - began


def _training(kind, jit_compile):
    """A call of one forward and backward pass, running statistics included."""
    x, a_pass, _ = _passes(kind, IMAGES)
    compiled = tf.function(a_pass, jit_compile=jit_compile)
    return lambda: compiled(x)[-1].numpy()


def _training_loop(kind, shape):
    """A call of `LOOP` such passes in one program of XLA."""
    start, a_pass, layer = _passes(kind, shape)

    @tf.function(jit_compile=True)
    def compiled(x):
        for _ in tf.range(LOOP):
            # Each pass must need the one before it, or the loop may be emptied.
            dx, d_gamma, d_beta = a_pass(x)
            x += 1e-3 * dx
            layer.gamma.assign_sub(1e-3 * d_gamma)
            layer.beta.assign_sub(1e-3 * d_beta)
        return x

    return lambda: compiled(start).numpy()


def _passes(kind, shape):
    generator = np.random.default_rng(0)
    x, dy = (tf.constant(generator.standard_normal(shape), "float32") for _ in range(2))
    layer = kind()
    layer.build(shape)

    def a_pass(x):
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = layer(x, training=True)
        return tape.gradient(y, [x, layer.gamma.value, layer.beta.value], dy)

    return x, a_pass, layer


def _inference(model, shape):
    x = tf.constant(np.random.default_rng(0).standard_normal(shape), "float32")
    compiled = tf.function(lambda x: model(x, training=False)[0])  # all is computed, but little copied
    return lambda: compiled(x).numpy()


def _net(kind):
    """Three convolutions of 3 x 3 on 28 x 28 x 3, each with BN and ReLU."""
    net = [keras.Input((28, 28, 3))]
    for filters in (16, 32, 32):
        net += [keras.layers.Conv2D(filters, 3, padding="same", use_bias=False), kind(), keras.layers.ReLU()]
    return keras.Sequential([*net, keras.layers.GlobalAveragePooling2D(), keras.layers.Dense(10)])


def _both(measured, **options):
    """Of ours and of Keras's layer."""
    return [measured(kind, **options) for kind in (BatchNormalization, keras.layers.BatchNormalization)]


def _folded(kind):
    """A net folded, and as it is."""
    net = _net(kind)
    return [_inference(model, (64, 28, 28, 3)) for model in (fold(net), net)]


SIDES = {
    "layer/train/64x28x28x64/graph": lambda: _both(_training, jit_compile=False),
    "layer/train/64x28x28x64/xla": lambda: _both(_training, jit_compile=True),
    "layer/train/60x100/xla": lambda: _both(_training_loop, shape=(60, 100)),
    "layer/inference/64x28x28x64/graph": lambda: _both(lambda kind: _inference(keras.Sequential([kind()]), IMAGES)),
    "fold/inference": lambda: _folded(BatchNormalization),
    "fold/inference/keras": lambda: _folded(keras.layers.BatchNormalization),
}
"""By the name of a row, what makes its two sides."""
