"""A run is its config: what is refused, how, and ids that never move."""

import dataclasses

import numpy as np
import pandas as pd
import pytest

from bnrepro.config.grid import grid
from bnrepro.config.registry import DEFAULT_PARTS, find, ours
from bnrepro.config.run_config import RunConfig
from bnrepro.config.validation import PRESETS, check_preset
from bnrepro.errors import UserError
from bnrepro.models.normalization import BatchNorm


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
        ({"normalization": "batch", "momentum": 1.0}, "momentum is from 0 to below 1: got 1.0"),
        ({"task": "imagenette"}, "unknown task 'imagenette': did you mean 'imagenet'?"),
        ({"batch_size": 60_001}, "batch_size is at most the 60000 training examples: got 60001"),
        ({"batch_size": 600, "train_examples": 500}, "batch_size is at most the 500 training examples: got 600"),
        ({"validation_examples": 60_000}, "share the 60000 training examples of mnist: got 0 and 60000"),
        ({"shuffling": "thorough", "batch_size": 600}, "mini-batches of 600 apart for 0 steps: got 50000"),
        ({"shuffling": "thorough", "train_examples": 600, "batch_size": 10}, "apart for 3481 steps: got 50000"),
        (
            {"normalization": "batch", "ghost_size": 7},
            "ghost_size is 2 or more and divides the mini-batch of 60: got 7",
        ),
        (
            {"normalization": "batch", "ghost_size": 1},
            "ghost_size is 2 or more and divides the mini-batch of 60: got 1",
        ),
        (
            {"normalization": "kept", "noise_size": 7},
            "noise_size divides the mini-batch of 60: got 7; change one of them",
        ),
        ({"matched_decay": 0.1, "weight_decay": 0.1}, "matched_decay stands for weight_decay"),
        ({"train_examples": 70_000}, "share the 60000 training examples of mnist: got 70000 and 0"),
        ({"test_examples": 10_001}, "test_examples is at most the 10000 of mnist: got 10001"),
        (
            {"momentum": 0.5},
            "momentum is a field of the normalization batch, renorm, off, population, noise, kept: this run has none",
        ),
        ({"width": 8}, "width is a field of the model inception_small, inception_bn: this run has mlp"),
        ({"model": 3}, "model is a part or the name of one: got 3"),
        ({"model": BatchNorm()}, "model is a model: got the normalization batch"),
    ],
)
def test_a_wrong_value_is_refused_with_the_rule_and_what_came(changes, message):
    with pytest.raises(UserError) as raised:
        RunConfig(**changes)
    assert message in str(raised.value)
    assert "\n" not in str(raised.value)


def test_a_scalar_of_numpy_is_the_python_value_that_it_holds():
    given = dict(seed=np.int64(3), steps=np.array(40), initial_std=np.float64(0.1), learning_rate=np.float32(0.5))
    config = RunConfig(**given, shuffled_labels=np.True_, task=np.str_("mnist"), dropout=np.longdouble(0.5))
    plain = RunConfig(seed=3, steps=40, initial_std=0.1, learning_rate=0.5, shuffled_labels=True, dropout=0.5)
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
    arms = [(config["normalization"], config.seed) for config in grid(normalization=("none", "batch"), seed=range(2))]
    assert arms == [("none", 0), ("none", 1), ("batch", 0), ("batch", 1)]


def test_a_config_cannot_be_changed_and_a_whole_number_is_a_float_where_a_float_is_asked_for():
    config = RunConfig(learning_rate=1)
    assert config == RunConfig(learning_rate=1.0)
    assert config.id == RunConfig(learning_rate=1.0).id
    with pytest.raises(dataclasses.FrozenInstanceError):
        config.seed = 1


PARTS = [(kind, name) for kind in DEFAULT_PARTS for name in ours(kind)]


@pytest.mark.parametrize(("kind", "name"), PARTS)
def test_every_field_of_every_part_changes_the_id(kind, name):
    other = {int: 10, float: 0.5, bool: True}
    words = {
        "pixels": "grey",
        "activation": "relu",
        "dropout_place": "last",
        "weight_decay_on": "all",
        "inference": "population",
        "fingerprint": "9-3-0f",
        "stem": "small",
    }
    config = RunConfig(**{kind: name})
    fields = {field: type(value) for field, value in find(kind, name)().identity().items()}
    numbers = {"train_examples": 600, "image_size": 32}
    given = {field: (words | numbers).get(field, other.get(own)) for field, own in fields.items()}
    ids = {config.id, *(config.replace(**{field: value}).id for field, value in given.items())}
    assert len(ids) == 1 + len(fields)
    assert (config.id == RunConfig().id) == (DEFAULT_PARTS[kind] == name)


def test_every_other_field_changes_the_id():
    changes = dict(batch_size=7, steps=7, evaluate_every=7, seed=7, shuffling="fixed", fit_examples=7, compiler="graph")
    changes |= dict(engine="jax")
    changes |= dict(measurements="mates")
    assert len({RunConfig().id, *(RunConfig(**{name: value}).id for name, value in changes.items())}) == 1 + len(
        changes
    )


def test_another_part_by_name_keeps_what_both_have():
    config = RunConfig(normalization="batch", momentum=0.9, ghost_size=10, activation="relu")
    assert config.replace(normalization="renorm")["momentum"] == 0.9
    assert config.replace(model="inception_small")["activation"] == "relu"
    assert config.replace(normalization="none").replace(normalization="batch")["momentum"] == 0.99


def test_measurements_are_a_set_however_they_are_given():
    both = RunConfig(measurements="mates, gradients")
    assert both == RunConfig(measurements=("gradients", "mates", "mates"))
    assert both["measurements"] == "gradients,mates" and not both.alone
    assert RunConfig(measurements="cost").alone


def test_an_engine_trains_what_it_knows_and_says_what_not():
    assert RunConfig(engine="jax", measurements="geometry,gradients")["engine"] == "jax"
    with pytest.raises(
        UserError, match="the measurement mates needs the engine tensorflow: got jax; leave one of them"
    ):
        RunConfig(engine="jax", measurements="mates")
    with pytest.raises(UserError, match="compiler is a choice of the engine tensorflow: got graph with jax"):
        RunConfig(compiler="graph").replace(engine="jax")


def test_a_config_comes_back_from_its_row():
    for changes in (
        {},
        {"normalization": "batch", "momentum": 0.9},
        {"model": "inception_small", "width": 8, "seed": 3},
    ):
        config = RunConfig(measurements="mates", **changes)
        row = {"run": config.id, **config.as_dict(), "status": "finished", "model.depth": float("nan")}
        assert RunConfig.of_row(row) == config
    config = RunConfig(normalization="kept", noise_size=4)
    row = config.as_dict() | {"normalization.noise_size": 4.0}
    assert RunConfig.of_row(row) == config, "as in a column that is empty in other rows"
    with pytest.raises(UserError, match="noise_size is a whole number: got 4.5"):
        RunConfig.of_row(row | {"normalization.noise_size": 4.5})


def test_runs_share_a_program_whatever_their_mini_batch_but_where_the_net_knows_its_size():
    with_noise = {"normalization": "kept", "noise_size": 4}
    for shared in ({"normalization": "batch"}, {"normalization": "batch", "ghost_size": 4}, with_noise):
        assert len({RunConfig(batch_size=size, evaluate_every=size, **shared).compilation_key for size in (4, 64)}) == 1
    noise = {RunConfig(batch_size=size, normalization="noise").compilation_key for size in (4, 64)}
    assert {config.batch_size for config in noise} == {4, 64}
    assert len({RunConfig(normalization="batch", ghost_size=size).compilation_key for size in (0, 4, 12)}) == 3
