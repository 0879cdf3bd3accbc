"""Runs of several engines in one call: each engine in workers of its own, runs on JAX at once, a missing engine told first."""

import importlib.util
import os
import types

import pytest

from bnrepro.config.grid import grid
from bnrepro.config.run_config import RunConfig
from bnrepro.errors import UserError
from bnrepro.execution import process_start
from bnrepro.execution.run_all import run_all
from bnrepro.experiments import EXPERIMENTS

TINY = RunConfig(hidden_layers=1, hidden_units=4, test_examples=100, steps=40, evaluate_every=20)
SWEEP = [*grid(TINY.replace(engine="jax"), normalization=("none", "batch"), seed=range(3)), TINY]


@pytest.mark.slow(seconds=60)
def test_each_engine_trains_its_own_runs_whatever_this_process_uses(tmp_path):
    if importlib.util.find_spec("jax") is None:
        pytest.skip("jax is not installed: pip install 'bnrepro[backends]'")
    before = dict(os.environ)
    tables = run_all(SWEEP, jobs=2, records=tmp_path)
    assert dict(os.environ) == before
    assert set(tables["runs"]["status"]) <= {"finished", "collapsed"}  # so few steps teach hardly anything
    found = tables["provenance"].merge(tables["runs"][["run", "engine"]], on="run").set_index("engine")
    assert list(found.loc["jax", "replicates"]) == [3.0] * 6
    assert found.loc[["tensorflow"], "replicates"].isna().all()
    assert {path.name for path in tmp_path.iterdir()} >= {config.id for config in SWEEP}


def test_a_missing_engine_is_told_before_anything_is_trained(monkeypatch, tmp_path):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(UserError, match="the engine (jax|tensorflow) needs the package"):
        run_all(SWEEP, records=tmp_path / "records")
    assert not (tmp_path / "records").exists()


def test_a_worker_leaves_memory_of_a_gpu_to_the_others_unless_somebody_says_no(monkeypatch):
    def environment(*workers, initializer, initargs):
        given.update(initargs[0])
        return types.SimpleNamespace(submit=print)

    given, name = {}, "TF_FORCE_GPU_ALLOW_GROWTH"
    monkeypatch.setattr(process_start.concurrent.futures, "ProcessPoolExecutor", environment)
    for value in ("true", "false"):
        process_start.begin("mirrored", False, print)
        assert given[name] == value
        monkeypatch.setenv(name, "false")


@pytest.mark.parametrize(
    "notebook", ["01_training_speed", "02_activation_drift", "03_learning_rates", "05_initialization"]
)
@pytest.mark.parametrize("preset", ["smoke", "paper"])
def test_an_experiment_is_of_one_engine_and_else_the_same(notebook, preset):
    usual, with_jax = EXPERIMENTS[notebook].sweep(preset), EXPERIMENTS[notebook].sweep(preset, engine="jax")
    assert {run.engine for runs in with_jax.values() for run in runs} == {"jax"}
    for group, runs in with_jax.items():
        back = [run.replace(engine="tensorflow", compiler=own.compiler) for run, own in zip(runs, usual[group])]
        assert back == usual[group]
