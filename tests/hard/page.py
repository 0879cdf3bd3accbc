"""`docs/reliability.md` from the results of the trials. Knows no trial."""

from pathlib import Path

from bnrepro.records.workspace import CHECKOUT
from tests.hard.trials import RESULTS, Result, read

PAGE = CHECKOUT / "docs" / "reliability.md"

NAMES = ("kills", "bad_inputs", "random_models", "kernels", "two_batches", "full_disk", "slurm")
"""The modules that have `TRIALS`, in the order of the page."""

_HEAD = """# Reliability

Made by `python -m tests.hard` from `tests/hard/results`; nothing here is typed by hand.

| what was tried | how often | failures | what would be one | command | when, with what, how long |
|---|---|---|---|---|---|
"""


def page(results: Path = RESULTS) -> str:
    """The page: a row for each figure that was measured, then the failures."""
    found = [result for name in NAMES if (result := read(results, name))]
    failures = [f"- {result.name}, {failure}" for result in found for failure in result.failures]
    below = ["", "## Failures", "", *failures] if failures else []
    return _HEAD + "\n".join([*map(_row, found), *below]) + "\n"


def _row(result: Result) -> str:
    kinds = ", ".join(f"{kind} {count}" for kind, count in result.kinds.items())
    often = f"{result.n} of {result.count}" if result.n < result.count else str(result.n)
    often += f" ({kinds})" if len(result.kinds) > 1 else ""
    failures = f"skipped: {result.skipped}" if result.skipped else str(len(result.failures))
    versions = ", ".join(f"{name} {version}" for name, version in result.versions.items())
    when = f"{result.date}; {versions}; {result.seconds / 60:.0f} min"
    cells = result.tried, often, failures, result.wrong, f"`{result.command}`", when
    return f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |"
