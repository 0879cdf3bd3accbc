"""A scaled-down Inception of section 4.2, between images and logits. Knows no data and no training."""

from bnrepro.config.component import field
from bnrepro.config.inception_small import inception_small
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

        from bnrepro.models.inception import inception_module
        from bnrepro.models.layers import LocalResponseNormalization

        stem, *modules = inception_small(self.width, x.shape[1])
        x = blocks.unit(x, stem.three, "stem", self.activation, size=3, strides=2)
        if self.local_response_normalization:
            x = LocalResponseNormalization(name="stem_lrn")(x)
        for module in modules:
            x = inception_module(x, module, blocks, self.activation)
        return blocks.drop_out(layers.GlobalAveragePooling2D(name="average")(x))
