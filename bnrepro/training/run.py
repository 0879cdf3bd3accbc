"""A run: a config in, tables out. Knows no record, no figure and no claim."""

import contextlib
import functools
import threading
import time
from collections.abc import Callable

import numpy as np
import pandas as pd
import tensorflow as tf

from bnrepro.backend.keras_settings import default_settings
from bnrepro.config.component import Component
from bnrepro.config.run_config import RunConfig
from bnrepro.measurements.activation_quantiles import ActivationQuantiles
from bnrepro.measurements.base import Observed
from bnrepro.measurements.batch_moments import batch_moments, normalizing_with, population_moments
from bnrepro.models.build import build_model
from bnrepro.models.initialize import initialize
from bnrepro.records.machine import peak_memory_mib, processor, versions
from bnrepro.records.schemas import SCHEMAS, Tables, runs_row
from bnrepro.tasks.batch_order import batch_order
from bnrepro.training.keras_engine import Engine
from bnrepro.training.outcome import outcome
from bnrepro.training.schedules import HalvingRate

_ONE_RUN_AT_A_TIME = threading.Lock()  # engines are kept from run to run, so two threads must not train at once


def run(
    config: RunConfig,
    on_steps: Callable[[int], None] = lambda steps: None,
    on_curves: Callable[[pd.DataFrame], None] = lambda curves: None,
) -> Tables:
    """Trains one net and returns its tables: `runs`, `curves`, `provenance`, and those of its measurements.

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
    """One run while it lasts: its data, its engine, who measures in it, and the rows of its curves."""

    def __init__(self, config: RunConfig):
        self.config = config
        self.splits, input_shape, outputs = _on_device(config.task, config.task.data_seed(config.seed))
        self.engine, rate = _engine(config.compilation_key, input_shape, outputs)
        self.engine.reset()
        rate.set(config.optimizer.learning_rate, config.optimizer.rate_halvings, config.steps)
        initialize(self.engine.model, config)
        # Where memory is measured nothing is evaluated: that may need more of it than training.
        self.evaluated = [] if config.alone else [config.task.evaluated_on]
        if config.fit_examples:
            fitted = slice(config.fit_examples)
            self.splits = {**self.splits, "fit": tuple(part[fitted] for part in self.splits["train"])}
            self.evaluated.append("fit")
        self.quantiles = ActivationQuantiles((config.model.watched or "").removesuffix("_activation"))
        observed = Observed(config, self.engine.model, self.engine.loss, self.splits)
        begun = [one.begin(observed) for one in config.measurements]
        self.observers = [observer for observer in begun if observer is not None]
        self.curves, self.evaluate_seconds = [], 0.0

    def train(self, on_steps: Callable[[int], None], on_curves: Callable[[pd.DataFrame], None]) -> Tables:
        config, train_seconds, losses = self.config, 0.0, []
        diverged_at = self._evaluate(0)
        on_curves(self._curves_so_far())
        steps = config.steps if diverged_at is None else 0
        for chunk in self.engine.train(*self.splits["train"], self._order, steps, config.evaluate_every):
            train_seconds += chunk.seconds
            losses.append(chunk.losses)
            diverged_at = chunk.diverged_at
            if diverged_at is None:
                self._add(chunk.step, "train", chunk.loss, chunk.metric)
                diverged_at = self._evaluate(chunk.step)
            on_steps(chunk.count)
            on_curves(self._curves_so_far())
            if diverged_at is not None:
                break
        seconds = (train_seconds, self.evaluate_seconds, self.engine.compile_seconds)
        provenance = (config.id, *seconds, peak_memory_mib(), self.engine.mode)
        provenance += (_device(), processor(), *versions().values())
        return {
            "runs": runs_row(config, **outcome(np.concatenate(losses or [[]]), diverged_at, config.task.guess_loss)),
            "curves": self._curves_so_far(),
            **self.quantiles.tables(config.id),
            **{name: table for one in self.observers for name, table in one.tables(config.id).items()},
            "provenance": pd.DataFrame([provenance], columns=SCHEMAS["provenance"]),
        }

    def _add(self, step: int, split: str, loss: float, value: float) -> None:
        self.curves.append((self.config.id, step, split, loss, self.config.task.metric, value))

    def _curves_so_far(self) -> pd.DataFrame:
        curves = pd.DataFrame(self.curves, columns=SCHEMAS["curves"])
        return curves.sort_values(["run", "step", "split"], ignore_index=True)

    def _evaluate(self, step: int) -> int | None:
        """Evaluates; the step, if the loss is not finite there, else None. The test set waits for the end where it is spared."""
        began, last = time.perf_counter(), step == self.config.steps
        spared = last and "validation" in self.evaluated
        finite = True
        with self._statistics():
            for split in (*self.evaluated, *(["test"] if spared else [])):
                loss, metric, watched = self.engine.evaluate(*self.splits[split])
                finite = finite and bool(np.isfinite(loss))
                if finite:
                    self._add(step, split, loss, metric)
                    if watched and self.evaluated[0] == split == "test":
                        self.quantiles.measure(step, watched[0])
        if finite and self.observers:
            rate = self.config.optimizer.rate_of(self.engine.optimizer)
            for one in self.observers:
                one.measure(step, rate, last)
        self.evaluate_seconds += time.perf_counter() - began
        return None if finite else step

    def _statistics(self) -> contextlib.AbstractContextManager:
        """With the statistics that the net is evaluated with: Algorithm 2's, always over the same mini-batches, or its own."""
        batches = self.config.normalization.inference_batches(self.config.batch_size) if self.evaluated else 0
        if not batches:
            return contextlib.nullcontext()
        x = self.splits["train"][0]
        rows = batch_order(self.config.seed, len(x), self.config.batch_size, batches)
        found = batch_moments(self.engine.model, x, rows, mode=self.engine.mode)
        return normalizing_with(self.engine.model, population_moments(found))

    def _order(self, start: int, count: int) -> np.ndarray:
        config, examples = self.config, len(self.splits["train"][1])
        return batch_order(config.seed, examples, config.batch_size, count, start, config.shuffling)


@functools.lru_cache(maxsize=8)  # few examples are other ones at every seed
def _on_device(task: Component, seed: int) -> tuple[dict[str, tuple[tf.Tensor, tf.Tensor]], tuple[int, ...], int]:
    """Inputs and targets by split, the shape of an input, and how many outputs there are."""
    data = task.load(seed)
    splits = {
        split: (tf.constant(getattr(data, f"x_{split}")), tf.constant(getattr(data, f"y_{split}")))
        for split in ("train", "validation", "test")
    }
    return splits, data.input_shape, data.outputs


@functools.lru_cache(maxsize=4)
def _engine(config: RunConfig, input_shape: tuple[int, ...], outputs: int) -> tuple[Engine, HalvingRate]:
    model, rate = build_model(config, input_shape, outputs), HalvingRate()
    watch = (config.model.watched,) if config.model.watched else ()
    optimizer = config.optimizer.build(rate, model)
    engine = Engine(model, optimizer, config.task.loss(), config.task.score, watch=watch, mode=config.compiler)
    return engine, rate


def _device() -> str:
    gpus = [tf.config.experimental.get_device_details(gpu) for gpu in tf.config.list_physical_devices("GPU")]
    return gpus[0].get("device_name", "GPU") if gpus else "CPU"
