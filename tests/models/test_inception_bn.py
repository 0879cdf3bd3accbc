"""inception_bn is the table of the paper's appendix: its sizes, its layers, its parameters."""

import numpy as np
import pytest
from keras import layers

from bnrepro.config.inception_bn import inception_bn
from bnrepro.config.run_config import RunConfig
from bnrepro.layers.batch_normalization import BatchNormalization
from bnrepro.models.build import build_model
from bnrepro.models.initialize import initialize

FULL = RunConfig(
    model="inception_bn",
    width=64,
    activation="relu",
    initialization="he",
    normalization="batch",
    dropout=0.4,
    local_response_normalization=True,
    weight_decay=1e-4,
)

PRINTED = {
    **{"3a": (28, 256), "3b": (28, 320), "3c": (14, 576)},
    **{"4a": (14, 576), "4b": (14, 576), "4c": (14, 576), "4d": (14, 576), "4e": (7, 1024)},
    **{"5a": (7, 1024), "5b": (7, 1024)},
}
"""Figure 5: height and channels. It prints the size that 3c and 4e are given, not the one that their stride of 2 leaves."""

CONVOLUTIONS, SOFTMAX, FEATURES = 10_143_384, 1_025_000, 9_952

AUXILIARY = 576 * 128 + (4 * 4 * 128) * 768 + 768 * 1000
"""Weights of one auxiliary classifier on 4a: 1x1, 768 units on 4 by 4 locations, softmax."""


@pytest.fixture(scope="module")
def full():
    return build_model(FULL, (224, 224, 3), 1000)


def kinds(model):
    return [type(layer).__name__ for layer in model.layers]


def count(weights):
    return sum(int(np.prod(weight.shape)) for weight in weights)


def test_every_module_gives_what_the_table_prints(full):
    assert {module.name: (module.size, module.channels) for module in inception_bn(64, 224)} == PRINTED
    for name, (size, channels) in PRINTED.items():
        assert full.get_layer(name).output.shape == (None, size, size, channels)
    assert full.get_layer("stem_1_pool").output.shape == (None, 56, 56, 64)
    assert full.get_layer("stem_2_pool").output.shape == (None, 28, 28, 192)
    assert full.get_layer("average").output.shape == (None, 1024)


def test_there_are_69_normalized_convolutions_and_no_fully_connected_layer_but_the_softmax(full):
    # 3 before the modules, 7 in each of eight modules, 5 in each of two that stride
    assert kinds(full).count("BatchNormalization") == kinds(full).count("Activation") == 3 + 8 * 7 + 2 * 5
    flat = [layer.name for layer in full.layers if isinstance(layer, layers.Dense) and len(layer.input.shape) == 2]
    assert flat == ["logits"]
    assert [layer.name for layer in full.layers if getattr(layer, "use_bias", False)] == ["logits"]


def test_the_table_has_11_million_parameters_and_with_one_auxiliary_classifier_the_papers_13_6_million(full):
    norms = [layer for layer in full.layers if isinstance(layer, BatchNormalization)]
    assert count(full.trainable_weights) == CONVOLUTIONS + SOFTMAX + 2 * FEATURES  # gamma and beta
    assert count(layer.gamma for layer in norms) == count(layer.beta for layer in norms) == FEATURES
    for weights in (0, FEATURES, 2 * FEATURES):  # whether beta, or gamma too, counts, the third digit stays
        assert round((CONVOLUTIONS + SOFTMAX + weights + AUXILIARY) / 1e6, 1) == 13.6


def test_without_bn_each_convolution_has_a_bias_in_place_of_beta():
    plain = build_model(FULL.replace(normalization="none"), (224, 224, 3), 1000)
    assert plain.count_params() == CONVOLUTIONS + SOFTMAX + FEATURES
    assert "BatchNormalization" not in kinds(plain)


def test_pools_are_averages_but_in_the_last_module_and_where_it_strides(full):
    pools = {name: type(full.get_layer(f"{name}_pool")).__name__ for name in PRINTED}
    assert {name for name, kind in pools.items() if kind == "MaxPooling2D"} == {"3c", "4e", "5b"}
    strides = {layer.name for layer in full.layers if isinstance(layer, layers.Conv2D) and layer.strides == (2, 2)}
    assert strides == {"3c_three", "3c_double_2", "4e_three", "4e_double_2"}


def test_the_first_convolution_is_separable_with_eight_channels_a_color(full):
    colors, mix = full.get_layer("stem_colors"), full.get_layer("stem_1")
    assert (colors.kernel.shape, colors.strides, mix.kernel.shape) == ((7, 7, 3, 8), (2, 2), (24, 64))


def test_every_kernel_but_the_softmaxs_decays(full):
    decaying = [layer for layer in full.layers if hasattr(layer, "kernel")]
    assert len(full.losses) == len(decaying) - 1


def test_a_narrow_net_on_small_images_has_the_same_layers_and_starts_from_its_seed():
    small = build_model(FULL.replace(width=4), (64, 64, 3), 3)
    assert small.get_layer("5b").output.shape == (None, 2, 2, 64)

    def kernels(seed):
        initialize(small, FULL.replace(width=4, seed=seed))
        return [layer.kernel.numpy() for layer in small.layers if hasattr(layer, "kernel")]

    first, again, other = kernels(0), kernels(0), kernels(1)
    assert len(first) == 71
    for one, same, another in zip(first, again, other):
        np.testing.assert_array_equal(one, same)
        assert not np.array_equal(one, another)


def test_on_images_of_28_pixels_a_small_stem_gives_the_modules_a_quarter_of_the_height():
    config = FULL.replace(width=8, stem="small")
    small, plan = build_model(config, (28, 28, 1), 10), inception_bn(8, 28, "small")
    assert [small.get_layer(module.name).output.shape[1:] for module in plan] == [
        (module.size, module.size, module.channels) for module in plan
    ]
    assert len(plan) == 10 and small.get_layer("stem_lrn").output.shape == (None, 7, 7, 24)
    assert kinds(small).count("BatchNormalization") == 1 + 8 * 7 + 2 * 5
