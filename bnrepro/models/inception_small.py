"""A scaled-down Inception of section 4.2, between images and logits. Knows no data and no training."""

from keras import layers

from bnrepro.config.inception_small import Module, inception_small
from bnrepro.config.run_config import RunConfig
from bnrepro.models.blocks import unit
from bnrepro.models.layers import LocalResponseNormalization


def inception_body(config: RunConfig, images):
    """Stem, modules 3a, 3c, 4a and 4e, global average pooling, Dropout; no fully connected layer but the softmax's."""
    stem, *modules = inception_small(config.width, images.shape[1])
    x = unit(config, images, stem.three, "stem", size=3, strides=2)
    if config.local_response_normalization:
        x = LocalResponseNormalization(name="stem_lrn")(x)
    for module in modules:
        x = _module(config, x, module)
    x = layers.GlobalAveragePooling2D(name="average")(x)
    return layers.Dropout(config.dropout, name="dropout")(x) if config.dropout else x


def _module(config: RunConfig, x, plan: Module):
    name, strides = plan.name, 2 if plan.kind == "stride" else 1
    three = unit(config, x, plan.three_reduce, f"{name}_three_reduce", size=1)
    three = unit(config, three, plan.three, f"{name}_three", size=3, strides=strides)
    double = unit(config, x, plan.double_reduce, f"{name}_double_reduce", size=1)
    double = unit(config, double, plan.double, f"{name}_double_1", size=3)
    double = unit(config, double, plan.double, f"{name}_double_2", size=3, strides=strides)
    if plan.kind == "stride":
        pooled = layers.MaxPooling2D(3, 2, "same", name=f"{name}_pool")(x)
        return layers.Concatenate(name=name)([three, double, pooled])
    one = unit(config, x, plan.one, f"{name}_one", size=1)
    pooled = layers.AveragePooling2D(3, 1, "same", name=f"{name}_pool")(x)
    pooled = unit(config, pooled, plan.projection, f"{name}_projection", size=1)
    return layers.Concatenate(name=name)([one, three, double, pooled])
