"""The nets of the paper, as plain Keras models, and their seeded start. Knows no data, no training and no table."""

import keras
import numpy as np
from keras import layers

from bnrepro.architecture import Module, inception_small
from bnrepro.config import RunConfig
from bnrepro.layer import BatchNormalization
from bnrepro.model_layers import (
    GhostBatchNormalization,
    LocalResponseNormalization,
    PhotometricDistortion,
    PopulationNormalization,
)

RENORM_CLIPPING = {"rmax": 3.0, "rmin": 1 / 3, "dmax": 5.0}
"""The limits that Ioffe 2017 ends with (section 4.1); the paper widens them over training, here they hold from the start."""


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
    options = _decay(config, {"kernel": "kernels", "bias": "all"})
    return keras.Model(images, layers.Dense(num_classes, name="logits", **options)(x), name=config.model)


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


def _mlp(config: RunConfig, images):
    """Each hidden layer is `Dense -> [Dropout] -> [BatchNormalization] -> activation -> [Dropout]`, with one Dropout at most."""
    x = layers.Flatten(name="flatten")(images)
    for number in range(1, config.hidden_layers + 1):
        x = _unit(config, x, config.hidden_units, f"hidden_{number}", dropout=config.dropout_place == "before")
        if config.dropout_place == "after" or (config.dropout_place == "last" and number == config.hidden_layers):
            x = _dropout(config, x, f"hidden_{number}")
    return x


def _dropout(config: RunConfig, x, name: str):
    return layers.Dropout(config.dropout, name=f"{name}_dropout")(x) if config.dropout else x


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


def _unit(config: RunConfig, x, width: int, name: str, size: int = 1, strides: int = 1, dropout: bool = False):
    """Linear map, normalization, nonlinearity. A 1x1 convolution is a Dense over the channels, which runs up to twice as fast."""
    options = {"use_bias": config.normalization in ("none", "off"), "name": name}
    options |= _decay(config, {"kernel": "hidden", "bias": "all"})
    x = layers.Dense(width, **options)(x) if size == 1 else layers.Conv2D(width, size, strides, "same", **options)(x)
    x = _dropout(config, x, name) if dropout else x
    x = _normalize(config, x, name=f"{name}_normalization")
    return layers.Activation(config.activation, name=f"{name}_activation")(x)


def _decay(config: RunConfig, weights: dict[str, str]) -> dict:
    """The regularizers of those weights that decay; `weights` has, by name, the narrowest `weight_decay_on` that reaches each."""
    reached = ("hidden", "kernels", "all")
    reached = reached[: reached.index(config.weight_decay_on) + 1] if config.weight_decay else ()
    names = (name for name, reach in weights.items() if reach in reached)
    return {f"{name}_regularizer": keras.regularizers.L2(config.weight_decay / 2) for name in names}


def _normalize(config: RunConfig, x, name: str):
    options = {"momentum": config.momentum, "epsilon": config.epsilon, "name": name}
    options |= _decay(config, {"gamma": "all", "beta": "all"})
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
