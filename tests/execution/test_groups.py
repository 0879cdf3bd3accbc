"""What is trained at once: runs of one net on the same data, as many as their engine takes, in groups of about one size."""

from bnrepro.config.grid import grid
from bnrepro.config.run_config import RunConfig
from bnrepro.execution.groups import MOST_AT_ONCE, groups_of

JAX = RunConfig(engine="jax")


def test_tensorflow_trains_one_run_at_a_time():
    runs = grid(RunConfig(), seed=range(3))
    assert groups_of(runs) == [(run,) for run in runs]


def test_runs_that_differ_in_seed_rate_and_start_alone_are_one_group_on_jax():
    runs = grid(JAX, seed=range(2), learning_rate=(0.1, 1.0), rate_halvings=(0, 1), initialization=("gaussian", "he"))
    assert groups_of(runs) == [tuple(runs)]


def test_runs_that_differ_in_anything_else_are_not():
    changes = [
        dict(normalization="batch"),
        dict(hidden_layers=4),
        dict(steps=7),
        dict(evaluate_every=7),
        dict(batch_size=7),
        dict(pixels="grey"),
        dict(sgd_momentum=0.5),
        dict(dropout=0.5),
        dict(shuffling="fixed"),
        dict(fit_examples=7),
    ]
    assert len(groups_of([JAX, *(JAX.replace(**change) for change in changes)])) == 1 + len(changes)


def test_runs_on_data_of_their_own_are_trained_one_by_one():
    assert len(groups_of(grid(JAX.replace(shuffled_labels=True), seed=range(3)))) == 3


def test_a_group_is_never_larger_than_its_engine_allows_and_groups_are_about_equal():
    most = MOST_AT_ONCE["jax"]
    runs = grid(JAX, seed=range(2 * most + 1))
    groups = groups_of(runs)
    assert [run for group in groups for run in group] == runs
    assert len(groups) == 3
    assert max(map(len, groups)) - min(map(len, groups)) <= 1


def test_groups_come_in_the_order_of_their_first_runs():
    runs = [JAX.replace(steps=2), JAX.replace(steps=3, seed=1), JAX.replace(steps=2, seed=1), JAX.replace(steps=3)]
    assert groups_of(runs) == [(runs[0], runs[2]), (runs[1], runs[3])]
