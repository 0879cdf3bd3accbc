"""Rows of speed are measured at all: with the fewest samples and steps, whose times say nothing and are not looked at."""

import pandas as pd
import pytest

from bnrepro.benchmarks import at_once
from bnrepro.benchmarks.engine import engine_row


@pytest.mark.slow
def test_the_row_of_the_engine_has_both_sides():
    row = engine_row(repeats=1, steps=2)
    assert (row["name"], row["unit"], row["n"]) == ("engine/mnist_mlp_bn", "ms a step", 1)
    assert row["ours"] > 0 and row["ratio"] == row["ours"] / row["theirs"]


def test_a_step_of_many_seeds_is_time_on_the_clock_by_steps_and_seeds(monkeypatch):
    def trained(runs, jobs, records):
        assert len(runs) == 4
        return {"provenance": pd.DataFrame({"train_seconds": [0.3 if runs[0].engine == "jax" else 0.1 * jobs] * 4})}

    monkeypatch.setattr(at_once, "check_installed", lambda engine: None)
    monkeypatch.setattr(at_once, "run_all", trained)
    row = at_once.at_once_row(repeats=2, seeds=4, steps=100)
    assert (row["name"], row["ours"], row["theirs"], row["n"]) == (
        "engine/jax_4_seeds",
        pytest.approx(3),
        pytest.approx(1),
        2,
    )
