"""TensorFlow's start-up chatter is swallowed, and nothing else is."""

import os
import subprocess
import sys

import pytest

SPEAK = """
import os, sys
from bnrepro.backend.tensorflow_logging import without_tensorflow_chatter
with without_tensorflow_chatter():
    os.write(2, b"I0000 00:00:1 port.cc:153] oneDNN custom operations are on.\\n")
    os.write(2, b"a real warning\\n")
    {inside}
print("after", file=sys.stderr)
"""


def spoken(inside: str) -> tuple[int, str]:
    done = subprocess.run([sys.executable, "-c", SPEAK.format(inside=inside)], capture_output=True, text=True)
    return done.returncode, done.stderr


def test_chatter_is_held_back_and_all_else_is_written():
    assert spoken("pass") == (0, "a real warning\nafter\n")


def test_what_was_written_before_an_error_is_not_lost():
    code, text = spoken("raise ValueError('the error')")
    assert code == 1
    assert text.startswith("a real warning\n") and "ValueError: the error" in text and "oneDNN" not in text


LOAD = """
from bnrepro.backend.tensorflow_logging import load_tensorflow
load_tensorflow()
import tensorflow
"""


@pytest.mark.slow
def test_tensorflow_loads_without_a_word():
    done = subprocess.run(
        [sys.executable, "-c", LOAD],
        capture_output=True,
        text=True,
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


COPIED = """
import psutil
import bnrepro.execution.loaded
import sys
assert {"tensorflow", "keras"} <= set(sys.modules)
print(psutil.Process().num_threads())
"""


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere no process is copied")
def test_what_workers_are_copies_of_has_a_single_thread():
    one_thread = {**os.environ, "OMP_NUM_THREADS": "1", "KERAS_BACKEND": "tensorflow"}
    done = subprocess.run([sys.executable, "-c", COPIED], capture_output=True, text=True, env=one_thread)
    assert (done.returncode, done.stdout, done.stderr) == (0, "1\n", "")
