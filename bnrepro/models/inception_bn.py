"""The Inception of section 4.2 at full size, between images and logits. Knows no data and no training."""

from bnrepro.config.component import field
from bnrepro.config.inception_bn import DEPTH_MULTIPLIER, FIRST, REDUCE, SECOND, STEMS, inception_bn, scaled
from bnrepro.config.registry import register
from bnrepro.config.validation import ANY, at_least, one_of
from bnrepro.models.base import Model
from bnrepro.models.mlp import ACTIVATIONS


@register("model", "inception_bn")
class InceptionBN(Model):
    """Two convolutions, ten modules, global average pooling, Dropout; no fully connected layer but the softmax's.

    It is the table of the appendix (Figure 5): a 7x7 convolution of stride 2, a max pool, 1x1 and 3x3, a max pool, then 3a to 5b.
    The first convolution is separable, 8 channels a color: 7x7 within each color, then 1x1 over all, no nonlinearity between.
    For images of 28 pixels the stem `small` is one 3x3 convolution of stride 2 and a max pool, which give 3a as many channels as
    those would: 3a to 5b then see a quarter to a fourteenth of an image's height, of ImageNet an eighth to a thirty-second.
    For 1,000 classes that are 11.2 million parameters. The paper says 13.6 million: together with one auxiliary classifier, as
    the nets before it had them in training (a 5x5 pool of stride 3 after 4a, 1x1 to 128, 768 units, softmax: 2.4 million), that
    is what they come to. The paper speaks of none, and of no fully connected layer, so there is none here.
    """

    activation: str = field("sigmoid", one_of(*ACTIVATIONS), "the nonlinearity")
    width: int = field(FIRST, at_least(4), "channels after the first convolution; the other widths follow")
    local_response_normalization: bool = field(
        False,
        ANY,
        "in the stem after the first pool and before the second, as in Szegedy et al. 2014; at the end of a small one",
    )
    stem: str = field(
        "imagenet", one_of(*STEMS), "what stands before the modules; small: one 3x3 convolution and a pool"
    )

    def build(self, x, blocks):
        from keras import layers

        from bnrepro.models.inception import inception_module
        from bnrepro.models.layers import LocalResponseNormalization

        def normalize_locally(x, name: str):
            return LocalResponseNormalization(name=name)(x) if self.local_response_normalization else x

        def unit(x, channels: int, name: str, **options):
            return blocks.unit(x, scaled(channels, self.width), name, self.activation, **options)

        modules = inception_bn(self.width, x.shape[1], self.stem)
        if self.stem == "small":
            x = layers.MaxPooling2D(3, 2, "same", name="stem_pool")(unit(x, SECOND, "stem", size=3, strides=2))
            x = normalize_locally(x, "stem_lrn")
        else:
            options = blocks.regularizers({"depthwise": "hidden"})
            x = layers.DepthwiseConv2D(7, 2, "same", DEPTH_MULTIPLIER, use_bias=False, name="stem_colors", **options)(x)
            x = unit(x, FIRST, "stem_1")
            x = normalize_locally(layers.MaxPooling2D(3, 2, "same", name="stem_1_pool")(x), "stem_1_lrn")
            x = unit(unit(x, REDUCE, "stem_2_reduce"), SECOND, "stem_2", size=3)
            x = layers.MaxPooling2D(3, 2, "same", name="stem_2_pool")(normalize_locally(x, "stem_2_lrn"))
        for module in modules:
            x = inception_module(x, module, blocks, self.activation)
        return blocks.drop_out(layers.GlobalAveragePooling2D(name="average")(x))
