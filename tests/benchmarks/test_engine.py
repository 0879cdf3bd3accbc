"""Rows of speed are measured at all: with the fewest samples and steps, whose times say nothing and are not looked at."""

import pytest

from bnrepro.benchmarks.engine import engine_row


@pytest.mark.slow
def test_the_row_of_the_engine_has_both_sides():
    row = engine_row(repeats=1, steps=2)
    assert (row["name"], row["unit"], row["n"]) == ("engine/mnist_mlp_bn", "ms a step", 1)
    assert row["ours"] > 0 and row["ratio"] == row["ours"] / row["theirs"]
