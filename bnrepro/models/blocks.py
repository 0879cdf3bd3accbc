"""What the nets are made of: linear map, normalization, nonlinearity, Dropout, and what of it decays. Knows no net."""

import keras
from keras import layers

from bnrepro.config.run_config import RunConfig
from bnrepro.layers.batch_normalization import BatchNormalization
from bnrepro.layers.variants import GhostBatchNormalization, PopulationNormalization

RENORM_CLIPPING = {"rmax": 3.0, "rmin": 1 / 3, "dmax": 5.0}
"""The limits that Ioffe 2017 ends with (section 4.1); the paper widens them over training, here they hold from the start."""


def drop_out(config: RunConfig, x, name: str):
    return layers.Dropout(config.dropout, name=f"{name}_dropout")(x) if config.dropout else x


def unit(config: RunConfig, x, width: int, name: str, size: int = 1, strides: int = 1, dropout: bool = False):
    """Linear map, normalization, nonlinearity. A 1x1 convolution is a Dense over the channels, which runs up to twice as fast."""
    options = {"use_bias": config.normalization in ("none", "off"), "name": name}
    options |= regularizers(config, {"kernel": "hidden", "bias": "all"})
    x = layers.Dense(width, **options)(x) if size == 1 else layers.Conv2D(width, size, strides, "same", **options)(x)
    x = drop_out(config, x, name) if dropout else x
    x = normalize(config, x, name=f"{name}_normalization")
    return layers.Activation(config.activation, name=f"{name}_activation")(x)


def regularizers(config: RunConfig, weights: dict[str, str]) -> dict:
    """The regularizers of those weights that decay; `weights` has, by name, the narrowest `weight_decay_on` that reaches each."""
    reached = ("hidden", "kernels", "all")
    reached = reached[: reached.index(config.weight_decay_on) + 1] if config.weight_decay else ()
    names = (name for name, reach in weights.items() if reach in reached)
    return {f"{name}_regularizer": keras.regularizers.L2(config.weight_decay / 2) for name in names}


def normalize(config: RunConfig, x, name: str):
    options = {"momentum": config.momentum, "epsilon": config.epsilon, "name": name}
    options |= regularizers(config, {"gamma": "all", "beta": "all"})
    if config.normalization == "none":
        return x
    if config.normalization in ("population", "noise"):
        noise = config.batch_size if config.normalization == "noise" else 0
        return PopulationNormalization(noise, **options)(x)
    if config.normalization == "renorm":
        options |= {"renorm": True, "renorm_clipping": RENORM_CLIPPING, "renorm_momentum": config.momentum}
    if config.ghost_size:
        return GhostBatchNormalization(config.ghost_size, **options)(x)
    off = config.normalization == "off"
    # With its starting values, trainable=False makes BN (x - 0) / sqrt(1 + epsilon) * 1 + 0: the identity at epsilon 0.
    return BatchNormalization(**options | ({"epsilon": 0.0, "trainable": False} if off else {}))(x)
