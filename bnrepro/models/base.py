"""A model: the net between the inputs and the layer of the outputs, as a part of a run. Knows no data and no training."""

from dataclasses import dataclass
from typing import ClassVar

from bnrepro.config.component import Component


@dataclass(frozen=True, kw_only=True)
class Model(Component):
    """A net. It asks `blocks` (a `bnrepro.models.blocks.Blocks`) for all that other parts of the run decide."""

    kind: ClassVar[str] = "model"

    @property
    def watched(self) -> str | None:
        """The layer whose inputs are followed over training, as in Figure 1(b, c); None for none."""
        return None

    def build(self, x, blocks):
        """The net as Keras layers on the symbolic inputs `x`, which it returns as they enter the layer of the outputs.

        Example: `return keras.layers.Activation("relu")(blocks.normalize(keras.layers.Dense(100)(x), "normalization"))`.
        """
        raise NotImplementedError
