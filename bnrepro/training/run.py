"""A run: a config in, tables out. Knows no record, no figure and no claim."""

import functools
import threading
import time
from collections.abc import Callable

import keras
import numpy as np
import pandas as pd
import tensorflow as tf

from bnrepro.backend.keras_settings import default_settings
from bnrepro.config.run_config import RunConfig
from bnrepro.measurements.activation_quantiles import ActivationQuantiles
from bnrepro.measurements.batch_dependence import Mates
from bnrepro.measurements.class_probabilities import Probabilities
from bnrepro.measurements.gradients import Gradients
from bnrepro.measurements.jacobians import Geometry
from bnrepro.measurements.normalization_statistics import Modes, Sampling, Shift, Statistics
from bnrepro.models.build import build_model
from bnrepro.models.initialization import initialize
from bnrepro.records.machine import peak_memory_mib, processor, versions
from bnrepro.records.schemas import SCHEMAS, Tables
from bnrepro.tasks.batch_order import batch_order
from bnrepro.tasks.images import load_dataset
from bnrepro.training.keras_engine import Engine
from bnrepro.training.optimizers import HalvingRate, MatchedSGD

_ONE_RUN_AT_A_TIME = threading.Lock()  # engines are kept from run to run, so two threads must not train at once


def run(
    config: RunConfig,
    on_steps: Callable[[int], None] = lambda steps: None,
    on_curves: Callable[[pd.DataFrame], None] = lambda curves: None,
) -> Tables:
    """Trains one net and returns its tables: `runs`, `curves`, `provenance`, and those of its probes.

    A pure function of the config: on one machine with one thread all tables but `provenance` are the same to the bit,
    whatever Keras's global settings are.
    A loss that is no longer finite ends the run, which is recorded as diverged.

    Args:
        config: The run.
        on_steps: Called after each chunk with the steps that it did; what it raises ends the run.
        on_curves: Called after each evaluation with the table `curves` so far; what it raises ends the run.

    Raises:
        UserError: Keras runs on another backend than TensorFlow.
    """
    with _ONE_RUN_AT_A_TIME, default_settings():
        return _Run(config).train(on_steps, on_curves)


class _Run:
    """One run while it lasts: its data, its engine, its probes, and the rows of its curves."""

    def __init__(self, config: RunConfig):
        self.config = config
        self.splits, num_classes = _on_device(_data_part(config))
        x_train, y_train = self.splits["train"]
        self.engine, rate = _engine(config.program, tuple(x_train.shape[1:]), num_classes)
        self.engine.reset()
        rate.set(config.learning_rate, config.rate_halvings, config.steps)
        initialize(self.engine.model, config)
        # Where memory is measured nothing is evaluated: that may need more of it than training.
        self.evaluated = [] if config.probe == "cost" else ["validation" if config.validation_examples else "test"]
        if config.fit_examples:
            fitted = slice(config.fit_examples)
            self.splits = {**self.splits, "fit": (x_train[fitted], y_train[fitted])}
            self.evaluated.append("fit")
        self.quantiles = ActivationQuantiles(f"hidden_{config.hidden_layers}")
        self.probe = _make_probe(config, self.engine, self.splits)
        self.curves, self.evaluate_seconds = [], 0.0

    def train(self, on_steps: Callable[[int], None], on_curves: Callable[[pd.DataFrame], None]) -> Tables:
        config, train_seconds = self.config, 0.0
        diverged_at = self._evaluate(0)
        on_curves(self._curves_so_far())
        steps = config.steps if diverged_at is None else 0
        for chunk in self.engine.train(*self.splits["train"], self._order, steps, config.evaluate_every):
            train_seconds += chunk.seconds
            diverged_at = chunk.diverged_at
            if diverged_at is None:
                self.curves.append((config.id, chunk.step, "train", chunk.loss, chunk.accuracy))
                diverged_at = self._evaluate(chunk.step)
            on_steps(chunk.count)
            on_curves(self._curves_so_far())
            if diverged_at is not None:
                break
        status = "finished" if diverged_at is None else "diverged"
        seconds = (train_seconds, self.evaluate_seconds, self.engine.compile_seconds)
        provenance = (config.id, *seconds, peak_memory_mib(), self.engine.mode)
        provenance += (_device(), processor(), *versions().values())
        return {
            "runs": pd.DataFrame(
                [(config.id, *config.as_dict().values(), status, diverged_at)], columns=SCHEMAS["runs"]
            ),
            "curves": self._curves_so_far(),
            **self.quantiles.tables(config.id),
            **(self.probe.tables(config.id) if self.probe else {}),
            "provenance": pd.DataFrame([provenance], columns=SCHEMAS["provenance"]),
        }

    def _curves_so_far(self) -> pd.DataFrame:
        curves = pd.DataFrame(self.curves, columns=SCHEMAS["curves"])
        return curves.sort_values(["run", "step", "split"], ignore_index=True)

    def _evaluate(self, step: int) -> int | None:
        """Evaluates; the step, if the loss is not finite there, else None. The test set waits for the end where it is spared."""
        began, last = time.perf_counter(), step == self.config.steps
        spared = last and "validation" in self.evaluated
        finite = True
        for split in (*self.evaluated, *(["test"] if spared else [])):
            loss, accuracy, watched = self.engine.evaluate(*self.splits[split])
            finite = finite and bool(np.isfinite(loss))
            if finite:
                self.curves.append((self.config.id, step, split, loss, accuracy))
                if watched and self.evaluated[0] == split == "test":
                    self.quantiles.measure(step, watched[0])
        if finite and self.probe:
            optimizer = self.engine.optimizer
            rate = optimizer.grown_rate() if isinstance(optimizer, MatchedSGD) else float(optimizer.learning_rate)
            self.probe.measure(step, rate, last)
        self.evaluate_seconds += time.perf_counter() - began
        return None if finite else step

    def _order(self, start: int, count: int) -> np.ndarray:
        config, examples = self.config, len(self.splits["train"][1])
        return batch_order(config.seed, examples, config.batch_size, count, start, config.shuffling)


_DATA_FIELDS = ("dataset", "pixels", "train_examples", "shuffled_labels", "validation_examples", "test_examples")


def _data_part(config: RunConfig) -> tuple:
    # Only a subset or a permutation depends on the seed; all other runs share one copy of the data.
    seed = config.seed if config.train_examples or config.shuffled_labels else 0
    return (*(getattr(config, name) for name in _DATA_FIELDS), seed)


@functools.lru_cache(maxsize=8)  # few examples are other ones at every seed
def _on_device(part: tuple) -> tuple[dict[str, tuple[tf.Tensor, tf.Tensor]], int]:
    """Images and labels by split, and how many classes there are."""
    *fields, seed = part
    names = dict(zip(_DATA_FIELDS, fields, strict=True))
    data = load_dataset(names.pop("dataset"), **names, seed=seed)
    splits = {
        split: (tf.constant(getattr(data, f"x_{split}")), tf.constant(getattr(data, f"y_{split}")))
        for split in ("train", "validation", "test")
    }
    return splits, data.num_classes


@functools.lru_cache(maxsize=4)
def _engine(config: RunConfig, image_shape: tuple[int, ...], num_classes: int) -> tuple[Engine, HalvingRate]:
    model = build_model(config, image_shape, num_classes)
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    watch = (f"hidden_{config.hidden_layers}_activation",) if config.model == "mlp" else ()
    rate = HalvingRate()
    if config.matched_decay:
        *hidden, _ = (layer.kernel for layer in model.layers if hasattr(layer, "kernel"))
        optimizer = MatchedSGD(rate, config.matched_decay, hidden)
    else:
        optimizer = keras.optimizers.SGD(rate, momentum=config.sgd_momentum)
    return Engine(model, optimizer, loss, watch=watch, mode=config.compiler), rate


_INFERENCE = {"modes": Modes, "statistics": Statistics, "shift": Shift, "sampling": Sampling}


def _make_probe(config: RunConfig, engine: Engine, splits: dict):
    """What the config's `probe` asks to be measured, or None."""
    model = engine.model
    if config.probe in _INFERENCE:
        return _INFERENCE[config.probe](config, model, engine.loss, splits["train"], splits["test"])
    if config.probe in ("gradients", "geometry"):
        kind = Gradients if config.probe == "gradients" else Geometry
        return kind(model, engine.loss, *splits["train"])
    if config.probe == "mates":
        return Mates(model, splits["train"][0], config.seed)
    return Probabilities(model, *splits["test"]) if config.probe == "probabilities" else None


def _device() -> str:
    gpus = [tf.config.experimental.get_device_details(gpu) for gpu in tf.config.list_physical_devices("GPU")]
    return gpus[0].get("device_name", "GPU") if gpus else "CPU"
