"""What all tests share: quick ones first, tests of the same things in one process, no window for figures, no chatter."""

import gc
import math
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from bnrepro.jupyter.loading import load_nbformat

os.environ.setdefault("MPLBACKEND", "Agg")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
if not os.access(Path(__file__).parents[1], os.W_OK):  # Hypothesis would keep its examples in the checkout, and warn
    os.environ.setdefault("HYPOTHESIS_STORAGE_DIRECTORY", os.path.join(tempfile.gettempdir(), "bnrepro-hypothesis"))
load_nbformat()


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Iterator[None]:
    """What is loaded with the tests, TensorFlow among it, stays: a search for garbage in it takes half a second, each time."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.freeze()
        gc.set_threshold(20_000)  # new objects, not 700: a tenth of the time of figures and tables went there
        gc.enable()


@pytest.hookimpl(tryfirst=True)  # before plugins that look for what refers to something
def pytest_sessionfinish() -> None:
    gc.unfreeze()


@pytest.hookimpl(tryfirst=True)  # before pytest-xdist reads the groups
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """A mistake shows within seconds; what takes minutes runs last, the longest first, so that no core idles at the end.

    What tests of one module or of one notebook share (tables, figures, compiled programs) is made in one process alone.
    """
    items.sort(key=order)
    for item in items:
        if not item.get_closest_marker("xdist_group"):
            parameters = item.callspec.params if hasattr(item, "callspec") else {}
            shared = parameters.get("notebook", item.module.__name__)
            item.add_marker(pytest.mark.xdist_group(f"{shared}{'_slow' * math.isfinite(order(item))}"))


def order(item: pytest.Item) -> float:
    """Minus infinity for a quick test, else minus about as many as the marker `slow` says that it takes."""
    slow = item.get_closest_marker("slow")
    return -slow.kwargs.get("seconds", 10) if slow else -math.inf
