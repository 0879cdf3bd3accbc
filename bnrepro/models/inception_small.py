"""A scaled-down Inception of section 4.2, between images and logits. Knows no data and no training."""

from bnrepro.config.component import field
from bnrepro.config.inception_small import Module, inception_small
from bnrepro.config.registry import register
from bnrepro.config.validation import ANY, at_least, one_of
from bnrepro.models.base import Model
from bnrepro.models.mlp import ACTIVATIONS


@register("model", "inception_small")
class InceptionSmall(Model):
    """Stem, modules 3a, 3c, 4a and 4e, global average pooling, Dropout; no fully connected layer but the softmax's."""

    activation: str = field("sigmoid", one_of(*ACTIVATIONS), "the nonlinearity")
    width: int = field(16, at_least(4), "channels after the stem; the other widths follow")
    local_response_normalization: bool = field(False, ANY, "after the stem")

    def build(self, x, blocks):
        from keras import layers

        from bnrepro.models.layers import LocalResponseNormalization

        stem, *modules = inception_small(self.width, x.shape[1])
        x = blocks.unit(x, stem.three, "stem", self.activation, size=3, strides=2)
        if self.local_response_normalization:
            x = LocalResponseNormalization(name="stem_lrn")(x)
        for module in modules:
            x = self._module(x, module, blocks)
        return blocks.drop_out(layers.GlobalAveragePooling2D(name="average")(x))

    def _module(self, x, plan: Module, blocks):
        from keras import layers

        def unit(x, width: int, name: str, size: int = 1, strides: int = 1):
            return blocks.unit(x, width, f"{plan.name}_{name}", self.activation, size=size, strides=strides)

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
        pooled = unit(layers.AveragePooling2D(3, 1, "same", name=pool)(x), plan.projection, "projection")
        return layers.Concatenate(name=plan.name)([one, three, double, pooled])
