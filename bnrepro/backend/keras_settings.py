"""The global settings of Keras and TensorFlow, which nothing that is measured here may depend on. Knows no run and no layer."""

import contextlib
from collections.abc import Iterator

import keras
import tensorflow as tf

from bnrepro.errors import UserError


@contextlib.contextmanager
def default_settings() -> Iterator[None]:
    """Holds float32, Keras's epsilon, channels last and compiled functions within the block, whatever was set; then puts it back.

    Raises:
        UserError: Keras runs on another backend than TensorFlow, which cannot be changed once it is loaded.
    """
    if keras.backend.backend() != "tensorflow":
        raise UserError(
            f"runs and measurements need Keras on TensorFlow: got {keras.backend.backend()}; "
            "set KERAS_BACKEND=tensorflow before Python starts"
        )
    config = keras.config
    policy, before = config.dtype_policy(), (config.floatx(), config.epsilon(), config.image_data_format())
    eagerly = tf.config.functions_run_eagerly()
    try:
        _set("float32", 1e-7, "channels_last", "float32", eagerly=False)
        yield
    finally:
        _set(*before, policy, eagerly)


def _set(floatx: str, epsilon: float, image_data_format: str, policy, eagerly: bool) -> None:
    keras.config.set_floatx(floatx)
    keras.config.set_epsilon(epsilon)
    keras.config.set_image_data_format(image_data_format)
    keras.config.set_dtype_policy(policy)
    tf.config.run_functions_eagerly(eagerly)
