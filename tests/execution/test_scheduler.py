"""Who trains what: a program stays with one worker, no worker idles while there is work, and no run is taken twice."""

from bnrepro.config.grid import grid
from bnrepro.config.run_config import RunConfig
from bnrepro.execution.groups import groups_of
from bnrepro.execution.scheduler import Lanes

RUNS = groups_of(grid(RunConfig(steps=10), hidden_layers=(1, 2, 3, 4), seed=range(3)))


def taken(lanes, turns):
    return [lanes.take(number) for number in turns]


def test_runs_of_one_program_stay_with_one_worker_in_their_order():
    lanes = Lanes(RUNS, 2)
    for number in (0, 1):
        own = taken(lanes, [number] * 6)
        assert len({group[0].compilation_key for group in own}) == 2
        assert own == sorted(own, key=RUNS.index)


def test_every_run_is_taken_once_and_then_there_is_none():
    lanes = Lanes(RUNS, 3)
    assert set(taken(lanes, [0, 1, 2] * 4)) == set(RUNS)
    assert taken(lanes, [0, 1, 2]) == [None] * 3


def test_a_worker_without_work_helps_with_the_end_of_the_longest_lane():
    runs = groups_of(grid(RunConfig(steps=10), seed=range(4)))
    lanes = Lanes(runs, 2)
    assert sorted(taken(lanes, [0, 1]), key=runs.index) == [runs[0], runs[-1]]


def test_the_lanes_are_about_as_long():
    runs = [*RUNS, (RunConfig(steps=90, hidden_layers=5),)]
    lanes = Lanes(runs, 2)
    first, second = (sum(config.steps for group in lane for config in group) for lane in lanes._lanes)
    assert abs(first - second) <= 30
