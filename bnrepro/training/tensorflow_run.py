"""One run on TensorFlow: its data, its engine, who measures in it. Knows no table's columns, no record and no claim."""

import contextlib
import functools
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from bnrepro.config.run_config import RunConfig
from bnrepro.errors import UserError
from bnrepro.measurements.activation_quantiles import percentiles
from bnrepro.measurements.base import Observed, put_back, rows_of
from bnrepro.measurements.batch_moments import batch_moments, population_moments
from bnrepro.measurements.norms import normalizing_with
from bnrepro.models.build import build_model
from bnrepro.models.initialize import initialize
from bnrepro.records.schemas import Tables
from bnrepro.tasks.batch_order import batch_order
from bnrepro.training.device_data import DeviceData, Loaded
from bnrepro.training.engine import Chunk, Evaluation
from bnrepro.training.keras_engine import Engine
from bnrepro.training.mirrored import divide, strategy_of
from bnrepro.training.schedules import HalvingRate
from bnrepro.training.streaming_engine import StreamingEngine

_DATA = DeviceData(tf.constant)


class TensorFlowRun:
    """A single run, as the `Replicates` of an engine that trains one at a time.

    Args:
        config: The run.
    """

    provenance: dict[str, Any] = {}

    def __init__(self, config: RunConfig):
        self.config = config
        devices = strategy_of(config.engine).num_replicas_in_sync  # before anything lies on one of them
        if config.batch_size < devices:
            raise UserError(
                f"a mini-batch has an example for each of {devices} devices: got {config.batch_size}; raise batch_size"
            )
        self.splits, input_shape, outputs = self._load()
        self.engine, rate = _engine(config.compilation_key, input_shape, outputs)
        self.engine.reset()
        rate.set(config.optimizer.learning_rate, config.optimizer.rate_halvings, config.steps)
        initialize(self.engine.model, config)
        if config.fit_examples:
            fitted = slice(config.fit_examples)
            self.splits = {**self.splits, "fit": tuple(part[fitted] for part in self.splits["train"])}
        observed = Observed(config, self.engine.model, self.engine.loss, self.splits)
        begun = [one.begin(observed) for one in config.measurements]
        self.observers = [observer for observer in begun if observer is not None]
        self.mode, self.device = self.engine.mode, _device(devices)

    def _load(self) -> Loaded:
        return _DATA.load(self.config.task, self.config.seed)

    @property
    def compile_seconds(self) -> float:
        return self.engine.compile_seconds

    def train(self, start: int = 0) -> Iterator[tuple[Chunk, ...]]:
        config, data = self.config, self.splits["train"]
        for chunk in self.engine.train(*data, self._order, config.steps, config.evaluate_every, start):
            yield (chunk,)

    def evaluate(self, splits: list[str], watched: str | None) -> list[dict[str, Evaluation]]:
        found = {}
        with self._statistics(needed=bool(splits)):
            for split in splits:
                loss, metric, inputs = self.engine.evaluate(*self.splits[split])
                told = split == watched and inputs and np.isfinite(loss)
                found[split] = Evaluation(loss, metric, percentiles(inputs[0]) if told else None)
        return [found]

    def measure(self, step: int, last: bool, places: Sequence[int]) -> None:
        if places and self.observers:
            rate = self.config.optimizer.rate_of(self.engine.optimizer)
            for one in self.observers:
                one.measure(step, rate, last)

    def measured(self, place: int) -> Tables:
        return {name: table for one in self.observers for name, table in one.tables(self.config.id).items()}

    def snapshot(self) -> dict[str, Any]:
        return {"variables": self.engine.values(), "rows": rows_of(self.observers)}

    def restore(self, state: dict[str, Any], places: Sequence[int]) -> None:
        variables, rows = state["variables"], state["rows"]
        self.engine.load(variables)
        put_back(self.observers, rows)

    def _statistics(self, needed: bool) -> contextlib.AbstractContextManager:
        """With the statistics that the net is evaluated with: Algorithm 2's, always over the same mini-batches, or its own."""
        batches = self.config.normalization.inference_batches(self.config.batch_size) if needed else 0
        if not batches:
            return contextlib.nullcontext()
        x = self.splits["train"][0]
        rows = batch_order(self.config.seed, len(x), self.config.batch_size, batches)
        found = batch_moments(self.engine.model, x, rows, mode=self.engine.mode)
        return normalizing_with(self.engine.model, population_moments(found))

    def _order(self, start: int, count: int) -> np.ndarray:
        config, examples = self.config, len(self.splits["train"][1])
        return batch_order(config.seed, examples, config.batch_size, count, start, config.shuffling)


@functools.lru_cache(maxsize=32)  # each holds 1 MiB more than what TensorFlow keeps of a program for ever
def _engine(config: RunConfig, input_shape: tuple[int, ...], outputs: int) -> tuple[Engine, HalvingRate]:
    strategy = strategy_of(config.engine)
    shared = strategy.num_replicas_in_sync > 1
    with strategy.scope():
        model, rate = build_model(config, input_shape, outputs), HalvingRate()
        if shared:
            divide(model)
        watch = (config.model.watched,) if config.model.watched else ()
        optimizer = config.optimizer.build(rate, model)
        mode = "graph" if shared else config.compiler
        kind = StreamingEngine if config.task.streams else Engine
        engine = kind(model, optimizer, config.task.loss(), config.task.score, watch=watch, mode=mode)
    return engine, rate


def _device(count: int) -> str:
    gpus = [tf.config.experimental.get_device_details(gpu) for gpu in tf.config.list_physical_devices("GPU")]
    name = gpus[0].get("device_name", "GPU") if gpus else "CPU"
    return name if count == 1 else f"{count} x {name}"
