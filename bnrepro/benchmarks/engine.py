"""Speed as ratios: each row is our way against what a user would write otherwise, in the same process, in turns.

Ours and theirs alternate, so that a noisy machine is noisy to both; a row gives medians. Writes no record and no figure.
"""

import concurrent.futures
import contextlib
import io
import multiprocessing
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf

from bnrepro.benchmarks.rows import Row, row
from bnrepro.config.grid import grid
from bnrepro.config.inception_small import Module, inception_small
from bnrepro.config.run_config import RunConfig
from bnrepro.execution.run_all import run_all
from bnrepro.execution.worker import train
from bnrepro.models.build import build_model
from bnrepro.models.initialize import initialize
from bnrepro.records.machine import cores
from bnrepro.records.store import read_record
from bnrepro.tasks.batch_order import batch_order
from bnrepro.training.keras_engine import Engine

ARMS = tuple(grid(normalization=("none", "batch")))
"""The two runs of Figure 1."""

INCEPTION = RunConfig(
    task="fashion_mnist",
    pixels="grey",
    model="inception_small",
    normalization="batch",
    activation="relu",
    initialization="he",
    batch_size=32,
    sgd_momentum=0.9,
    learning_rate=0.03,
)
"""`inception_small` with BN."""

FIT_STEPS = 3_000
"""Steps of Keras `fit` that are timed; its 50,000 are extrapolated."""


WORKERS = "sweep/two_workers" if cores() == 2 else f"sweep/{cores()}_workers"
"""The name of its row says how many there are."""


def engine_row(repeats: int, steps: int = 1_000) -> Row:
    """A training step of the net of section 4.1 with BN: the engine against Keras `fit` with its defaults."""
    config = ARMS[1]
    data = config.task.load(config.seed)
    model = build_model(config, data.input_shape, data.outputs)
    initialize(model, config)
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    engine = Engine(model, keras.optimizers.SGD(config.optimizer.learning_rate), loss)
    x, y = tf.constant(data.x_train), tf.constant(data.y_train)
    fitted = keras_net(config)
    part = slice(steps * config.batch_size)

    def ours():
        for _ in engine.train(
            x, y, lambda start, count: batch_order(0, len(y), config.batch_size, count), steps, steps
        ):
            pass

    def theirs():
        fitted.fit(data.x_train[part], data.y_train[part], batch_size=config.batch_size, verbose=0)

    samples = in_turns(repeats, ours, theirs)
    return row("engine/mnist_mlp_bn", "ms a step", *([1e3 * second / steps for second in side] for side in samples))


def inception_row(repeats: int, steps: int = 300) -> Row:
    """An image of a sweep of `inception_small` with BN, mini-batches of 32: a one-thread run a core against `fit` on all cores.

    Both sides are warm, and neither evaluates within what is timed.
    """
    config = INCEPTION.replace(steps=steps, evaluate_every=steps)
    images = steps * config.batch_size
    data = config.task.load(config.seed)
    fitted = _keras_inception(config)
    context = multiprocessing.get_context("spawn")
    pools = [concurrent.futures.ProcessPoolExecutor(1, context) for _ in range(cores())]
    with contextlib.ExitStack() as stack:
        for pool in pools:
            stack.enter_context(pool)

        def ours() -> float:
            seconds = [pool.submit(_train_seconds, config.replace(seed=index)) for index, pool in enumerate(pools)]
            return max(future.result() for future in seconds) / (cores() * images)

        def theirs() -> float:
            began = time.perf_counter()
            fitted.fit(data.x_train[:images], data.y_train[:images], batch_size=config.batch_size, verbose=0)
            return (time.perf_counter() - began) / images

        samples = in_turns(repeats, ours, theirs)
    return row("engine/inception_small_bn", "ms an image", *([1e3 * second for second in side] for side in samples))


def protocol_row(repeats: int) -> Row:
    """Figure 1, both arms, from a cold start to the records: the pool on all cores against `fit`, one arm after the other."""
    config = ARMS[0]
    data = config.task.load(config.seed)
    examples = FIT_STEPS * config.batch_size
    x, y = (np.resize(values, (examples, *values.shape[1:])) for values in (data.x_train, data.y_train))
    every = config.evaluate_every * config.batch_size

    def ours():
        with tempfile.TemporaryDirectory() as folder:
            in_silence(run_all, ARMS, records=Path(folder))

    def theirs() -> float:
        seconds = 0.0
        for arm in ARMS:
            model, parts = keras_net(arm), []
            for start in range(0, examples, every):
                chunk = slice(start, start + every)
                began = time.perf_counter()
                model.fit(x[chunk], y[chunk], batch_size=config.batch_size, verbose=0)
                model.evaluate(data.x_test, data.y_test, verbose=0)
                parts.append(time.perf_counter() - began)
            first, *others = parts  # the first one compiles, which happens once however many follow
            seconds += first + statistics.mean(others) * (config.steps / config.evaluate_every - 1)
        return seconds

    return row("figure1/paper_protocol", "s", *in_turns(repeats, ours, theirs))


def workers_row(repeats: int, runs: int = 8, steps: int = 5_000) -> Row:
    """Runs an hour of a sweep with a warm worker on each core, against one warm worker. More is better here."""
    sweep = grid(ARMS[1].replace(steps=steps), seed=range(runs))
    context = multiprocessing.get_context("spawn")
    with (
        concurrent.futures.ProcessPoolExecutor(cores(), context) as many,
        concurrent.futures.ProcessPoolExecutor(1, context) as one,
        tempfile.TemporaryDirectory() as folder,
    ):
        warm = grid(ARMS[1].replace(steps=10, evaluate_every=500), seed=range(runs))
        for pool, workers in ((many, cores()), (one, 1)):
            concurrent.futures.wait([pool.submit(_start) for _ in range(workers)])
            for repeat in range(workers):
                in_silence(run_all, warm, executor=pool, jobs=workers, records=Path(folder, f"warm-{workers}-{repeat}"))

        def sweep_in(pool):
            with tempfile.TemporaryDirectory(dir=folder) as records:
                in_silence(run_all, sweep, executor=pool, records=Path(records))

        ours, theirs = in_turns(repeats, lambda: sweep_in(many), lambda: sweep_in(one))
    return row(WORKERS, "runs an hour", *([3600 * runs / second for second in side] for side in (ours, theirs)))


def in_silence(train: Callable, *arguments, **options):
    """What `train` returns, without its progress bar."""
    with contextlib.redirect_stdout(io.StringIO()):
        return train(*arguments, **options)


def _start() -> None:
    time.sleep(1)  # long enough for the pool to start its next worker


def _train_seconds(config: RunConfig) -> float:
    with tempfile.TemporaryDirectory() as folder:
        train((config,), Path(folder))
        return float(read_record(Path(folder), config)["provenance"]["train_seconds"].item())


def keras_net(config: RunConfig) -> keras.Model:
    """The same net as a user would write it in Keras, compiled for `fit`."""
    net = [keras.Input((28, 28, 1)), keras.layers.Flatten()]
    for _ in range(config.model.hidden_layers):
        net.append(keras.layers.Dense(config.model.hidden_units, use_bias=config.normalization.use_bias))
        if not config.normalization.use_bias:
            net.append(keras.layers.BatchNormalization())
        net.append(keras.layers.Activation(config.model.activation))
    model = keras.Sequential([*net, keras.layers.Dense(10)])
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(keras.optimizers.SGD(config.optimizer.learning_rate), loss, metrics=["accuracy"])
    return model


def _keras_inception(config: RunConfig) -> keras.Model:
    """`inception_small` with BN as a user would write it in Keras, compiled for `fit`."""

    def unit(x, filters: int, size: int, strides: int = 1):
        x = keras.layers.Conv2D(filters, size, strides, "same", use_bias=False)(x)
        return keras.layers.Activation(config.model.activation)(keras.layers.BatchNormalization()(x))

    def module(x, plan: Module):
        strides = 2 if plan.kind == "stride" else 1
        three = unit(unit(x, plan.three_reduce, 1), plan.three, 3, strides)
        double = unit(unit(unit(x, plan.double_reduce, 1), plan.double, 3), plan.double, 3, strides)
        if plan.kind == "stride":
            branches = [three, double, keras.layers.MaxPooling2D(3, 2, "same")(x)]
        else:
            pooled = keras.layers.AveragePooling2D(3, 1, "same")(x)
            branches = [unit(x, plan.one, 1), three, double, unit(pooled, plan.projection, 1)]
        return keras.layers.Concatenate()(branches)

    images = keras.Input((28, 28, 1))
    stem, *modules = inception_small(config.model.width, 28)
    x = unit(images, stem.three, 3, 2)
    for plan in modules:
        x = module(x, plan)
    model = keras.Model(images, keras.layers.Dense(10)(keras.layers.GlobalAveragePooling2D()(x)))
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(
        keras.optimizers.SGD(config.optimizer.learning_rate, momentum=config.optimizer.sgd_momentum),
        loss,
        metrics=["accuracy"],
    )
    return model


def in_turns(repeats: int, *sides: Callable[[], float | None]) -> list[list[float]]:
    """Seconds of each side, or what it returns, alternating, after one call of each that is not counted (it compiles)."""
    samples = [[] for _ in sides]
    for repeat in range(-1, repeats):
        for side, own in zip(sides, samples):
            began = time.perf_counter()
            seconds = side()
            if repeat >= 0:
                own.append(time.perf_counter() - began if seconds is None else seconds)
    return samples
