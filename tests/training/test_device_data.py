"""Data stay on the device for the runs that follow, as many as there is room for."""

from dataclasses import dataclass

import numpy as np
import pytest

from bnrepro.tasks.base import Dataset
from bnrepro.training import device_data
from bnrepro.training.device_data import DeviceData

EXAMPLE_BYTES = 8
"""Four of an input of one float32, four of its target."""


@dataclass(frozen=True)
class Task:
    examples: int

    def data_seed(self, seed: int) -> int:
        return seed

    def load(self, seed: int) -> Dataset:
        parts = {}
        for split in device_data.SPLITS:
            count = self.examples if split == "train" else 0
            parts[f"x_{split}"] = np.full((count, 1), seed, np.float32)
            parts[f"y_{split}"] = np.zeros(count, np.int32)
        return Dataset(**parts, outputs=10)


class Device:
    """Where data are put, and how often."""

    def __init__(self):
        self.puts = 0
        self.data = DeviceData(self.put)

    def put(self, array: np.ndarray) -> np.ndarray:
        self.puts += 1
        return array

    def loads(self, *asked: tuple[int, int]) -> int:
        """How many of these data, by examples and seed, were put there anew."""
        before = self.puts
        for examples, seed in asked:
            splits, input_shape, outputs = self.data.load(Task(examples), seed)
            assert (splits["train"][0] == seed).all() and len(splits["train"][0]) == examples
            assert (input_shape, outputs) == ((1,), 10)
        return (self.puts - before) // 6


@pytest.fixture
def device(monkeypatch):
    monkeypatch.setattr(device_data, "KEPT_BYTES", 100 * EXAMPLE_BYTES)
    return Device()


def test_runs_that_share_data_share_their_copy(device):
    assert device.loads((60, 0), (60, 0), (60, 0)) == 1


def test_few_examples_of_many_seeds_stay_together(device):
    seeds = [(10, seed) for seed in range(10)]
    assert device.loads(*seeds) == 10 and device.loads(*seeds) == 0


def test_what_was_used_last_stays_when_there_is_no_room_for_all(device):
    assert device.loads((40, 0), (40, 1), (40, 0)) == 2
    assert device.loads((40, 2)) == 1
    assert device.loads((40, 0)) == 0 and device.loads((40, 1)) == 1


def test_data_beyond_the_room_are_kept_alone(device):
    device.loads((10, 0))
    assert device.loads((500, 0), (500, 0)) == 1
    assert device.loads((10, 0), (500, 0)) == 2
