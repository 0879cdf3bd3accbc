"""The nets of the paper, as plain Keras models. Knows no data, no training and no table."""

import keras
from keras import layers

from bnrepro.config.run_config import RunConfig
from bnrepro.models.blocks import regularizers
from bnrepro.models.inception_small import inception_body
from bnrepro.models.layers import PhotometricDistortion
from bnrepro.models.mlp import mlp_body


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
    options = regularizers(config, {"kernel": "kernels", "bias": "all"})
    return keras.Model(images, layers.Dense(num_classes, name="logits", **options)(x), name=config.model)


_BODIES = {"mlp": mlp_body, "inception_small": inception_body}
