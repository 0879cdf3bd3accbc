"""The Inception of section 4.2 at full size, between images and logits. Knows no data and no training."""

from bnrepro.config.component import field
from bnrepro.config.inception_bn import DEPTH_MULTIPLIER, FIRST, REDUCE, SECOND, inception_bn, scaled
from bnrepro.config.registry import register
from bnrepro.config.validation import ANY, at_least, one_of
from bnrepro.models.base import Model
from bnrepro.models.mlp import ACTIVATIONS


@register("model", "inception_bn")
class InceptionBN(Model):
    """Two convolutions, ten modules, global average pooling, Dropout; no fully connected layer but the softmax's.

    It is the table of the appendix (Figure 5): a 7x7 convolution of stride 2, a max pool, 1x1 and 3x3, a max pool, then 3a to 5b.
    The first convolution is separable, 8 channels a color: 7x7 within each color, then 1x1 over all, no nonlinearity between.
    For 1,000 classes that are 11.2 million parameters. The paper says 13.6 million: together with one auxiliary classifier, as
    the nets before it had them in training (a 5x5 pool of stride 3 after 4a, 1x1 to 128, 768 units, softmax: 2.4 million), that
    is what they come to. The paper speaks of none, and of no fully connected layer, so there is none here.
    """

    activation: str = field("sigmoid", one_of(*ACTIVATIONS), "the nonlinearity")
    width: int = field(FIRST, at_least(4), "channels after the first convolution; the other widths follow")
    local_response_normalization: bool = field(
        False, ANY, "after the first pool and before the second, as in Szegedy et al. 2014"
    )

    def build(self, x, blocks):
        from keras import layers

        from bnrepro.models.inception import inception_module
        from bnrepro.models.layers import LocalResponseNormalization

        def normalize_locally(x, name: str):
            return LocalResponseNormalization(name=name)(x) if self.local_response_normalization else x

        modules = inception_bn(self.width, x.shape[1])
        options = blocks.regularizers({"depthwise": "hidden"})
        x = layers.DepthwiseConv2D(7, 2, "same", DEPTH_MULTIPLIER, use_bias=False, name="stem_colors", **options)(x)
        x = blocks.unit(x, scaled(FIRST, self.width), "stem_1", self.activation)
        x = normalize_locally(layers.MaxPooling2D(3, 2, "same", name="stem_1_pool")(x), "stem_1_lrn")
        x = blocks.unit(x, scaled(REDUCE, self.width), "stem_2_reduce", self.activation)
        x = blocks.unit(x, scaled(SECOND, self.width), "stem_2", self.activation, size=3)
        x = layers.MaxPooling2D(3, 2, "same", name="stem_2_pool")(normalize_locally(x, "stem_2_lrn"))
        for module in modules:
            x = inception_module(x, module, blocks, self.activation)
        return blocks.drop_out(layers.GlobalAveragePooling2D(name="average")(x))
