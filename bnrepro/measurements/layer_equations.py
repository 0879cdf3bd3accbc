"""What the paper says of the layer itself, measured on `BatchNormalization`: sections 2, 3, 3.1, 3.2 and 3.3.

Every measurement is repeated over random draws and written as tables. Knows no figure and no verdict.
"""

import keras
import numpy as np
import pandas as pd
import tensorflow as tf

from bnrepro.backend.keras_settings import default_settings
from bnrepro.layers import reference
from bnrepro.layers.batch_normalization import BatchNormalization
from bnrepro.layers.folding import fold
from bnrepro.layers.population import population_statistics
from bnrepro.records.schemas import SCHEMAS, Tables
from bnrepro.tasks.batch_order import batch_order

EPSILON = 1e-3
SCALES = (0.1, 0.3, 3.0, 10.0, 30.0, 100.0)
"""The a of section 3.3."""

BATCH_SIZES = (2, 4, 8, 16)
"""The m over which the running variance is measured."""


@default_settings()
def measure(draws: int) -> Tables:
    """The tables `facts`, `pairs` and `bias`, each draw from its own generator."""
    facts, pairs, bias = [], [], []
    for draw in range(draws):
        for part in (_transform, _gradient, _identity, _invariance, _convolution, _folding):
            found_facts, found_pairs = part(np.random.default_rng([draw, 0]))
            facts += [(claim, draw, *rest) for claim, *rest in found_facts]
            pairs += found_pairs if draw == 0 else []
        bias += [(draw, *rest) for rest in _bias(np.random.default_rng([draw, 1]))]
    facts += _running_variance(draws)
    return {
        "facts": pd.DataFrame(facts, columns=SCHEMAS["facts"]),
        "pairs": pd.DataFrame(pairs, columns=SCHEMAS["pairs"]),
        "bias": pd.DataFrame(bias, columns=SCHEMAS["bias"]),
    }


def _transform(generator):
    """Algorithm 1 on one mini-batch of skewed activations: what comes in, what goes out before gamma and beta."""
    x = generator.gamma(2.0, 3.0, (500, 1))
    y = _output(_layer(np.ones(1), np.zeros(1)), x)
    return [], [("Algorithm 1", "x_hat", *pair) for pair in zip(x.ravel(), y.ravel())]


def _gradient(generator):
    """A1: the layer's gradient against the printed equations, and against finite differences in float64."""
    x, dy = (generator.normal(2.0, 3.0, (12, 5)) for _ in range(2))
    gamma, beta = generator.uniform(0.5, 2.0, 5), generator.normal(size=5)
    expected = reference.gradients(dy, x, gamma, axis=-1, epsilon=EPSILON)
    found = _gradients_of(_layer(gamma, beta), x, dy)
    facts, pairs = [], []
    for name, ours, theirs in zip(("dx", "dgamma", "dbeta"), found, expected):
        facts.append(("A1", "printed equations", name, _relative_error(ours, theirs)))
    precise = _layer(gamma, beta, dtype="float64")
    by_hand = _gradients_of(precise, x, dy)[0]
    differences = _finite_differences(lambda values: float(np.sum(dy * _output(precise, values))), x)
    facts.append(("A1", "finite differences", "dx", _relative_error(by_hand, differences)))
    pairs += [("A1", "dx", *pair) for pair in zip(differences.ravel(), by_hand.ravel())]
    return facts, pairs


def _identity(generator):
    """A2: gamma = sqrt(Var[x] + epsilon) and beta = E[x] give x back."""
    x = generator.normal(generator.normal(size=5), generator.uniform(0.5, 3.0, 5), (60, 5))
    y = _output(_layer(np.sqrt(x.var(axis=0) + EPSILON), x.mean(axis=0)), x)
    error = float(np.max(np.abs(y - x) / x.std(axis=0)))
    return [("A2", "", "y", error)], [("A2", "y", *pair) for pair in zip(x.ravel(), y.ravel())]


def _invariance(generator):
    """A3: scaling the weights by a leaves the output and its Jacobian, and divides the weight gradient by a."""
    u, weights = generator.normal(size=(60, 20)), generator.normal(size=(20, 10))
    dy = generator.normal(size=(60, 10))
    facts = []
    for epsilon in (1e-12, EPSILON):
        layer = _layer(np.ones(10), np.zeros(10), epsilon=epsilon)
        base = _through_weights(layer, u, weights, dy)
        for scale in SCALES:
            y, du, dweights = _through_weights(layer, u, scale * weights, dy)
            for name, ours, theirs in zip(("output", "Jacobian", "weight gradient"), (y, du, dweights * scale), base):
                facts.append(("A3", f"epsilon {epsilon:g}, a {scale:g}", name, _relative_error(ours, theirs)))
    return facts, []


def _convolution(generator):
    """A7: statistics over batch and locations, m' = m p q, one gamma and beta a feature map."""
    x = generator.normal(1.0, 2.0, (4, 5, 6, 3))
    gamma, beta = generator.uniform(0.5, 2.0, 3), generator.normal(size=3)
    layer = _layer(gamma, beta, momentum=0.0, rank=4)
    y = _output(layer, x)
    expected, _, variance = reference.algorithm_1(x, gamma, beta, axis=-1, epsilon=EPSILON)
    m = reference.count(x.shape, axis=-1)
    unbiased = m / (m - 1) * variance
    facts = [
        ("A7", "m' = m p q", "output", _relative_error(y, expected)),
        ("A7", "m' = m p q", "running variance", _relative_error(layer.moving_variance.numpy(), unbiased)),
    ]
    return facts, [("A7", "output", *pair) for pair in zip(expected.ravel(), y.ravel())]


def _folding(generator):
    """A6: a net with population statistics, folded, gives what it gave unfolded."""
    facts, pairs = [], []
    for name, model in (("dense", _dense_net(generator)), ("convolutional", _convolutional_net(generator))):
        images = generator.normal(size=(256, *model.input_shape[1:])).astype("float32")
        population_statistics(model, images, batch_size=32)
        unfolded = model(images, training=False).numpy()
        folded = fold(model)(images, training=False).numpy()
        facts.append(("A6", name, "output", float(np.max(np.abs(folded - unfolded)))))
        pairs += [("A6", "output", *pair) for pair in zip(unfolded[:40].ravel(), folded[:40].ravel())]
    return facts, pairs


def _bias(generator, steps: int = 200, learning_rate: float = 0.1):
    """A4: section 2's x = u + b, centered over the batch; descent on b with and without the mean's own gradient."""
    u, target = generator.normal(size=60), generator.normal(1.0, 1.0, 60)
    for gradient in ("mean ignored", "mean included"):
        bias = 0.0
        for step in range(steps + 1):
            centered = (u + bias) - np.mean(u + bias)
            error = centered - target
            if step % 10 == 0:
                yield gradient, step, bias, float(np.mean(error**2))
            slope = 2 * error / len(u)
            bias -= learning_rate * float(np.sum(slope if gradient == "mean ignored" else slope - slope.mean()))


def _running_variance(
    draws: int, steps: int = 5_000, momentum: float = 0.998, features: int = 128, examples: int = 4_000
):
    """A5: running variance over the population's, for each m, with both divisors and for Keras's own layer."""
    layers = {
        "m - 1 (Algorithm 2)": BatchNormalization(momentum=momentum, ddof=1),
        "m": BatchNormalization(momentum=momentum, ddof=0),
        "Keras": keras.layers.BatchNormalization(momentum=momentum),
    }
    for layer in layers.values():
        layer.build((None, draws * features))
    population = 2 * np.random.default_rng(0).standard_normal((examples, draws * features), "float32")
    x, expected = tf.constant(population), population.var(axis=0, ddof=1)

    @tf.function(jit_compile=True)
    def feed(rows):
        for step in tf.range(steps):
            mini_batch = tf.gather(x, rows[step])
            for layer in layers.values():
                layer(mini_batch, training=True)

    facts = []
    for batch_size in BATCH_SIZES:
        for layer in layers.values():
            layer.moving_mean.assign(np.zeros(draws * features))
            layer.moving_variance.assign(np.ones(draws * features))
        feed(tf.constant(batch_order(0, examples, batch_size, steps)))
        for name, layer in layers.items():
            ratios = (layer.moving_variance.numpy() / expected).reshape(draws, features).mean(axis=1)
            facts += [("A5", draw, name, f"m = {batch_size}", float(ratio)) for draw, ratio in enumerate(ratios)]
    return facts


def _layer(gamma, beta, epsilon=EPSILON, momentum=0.99, dtype="float32", rank=2):
    layer = BatchNormalization(epsilon=epsilon, momentum=momentum, dtype=dtype)
    layer.build((*[None] * (rank - 1), len(gamma)))
    layer.gamma.assign(gamma)
    layer.beta.assign(beta)
    return layer


def _output(layer, x) -> np.ndarray:
    return layer(tf.constant(x, layer.compute_dtype), training=True).numpy()


def _gradients_of(layer, x, dy) -> list[np.ndarray]:
    x, dy = tf.constant(x, layer.compute_dtype), tf.constant(dy, layer.compute_dtype)
    with tf.GradientTape() as tape:
        tape.watch(x)
        loss = tf.reduce_sum(dy * layer(x, training=True))
    return [gradient.numpy() for gradient in tape.gradient(loss, [x, *layer.trainable_variables])]


def _through_weights(layer, u, weights, dy) -> tuple[np.ndarray, ...]:
    u, weights, dy = (tf.constant(values, layer.compute_dtype) for values in (u, weights, dy))
    with tf.GradientTape() as tape:
        tape.watch([u, weights])
        y = layer(u @ weights, training=True)
        loss = tf.reduce_sum(dy * y)
    return (y.numpy(), *(gradient.numpy() for gradient in tape.gradient(loss, [u, weights])))


def _finite_differences(function, x, width: float = 1e-5) -> np.ndarray:
    slopes = np.empty_like(x)
    for index in np.ndindex(x.shape):
        above, below = x.copy(), x.copy()
        above[index] += width
        below[index] -= width
        slopes[index] = (function(above) - function(below)) / (2 * width)
    return slopes


def _relative_error(found, expected) -> float:
    return float(np.max(np.abs(found - expected)) / np.max(np.abs(expected)))


def _dense_net(generator) -> keras.Model:
    return _net((20,), [keras.layers.Dense(30), keras.layers.Dense(10)], generator)


def _convolutional_net(generator) -> keras.Model:
    return _net((8, 8, 3), [keras.layers.Conv2D(6, 3), keras.layers.Conv2D(4, 3, strides=2)], generator)


def _net(shape, layers, generator) -> keras.Model:
    stack = [keras.Input(shape)]
    for layer in layers:
        stack += [layer, BatchNormalization(), keras.layers.Activation("relu")]
    model = keras.Sequential(stack)
    model.set_weights([generator.uniform(0.5, 1.0, weight.shape) for weight in model.get_weights()])
    return model
