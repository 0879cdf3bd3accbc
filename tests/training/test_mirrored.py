"""The engine of which two devices share each mini-batch gives what one device gives, up to the order of sums."""

import os
import pickle
import subprocess
import sys
import types
from pathlib import Path

import numpy as np
import pytest

from bnrepro.config.run_config import RunConfig
from bnrepro.errors import UserError
from bnrepro.execution.groups import groups_of
from bnrepro.execution.run_all import run_all
from bnrepro.records.workspace import CHECKOUT
from bnrepro.training import tensorflow_run
from tests.training.mirrored_probe import RUNS, TINY

TOLERANCE = 1e-5
"""Relative, of losses; 2.4e-7 seen after 25 steps."""


@pytest.fixture(scope="module")
def found(tmp_path_factory):
    """What `mirrored_probe.py` found, in a process of its own, in which TensorFlow has not started before."""
    path = tmp_path_factory.mktemp("mirrored") / "found.pickle"
    command = [sys.executable, Path(__file__).parent / "mirrored_probe.py", path]
    environment = os.environ | {"PYTHONPATH": str(CHECKOUT), "KERAS_BACKEND": "tensorflow"}
    ran = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr[-3000:]
    return pickle.loads(path.read_bytes())


@pytest.mark.slow(seconds=40)
@pytest.mark.parametrize("name", RUNS)
def test_a_run_on_two_devices_is_the_run_on_one(found, name):
    ours, one = found["mirrored"][name], found["one device"][name]
    for column in ("status", "diverged_at"):
        assert ours["runs"][column].equals(one["runs"][column])
    keys = ["step", "split", "metric"]
    assert ours["curves"][keys].equals(one["curves"][keys])
    np.testing.assert_allclose(ours["curves"]["loss"], one["curves"]["loss"], rtol=TOLERANCE)
    np.testing.assert_allclose(ours["curves"]["value"], one["curves"]["value"], atol=1.01 / 100)
    assert ours["provenance"]["device"].item() == "2 x CPU" and one["provenance"]["device"].item() == "CPU"


@pytest.mark.slow(seconds=40)
def test_a_run_whose_images_are_read_meanwhile_is_divided_too(found):
    ours, one = found["streamed"]
    assert ours["provenance"]["device"].item() == "2 x CPU"
    np.testing.assert_allclose(ours["curves"]["loss"], one["curves"]["loss"], rtol=TOLERANCE)


@pytest.mark.slow(seconds=40)
def test_what_is_measured_is_measured_on_the_weights_that_the_devices_share(found):
    ours, one = (found[side]["measured"] for side in ("mirrored", "one device"))
    assert ours["geometry"][["step", "layer", "quantity"]].equals(one["geometry"][["step", "layer", "quantity"]])
    np.testing.assert_allclose(ours["geometry"]["value"], one["geometry"]["value"], rtol=1e-4)


@pytest.mark.slow(seconds=40)
def test_again_and_stopped_halfway_the_bits_are_the_same(found):
    whole, resumed, told = found["resumed"]
    assert told == [10]
    for again, first in ((found["again"], found["mirrored"]["batch"]), (resumed, whole)):
        for name in again.keys() - {"provenance"}:
            assert again[name].equals(first[name]), name


@pytest.mark.slow(seconds=40)
def test_each_device_drops_other_units_and_the_same_ones_again(found):
    (one, other), again = found["masks"]
    assert 0.3 < np.mean(one) < 0.7 and 0.3 < np.mean(one == other) < 0.7
    assert np.array_equal([one, other], again)


@pytest.mark.slow(seconds=40)
def test_what_cannot_be_divided_is_refused_in_one_line(found):
    told = found["refusals"]
    assert "GhostBatchNormalization cannot be divided, as hidden_1_normalization" in told["ghost batches"]
    assert "cannot be divided" in told["its own"]
    assert not any("\n" in line for line in told.values())


@pytest.mark.slow(seconds=20)
def test_a_worker_trains_it_whatever_this_process_has_started(tmp_path):
    tables = run_all([TINY.replace(steps=10)], jobs=2, records=tmp_path)
    assert tables["provenance"]["device"].item() == "2 x CPU"


def test_it_is_in_the_id_and_trains_one_run_at_a_time():
    pair = [TINY, TINY.replace(seed=1)]
    assert [len(group) for group in groups_of(pair)] == [1, 1]
    assert TINY.id != TINY.replace(engine="tensorflow").id


def test_xla_and_what_it_cannot_measure_are_refused():
    with pytest.raises(UserError, match="compiler is a choice of the engine tensorflow: got xla with mirrored"):
        RunConfig(engine="mirrored", compiler="xla")
    with pytest.raises(UserError, match="the measurement mates needs the engine tensorflow: got mirrored"):
        RunConfig(engine="mirrored", measurements="mates")


def test_a_mini_batch_has_an_example_for_each_device(monkeypatch):
    monkeypatch.setattr(tensorflow_run, "strategy_of", lambda engine: types.SimpleNamespace(num_replicas_in_sync=16))
    with pytest.raises(UserError, match="for each of 16 devices: got 15; raise batch_size"):
        tensorflow_run.TensorFlowRun(TINY)
