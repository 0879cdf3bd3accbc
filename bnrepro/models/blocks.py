"""What nets are made of: linear map, normalization, nonlinearity, Dropout, and what of it decays. Knows no net."""

import keras
from keras import layers

from bnrepro.config.run_config import RunConfig


class Blocks:
    """All that a net leaves to the other parts of a run.

    Args:
        config: The run.
    """

    def __init__(self, config: RunConfig):
        self._normalization, self._regularization = config.normalization, config.regularization
        self._batch_size = config.batch_size

    @property
    def use_bias(self) -> bool:
        """Whether a layer before a normalization has a bias: not where the normalization takes it away (section 3.2)."""
        return self._normalization.use_bias

    def unit(self, x, width: int, name: str, activation: str, size: int = 1, strides: int = 1, dropout: bool = False):
        """Linear map, [Dropout], normalization, nonlinearity; a convolution `size` by `size` where there are locations.

        A 1x1 convolution is a Dense over the channels, which runs up to twice as fast.
        """
        options = {"use_bias": self.use_bias, "name": name}
        options |= self.regularizers({"kernel": "hidden", "bias": "all"})
        x = (
            layers.Dense(width, **options)(x)
            if size == 1
            else layers.Conv2D(width, size, strides, "same", **options)(x)
        )
        x = self.drop_out(x, name) if dropout else x
        return layers.Activation(activation, name=f"{name}_activation")(self.normalize(x, f"{name}_normalization"))

    def normalize(self, x, name: str):
        """The normalization of the run, `x` itself where there is none."""
        layer = self._normalization.layer(name, self._batch_size, **self.regularizers({"gamma": "all", "beta": "all"}))
        return x if layer is None else layer(x)

    def drop_out(self, x, name: str = ""):
        """Dropout, `x` itself where the run has none."""
        return self._regularization.drop_out(x, f"{name}_dropout" if name else "dropout")

    def regularizers(self, weights: dict[str, str]) -> dict[str, keras.Regularizer]:
        """Keras regularizers of those weights that decay, as arguments of a layer.

        Args:
            weights: By name (`kernel`, `bias`, `gamma`, `beta`) what it counts among: `hidden`, the kernels before the last;
                `kernels`, the last; `all`, the others.
        """
        return self._regularization.regularizers(weights)
