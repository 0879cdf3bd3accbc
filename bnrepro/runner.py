"""A run: a config in, tables out. Knows no record, no figure and no claim."""

import functools
import threading
import time
from collections.abc import Callable

import keras
import numpy as np
import pandas as pd
import tensorflow as tf

from bnrepro.config import RunConfig
from bnrepro.data import batch_order, load_dataset
from bnrepro.engine import Engine
from bnrepro.machine import peak_memory_mib, processor, versions
from bnrepro.models import build_model, initialize
from bnrepro.probes import ActivationQuantiles
from bnrepro.tables import SCHEMAS, Tables

_ONE_RUN_AT_A_TIME = threading.Lock()  # engines are kept from run to run, so two threads must not train at once


def run(config: RunConfig, on_steps: Callable[[int], None] = lambda steps: None) -> Tables:
    """Trains one net and returns its tables (`runs`, `curves`, `quantiles`, `drift`, `provenance`).

    A pure function of the config: on one machine with one thread all tables but `provenance` are the same to the bit.
    A loss that is no longer finite ends the run, which is recorded as diverged.

    Args:
        config: The run.
        on_steps: Called after each chunk with the steps that it did; what it raises ends the run.
    """
    with _ONE_RUN_AT_A_TIME:
        return _run(config, on_steps)


def _run(config: RunConfig, on_steps) -> Tables:
    data = _dataset(config)
    x_train, y_train, x_test, y_test = _on_device(_data_part(config))
    engine = _engine(_program_part(config), data.image_shape, data.num_classes)
    engine.reset()
    engine.optimizer.learning_rate = config.learning_rate
    initialize(engine.model, config)
    quantiles = ActivationQuantiles(f"hidden_{config.hidden_layers}")
    curves, evaluate_seconds, train_seconds = [], 0.0, 0.0

    def evaluate(step: int) -> int | None:
        """The step, if the loss is not finite there, else None."""
        nonlocal evaluate_seconds
        began = time.perf_counter()
        loss, accuracy, (inputs,) = engine.evaluate(x_test, y_test)
        if np.isfinite(loss):
            curves.append((config.id, step, "test", loss, accuracy))
            quantiles.measure(step, inputs)
        evaluate_seconds += time.perf_counter() - began
        return None if np.isfinite(loss) else step

    def order(start: int, count: int) -> np.ndarray:
        return batch_order(config.seed, len(y_train), config.batch_size, count, start)

    diverged_at = evaluate(0)
    steps = config.steps if diverged_at is None else 0
    for chunk in engine.train(x_train, y_train, order, steps, config.evaluate_every):
        train_seconds += chunk.seconds
        diverged_at = chunk.diverged_at
        if diverged_at is None:
            curves.append((config.id, chunk.step, "train", chunk.loss, chunk.accuracy))
            diverged_at = evaluate(chunk.step)
        on_steps(chunk.count)
        if diverged_at is not None:
            break
    status = "finished" if diverged_at is None else "diverged"
    curves = pd.DataFrame(curves, columns=SCHEMAS["curves"]).sort_values(["run", "step", "split"], ignore_index=True)
    seconds = (train_seconds, evaluate_seconds, engine.compile_seconds)
    provenance = (config.id, *seconds, peak_memory_mib(), engine.mode, _device(), processor(), *versions().values())
    return {
        "runs": pd.DataFrame([(config.id, *config.as_dict().values(), status, diverged_at)], columns=SCHEMAS["runs"]),
        "curves": curves,
        **quantiles.tables(config.id),
        "provenance": pd.DataFrame([provenance], columns=SCHEMAS["provenance"]),
    }


_DATA_FIELDS = ("dataset", "pixels", "train_examples", "shuffled_labels")
_START_FIELDS = ("seed", "learning_rate", "initial_std", "steps")


def _data_part(config: RunConfig) -> tuple:
    # Only a subset or a permutation depends on the seed; all other runs share one copy of the data.
    seed = config.seed if config.train_examples or config.shuffled_labels else 0
    return (*(getattr(config, name) for name in _DATA_FIELDS), seed)


def _program_part(config: RunConfig) -> RunConfig:
    """The config with all that the compiled program does not depend on at its default."""
    return config.replace(**{name: getattr(RunConfig(), name) for name in (*_DATA_FIELDS, *_START_FIELDS)})


def _dataset(config: RunConfig):
    return _load(*_data_part(config))


@functools.lru_cache(maxsize=1)
def _load(dataset, pixels, train_examples, shuffled_labels, seed):
    subset = {"train_examples": train_examples, "shuffled_labels": shuffled_labels, "seed": seed}
    return load_dataset(dataset, pixels=pixels, **subset)


@functools.lru_cache(maxsize=1)
def _on_device(part: tuple) -> tuple[tf.Tensor, ...]:
    data = _load(*part)
    return tuple(tf.constant(values) for values in (data.x_train, data.y_train, data.x_test, data.y_test))


@functools.lru_cache(maxsize=4)
def _engine(config: RunConfig, image_shape: tuple[int, ...], num_classes: int) -> Engine:
    model = build_model(config, image_shape, num_classes)
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    last = f"hidden_{config.hidden_layers}_activation"
    return Engine(model, keras.optimizers.SGD(config.learning_rate), loss, watch=(last,))


def _device() -> str:
    gpus = [tf.config.experimental.get_device_details(gpu) for gpu in tf.config.list_physical_devices("GPU")]
    return gpus[0].get("device_name", "GPU") if gpus else "CPU"
