"""The probes of inference: what they say of a net is what the net itself says, and they leave it alone."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from bnrepro.config.run_config import RunConfig
from bnrepro.measurements import normalization_statistics
from bnrepro.measurements.batch_moments import batch_moments_at_inference, inference_moments
from bnrepro.measurements.norms import norms
from bnrepro.models.build import build_model
from bnrepro.models.initialize import initialize

pytestmark = pytest.mark.slow

RNG = np.random.default_rng(0)
TRAIN = tf.constant(RNG.random((300, 6, 6, 1)), tf.float32), tf.constant(RNG.integers(0, 10, 300), tf.int32)
TEST = tf.constant(RNG.random((128, 6, 6, 1)), tf.float32), tf.constant(RNG.integers(0, 10, 128), tf.int32)
LOSS = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
CONFIG = RunConfig(
    activation="relu",
    initialization="he",
    normalization="batch",
    hidden_units=8,
    hidden_layers=2,
    batch_size=8,
    momentum=0.9,
    steps=20,
    evaluate_every=10,
    compiler="graph",
)


def net(config):
    model = build_model(config, (6, 6, 1), 10)
    initialize(model, config)
    for start in range(0, 160, 8):
        model(TRAIN[0][start : start + 8], training=True)
    return model


def measured(kind, **changes):
    """The model, and the probe's tables after its evaluations at steps 0, 10 and 20."""
    config = CONFIG.replace(**changes)
    model = net(config)
    before = [variable.numpy() for variable in model.variables]
    probe = kind(config, model, LOSS, TRAIN, TEST)
    for step in (0, 10, 20):
        probe.measure(step, 0.1, step == 20)
    for old, new in zip(before, model.variables):
        np.testing.assert_array_equal(old, new.numpy())
    return model, probe.tables("a run")


@pytest.fixture(scope="module")
def statistics():
    return measured(normalization_statistics.Statistics)


def row(table, **keys):
    found = table[np.logical_and.reduce([table[name] == value for name, value in keys.items()])]
    assert len(found) == 1
    return found.iloc[0]


def test_moving_statistics_say_what_the_net_says_at_inference(statistics):
    model, tables = statistics
    logits = model(TEST[0], training=False).numpy()
    found = row(tables["statistics"], step=20, data="test", statistics="moving")
    assert found["value"] == (logits.argmax(axis=1) == TEST[1].numpy()).mean()
    assert found["loss"] == pytest.approx(float(LOSS(TEST[1], logits)), rel=1e-5)
    assert found["changed"] == 0


def test_batch_statistics_say_what_the_net_says_in_training_mode_and_depend_on_the_mates(statistics):
    model, tables = statistics
    order = np.random.default_rng([0, 4, 0]).permutation(128).reshape(-1, 8)
    copy = net(CONFIG)
    right = [
        copy(tf.gather(TEST[0], part), training=True).numpy().argmax(axis=1) == TEST[1].numpy()[part] for part in order
    ]
    found = row(tables["statistics"], step=20, data="test", statistics="batch")
    assert found["value"] == np.mean(right)
    assert found["changed"] > 0.1


def test_early_and_late_have_every_choice_on_all_data_and_step_0_none(statistics):
    table = statistics[1]["statistics"]
    assert set(table["step"]) == {10, 20}
    for step in (10, 20):
        pairs = table.loc[table["step"] == step, ["data", "statistics"]]
        assert len(pairs) == len(pairs.drop_duplicates()) == 4 * 5


def test_fixed_statistics_do_not_care_for_the_order_of_the_classes(statistics):
    table = statistics[1]["statistics"].query("step == 20")
    for name in ("moving", "population", "pooled"):
        test, sorted_ = (row(table, data=data, statistics=name) for data in ("test", "imbalanced"))
        assert test["value"] == sorted_["value"] and sorted_["changed"] == 0


def test_the_biased_running_variance_is_the_one_that_the_layer_keeps_with_ddof_0():
    config = CONFIG.replace(batch_size=8)
    model, biased = net(config), build_model(config, (6, 6, 1), 10)
    initialize(biased, config)
    for layer in norms(biased):
        layer.ddof = 0
    for start in range(0, 160, 8):
        biased(TRAIN[0][start : start + 8], training=True)
    found = normalization_statistics.Statistics(config, model, LOSS, TRAIN, TEST)._biased(20)
    for layer in norms(biased):
        np.testing.assert_allclose(found[layer.name].variance, layer.moving_variance.numpy(), rtol=1e-5)


def test_variances_in_use_are_compared_with_those_at_inference(statistics):
    table = statistics[1]["variances"]
    ratios = table[table["layer"] == "hidden_1"].set_index("statistics")["used_over_seen"]
    assert ratios["population"] == pytest.approx(1, abs=0.1)
    assert ratios["population_ddof0"] / ratios["population"] == pytest.approx(7 / 8, rel=1e-5)


def shifts(place):
    """The model, and by statistics how much the variance of the first BN's inputs falls at inference."""
    model, tables = measured(normalization_statistics.Shift, dropout=0.5, dropout_place=place)
    assert set(tables["statistics"]["statistics"]) == {"moving", "population", "no_dropout"}
    return model, tables["variances"].query("layer == 'hidden_1'").set_index("statistics")["seen_over_used"]


def test_dropout_right_before_bn_shifts_the_variance_as_that_of_a_masked_value():
    model, found = shifts("before")
    mean, variance = inference_moments(model, TRAIN[0])["hidden_1_normalization"]
    # A value x becomes 2 x or 0, so its variance 2 (variance + mean^2) - mean^2.
    assert found["population"] == pytest.approx(np.mean(variance / (2 * variance + mean**2)), rel=0.2)
    assert found["no_dropout"] == pytest.approx(1, abs=0.1)


def test_dropout_after_the_last_bn_shifts_nothing():
    _, found = shifts("last")
    assert found["population"] == found["no_dropout"] == pytest.approx(1, abs=0.1)


def test_the_error_of_a_mini_batch_of_the_first_layer_falls_with_the_root_of_its_size():
    _, tables = measured(normalization_statistics.Sampling)
    errors = tables["errors"].query("layer == 'hidden_1'").set_index("size")["mean_error"]
    assert list(errors.index) == list(normalization_statistics.SIZES)
    for size, error in errors.items():
        assert error == pytest.approx(size**-0.5, rel=0.2)


def test_at_inference_the_error_of_a_mini_batch_falls_with_the_root_of_its_size_in_every_layer():
    _, tables = measured(normalization_statistics.SamplingAtInference)
    for _, own in tables["errors"].groupby("layer"):
        for size, error in own.set_index("size")["mean_error"].items():
            assert error == pytest.approx(size**-0.5, rel=0.2)


def test_the_moments_of_a_mini_batch_at_inference_are_those_of_what_each_bn_is_given_there():
    model = net(CONFIG)
    rows = np.arange(24, dtype=np.int32).reshape(3, 8)
    found = batch_moments_at_inference(model, TRAIN[0], rows)
    for layer in norms(model):
        given = keras.Model(model.inputs, layer.input)(TRAIN[0][8:16], training=False).numpy()
        np.testing.assert_allclose(found[layer.name].mean[1], given.mean(axis=0), rtol=1e-4, atol=1e-6)
        np.testing.assert_allclose(found[layer.name].variance[1], given.var(axis=0, ddof=1), rtol=1e-4)


def test_modes_compares_with_the_population_statistics_where_the_run_is_evaluated_with_them():
    _, tables = measured(normalization_statistics.Modes, inference="population")
    _, every = measured(normalization_statistics.Statistics)
    assert list(tables["statistics"]["statistics"]) == ["population", "batch"]
    assert tables["statistics"]["value"].tolist() == [
        row(every["statistics"], step=20, data="test", statistics=name)["value"] for name in ("population", "batch")
    ]


def test_modes_are_measured_after_the_last_step_alone_and_only_with_bn():
    _, tables = measured(normalization_statistics.Modes)
    assert list(tables["statistics"]["step"]) == [20, 20]
    assert list(tables["statistics"]["statistics"]) == ["moving", "batch"]
    assert measured(normalization_statistics.Modes, normalization="none")[1] == {}


def test_examples_that_fill_no_mini_batch_are_not_asked():
    _, tables = measured(normalization_statistics.Modes, batch_size=60)
    found = row(tables["statistics"], statistics="batch")
    assert (found["value"] * 120) == pytest.approx(round(found["value"] * 120))
