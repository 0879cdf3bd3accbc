"""Gradients, Jacobians and invariances against what they are by definition, on a small inception_small."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from bnrepro.config.run_config import RunConfig
from bnrepro.layers.batch_normalization import BatchNormalization
from bnrepro.measurements import jacobians
from bnrepro.measurements.gradients import Gradients
from bnrepro.measurements.jacobians import SCALES, Geometry
from bnrepro.measurements.norms import untouched
from bnrepro.models.build import build_model
from bnrepro.models.initialize import initialize

pytestmark = pytest.mark.slow

LOSS = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
X = tf.constant(np.random.default_rng(0).random((12, 28, 28, 1)), tf.float32)
Y = tf.constant(np.random.default_rng(1).integers(0, 10, 12), tf.int32)
CONFIG = RunConfig(
    model="inception_small",
    width=4,
    activation="relu",
    initialization="he",
    batch_size=4,
    dropout=0.4,
    distortion=0.4,
    normalization="batch",
)


def net(**changes):
    config = CONFIG.replace(**changes)
    model = build_model(config, (28, 28, 1), 10)
    initialize(model, config)
    return model


@pytest.fixture(scope="module")
def measured():
    """A net with BN whose running statistics are not those of its start, and what is measured of it."""
    model = net()
    for _ in range(3):
        model(X, training=True)
    probe = Geometry(model, LOSS, X, Y)
    before = [variable.numpy() for variable in model.variables]
    probe.measure(0, 0.1, last=False)
    probe.measure(5, 0.05, last=True)
    return model, probe.tables("run"), before


def values(tables, quantity):
    geometry = tables["geometry"]
    return geometry[geometry["quantity"] == quantity]


def test_measuring_leaves_every_variable_as_it_was(measured):
    model, _, before = measured
    for variable, value in zip(model.variables, before, strict=True):
        np.testing.assert_array_equal(variable.numpy(), value)
    assert {layer.epsilon for layer in model.layers if isinstance(layer, BatchNormalization)} == {CONFIG["epsilon"]}


def test_weight_norm_and_rate_are_told_at_each_evaluation(measured):
    model, tables, _ = measured
    *hidden, _ = (layer.kernel.numpy() for layer in model.layers if hasattr(layer, "kernel"))
    expected = np.linalg.norm(np.concatenate([kernel.ravel() for kernel in hidden]))
    np.testing.assert_allclose(values(tables, "weight_norm")["value"], expected, rtol=1e-5)
    assert dict(values(tables, "learning_rate")[["step", "value"]].to_numpy()) == {0: 0.1, 5: 0.05}


def test_a_gradient_norm_is_the_change_of_the_loss_along_the_gradient(measured):
    model, tables, _ = measured
    norms = values(tables, "gradient_norm").query("step == 5").set_index("layer")["value"]
    *hidden, _ = (layer for layer in model.layers if hasattr(layer, "kernel"))
    assert list(norms.index) == [layer.name for layer in hidden]
    layer = model.get_layer("4e_three")

    def loss_and_gradient():
        with untouched(model), tf.GradientTape() as tape:
            loss = LOSS(Y, model(X, training=True))
        return float(loss), tape.gradient(loss, layer.kernel.value).numpy()

    _, gradient = loss_and_gradient()
    assert norms["4e_three"] == pytest.approx(np.linalg.norm(gradient), rel=1e-4)
    kernel, step = layer.kernel.numpy(), 1e-3 * gradient / np.linalg.norm(gradient)
    layer.kernel.assign(kernel + step)
    higher, _ = loss_and_gradient()
    layer.kernel.assign(kernel - step)
    lower, _ = loss_and_gradient()
    layer.kernel.assign(kernel)
    assert (higher - lower) / 2e-3 == pytest.approx(norms["4e_three"], rel=0.05)


def test_singular_values_are_those_of_the_jacobian_that_differentiation_gives(measured):
    model, tables, _ = measured
    first, second = (model.get_layer(f"4e_double_{number}_activation").input for number in (1, 2))
    z = keras.Model(model.inputs, first)(X[:3], training=False)
    onward = keras.Model(first, second)
    found = []
    for example in z:
        with tf.GradientTape() as tape:
            tape.watch(example)
            y = tf.reshape(onward(example[tf.newaxis], training=False), [-1])
        jacobian = tf.reshape(tape.jacobian(y, example), (len(y), -1)).numpy()
        found.append(np.linalg.svd(jacobian[:, jacobian.any(axis=0)], compute_uv=False))
    expected = np.percentile(np.concatenate(found), (5, 25, 50, 75, 95))
    measured_values = tables["geometry"].query("layer == '4e_double' and step == 5")
    quantiles = measured_values[measured_values["quantity"].str.startswith("singular")]["value"]
    np.testing.assert_allclose(quantiles, expected, rtol=1e-3)
    error = measured_values.set_index("quantity").loc["isometry_error", "value"]
    assert error == pytest.approx(np.abs(np.log10(np.concatenate(found))).mean(), rel=0.02)  # the smallest are rounding


def test_scaling_the_weights_changes_only_what_epsilon_explains(measured):
    invariances = measured[1]["invariances"]
    assert set(invariances["scale"]) == set(SCALES)
    assert (invariances["error"] < 1e-4).all()
    small = invariances.query("scale == 0.125 and quantity == 'logits'")["change"].item()
    large = invariances.query("scale == 2 and quantity == 'logits'")["change"].item()
    assert small > large > 0


def test_without_bn_nothing_is_said_of_invariances():
    probe = Geometry(net(normalization="none"), LOSS, X, Y)
    probe.measure(5, 0.1, last=True)
    assert probe.tables("run")["invariances"].empty


def test_a_net_without_invariance_is_found_out():
    """The check can fail: with the logits' kernel among the scaled ones the identity no longer holds."""
    model = net()
    probe = Geometry(model, LOSS, X, Y)
    probe.layers = [layer for layer in model.layers if hasattr(layer, "kernel")]
    probe.measure(5, 0.1, last=True)
    assert (probe.tables("run")["invariances"].query("quantity == 'logits'")["error"] > 0.1).all()


def test_gradients_alone_leave_jacobians_out():
    probe = Gradients(net(), LOSS, X, Y)
    probe.measure(0, 0.1, last=False)
    probe.measure(2, 0.1, last=False)
    probe.measure(5, 0.1, last=True)
    geometry = probe.tables("run")["geometry"]
    assert set(geometry["quantity"]) == {"weight_norm", "learning_rate", "gradient_norm"}
    assert set(geometry.query("quantity == 'gradient_norm'")["step"]) == {0, 5}


def test_a_separable_convolution_counts_as_one_linear_map_in_the_invariances(monkeypatch):
    monkeypatch.setattr(jacobians, "SCALES", (0.5, 8.0))
    monkeypatch.setattr(jacobians, "LARGEST_JACOBIAN", 0)
    config = CONFIG.replace(model="inception_bn", width=4, dropout=0.0, distortion=0.0)
    model = build_model(config, (32, 32, 3), 3)
    initialize(model, config)
    images = tf.constant(np.random.default_rng(0).random((12, 32, 32, 3)), tf.float32)
    probe = Geometry(model, LOSS, images, Y % 3)
    probe.measure(0, 0.1, last=True)
    invariances = probe.tables("run")["invariances"]
    assert sorted(invariances["scale"].unique()) == [0.5, 8.0]
    assert invariances["error"].max() < 1e-3 < invariances["change"].max()
