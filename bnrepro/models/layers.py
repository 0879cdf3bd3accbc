"""Layers of the nets that Keras lacks: Local Response Normalization and photometric distortion. Knows no config."""

import keras
import numpy as np
from keras import layers, ops

from bnrepro.layers.training_mode import training_phase


class LocalResponseNormalization(layers.Layer):
    """`y_c = x_c / (bias + alpha sum_d x_d^2)^beta`, d running over the 2 radius + 1 channels around c.

    The sum is a product with a band matrix, whose gradient is another: TensorFlow's own op takes 13 ms forward and backward for
    32 x 14 x 14 x 48 on one core.

    Args:
        radius: Channels on each side.
        bias, alpha, beta: As in the formula; the values of Krizhevsky et al. 2012.

    References:
        Krizhevsky, Sutskever and Hinton 2012, *ImageNet classification with deep convolutional networks*, section 3.3.
        Ioffe and Szegedy 2015, section 4.2.1: not needed with BN.
    """

    def __init__(self, radius=2, bias=2.0, alpha=1e-4, beta=0.75, **kwargs):
        super().__init__(**kwargs)
        self.radius, self.bias, self.alpha, self.beta = radius, bias, alpha, beta

    def call(self, inputs):
        channels = np.arange(inputs.shape[-1])
        band = np.abs(channels[:, np.newaxis] - channels) <= self.radius
        squares = ops.matmul(ops.square(inputs), ops.convert_to_tensor(band.astype("float32")))
        return inputs * ops.power(self.bias + self.alpha * squares, -self.beta)

    def get_config(self):
        return {**super().get_config(), **{name: getattr(self, name) for name in ("radius", "bias", "alpha", "beta")}}


class PhotometricDistortion(layers.Layer):
    """While training, contrast and brightness of each image at random: `y = c (x - mean) + mean + b`; else the image itself.

    c is uniform in [1 - strength, 1 + strength], b in [-strength / 2, strength / 2] of the range from 0 to 1, the mean is the
    image's own. Values may leave the range.

    Args:
        strength: From 0 to below 1.

    References:
        Ioffe and Szegedy 2015, section 4.2.1: reduce the photometric distortions. (It does not state them.)
    """

    def __init__(self, strength, **kwargs):
        super().__init__(**kwargs)
        self.strength = strength
        self.seed_generator = keras.random.SeedGenerator(0)

    def call(self, inputs, training=None):
        if not training_phase(self, training):
            return inputs
        shape = (ops.shape(inputs)[0], 1, 1, 1)
        contrast = keras.random.uniform(shape, 1 - self.strength, 1 + self.strength, seed=self.seed_generator)
        brightness = keras.random.uniform(shape, -self.strength / 2, self.strength / 2, seed=self.seed_generator)
        mean = ops.mean(inputs, axis=(1, 2, 3), keepdims=True)
        return contrast * (inputs - mean) + mean + brightness

    def get_config(self):
        return {**super().get_config(), "strength": self.strength}
