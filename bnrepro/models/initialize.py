"""The seeded start of a net: kernels, running statistics and random generators. Knows no data and no training."""

import keras
import numpy as np

from bnrepro.config.run_config import RunConfig
from bnrepro.layers.batch_normalization import BatchNormalization


def initialize(model: keras.Model, config: RunConfig) -> None:
    """Sets every kernel by the run's initialization, from the seed and the kernel's index alone, so alike in all arms.

    Biases and beta start at 0, gamma at 1, running statistics and those of Batch Renormalization at mean 0 and variance 1.
    What draws random numbers while training (Dropout, distortion, noise) draws them from the seed and its index too. Other
    weights, which a net from outside may have, stay as they are.
    """
    for index, layer in enumerate(layer for layer in model.layers if hasattr(layer, "kernel")):
        noise = np.random.default_rng([config.seed, 0, index]).standard_normal(layer.kernel.shape)
        layer.kernel.assign(config.initialization.kernel(noise))
        if layer.bias is not None:
            layer.bias.assign(np.zeros(layer.bias.shape, "float32"))
    for layer in model.layers:
        if isinstance(layer, BatchNormalization):
            names = {"gamma": 1, "beta": 0, "moving_mean": 0, "moving_variance": 1}
            names |= {"moving_stddev": 1, "renorm_mean": 0, "renorm_stddev": 1} if layer.renorm else {}
            for name, value in names.items():
                getattr(layer, name).assign(np.full(layer.moving_mean.shape, value, "float32"))
    drawing = (layer for layer in model.layers if hasattr(layer, "seed_generator"))
    for index, layer in enumerate(drawing):
        layer.seed_generator.state.assign(np.random.default_rng([config.seed, 1, index]).integers(2**31, size=2))
