"""Many trials of one kind: counted, resumed where they were left, kept as JSON. Knows no trial."""

import argparse
import dataclasses
import json
import random
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from bnrepro.records.drafts import write_whole
from bnrepro.records.machine import versions

RESULTS = Path(__file__).parent / "results"

Trial = Callable[[int, random.Random], tuple[str, list[str]]]
"""Makes the trial of a number, with chance of its own. Returns its kind, and a line for each thing that went wrong."""


@dataclass(frozen=True)
class Place:
    """What trials are made with.

    Attributes:
        folder: An empty folder, which goes when the last trial is done.
        seed: Of all that is drawn.
        count: How many trials there are to be.
    """

    folder: Path
    seed: int
    count: int


class Skipped(Exception):
    """The machine does not give what the trials need. The message says what."""


@dataclass(frozen=True, kw_only=True)
class Trials:
    """One figure of reliability.

    Attributes:
        name: That of its module.
        tried: What one trial is.
        wrong: What counts as a failure.
        count: How many trials there are by default.
        begin: Gives the function that makes a trial, and cleans up after the last one.
    """

    name: str
    tried: str
    wrong: str
    count: int
    begin: Callable[[Place], AbstractContextManager[Trial]]


@dataclass(frozen=True, kw_only=True)
class Result:
    """The trials so far, as they are kept: `n` of `count`, how many of each kind, a line for each failure."""

    name: str
    tried: str
    wrong: str
    command: str
    count: int
    seed: int
    n: int = 0
    kinds: dict[str, int] = dataclasses.field(default_factory=dict)
    failures: list[str] = dataclasses.field(default_factory=list)
    skipped: str = ""
    seconds: float = 0.0
    date: str = ""
    versions: dict[str, str] = dataclasses.field(default_factory=dict)

    def and_one(self, kind: str, failures: list[str], seconds: float) -> "Result":
        """With one more trial."""
        return dataclasses.replace(
            self,
            n=self.n + 1,
            kinds=dict(sorted((Counter(self.kinds) + Counter([kind])).items())),
            failures=[*self.failures, *(f"trial {self.n}: {failure}" for failure in failures)],
            seconds=round(self.seconds + seconds, 1),
            date=date.today().isoformat(),
            versions=versions(),
        )

    def write(self, folder: Path) -> "Result":
        """Keeps it, whole or not at all."""
        text = json.dumps(dataclasses.asdict(self), indent=1, ensure_ascii=False)
        write_whole(folder / f"{self.name}.json", f"{text}\n".encode())
        return self


def read(folder: Path, name: str) -> Result | None:
    """The trials of that name so far; None if none was made."""
    path = folder / f"{name}.json"
    return Result(**json.loads(path.read_text(encoding="utf-8"))) if path.exists() else None


def measure(trials: Trials, count: int | None = None, seed: int = 0, results: Path = RESULTS) -> Result:
    """Makes the trials that are not made yet, and keeps the result after each.

    Args:
        trials: Which.
        count: How many there are to be, those made before included.
        seed: Of all that is drawn. Trials of another seed are not counted.
        results: Folder of the result.
    """
    count = trials.count if count is None else count
    words = f"python -m tests.hard.{trials.name} --count {count} --seed {seed}"
    told = dict(
        name=trials.name, tried=trials.tried, wrong=trials.wrong, command=words, count=count, seed=seed, skipped=""
    )
    before = read(results, trials.name)
    result = dataclasses.replace(before, **told) if before and before.seed == seed else Result(**told)
    if result.n >= count:
        return result
    with tempfile.TemporaryDirectory(prefix="bnrepro-hard-", ignore_cleanup_errors=True) as folder:
        try:
            with trials.begin(Place(Path(folder), seed, count)) as trial:
                while result.n < count:
                    began = time.monotonic()
                    kind, failures = trial(result.n, random.Random(f"{seed} {result.n}"))
                    result = result.and_one(kind, failures, time.monotonic() - began).write(results)
                    print(f"{trials.name} {result.n} of {count}: {kind}", *failures, sep="\n  ", flush=True)
        except Skipped as reason:
            result = dataclasses.replace(result, skipped=str(reason), date=date.today().isoformat()).write(results)
            print(f"{trials.name} skipped: {reason}")
    return result


def command(trials: Trials) -> int:
    """The command line of one figure; 1 where something failed."""
    parser = argparse.ArgumentParser(prog=f"python -m tests.hard.{trials.name}", description=trials.tried)
    parser.add_argument("--count", type=int, default=trials.count, help="trials, those made before included")
    parser.add_argument("--seed", type=int, default=0, help="of all that is drawn; another one begins anew")
    parser.add_argument("--results", type=Path, default=RESULTS, help="folder of the result, which is JSON")
    return 1 if measure(trials, **vars(parser.parse_args())).failures else 0
