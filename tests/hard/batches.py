"""A small batch of the front door as a process, what it leaves, and what is wrong with that. Knows no trial."""

import hashlib
import os
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

from bnrepro.config.run_config import RunConfig
from bnrepro.errors import RecordError
from bnrepro.experiments import EXPERIMENTS
from bnrepro.records.store import read_record
from bnrepro.records.workspace import CHECKOUT

NOTEBOOK = "01_training_speed"
STEPS = 40
"""Of the runs, where nothing else is said."""

FILES = (f"notebooks/{NOTEBOOK}.ipynb", f"notebooks/{NOTEBOOK}.html", "report.html", "figures/*.png")
"""What a batch leaves besides records and results."""

ENDINGS = {".png": b"IEND\xaeB`\x82", ".ipynb": b"}", ".html": b"</html>"}
"""How a whole one ends."""

Bits = dict[str, str]
"""The sha256 of each file by its path in the output root."""


def words(steps: int = STEPS, jobs: int = 2) -> tuple[str, ...]:
    """A batch of one notebook with its fourteen runs."""
    return "run", "01", "--preset", "smoke", "--jobs", str(jobs), "-p", f"steps={steps}"


def configs(steps: int = STEPS) -> list[RunConfig]:
    """The runs of that batch."""
    groups = EXPERIMENTS[NOTEBOOK].sweep("smoke", steps=steps)
    return [config for group in groups.values() for config in group]


def start(output: Path, *command: str, logs: Path | None = None) -> subprocess.Popen:
    """Starts a command with `--output`; what it prints goes into files beside that, or beside `logs`."""
    logs = logs or output
    environment = os.environ | {"PYTHONPATH": str(CHECKOUT), "PYTHONUTF8": "1"}
    whole = [sys.executable, "-m", "bnrepro", *command, "--output", str(output)]
    with open(f"{logs}.out", "w") as out, open(f"{logs}.err", "w") as err:
        return subprocess.Popen(whole, stdout=out, stderr=err, cwd=logs.parent, env=environment, start_new_session=True)


def said(logs: Path) -> list[str]:
    """The lines that the last command with these logs wrote on stderr."""
    return Path(f"{logs}.err").read_text(encoding="utf-8").splitlines()


def bits(output: Path) -> Bits:
    """What a batch leaves that is the same each time: records and results, without the seconds that they took."""
    rooms = output / "runs", output / "results"
    files = [path for room in rooms for path in sorted(room.rglob("*")) if path.is_file()]
    return {
        str(path.relative_to(output)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in files
        if path.name not in ("provenance.csv", "done.json") and not _is_draft(path.relative_to(output))
    }


def reference(output: Path, steps: int = STEPS) -> Bits:
    """What an undisturbed batch leaves."""
    code = start(output, *words(steps)).wait()
    if code or said(output):
        raise RuntimeError(f"an undisturbed batch ends with 0 and says nothing: {code}, {said(output)}")
    found = bits(output)
    kept = {config.id for config in configs(steps)}
    if faults := record_faults(output, found, kept, configs(steps)) + torn_files(output):
        raise RuntimeError(f"an undisturbed batch leaves all whole: {faults}")
    return found


def record_faults(output: Path, expected: Bits, kept: set[str], runs: Iterable[RunConfig]) -> list[str]:
    """Records that are torn, wrong or lost.

    Args:
        output: The output root.
        expected: The bits of an undisturbed batch.
        kept: The ids of runs that had a record before.
        runs: Those that may have one.
    """
    found, known = recorded(output), {config.id: config for config in runs}
    faults = [f"the record {run} is lost" for run in sorted(kept - found)]
    faults += [f"{run} was set aside as damaged, or is no run" for run in sorted(found - known.keys())]
    for run in sorted(found & known.keys()):
        try:
            read_record(output / "runs", known[run])
        except RecordError as error:
            faults.append(f"torn: {error}")
    own = {path: digest for path, digest in bits(output).items() if path.startswith("runs/")}
    return faults + [f"{path} has other bits" for path, digest in own.items() if expected.get(path) != digest]


def recorded(output: Path) -> set[str]:
    """The ids of the runs that have a record, or what goes by its name."""
    folder = output / "runs"
    return {path.name for path in folder.iterdir() if not _is_draft(Path(path.name))} if folder.exists() else set()


def end_faults(output: Path, expected: Bits) -> list[str]:
    """What is not as an undisturbed batch leaves it, after a batch that says it is done."""
    found = bits(output)
    faults = [f"{path} is missing" for path in sorted(expected.keys() - found.keys())]
    faults += [f"{path} has other bits" for path in sorted(found) if expected.get(path) != found[path]]
    return faults + torn_files(output)


def torn_files(output: Path) -> list[str]:
    """Figures, notebooks and pages of a batch that is done which are not whole."""
    found = {pattern: list(output.glob(pattern)) for pattern in FILES}
    faults = [f"{pattern} is missing" for pattern, paths in found.items() if not paths]
    paths = [path for paths in found.values() for path in paths]
    return faults + [
        f"{path} is not whole" for path in paths if not path.read_bytes().rstrip().endswith(ENDINGS[path.suffix])
    ]


def _is_draft(path: Path) -> bool:
    return any(part.startswith(".") for part in path.parts)
