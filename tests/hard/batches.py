"""A small batch of the front door as a process, what it leaves, and what is wrong with that. Knows no trial."""

import hashlib
import os
import subprocess
import sys
from pathlib import Path

from bnrepro.errors import RecordError
from bnrepro.experiments import EXPERIMENTS
from bnrepro.records.store import read_record
from bnrepro.records.workspace import CHECKOUT

NOTEBOOK = "01_training_speed"
WORDS = ("run", "01", "--preset", "smoke", "--jobs", "2", "-p", "steps=40")
CONFIGS = [config for group in EXPERIMENTS[NOTEBOOK].sweep("smoke", steps=40).values() for config in group]

ENDINGS = {
    f"figures/{NOTEBOOK}.svg": b"</svg>",
    f"figures/{NOTEBOOK}.pdf": b"%%EOF",
    f"figures/{NOTEBOOK}.png": b"IEND\xaeB`\x82",
    f"notebooks/{NOTEBOOK}.ipynb": b"}",
    f"notebooks/{NOTEBOOK}.html": b"</html>",
    "report.html": b"</html>",
}
"""How the other files of a batch end, where they are whole."""

Bits = dict[str, str]
"""The sha256 of each file by its path in the output root."""


def start(output: Path, *words: str, **options) -> subprocess.Popen:
    """Starts the batch, or another command, with its words on stderr in `output`.err and all else in `output`.out."""
    environment = os.environ | {"PYTHONPATH": str(CHECKOUT), "PYTHONUTF8": "1"}
    command = [sys.executable, "-m", "bnrepro", *(words or WORDS), "--output", str(output)]
    with open(f"{output}.out", "w") as out, open(f"{output}.err", "w") as err:
        return subprocess.Popen(
            command, stdout=out, stderr=err, cwd=output.parent, env=environment, start_new_session=True, **options
        )


def said(output: Path) -> list[str]:
    """The lines that the last command wrote on stderr."""
    return Path(f"{output}.err").read_text(encoding="utf-8").splitlines()


def bits(output: Path) -> Bits:
    """What a batch leaves that is the same each time: records and results, without the seconds that they took."""
    rooms = output / "runs", output / "results"
    files = [path for room in rooms for path in sorted(room.rglob("*")) if path.is_file()]
    return {
        str(path.relative_to(output)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in files
        if path.name not in ("provenance.csv", "done.json") and not _is_draft(path.relative_to(output))
    }


def reference(output: Path) -> Bits:
    """What an undisturbed batch leaves."""
    code = start(output).wait()
    if code or said(output):
        raise RuntimeError(f"an undisturbed batch ends with 0 and says nothing: {code}, {said(output)}")
    found = bits(output)
    if faults := record_faults(output, found, kept={config.id for config in CONFIGS}):
        raise RuntimeError(f"an undisturbed batch leaves whole records: {faults}")
    return found


def record_faults(output: Path, expected: Bits, kept: set[str]) -> list[str]:
    """Records that are torn, wrong or lost.

    Args:
        output: The output root.
        expected: The bits of an undisturbed batch.
        kept: The ids of runs that had a record before.
    """
    found = recorded(output)
    faults = [f"the record {run} is lost" for run in sorted(kept - found)]
    for config in {config.id: config for config in CONFIGS if config.id in found}.values():
        try:
            read_record(output / "runs", config)
        except RecordError as error:
            faults.append(f"torn: {error}")
    own = {path: digest for path, digest in bits(output).items() if path.startswith("runs/")}
    faults += [f"{path} has other bits" for path, digest in own.items() if expected.get(path) != digest]
    return faults


def recorded(output: Path) -> set[str]:
    """The ids of the runs that have a record, or what goes by its name."""
    folder = output / "runs"
    return {path.name for path in folder.iterdir() if not _is_draft(Path(path.name))} if folder.exists() else set()


def end_faults(output: Path, expected: Bits) -> list[str]:
    """What is not as an undisturbed batch leaves it, after a batch that says it is done."""
    found = bits(output)
    faults = [f"{path} is missing" for path in sorted(expected.keys() - found.keys())]
    faults += [f"{path} has other bits" for path in sorted(found) if expected.get(path) != found[path]]
    for name, ending in ENDINGS.items():
        path = output / name
        if not (path.exists() and path.read_bytes().rstrip().endswith(ending)):
            faults.append(f"{name} is not whole")
    return faults


def _is_draft(path: Path) -> bool:
    return any(part.startswith(".") for part in path.parts)
