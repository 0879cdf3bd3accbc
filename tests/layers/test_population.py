"""Algorithm 2 after training: statistics of the population, exact and without a trace, and the map that folds away."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers

from bnrepro.layers import reference
from bnrepro.layers.batch_normalization import BatchNormalization
from bnrepro.layers.folding import fold
from bnrepro.layers.population import population_statistics
from bnrepro.layers.variants import GhostBatchNormalization
from tests.layers.tolerances import assert_close

Theirs = layers.BatchNormalization
KINDS = {"ours": BatchNormalization, "ours, ddof=0": lambda: BatchNormalization(ddof=0), "theirs": Theirs}


def normal(*shape, seed=0):
    return (1 + 2 * np.random.default_rng(seed).standard_normal(shape)).astype("float32")


def randomize(model, seed=1):
    """Gives every BN of a model weights at random, all positive."""
    generator = np.random.default_rng(seed)
    for layer in model._flatten_layers():
        if isinstance(layer, (BatchNormalization, Theirs)):
            layer.set_weights([generator.uniform(0.5, 1.5, weight.shape) for weight in layer.weights])
    return model


def statistics_of(layer):
    return layer.moving_mean.value.numpy(), layer.moving_variance.value.numpy()


# population_statistics


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("shape", [(21, 4), (9, 3, 3, 4)])
def test_they_are_step_10_over_the_full_mini_batches(kind, shape):
    layer = KINDS[kind]()
    model = keras.Sequential([keras.Input(shape[1:]), layer])
    x, batch_size = normal(*shape), 4
    statistics = population_statistics(model, x, batch_size)
    batches = [x[start : start + batch_size] for start in range(0, len(x) - batch_size + 1, batch_size)]
    mean, variance = reference.algorithm_2(batches, -1)
    assert_close(layer.moving_mean.value, mean, "float32")
    assert_close(layer.moving_variance.value, variance, "float32")
    assert list(statistics) == [layer]
    for mine, paper in zip(statistics[layer], (mean, variance), strict=True):
        assert mine.dtype == "float64"
        assert_close(mine, paper, "float32")


def nested(kind):
    keras.utils.set_random_seed(0)
    inner = keras.Sequential([keras.Input((3,)), layers.Dense(3), kind(), layers.Activation("tanh")])
    inputs = keras.Input((4,))
    x = layers.Activation("relu")(kind()(layers.Dense(3)(inputs)))
    return keras.Model(inputs, layers.Dense(2)(inner(x)))


class Subclassed(keras.Model):
    """The same net as `nested`, in a graph that nobody knows."""

    def __init__(self, source):
        super().__init__()
        self.source = source

    def call(self, inputs):
        for layer in self.source.layers[1:]:
            inputs = layer(inputs)
        return inputs


@pytest.mark.slow
@pytest.mark.parametrize("kind", [BatchNormalization, Theirs])
@pytest.mark.parametrize("subclassed", [False, True])
def test_a_bn_sees_what_the_bn_before_it_gives_in_training(kind, subclassed):
    model = nested(kind)
    x = normal(24, 4)
    if subclassed:
        model = Subclassed(model)
        model(x)
    population_statistics(model, x, 8)
    source = model.source if subclassed else model
    first, outer, _, inner, _ = source.layers[1:]
    kernel, bias = first.get_weights()
    hidden = x.astype("float64") @ kernel + bias
    batches = np.split(hidden, 3)
    assert_close(outer.moving_mean.value, reference.algorithm_2(batches, -1)[0], "float32")
    kernel, bias = inner.layers[0].get_weights()
    normalized = [np.maximum(reference.algorithm_1(batch, 1, 0, -1, 1e-3)[0], 0) @ kernel + bias for batch in batches]
    mean, variance = reference.algorithm_2(normalized, -1)
    assert_close(inner.layers[1].moving_mean.value, mean, "float32")
    assert_close(inner.layers[1].moving_variance.value, variance, "float32")


def test_nothing_else_changes_and_dropout_masks_are_fresh_in_each_mini_batch():
    dropout, normalization = layers.Dropout(0.5, seed=3), BatchNormalization(renorm=True, ddof=0)
    model = keras.Sequential([keras.Input((200,)), layers.Dense(200), dropout, normalization])
    model.layers[0].kernel.assign(np.eye(200))
    randomize(model)
    state = [variable.numpy() for variable in model.variables]
    population_statistics(model, np.ones((40, 200), "float32"), 20)
    changed = [
        variable.path
        for variable, old in zip(model.variables, state, strict=True)
        if not np.array_equal(variable.numpy(), old)
    ]
    assert {path.split("/")[-1] for path in changed} == {"moving_mean", "moving_variance", "moving_stddev"}
    assert "call" not in vars(normalization) and normalization.momentum == 0.99 and normalization.ddof == 0
    # With one mask for both mini-batches, sums over 40 examples would be even: 0, 4, 8, ... and never 2, 6, ...
    sums = np.round(normalization.moving_mean.value.numpy() * 40).astype(int)
    assert np.any(sums % 4 == 2)
    deviation = np.sqrt(normalization.moving_variance.value + normalization.epsilon)
    assert_close(normalization.moving_stddev.value, deviation, "float32")


def test_masked_values_do_not_count():
    inputs = keras.Input((3, 2))
    model = keras.Model(inputs, Theirs()(layers.Masking()(inputs)))
    x = normal(8, 3, 2)
    x[:, 1:][np.random.default_rng(0).random((8, 2)) < 0.5] = 0
    population_statistics(model, x, 4)
    batches = [batch[np.any(batch != 0, -1)] for batch in np.split(x, 2)]
    means, variances = zip(*((batch.mean(0), batch.var(0, ddof=1)) for batch in batches), strict=True)
    assert_close(model.layers[2].moving_mean.value, np.mean(means, 0), "float32")
    assert_close(model.layers[2].moving_variance.value, np.mean(variances, 0), "float32")


def test_a_feature_that_is_masked_throughout_keeps_its_statistics_and_others_skip_the_mini_batches_without_it():
    layer = BatchNormalization(axis=1)
    inputs = keras.Input((3, 2))
    model = randomize(keras.Model(inputs, layer(layers.Masking()(inputs))))
    old_mean, old_variance = statistics_of(layer)
    x = normal(8, 3, 2)
    x[:, 2] = 0  # the third feature, always
    x[4:, 1] = 0  # the second, in the second mini-batch
    population_statistics(model, x, 4)
    mean, variance = statistics_of(layer)
    assert (mean[2], variance[2]) == (old_mean[2], old_variance[2])
    assert_close(mean[1], x[:4, 1].mean(), "float32")
    assert_close(variance[1], x[:4, 1].var(ddof=1), "float32")


def test_a_bn_that_is_called_twice_averages_over_its_calls():
    shared = BatchNormalization()
    left, right = keras.Input((3,)), keras.Input((3,))
    model = keras.Model([left, right], shared(left) + shared(right))
    x = [normal(12, 3), 5 * normal(12, 3, seed=1)]
    population_statistics(model, x, 4)
    mean, variance = reference.algorithm_2([batch for part in x for batch in np.split(part, 3)], -1)
    assert_close(shared.moving_mean.value, mean, "float32")
    assert_close(shared.moving_variance.value, variance, "float32")


def test_a_dictionary_of_inputs_is_cut_alike():
    inputs = {name: keras.Input((2,), name=name) for name in ("a", "b")}
    layer = BatchNormalization()
    model = keras.Model(inputs, layer(layers.Concatenate()([inputs["a"], inputs["b"]])))
    x = {"a": normal(8, 2), "b": normal(8, 2, seed=1)}
    population_statistics(model, x, 4)
    assert_close(layer.moving_mean.value, np.concatenate([x["a"], x["b"]], 1).mean(0), "float32")


def test_a_frozen_bn_and_one_called_for_inference_stay():
    frozen, fixed, usual = BatchNormalization(trainable=False), BatchNormalization(), BatchNormalization()
    inputs = keras.Input((3,))
    model = randomize(keras.Model(inputs, usual(fixed(frozen(inputs)))))
    before = statistics_of(frozen)
    assert list(population_statistics(model, normal(8, 3), 4)) == [fixed, usual]
    np.testing.assert_array_equal(before, statistics_of(frozen))

    class OneForInference(keras.Model):
        def __init__(self):
            super().__init__()
            self.fixed, self.usual = BatchNormalization(), BatchNormalization()

        def call(self, inputs):
            return self.usual(self.fixed(inputs, training=False))

    model = OneForInference()
    model(normal(8, 3))
    assert list(population_statistics(model, normal(8, 3), 4)) == [model.usual]


@pytest.mark.parametrize("kind", [BatchNormalization, Theirs])
@pytest.mark.parametrize("nested", [False, True])
def test_a_bn_that_a_functional_graph_calls_for_inference_normalizes_so_and_stays(kind, nested):
    fixed, usual, inputs = kind(), kind(), keras.Input((3,))
    part = keras.Sequential([keras.Input((3,)), fixed]) if nested else fixed
    model = randomize(keras.Model(inputs, usual(part(inputs, training=False))))
    before, x = statistics_of(fixed), normal(8, 3)
    assert list(population_statistics(model, x, 4)) == [usual]
    np.testing.assert_array_equal(before, statistics_of(fixed))
    assert_close(usual.moving_mean.value, np.mean(fixed(x, training=False), 0), "float32")


def test_a_bn_shared_between_training_and_inference_averages_over_its_calls_in_training():
    shared, left, right = BatchNormalization(), keras.Input((3,)), keras.Input((3,))
    model = randomize(keras.Model([left, right], shared(left, training=False) + shared(right)))
    x = [normal(8, 3), 5 * normal(8, 3, seed=1)]
    population_statistics(model, x, 4)
    assert_close(shared.moving_mean.value, x[1].mean(0), "float32")


class Cell(layers.Layer):
    """A recurrent cell with BN on its inputs."""

    state_size = 2

    def __init__(self, kind=BatchNormalization, **arguments):
        super().__init__(**arguments)
        self.bn = kind()

    def build(self, shape):
        self.bn.build((None, 2))

    def call(self, inputs, states, training=None):
        hidden = self.bn(inputs, training=training) + states[0]
        return hidden, [hidden]


class Loop(layers.Layer):
    """Two rounds of BN in a compiled loop."""

    def __init__(self):
        super().__init__()
        self.bn = BatchNormalization()

    def build(self, shape):
        self.bn.build(shape)

    def call(self, inputs, training=None):
        rounds = (0, inputs)
        return keras.ops.while_loop(
            lambda place, _: place < 2, lambda place, x: (place + 1, self.bn(x, training=training) * 0 + x), rounds
        )[1]


REPEATING = {
    "recurrent": lambda: layers.RNN(Cell()),
    "recurrent, theirs": lambda: layers.RNN(Cell(Theirs)),
    "time distributed": lambda: layers.TimeDistributed(BatchNormalization()),
    "loop": Loop,
}


@pytest.mark.parametrize("name", REPEATING)
def test_a_bn_inside_of_a_cell_a_wrapper_or_a_loop_averages_over_its_calls(name):
    inputs, x = keras.Input((3, 2)), normal(8, 3, 2)
    layer = REPEATING[name]()
    model = keras.Model(inputs, layer(inputs))
    ((bn, (mean, variance)),) = population_statistics(model, x, 4).items()
    batches = np.split(x, 2)
    if name != "loop":
        batches = [batch[:, place] for batch in batches for place in range(3)]
    paper = reference.algorithm_2(batches, -1)
    assert_close(mean, paper[0], "float32")
    assert_close(variance, paper[1], "float32")
    assert not getattr(layer, "unroll", False)


def test_a_class_derived_from_bn_has_what_it_normalizes_counted():
    class Doubling(Theirs):
        def call(self, inputs, training=None, mask=None):
            return keras.ops.relu(super().call(2 * inputs, training=training, mask=mask))

    layer = Doubling()
    x = normal(8, 3)
    population_statistics(keras.Sequential([keras.Input((3,)), layer]), x, 4)
    assert_close(layer.moving_mean.value, 2 * x.mean(0), "float32")
    assert "call" not in vars(layer) and Theirs.call.__module__.startswith("keras.")


def test_ghost_batches_are_the_mini_batches_of_algorithm_2():
    layer = GhostBatchNormalization(2)
    x = normal(8, 3, 5)
    population_statistics(keras.Sequential([keras.Input((3, 5)), layer]), x, 4)
    ghosts = [batch[place::2] for batch in np.split(x, 2) for place in range(2)]
    mean, variance = reference.algorithm_2(ghosts, -1)
    assert_close(layer.moving_mean.value, mean, "float32")
    assert_close(layer.moving_variance.value, variance, "float32")


def test_a_data_set_with_targets_gives_the_statistics_of_its_arrays():
    x, layer = normal(11, 3), BatchNormalization()
    data = tf.data.Dataset.from_tensor_slices((x, x)).batch(4)
    population_statistics(keras.Sequential([keras.Input((3,)), layer]), data)
    assert_close(layer.moving_mean.value, x[:8].mean(0), "float32")


@pytest.mark.slow
@pytest.mark.parametrize("kind", [BatchNormalization, Theirs])
def test_ragged_examples_count_by_their_values(kind):
    x = tf.RaggedTensor.from_row_lengths(normal(12, 2), [1, 4, 2, 5])
    model = keras.Sequential([keras.Input((None, 2), ragged=True), kind()])
    population_statistics(model, x, 2)
    mean, _ = statistics_of(model.layers[0])
    values = x.values.numpy()
    assert_close(mean, (values[:5].mean(0) + values[5:].mean(0)) / 2, "float32")


def called_for_inference():
    inputs = keras.Input((3,))
    return keras.Model(inputs, BatchNormalization()(inputs, training=False))


def test_a_model_that_runs_eagerly_is_run_eagerly():
    class Eager(keras.Model):
        def __init__(self):
            super().__init__()
            self.normalization, self.seen = BatchNormalization(), []

        def call(self, inputs):
            self.seen.append(float(inputs[0, 0]))
            return self.normalization(inputs)

    model = Eager()
    model.compile(run_eagerly=True)
    x = normal(8, 3)
    model(x)
    model.seen.clear()
    population_statistics(model, x, 4)
    assert model.seen == [x[0, 0], x[4, 0]]


def plain_model(**arguments):
    return keras.Sequential([keras.Input((3,)), BatchNormalization(**arguments)])


@pytest.mark.parametrize(
    "make, x, batch_size, message",
    [
        (
            lambda: keras.Sequential([keras.Input((3,)), layers.Dense(2)]),
            normal(8, 3),
            4,
            "a trainable BN is needed, but of the 0",
        ),
        (
            lambda: plain_model(trainable=False),
            normal(8, 3),
            4,
            "but of the 1 in .* none is: add one, or set trainable=True",
        ),
        (lambda: keras.Sequential([BatchNormalization()]), normal(8, 3), 4, "the model must be built"),
        (
            plain_model,
            normal(8, 3),
            9,
            "batch_size must be a whole number from 1 to the number of examples, 8, but is 9",
        ),
        (plain_model, normal(8, 3), 0, "but is 0: use that of training"),
        (plain_model, normal(8, 3), 2.0, "but is 2.0: use that of training"),
        (plain_model, [normal(8, 3), normal(7, 3)], 2, r"as many examples, but they have \[7, 8\]: cut them alike"),
        (plain_model, normal(8, 3), 1, "training needs at least 2 values of each feature"),
        (
            lambda: keras.Sequential([keras.Input((3,)), Theirs()]),
            normal(8, 3),
            1,
            "2 values of a feature or more, but",
        ),
        (called_for_inference, normal(8, 3), 4, "a trainable BN must be called in training, but none of the 1 in"),
        (plain_model, np.full((8, 3), np.nan, "float32"), 4, "statistics must be finite, but those of"),
    ],
)
def test_errors_say_the_rule_what_came_and_the_remedy_and_leave_the_model(make, x, batch_size, message):
    model = make()
    before = [weight.numpy() for weight in model.variables]
    with pytest.raises(ValueError, match=message):
        population_statistics(model, x, batch_size)
    for weight, old in zip(model.variables, before, strict=True):
        np.testing.assert_array_equal(weight.numpy(), old)
    assert not [layer for layer in model.layers if "call" in vars(layer)]


# fold


FOLDED = {
    "dense": ((4,), lambda: layers.Dense(3)),
    "dense, no bias": ((4,), lambda: layers.Dense(3, use_bias=False)),
    "dense on rows": ((5, 4), lambda: layers.Dense(3)),
    "convolution 1d": ((7, 2), lambda: layers.Conv1D(3, 3, padding="causal")),
    "convolution 2d": ((6, 6, 2), lambda: layers.Conv2D(4, 3, padding="same", use_bias=False)),
    "convolution 2d, groups": ((6, 6, 4), lambda: layers.Conv2D(6, 3, strides=2, groups=2)),
    "convolution 3d": ((4, 4, 4, 2), lambda: layers.Conv3D(3, 2)),
    "depthwise 1d": ((7, 2), lambda: layers.DepthwiseConv1D(3, depth_multiplier=3)),
    "depthwise 2d": ((6, 6, 3), lambda: layers.DepthwiseConv2D(3, depth_multiplier=2, use_bias=False)),
    "separable 1d": ((7, 2), lambda: layers.SeparableConv1D(3, 3)),
    "separable 2d": ((6, 6, 2), lambda: layers.SeparableConv2D(4, 3, use_bias=False)),
    "transposed 1d": ((7, 2), lambda: layers.Conv1DTranspose(3, 3, strides=2)),
    "transposed 2d": ((4, 4, 2), lambda: layers.Conv2DTranspose(3, 3, use_bias=False)),
    "transposed 3d": ((3, 3, 3, 2), lambda: layers.Conv3DTranspose(3, 2)),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", FOLDED)
def test_a_bn_disappears_into_the_linear_layer_before_it(name):
    shape, make = FOLDED[name]
    kind = Theirs if "no bias" in name else BatchNormalization
    model = randomize(keras.Sequential([keras.Input(shape), make(), kind(), layers.ReLU()]))
    x = normal(4, *shape)
    folded = fold(model)
    assert [type(layer) for layer in folded.layers] == [type(model.layers[0]), layers.ReLU]
    assert_close(folded(x, training=False), model(x, training=False), "folded")


@pytest.mark.parametrize(
    "arguments", [{"center": False}, {"scale": False}, {"center": False, "scale": False, "renorm": True}], ids=str
)
def test_gamma_and_beta_may_be_absent(arguments):
    model = randomize(keras.Sequential([keras.Input((4,)), layers.Dense(3), BatchNormalization(**arguments)]))
    folded = fold(model)
    assert len(folded.layers) == 1
    assert_close(folded(normal(4, 4)), model(normal(4, 4)), "folded")


def test_a_convolution_with_channels_first_takes_a_bn_on_axis_1():
    convolution = layers.Conv2D(4, 3, data_format="channels_first")
    model = keras.Sequential([keras.Input((2, 6, 6)), convolution, BatchNormalization(axis=1)])
    x = np.ones((1, 2, 6, 6), "float32")
    try:
        expected = model.predict(x, verbose=0)
    except Exception:  # on most CPUs TensorFlow has no such convolution
        with pytest.warns(UserWarning, match="fold compared no outputs of"):
            assert len(fold(model).layers) == 1
    else:
        np.testing.assert_allclose(fold(model).predict(x, verbose=0), expected, rtol=1e-5, atol=1e-5)


def residual_net():
    keras.utils.set_random_seed(0)
    inputs = keras.Input((6, 6, 2), name="image")
    x = BatchNormalization()(layers.Conv2D(3, 3, padding="same")(inputs))
    y = BatchNormalization()(layers.Conv2D(3, 1)(layers.ReLU()(x)))
    head = keras.Sequential([keras.Input((6, 6, 3)), layers.DepthwiseConv2D(3), BatchNormalization(), layers.Flatten()])
    z = head(layers.Lambda(lambda values: values * 2)(x + y))
    return randomize(keras.Model({"image": inputs}, {"z": z, "twice": head(y)}))


def test_a_bn_that_was_called_by_keyword_folds_too():
    images = keras.Input((4,))
    model = randomize(keras.Model(images, BatchNormalization()(inputs=layers.Dense(3)(images))))
    folded = fold(model)
    assert not any(isinstance(layer, BatchNormalization) for layer in folded.layers)
    assert_close(folded(normal(5, 4), training=False), model(normal(5, 4), training=False), "folded")


def test_residual_nested_and_repeated_parts_fold_and_the_model_is_left_alone():
    model, x = residual_net(), {"image": normal(4, 6, 6, 2)}
    before = model.get_weights()
    folded = fold(model)
    assert not [layer for layer in folded._flatten_layers() if isinstance(layer, (BatchNormalization, Theirs))]
    for name, expected in model(x, training=False).items():
        assert_close(folded(x, training=False)[name], expected, "folded")
    for old, new in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(old, new)
    folded.layers[1].kernel.assign(np.zeros(folded.layers[1].kernel.shape))
    np.testing.assert_array_equal(model.layers[1].kernel.value, before[0])


def test_a_compiled_model_stays_compiled():
    model = keras.Sequential([keras.Input((4,)), layers.Dense(3), BatchNormalization()])
    model.compile("sgd", "mse")
    x, y = normal(8, 4), normal(8, 3)
    assert fold(model).evaluate(x, y, verbose=0) == pytest.approx(model.evaluate(x, y, verbose=0), rel=1e-5)


def shared_layer():
    dense, inputs = layers.Dense(3), keras.Input((3,))
    return keras.Model(inputs, BatchNormalization(name="bn")(dense(dense(inputs))))


def used_elsewhere():
    inputs = keras.Input((3,))
    hidden = layers.Dense(3, name="hidden")(inputs)
    return keras.Model(inputs, BatchNormalization(name="bn")(hidden) + hidden)


def in_training():
    inputs = keras.Input((3,))
    return keras.Model(inputs, BatchNormalization(name="bn")(layers.Dense(3)(inputs), training=True))


def stack(*middle, shape=(3,), **arguments):
    return keras.Sequential([keras.Input(shape), *middle, BatchNormalization(name="bn", **arguments)])


class Opaque(keras.layers.Layer):
    def __init__(self, name="opaque", **arguments):
        super().__init__(name=name, **arguments)
        self.normalization = BatchNormalization(name="bn")

    def call(self, inputs):
        return self.normalization(inputs)


KEPT = {
    "first": (stack, "'bn', because the layer before it, .* is no Dense or convolution"),
    "after an activation": (lambda: stack(layers.Dense(3, "relu", name="hidden")), "'hidden', has an activation"),
    "after a Dropout": (
        lambda: stack(layers.Dense(3), layers.Dropout(0.5, name="drop")),
        "'drop', is no Dense or convolution",
    ),
    "another axis": (
        lambda: stack(layers.Dense(3, name="hidden"), shape=(2, 3), axis=1),
        "axis 1 is not that of the features",
    ),
    "shared": (shared_layer, "is called more than once"),
    "used elsewhere": (used_elsewhere, "the output of 'hidden' is used elsewhere too"),
    "in training": (in_training, "it is called with training=True"),
    "another dtype": (
        lambda: stack(layers.Dense(3, dtype="mixed_bfloat16", name="hidden")),
        "'hidden' has another dtype",
    ),
    "inside": (lambda: keras.Sequential([keras.Input((3,)), Opaque()]), "'bn', because it is inside of 'opaque'"),
}


@pytest.mark.parametrize("name", KEPT)
def test_what_cannot_be_folded_is_kept_and_named_with_the_reason(name):
    make, reason = KEPT[name]
    model = randomize(make())
    x = normal(4, *model.input_shape[1:])
    with pytest.warns(UserWarning, match=f"fold kept 1 BN: .*{reason}"):
        folded = fold(model)
    assert [layer.name for layer in folded._flatten_layers() if isinstance(layer, BatchNormalization)] == ["bn"]
    assert_close(folded(x, training=False), model(x, training=False), "folded")


@pytest.mark.parametrize(
    "make", [lambda: Subclassed(nested(BatchNormalization)), lambda: keras.Sequential([layers.Dense(2)])]
)
def test_a_model_whose_graph_is_not_known_is_refused(make):
    with pytest.raises(ValueError, match="fold needs a built Sequential or functional model, but .* keras.Model"):
        fold(make())
