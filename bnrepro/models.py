"""The nets of the paper, as plain Keras models, and their seeded start. Knows no data, no training and no table."""

import keras
import numpy as np
from keras import layers

from bnrepro.config import RunConfig
from bnrepro.layer import BatchNormalization


def build_model(config: RunConfig, image_shape: tuple[int, ...], num_classes: int) -> keras.Model:
    """The fully connected net of section 4.1; the logits are its output.

    Each hidden layer is `Dense -> [BatchNormalization] -> activation`, with BN before the nonlinearity and no bias where
    BN follows (section 3.2). `normalization="off"` keeps the biases and sets BN to the identity, for good.

    Args:
        config: What to build.
        image_shape: Shape of one example, `(height, width, channels)`.
        num_classes: Width of the output layer.

    Returns:
        A model from `(batch, *image_shape)` to `(batch, num_classes)`; call `initialize` for the seeded start.
    """
    images = keras.Input(image_shape, name="images")
    x = layers.Flatten(name="flatten")(images)
    for number in range(1, config.hidden_layers + 1):
        x = layers.Dense(config.hidden_units, use_bias=config.normalization != "batch", name=f"hidden_{number}")(x)
        x = _normalize(config, x, name=f"hidden_{number}_normalization")
        x = layers.Activation(config.activation, name=f"hidden_{number}_activation")(x)
    return keras.Model(images, layers.Dense(num_classes, name="logits")(x), name=config.model)


def initialize(model: keras.Model, config: RunConfig) -> None:
    """Sets every kernel to a Gaussian with `initial_std`, from the seed and the kernel's place alone, so alike in all arms.

    Biases and beta start at 0, gamma at 1, running statistics at mean 0 and variance 1.
    """
    kernels = (layer for layer in model.layers if hasattr(layer, "kernel"))
    for place, layer in enumerate(kernels):
        generator = np.random.default_rng([config.seed, 0, place])
        noise = generator.standard_normal(layer.kernel.shape)
        layer.kernel.assign((config.initial_std * noise).astype("float32"))
        if layer.bias is not None:
            layer.bias.assign(np.zeros(layer.bias.shape, "float32"))
    for layer in model.layers:
        if isinstance(layer, BatchNormalization):
            width = layer.moving_mean.shape
            layer.set_weights([np.ones(width), np.zeros(width), np.zeros(width), np.ones(width)])


def _normalize(config: RunConfig, x, name: str):
    if config.normalization == "none":
        return x
    off = config.normalization == "off"
    # With its starting values, trainable=False makes BN (x - 0) / sqrt(1 + epsilon) * 1 + 0: the identity at epsilon 0.
    return BatchNormalization(
        momentum=config.momentum, epsilon=0.0 if off else config.epsilon, trainable=not off, name=name
    )(x)
