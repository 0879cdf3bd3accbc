"""The global settings of Keras and its backend, which nothing that is measured here may depend on. Knows no run and no layer."""

import contextlib
from collections.abc import Iterator

import keras

from bnrepro.errors import UserError


@contextlib.contextmanager
def default_settings(backend: str = "tensorflow") -> Iterator[None]:
    """Holds float32, Keras's epsilon, channels last, compiled functions and, on JAX, matrix products in full float32 within
    the block, whatever was set; then puts it back.

    On a GPU JAX would else round what it multiplies to TF32, 11 bits.

    Args:
        backend: What Keras has to run on.

    Raises:
        UserError: Keras runs on another backend, which cannot be changed once it is loaded.
    """
    if keras.backend.backend() != backend:
        names = {"tensorflow": "TensorFlow", "jax": "JAX"}
        raise UserError(
            f"runs and measurements need Keras on {names[backend]}: got {keras.backend.backend()}; "
            f"set KERAS_BACKEND={backend} before Python starts"
        )
    config = keras.config
    policy, before = config.dtype_policy(), (config.floatx(), config.epsilon(), config.image_data_format())
    with _of_tensorflow() if backend == "tensorflow" else _of_jax():
        try:
            _set("float32", 1e-7, "channels_last", "float32")
            yield
        finally:
            _set(*before, policy)


def _set(floatx: str, epsilon: float, image_data_format: str, policy) -> None:
    keras.config.set_floatx(floatx)
    keras.config.set_epsilon(epsilon)
    keras.config.set_image_data_format(image_data_format)
    keras.config.set_dtype_policy(policy)


@contextlib.contextmanager
def _of_tensorflow() -> Iterator[None]:
    import tensorflow as tf

    eagerly = tf.config.functions_run_eagerly()
    tf.config.run_functions_eagerly(False)
    try:
        yield
    finally:
        tf.config.run_functions_eagerly(eagerly)


def _of_jax() -> contextlib.AbstractContextManager:
    import jax

    return jax.default_matmul_precision("highest")
