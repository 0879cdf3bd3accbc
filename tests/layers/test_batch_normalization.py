"""The layer against the paper first and Keras's layer second; as a Keras layer among others; and where it differs on purpose."""

import subprocess
import sys

import keras
import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st
from keras import layers
from keras.src import testing

from bnrepro.layers import reference
from bnrepro.layers.batch_normalization import BatchNormalization
from tests.layers.tolerances import assert_close

Theirs = layers.BatchNormalization


def normal(*shape, seed=0, dtype="float32"):
    return (1 + 2 * np.random.default_rng(seed).standard_normal(shape)).astype(dtype)


def with_random_weights(layer, shape, seed=1):
    layer.build(shape)
    generator = np.random.default_rng(seed)
    layer.set_weights([generator.uniform(0.5, 1.5, weight.shape) for weight in layer.weights])
    return layer


# The paper's equations


@st.composite
def calls(draw):
    shape = tuple(draw(st.lists(st.integers(2, 4), min_size=2, max_size=5)))
    axis = draw(st.integers(-len(shape), len(shape) - 1))
    arguments = {name: draw(st.booleans()) for name in ("center", "scale")}
    return (
        shape,
        axis,
        {**arguments, "ddof": draw(st.integers(0, 1)), "dtype": draw(st.sampled_from(["float32", "float64"]))},
    )


@settings(max_examples=25, deadline=None, derandomize=True)
@given(calls())
def test_training_and_inference_are_algorithms_1_and_2_for_any_rank_axis_and_width(call):
    shape, axis, arguments = call
    dtype = arguments["dtype"]
    layer = with_random_weights(BatchNormalization(axis=axis, momentum=0.8, **arguments), shape)
    x, m = normal(*shape, dtype=dtype), reference.count(shape, axis)
    gamma = layer.gamma.value.numpy() if arguments["scale"] else 1.0
    beta = layer.beta.value.numpy() if arguments["center"] else 0.0
    old_mean, old_variance = layer.moving_mean.value.numpy(), layer.moving_variance.value.numpy()

    paper = reference.inference(x, gamma, beta, old_mean, old_variance, axis, layer.epsilon)
    assert_close(layer(x), paper, dtype, "inference")
    paper, mean, variance = reference.algorithm_1(x, gamma, beta, axis, layer.epsilon)
    assert_close(layer(x, training=True), paper, dtype, "training")
    unbiased = variance * m / (m - arguments["ddof"])
    assert_close(layer.moving_mean.value, reference.moving(old_mean, mean, 0.8), dtype, "moving_mean")
    assert_close(layer.moving_variance.value, reference.moving(old_variance, unbiased, 0.8), dtype, "moving_variance")


def test_x_hat_sums_to_zero_and_its_squares_have_mean_one():
    x_hat = BatchNormalization(center=False, scale=False, epsilon=1e-10)(normal(50, 4, dtype="float64"), training=True)
    assert_close(np.mean(x_hat, 0), np.zeros(4), "epsilon to 0", scale=1)
    assert_close(np.mean(np.square(x_hat), 0), np.ones(4), "epsilon to 0")


def test_gamma_at_the_deviation_and_beta_at_the_mean_recover_the_identity():
    x = normal(50, 4)
    layer = BatchNormalization(epsilon=1e-10)
    layer.build(x.shape)
    layer.gamma.assign(x.std(0))
    layer.beta.assign(x.mean(0))
    assert_close(layer(x, training=True), x, "epsilon to 0")


@pytest.mark.parametrize("factor", [0.25, 30.0])
def test_scaling_the_weights_leaves_the_output_and_its_jacobian_unchanged_and_shrinks_their_gradient(factor):
    layer = BatchNormalization(epsilon=1e-12, dtype="float64")
    layer.build((8, 3))
    u, kernel, w = (
        tf.constant(normal(*shape, seed=seed, dtype="float64")) for seed, shape in enumerate(((8, 5), (5, 3), (8, 3)))
    )

    def evaluate(kernel):
        with tf.GradientTape(persistent=True) as tape:
            tape.watch([u, kernel])
            y = layer(u @ kernel, training=True)
            loss = tf.reduce_sum(tf.sin(y) * w)
        return y, tape.jacobian(y, u), tape.gradient(loss, kernel)

    y, jacobian, gradient = evaluate(kernel)
    scaled_y, scaled_jacobian, scaled_gradient = evaluate(factor * kernel)
    assert_close(scaled_y, y, "epsilon to 0")
    assert_close(scaled_jacobian, jacobian, "epsilon to 0")
    assert_close(factor * scaled_gradient, gradient, "epsilon to 0")


@pytest.mark.parametrize("ddof, variance", [(1, 5 / 3), (0, 1.25)])
def test_the_running_variance_of_1_2_3_4_is_unbiased_unless_keras_number_is_asked_for(ddof, variance):
    layer = BatchNormalization(momentum=0.0, ddof=ddof)
    layer(np.array([[1.0], [2.0], [3.0], [4.0]]), training=True)
    assert_close(layer.moving_variance.value, [variance], "float32")


def test_the_default_running_variance_carries_m_over_m_minus_1_with_m_p_q_values_in_a_convolution():
    x = normal(2, 3, 2, 4)
    layer = BatchNormalization(momentum=0.0)
    layer(x, training=True)
    assert_close(layer.moving_variance.value, x.reshape(-1, 4).var(0) * 12 / 11, "float32")


# Keras's layer as second opinion


@pytest.mark.slow
@pytest.mark.parametrize("shape, axis", [((6, 3), -1), ((4, 5, 5, 3), -1), ((4, 3, 5, 5), 1), ((2, 3, 4, 5), -2)])
@pytest.mark.parametrize("arguments", [{}, {"center": False}, {"scale": False}, {"renorm": True}], ids=str)
def test_with_ddof_0_outputs_gradients_and_weights_are_keras_own(shape, axis, arguments):
    if arguments.get("renorm"):
        arguments = {**arguments, "renorm_clipping": {"rmax": 1.5, "rmin": 0.7, "dmax": 0.2}, "renorm_momentum": 0.7}
    ours = with_random_weights(BatchNormalization(axis=axis, ddof=0, **arguments), shape)
    theirs = with_random_weights(Theirs(axis=axis, **arguments), shape)
    x, w = tf.constant(normal(*shape)), tf.constant(normal(*shape, seed=1))

    def evaluate(layer):
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = layer(x, training=True)
        gradients = tape.gradient(y, [x, *(weight.value for weight in layer.trainable_weights)], w)
        return y, *gradients, *layer.get_weights(), layer(x)

    for mine, keras_own in zip(evaluate(ours), evaluate(theirs), strict=True):
        assert_close(mine, keras_own, "float32", scale=max(np.max(np.abs(keras_own)), 1))


def test_weights_go_both_ways_by_name_and_order():
    for arguments in ({}, {"renorm": True}, {"center": False}, {"scale": False}):
        ours, theirs = BatchNormalization(**arguments), Theirs(**arguments)
        theirs.build((None, 4))
        with_random_weights(ours, (None, 4))
        assert [weight.name for weight in ours.weights] == [weight.name for weight in theirs.weights]
        theirs.set_weights(ours.get_weights())
        x = normal(5, 4)
        assert_close(ours(x), theirs(x), "float32")
        ours.set_weights(theirs.get_weights())


def test_it_is_built_from_the_config_of_keras_layer():
    theirs = Theirs(axis=1, momentum=0.5, gamma_regularizer="l2", beta_constraint="non_neg", renorm=True)
    ours = BatchNormalization.from_config(theirs.get_config())
    config = theirs.get_config()
    assert {name: ours.get_config()[name] for name in config if name != "dtype"} == {
        name: config[name] for name in config if name != "dtype"
    }
    assert ours.get_config()["ddof"] == 1


def test_weights_files_of_keras_layer_load_into_ours_and_back(tmp_path):
    ours, theirs = (
        keras.Sequential([keras.Input((4,)), layers.Dense(3), kind()]) for kind in (BatchNormalization, Theirs)
    )
    for source, target in ((theirs, ours), (ours, theirs)):
        source.layers[1].moving_mean.assign(np.random.default_rng(2).standard_normal(3))
        source.save_weights(tmp_path / "net.weights.h5")
        target.load_weights(tmp_path / "net.weights.h5")
        assert_close(target(normal(5, 4)), source(normal(5, 4)), "float32")


class TestConformance(testing.TestCase):
    """Keras's own battery: serialization, symbolic and eager calls, masks, a training step, mixed precision."""

    @pytest.mark.filterwarnings("ignore:`shuffle=True` was passed:UserWarning")  # of the battery's own generator
    def test_it_passes_keras_conformance_test(self):
        for arguments, shape, weights in (
            ({"gamma_regularizer": "l2", "beta_regularizer": "l2"}, (2, 4, 4, 3), (2, 2, 2)),
            ({"scale": False, "axis": 1}, (3, 2, 4), (1, 2, 0)),
            ({"renorm": True, "renorm_clipping": {"rmax": 3.0, "dmax": 5.0}}, (4, 3), (2, 5, 0)),
        ):
            self.run_layer_test(
                BatchNormalization,
                init_kwargs=arguments,
                call_kwargs={"training": True},
                input_shape=shape,
                expected_output_shape=shape,
                expected_num_trainable_weights=weights[0],
                expected_num_non_trainable_weights=weights[1],
                expected_num_losses=weights[2],
                expected_num_seed_generators=0,
                supports_masking=True,
            )

    def tearDown(self):
        super().tearDown()
        keras.config.enable_traceback_filtering()  # which setUp turns off for everyone


# As any Keras layer


def conv_net(kind=BatchNormalization, **arguments):
    keras.utils.set_random_seed(0)
    inputs = keras.Input((6, 6, 2))
    x = layers.Conv2D(4, 3, use_bias=False)(inputs)
    x = layers.ReLU()(kind(**arguments)(x))
    inner = keras.Sequential([keras.Input((4, 4, 4)), layers.Conv2D(3, 1), kind(**arguments), layers.Flatten()])
    return keras.Model(inputs, layers.Dense(2)(inner(x)))


@pytest.mark.slow
@pytest.mark.parametrize("jit_compile", [True, False])
def test_fit_is_that_of_keras_layer_with_xla_and_without(jit_compile):
    x, y = normal(24, 6, 6, 2), normal(24, 2, seed=1)
    weights = []
    for model in (conv_net(ddof=0, momentum=0.9), conv_net(Theirs, momentum=0.9)):
        model.compile(keras.optimizers.SGD(0.01), "mse", jit_compile=jit_compile)
        model.fit(x, y, batch_size=8, epochs=2, shuffle=False, verbose=0)
        weights.append(model.get_weights())
    for mine, theirs in zip(*weights, strict=True):
        assert_close(mine, theirs, "float32", scale=max(np.max(np.abs(theirs)), 1))


class Subclass(keras.Model):
    def __init__(self):
        super().__init__()
        self.first, self.normalization = layers.Dense(3), BatchNormalization(momentum=0.0)

    def call(self, inputs):
        return self.normalization(self.first(inputs))


def test_a_subclass_that_hands_nothing_on_trains_when_it_is_told_to():
    model, x = Subclass(), normal(8, 4)
    y = model(x, training=True)
    assert_close(np.mean(y, 0), np.zeros(3), "float32", scale=1)
    assert np.any(model.normalization.moving_mean.value.numpy() != 0)
    before = model.get_weights()
    model(x)
    model(x, training=False)
    for old, new in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(old, new)


@pytest.mark.slow
def test_a_file_loads_without_custom_objects_where_the_layer_is_imported(tmp_path):
    model = conv_net(momentum=0.7, ddof=0, gamma_regularizer="l2")
    x = normal(4, 6, 6, 2)
    model(x, training=True)
    model.save(tmp_path / "net.keras")
    np.save(tmp_path / "x.npy", x)
    code = f"""
import keras, numpy as np
from bnrepro import BatchNormalization
model = keras.models.load_model({str(tmp_path / "net.keras")!r})
assert type(model.layers[2]) is BatchNormalization and model.layers[2].ddof == 0
np.save({str(tmp_path / "y.npy")!r}, model(np.load({str(tmp_path / "x.npy")!r}), training=False))
"""
    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True)
    np.testing.assert_array_equal(np.load(tmp_path / "y.npy"), model(x, training=False))


def test_a_clone_has_the_config_and_trains_apart():
    model = conv_net(momentum=0.6, ddof=0)
    clone = keras.models.clone_model(model)
    assert [layer.get_config() for layer in clone.layers[1:4]] == [layer.get_config() for layer in model.layers[1:4]]
    clone.set_weights(model.get_weights())
    before = model.get_weights()
    clone(normal(4, 6, 6, 2), training=True)
    for old, new in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(old, new)


def test_an_exported_model_answers_as_the_model_and_updates_nothing(tmp_path):
    model, x = conv_net(), normal(4, 6, 6, 2)
    model(x, training=True)
    model.export(tmp_path / "saved", verbose=False)
    saved = tf.saved_model.load(tmp_path / "saved")
    assert_close(saved.serve(x), model(x, training=False), "float32")
    graph = saved.serve.get_concrete_function(tf.TensorSpec((None, 6, 6, 2), "float32")).graph.as_graph_def()
    found = {node.op for part in (graph.node, *(inner.node_def for inner in graph.library.function)) for node in part}
    assert "Conv2D" in found and not [name for name in found if name.startswith("Assign")]


def test_trainable_false_is_inference_and_changes_nothing():
    layer, x = with_random_weights(BatchNormalization(), (8, 3)), normal(8, 3)
    layer.trainable = False
    before = layer.get_weights()
    assert_close(layer(x, training=True), layer(x, training=False), "float32")
    assert not layer.trainable_weights and len(layer.non_trainable_weights) == 4
    for old, new in zip(before, layer.get_weights(), strict=True):
        np.testing.assert_array_equal(old, new)


@pytest.mark.parametrize("policy", ["mixed_float16", "mixed_bfloat16", "float16", "bfloat16", "float64"])
def test_statistics_are_float32_or_wider_under_every_policy(policy):
    layer = BatchNormalization(dtype=policy, momentum=0.5)
    x = normal(32, 4) * 100 + 30_000  # squares overflow float16
    y = layer(x, training=True)
    compute = keras.DTypePolicy(policy).compute_dtype
    assert keras.backend.standardize_dtype(y.dtype) == compute
    width = "float64" if policy == "float64" else "float32"
    assert layer.moving_mean.dtype == layer.moving_variance.dtype == width
    rounded = np.asarray(tf.cast(tf.cast(x, compute), "float64"))
    paper, mean, variance = reference.algorithm_1(rounded, 1.0, 0.0, -1, layer.epsilon)
    assert_close(y, paper, compute if compute != "float64" else "float32")
    assert_close(layer.moving_mean.value, mean / 2, "float32")
    assert_close(layer.moving_variance.value, 0.5 + variance * 32 / 31 / 2, "large mean")


# Masks


def test_masked_values_enter_neither_statistics_nor_their_gradients():
    x, w = normal(4, 5, 3), normal(4, 5, 3, seed=1)
    mask = np.random.default_rng(2).random((4, 5)) < 0.6
    everywhere = np.broadcast_to(mask[..., None], x.shape)
    layer = with_random_weights(BatchNormalization(momentum=0.0), x.shape)
    inputs = tf.constant(x)
    with tf.GradientTape() as tape:
        tape.watch(inputs)
        y = layer(inputs, training=True, mask=tf.constant(mask))
    gamma, beta = layer.gamma.value.numpy(), layer.beta.value.numpy()
    paper, mean, variance = reference.algorithm_1(x, gamma, beta, -1, layer.epsilon, everywhere)
    dx = reference.gradients(w, x, gamma, -1, layer.epsilon, everywhere)[0]
    assert_close(y, paper, "float32")
    assert_close(tape.gradient(y, inputs, w), dx, "float32")
    assert_close(layer.moving_mean.value, mean, "float32")
    assert_close(layer.moving_variance.value, variance * mask.sum() / (mask.sum() - 1), "float32")


def test_a_mask_works_with_channels_first_where_keras_raises():
    x = normal(4, 3, 5)
    mask = np.random.default_rng(0).random((4, 5)) < 0.6
    with pytest.raises(tf.errors.InvalidArgumentError):
        Theirs(axis=1)(x, training=True, mask=mask)
    layer = BatchNormalization(axis=1, momentum=0.0)
    y = layer(x, training=True, mask=mask)
    paper, mean, _ = reference.algorithm_1(x, 1.0, 0.0, 1, layer.epsilon, np.broadcast_to(mask[:, None], x.shape))
    assert_close(y, paper, "float32")
    assert_close(layer.moving_mean.value, mean, "float32")


def test_the_mask_of_a_masking_layer_arrives_and_is_passed_on():
    x = np.array([[[1, 5], [2, 5], [0, 0]], [[3, 9], [0, 0], [0, 0]]], "float32")
    inputs = keras.Input((None, 2))
    outputs = BatchNormalization(momentum=0.0)(layers.Masking()(inputs))
    model = keras.Model(inputs, [outputs, layers.GlobalAveragePooling1D()(outputs)])
    y, pooled = model(x, training=True)
    assert_close(model.layers[2].moving_mean.value, [2, 19 / 3], "float32")
    assert_close(pooled, [np.mean(y[0, :2], 0), y[1, 0]], "float32")


@pytest.mark.parametrize("renorm", [False, True])
def test_a_batch_that_is_all_masked_leaves_the_statistics_and_is_normalized_with_them(renorm):
    layer = with_random_weights(BatchNormalization(renorm=renorm), (4, 3))
    layer.momentum = layer.renorm_momentum = 0.5
    x, before = normal(4, 3), layer.get_weights()
    y = layer(x, training=True, mask=np.zeros(4, bool))
    for old, new in zip(before, layer.get_weights(), strict=True):
        np.testing.assert_array_equal(old, new)
    if not renorm:
        assert_close(y, layer(x), "float32")
    assert np.all(np.isfinite(y))
    theirs = with_random_weights(Theirs(momentum=0.0), (4, 3))
    theirs(x, training=True, mask=np.zeros(4, bool))
    assert np.all(theirs.moving_variance.value == 0)  # what is not repeated


# One value of each feature


@pytest.mark.parametrize("arguments", [{}, {"ddof": 0}, {"renorm": True}], ids=str)
@pytest.mark.parametrize("shape, axis", [((1, 3), -1), ((1, 3, 1, 1), 1)])
def test_one_value_of_each_feature_is_refused_in_training_and_fine_at_inference(arguments, shape, axis):
    layer = BatchNormalization(axis=axis, **arguments)
    layer(np.ones(shape, "float32"))
    with pytest.raises(ValueError, match="training needs at least 2 values of each feature .* use a larger one"):
        layer(np.ones(shape, "float32"), training=True)


def test_one_value_has_a_meaning_in_batch_renormalization_with_biased_variances():
    layer = with_random_weights(BatchNormalization(renorm=True, ddof=0), (1, 3))
    mean, stddev = layer.renorm_mean.value.numpy(), layer.renorm_stddev.value.numpy()
    gamma, beta = layer.gamma.value.numpy(), layer.beta.value.numpy()
    x = normal(1, 3)
    assert_close(layer(x, training=True), gamma * (x - mean) / stddev + beta, "float32")


def test_one_value_in_a_batch_of_unknown_size_leaves_the_running_variance():
    layer = BatchNormalization(momentum=0.0)
    layer.build((None, 3))
    call = tf.function(lambda x: layer(x, training=True), input_signature=[tf.TensorSpec((None, 3), "float32")])
    x = normal(4, 3)
    call(x)
    before = layer.get_weights()
    assert_close(before[3], x.var(0, ddof=1), "float32")
    call(normal(1, 3))
    for old, new in zip(before, layer.get_weights(), strict=True):
        np.testing.assert_array_equal(old, new)


# No value, rows of any length, a second run


@pytest.mark.slow
@pytest.mark.parametrize("arguments", [{}, {"ddof": 0}, {"renorm": True}, {"axis": 1}], ids=str)
@pytest.mark.parametrize("shape", [(0, 3), (4, 3, 0, 3), (0, 3, 40, 3)])
@pytest.mark.parametrize("known", [True, False])
def test_a_mini_batch_without_values_leaves_statistics_and_gives_no_gradient(arguments, shape, known):
    layer = with_random_weights(BatchNormalization(**arguments), (None, *shape[1:]))
    before, x = layer.get_weights(), tf.zeros(shape)

    def step(x):
        with tf.GradientTape() as tape:
            y = layer(x, training=True)
        return y, *tape.gradient(y, [weight.value for weight in layer.trainable_weights])

    y, *gradients = (step if known else tf.function(step, input_signature=[tf.TensorSpec((None, *shape[1:]))]))(x)
    assert y.shape == x.shape
    for gradient in gradients:
        np.testing.assert_array_equal(gradient, np.zeros(3))
    for old, new in zip(before, layer.get_weights(), strict=True):
        np.testing.assert_array_equal(old, new)


@pytest.mark.parametrize("arguments", [{}, {"renorm": True}, {"axis": 2}], ids=str)
@pytest.mark.parametrize("compiled", [False, True])
def test_the_values_of_a_ragged_tensor_count_and_no_others(arguments, compiled):
    x = tf.RaggedTensor.from_row_lengths(normal(7, 3), [2, 0, 1, 4])
    layer = with_random_weights(BatchNormalization(**arguments), (None, None, 3))
    flat = with_random_weights(BatchNormalization(**{**arguments, "axis": -1}), (None, 3))
    call = tf.function(layer) if compiled else layer
    for training in (True, False):
        y = call(x, training=training)
        np.testing.assert_array_equal(y.row_lengths(), [2, 0, 1, 4])
        assert_close(y.flat_values, flat(x.flat_values, training=training), "float32")
    for mine, theirs in zip(layer.get_weights(), flat.get_weights(), strict=True):
        assert_close(mine, theirs, "float32")


def test_a_ragged_tensor_may_have_a_ragged_mask_and_more_axes_and_else_is_refused_in_one_line():
    values, mask = normal(3, 2, 4), np.array([True, False, True])
    x = tf.RaggedTensor.from_nested_row_lengths(values, [[2, 1], [1, 2, 0]])
    layer = BatchNormalization(momentum=0.0)
    layer(x, training=True)
    assert_close(layer.moving_mean.value, values.mean((0, 1)), "float32")
    x = tf.RaggedTensor.from_row_lengths(values[:, 0], [2, 1])
    layer = BatchNormalization(momentum=0.0)
    layer(x, training=True, mask=tf.RaggedTensor.from_row_lengths(mask, [2, 1]))
    assert_close(layer.moving_mean.value, values[mask, 0].mean(0), "float32")
    for call, message in (
        (lambda: layer(x, training=True, mask=np.ones((2, 2), bool)), "the mask of a ragged tensor must be ragged too"),
        (lambda: BatchNormalization(axis=1)(x), "the features' axis must have a known size"),
    ):
        with pytest.raises(ValueError, match=message):
            call()
    uniform = tf.RaggedTensor.from_uniform_row_length(tf.RaggedTensor.from_row_lengths(values[:, 0], [2, 1]), 2)
    with pytest.raises(
        ValueError, match="the features of a ragged tensor must be among its 1 axes that are not ragged"
    ):
        BatchNormalization(axis=1)(uniform)


def rematerialized(make):
    with keras.RematScope(mode="full"):
        return make()


@pytest.mark.parametrize("inside", [False, True])
def test_a_step_moves_the_statistics_once_under_rematerialization(inside):
    block = rematerialized(Block if inside else lambda: BatchNormalization(momentum=0.0))
    layer = block.normalization if inside else block
    layer.build((None, 3))
    layer.momentum, x = 0.5, normal(8, 3)
    weight = tf.Variable(1.0)
    with tf.GradientTape() as tape:
        loss = tf.reduce_sum(tf.square(block(x * weight, training=True)))
    assert tape.gradient(loss, weight) is not None
    assert_close(layer.moving_mean.value, x.mean(0) / 2, "float32")


def test_fit_takes_the_layer_inside_of_a_remat_scope():
    layer = rematerialized(lambda: BatchNormalization(momentum=0.5))
    model = keras.Sequential([keras.Input((3,)), layer, layers.Dense(1)])
    model.compile(keras.optimizers.SGD(0.0), "mse")
    x = normal(8, 3)
    model.fit(x, x[:, :1], batch_size=8, verbose=0)
    assert_close(layer.moving_mean.value, x.mean(0) / 2, "float32")


# Batch Renormalization


def test_renorm_is_ioffes_algorithm_and_ddof_touches_only_what_inference_uses():
    x = normal(6, 3)
    limits = {"rmin": 0.8, "rmax": 1.4, "dmax": 0.3}
    arguments = {"renorm": True, "renorm_clipping": limits, "renorm_momentum": 0.7, "momentum": 0.9}
    layer = with_random_weights(BatchNormalization(**arguments), x.shape)
    gamma, beta, old_mean, _, old_stddev, renorm_mean, renorm_stddev = layer.get_weights()
    paper = reference.renormalized(x, gamma, beta, renorm_mean, renorm_stddev, -1, layer.epsilon, **limits)
    assert_close(layer(x, training=True), paper, "float32")
    mean, variance = reference.moments(x, -1)
    biased, unbiased = (np.sqrt(variance * factor + layer.epsilon) for factor in (1, 6 / 5))
    stddev = reference.moving(old_stddev, unbiased, 0.9)
    expected = [reference.moving(old_mean, mean, 0.9), stddev**2 - layer.epsilon, stddev]
    expected += [reference.moving(renorm_mean, mean, 0.7), reference.moving(renorm_stddev, biased, 0.7)]
    for mine, oracle in zip(layer.get_weights()[2:], expected, strict=True):
        assert_close(mine, oracle, "float32")


def test_renorm_that_may_not_correct_is_batch_normalization():
    x = normal(6, 3)
    clipped = BatchNormalization(renorm=True, renorm_clipping={"rmin": 1.0, "rmax": 1.0, "dmax": 0.0})
    assert_close(clipped(x, training=True), BatchNormalization()(x, training=True), "float32")


# What a call and those around it were told


def moved(model):
    """Whether a call has changed a statistic of any BN of the model."""
    kinds = (BatchNormalization,)
    return any(np.any(layer.moving_mean.value != 0) for layer in model._flatten_layers() if isinstance(layer, kinds))


class Block(keras.layers.Layer):
    """A block as most write it: what it was given, it hands on."""

    def __init__(self):
        super().__init__()
        self.normalization = BatchNormalization(momentum=0.0)

    def call(self, inputs, training=None):
        return self.normalization(inputs, training=training)


class Pipeline(keras.Model):
    def __init__(self, before, after):
        super().__init__()
        self.before, self.after = before, after

    def call(self, inputs):
        return self.after(self.before(inputs))


def functional(*stack):
    inputs = keras.Input((6, 6, 2))
    x = inputs
    for layer in stack:
        x = layer(x)
    return keras.Model(inputs, x)


def resizing():
    return layers.Resizing(4, 4)


MODELS = {
    "functional": lambda: functional(resizing(), BatchNormalization(momentum=0.0)),
    "functional, center crop": lambda: functional(layers.CenterCrop(4, 4), BatchNormalization(momentum=0.0)),
    "functional, block": lambda: functional(resizing(), Block()),
    "functional, wrapper": lambda: functional(resizing(), layers.TimeDistributed(BatchNormalization(momentum=0.0))),
    "sequential": lambda: keras.Sequential([resizing(), BatchNormalization(momentum=0.0)]),
    "subclass": lambda: Pipeline(resizing(), BatchNormalization(momentum=0.0)),
    "subclass, block": lambda: Pipeline(resizing(), Block()),
    "subclass, functional": lambda: Pipeline(layers.Resizing(6, 6), functional(layers.CenterCrop(3, 3), Block())),
    "subclass, nested": lambda: Pipeline(resizing(), Pipeline(layers.Identity(), Block())),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize("compiled", [False, True])
def test_a_bare_call_is_inference_behind_a_resizing_and_an_explicit_one_trains(name, compiled):
    model, x = MODELS[name](), tf.constant(normal(3, 6, 6, 2))
    model(x, training=False)
    bare, training, inference = (
        tf.function(call) if compiled else call
        for call in (model, lambda x: model(x, training=True), lambda x: model(x, training=False))
    )
    bare(x)
    inference(x)
    assert not moved(model)
    training(x)
    assert moved(model)


def test_keras_layer_does_train_in_that_bare_call():
    theirs = functional(resizing(), Theirs(momentum=0.0))
    theirs(normal(3, 6, 6, 2))
    assert np.any(theirs.layers[-1].moving_mean.value != 0)


@pytest.mark.parametrize("told, trains", [(True, False), (False, True)])
def test_what_a_sibling_was_told_is_not_what_the_layer_was_told(told, trains):
    class Siblings(keras.Model):
        def __init__(self):
            super().__init__()
            self.dropout, self.normalization = layers.Dropout(0.5), BatchNormalization(momentum=0.0)

        def call(self, inputs):
            return self.normalization(self.dropout(inputs, training=told))

    model = Siblings()
    model(normal(4, 3), training=None if told else True)
    assert moved(model) == trains


def test_the_layers_own_argument_wins_over_those_around_it():
    class Frozen(keras.Model):
        def __init__(self, training):
            super().__init__()
            self.normalization, self.own = BatchNormalization(momentum=0.0), training

        def call(self, inputs):
            return self.normalization(inputs, training=self.own)

    for own, around in ((False, True), (True, False)):
        model = Frozen(own)
        model(normal(4, 3), training=around)
        assert moved(model) == own


def test_a_call_that_trains_by_default_trains_its_layers():
    class ByDefault(keras.Model):
        def __init__(self):
            super().__init__()
            self.normalization = BatchNormalization(momentum=0.0)

        def call(self, inputs, training=True):
            return self.normalization(inputs)

    model = ByDefault()
    model(normal(4, 3), training=False)
    assert not moved(model)
    model(normal(4, 3))
    assert moved(model)


def test_training_fixed_in_a_functional_graph_is_kept():
    inputs = keras.Input((3,))
    model = keras.Model(inputs, BatchNormalization(momentum=0.0)(inputs, training=True))
    model(normal(4, 3))
    assert moved(model)


@pytest.mark.parametrize("nested", [False, True])
def test_training_false_fixed_in_a_functional_graph_holds_in_fit_where_keras_forgets_it(nested):
    moves = []
    for kind in (BatchNormalization, Theirs):
        fixed, usual, inputs = kind(momentum=0.0), kind(momentum=0.0), keras.Input((3,))
        part = keras.Sequential([keras.Input((3,)), fixed]) if nested else fixed
        model = keras.Model(inputs, usual(part(inputs, training=False)))
        model.compile(keras.optimizers.SGD(0.1), "mse", run_eagerly=True)
        model.fit(normal(8, 3), normal(8, 3), batch_size=8, verbose=0)
        assert np.any(usual.moving_mean.numpy())
        moves.append(bool(np.any(fixed.moving_mean.numpy())))
    assert moves == [False, True]


# Errors


@pytest.mark.parametrize(
    "arguments, message",
    [
        ({"ddof": 2}, "ddof must be 0 or 1, not 2: 1 is Algorithm 2's"),
        (
            {"renorm": True, "renorm_clipping": {"max": 1}},
            "renorm_clipping knows rmax, rmin, dmax, not 'max': take it out",
        ),
        (
            {"renorm": True, "renorm_clipping": {"rmax": 1, "rmin": 2}},
            "rmax must be at least rmin, but they are 1 and 2: swap",
        ),
        (
            {"renorm": True, "renorm_clipping": {"dmax": -1}},
            "dmax must not be negative, but is -1: give its absolute value",
        ),
    ],
)
def test_arguments_that_contradict_are_refused_in_one_line(arguments, message):
    with pytest.raises(ValueError, match=message) as raised:
        BatchNormalization(**arguments)
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize(
    "axis, shape, message",
    [(3, (None, 4), "axis 3 must lie in the input"), (1, (None, None), "the features' axis must have a known size")],
)
def test_shapes_without_the_features_axis_are_refused(axis, shape, message):
    with pytest.raises(ValueError, match=message):
        BatchNormalization(axis=axis).build(shape)
