"""Who trains what: what comes first first, a program stays with one worker, no worker idles while there is work, no run twice."""

import threading

import pytest

from bnrepro.config.grid import grid
from bnrepro.config.run_config import RunConfig
from bnrepro.execution import scheduler
from bnrepro.execution.groups import groups_of
from bnrepro.execution.scheduler import Queue

NET = RunConfig(steps=10)
RUNS = groups_of(grid(NET, hidden_layers=(1, 2, 3, 4), seed=range(3)))


@pytest.fixture
def queue():
    return Queue()


def taken(queue, turns):
    return [queue.take(number) for number in turns]


def layers(groups):
    return [group[0].model.hidden_layers for group in groups]


def test_runs_of_one_program_stay_with_one_worker_in_their_order(queue):
    queue.put(RUNS)
    found = taken(queue, [0, 1] * 6)
    for number in (0, 1):
        own = found[number::2]
        assert len(set(layers(own))) == 2
        assert all(layers(own)[start] == layers(own)[start + 2] for start in (0, 3))
    assert set(found) == set(RUNS)


def test_the_program_with_most_to_do_is_begun_first(queue):
    queue.put(RUNS)
    assert layers(taken(queue, [0, 1])) == [4, 3]


def test_a_worker_without_work_helps_with_the_end_of_what_has_most_left(queue):
    runs = groups_of(grid(NET, seed=range(4)))
    queue.put(runs)
    assert taken(queue, [0, 1, 0, 1]) == [runs[0], runs[3], runs[1], runs[2]]


def test_what_comes_first_is_done_before_what_was_put_in_earlier(queue):
    later, first = groups_of([NET]), groups_of([NET.replace(hidden_layers=9)])
    queue.put(later, place=1)
    queue.put(first, place=0)
    assert taken(queue, [0, 0]) == [*first, *later]


@pytest.mark.parametrize(("worth", "helps"), [(0.0, True), (1e9, False)])
def test_a_net_is_compiled_a_second_time_only_for_enough_work(queue, monkeypatch, worth, helps):
    monkeypatch.setattr(scheduler, "WORTH_SECONDS", worth)
    first, later = groups_of(grid(NET, seed=range(4))), groups_of([NET.replace(hidden_layers=9)])
    queue.put(first)
    queue.put(later, place=1)
    assert taken(queue, [0, 1]) == [first[0], first[-1] if helps else later[0]]


def test_runs_of_an_engine_that_has_all_cores_are_trained_by_one_worker(queue):
    jax, other = groups_of([NET.replace(engine="jax")]), groups_of([NET])
    queue.put([*jax, *other])
    assert taken(queue, [1, 0]) == [*other, *jax]


def test_who_asks_early_waits_for_what_comes(queue):
    found = []
    waiting = threading.Thread(target=lambda: found.append(queue.take(0)))
    waiting.start()
    queue.put(RUNS[:1])
    waiting.join()
    assert found == RUNS[:1]


def test_a_closed_queue_gives_out_none_takes_none_and_tells_which_are_left(queue):
    queue.put(RUNS[:2])
    queue.take(0)
    assert len(queue.close()) == 1
    assert taken(queue, [0, 1]) == [None, None]
    with pytest.raises(InterruptedError, match="stopped"):
        queue.put(RUNS[2:])
