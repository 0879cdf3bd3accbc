"""The nets of the paper, as plain Keras models, and their seeded start. Knows no data, no training and no table."""

import keras
import numpy as np
from keras import layers

from bnrepro.architecture import Module, inception_small
from bnrepro.config import RunConfig
from bnrepro.layer import BatchNormalization
from bnrepro.model_layers import LocalResponseNormalization, PhotometricDistortion, PopulationNormalization


def build_model(config: RunConfig, image_shape: tuple[int, ...], num_classes: int) -> keras.Model:
    """The net that a config asks for; the logits are its output.

    `mlp` is the fully connected net of section 4.1, `inception_small` a scaled-down Inception of section 4.2. BN stands before
    each nonlinearity, and there is no bias where BN follows (section 3.2). `normalization="off"` keeps the biases and sets BN
    to the identity, for good.

    Args:
        config: What to build.
        image_shape: Shape of one example, `(height, width, channels)`.
        num_classes: Width of the output layer.

    Returns:
        A model from `(batch, *image_shape)` to `(batch, num_classes)`; call `initialize` for the seeded start.
    """
    images = keras.Input(image_shape, name="images")
    x = PhotometricDistortion(config.distortion, name="distortion")(images) if config.distortion else images
    x = _BODIES[config.model](config, x)
    return keras.Model(images, layers.Dense(num_classes, name="logits")(x), name=config.model)


def initialize(model: keras.Model, config: RunConfig) -> None:
    """Sets every kernel to Gaussian values from the seed and the kernel's place alone, so alike in all arms.

    Their standard deviation is `initial_std`, or `sqrt(2 / inputs)` with the initializer `he`, times `initial_gain`. Biases
    and beta start at 0, gamma at 1, running statistics at mean 0 and variance 1. What draws random numbers while training
    (Dropout, distortion, noise) draws them from the seed and its place too.
    """
    for place, layer in enumerate(layer for layer in model.layers if hasattr(layer, "kernel")):
        noise = np.random.default_rng([config.seed, 0, place]).standard_normal(layer.kernel.shape)
        std = config.initial_std if config.initializer == "gaussian" else np.sqrt(2 / np.prod(layer.kernel.shape[:-1]))
        layer.kernel.assign((std * config.initial_gain * noise).astype("float32"))
        if layer.bias is not None:
            layer.bias.assign(np.zeros(layer.bias.shape, "float32"))
    for layer in model.layers:
        if isinstance(layer, BatchNormalization):
            width = layer.moving_mean.shape
            for weight, value in zip((layer.gamma, layer.beta, layer.moving_mean, layer.moving_variance), (1, 0, 0, 1)):
                weight.assign(np.full(width, value, "float32"))
    drawing = (layer for layer in model.layers if hasattr(layer, "seed_generator"))
    for place, layer in enumerate(drawing):
        layer.seed_generator.state.assign(np.random.default_rng([config.seed, 1, place]).integers(2**31, size=2))


def _mlp(config: RunConfig, images):
    """Each hidden layer is `Dense -> [BatchNormalization] -> activation -> [Dropout]`."""
    x = layers.Flatten(name="flatten")(images)
    for number in range(1, config.hidden_layers + 1):
        x = _unit(config, x, config.hidden_units, f"hidden_{number}")
        if config.dropout:
            x = layers.Dropout(config.dropout, name=f"hidden_{number}_dropout")(x)
    return x


def _inception_small(config: RunConfig, images):
    """Stem, modules 3a, 3c, 4a and 4e, global average pooling, Dropout; no fully connected layer but the softmax's."""
    stem, *modules = inception_small(config.width, images.shape[1])
    x = _unit(config, images, stem.three, "stem", size=3, strides=2)
    if config.local_response_normalization:
        x = LocalResponseNormalization(name="stem_lrn")(x)
    for module in modules:
        x = _module(config, x, module)
    x = layers.GlobalAveragePooling2D(name="average")(x)
    return layers.Dropout(config.dropout, name="dropout")(x) if config.dropout else x


def _module(config: RunConfig, x, plan: Module):
    name, strides = plan.name, 2 if plan.kind == "stride" else 1
    three = _unit(config, x, plan.three_reduce, f"{name}_three_reduce", size=1)
    three = _unit(config, three, plan.three, f"{name}_three", size=3, strides=strides)
    double = _unit(config, x, plan.double_reduce, f"{name}_double_reduce", size=1)
    double = _unit(config, double, plan.double, f"{name}_double_1", size=3)
    double = _unit(config, double, plan.double, f"{name}_double_2", size=3, strides=strides)
    if plan.kind == "stride":
        pooled = layers.MaxPooling2D(3, 2, "same", name=f"{name}_pool")(x)
        return layers.Concatenate(name=name)([three, double, pooled])
    one = _unit(config, x, plan.one, f"{name}_one", size=1)
    pooled = layers.AveragePooling2D(3, 1, "same", name=f"{name}_pool")(x)
    pooled = _unit(config, pooled, plan.projection, f"{name}_projection", size=1)
    return layers.Concatenate(name=name)([one, three, double, pooled])


_BODIES = {"mlp": _mlp, "inception_small": _inception_small}


def _unit(config: RunConfig, x, width: int, name: str, size: int = 1, strides: int = 1):
    """Linear map, normalization, nonlinearity. A 1x1 convolution is a Dense over the channels, which runs up to twice as fast."""
    options = {"use_bias": config.normalization in ("none", "off"), "name": name}
    if config.weight_decay:
        options["kernel_regularizer"] = keras.regularizers.L2(config.weight_decay / 2)
    x = layers.Dense(width, **options)(x) if size == 1 else layers.Conv2D(width, size, strides, "same", **options)(x)
    x = _normalize(config, x, name=f"{name}_normalization")
    return layers.Activation(config.activation, name=f"{name}_activation")(x)


def _normalize(config: RunConfig, x, name: str):
    options = {"momentum": config.momentum, "epsilon": config.epsilon, "name": name}
    if config.normalization == "none":
        return x
    if config.normalization in ("population", "noise"):
        noise = config.batch_size if config.normalization == "noise" else 0
        return PopulationNormalization(noise, **options)(x)
    off = config.normalization == "off"
    # With its starting values, trainable=False makes BN (x - 0) / sqrt(1 + epsilon) * 1 + 0: the identity at epsilon 0.
    return BatchNormalization(**options | ({"epsilon": 0.0, "trainable": False} if off else {}))(x)
