"""A run is a pure function of its config, and fair to both arms."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from bnrepro.backend.keras_settings import default_settings
from bnrepro.config.run_config import RunConfig
from bnrepro.errors import UserError
from bnrepro.layers.batch_normalization import BatchNormalization
from bnrepro.layers.population import population_statistics
from bnrepro.measurements import layer_equations
from bnrepro.models.build import build_model
from bnrepro.models.initialize import initialize
from bnrepro.models.normalization import BatchNorm
from bnrepro.tasks.batch_order import batch_order
from bnrepro.training import tensorflow_run
from bnrepro.training.run import run

pytestmark = pytest.mark.slow

SHORT = RunConfig(steps=40, evaluate_every=20, initial_std=0.1)
SHAPE, CLASSES = (28, 28, 1), 10


def kernels(config):
    model = build_model(config, SHAPE, CLASSES)
    initialize(model, config)
    return [layer.kernel.numpy() for layer in model.layers if hasattr(layer, "kernel")]


def test_the_net_is_the_one_of_section_4_1():
    model = build_model(SHORT, SHAPE, CLASSES)
    assert [kernel.shape for kernel in kernels(SHORT)] == [(784, 100), (100, 100), (100, 100), (100, 10)]
    assert model.count_params() == 784 * 100 + 2 * 100 * 100 + 100 * 10 + 3 * 100 + 10


def test_bn_stands_before_each_nonlinearity_and_replaces_the_bias():
    model = build_model(SHORT.replace(normalization="batch"), SHAPE, CLASSES)
    kinds = [type(layer).__name__ for layer in model.layers[2:-1]]
    assert kinds == ["Dense", "BatchNormalization", "Activation"] * 3
    assert [layer.use_bias for layer in model.layers if hasattr(layer, "kernel")] == [False, False, False, True]
    assert all(
        isinstance(model.get_layer(f"hidden_{number}_normalization"), BatchNormalization) for number in (1, 2, 3)
    )


@pytest.mark.parametrize("arm", ["batch", "off"])
def test_the_same_seed_gives_the_same_kernels_in_every_arm(arm):
    for ours, theirs in zip(kernels(SHORT), kernels(SHORT.replace(normalization=arm))):
        np.testing.assert_array_equal(ours, theirs)


def test_another_seed_gives_other_kernels_and_a_larger_deviation_the_same_ones_scaled():
    first = kernels(SHORT)
    for ours, other, scaled in zip(first, kernels(SHORT.replace(seed=1)), kernels(SHORT.replace(initial_std=0.2))):
        assert not np.array_equal(ours, other)
        np.testing.assert_allclose(scaled, 2 * ours, rtol=1e-6)
    assert np.std(first[0]) == pytest.approx(SHORT["initial_std"], rel=0.02)


def test_the_batch_order_depends_on_the_seed_and_not_on_the_arm():
    np.testing.assert_array_equal(batch_order(3, 600, 60, 25), batch_order(3, 600, 60, 25))
    assert not np.array_equal(batch_order(3, 600, 60, 25), batch_order(4, 600, 60, 25))


@pytest.fixture(scope="module")
def tables():
    return {arm: run(SHORT.replace(normalization=arm)) for arm in ("none", "batch", "off")}


def test_the_same_config_gives_the_same_tables_to_the_bit(tables):
    other = SHORT.replace(seed=5, learning_rate=0.5)
    run(other)  # a run in between that shares the compiled program
    run(other.replace(batch_size=30))  # and one that shares the net
    again = run(SHORT)
    for name in ("runs", "curves", "quantiles", "drift"):
        assert again[name].equals(tables["none"][name]), name


GLOBAL = {
    "floatx": ("float64", keras.config.floatx, keras.config.set_floatx),
    "epsilon": (1e-3, keras.config.epsilon, keras.config.set_epsilon),
    "image_data_format": ("channels_first", keras.config.image_data_format, keras.config.set_image_data_format),
    "dtype_policy": ("mixed_bfloat16", lambda: keras.config.dtype_policy().name, keras.config.set_dtype_policy),
    "functions_run_eagerly": (True, tf.config.functions_run_eagerly, tf.config.run_functions_eagerly),
}
"""Each setting of Keras and TensorFlow that holds everywhere: another value of it, how it is read, how it is set."""


@pytest.fixture
def other_settings():
    """All of them at once at values that nobody's record was made with."""
    before = {name: read() for name, (_, read, _) in GLOBAL.items()}
    for value, _, change in GLOBAL.values():
        change(value)
    tensorflow_run._engine.cache_clear()  # a net that was built before would hide what a new one depends on
    yield {name: value for name, (value, _, _) in GLOBAL.items()}
    for name, (_, _, change) in GLOBAL.items():
        change(before[name])


def test_no_global_setting_changes_a_run_or_is_changed_by_one(tables, other_settings):
    again = run(SHORT.replace(normalization="batch"))
    for name in ("runs", "curves", "quantiles", "drift"):
        assert again[name].equals(tables["batch"][name]), name
    assert {name: read() for name, (_, read, _) in GLOBAL.items()} == other_settings


def test_settings_are_put_back_after_an_error_too(other_settings):
    with pytest.raises(KeyError, match="stop"), default_settings():
        assert {name: read() for name, (_, read, _) in GLOBAL.items()}["dtype_policy"] == "float32"
        raise KeyError("stop")
    assert {name: read() for name, (_, read, _) in GLOBAL.items()} == other_settings


@pytest.mark.parametrize("measured", [lambda: run(SHORT), lambda: layer_equations.measure(1)])
def test_another_backend_is_refused_in_one_line_before_anything_is_computed(monkeypatch, measured):
    monkeypatch.setattr(keras.backend, "backend", lambda: "jax")
    with pytest.raises(UserError, match="need Keras on TensorFlow: got jax; set KERAS_BACKEND=tensorflow") as error:
        measured()
    assert "\n" not in str(error.value)


def test_with_bn_switched_off_the_run_is_the_run_without_bn_to_the_bit(tables):
    none, off, batch = (tables[arm]["curves"].drop(columns="run") for arm in ("none", "off", "batch"))
    assert off.equals(none)
    assert not batch.equals(none)


def test_population_statistics_are_algorithm_2s_and_change_nothing_of_the_training(tables):
    config = SHORT.replace(normalization="batch", inference="population")
    curves, moving = run(config)["curves"].drop(columns="run"), tables["batch"]["curves"].drop(columns="run")
    assert curves.query("split == 'train'").equals(moving.query("split == 'train'"))
    engine, _ = tensorflow_run._engine(config.compilation_key, SHAPE, CLASSES)
    splits, *_ = tensorflow_run._DATA.load(config.task, 0)
    x, y = splits["train"][0].numpy(), splits["test"]
    rows = batch_order(config.seed, len(x), 60, 107)  # 6,400 examples are 106.7 mini-batches
    lagging, *_ = engine.evaluate(*y)
    assert lagging == moving.query("split == 'test'")["loss"].iloc[-1]
    population_statistics(engine.model, x[rows.ravel()], batch_size=60)
    expected, *_ = engine.evaluate(*y)
    assert curves.query("split == 'test'")["loss"].iloc[-1] == pytest.approx(expected, rel=1e-5)
    assert abs(lagging / expected - 1) > 0.01


def test_an_arm_that_keeps_no_mini_batchs_statistics_has_no_choice_of_them():
    for arm in ("none", "renorm", "off", "population", "noise"):
        assert not SHORT.replace(normalization=arm).has("inference")
    for size, batches in ((2, 3_200), (60, 107), (64, 100), (512, 100)):
        assert BatchNorm(inference="population").inference_batches(size) == batches
    assert BatchNorm().inference_batches(60) == 0


def test_curves_start_at_step_0_and_hold_both_splits(tables):
    curves = tables["batch"]["curves"]
    assert list(curves.query("split == 'test'")["step"]) == [0, 20, 40]
    assert list(curves.query("split == 'train'")["step"]) == [20, 40]
    assert curves["value"].between(0, 1).all()
    assert np.isfinite(curves["loss"]).all()


def test_a_diverged_run_is_a_result():
    diverged = run(SHORT.replace(activation="relu", initial_std=3.0, learning_rate=1e6, steps=100))
    status = diverged["runs"].iloc[0]
    assert status["status"] == "diverged"
    assert 1 <= status["diverged_at"] <= 100
    assert np.isfinite(diverged["curves"]["loss"]).all()


def test_weights_that_blow_up_in_the_last_update_are_a_divergence_too():
    diverged = run(SHORT.replace(activation="relu", learning_rate=1e38, steps=1, evaluate_every=1))
    assert tuple(diverged["runs"].iloc[0][["status", "diverged_at"]]) == ("diverged", 1)
    assert list(diverged["curves"].query("split == 'test'")["step"]) == [0]


def test_a_net_that_starts_without_a_finite_loss_is_not_trained():
    diverged = run(SHORT.replace(activation="relu", initial_std=1e30))
    assert tuple(diverged["runs"].iloc[0][["status", "diverged_at"]]) == ("diverged", 0)
    assert all(diverged[name].empty for name in ("curves", "quantiles", "drift"))


def test_shuffled_labels_leave_the_test_set_as_it_is_and_change_the_training(tables):
    curves = run(SHORT.replace(shuffled_labels=True))["curves"]
    before = tables["none"]["curves"].query("step == 0")
    assert curves.query("step == 0")["loss"].item() == before["loss"].item()
    assert not curves.drop(columns="run").equals(tables["none"]["curves"].drop(columns="run"))
