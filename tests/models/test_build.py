"""inception_small is an Inception: its branches, its strides, what stands where; and its start depends on the seed alone."""

import numpy as np
import pytest
from keras import layers

from bnrepro.config.inception_small import inception_small
from bnrepro.config.run_config import RunConfig
from bnrepro.layers.batch_normalization import BatchNormalization
from bnrepro.models.build import build_model
from bnrepro.models.initialize import initialize
from bnrepro.models.layers import LocalResponseNormalization

INCEPTION = RunConfig(
    model="inception_small",
    activation="relu",
    initialization="he",
    dropout=0.4,
    local_response_normalization=True,
    distortion=0.4,
    weight_decay=5e-4,
    batch_size=32,
)
SHAPES = {28: (28, 28, 1), 32: (32, 32, 3)}


def built(shape=SHAPES[28], **changes):
    return build_model(INCEPTION.replace(**changes), shape, 10)


def kernels(**changes):
    model = built(**changes)
    initialize(model, INCEPTION.replace(**changes))
    return [layer.kernel.numpy() for layer in model.layers if hasattr(layer, "kernel")]


@pytest.mark.slow
@pytest.mark.parametrize("size", SHAPES)
@pytest.mark.parametrize("width", [8, 16])
def test_the_model_follows_its_plan_at_both_image_sizes_and_every_width(size, width):
    model = built(SHAPES[size], width=width)
    for module in inception_small(width, size):
        name = "stem_activation" if module.kind == "stem" else module.name
        assert model.get_layer(name).output.shape == (None, module.size, module.size, module.channels)


def test_each_module_has_the_branches_of_an_inception():
    names = {layer.name for layer in built().layers}
    for module in ("3a", "3c", "4a", "4e"):
        for branch in ("three_reduce", "three", "double_reduce", "double_1", "double_2"):
            assert f"{module}_{branch}" in names
        assert (f"{module}_one" in names) == (f"{module}_projection" in names) == (module in ("3a", "4a"))
    strides = {layer.name: layer.strides[0] for layer in built().layers if isinstance(layer, layers.Conv2D)}
    assert {name for name, stride in strides.items() if stride == 2} == {
        *("stem", "3c_three", "3c_double_2", "4e_three", "4e_double_2")
    }


def test_no_layer_is_fully_connected_but_the_softmax():
    model = built()
    dense = [layer for layer in model.layers if isinstance(layer, layers.Dense)]
    assert [layer.name for layer in dense if len(layer.input.shape) == 2] == ["logits"]
    assert [layer.name for layer in model.layers[-3:]] == ["average", "dropout", "logits"]


def test_bn_stands_before_every_nonlinearity_and_replaces_every_bias():
    model = built(normalization="batch")
    activations = [layer for layer in model.layers if isinstance(layer, layers.Activation)]
    before = [activation._inbound_nodes[0].parent_nodes[0].operation for activation in activations]
    assert activations and all(isinstance(layer, BatchNormalization) for layer in before)
    assert [layer.name for layer in model.layers if getattr(layer, "use_bias", False)] == ["logits"]


def test_lrn_dropout_and_distortion_are_there_where_asked_for():
    with_all = {type(layer).__name__ for layer in built().layers}
    without = {
        type(layer).__name__ for layer in built(local_response_normalization=False, dropout=0.0, distortion=0.0).layers
    }
    assert with_all - without == {LocalResponseNormalization.__name__, "Dropout", "PhotometricDistortion"}


@pytest.mark.slow
def test_kernels_are_alike_in_all_arms_and_scaled_by_their_inputs():
    for ours, theirs in zip(kernels(), kernels(normalization="batch", dropout=0.0, local_response_normalization=False)):
        np.testing.assert_array_equal(ours, theirs)
    for kernel, scaled in zip(kernels(), kernels(initial_gain=1.5)):
        np.testing.assert_allclose(scaled, 1.5 * kernel, rtol=1e-5)
        assert np.std(kernel) == pytest.approx(np.sqrt(2 / np.prod(kernel.shape[:-1])), rel=0.35)


@pytest.mark.slow
def test_dropout_and_distortion_draw_from_the_seed():
    model, images = built(), np.random.default_rng(0).random((8, 28, 28, 1)).astype("float32")

    def trained(seed):
        initialize(model, INCEPTION.replace(seed=seed))
        kernel = kernels()[0]  # the same in all, so that only what is drawn while training differs
        model.get_layer("stem").kernel.assign(kernel)
        return model(images, training=True).numpy()

    first = trained(0)
    np.testing.assert_array_equal(first, trained(0))
    assert not np.array_equal(first, model(images, training=True).numpy())


def test_the_penalty_is_half_the_weight_decay_times_the_squared_hidden_kernels():
    model = built()
    initialize(model, INCEPTION)
    *hidden, _ = (layer.kernel.numpy() for layer in model.layers if hasattr(layer, "kernel"))
    expected = INCEPTION["weight_decay"] / 2 * sum(np.square(kernel).sum() for kernel in hidden)
    assert float(sum(model.losses)) == pytest.approx(expected, rel=1e-5)


MLP = RunConfig(activation="relu", hidden_layers=2, hidden_units=20, initial_std=0.5)


def mlp(**changes):
    config = MLP.replace(**changes)
    model = build_model(config, (6, 6, 1), 10)
    initialize(model, config)
    return model


@pytest.mark.parametrize(
    ("initializer", "std"), [("he", np.sqrt(2 / 36)), ("glorot", np.sqrt(2 / 56)), ("gaussian", 0.5)]
)
def test_kernels_start_with_the_spread_of_their_initializer(initializer, std):
    kernel = mlp(initialization=initializer).get_layer("hidden_1").kernel.numpy()
    assert kernel.std() == pytest.approx(std, rel=0.1)
    shifted = mlp(initialization=initializer, initial_mean=0.5).get_layer("hidden_1").kernel.numpy()
    np.testing.assert_allclose(shifted - kernel, 0.5 * std, rtol=1e-4)


def test_an_orthogonal_start_keeps_lengths_and_a_constant_one_makes_all_units_alike():
    first, second = (mlp(initialization="orthogonal").get_layer(f"hidden_{place}").kernel.numpy() for place in (1, 2))
    np.testing.assert_allclose(first.T @ first, np.eye(20), atol=1e-6)
    np.testing.assert_allclose(second @ second.T, np.eye(20), atol=1e-6)
    assert (mlp(initialization="constant").get_layer("hidden_2").kernel.numpy() == 0.5).all()


@pytest.mark.parametrize(
    ("place", "order"),
    [
        ("before", ["Dense", "Dropout", "BatchNormalization", "Activation"] * 2),
        ("after", ["Dense", "BatchNormalization", "Activation", "Dropout"] * 2),
        ("last", [*["Dense", "BatchNormalization", "Activation"] * 2, "Dropout"]),
    ],
)
def test_dropout_stands_where_it_is_told_to(place, order):
    names = [type(layer).__name__ for layer in mlp(normalization="batch", dropout=0.5, dropout_place=place).layers]
    assert names == ["InputLayer", "Flatten", *order, "Dense"]


@pytest.mark.parametrize(
    ("reach", "decaying"),
    [
        ("hidden", {"hidden_1/kernel", "hidden_2/kernel"}),
        ("kernels", {"hidden_1/kernel", "hidden_2/kernel", "logits/kernel"}),
        ("all", None),
        ("gamma", {"hidden_1_normalization/gamma", "hidden_2_normalization/gamma"}),
    ],
)
def test_weight_decay_reaches_what_it_is_told_to(reach, decaying):
    model = mlp(normalization="batch", weight_decay=0.1, weight_decay_on=reach)
    found = {variable.path for variable in model.trainable_variables if variable.regularizer is not None}
    assert found == (decaying or {variable.path for variable in model.trainable_variables})


def test_batch_renormalization_and_ghost_batches_are_built_where_asked_for():
    renormed = mlp(normalization="renorm").get_layer("hidden_1_normalization")
    assert renormed.renorm and renormed.renorm_clipping["rmax"] == 3
    assert mlp(normalization="batch", ghost_size=10).get_layer("hidden_1_normalization").size == 10
    for noise in (0, 10):
        kept = mlp(normalization="kept", noise_size=noise).get_layer("hidden_1_normalization")
        assert (kept.gradient, kept.noise, kept.apart) == ("kept", noise, noise > 0)
