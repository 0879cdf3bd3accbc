"""Who trains elsewhere: what is sent and sent again, who writes, what an interrupt ends, and when nobody is left to ask."""

import concurrent.futures
import contextlib
import time
from concurrent.futures import Future, ThreadPoolExecutor

import pytest

from bnrepro.config.grid import grid
from bnrepro.config.run_config import RunConfig
from bnrepro.errors import MachinesLost
from bnrepro.execution import executors, lent
from bnrepro.execution.cluster import Cluster
from bnrepro.execution.groups import groups_of
from bnrepro.execution.packing import unpack
from bnrepro.execution.progress import Progress
from bnrepro.execution.run_all import run_all
from bnrepro.execution.waiting import RunsFailed, wait_for
from tests.execution.factories import NoProcess, made_up

RUNS = grid(RunConfig(steps=10, evaluate_every=10), normalization=("none", "batch"), seed=range(4))


class Scripted(concurrent.futures.Executor):
    """Answers each bundle by a function of its groups and of how often one of them came before."""

    def __init__(self, answer):
        self.answer, self.bundles, self.futures = answer, [], []

    def submit(self, function, driver, engine, program, packed):
        groups = [unpack(group) for group in packed]
        future = Future()
        try:
            found = self.answer(groups, sum(bundle == groups for bundle in self.bundles))
            if found is not None:
                future.set_result(found)
        except Exception as error:
            future.set_exception(error)
        self.bundles.append(groups)
        self.futures.append(future)
        return future


def trained(groups):
    return [made_up(group) for group in groups]


def lose(groups, times):
    """A machine that is gone when it is asked first."""
    if times == 0:
        raise OSError("gone")
    return trained(groups)


@pytest.fixture
def no_process(monkeypatch):
    kind = type("NoProcess", (NoProcess,), {})
    monkeypatch.setattr(lent, "WorkerProcess", kind)
    for known in ("_all", "_idle"):
        monkeypatch.setattr(lent, known, [])
    return kind


def names(folder):
    return {path.name for path in folder.iterdir()}


def test_threads_train_and_this_process_writes(no_process, tmp_path):
    with ThreadPoolExecutor(2) as executor:
        tables = run_all(RUNS, executor=executor, records=tmp_path)
    assert set(tables["runs"]["run"]) == names(tmp_path) == {config.id for config in RUNS}
    assert 1 <= no_process.made <= 2


def test_a_bundle_whose_machine_is_gone_is_sent_again_once_and_the_bar_ends_at_all(tmp_path):
    progress, executor = Progress(1), Scripted(lose)
    with Cluster(executors.Pool(executor, 1), progress) as cluster:
        wait_for(cluster.part("all").train(groups_of(RUNS), tmp_path), cluster.move, lambda group: None)
    assert names(tmp_path) == {config.id for config in RUNS}
    assert len(executor.bundles) == 2 * len({str(bundle) for bundle in executor.bundles})
    assert progress.share_done == 1.0 and progress.under_way == ""


def test_runs_whose_machine_is_gone_twice_fail_and_all_others_are_kept(tmp_path):
    unlucky = groups_of(RUNS)[0]

    def answer(groups, times):
        if unlucky in groups:
            raise OSError("gone")
        return trained(groups)

    executor = Scripted(answer)
    with pytest.raises(RunsFailed, match=r"the others are recorded: .* \(OSError: gone\)") as error:
        run_all(RUNS, executor=executor, jobs=1, records=tmp_path)
    failed = {line.split()[0] for line in error.value.failures}
    assert unlucky[0].id in failed and names(tmp_path) == {config.id for config in RUNS} - failed
    assert sum(unlucky in bundle for bundle in executor.bundles) == 2


def test_a_run_that_raises_takes_no_other_of_its_bundle_along_and_is_not_sent_again(tmp_path):
    executor = Scripted(lambda groups, times: [ValueError("two\nlines"), *trained(groups[1:])])
    with pytest.raises(RunsFailed) as error:
        run_all(RUNS, executor=executor, jobs=1, records=tmp_path)
    failed = {bundle[0][0].id for bundle in executor.bundles}
    assert set(error.value.failures) == {f"{run} (ValueError: two lines)" for run in failed}
    assert names(tmp_path) == {config.id for config in RUNS} - failed != set()


def test_an_interrupt_keeps_what_has_come_back_and_was_not_looked_at(tmp_path):
    with pytest.raises(KeyboardInterrupt), Cluster(executors.Pool(Scripted(lose), 1), Progress(1)) as cluster:
        lost = cluster.part("all").train(groups_of(RUNS[:1]), tmp_path)
        raise KeyboardInterrupt
    assert not names(tmp_path)
    assert {type(future.exception()) for future in lost} == {InterruptedError}
    executor = Scripted(lambda groups, times: trained(groups))
    with pytest.raises(KeyboardInterrupt), Cluster(executors.Pool(executor, 1), Progress(1)) as cluster:
        futures = cluster.part("all").train(groups_of(RUNS), tmp_path)
        raise KeyboardInterrupt
    assert names(tmp_path) == {config.id for config in RUNS}
    assert not any(future.exception() for future in futures)


def test_an_interrupt_gives_up_what_is_sent_and_keeps_what_is_finished(tmp_path, monkeypatch):
    executor = Scripted(lambda groups, times: trained(groups) if RUNS[0] in groups[0] else None)
    stopped = []
    monkeypatch.setattr(lent, "stop", stopped.append)
    cluster = Cluster(executors.Pool(executor, 1), Progress(1))
    with pytest.raises(KeyboardInterrupt), cluster:
        futures = cluster.part("all").train(groups_of(RUNS), tmp_path)
        cluster.move()
        raise KeyboardInterrupt
    assert sum(future.cancelled() for future in executor.futures) == len(executor.futures) - 1
    assert names(tmp_path) and len(stopped) == 1
    assert {type(future.exception()) for future in futures} == {type(None), InterruptedError}
    with pytest.raises(InterruptedError, match="stopped before"):
        cluster.part("later").train(groups_of(RUNS), tmp_path)


def test_whoever_gives_up_its_work_is_lost(tmp_path):
    executor = Scripted(lambda groups, times: None)
    with Cluster(executors.Pool(executor, 1), Progress(1)) as cluster:
        cluster.part("all").train(groups_of(RUNS), tmp_path)
        executor.futures[-1].cancel()
        with pytest.raises(MachinesLost, match="the executor was shut down; finished runs are kept, the same command"):
            cluster.move()


def test_whoever_waits_for_a_run_that_cannot_be_sent_again_is_told(tmp_path):
    executor = Scripted(lose)
    with Cluster(executors.Pool(executor, 1), Progress(1)) as cluster:
        futures = cluster.part("all").train(groups_of(RUNS), tmp_path)
        executor.submit = None
        with pytest.raises(MachinesLost, match="the executor takes no work"):
            cluster.move()
    assert {type(future.exception()) for future in futures} == {InterruptedError}


def test_an_executor_that_was_closed_takes_no_work(tmp_path):
    closed = ThreadPoolExecutor(1)
    closed.shutdown()
    with pytest.raises(MachinesLost, match="the executor takes no work .RuntimeError: cannot schedule"):
        run_all(RUNS, executor=closed, records=tmp_path)


def bundle(driver: str, program: str) -> None:
    lent.train_bundle(driver, "tensorflow", program, [])


def test_a_process_is_kept_for_the_next_bundle_of_its_driver_and_ended_when_none_comes(no_process, monkeypatch):
    bundle("one", "a")
    bundle("one", "b")
    assert no_process.made == 1
    bundle("other", "a")
    assert (no_process.made, no_process.ended) == (2, 0)
    lent.stop("one")
    assert no_process.ended == 1
    monkeypatch.setattr(lent, "KEPT_SECONDS", 0.0)
    bundle("other", "a")
    while no_process.ended < 2:  # for ever, if it is kept
        time.sleep(0.01)
    assert no_process.made == 2 and not lent._all


def test_once_stopped_no_group_is_begun(no_process, monkeypatch):
    def stop(process, *arguments):
        lent.stop("one")
        return []

    monkeypatch.setattr(no_process, "train", stop)
    first, second = lent.train_bundle("one", "tensorflow", "a", [b"", b""])
    assert first == [] and isinstance(second, InterruptedError)
    assert no_process.ended == 1


def test_a_bundle_that_waits_for_all_cores_is_not_begun_once_its_driver_is_stopped(no_process, monkeypatch):
    class Turn(contextlib.AbstractContextManager):
        def __enter__(self):
            lent.stop("one")

        def __exit__(self, *error):
            pass

    monkeypatch.setattr(lent, "_ALONE", Turn())
    with pytest.raises(InterruptedError, match="stopped before it began"):
        lent.train_bundle("one", "jax", "a", [b""])
    assert no_process.made == 0
