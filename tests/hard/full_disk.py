"""A disk that is full at ever later moments of a batch: a small tmpfs that grows a little each time."""

import contextlib
import random
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from tests.hard import batches
from tests.hard.trials import Place, Skipped, Trial, Trials, command

PAGE = 4_096
"""What a file on a tmpfs takes at least."""


class _Growing:
    """A batch on a disk that has room for a share of what it writes, then for more."""

    def __init__(self, place: Place):
        self.count, self.output, self.kept = place.count, place.folder / "disk", set()
        self.expected = batches.reference(place.folder / "undisturbed")
        self.whole = _room(place.folder / "undisturbed")
        self.output.mkdir()
        _mount(self.output, f"size={PAGE}")

    def trial(self, number: int, chance: random.Random) -> tuple[str, list[str]]:
        share = (number + chance.random()) / self.count
        size = max(PAGE, int(share * self.whole))
        _mount(self.output, f"remount,size={max(size, _used(self.output))}")
        failures, full = self._batch()
        if number == self.count - 1:
            _mount(self.output, f"remount,size={10 * self.whole}")
            failures += self._ends_well()
        return "full" if full else "room enough", [f"at {share:.0%} of the room: {failure}" for failure in failures]

    def _batch(self) -> tuple[list[str], bool]:
        """The faults of one batch, and whether it met a full disk."""
        code, said, failures = batches.start(self.output, *batches.words()).wait(), batches.said(self.output), []
        told = [line for line in said if line.startswith("bnrepro: ")]
        if told != said:
            failures.append(f"said {[line for line in said if line not in told][-3:]}")
        if code not in (0, 1, 2) or bool(code) != bool(said):
            failures.append(f"ended with {code} and said {said[-3:]}")
        if code and "No space left" not in " ".join(said):
            failures.append(f"does not say why: {said}")
        failures += batches.record_faults(self.output, self.expected, self.kept, batches.configs())
        self.kept = batches.recorded(self.output)
        return failures, bool(code)

    def _ends_well(self) -> list[str]:
        failures, full = self._batch()
        return failures + (["goes on to be full"] if full else batches.end_faults(self.output, self.expected))


def _mount(folder: Path, options: str) -> None:
    words = ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(folder)]
    try:
        done = subprocess.run(words, capture_output=True, text=True)
    except FileNotFoundError as error:
        raise Skipped("a small tmpfs needs the command mount, which this machine does not have") from error
    if done.returncode:
        raise Skipped(f"a small tmpfs needs the right to mount, which this user does not have: {done.stderr.strip()}")


def _room(folder: Path) -> int:
    """What the files below a folder take on a tmpfs."""
    return sum(-(-path.stat().st_size // PAGE) * PAGE for path in folder.rglob("*") if path.is_file())


def _used(folder: Path) -> int:
    """A tmpfs cannot be smaller than what is in it."""
    return max(_room(folder), PAGE)


@contextlib.contextmanager
def begin(place: Place) -> Iterator[Trial]:
    try:
        yield _Growing(place).trial
    finally:
        subprocess.run(["umount", str(place.folder / "disk")], capture_output=True)


TRIALS = Trials(
    name="full_disk",
    tried="A batch on a small tmpfs that is full at an ever later moment; then a little room is made and the same command "
    "goes on; in the end there is room enough",
    wrong="a finished run lost, torn or of other bits; a traceback, or no line that says why; an end that is not that of an "
    "undisturbed batch",
    count=20,
    begin=begin,
)

if __name__ == "__main__":
    sys.exit(command(TRIALS))
