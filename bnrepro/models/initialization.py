"""The seeded start of a net: kernels, running statistics and random generators. Knows no data and no training."""

import keras
import numpy as np

from bnrepro.config.run_config import RunConfig
from bnrepro.layers.batch_normalization import BatchNormalization


def initialize(model: keras.Model, config: RunConfig) -> None:
    """Sets every kernel to Gaussian values from the seed and the kernel's place alone, so alike in all arms.

    Their standard deviation is that of the initializer, times `initial_gain`; their mean is `initial_mean` times as much.
    Biases and beta start at 0, gamma at 1, running statistics and those of Batch Renormalization at mean 0 and variance 1.
    What draws random numbers while training (Dropout, distortion, noise) draws them from the seed and its place too.
    """
    for place, layer in enumerate(layer for layer in model.layers if hasattr(layer, "kernel")):
        noise = np.random.default_rng([config.seed, 0, place]).standard_normal(layer.kernel.shape)
        start, std = _START[config.initializer](noise, config.initial_std)
        start = start + std * config.initial_mean if config.initial_mean else start
        layer.kernel.assign((config.initial_gain * start).astype("float32"))
        if layer.bias is not None:
            layer.bias.assign(np.zeros(layer.bias.shape, "float32"))
    for layer in model.layers:
        if isinstance(layer, BatchNormalization):
            names = {"gamma": 1, "beta": 0, "moving_mean": 0, "moving_variance": 1}
            names |= {"moving_stddev": 1, "renorm_mean": 0, "renorm_stddev": 1} if layer.renorm else {}
            for name, value in names.items():
                getattr(layer, name).assign(np.full(layer.moving_mean.shape, value, "float32"))
    drawing = (layer for layer in model.layers if hasattr(layer, "seed_generator"))
    for place, layer in enumerate(drawing):
        layer.seed_generator.state.assign(np.random.default_rng([config.seed, 1, place]).integers(2**31, size=2))


def _scaled(noise: np.ndarray, std: float) -> tuple[np.ndarray, float]:
    return std * noise, std


def _orthogonal(noise: np.ndarray) -> tuple[np.ndarray, float]:
    """The orthonormal columns, or rows if they are fewer, nearest in order to those of the noise (Saxe et al. 2014)."""
    matrix = noise.reshape(-1, noise.shape[-1])
    tall = matrix if len(matrix) >= matrix.shape[1] else matrix.T
    q, r = np.linalg.qr(tall)
    q = q * np.sign(np.diag(r))
    return (q if tall is matrix else q.T).reshape(noise.shape), len(tall) ** -0.5


_START = {
    "gaussian": _scaled,
    "he": lambda noise, std: _scaled(noise, np.sqrt(2 / np.prod(noise.shape[:-1]))),
    "glorot": lambda noise, std: _scaled(
        noise, np.sqrt(2 / (noise.size / noise.shape[-1] + noise.size / noise.shape[-2]))
    ),
    "orthogonal": lambda noise, std: _orthogonal(noise),
    "constant": lambda noise, std: (np.full(noise.shape, std), std),
}
"""By initializer, a kernel and its standard deviation, from standard normal noise of its shape and `initial_std`."""
