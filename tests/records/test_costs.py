"""What a run will cost: by what runs like it took, and by the nearest where there was none."""

import pandas as pd
import pytest

from bnrepro.config.run_config import RunConfig
from bnrepro.experiments import EXPERIMENTS
from bnrepro.records import costs
from bnrepro.records.schemas import runs_row

NET = RunConfig(steps=1_000, evaluate_every=500)


@pytest.fixture
def known(tmp_path, monkeypatch):
    """Writes the file of costs of runs that took so many milliseconds a step, and ten times as many an evaluation."""

    def write(milliseconds: dict[RunConfig, float]) -> None:
        runs = pd.concat([runs_row(config, "finished") for config in milliseconds])
        provenance = pd.DataFrame(
            {
                "run": [config.id for config in milliseconds],
                "train_seconds": [one * config.steps / 1e3 for config, one in milliseconds.items()],
                "evaluate_seconds": [one * 10 * 2 / 1e3 for one in milliseconds.values()],
            }
        )
        (tmp_path / "costs.csv").write_bytes(costs.costs_file(provenance, runs))

    monkeypatch.setattr(costs, "COSTS", tmp_path / "costs.csv")
    for function in (costs._known, costs._rates):
        function.cache_clear()
    yield write
    for function in (costs._known, costs._rates):
        function.cache_clear()


def test_a_run_costs_its_steps_and_its_evaluations_as_a_fast_one_of_runs_like_it(known):
    known({NET.replace(seed=seed): one for seed, one in enumerate((1.9, 2.0, *[9.0] * 9))})
    assert costs.seconds(NET.replace(seed=7)) == pytest.approx(1_000 * 0.002 + 2 * 0.02)
    assert costs.seconds(NET.replace(evaluate_every=100)) == pytest.approx(1_000 * 0.002 + 10 * 0.02)


def test_runs_that_shared_their_processor_cost_what_another_notebooks_with_the_same_step_do(known):
    disturbed = NET.replace(measurements="gradients")
    known({NET: 1.0, disturbed: 6.0})
    assert costs.seconds(disturbed) == pytest.approx(costs.seconds(NET)) == pytest.approx(1_000 * 0.001 + 2 * 0.01)


@pytest.mark.parametrize(
    ("net", "seconds"),
    [(NET, 0.002), (NET.replace(hidden_layers=9), 0.003), (NET.replace(hidden_layers=9, batch_size=30), 0.003)],
)
def test_a_step_takes_no_longer_than_one_of_more_layers_and_examples_and_than_one_of_fewer_in_proportion(
    known, net, seconds
):
    known({net: 60.0, NET.replace(hidden_layers=6): 2.0, NET.replace(normalization="batch"): 1.0})
    assert costs.seconds(net) == pytest.approx(1_000 * seconds + 2 * 10 * seconds)


def test_a_net_that_was_never_trained_costs_what_the_nearest_does_by_its_layers_and_examples(known):
    known({NET: 1.0, NET.replace(model="inception_small"): 50.0})
    deeper = NET.replace(hidden_layers=6, batch_size=120)
    assert costs.seconds(deeper) == pytest.approx(1_000 * 0.004 + 2 * 0.01)
    assert costs.seconds(NET.replace(normalization="batch")) == pytest.approx(costs.seconds(NET))


def test_without_any_record_there_is_still_an_estimate(known):
    assert costs.seconds(NET) > 0


def test_the_work_of_groups_is_that_of_all_their_runs(known):
    known({NET: 1.0})
    assert costs.work([(NET, NET), (NET,)]) == pytest.approx(3 * costs.seconds(NET))


@pytest.mark.parametrize("preset", ["quick", "paper"])
def test_the_estimates_of_whole_sweeps_are_near_what_the_record_took(preset):
    """Of dense nets a step takes a fraction of a millisecond to some milliseconds, of Inception tens of them."""
    for experiment in EXPERIMENTS.values():
        for config in (config for group in experiment.sweep(preset).values() for config in group):
            assert 1e-5 < costs.seconds(config) / config.steps < 2.0
