"""What all tests share: quick ones first, tests of the same things in one process, no window for figures, no chatter."""

import math
import os
import tempfile
from pathlib import Path

import pytest

os.environ.setdefault("MPLBACKEND", "Agg")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
if not os.access(Path(__file__).parents[1], os.W_OK):  # Hypothesis would keep its examples in the checkout, and warn
    os.environ.setdefault("HYPOTHESIS_STORAGE_DIRECTORY", os.path.join(tempfile.gettempdir(), "bnrepro-hypothesis"))


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
