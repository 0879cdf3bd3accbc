import subprocess
import sys

import pytest

from bnrepro.records.workspace import CHECKOUT

TWO_THREADS = """
import threading
from bnrepro.backend.tensorflow_logging import load_tensorflow

failures = []

def load():
    try:
        load_tensorflow()
        import keras
        keras.layers.Dense(1).build((1, 1))
    except BaseException as error:
        failures.append(repr(error))

threads = [threading.Thread(target=load) for _ in range(3)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
assert not failures, failures
"""


@pytest.mark.slow
def test_threads_that_load_tensorflow_at_once_each_have_the_whole_of_it():
    run = subprocess.run([sys.executable, "-c", TWO_THREADS], capture_output=True, text=True, cwd=CHECKOUT)
    assert run.returncode == 0, run.stderr
