"""The engine on JAX: each of many runs at once is the run alone, and what TensorFlow makes of the same start."""

import importlib.util
import os
import pickle
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from bnrepro.config.run_config import RunConfig
from bnrepro.errors import UserError
from bnrepro.models.build import build_model
from bnrepro.models.initialize import initialize
from bnrepro.records.schemas import SCHEMAS
from bnrepro.records.workspace import CHECKOUT
from bnrepro.training.run import run

pytestmark = pytest.mark.slow(seconds=60)

TOLERANCES = {
    "alone": 2e-6,  # matrix products of many replicates may sum in another order: 1e-7 seen after 60 steps
    "some at a time": 2e-6,  # the same
    "percentiles alone": 2e-5,  # the same, of single values and not of a mean: 2e-6 seen
    "of four digits": 1.1e-3,  # the last of them may be rounded up in one and down in the other
    "measured": 1e-4,  # gradients and differences of them, where digits cancel
    "tensorflow": 2e-5,  # another library's order of sums and another sigmoid: 2e-7 seen after 60 steps
}
"""How far losses may be apart, relative to the larger; a metric by one example more or less of those evaluated."""


@pytest.fixture(scope="module")
def found(tmp_path_factory):
    """What `jax_probe.py` found, in a process of its own, for Keras has one backend in each."""
    if importlib.util.find_spec("jax") is None:
        pytest.skip("jax is not installed: pip install 'bnrepro[backends]'")
    path = tmp_path_factory.mktemp("jax") / "found.pickle"
    environment = os.environ | {"KERAS_BACKEND": "jax", "PYTHONPATH": str(CHECKOUT)}
    command = [sys.executable, Path(__file__).parent / "jax_probe.py", path]
    ran = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr[-3000:]
    return pickle.loads(path.read_bytes())


def assert_same_run(ours, theirs, tolerance):
    """Two runs' tables say the same of how they ended, and the same curves within a tolerance."""
    for column in ("status", "diverged_at"):
        assert ours["runs"][column].equals(theirs["runs"][column])
    keys = ["step", "split", "metric"]
    assert ours["curves"][keys].equals(theirs["curves"][keys])
    np.testing.assert_allclose(ours["curves"]["loss"], theirs["curves"]["loss"], rtol=TOLERANCES[tolerance])
    np.testing.assert_allclose(ours["curves"]["value"], theirs["curves"]["value"], atol=1.01 / 512)


@pytest.mark.parametrize("name", ["dropout", "decay", "divergent"])
def test_a_group_that_was_stopped_goes_on_to_the_same_bits(found, name):
    tables, resumed = found["gone on"]
    (whole, without_last), (_, together, _) = tables[name], found["groups"][name]
    for own, expected in zip(whole, together, strict=True):
        for table in own.keys() - {"provenance"}:
            assert own[table].equals(expected[table]), table
    for own, expected in zip(without_last, together[:-1], strict=True):
        assert_same_run(own, expected, "alone")
    assert set(resumed) == {20 * len(runs) for groups in tables.values() for runs in groups}


@pytest.mark.parametrize("name", ["none", "batch", "dropout", "starts", "decay", "divergent"])
def test_each_of_many_runs_at_once_is_the_run_alone(found, name):
    _, together, alone = found["groups"][name]
    for one, own in zip(alone, together[1:3], strict=True):
        assert one["runs"].equals(own["runs"])
        assert_same_run(own, one, "alone")
        columns = ["step", "unit", "percentile"]
        assert one["quantiles"][columns].equals(own["quantiles"][columns])
        pooled = [each["quantiles"].query("unit == 'all'")["value"] for each in (own, one)]
        np.testing.assert_allclose(*pooled, rtol=TOLERANCES["percentiles alone"], atol=TOLERANCES["percentiles alone"])


def test_replicates_are_runs_of_their_own_seed_rate_and_start(found):
    for name in ("none", "batch", "dropout", "starts", "decay"):
        ids, together, _ = found["groups"][name]
        assert [tables["runs"]["run"].item() for tables in together] == ids
        losses = [tuple(tables["curves"]["loss"]) for tables in together]
        assert len(set(losses)) == len(losses)


def test_the_tables_are_those_of_any_run(found):
    for _, together, _ in found["groups"].values():
        for tables in together:
            assert {"runs", "curves", "quantiles", "drift", "provenance"} <= set(tables)
            for name, table in tables.items():
                assert tuple(table.columns[: len(SCHEMAS[name])]) == SCHEMAS[name]


def test_seconds_are_the_groups_divided_by_its_runs(found):
    _, together, _ = found["groups"]["batch"]
    provenance = [tables["provenance"].iloc[0] for tables in together]
    for column in ("train_seconds", "evaluate_seconds", "compile_seconds", "replicates"):
        assert len({row[column] for row in provenance}) == 1
    assert provenance[0]["replicates"] == 4 and provenance[0]["train_seconds"] > 0


def test_a_replicate_that_diverges_ends_there_and_the_others_go_on(found):
    _, together, _ = found["groups"]["divergent"]
    finished, diverged = together[:2], together[2:]
    for tables in finished:
        assert tables["runs"]["status"].item() == "finished"
        assert list(tables["curves"].query("split == 'test'")["step"]) == [0, 20, 40, 60]
    for tables in diverged:
        assert tables["runs"]["status"].item() == "diverged"
        assert 1 <= tables["runs"]["diverged_at"].item() <= 20
        assert list(tables["curves"]["step"]) == [0]
        assert np.isfinite(tables["curves"]["loss"]).all()


def test_a_replicate_that_diverges_is_measured_no_longer_as_it_is_not_alone(found):
    _, together, alone = found["groups"]["divergent"]
    for one, own in zip(alone, together[1:3], strict=True):
        keys = ["run", "step", "layer", "quantity"]
        assert own["geometry"][keys].equals(one["geometry"][keys])
        np.testing.assert_allclose(own["geometry"]["value"], one["geometry"]["value"], rtol=TOLERANCES["measured"])
        assert np.isfinite(own["geometry"]["value"]).all()
    assert [sorted(set(tables["geometry"]["step"])) for tables in alone] == [[0, 20, 40, 60], [0]]


def test_nets_that_start_without_a_finite_loss_are_not_trained(found):
    for tables in found["groups"]["never begun"][1]:
        assert tuple(tables["runs"].iloc[0][["status", "diverged_at"]]) == ("diverged", 0)
        assert all(tables[name].empty for name in ("curves", "quantiles", "drift"))


def test_a_shorter_last_chunk_is_trained_and_the_test_set_spared_where_examples_are_held_out(found):
    for tables in found["groups"]["last chunk"][1]:
        assert list(tables["curves"].query("split == 'train'")["step"]) == [20, 40, 50]
    for tables in found["groups"]["validation"][1]:
        splits = tables["curves"].groupby("split")["step"].apply(list).to_dict()
        assert splits == {"fit": [0, 20, 40, 60], "test": [60], "train": [20, 40, 60], "validation": [0, 20, 40, 60]}


def test_not_all_replicates_need_be_computed_at_once(found):
    for few, whole in zip(found["some at a time"], found["groups"]["batch"][1], strict=True):
        assert_same_run(few, whole, "some at a time")


def test_steps_and_curves_of_all_runs_are_told(found):
    steps, rows = found["callbacks"]
    assert steps == [40, 40, 40]
    assert rows == [2, 6, 10, 14]


def test_percentiles_by_bisection_are_those_by_sorting_to_the_bit(found):
    for ours, theirs in found["order statistics"]:
        for one, other in zip(ours, theirs, strict=True):
            for each, expected in zip(one, other, strict=True):
                np.testing.assert_array_equal(each, expected)


def test_each_replicate_has_the_mini_batches_of_its_seed(found):
    ours, expected = found["orders"]
    for place, rows in enumerate(expected):
        np.testing.assert_array_equal(ours[:, place], rows)


def test_no_tensorflow_is_loaded(found):
    assert "jax" in found["loaded"] and "tensorflow" not in found["loaded"]


def test_what_cannot_be_trained_at_once_or_here_is_refused_in_one_line(found):
    refusals = found["refusals"]
    assert "differ in seed, learning rate and start alone" in refusals["different"]
    assert "need Keras on TensorFlow: got jax; set KERAS_BACKEND=tensorflow" in refusals["tensorflow"]
    assert not any("\n" in message for message in refusals.values())


@pytest.mark.parametrize("name", ["none", "batch"])
def test_the_curves_are_tensorflows_from_the_same_start(found, name):
    ids, together, _ = found["groups"][name]
    config = RunConfig.of_row(together[0]["runs"].iloc[0])
    assert config.id == ids[0] and config.engine == "jax"
    assert_same_run(together[0], run(config.replace(engine="tensorflow")), "tensorflow")


def test_gradients_invariances_and_steps_are_measured_of_each_replicate_as_on_tensorflow(found):
    _, together, _ = found["groups"]["geometry"]
    for tables in together:
        config = RunConfig.of_row(tables["runs"].iloc[0])
        expected = run(config.replace(engine="tensorflow"))
        for name, column in (("geometry", "value"), ("invariances", "change")):
            keys = [key for key in tables[name] if key not in ("run", "value", "error", "change")]
            assert tables[name][keys].equals(expected[name][keys])
            ours, theirs = (each[name][column] for each in (tables, expected))
            np.testing.assert_allclose(ours, theirs, rtol=TOLERANCES["measured"], atol=TOLERANCES["measured"])
        ours, theirs = (each["updates"].set_index(["step", "part"]).drop(columns="run") for each in (tables, expected))
        pd.testing.assert_frame_equal(ours, theirs, rtol=TOLERANCES["of four digits"])


def test_a_seeded_start_is_the_same_to_the_bit(found):
    config = RunConfig.of_row(found["groups"]["none"][1][0]["runs"].iloc[0]).replace(learning_rate=0.1)
    model = build_model(config, (28, 28, 1), 10)
    initialize(model, config)
    kernels = [layer.kernel.numpy() for layer in model.layers if hasattr(layer, "kernel")]
    for ours, theirs in zip(found["starts"], kernels, strict=True):
        np.testing.assert_array_equal(ours, theirs)


def test_an_engine_on_another_backend_is_refused_in_one_line():
    pytest.importorskip("jax")
    with pytest.raises(UserError, match="need Keras on JAX: got tensorflow; set KERAS_BACKEND=jax") as error:
        run(RunConfig(engine="jax"))
    assert "\n" not in str(error.value)


def test_a_package_that_is_missing_is_told_with_its_remedy(monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(UserError, match=r"the engine jax needs the package jax: it is not installed; pip install"):
        run(RunConfig(engine="jax"))
