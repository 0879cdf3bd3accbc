"""TensorFlow tells of drivers and instruction sets when it is loaded, and no setting stops it: here it is heard out silently.

And it is kept from taking all memory of a GPU.
"""

import contextlib
import gc
import logging
import os
import re
import sys
import tempfile
import threading

SETTINGS = {
    "TF_CPP_MIN_LOG_LEVEL": "2",  # for what it tells later, as on the first compilation
    "TF_FORCE_GPU_ALLOW_GROWTH": "true",  # else the first of several processes takes all memory of a GPU
}
"""What it reads in its environment, unless somebody has set it."""

_CHATTER = re.compile(
    r"[IWE]0000 |WARNING: All log messages before absl::InitializeLog|To enable the following instructions: .* rebuild"
)


@contextlib.contextmanager
def without_tensorflow_chatter():
    """Holds back what C++ writes to standard error within the block; afterwards all that is not start-up chatter is written."""
    try:
        stderr = sys.__stderr__.fileno()
    except (AttributeError, OSError, ValueError):  # no file behind it, so nothing to hold back
        yield
        return
    sys.stderr.flush()
    kept = os.dup(stderr)
    with tempfile.TemporaryFile() as held:
        os.dup2(held.fileno(), stderr)
        try:
            yield
        finally:
            sys.stderr.flush()
            os.dup2(kept, stderr)
            os.close(kept)
            held.seek(0)
            lines = held.read().decode(errors="replace").splitlines(keepends=True)
            sys.stderr.write("".join(line for line in lines if not _CHATTER.match(line)))


@contextlib.contextmanager
def _without_garbage_collection():
    """What TensorFlow loads stays: to look through it again and again meanwhile for what could go takes a fifth of the time."""
    collects = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if collects:
            gc.enable()


_LOADING = threading.Lock()


def load_tensorflow() -> None:
    """Loads TensorFlow and Keras, where Keras uses it, and lets it look for devices, without the chatter.

    Of two threads that need it one loads it and the other waits: Python would show that one a half of it.
    """
    with _LOADING:
        if "tensorflow" in sys.modules or os.environ.get("KERAS_BACKEND", "tensorflow") != "tensorflow":
            return
        import_tensorflow()
        look_for_devices()


def import_tensorflow() -> None:
    """Loads them and asks for nothing, so that the process has no more threads than before and may be forked."""
    for name, value in SETTINGS.items():
        os.environ.setdefault(name, value)
    # It warns of programs that are compiled one after another.
    logging.getLogger("tensorflow").setLevel(logging.ERROR)
    with without_tensorflow_chatter(), _without_garbage_collection():
        import keras  # noqa: F401
        import tensorflow  # noqa: F401


def look_for_devices() -> None:
    """Lets TensorFlow look for devices, of which it tells where it finds none."""
    import tensorflow as tf

    with without_tensorflow_chatter():
        tf.config.list_physical_devices()
