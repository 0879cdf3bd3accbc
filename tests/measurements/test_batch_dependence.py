"""The spread over mini-batch mates and the probabilities, against direct computation."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from bnrepro.layers.batch_normalization import BatchNormalization
from bnrepro.measurements.batch_dependence import SIZES, Mates
from bnrepro.measurements.class_probabilities import Probabilities
from bnrepro.records.schemas import SCHEMAS

pytestmark = pytest.mark.slow

X = tf.constant(np.random.default_rng(0).standard_normal((600, 4)), tf.float32)
Y = tf.constant(np.random.default_rng(1).integers(0, 10, 600), tf.int32)


def net(*normalization):
    return keras.Sequential([keras.Input((4,)), *normalization, keras.layers.Dense(10)])


def spreads(model, seed=0):
    probe = Mates(model, X, seed)
    probe.measure(3, 0.1, last=False)
    probe.measure(5, 0.1, last=True)
    mates = probe.tables("run")["mates"]
    assert list(mates["batch_size"]) == 2 * list(SIZES)
    return {mode: rows["spread"].to_numpy() for mode, rows in mates.groupby("mode")}


@pytest.fixture(scope="module")
def with_bn():
    """The spreads of a net with BN, and its running means before and after they were measured."""
    layer = BatchNormalization()
    model = net(layer)
    model(X, training=True)
    before = layer.moving_mean.numpy()
    return spreads(model), before, layer.moving_mean.numpy()


def test_an_output_varies_with_its_mates_in_training_as_one_over_the_root_of_the_mini_batch(with_bn):
    found, large = with_bn[0]["training"], np.array(SIZES) >= 16
    slope = np.polyfit(np.log(np.array(SIZES)[large]), np.log(found[large]), 1)[0]
    assert slope == pytest.approx(-0.5, abs=0.1)


def test_an_output_does_not_vary_at_inference_nor_without_bn(with_bn):
    assert with_bn[0]["inference"].max() < 1e-5
    assert max(values.max() for values in spreads(net()).values()) < 1e-5


def test_measuring_leaves_the_running_statistics_as_they_were(with_bn):
    _, before, after = with_bn
    np.testing.assert_array_equal(after, before)


def test_probabilities_are_the_softmax_of_the_logits_at_the_last_evaluation():
    model = net()
    probe = Probabilities(model, X, Y)
    probe.measure(3, 0.1, last=False)
    assert probe.tables("run")["probabilities"].empty
    probe.measure(5, 0.1, last=True)
    table = probe.tables("run")["probabilities"]
    assert tuple(table.columns) == SCHEMAS["probabilities"]
    np.testing.assert_array_equal(table["label"], Y)
    np.testing.assert_allclose(table.filter(like="class_"), tf.nn.softmax(model(X)), rtol=1e-5)
    assert set(table["run"]) == {"run"}
