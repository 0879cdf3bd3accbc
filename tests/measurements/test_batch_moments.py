"""Moments of mini-batches and of all examples, against NumPy and against the layer's own Algorithm 2."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from bnrepro.config.run_config import RunConfig
from bnrepro.layers.population import population_statistics
from bnrepro.measurements.batch_moments import batch_moments, inference_moments, pooled_moments, population_moments
from bnrepro.measurements.norms import normalizing_with, norms
from bnrepro.models.build import build_model
from bnrepro.models.initialize import initialize

pytestmark = pytest.mark.slow

RNG = np.random.default_rng(0)
X = tf.constant(RNG.random((240, 6, 6, 1)), tf.float32)
ROWS = RNG.permutation(240).reshape(20, 12).astype(np.int32)
CONFIG = RunConfig(activation="relu", initialization="he", normalization="batch", hidden_units=8, hidden_layers=2)
CLOSE = dict(rtol=2e-5, atol=2e-6)


def net(**changes):
    config = CONFIG.replace(**changes)
    model = build_model(config, (6, 6, 1), 10)
    initialize(model, config)
    return model


def state(model) -> list[np.ndarray]:
    return [variable.numpy() for variable in model.variables]


def test_a_mini_batchs_moments_are_numpys():
    model = net()
    inputs = keras.Model(model.inputs, norms(model)[0].input)(X).numpy()
    for ddof in (0, 1):
        found = batch_moments(model, X, ROWS, ddof=ddof)["hidden_1_normalization"]
        np.testing.assert_allclose(found.mean, inputs[ROWS].mean(axis=1), **CLOSE)
        np.testing.assert_allclose(found.variance, inputs[ROWS].var(axis=1, ddof=ddof), **CLOSE)


@pytest.mark.parametrize("changes", [{}, {"hidden_layers": 4}, {"activation": "sigmoid"}])
def test_their_expectation_is_what_algorithm_2_sets(changes):
    model = net(**changes)
    found = population_moments(batch_moments(model, X, ROWS))
    for layer, (mean, variance) in population_statistics(model, X.numpy()[ROWS.ravel()], batch_size=12).items():
        np.testing.assert_allclose(found[layer.name].mean, mean, **CLOSE)
        np.testing.assert_allclose(found[layer.name].variance, variance, **CLOSE)


def test_pooled_moments_are_those_of_all_values_together():
    model = net()
    inputs = keras.Model(model.inputs, norms(model)[0].input)(X).numpy()
    pooled = pooled_moments(batch_moments(model, X, ROWS, ddof=0))["hidden_1_normalization"]
    np.testing.assert_allclose(pooled.mean, inputs.mean(axis=0), **CLOSE)
    np.testing.assert_allclose(pooled.variance, inputs.var(axis=0), **CLOSE)


def test_moments_at_inference_are_those_of_what_a_layer_is_given_there():
    model = net()
    for layer in norms(model):
        layer.moving_mean.assign(RNG.normal(size=8))
        layer.moving_variance.assign(RNG.uniform(0.5, 2, 8))
    found = inference_moments(model, X, block=100)
    for layer in norms(model):
        inputs = keras.Model(model.inputs, layer.input)(X, training=False).numpy()
        np.testing.assert_allclose(found[layer.name].mean, inputs.mean(axis=0), **CLOSE)
        np.testing.assert_allclose(found[layer.name].variance, inputs.var(axis=0), **CLOSE)


def test_convolutions_are_measured_over_batch_and_locations():
    config = CONFIG.replace(model="inception_small", width=4)
    model, x = build_model(config, (28, 28, 1), 10), tf.constant(RNG.random((8, 28, 28, 1)), tf.float32)
    initialize(model, config)
    stem = keras.Model(model.inputs, norms(model)[0].input)(x).numpy()
    found = batch_moments(model, x, np.arange(8, dtype=np.int32).reshape(2, 4))["stem_normalization"]
    np.testing.assert_allclose(found.mean, stem.reshape(2, 4, *stem.shape[1:]).mean(axis=(1, 2, 3)), **CLOSE)
    np.testing.assert_allclose(
        inference_moments(model, x)["stem_normalization"].variance, stem.var(axis=(0, 1, 2)), **CLOSE
    )


def test_without_dropout_the_moments_are_those_of_a_net_that_has_none():
    dropped, plain = net(dropout=0.5), net()
    for name, each in batch_moments(dropped, X, ROWS, dropout=False).items():
        np.testing.assert_allclose(each.variance, batch_moments(plain, X, ROWS)[name].variance, **CLOSE)
    second = "hidden_2_normalization"
    active = population_moments(batch_moments(dropped, X, ROWS))[second].variance
    assert active.mean() > 1.1 * population_moments(batch_moments(plain, X, ROWS))[second].variance.mean()


def test_looking_changes_nothing_and_other_statistics_last_as_long_as_asked():
    model = net(dropout=0.5)
    before, said = state(model), model(X, training=False).numpy()
    moments = population_moments(batch_moments(model, X, ROWS))
    inference_moments(model, X)
    with normalizing_with(model, moments):
        assert np.abs(model(X, training=False).numpy() - said).max() > 0.01
    for old, new in zip(before, state(model)):
        np.testing.assert_array_equal(old, new)
    assert {(layer.momentum, layer.ddof) for layer in norms(model)} == {(0.99, 1)}
    np.testing.assert_array_equal(model(X, training=False).numpy(), said)
