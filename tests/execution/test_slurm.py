"""What left Slurm's queue and gave nothing is lost, on an invented clock and with a program that stands in for `squeue`."""

from types import SimpleNamespace

import pytest

from bnrepro.execution import slurm


class Clock:
    def __init__(self):
        self.now = 1_000.0

    def monotonic(self):
        return self.now


@pytest.fixture
def clock(monkeypatch):
    clock = Clock()
    monkeypatch.setattr(slurm, "time", clock)
    return clock


@pytest.fixture
def squeue(tmp_path, monkeypatch):
    """Says of the queue what it is told, and fails where that is None."""
    programs = tmp_path / "bin"
    programs.mkdir()
    (programs / "squeue").write_text(f'#!/bin/sh\necho "$@" >> {tmp_path}/asked\ncat {tmp_path}/queue\n')
    (programs / "squeue").chmod(0o755)
    monkeypatch.setenv("PATH", str(programs), prepend=":")

    def holds(*tasks: str, answers: bool = True):
        (tmp_path / "queue").unlink(missing_ok=True)
        if answers:
            (tmp_path / "queue").write_text("".join(f"{task}\n" for task in tasks))

    holds.asked = lambda: (tmp_path / "asked").read_text().count("\n")
    return holds


def lost_after(clock, queue, seconds: float) -> bool:
    clock.now += seconds
    return queue.has_lost("7_1")


def test_a_task_that_waits_or_runs_is_not_lost(clock, squeue):
    squeue("7_0", "7_1")
    queue = slurm.Queue()
    assert not any(lost_after(clock, queue, 40) for _ in range(10))


def test_a_task_that_left_the_queue_is_lost_once_its_file_has_had_time_to_come(clock, squeue):
    squeue("7_0")
    queue = slurm.Queue()
    assert not lost_after(clock, queue, 0) and not lost_after(clock, queue, slurm.GRACE_SECONDS - 1)
    assert lost_after(clock, queue, 1)


def test_a_task_that_is_sent_again_by_slurm_is_not_lost(clock, squeue):
    squeue()
    queue = slurm.Queue()
    assert not lost_after(clock, queue, 0)
    squeue("7_1")
    assert not lost_after(clock, queue, slurm.GRACE_SECONDS)
    squeue()
    assert not lost_after(clock, queue, slurm.LOOK_SECONDS)


def test_while_the_controller_does_not_answer_no_task_is_lost(clock, squeue):
    squeue()
    queue = slurm.Queue()
    assert not lost_after(clock, queue, 0)
    squeue(answers=False)
    assert not any(lost_after(clock, queue, 100) for _ in range(5))


def test_the_queue_is_looked_at_now_and_then_however_many_tasks_ask(clock, squeue):
    squeue("7_0", "7_1")
    queue = slurm.Queue()
    for _ in range(slurm.LOOK_SECONDS):
        assert not queue.has_lost("7_0") and not lost_after(clock, queue, 1)
    assert squeue.asked() == 2


def job(result, lost: bool):
    paths = SimpleNamespace(result_pickle=result, stderr="7_1_log.err")
    return slurm.Task(
        SimpleNamespace(job_id="7_1", paths=paths, result=lambda: "tables"),
        SimpleNamespace(has_lost=lambda task: lost),
    )


def test_a_task_is_done_when_its_result_is_there_or_never_will_be(tmp_path):
    result = tmp_path / "result.pkl"
    assert not job(result, lost=False).done()
    with pytest.raises(slurm.Lost, match="^task 7_1 of Slurm ended and gave nothing; 7_1_log.err may say why$"):
        assert job(result, lost=True).done()
        job(result, lost=True).result()
    result.touch()
    assert job(result, lost=False).done() and job(result, lost=True).result() == "tables"
