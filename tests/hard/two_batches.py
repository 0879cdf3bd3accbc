"""Two batches at once on one output root: the same command, one that trains all anew, one with another parameter."""

import contextlib
import random
import shutil
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from tests.hard import batches
from tests.hard.trials import Place, Trial, Trials, command

SECOND = {
    "the same command": batches.words(jobs=1),
    "all anew": (*batches.words(jobs=1), "--force"),
    "another parameter": batches.words(steps=20, jobs=1),
}
"""What the second batch is told."""

APART = 10
"""The most seconds between the two."""


class Pairs:
    """Two batches again and again, each time on a new output root."""

    def __init__(self, place: Place):
        self.folder = place.folder
        self.expected = {steps: batches.reference(place.folder / f"alone {steps}", steps) for steps in (40, 20)}

    def trial(self, number: int, chance: random.Random) -> tuple[str, list[str]]:
        kind = list(SECOND)[number % len(SECOND)]
        output = self.folder / f"both {number}"
        output.mkdir()
        first = batches.start(output, *batches.words(jobs=1), logs=output.parent / "first")
        time.sleep(chance.uniform(0, APART))
        second = batches.start(output, *SECOND[kind], logs=output.parent / "second")
        failures = []
        for batch, name in ((first, "first"), (second, "second")):
            if code := batch.wait():
                failures.append(f"the {name} ended with {code} and said {batches.said(output.parent / name)[-3:]}")
        failures += self.left(output, 20 if kind == "another parameter" else 40)
        shutil.rmtree(output)
        return kind, failures

    def left(self, output: Path, steps: int) -> list[str]:
        """What is torn or wrong: records of both, results of one of them."""
        both = {**self.expected[40], **self.expected[steps]}
        records = {path: digest for path, digest in both.items() if path.startswith("runs/")}
        runs = [*batches.configs(40), *batches.configs(steps)]
        faults = batches.record_faults(output, records, {config.id for config in runs}, runs)
        results = {path: digest for path, digest in batches.bits(output).items() if path.startswith("results/")}
        own = [_results(self.expected[each]) for each in (40, steps)]
        return faults + ([] if results in own else ["the results are those of neither"]) + batches.torn_files(output)


def _results(bits: batches.Bits) -> batches.Bits:
    return {path: digest for path, digest in bits.items() if path.startswith("results/")}


@contextlib.contextmanager
def begin(place: Place) -> Iterator[Trial]:
    yield Pairs(place).trial


TRIALS = Trials(
    name="two_batches",
    tried=f"Two batches at once on one output root, the second up to {APART} s after the first: the same command, one that "
    "trains all anew, one with another parameter",
    wrong="one that does not end well; a record or figure torn, a table that is none of the two",
    count=20,
    begin=begin,
)

if __name__ == "__main__":
    sys.exit(command(TRIALS))
