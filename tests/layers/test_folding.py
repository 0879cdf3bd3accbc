"""What `fold` must not get wrong: state that is no weight, layers that do more, names, losses, dtypes; equal or said."""

import keras
import numpy as np
import pytest
from keras import layers

from bnrepro.layers.batch_normalization import BatchNormalization
from bnrepro.layers.folding import KINDS, fold
from bnrepro.layers.variants import GhostBatchNormalization
from tests.layers.tolerances import assert_close

Theirs = layers.BatchNormalization


def normal(*shape, seed=0):
    return (1 + 2 * np.random.default_rng(seed).standard_normal(shape)).astype("float32")


def randomize(model, seed=1):
    """Gives every BN of a model weights at random, all positive."""
    generator = np.random.default_rng(seed)
    for layer in model._flatten_layers():
        if isinstance(layer, KINDS):
            layer.set_weights([generator.uniform(0.5, 1.5, weight.shape) for weight in layer.weights])
    return model


def norms(model):
    return [layer.name for layer in model._flatten_layers() if isinstance(layer, KINDS)]


def stack(*middle, shape=(3,), **inputs):
    return randomize(keras.Sequential([keras.Input(shape, **inputs), *middle]))


def assert_same_outputs(folded, model, x):
    for mine, whole in zip(*(keras.tree.flatten(each(x, training=False)) for each in (folded, model)), strict=True):
        assert_close(mine, whole, "folded")


# State that is neither weight nor config


def adapted(layer, data):
    layer.adapt(np.array(data))
    return layer


class Gain(layers.Layer):
    """Keeps a number that is neither weight nor config, and saves it."""

    gain = 1.0

    def call(self, inputs):
        return inputs * self.gain

    def save_own_variables(self, store):
        store["gain"] = np.array(self.gain)

    def load_own_variables(self, store):
        self.gain = float(store["gain"])


class Sampling(layers.Layer):
    """Random at inference too."""

    def __init__(self, seed=None, **arguments):
        super().__init__(**arguments)
        self.seed = seed
        self.seed_generator = keras.random.SeedGenerator(seed)

    def call(self, inputs):
        return inputs + keras.random.normal((3,), seed=self.seed_generator)


def gained(kind=Gain):
    layer = kind()
    layer.gain = 3.0
    return layer


WITH_STATE = {
    "Normalization": lambda: (adapted(layers.Normalization(), [[48.0, 0, 1], [52.0, 2, 5]]), normal(4, 3), {}),
    "Normalization inside": lambda: (
        keras.Sequential([keras.Input((3,)), adapted(layers.Normalization(), [[48.0, 0, 1], [52.0, 2, 5]])]),
        normal(4, 3),
        {},
    ),
    "Discretization": lambda: (
        adapted(layers.Discretization(num_bins=3, output_mode="one_hot"), [[0.0], [1.0], [2.0], [3.0]]),
        normal(4, 1),
        {"shape": (1,)},
    ),
    "StringLookup": lambda: (
        adapted(layers.StringLookup(output_mode="multi_hot"), ["a", "b"]),
        np.array([["a"], ["z"]]),
        {"shape": (1,), "dtype": "string"},
    ),
    "a layer that saves its own": lambda: (gained(), normal(4, 3), {}),
    "random at inference": lambda: (Sampling(), normal(4, 3), {}),
    "LayerNormalization": lambda: (layers.LayerNormalization(), normal(4, 3), {}),
}


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")  # Keras 3.15 under NumPy 2
@pytest.mark.parametrize("name", WITH_STATE)
def test_state_that_set_weights_cannot_carry_comes_along(name):
    layer, x, inputs = WITH_STATE[name]()
    model = stack(layer, layers.Dense(2), BatchNormalization(), **inputs)
    x = keras.ops.convert_to_tensor(x)
    folded = fold(model, x=x)
    assert not norms(folded) and folded.layers[0] is not layer
    assert_same_outputs(folded, model, x)


class Forgetful(Gain):
    def save_own_variables(self, store):
        pass

    def load_own_variables(self, store):
        pass


@pytest.mark.parametrize("place", ["sequential", "functional", "nested"])
def test_a_fold_that_does_not_agree_is_refused_in_one_line_that_names_the_layer(place):
    model = stack(layers.Dense(3), BatchNormalization(), gained(Forgetful), layers.Dense(2))
    if place != "sequential":
        model = keras.Model(model.inputs[0], model.outputs[0])
    if place == "nested":
        model = stack(model, layers.Dense(1))
    named = model.layers[0].name if place == "nested" else "forgetful"
    with pytest.raises(ValueError, match=rf"must give the model's outputs to 1e-05 .* from '{named}.*' on") as raised:
        fold(model)
    assert "\n" not in str(raised.value)
    assert norms(fold(model, tolerance=10.0)) == []


class Unsaved(layers.Layer):
    def __init__(self, function):
        super().__init__()
        self.function, self.inner = function, layers.Dense(3)

    def call(self, inputs):
        return self.function(self.inner(inputs))

    def get_config(self):
        raise NotImplementedError("no config for a function")


def test_a_layer_that_cannot_be_copied_is_shared_and_named():
    layer = Unsaved(lambda values: values * 2)
    model = stack(layer, layers.Dense(2), BatchNormalization())
    with pytest.warns(
        UserWarning, match="fold shares with the model: 'unsaved.*', because it cannot be copied: no conf"
    ):
        folded = fold(model)
    assert folded.layers[0] is layer and not norms(folded)
    assert_same_outputs(folded, model, normal(4, 3))


def test_layers_of_classes_that_are_not_registered_are_copied_with_their_inner_layers():
    class Block(layers.Layer):
        def __init__(self, units, **arguments):
            super().__init__(**arguments)
            self.units, self.inner = units, layers.Dense(units)

        def call(self, inputs):
            return self.inner(inputs)

        def get_config(self):
            return {**super().get_config(), "units": self.units}

    model = stack(Block(3), layers.Dense(2), BatchNormalization())
    folded = fold(model)
    assert_same_outputs(folded, model, normal(4, 3))
    folded.layers[0].inner.kernel.assign(np.zeros((3, 3)))
    assert np.any(model.layers[0].inner.kernel.numpy())


# BN that does more


class ThenReLU(Theirs):
    def call(self, inputs, training=None, mask=None):
        return keras.ops.relu(super().call(inputs, training=training, mask=mask))


class OtherDefaults(BatchNormalization):
    def __init__(self, momentum=0.9, **arguments):
        super().__init__(momentum=momentum, **arguments)


def test_a_bn_with_a_call_of_its_own_is_kept_and_one_without_is_folded():
    model = stack(layers.Dense(3), ThenReLU(name="bn"))
    with pytest.warns(UserWarning, match="fold kept 1 BN: 'bn', because a ThenReLU may do more than BN"):
        folded = fold(model)
    assert norms(folded) == ["bn"]
    assert_same_outputs(folded, model, normal(8, 3))
    model = stack(layers.Dense(3), OtherDefaults(), layers.Dense(4), GhostBatchNormalization(2))
    assert norms(fold(model)) == []


def test_a_model_with_a_call_of_its_own_is_no_graph():
    class Doubled(keras.Model):
        def call(self, inputs, training=None, mask=None):
            return 2 * super().call(inputs, training=training, mask=mask)

    inputs = keras.Input((3,))
    model = randomize(Doubled(inputs, BatchNormalization(name="bn")(layers.Dense(3)(inputs))))
    with pytest.raises(ValueError, match="but .* is a Doubled"):
        fold(model)


def test_a_nested_model_that_is_called_with_training_true_is_left_alone():
    inner = stack(layers.Dense(3), BatchNormalization(name="bn", momentum=0.0))
    inputs = keras.Input((3,))
    model = keras.Model(inputs, inner(inputs, training=True))
    with pytest.warns(UserWarning, match="'bn', because it is inside of .*, which is called with training=True"):
        folded = fold(model)
    before = [layer.moving_mean.numpy() for layer in (inner.layers[1], folded.layers[1].layers[1])]
    assert_close(folded(normal(8, 3)), model(normal(8, 3)), "folded")
    np.testing.assert_array_equal(*before)


# Names and losses


def test_outputs_are_named_as_before_so_that_losses_find_them():
    inputs = keras.Input((2,))
    embedding = BatchNormalization(name="embedding")(layers.Dense(3, name="hidden")(inputs))
    model = randomize(keras.Model(inputs, [embedding, layers.Dense(1, name="head")(embedding)]))
    losses = {"embedding": "mse", "head": "mse"}
    model.compile("sgd", losses, metrics={"head": ["mae"]}, run_eagerly=True)
    folded = fold(model)
    assert folded.output_names == model.output_names == ["embedding", "head"]
    x, y = normal(4, 2), {"embedding": normal(4, 3), "head": normal(4, 1)}
    assert folded.evaluate(x, y, verbose=0) == pytest.approx(model.evaluate(x, y, verbose=0), rel=1e-4)


@pytest.mark.filterwarnings("ignore:.*The structure of `inputs`:UserWarning")  # Keras takes the name, and complains
def test_inputs_are_named_as_before_and_optional_ones_stay_so():
    model = stack(layers.Dense(3), BatchNormalization(), shape=(2,), name="image")
    assert_close(fold(model)({"image": normal(4, 2)}), model({"image": normal(4, 2)}), "folded")
    inputs, extra = keras.Input((2,), name="x"), keras.Input((2,), name="extra", optional=True)

    class First(layers.Layer):
        def call(self, values):
            return values[0] if values[1] is None else values[0] + values[1]

    hidden = BatchNormalization()(layers.Dense(3)(First()([inputs, extra])))
    model = randomize(keras.Model([inputs, extra], hidden))
    folded = fold(model)
    assert_close(folded([normal(4, 2), None]), model([normal(4, 2), None]), "folded")


def test_a_penalty_that_would_be_lost_is_said_and_in_a_compiled_model_keeps_the_bn():
    def make():
        regularized = layers.Dense(3, kernel_regularizer="l2", kernel_constraint="non_neg", name="hidden")
        return stack(regularized, BatchNormalization(name="bn"), layers.Dense(2, bias_regularizer="l2"))

    model = make()
    with pytest.warns(
        UserWarning, match="fold left a penalty out of the losses: 'hidden', because it was of the kernel"
    ):
        folded = fold(model)
    assert folded.layers[0].kernel_regularizer is folded.layers[0].kernel_constraint is None
    assert folded.layers[1].bias_regularizer is not None
    model = make()
    model.compile("sgd", "mse", run_eagerly=True)
    with pytest.warns(UserWarning, match="'bn', because the penalty of 'hidden' would be missing in the losses"):
        folded = fold(model)
    x, y = normal(8, 3), normal(8, 2)
    assert folded.evaluate(x, y, verbose=0) == pytest.approx(model.evaluate(x, y, verbose=0), rel=1e-5)


def test_a_compile_config_that_cannot_be_read_is_said():
    model = stack(layers.Dense(3), BatchNormalization())

    def local_loss(truth, found):
        return keras.ops.mean(truth - found)

    model.compile("sgd", loss=local_loss)
    with pytest.warns(UserWarning, match="fold did not compile: 'sequential.*', because its config cannot be read"):
        assert not fold(model).compiled


# Dtypes


@pytest.mark.parametrize("policy, mean", [("mixed_float16", 3000.0), ("mixed_bfloat16", 100.0), ("float32", 1e4)])
def test_a_bn_whose_map_the_dtype_cannot_hold_is_kept(policy, mean):
    model = stack(layers.Dense(1, dtype=policy), BatchNormalization(name="bn", dtype=policy), shape=(1,))
    model.layers[0].kernel.assign([[1.0]])
    model.layers[1].moving_mean.assign([mean])
    model.layers[1].moving_variance.assign([0.0 if "float16" in policy else 1.0])
    with pytest.warns(UserWarning, match="'bn', because .* (finite in float16|would lose digits)"):
        folded = fold(model)
    x = np.array([[mean]], "float32")
    np.testing.assert_array_equal(folded(x, training=False), model(x, training=False))


@pytest.mark.parametrize("policy", ["mixed_float16", "mixed_bfloat16", "bfloat16", "float64"])
def test_every_dtype_folds(policy):
    model = stack(layers.Dense(3, dtype=policy), BatchNormalization(dtype=policy), layers.Dense(2, dtype=policy))
    folded, x = fold(model), normal(8, 3)
    assert not norms(folded)
    whole = np.asarray(keras.ops.cast(model(x, training=False), "float64"))
    tolerance = {"mixed_float16": "float16", "float64": "float32"}.get(policy, "bfloat16")
    assert_close(keras.ops.cast(folded(x, training=False), "float64"), whole, tolerance)


def test_statistics_that_are_not_finite_keep_their_bn():
    model = stack(layers.Dense(3), BatchNormalization(name="bn"))
    model.layers[1].moving_variance.assign([1.0, np.nan, 1.0])
    with pytest.warns(UserWarning, match="'bn', because the weights of 'dense.*' would not be finite in float32"):
        fold(model)


# Every other place


def test_a_layer_shared_between_a_model_and_one_nested_in_it_stays_shared():
    shared, inner_inputs, inputs = layers.Dense(3), keras.Input((3,)), keras.Input((3,))
    inner = keras.Model(inner_inputs, BatchNormalization()(layers.Dense(3)(shared(inner_inputs))))
    model = randomize(keras.Model(inputs, inner(layers.ReLU()(shared(inputs)))))
    folded = fold(model)
    assert not norms(folded)
    assert folded.layers[1] is folded.layers[3].layers[1]
    assert_same_outputs(folded, model, normal(4, 3))


def test_frozen_layers_and_models_stay_frozen():
    model = stack(layers.Dense(3, trainable=False), BatchNormalization(), layers.Dense(2))
    folded = fold(model)
    assert [layer.trainable for layer in folded.layers] == [False, True]
    model.trainable = False
    assert not fold(model).trainable_weights


@keras.saving.register_keras_serializable(package="tests")
class Cell(layers.Layer):
    state_size = 3

    def __init__(self, **arguments):
        super().__init__(**arguments)
        self.bn = BatchNormalization(name="cell_bn")

    def build(self, shape):
        self.bn.build((None, 3))

    def call(self, inputs, states, training=None):
        hidden = self.bn(inputs, training=training) + states[0]
        return hidden, [hidden]


def test_a_bn_inside_of_a_recurrent_cell_or_a_wrapper_is_kept_and_outputs_agree():
    inputs = keras.Input((4, 3))
    hidden = layers.Bidirectional(layers.RNN(Cell(), return_sequences=True), merge_mode="sum")(inputs)
    hidden = layers.TimeDistributed(BatchNormalization(name="bn"))(layers.Dense(3)(hidden))
    model = randomize(keras.Model(inputs, hidden))
    with pytest.warns(UserWarning, match="fold kept 3 BN: 'cell_bn.*', because it is inside of 'bidirectional"):
        folded = fold(model)
    assert_same_outputs(folded, model, normal(2, 4, 3))


def test_a_batch_at_random_may_not_fit_and_x_does():
    inputs = keras.Input((None, 2))
    hidden = layers.Reshape((8, 1))(inputs)  # 4 steps, which the model does not say
    model = randomize(keras.Model(inputs, BatchNormalization()(layers.Conv1D(3, 2)(hidden))))
    with pytest.warns(UserWarning, match="fold compared no outputs of: .* no batch at random here .*: pass x, a batch"):
        fold(model)
    assert not norms(fold(model, x=normal(2, 4, 2)))
