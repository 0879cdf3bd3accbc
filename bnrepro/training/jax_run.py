"""Runs on JAX, many at once: their data, their engine, their starts. Knows no table's columns, no record and no claim."""

import functools
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import jax
import numpy as np

from bnrepro.config.run_config import RunConfig
from bnrepro.measurements.base import Observed, put_back, rows_of
from bnrepro.models.build import build_model
from bnrepro.models.initialize import initialize
from bnrepro.records.machine import cores
from bnrepro.records.schemas import Tables
from bnrepro.tasks.batch_order import batch_order
from bnrepro.training.device_data import DeviceData
from bnrepro.training.engine import Chunk, Evaluation, check_alike
from bnrepro.training.jax_engine import JaxEngine, State
from bnrepro.training.schedules import HalvingRate

_DATA = DeviceData(jax.device_put)


class JaxRuns:
    """Runs with one `replicate_key`, as `Replicates`.

    Args:
        configs: The runs.
    """

    mode = "xla"

    def __init__(self, configs: list[RunConfig]):
        self.configs, self.config = configs, configs[0]
        self.splits, input_shape, outputs = _DATA.load(self.config.task, self.config.seed)
        self.engine, rate = _engine(self.config.compilation_key, input_shape, outputs)
        self.engine.compile_seconds = 0.0
        self.state = jax.device_put(_together([self._started(config, rate) for config in configs]))
        if self.config.fit_examples:
            fitted = slice(self.config.fit_examples)
            self.splits = {**self.splits, "fit": tuple(part[fitted] for part in self.splits["train"])}
        self.observers = [self._begun(config) for config in configs]
        self.device = _device()
        self.provenance: dict[str, Any] = {"jax": jax.__version__, "replicates": len(configs)}
        self._order = _Orders(configs, len(self.splits["train"][1]))

    @property
    def compile_seconds(self) -> float:
        return self.engine.compile_seconds

    def train(self, start: int = 0) -> Iterator[tuple[Chunk, ...]]:
        config, (x, y) = self.config, self.splits["train"]
        for chunk in self.engine.train(self.state, x, y, self._order, config.steps, config.evaluate_every, start):
            self.state = chunk.state
            share = chunk.seconds / len(self.configs)
            yield tuple(
                Chunk.of(chunk.start, losses, metrics, share, bare)
                for losses, metrics, bare in zip(chunk.losses, chunk.metrics, chunk.unpenalized)
            )

    def evaluate(self, splits: list[str], watched: str | None) -> list[dict[str, Evaluation]]:
        state = self._with_statistics() if splits else self.state
        found = [{} for _ in self.configs]
        for split in splits:
            losses, metrics, percentiles = self.engine.evaluate(state, *self.splits[split], split == watched)
            for place, own in enumerate(found):
                own[split] = Evaluation(
                    float(losses[place]), float(metrics[place]), percentiles[place] if percentiles else None
                )
        return found

    def measure(self, step: int, last: bool, places: Sequence[int]) -> None:
        for place in places:
            if self.observers[place]:
                self.engine.load(self.state, place)
                rate = self.configs[place].optimizer.rate_of(self.engine.optimizer)
                for one in self.observers[place]:
                    one.measure(step, rate, last)

    def measured(self, place: int) -> Tables:
        run = self.configs[place].id
        return {name: table for one in self.observers[place] for name, table in one.tables(run).items()}

    def snapshot(self) -> dict[str, Any]:
        variables = [np.asarray(value) for value in (*self.state.weights, *self.state.others)]
        return {"jax": jax.__version__, "variables": variables, "rows": list(map(rows_of, self.observers))}

    def restore(self, state: dict[str, Any], places: Sequence[int]) -> None:
        if state["jax"] != jax.__version__:
            raise ValueError(f"it was made with JAX {state['jax']}, here is {jax.__version__}")
        rows, values = state["rows"], [value[list(places)] for value in state["variables"]]
        check_alike(values, [*self.state.weights, *self.state.others])
        count = len(self.state.weights)
        self.state = jax.device_put(State(values[:count], values[count:]))
        for observers, place in zip(self.observers, places):
            put_back(observers, rows[place])

    def _started(self, config: RunConfig, rate: HalvingRate) -> State:
        self.engine.reset()
        rate.set(config.optimizer.learning_rate, config.optimizer.rate_halvings, config.steps)
        initialize(self.engine.model, config)
        return self.engine.values()

    def _begun(self, config: RunConfig) -> list:
        observed = Observed(config, self.engine.model, self.engine.loss, self.splits)
        begun = [one.begin(observed) for one in config.measurements]
        return [observer for observer in begun if observer is not None]

    def _with_statistics(self) -> State:
        """The replicates with the statistics that they are evaluated with: Algorithm 2's, over each one's first mini-batches,
        or their own.
        """
        config, (x, _) = self.config, self.splits["train"]
        batches = config.normalization.inference_batches(config.batch_size)
        if not batches:
            return self.state
        return self.engine.with_population_statistics(self.state, x, self._first_rows(batches))

    def _first_rows(self, batches: int) -> np.ndarray:
        size, examples = self.config.batch_size, len(self.splits["train"][1])
        rows = {seed: batch_order(seed, examples, size, batches) for seed in {one.seed for one in self.configs}}
        return np.stack([rows[config.seed] for config in self.configs], axis=1)


class _Orders:
    """The mini-batches of all runs, `(count, replicates, batch_size)`, each seed's drawn once for all runs that have it.

    They are drawn for an epoch or more at once, since whole epochs is what is drawn, and by a thread a core: NumPy shuffles
    without holding the interpreter, so that a GPU need not wait.
    """

    def __init__(self, configs: list[RunConfig], examples: int):
        self.config, self.examples = configs[0], examples
        self.seeds = sorted({config.seed for config in configs})
        self.places = [self.seeds.index(config.seed) for config in configs]
        chunk = self.config.evaluate_every
        self.span = -(-(examples // self.config.batch_size) // chunk) * chunk
        self._first, self._rows = 0, None

    def __call__(self, start: int, count: int) -> np.ndarray:
        if self._rows is None or start != self._first:
            self._first, span = start, min(self.span, self.config.steps - start)
            with ThreadPoolExecutor(cores()) as threads:
                drawn = list(threads.map(lambda seed: self._of(seed, start, span), self.seeds))
            self._rows = np.stack(drawn, axis=1)
        rows, self._rows = self._rows[:count, self.places], self._rows[count:]
        self._first += count
        if not len(self._rows):
            self._rows = None
        return rows

    def _of(self, seed: int, start: int, count: int) -> np.ndarray:
        config = self.config
        return batch_order(seed, self.examples, config.batch_size, count, start, config.shuffling)


def _together(states: list[State]) -> State:
    return State(*([np.stack(values) for values in zip(*each)] for each in zip(*states)))


@functools.lru_cache(maxsize=4)
def _engine(config: RunConfig, input_shape: tuple[int, ...], outputs: int) -> tuple[JaxEngine, HalvingRate]:
    model, rate = build_model(config, input_shape, outputs), HalvingRate()
    optimizer = config.optimizer.build(rate, model)
    engine = JaxEngine(
        model, optimizer, rate.variables, config.task.loss(), config.task.score, watch=config.model.watched
    )
    return engine, rate


def _device() -> str:
    device = jax.devices()[0]
    return "CPU" if device.platform == "cpu" else device.device_kind
