"""Data on the device where a net trains, kept for the runs that follow as far as there is room. Knows no backend and no net."""

from collections.abc import Callable
from typing import Any

from bnrepro.config.component import Component

KEPT_BYTES = 1 << 28
"""Of data that are kept: all of MNIST, 220 MB, or many few examples, which are other ones at every seed."""

SPLITS = ("train", "validation", "test")

Loaded = tuple[dict[str, tuple[Any, Any]], tuple[int, ...], int]
"""Inputs and targets by split, the shape of an input, and how many outputs there are."""


class DeviceData:
    """The data of the tasks that were trained last, those of the very last always.

    Args:
        put: Puts an array of NumPy on the device.
    """

    def __init__(self, put: Callable):
        self._put, self._kept = put, {}

    def load(self, task: Component, seed: int) -> Loaded:
        """The data of a task for a run of that seed."""
        seed = task.data_seed(seed)
        found = self._kept.pop((task, seed), None)
        if found is None:
            data = task.load(seed)
            arrays = {split: (getattr(data, f"x_{split}"), getattr(data, f"y_{split}")) for split in SPLITS}
            size = sum(part.nbytes for both in arrays.values() for part in both)
            self._make_room(size)
            splits = {split: (self._put(inputs), self._put(targets)) for split, (inputs, targets) in arrays.items()}
            found = (splits, data.input_shape, data.outputs), size
        self._kept[task, seed] = found
        return found[0]

    def _make_room(self, size: int) -> None:
        """Lets the oldest go until `size` fits, or nothing is left."""
        while self._kept and sum(kept for _, kept in self._kept.values()) + size > KEPT_BYTES:
            del self._kept[next(iter(self._kept))]
