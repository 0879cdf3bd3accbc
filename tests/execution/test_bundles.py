"""What travels: runs of one net, as many as are worth compiling it for, and few enough that no worker idles."""

import pytest

from bnrepro.config.grid import grid
from bnrepro.config.run_config import RunConfig
from bnrepro.execution.bundles import BUNDLES_A_WORKER, bundles_of
from bnrepro.execution.groups import groups_of
from bnrepro.records.costs import seconds

RUN = RunConfig(steps=1_000)
GROUPS = groups_of(grid(RUN, hidden_layers=(1, 2, 3), seed=range(40)))


@pytest.mark.parametrize("workers", [1, 3, 50])
def test_every_group_is_in_one_bundle_and_a_bundle_is_of_one_program(workers):
    bundles = bundles_of(GROUPS, workers, 20.0)
    assert sorted((group for bundle in bundles for group in bundle), key=GROUPS.index) == GROUPS
    assert all(len({group[0].compilation_key for group in bundle}) == 1 for bundle in bundles)


def test_bundles_of_one_program_lie_next_to_each_other():
    programs = [bundle[0][0].compilation_key for bundle in bundles_of(reversed(GROUPS), 5, 20.0)]
    changes = sum(one != other for one, other in zip(programs, programs[1:]))
    assert changes == len(set(programs)) - 1


def test_there_are_several_bundles_for_each_worker_where_there_are_as_many_groups():
    assert len(bundles_of(GROUPS, 10, float("inf"))) >= BUNDLES_A_WORKER * 10
    assert len(bundles_of(GROUPS, 1_000, float("inf"))) == len(GROUPS)


def test_a_bundle_is_no_longer_than_is_worth_it_and_a_long_run_travels_alone():
    cost = max(seconds(group[0]) for group in GROUPS)
    longest = max(
        sum(seconds(config) for group in bundle for config in group) for bundle in bundles_of(GROUPS, 1, 5 * cost)
    )
    assert longest <= 6 * cost
    assert [len(bundle) for bundle in bundles_of(groups_of(grid(RUN, seed=range(3))), 1, 1e-6)] == [1, 1, 1]


def test_of_nothing_there_is_no_bundle():
    assert bundles_of([], 3, 20.0) == []
