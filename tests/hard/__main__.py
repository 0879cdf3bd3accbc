"""Makes all trials that are not made yet, then the page."""

import importlib
import sys

from bnrepro.records.drafts import write_whole
from tests.hard.page import NAMES, PAGE, page
from tests.hard.trials import measure

if __name__ == "__main__":
    results = [measure(importlib.import_module(f"tests.hard.{name}").TRIALS) for name in NAMES]
    write_whole(PAGE, page().encode())
    sys.exit(1 if any(result.failures for result in results) else 0)
