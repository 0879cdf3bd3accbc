"""Run with KERAS_BACKEND=jax: what the engine on JAX gives, pickled to the file that is the only argument."""

import contextlib
import pickle
import sys
import tempfile
import warnings
from pathlib import Path

import numpy as np

from bnrepro.config.grid import grid
from bnrepro.config.run_config import RunConfig
from bnrepro.errors import UserError
from bnrepro.measurements.activation_quantiles import percentiles as by_numpy
from bnrepro.models.build import build_model
from bnrepro.models.initialize import initialize
from bnrepro.records.checkpoints import Checkpoints
from bnrepro.tasks.batch_order import batch_order
from bnrepro.training import jax_engine, jax_run
from bnrepro.training.order_statistics import percentiles
from bnrepro.training.run import run, run_group

warnings.simplefilter("error")

SHORT = RunConfig(engine="jax", hidden_units=16, test_examples=512, steps=60, evaluate_every=20, initial_std=0.3)
GROUPS = {
    "none": grid(SHORT, learning_rate=(0.1, 0.5), seed=(0, 1)),
    "batch": grid(SHORT.replace(normalization="batch"), learning_rate=(0.1, 0.5), seed=(0, 1)),
    "dropout": grid(SHORT.replace(normalization="batch", dropout=0.5, inference="population"), seed=(0, 1)),
    "starts": [
        SHORT.replace(seed=seed, rate_halvings=halvings, initialization=start)
        for seed, halvings, start in ((0, 0, "he"), (3, 2, "glorot"), (5, 1, "orthogonal"))
    ],
    "decay": grid(SHORT.replace(normalization="batch", weight_decay=0.01, sgd_momentum=0.9), seed=(0, 1)),
    "divergent": grid(
        SHORT.replace(activation="relu", measurements="gradients"), learning_rate=(0.1, 1e6), seed=(0, 1)
    ),
    "never begun": grid(SHORT.replace(activation="relu", initial_std=1e30), seed=(0, 1)),
    "last chunk": grid(SHORT.replace(steps=50), seed=(0, 1)),
    "geometry": grid(SHORT.replace(normalization="batch", measurements="geometry,one_step", steps=40), seed=(0, 1)),
    "validation": grid(SHORT.replace(validation_examples=512, fit_examples=600), seed=(0, 1)),
}
TRAINED_ALONE = ("none", "batch", "dropout", "starts", "decay", "divergent")


def group_and_alone():
    """By name of a group, its configs, its tables, and those of each of its runs trained alone."""
    found = {}
    for name, configs in GROUPS.items():
        alone = [run(config) for config in configs[1:3]] if name in TRAINED_ALONE else []
        found[name] = [config.id for config in configs], run_group(configs), alone
    return found


def gone_on():
    """By name of a group, its tables where it was stopped after a chunk and goes on, and where all but its last run do; and the
    steps that had been done.
    """

    def stop(steps):
        raise InterruptedError

    found, resumed = {}, []
    for name in ("dropout", "decay", "divergent"):
        configs, tables = GROUPS[name], []
        for left in (configs, configs[:-1]):
            with tempfile.TemporaryDirectory() as folder:
                checkpoints = Checkpoints(Path(folder), seconds=0)
                with contextlib.suppress(InterruptedError):
                    run_group(configs, stop, checkpoints=checkpoints)
                tables.append(run_group(left, checkpoints=checkpoints, on_resumed=resumed.append))
        found[name] = tables
    return found, resumed


def some_at_a_time():
    """The group `batch` where three replicates are computed at once, and evaluation goes in blocks of 45 examples."""
    before, jax_engine.LARGEST = jax_engine.LARGEST, 3 * SHORT.batch_size * 784
    jax_run._engine.cache_clear()
    try:
        return run_group(GROUPS["batch"])
    finally:
        jax_engine.LARGEST = before
        jax_run._engine.cache_clear()


def callbacks():
    """What `on_steps` and `on_curves` are told."""
    steps, rows = [], []
    run_group(GROUPS["batch"][:2], steps.append, lambda curves: rows.append(len(curves)))
    return steps, rows


def refusals():
    """The message of each mistake."""
    mistakes = {
        "different": lambda: run_group([SHORT, SHORT.replace(steps=7)]),
        "tensorflow": lambda: run(SHORT.replace(engine="tensorflow")),
    }
    found = {}
    for name, mistake in mistakes.items():
        try:
            mistake()
        except UserError as error:
            found[name] = str(error)
    return found


def order_statistics():
    """By bisection and by NumPy, of values with ties, negative ones and zeros."""
    generator = np.random.default_rng(0)
    inputs = [generator.standard_normal((2, 997, 5)), generator.integers(-3, 4, (2, 40, 3)), np.zeros((1, 10, 2))]
    inputs.append(-np.abs(generator.standard_normal((3, 1, 2))) * 1e30)
    return [(percentiles(one.astype("float32")), [by_numpy(each.astype("float32")) for each in one]) for one in inputs]


def orders():
    """What the engine trains on, and what the seeds' orders are, in pieces as the engine asks for them."""
    configs = [SHORT.replace(seed=seed, evaluate_every=700, steps=2_300) for seed in (4, 2, 4)]
    order = jax_run._Orders(configs, 60_000)
    pieces = [order(start, min(700, 2_300 - start)) for start in range(0, 2_300, 700)]
    return np.concatenate(pieces), [batch_order(config.seed, 60_000, 60, 2_300) for config in configs]


def starts():
    """The kernels of a seeded start, to be held against TensorFlow's."""
    model = build_model(SHORT, (28, 28, 1), 10)
    initialize(model, SHORT)
    return [np.asarray(layer.kernel.value) for layer in model.layers if hasattr(layer, "kernel")]


if __name__ == "__main__":
    FOUND = {
        "groups": group_and_alone(),
        "some at a time": some_at_a_time(),
        "callbacks": callbacks(),
        "gone on": gone_on(),
        "refusals": refusals(),
        "order statistics": [
            ([tuple(each) for each in ours], [tuple(each) for each in theirs]) for ours, theirs in order_statistics()
        ],
        "orders": orders(),
        "starts": starts(),
        "loaded": sorted({name.split(".")[0] for name in sys.modules}),
    }
    with open(sys.argv[1], "wb") as file:
        pickle.dump(FOUND, file)
