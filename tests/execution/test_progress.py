"""How far a job is: by a clock that the tests turn, with work whose true costs they know."""

import itertools
import random
from pathlib import Path

import pytest

from bnrepro.config.run_config import RunConfig
from bnrepro.execution.parts import Tasks
from bnrepro.execution.progress import Bar, Progress, in_words

PROCESSES = 2


class Job:
    """A job of which each second of work takes `slowness` seconds here."""

    def __init__(self, slowness: float = 1.0):
        self.now, self.slowness = 0.0, slowness
        self.progress = Progress(PROCESSES, clock=lambda: self.now)

    def work(self, part: str, seconds: float) -> None:
        """All processes do that much together."""
        self.now += seconds * self.slowness / PROCESSES
        self.progress.advance(part, seconds)


@pytest.mark.parametrize("slowness", [0.4, 1.0, 3.0])
@pytest.mark.parametrize("seed", range(5))
def test_at_half_time_the_end_is_known_within_30_percent_on_a_slower_or_faster_machine(slowness, seed):
    """Each run takes up to half as much again, or as much less, as runs like it took for the record."""
    job, draw = Job(slowness), random.Random(seed)
    runs = [(part, cost) for part in ("first", "second", "third") for cost in [1.0, 5.0, 40.0] * 7]
    for part, cost in runs:
        job.progress.plan(part, cost)
    startup, moments = 6.0, []
    job.now += startup
    for part, cost in runs:
        job.now += cost * draw.uniform(0.5, 1.5) * slowness / PROCESSES
        job.progress.advance(part, cost)
        moments.append((job.now, job.now + job.progress.seconds_left))
    end = job.now
    told = next(estimate for now, estimate in moments if now >= end / 2)
    assert told == pytest.approx(end, rel=0.3)


def test_what_a_run_had_done_before_it_was_killed_is_neither_done_nor_left():
    progress = Progress(1, clock=lambda: 0.0)
    (group,) = groups = [(RunConfig(),)]
    tasks = Tasks(progress)
    tasks.add(groups, Path(), "all")
    task, whole = tasks[group], progress.seconds_left
    task.tell(progress, 0.0, kept=0.75)
    assert (progress.share_done, progress.seconds_left) == (0.0, pytest.approx(whole / 4))
    task.tell(progress, 0.125, kept=0.75)
    assert progress.share_done == pytest.approx(0.5)
    task.tell(progress, 0.0, kept=0.75)  # killed again, and once more taken up
    task.tell(progress, 0.25, kept=0.75)
    assert (progress.share_done, progress.under_way) == (pytest.approx(1.0), "")


@pytest.mark.parametrize("truly", [700.0, 1_000.0, 1_400.0])
def test_at_half_time_the_end_is_known_where_later_rounds_are_only_expected(truly):
    """Ten rounds of 1,000 seconds in all were expected, after a job of as many that is known."""
    job = Job(slowness=1.5)
    job.progress.plan("known", 1_000.0)
    job.progress.expect("rounds", 1_000.0)
    moments = []
    for part, seconds in [("known", 100.0)] * 10 + [("rounds", truly / 10)] * 10:
        if part == "rounds":
            job.progress.plan(part, seconds)
        job.work(part, seconds)
        moments.append((job.now, job.now + job.progress.seconds_left))
    job.progress.end("rounds")
    assert job.progress.seconds_left == 0.0
    told = next(estimate for now, estimate in moments if now >= job.now / 2)
    assert told == pytest.approx(job.now, rel=0.3)


def test_what_is_recorded_already_is_no_work_and_no_progress():
    job = Job()
    job.progress.expect("rounds", 100.0)
    job.progress.plan("rounds", 0.0, recorded=60.0)
    assert job.progress.share_done == 0.0
    assert job.progress.seconds_left == pytest.approx(40.0 / PROCESSES)


def test_the_share_never_falls_and_ends_at_one():
    job, shares = Job(), []
    for part in "abc":
        job.progress.plan(part, 10.0)
        for _ in range(10):
            job.work(part, 1.0)
            shares.append(job.progress.share_done)
    assert all(one <= other for one, other in itertools.pairwise(shares))
    assert shares[-1] == 1.0


def test_the_first_part_that_is_not_done_is_under_way():
    job = Job()
    job.progress.plan("a", 1.0)
    job.progress.plan("b", 1.0)
    job.work("b", 0.5)
    assert job.progress.under_way == "a"
    job.work("a", 1.0)
    assert job.progress.under_way == "b"
    job.progress.end("b")
    assert job.progress.under_way == ""


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0.2, "about 1 s"), (7.2, "about 7 s"), (41.0, "about 40 s"), (200.0, "about 3 min"), (7_000.0, "about 1.9 h")],
)
def test_the_time_that_is_left_is_said_as_roughly_as_it_is_known(seconds, words):
    assert in_words(seconds) == words


@pytest.mark.parametrize("columns", [60, 80])
def test_the_bar_names_what_is_under_way_and_fits_the_terminal(columns, capsys):
    job = Job()
    job.progress.plan("09 largest rates", 100.0)
    bar = Bar(job.progress, columns)
    job.work("09 largest rates", 10.0)
    job.work("09 largest rates", 40.0)
    bar.show()
    line = capsys.readouterr().out.split("\r")[-1]
    assert line.startswith("09 largest rates  50%|") and line.endswith("| about 20 s left")
    assert len(line) <= columns
    job.work("09 largest rates", 50.0)
    bar.close()
    last = capsys.readouterr().out.split("\r")[-1].strip()
    assert last.startswith("done 100%|") and last.endswith("| after about 50 s")
