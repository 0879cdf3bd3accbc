"""Tasks of submitit, each a process: they train and give tables back, and this process writes the records."""

from pathlib import Path

import pytest

from bnrepro.config.grid import grid
from bnrepro.config.run_config import RunConfig
from bnrepro.execution.run_all import run_all

submitit = pytest.importorskip("submitit", reason="submitit is not installed: pip install 'bnrepro[slurm]'")

pytestmark = pytest.mark.slow(seconds=40)


def test_a_local_executor_of_submitit_trains_the_bits_of_the_pool(tmp_path):
    net = RunConfig(
        hidden_layers=1,
        hidden_units=4,
        train_examples=600,
        test_examples=100,
        compiler="graph",
        steps=20,
        evaluate_every=10,
    )
    runs = grid(net, seed=range(2))
    executor = submitit.AutoExecutor(tmp_path / "tasks", cluster="local")
    executor.update_parameters(timeout_min=30)
    there, here = tmp_path / "there", tmp_path / "here"
    tables = run_all(runs, executor=executor, jobs=2, records=there)
    assert set(tables["runs"]["run"]) == {config.id for config in runs}
    assert len(list(Path(tmp_path / "tasks").glob("*_result.pkl"))) == 2
    run_all(runs, jobs=1, records=here)
    for config in runs:
        for name in ("runs.csv", "curves.csv", "quantiles.csv", "drift.csv"):
            assert (there / config.id / name).read_bytes() == (here / config.id / name).read_bytes()
