import pandas as pd
import pytest

from bnrepro.config.group import Group
from bnrepro.config.run_config import RunConfig
from bnrepro.execution.rounds import KEPT, run_rounds


@pytest.fixture
def asked(monkeypatch):
    """The seeds of each call of `run_all`, which trains nothing and says of each run its seed."""
    calls = []

    def run_all(configs, records, **options):
        calls.append([config.seed for config in configs])
        runs = pd.DataFrame({"run": [config.id for config in configs], "seed": calls[-1]})
        return {"runs": runs, "curves": runs[["run"]], "provenance": runs}

    monkeypatch.setattr("bnrepro.execution.rounds.run_all", run_all)
    return calls


def halving(so_far) -> dict:
    """A sweep of seed 8, and of half of each seed that was trained."""
    seeds = {8} if so_far is None else {8, *so_far["runs"]["seed"], *(so_far["runs"]["seed"] // 2)}
    return {Group("main"): [RunConfig(seed=int(seed)) for seed in sorted(seeds, reverse=True)]}


def test_each_round_has_the_runs_that_the_rounds_before_asked_for_and_none_twice(asked, tmp_path):
    sweep = run_rounds(halving, tmp_path)
    assert asked == [[8], [4], [2], [1], [0]]
    assert [config.seed for config in sweep[Group("main")]] == [8, 4, 2, 1, 0]


def test_a_sweep_without_rounds_is_trained_at_once_and_a_run_of_two_groups_once(asked, tmp_path):
    configs = [RunConfig(seed=seed) for seed in (0, 1)]
    run_rounds(lambda so_far: {Group("one"): configs, Group("other"): configs[:1]}, tmp_path)
    assert asked == [[0, 1]]


def test_a_sweep_of_nothing_trains_nothing(asked, tmp_path):
    assert run_rounds(lambda so_far: {}, tmp_path) == {} and asked == []


def test_a_round_sees_the_runs_and_the_curves_of_all_rounds_before(asked, tmp_path):
    seen = []

    def sweep(so_far):
        seen.append(so_far and {name: len(table) for name, table in so_far.items()})
        return halving(so_far)

    run_rounds(sweep, tmp_path)
    assert seen == [None, *({name: count for name in KEPT} for count in (1, 2, 3, 4, 5))]
