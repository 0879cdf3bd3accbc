"""One step of gradient descent against what it is by hand, on a net of two weights and two biases, and with BN on a small one."""

import keras
import numpy as np
import pytest
from keras import layers, ops

from bnrepro.layers.batch_normalization import BatchNormalization
from bnrepro.measurements.one_step import OneStep, groups

RATE = 0.1


def mean_square(targets, outputs):
    return ops.mean(ops.square(outputs - targets))


@pytest.fixture(scope="module")
def by_hand():
    """Of the examples 1 and 3 (and 7, beyond the mini-batch) the net says `2 * relu(x)`; both targets are 0.

    So the loss is 20, and its gradient 40 by the hidden kernel, 16 by its bias, 20 and 8 by those of the outputs.
    """
    x = keras.Input((1,))
    hidden = layers.Dense(1, kernel_initializer="ones", name="hidden_1")(x)
    outputs = layers.Dense(1, kernel_initializer=keras.initializers.Constant(2.0), name="logits")
    model = keras.Model(x, outputs(layers.Activation("relu")(hidden)))
    probe = OneStep(model, mean_square, ops.array([[1.0], [3.0], [7.0]]), ops.zeros((3, 1)), batch_size=2)
    probe.measure(4, RATE, last=False)
    return model, probe.tables("run")["updates"].set_index("part")


def test_the_norms_of_weights_and_gradients_are_those_of_each_part(by_hand):
    table = by_hand[1]
    parts = ["hidden_1", "kernel", "bias", "logits", "all", "nothing"]
    assert set(table.index) == set(parts) and set(table["step"]) == {4}
    assert table.loc[parts, "weight_norm"].tolist() == pytest.approx([1, 1, 0, 2, 5**0.5, 0], rel=1e-3)
    gradients = [40, 40, 16, 464**0.5, 2320**0.5, 0]
    assert table.loc[parts, "gradient_norm"].tolist() == pytest.approx(gradients, rel=1e-3)


def test_outputs_are_those_of_the_linear_maps_before_the_step_and_after_it(by_hand):
    """The hidden map becomes `-3 x - 1.6`, which is below 0 for both, so that the outputs are the last bias, -0.8."""
    table = by_hand[1]
    before, after = (table.loc[["hidden_1", "logits"], f"output_{when}"].tolist() for when in ("before", "after"))
    assert before == pytest.approx([5**0.5, 20**0.5], rel=1e-3)
    assert after == pytest.approx([((4.6**2 + 10.6**2) / 2) ** 0.5, 0.8], rel=1e-3)
    assert table.loc[["kernel", "bias", "all", "nothing"], ["output_before", "output_after"]].isna().all(axis=None)


def test_the_loss_is_that_of_these_weights_alone_having_taken_the_step(by_hand):
    """The hidden kernel alone shuts the ReLU: 0. Its bias leaves 1.4 of 3: 2.8 at the outputs. The outputs' layer says -0.8."""
    expected = {"nothing": 20.0, "kernel": 0.0, "bias": 2.8**2 / 2, "logits": 0.64, "all": 0.64}
    assert by_hand[1]["loss"].dropna().to_dict() == pytest.approx(expected, rel=1e-3)


def test_every_weight_is_as_it_was(by_hand):
    assert [float(weight.numpy().item()) for weight in by_hand[0].weights] == [1, 0, 2, 0]


def test_a_net_with_bn_has_gamma_and_beta_in_place_of_a_bias_and_keeps_its_running_statistics():
    x = keras.Input((3,))
    hidden = BatchNormalization()(layers.Dense(4, use_bias=False, name="hidden_1")(x))
    model = keras.Model(x, layers.Dense(2, name="logits")(layers.Activation("relu")(hidden)))
    assert {name: len(weights) for name, weights in groups(model).items()} == dict(kernel=1, gamma=1, beta=1, logits=2)
    before = [variable.numpy() for variable in model.variables]
    examples = ops.array(np.random.default_rng(0).random((8, 3)), "float32")
    probe = OneStep(model, mean_square, examples, ops.ones((8, 2)), batch_size=8)
    probe.measure(0, RATE, last=False)
    for variable, value in zip(model.variables, before, strict=True):
        np.testing.assert_array_equal(variable.numpy(), value)
    losses = probe.tables("run")["updates"].set_index("part")["loss"]
    assert losses["all"] < losses["logits"] < losses["nothing"]
    assert losses["gamma"] < losses["nothing"] and losses["kernel"] < losses["nothing"]


def test_what_is_beyond_the_largest_number_is_told_and_no_warning():
    x = keras.Input((1,))
    model = keras.Model(x, layers.Dense(1, kernel_initializer=keras.initializers.Constant(1e30), name="logits")(x))
    probe = OneStep(model, mean_square, ops.ones((2, 1)), ops.zeros((2, 1)), 2)
    probe.measure(0, 1e9, last=True)
    row = probe.tables("run")["updates"].set_index("part").loc["all"]
    assert not np.isfinite(row["loss"]) and row["weight_norm"] == pytest.approx(1e30)
