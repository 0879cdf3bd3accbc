"""The example of docs/many-seeds.md trains each seed's net, as it stands there."""

import importlib.util
import os
import re
import subprocess
import sys

import pytest

from bnrepro.records.workspace import CHECKOUT

pytestmark = pytest.mark.slow(seconds=20)

PAGE = (CHECKOUT / "docs" / "many-seeds.md").read_text()
(EXAMPLE,) = re.findall(r"^```python\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
LENGTH = "SEEDS, STEPS, BATCH = 100, 1_000, 60"

IMAGES = """
import numpy as np
import keras

def load_data():
    bright = np.arange(600) % 10
    images = np.random.default_rng(0).integers(0, 60, (600, 28, 28)).astype("uint8")
    for image, label in zip(images, bright):
        image[2 * label : 2 * label + 3] += 150
    return (images[:500], bright[:500]), (images[500:], bright[500:])

keras.datasets.mnist.load_data = load_data
"""
CHECKS = """
assert "tensorflow" not in __import__("sys").modules
assert losses.shape == (3, 300) and accuracies.shape == (3,)
assert len(set(np.asarray(losses[:, -1]).tolist())) == 3
assert losses[:, -20:].mean() < losses[:, :20].mean() / 2
assert accuracies.min() > 0.5
"""


def test_the_example_has_about_forty_lines_and_needs_nothing_of_this_package():
    assert sum(bool(line.strip()) for line in EXAMPLE.splitlines()) <= 50
    assert "import bnrepro" not in EXAMPLE and "from bnrepro" not in EXAMPLE
    assert max(map(len, EXAMPLE.splitlines())) <= 130


def test_the_example_trains_each_seeds_net(tmp_path):
    if importlib.util.find_spec("jax") is None:
        pytest.skip("jax is not installed: pip install 'bnrepro[backends]'")
    assert LENGTH in EXAMPLE
    script = tmp_path / "example.py"
    script.write_text(IMAGES + EXAMPLE.replace(LENGTH, "SEEDS, STEPS, BATCH = 3, 300, 20") + CHECKS)
    environment = os.environ | {"KERAS_BACKEND": "jax"}  # the images come first, and load Keras
    ran = subprocess.run([sys.executable, "-W", "error", script], env=environment, capture_output=True, text=True)
    assert ran.returncode == 0, ran.stderr[-2000:]
    assert re.match(r"3 nets: accuracy [01]\.\d{4}, standard deviation 0\.\d{4}", ran.stdout)
