"""The same numbers on TensorFlow, JAX and PyTorch: one process for each, held against the paper's equations in float64."""

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from bnrepro.layers import reference
from bnrepro.records.workspace import CHECKOUT
from tests.layers.tolerances import assert_close

pytestmark = pytest.mark.slow

EPSILON = 1e-3
CASES = {
    "rows": ((6, 5), -1),
    "images": ((4, 6, 6, 3), -1),
    "channels first": ((4, 3, 6, 6), 1),
    "rank 5": ((3, 4, 2, 2, 5), 2),
}


BACKENDS = [pytest.param(name, marks=pytest.mark.xdist_group(name)) for name in ("tensorflow", "jax", "torch")]


@pytest.fixture(scope="module", params=BACKENDS)
def found(request, tmp_path_factory):
    """What `backend_probe.py` wrote: arrays by `case/name`."""
    if importlib.util.find_spec(request.param) is None:
        pytest.skip(f"{request.param} is not installed: pip install 'bnrepro[backends]'")
    path = tmp_path_factory.mktemp(request.param) / "found.npz"
    here = Path(__file__).parent
    environment = os.environ | {"KERAS_BACKEND": request.param, "PYTHONPATH": str(CHECKOUT)}
    ran = subprocess.run(
        [sys.executable, here / "backend_probe.py", path], env=environment, capture_output=True, text=True, check=False
    )
    assert ran.returncode == 0, ran.stderr[-3000:]
    with np.load(path) as arrays:
        return dict(arrays)


def normal(*shape, seed=0):
    return (1 + 2 * np.random.default_rng(seed).standard_normal(shape)).astype("float32")


def weights(count, features):
    generator = np.random.default_rng(1)
    return [generator.uniform(0.5, 1.5, features).astype("float32") for _ in range(count)]


def assert_trained(found, name, x, axis, momentum, tolerance="another backend", mask=None):
    dy = normal(*x.shape, seed=1)
    gamma, beta, old_mean, old_variance = weights(4, x.shape[axis])
    y, mean, variance = reference.algorithm_1(x, gamma, beta, axis, EPSILON, mask)
    dx, d_gamma, d_beta = reference.gradients(dy, x, gamma, axis, EPSILON, mask)
    m = reference.count(x.shape, axis) if mask is None else reference.rows(mask, axis).sum(0)
    sums = np.max(np.sum(np.abs(reference.rows(dy, axis)), 0))
    terms = np.max(gamma) * np.max(np.abs(dy)) / np.sqrt(np.min(variance))
    oracle = {
        "y": (y, None),
        "dx": (dx, terms),
        "d_gamma": (d_gamma, sums),
        "d_beta": (d_beta, sums),
        "moving_mean": (reference.moving(old_mean, mean, momentum), None),
        "moving_variance": (reference.moving(old_variance, variance * m / (m - 1), momentum), None),
    }
    for key, (paper, scale) in oracle.items():
        assert_close(found[f"{name}/{key}"], paper, tolerance, f"{name}/{key}", scale)


@pytest.mark.parametrize("name", CASES)
def test_training_is_algorithm_1_and_inference_algorithm_2(found, name):
    shape, axis = CASES[name]
    x = normal(*shape)
    assert_trained(found, name, x, axis, momentum=0.8)
    paper = reference.inference(x, *weights(4, shape[axis]), axis, EPSILON)
    assert_close(found[f"{name}, inference/y"], paper, "another backend")


def test_a_mean_of_10_000_at_variance_1_gives_no_negative_variance(found):
    x = (1e4 + np.random.default_rng(0).standard_normal((64, 8))).astype("float32")
    assert_trained(found, "large mean", x, -1, 0.0, "large mean")
    assert np.all(found["large mean/moving_variance"] > 0.5)


@pytest.mark.parametrize("name, shape, axis", [("mask", (4, 5, 3), -1), ("mask, channels first", (4, 3, 5), 1)])
def test_masked_values_do_not_count(found, name, shape, axis):
    mask = np.random.default_rng(2).random((4, 5)) < 0.6
    mask = np.broadcast_to(np.expand_dims(mask, axis), shape)
    assert_trained(found, name, normal(*shape), axis, momentum=0.8, mask=mask)


def test_a_batch_that_is_all_masked_leaves_the_statistics(found):
    gamma, beta, mean, variance = weights(4, 3)
    assert_close(found["all masked/moving_mean"], mean, "another backend")
    assert_close(found["all masked/moving_variance"], variance, "another backend")
    paper = reference.inference(normal(4, 3), gamma, beta, mean, variance, -1, EPSILON)
    assert_close(found["all masked/y"], paper, "another backend")


def test_an_empty_batch_leaves_the_statistics_and_gives_no_gradient(found):
    _, _, mean, variance = weights(4, 3)
    assert_close(found["empty/moving_mean"], mean, "another backend")
    assert_close(found["empty/moving_variance"], variance, "another backend")
    assert np.all(found["empty/d_gamma"] == 0) and np.all(found["empty/d_beta"] == 0)


def test_rematerialization_moves_statistics_once_and_training_false_in_a_graph_not_at_all(found):
    mean = normal(8, 3).astype("float64").mean(0) / np.sqrt(1 + EPSILON) / 2
    assert_close(found["second run/moving_mean"], mean, "another backend")
    assert np.all(found["second run/fixed"] == 0)


def test_batch_renormalization_is_ioffes(found):
    x = normal(6, 5)
    gamma, beta, old_mean, _, old_stddev, renorm_mean, renorm_stddev = weights(7, 5)
    paper = reference.renormalized(
        x, gamma, beta, renorm_mean, renorm_stddev, -1, EPSILON, rmin=0.8, rmax=1.4, dmax=0.3
    )
    mean, variance = reference.moments(x, -1)
    stddev = reference.moving(old_stddev, np.sqrt(variance * 6 / 5 + EPSILON), 0.9)
    oracle = {"y": paper, "moving_mean": reference.moving(old_mean, mean, 0.9), "moving_stddev": stddev}
    oracle |= {"moving_variance": stddev**2 - EPSILON, "renorm_mean": reference.moving(renorm_mean, mean, 0.7)}
    oracle["renorm_stddev"] = reference.moving(renorm_stddev, np.sqrt(variance + EPSILON), 0.7)
    for key, expected in oracle.items():
        assert_close(found[f"renorm/{key}"], expected, "another backend", key)


def test_a_bare_call_behind_a_resizing_changes_nothing(found):
    assert np.all(found["bare call/moving_mean"] == 0)


def test_fit_with_ddof_0_is_that_of_keras_layer(found):
    for place in range(7):
        theirs = found[f"fit, theirs/{place}"]
        assert_close(found[f"fit, ours/{place}"], theirs, "another backend", scale=max(np.max(np.abs(theirs)), 1))


def test_population_statistics_are_step_10_and_the_folded_model_is_the_model(found):
    inputs = normal(24, 4).astype("float64") @ found["population/kernel"]
    mean, variance = reference.algorithm_2(np.split(inputs, 3), -1)
    assert_close(found["population/mean"], mean, "another backend")
    assert_close(found["population/variance"], variance, "another backend")
    assert_close(found["fold/folded"], found["fold/unfolded"], "folded")
    assert_close(found["fold, state/folded"], found["fold, state/unfolded"], "folded")


def test_a_bn_in_a_recurrent_cell_averages_over_steps_and_one_called_for_inference_stays(found):
    x = normal(8, 3, 2).astype("float64") / np.sqrt(1 + EPSILON)
    mean, variance = reference.algorithm_2([x[start : start + 4, step] for start in (0, 4) for step in range(3)], -1)
    assert_close(found["cell/mean"], mean, "another backend")
    assert_close(found["cell/variance"], variance, "another backend")
    assert np.all(found["cell/fixed"] == 0)
