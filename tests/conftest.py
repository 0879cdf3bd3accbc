"""What all tests share: quick ones first, no window for figures, no chatter of TensorFlow."""

import os

import pytest

os.environ.setdefault("MPLBACKEND", "Agg")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """A mistake shows within seconds, and what takes minutes runs last."""
    items.sort(key=lambda item: item.get_closest_marker("slow") is not None)
