"""A run's net as a plain Keras model. Knows no data, no training and no table."""

import contextlib
import random
from collections.abc import Iterator

import keras
from keras import layers

from bnrepro.config.run_config import RunConfig
from bnrepro.models.blocks import Blocks


def build_model(config: RunConfig, input_shape: tuple[int, ...], outputs: int) -> keras.Model:
    """The net that a config asks for: distortion, the model's body, and a Dense of the outputs, named `logits`.

    BN stands before each nonlinearity, and there is no bias where BN follows (section 3.2).

    Args:
        config: What to build.
        input_shape: Shape of one example, as `(height, width, channels)`.
        outputs: Width of the output layer.

    Returns:
        A model from `(batch, *input_shape)` to `(batch, outputs)`; call `initialize` for the seeded start.
    """
    blocks = Blocks(config)
    with _always_alike():
        inputs = keras.Input(input_shape, name="images")
        x = config.model.build(config.regularization.distort(inputs), blocks)
        options = blocks.regularizers({"kernel": "kernels", "bias": "all"})
        return keras.Model(inputs, layers.Dense(outputs, name="logits", **options)(x), name=config.model.name)


@contextlib.contextmanager
def _always_alike() -> Iterator[None]:
    """Keras draws the seeds of its initializers from Python's generator: so those weights of a net that `initialize` leaves."""
    state = random.getstate()
    random.seed(0)
    try:
        yield
    finally:
        random.setstate(state)
