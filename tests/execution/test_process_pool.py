"""Workers of many parts of a job: which runs come first, which only once, and when a worker is renewed."""

import os
import threading
from pathlib import Path

import pytest

from bnrepro.config.grid import grid
from bnrepro.config.run_config import RunConfig
from bnrepro.execution import process_pool, worker_process
from bnrepro.execution.groups import groups_of
from bnrepro.execution.packing import unpack
from bnrepro.execution.progress import Progress
from bnrepro.execution.waiting import wait_for

NETS = [RunConfig(hidden_units=units, steps=10, evaluate_every=10) for units in (4, 5, 6)]
GROUPS = groups_of(config for net in NETS for config in grid(net, seed=range(2)))


def say_where(number: int, packed: bytes, folder: Path) -> tuple[float, None]:
    """In place of training: writes down the process, and says that it holds 1,000 MiB."""
    (config,) = unpack(packed)
    (folder / f"{config.model.hidden_units}-{config.seed}").write_text(str(os.getpid()))
    return 1_000.0, None


@pytest.mark.slow
@pytest.mark.parametrize(("limit", "workers"), [(999, 3), (1_001, 1)])
def test_a_worker_that_holds_too_much_is_renewed_before_another_program(tmp_path, monkeypatch, limit, workers):
    monkeypatch.setattr(process_pool, "train_counting", say_where)
    monkeypatch.setattr(worker_process, "RENEWED_AT_MIB", limit)
    with process_pool.Workers(1, Progress(1)) as pool:
        wait_for(pool.part("all").train(GROUPS, tmp_path), pool.move, lambda group: None)
    trained = {path.name: path.read_text() for path in tmp_path.iterdir()}
    assert len(trained) == len(GROUPS) and len(set(trained.values())) == workers
    for units in (4, 5, 6):
        assert trained[f"{units}-0"] == trained[f"{units}-1"]


@pytest.mark.slow
def test_parts_are_trained_in_their_order_and_what_two_of_them_need_once(tmp_path, monkeypatch):
    monkeypatch.setattr(process_pool, "train_counting", say_where)
    progress = Progress(1)
    with process_pool.Workers(1, progress) as pool:
        later = pool.part("later", place=1).train(GROUPS, tmp_path)
        first = pool.part("first").train(GROUPS[-2:], tmp_path)
        wait_for({**later, **first}, pool.move, lambda group: None)
    assert set(first) <= set(later)
    assert len(list(tmp_path.iterdir())) == len(GROUPS)
    assert progress.share_done == 1.0 and progress.under_way == ""


def test_leaving_early_tells_whoever_waits(tmp_path, monkeypatch):
    monkeypatch.setattr(process_pool.Workers, "_train_lane", lambda pool, number: None)
    with process_pool.Workers(1, Progress(1)) as pool:
        part = pool.part("all")
        futures = part.train(GROUPS, tmp_path)
    assert {type(future.exception()) for future in futures} == {InterruptedError}
    with pytest.raises(InterruptedError, match="stopped before"):
        part.train(GROUPS, tmp_path)


def test_a_group_that_a_worker_takes_while_the_block_ends_is_told_too(tmp_path, monkeypatch):
    taken, ends = threading.Event(), threading.Event()

    class Slow(process_pool.Queue):
        def take(self, number):
            group = super().take(number)
            taken.set()
            ends.wait()
            return group

        def close(self):
            ends.set()
            return super().close()

    monkeypatch.setattr(process_pool, "Queue", Slow)
    with process_pool.Workers(1, Progress(1)) as pool:
        futures = pool.part("all").train(GROUPS, tmp_path)
        taken.wait()
    assert all(future.done() for future in futures)
    assert {type(future.exception()) for future in futures} == {InterruptedError}


def read(name: str) -> tuple[float, str | None]:
    """In place of training: a variable of the environment, in a process that holds nothing."""
    return 0.0, os.environ.get(name)


@pytest.mark.slow
def test_each_process_begins_with_the_environment_of_its_moment(monkeypatch):
    """Though it is a copy of one that began with that of the first."""
    process, found = worker_process.WorkerProcess(worker_process.Seen.by(1)), []
    for value in ("first", "second", None):
        monkeypatch.setenv("BNREPRO_SAID", value) if value else monkeypatch.delenv("BNREPRO_SAID")
        found.append(process.train("tensorflow", None, read, "BNREPRO_SAID"))
        process.end()
    assert found == ["first", "second", None]
