"""The rate over a run is the formula, and the rate that stands for weight decay gives the same net as weight decay."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from bnrepro.config.run_config import RunConfig
from bnrepro.models.build import build_model
from bnrepro.models.initialize import initialize
from bnrepro.training.schedules import HalvingRate, MatchedSGD


@pytest.mark.parametrize("halvings", [0.0, 0.5, 3.0])
def test_the_rate_halves_as_often_as_it_is_told_to(halvings):
    rate = HalvingRate()
    rate.set(0.4, halvings, 200)
    assert float(rate(0)) == pytest.approx(0.4)
    assert float(rate(100)) == pytest.approx(0.4 * 2 ** (-halvings / 2))
    assert float(rate(200)) == pytest.approx(0.4 * 2**-halvings)


RATE, DECAY, STEPS = 0.1, 0.5, 12
X = tf.constant(np.random.default_rng(0).random((32, 6, 6, 1)), tf.float32)
Y = tf.constant(np.random.default_rng(1).integers(0, 10, 32), tf.int32)


def trained(normalization, optimizer=None, **changes):
    """A small net after some steps, in float32, with epsilon near 0."""
    config = RunConfig(normalization=normalization, activation="relu", initialization="he", hidden_units=8, **changes)
    if config.has("epsilon"):
        config = config.replace(epsilon=1e-9)
    model = build_model(config, (6, 6, 1), 10)
    initialize(model, config)
    *hidden, _ = (layer.kernel for layer in model.layers if hasattr(layer, "kernel"))
    optimizer = optimizer(hidden) if optimizer else keras.optimizers.SGD(RATE)
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    for _ in range(STEPS):
        with tf.GradientTape() as tape:
            value = tf.add_n([loss(Y, model(X, training=True)), *model.losses])
        optimizer.apply(tape.gradient(value, model.trainable_variables), model.trainable_variables)
    return model, optimizer


def matched(hidden):
    return MatchedSGD(RATE, DECAY, hidden)


@pytest.mark.slow
@pytest.mark.parametrize(("normalization", "same"), [("batch", True), ("none", False)])
def test_the_matched_rate_gives_the_net_that_weight_decay_gives_with_bn_alone(normalization, same):
    decayed, _ = trained(normalization, weight_decay=DECAY)
    grown, _ = trained(normalization, matched)
    plain, _ = trained(normalization)
    difference, effect = (np.abs(model(X, training=True) - decayed(X, training=True)).max() for model in (grown, plain))
    assert (difference < 1e-2 * effect) == same


@pytest.mark.slow
def test_the_scale_of_the_weights_is_all_that_differs():
    decayed, _ = trained("batch", weight_decay=DECAY)
    grown, _ = trained("batch", matched)
    kernels = (model.get_layer("hidden_1").kernel.numpy() for model in (decayed, grown))
    np.testing.assert_allclose(next(kernels), (1 - RATE * DECAY) ** STEPS * next(kernels), rtol=1e-2, atol=1e-4)


def test_only_the_named_variables_rate_grows_and_it_is_told():
    _, optimizer = trained("batch", matched)
    assert optimizer.grown_rate() == pytest.approx(RATE * (1 - RATE * DECAY) ** -(2 * STEPS + 1))
    assert float(optimizer.learning_rate) == pytest.approx(RATE)
