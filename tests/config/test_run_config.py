"""A run is its config: what is refused, how, and ids that never move."""

import dataclasses

import numpy as np
import pandas as pd
import pytest

from bnrepro.config.grid import grid
from bnrepro.config.run_config import RunConfig
from bnrepro.config.validation import PRESETS, check_preset
from bnrepro.errors import UserError


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"learning_rate": -0.1}, "learning_rate is above 0: got -0.1"),
        ({"learning_rate": float("nan")}, "learning_rate is a finite number: got nan"),
        ({"learning_rate": "0.1"}, "learning_rate is a finite number: got '0.1'"),
        ({"steps": 0}, "steps is at least 1: got 0"),
        ({"steps": 1.5}, "steps is a whole number: got 1.5"),
        ({"steps": True}, "steps is a whole number: got True"),
        ({"seed": -1}, "seed is 0 or above: got -1"),
        ({"momentum": 1.0}, "momentum is from 0 to below 1: got 1.0"),
        ({"dataset": "imagenet"}, "dataset is one of mnist, fashion_mnist, cifar10: got 'imagenet'"),
        ({"batch_size": 60_001}, "batch_size is at most the 60000 training examples: got 60001"),
        ({"batch_size": 600, "train_examples": 500}, "batch_size is at most the 500 training examples: got 600"),
        ({"validation_examples": 60_000}, "share the 60000 training examples of mnist: got 0 and 60000"),
        ({"shuffling": "thorough", "batch_size": 600}, "mini-batches of 600 apart for 0 steps: got 50000"),
        ({"shuffling": "thorough", "train_examples": 600, "batch_size": 10}, "apart for 3481 steps: got 50000"),
        ({"ghost_size": 7}, "ghost_size is 2 or more and divides the mini-batch of 60: got 7"),
        ({"ghost_size": 1}, "ghost_size is 2 or more and divides the mini-batch of 60: got 1"),
        ({"matched_decay": 0.1, "weight_decay": 0.1}, "matched_decay stands for weight_decay"),
        ({"train_examples": 70_000}, "train_examples is at most 60000 for mnist: got 70000"),
        ({"test_examples": 10_001}, "test_examples is from 0 to 10000: got 10001"),
    ],
)
def test_a_wrong_value_is_refused_with_the_rule_and_what_came(changes, message):
    with pytest.raises(UserError) as raised:
        RunConfig(**changes)
    assert message in str(raised.value)
    assert "\n" not in str(raised.value)


def test_a_scalar_of_numpy_is_the_python_value_that_it_holds():
    given = dict(seed=np.int64(3), steps=np.array(40), initial_std=np.float64(0.1), learning_rate=np.float32(0.5))
    config = RunConfig(**given, shuffled_labels=np.True_, dataset=np.str_("mnist"), momentum=np.longdouble(0.5))
    plain = RunConfig(seed=3, steps=40, initial_std=0.1, learning_rate=0.5, shuffled_labels=True, momentum=0.5)
    assert config.id == plain.id
    assert [type(value) for value in config.as_dict().values()] == [type(value) for value in plain.as_dict().values()]
    for axis in (np.arange(3), pd.Series([0, 1, 2]), range(3)):
        assert [config.id for config in grid(seed=axis)] == [RunConfig(seed=seed).id for seed in range(3)]


@pytest.mark.parametrize(
    "value", [np.float64(3), np.True_, np.array([3]), np.datetime64(3, "s"), np.int64(-1), 3.0, "3", None]
)
def test_what_holds_no_whole_number_is_none_be_it_of_numpy_or_not(value):
    with pytest.raises(UserError, match="seed is .*: got"):
        RunConfig(seed=value)


def test_an_unknown_field_or_preset_is_refused_with_the_nearest_name():
    with pytest.raises(UserError, match="did you mean 'learning_rate'"):
        grid(learning_rat=[0.1])
    with pytest.raises(UserError, match="did you mean 'paper'"):
        check_preset("papr")
    assert [check_preset(preset) for preset in PRESETS] == list(PRESETS)


def test_an_axis_without_values_is_refused():
    with pytest.raises(UserError, match="seed is empty"):
        grid(seed=[])
    with pytest.raises(UserError, match="seed got 3"):
        grid(seed=3)
    with pytest.raises(UserError, match="seed got array"):
        grid(seed=np.array(3))
    with pytest.raises(UserError, match="normalization got 'batch'"):
        grid(normalization="batch")


def test_a_grid_is_every_combination_with_the_last_axis_fastest():
    arms = [(config.normalization, config.seed) for config in grid(normalization=("none", "batch"), seed=range(2))]
    assert arms == [("none", 0), ("none", 1), ("batch", 0), ("batch", 1)]


def test_a_config_cannot_be_changed_and_a_whole_number_is_a_float_where_a_float_is_asked_for():
    config = RunConfig(learning_rate=1)
    assert config == RunConfig(learning_rate=1.0)
    assert config.id == RunConfig(learning_rate=1.0).id
    with pytest.raises(dataclasses.FrozenInstanceError):
        config.seed = 1


def test_every_field_changes_the_id():
    other = {int: 7, float: 0.5, bool: True}
    words = {"dataset": "fashion_mnist", "pixels": "grey", "activation": "relu", "normalization": "batch"}
    words |= {"initializer": "he", "shuffling": "fixed", "probe": "mates"}
    words |= {"dropout_place": "last", "weight_decay_on": "all", "compiler": "graph"}
    numbers = {"train_examples": 600, "ghost_size": 10}
    ids = {RunConfig().id}
    fields = [field for field in dataclasses.fields(RunConfig) if field.name != "model"]
    for field in fields:
        ids.add(RunConfig(**{field.name: (words | numbers).get(field.name, other.get(field.type))}).id)
    assert len(ids) == 1 + len(fields)


def test_runs_share_a_program_whatever_their_mini_batch_but_where_the_net_knows_its_size():
    for shared in ({"normalization": "batch"}, {"normalization": "batch", "ghost_size": 4}):
        assert len({RunConfig(batch_size=size, evaluate_every=size, **shared).program for size in (4, 64)}) == 1
    noise = {RunConfig(batch_size=size, normalization="noise").program for size in (4, 64)}
    assert {config.batch_size for config in noise} == {4, 64}
    assert len({RunConfig(normalization="batch", ghost_size=size).program for size in (0, 4, 12)}) == 3


def test_ids_are_pinned_so_that_no_record_is_lost_or_taken_for_another():
    assert RunConfig().id == "mnist-mlp-none-0-44136fa355"
    assert RunConfig(normalization="batch", seed=3).id == "mnist-mlp-batch-3-61616cb99c"
