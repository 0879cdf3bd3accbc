import math

import numpy as np
import pytest

from bnrepro.config.run_config import RunConfig
from bnrepro.tasks.base import Classification
from bnrepro.training.outcome import COLLAPSED, outcome
from bnrepro.training.run import run

GUESS_LOSS = math.log(10)


def test_a_run_that_learns_has_finished_with_the_mean_loss_of_its_last_tenth():
    losses = np.array([2.0] * 90 + [0.1, 0.3] * 5, np.float32)
    found = outcome(losses, None, GUESS_LOSS)
    assert found == {"status": "finished", "diverged_at": None, "end_loss": pytest.approx(0.2)}


@pytest.mark.parametrize(
    ("share", "status"), [(COLLAPSED - 1e-9, "finished"), (COLLAPSED, "collapsed"), (3.0, "collapsed")]
)
def test_a_run_that_ends_near_the_loss_of_guessing_or_above_has_collapsed(share, status):
    losses = np.array([0.1] * 90 + [share * GUESS_LOSS] * 10)
    assert outcome(losses, None, GUESS_LOSS)["status"] == status


def test_a_run_that_diverged_has_no_loss_at_its_end():
    found = outcome(np.array([1.0, math.nan]), 2, GUESS_LOSS)
    assert found["status"] == "diverged" and found["diverged_at"] == 2 and math.isnan(found["end_loss"])


def test_a_run_of_fewer_steps_than_ten_ends_with_its_last():
    assert outcome(np.array([2.0, 1.0]), None, GUESS_LOSS)["end_loss"] == 1.0


def test_guessing_among_ten_classes_costs_the_logarithm_of_ten():
    task = RunConfig().task
    assert isinstance(task, Classification) and task.guess_loss == GUESS_LOSS and task.chance == 0.1


@pytest.mark.slow
def test_the_end_of_a_run_is_the_loss_that_its_curve_has_there_without_the_penalty():
    plain = RunConfig(normalization="batch", steps=20, evaluate_every=2, test_examples=100, compiler="graph")
    for config in (plain, plain.replace(weight_decay=0.1)):
        tables = run(config)
        (row,) = tables["runs"].to_dict("records")
        last = tables["curves"].query("split == 'train' and step == 20")["loss"].item()
        assert row["guess_loss"] == GUESS_LOSS and row["status"] == "finished"
        if config == plain:
            assert row["end_loss"] == pytest.approx(last, rel=1e-6)
        else:
            assert row["end_loss"] < last - 0.1
