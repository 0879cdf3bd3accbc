"""A module of an Inception as Keras layers, for every net that has some. Knows no plan, no data and no training."""

from keras import layers

from bnrepro.config.inception_small import Module
from bnrepro.models.blocks import Blocks

_POOLS = {"average": layers.AveragePooling2D, "max": layers.MaxPooling2D}


def inception_module(x, plan: Module, blocks: Blocks, activation: str):
    """The branches of `plan` side by side on `x`; each layer is named after the module and its branch.

    Args:
        x: Symbolic images.
        plan: The module, of kind `inception` or `stride`.
        blocks: What other parts of the run decide.
        activation: The nonlinearity of every convolution.
    """

    def unit(x, width: int, name: str, size: int = 1, strides: int = 1):
        return blocks.unit(x, width, f"{plan.name}_{name}", activation, size=size, strides=strides)

    strides, pool = 2 if plan.kind == "stride" else 1, f"{plan.name}_pool"
    three = unit(x, plan.three_reduce, "three_reduce")
    three = unit(three, plan.three, "three", size=3, strides=strides)
    double = unit(x, plan.double_reduce, "double_reduce")
    double = unit(double, plan.double, "double_1", size=3)
    double = unit(double, plan.double, "double_2", size=3, strides=strides)
    if plan.kind == "stride":
        pooled = layers.MaxPooling2D(3, 2, "same", name=pool)(x)
        return layers.Concatenate(name=plan.name)([three, double, pooled])
    one = unit(x, plan.one, "one")
    pooled = unit(_POOLS[plan.pool](3, 1, "same", name=pool)(x), plan.projection, "projection")
    return layers.Concatenate(name=plan.name)([one, three, double, pooled])
