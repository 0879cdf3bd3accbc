"""Many notebooks as one job: every run they need is trained once, and each is executed as soon as its own are.

The front door's engine: it knows plans, records and processes, and nothing of what a notebook is about.
"""

import contextlib
import os
import shutil
import time
from collections.abc import Iterable, Iterator
from pathlib import Path

from bnrepro.execution.by_name import opened
from bnrepro.execution.parts import Team
from bnrepro.execution.progress import Bar
from bnrepro.execution.run_all import team_of
from bnrepro.jupyter.notebook_process import Execution, Failure
from bnrepro.jupyter.plan import Plan
from bnrepro.jupyter.training import Training
from bnrepro.records.drafts import abandoned, draft_folder, locked
from bnrepro.records.store import replace_record

LAST = "99_verdicts"
"""Reads what the other notebooks write."""

_ANEW = "anew"
"""Of the folder beside the records in which runs are trained that have one."""

NOTEBOOKS = "notebooks"
"""What the progress calls their execution."""

NOTEBOOK_SECONDS = 15.0
"""About what one takes, whose runs are trained."""


def run_batch(plan: Plan, force: bool = False, cells: Iterable[Plan] = ()) -> list[Failure]:
    """Trains and executes. What fails is in the answer, and the rest is done all the same.

    Args:
        plan: What to do.
        force: Whether runs that have a record are trained again. Notebooks then wait until all are.
        cells: Of a grid, whose runs are those of `plan`: their notebooks are executed in place of its own.
    """
    plans = list(cells) or [plan]
    for one in plans:
        one.workspace.executed.mkdir(parents=True, exist_ok=True)
    with contextlib.ExitStack() as stack:
        executor = stack.enter_context(opened(plan.executor, plan.jobs, plan.workspace.runs.parent))
        team = stack.enter_context(team_of(executor, plan.jobs))
        bar = stack.enter_context(contextlib.closing(Bar(team.progress)))
        notebooks = stack.enter_context(_Notebooks(plans, bar))
        failures = _train(plan, force, team, notebooks) if plan.sweep() else []
        notebooks.finish()
        return [*failures, *notebooks.failures]


def _train(plan: Plan, force: bool, team: Team, notebooks: "_Notebooks") -> list[Failure]:
    """Trains, and meanwhile executes what is trained; what failed in the training."""
    with _records(plan, force) as records, Training(plan, records, team) as training:
        while waiting := training.move():
            notebooks.go_on(notebooks.stems if force else waiting, at_once=1)
        return training.failures()


@contextlib.contextmanager
def _records(plan: Plan, force: bool) -> Iterator[Path]:
    """Where runs are recorded. Each old record stays until the new one is there, so that an interrupt costs no finished run, nor
    does a kill, after which the next batch takes those that were trained anew.
    """
    runs = plan.workspace.runs
    for left in abandoned(_ANEW, runs):
        _take(left, runs)
        shutil.rmtree(left, ignore_errors=True)
    if not force:
        yield runs
        return
    with draft_folder(_ANEW, runs) as new, locked(new):
        try:
            yield new
        finally:
            _take(new, runs)


def _take(new: Path, runs: Path) -> None:
    for done in new.glob("*/done.json"):
        replace_record(new, runs, done.parent.name)


class _Notebooks:
    """The notebooks of a batch: those that wait, those that are executed, and what failed; the rest is ended with the block."""

    def __init__(self, plans: list[Plan], bar: Bar):
        self.failures: list[Failure] = []
        self._jobs, self._bar, self._outer = plans[0].jobs, bar, dict(os.environ)
        self._waiting = [(plan, source) for plan in plans for source in plan.notebooks]
        self._running: list[Execution] = []
        self.stems = {source.stem for _, source in self._waiting}
        bar.progress.plan(NOTEBOOKS, NOTEBOOK_SECONDS * len(self._waiting))

    def __enter__(self) -> "_Notebooks":
        return self

    def __exit__(self, *error) -> None:
        for execution in self._running:
            execution.stop()

    def finish(self) -> None:
        """Executes all that are left, and those that read what the others write after these."""
        for last in (False, True):
            while self._running or self._ready(set(), last):
                self.go_on(set(), self._jobs, last)

    def go_on(self, training: set[str], at_once: int, last: bool = False) -> None:
        """Starts those that can be, gives those that are done their names, and takes a moment.

        Args:
            training: Those whose runs are not trained yet.
            at_once: Processes.
            last: Whether it is the turn of those that read what the others write.
        """
        for plan, source in self._ready(training, last)[: max(0, at_once - len(self._running))]:
            self._waiting.remove((plan, source))
            self._running.append(Execution(source, plan.notebooks[source], plan, self._outer))
        time.sleep(0.05)
        self._bar.show()
        for execution in self._running:
            execution.end_if_hung()
        for execution in [one for one in self._running if one.process.poll() is not None]:
            self._running.remove(execution)
            self._bar.write(execution.told)
            self.failures += execution.finish()
            self._bar.progress.advance(NOTEBOOKS, NOTEBOOK_SECONDS)

    def _ready(self, training: set[str], last: bool) -> list[tuple[Plan, Path]]:
        return [one for one in self._waiting if one[1].stem not in training and (one[1].stem == LAST) == last]
