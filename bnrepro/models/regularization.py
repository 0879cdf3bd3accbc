"""Regularization as a part of a run: weight decay, Dropout, photometric distortion. Knows no net and no training."""

from dataclasses import dataclass
from typing import ClassVar

from bnrepro.config.component import Component, field
from bnrepro.config.registry import register
from bnrepro.config.validation import FRACTION, NOT_NEGATIVE, one_of


@dataclass(frozen=True, kw_only=True)
class Regularization(Component):
    """What keeps a net from overfitting; here nothing does."""

    kind: ClassVar[str] = "regularization"

    def distort(self, x):
        """The inputs `x` of a net, distorted while it trains."""
        return x

    def drop_out(self, x, name: str):
        """`x` with Dropout by a layer of that name."""
        return x

    def regularizers(self, weights: dict[str, str]) -> dict:
        """Keras regularizers of weights as arguments of a layer; see `Blocks.regularizers`."""
        return {}


_REACHES = {
    "hidden": ("hidden",),
    "kernels": ("hidden", "kernels"),
    "all": ("hidden", "kernels", "all"),
    "gamma": ("gamma",),
}
"""By what decays, the weights that do: by what they count among, or by their name."""


@register("regularization", "usual")
class WeightDecayAndDropout(Regularization):
    """L2 weight decay, Dropout and photometric distortion, each of which may be 0."""

    weight_decay: float = field(0.0, NOT_NEGATIVE, "L2 weight: this / 2 times the squared kernels joins the loss")
    weight_decay_on: str = field(
        "hidden",
        one_of(*_REACHES),
        "what decays: the hidden kernels; all kernels; all kernels, biases, gamma and beta; gamma alone",
    )
    dropout: float = field(0.0, FRACTION, "share dropped before the softmax; in the mlp see dropout_place")
    distortion: float = field(0.0, FRACTION, "photometric: brightness and contrast vary by up to this share")

    def distort(self, x):
        from bnrepro.models.layers import PhotometricDistortion

        return PhotometricDistortion(self.distortion, name="distortion")(x) if self.distortion else x

    def drop_out(self, x, name: str):
        from keras import layers

        return layers.Dropout(self.dropout, name=name)(x) if self.dropout else x

    def regularizers(self, weights: dict[str, str]) -> dict:
        if not self.weight_decay:
            return {}
        from keras.regularizers import L2

        reached = set(_REACHES[self.weight_decay_on])
        return {
            f"{name}_regularizer": L2(self.weight_decay / 2)
            for name, reach in weights.items()
            if {name, reach} & reached
        }
