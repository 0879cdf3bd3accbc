"""Many replicates of any Keras model in one compiled program on JAX: `scan` over steps, `vmap` over replicates.

A replicate is a value for every variable of model, optimizer and rate, so replicates may differ in start, seed and rate; the
program, model and data are one. Needs the JAX backend, and loads no TensorFlow. Knows no config, no data set and no table.
"""

import math
import time
from collections.abc import Callable, Iterator
from typing import NamedTuple

import jax
import jax.numpy as jnp
import keras
import numpy as np

from bnrepro.measurements.activation_quantiles import Percentiles
from bnrepro.measurements.norms import norms, set_for_now
from bnrepro.training.order_statistics import percentiles

LARGEST = 2**28
"""Numbers of one layer's outputs, over all examples and replicates that are computed at once: a GiB of float32."""


class State(NamedTuple):
    """All variables, one replicate after the other along the first axis: those that are trained, and all others."""

    weights: list[jax.Array]
    others: list[jax.Array]


class Trained(NamedTuple):
    """What one chunk of steps gave: `losses`, `metrics` and losses without penalties are `(replicates, steps of the chunk)`.

    Attributes:
        state: The replicates now.
        start: Steps done before the chunk.
        seconds: Wall-clock time of the chunk, without compilation.
    """

    state: State
    start: int
    losses: np.ndarray
    metrics: np.ndarray
    unpenalized: np.ndarray
    seconds: float


class JaxEngine:
    """Trains and evaluates replicates of one model.

    So many replicates are computed at once that no layer's outputs are more than `LARGEST` numbers; the others wait for their
    turn within the same step.

    Args:
        model: Any built Keras model of one output.
        optimizer: Any Keras optimizer.
        schedule: Variables that the optimizer's rate depends on, where each replicate has its own rate.
        loss: A Keras loss: `loss(labels, outputs)` is a scalar.
        metric: A function from labels and outputs to one value an example.
        watch: The name of a layer of whose inputs `evaluate` gives percentiles; None for none.
        unroll: Steps that are compiled one after the other; see `jax.lax.scan`.
    """

    def __init__(
        self,
        model: keras.Model,
        optimizer: keras.optimizers.Optimizer,
        schedule: list[keras.Variable],
        loss: Callable,
        metric: Callable,
        watch: str | None = None,
        unroll: int = 1,
    ):
        self.model, self.optimizer, self.loss, self.metric, self.unroll = model, optimizer, loss, metric, unroll
        optimizer.build(model.trainable_variables)
        self.weights = list(model.trainable_variables)
        self.others = [*model.non_trainable_variables, *optimizer.variables, *schedule]
        self._start = [(variable, np.asarray(variable.value)) for variable in (*self.weights, *self.others)]
        self._watching = None
        if watch:
            self._watching = keras.Model(model.inputs, [*model.outputs, model.get_layer(watch).input])
        self._widest = max(math.prod(layer.output.shape[1:]) for layer in model.layers)
        self._programs, self.compile_seconds = {}, 0.0

    def forget_programs(self) -> None:
        """Has everything compiled anew, as after a change of `unroll` or of JAX's precision."""
        self._programs.clear()

    def reset(self) -> None:
        """Puts every variable back to its value at construction."""
        for variable, value in self._start:
            variable.assign(value)

    def values(self) -> State:
        """The variables' values now, as one replicate without a first axis."""
        return State([np.asarray(one.value) for one in self.weights], [np.asarray(one.value) for one in self.others])

    def load(self, state: State, place: int) -> None:
        """Sets the variables to those of one replicate."""
        for variable, values in zip((*self.weights, *self.others), (*state.weights, *state.others)):
            variable.assign(values[place])

    def train(
        self, state: State, x: jax.Array, y: jax.Array, order: Callable, steps: int, chunk: int, begin: int = 0
    ) -> Iterator[Trained]:
        """Trains, and yields after every `chunk` steps.

        The state that was given is used up, and so is each one that was yielded when the next is asked for.

        Args:
            state: The replicates.
            x: Examples, on the device.
            y: Labels, on the device.
            order: `order(start, count)` gives the rows of mini-batches start to start + count, `(count, replicates,
                batch_size)`; those of the next chunk are drawn while the device trains this one.
            steps: Steps in all.
            chunk: Steps in one compiled call; a shorter last chunk is compiled anew.
            begin: Steps that are done already.
        """
        rows = jax.device_put(order(begin, min(chunk, steps - begin)))
        for start in range(begin, steps, chunk):
            program = self._compiled(self._train_chunk, state, x, y, rows, donated=(0,))
            began = time.perf_counter()
            state, *found = program(state, x, y, rows)
            following = start + chunk
            if following < steps:
                rows = jax.device_put(order(following, min(chunk, steps - following)))
            found = [np.ascontiguousarray(np.asarray(values).T) for values in found]
            yield Trained(state, start, *found, time.perf_counter() - began)

    def evaluate(
        self, state: State, x: jax.Array, y: jax.Array, watched: bool = False
    ) -> tuple[np.ndarray, np.ndarray, list[Percentiles] | None]:
        """Mean loss and mean metric by replicate, in inference mode, and percentiles of the watched layer's inputs.

        Examples go in blocks for which no layer's outputs are more than `LARGEST` numbers.
        """
        replicates, watched = len(state.weights[0]), watched and self._watching is not None
        blocks = -(-len(x) // min(2_000, max(1, LARGEST // (replicates * self._widest))))
        bounds = [len(x) * number // blocks for number in range(blocks + 1)]
        block_of = self._watch_block if watched else self._evaluate_block
        parts = []
        for start, end in zip(bounds, bounds[1:]):
            block = x[start:end], y[start:end]
            parts.append(self._compiled(block_of, state, *block)(state, *block))
        sizes = np.diff(bounds)
        losses = sum(np.asarray(loss, float) * size for (loss, *_), size in zip(parts, sizes)) / len(x)
        metrics = sum(np.asarray(total, float) for _, total, *_ in parts) / len(x)
        if not watched:
            return losses, metrics, None
        inputs = jnp.concatenate([inputs for *_, inputs in parts], axis=1)
        return losses, metrics, percentiles(inputs)

    def with_population_statistics(self, state: State, x: jax.Array, rows: np.ndarray) -> State:
        """The replicates with the running statistics of step 10 of Algorithm 2, over mini-batches in training mode.

        Args:
            state: The replicates, which stay as they are.
            x: Examples, on the device.
            rows: The mini-batches, `(mini-batches, replicates, batch_size)` places in `x`.
        """
        rows = jax.device_put(rows)
        return self._compiled(self._population, state, x, rows)(state, x, rows)

    def _compiled(self, function: Callable, *arguments, donated: tuple[int, ...] = ()):
        shapes = jax.tree.map(lambda value: (value.shape, str(value.dtype)), arguments)
        key = (function.__name__, str(shapes))
        if key not in self._programs:
            began = time.perf_counter()
            self._programs[key] = jax.jit(function, donate_argnums=donated).lower(*arguments).compile()
            if donated:
                self.compile_seconds += time.perf_counter() - began
        return self._programs[key]

    def _train_chunk(self, state: State, x, y, rows):
        at_once = max(1, LARGEST // (rows.shape[2] * self._widest))

        def step(state, rows):
            def one(replicate):
                own, row = replicate
                return self._step(own, jnp.take(x, row, axis=0, mode="clip"), jnp.take(y, row, axis=0, mode="clip"))

            if at_once >= len(rows):
                return jax.vmap(one)((state, rows))
            return jax.lax.map(one, (state, rows), batch_size=at_once)

        state, found = jax.lax.scan(step, state, rows, unroll=min(self.unroll, len(rows)))
        return state, *found

    def _step(self, state: State, examples, labels) -> tuple[State, tuple]:
        def loss_of(weights):
            with self._holding(State(weights, state.others)) as scope:
                outputs = self.model(examples, training=True)
                bare = self.loss(labels, outputs)
                metric = jnp.mean(self.metric(labels, outputs))
                return sum(self.model.losses, bare), (metric, bare, self._now(scope).others)

        (loss, (metric, bare, others)), gradients = jax.value_and_grad(loss_of, has_aux=True)(state.weights)
        with self._holding(State(state.weights, others)) as scope:
            self.optimizer.apply(gradients, self.weights)
            return self._now(scope), (loss, metric, bare)

    def _evaluate_block(self, state: State, x, y):
        return jax.vmap(lambda own: self._evaluate(self.model, own, x, y))(state)

    def _watch_block(self, state: State, x, y):
        return jax.vmap(lambda own: self._evaluate(self._watching, own, x, y))(state)

    def _evaluate(self, model: keras.Model, state: State, x, y) -> tuple:
        with self._holding(state):
            outputs, *inputs = keras.tree.flatten(model(x, training=False))
            return self.loss(y, outputs), jnp.sum(self.metric(y, outputs)), *inputs

    def _population(self, state: State, x, rows) -> State:
        layers = norms(self.model)
        statistics = [weight for layer in layers for weight in (layer.moving_mean, layer.moving_variance)]

        def moments(state, row):
            with self._holding(state) as scope:
                self.model(jnp.take(x, row, axis=0, mode="clip"), training=True)
                new = self._now(scope).others
                return State(state.weights, new), [scope.get_current_value(weight) for weight in statistics]

        def one(state, rows):
            _, found = jax.lax.scan(moments, state, rows)
            new = {id(weight): jnp.mean(values, axis=0) for weight, values in zip(statistics, found)}
            others = [new.get(id(weight), value) for weight, value in zip(self.others, state.others)]
            return State(state.weights, others)

        # What a layer's running statistics become with momentum 0 are the mini-batch's own.
        with set_for_now(layers, momentum=0.0):
            return jax.vmap(one, in_axes=(0, 1))(state, rows)

    def _holding(self, state: State) -> keras.StatelessScope:
        return keras.StatelessScope([*zip(self.weights, state.weights), *zip(self.others, state.others)])

    def _now(self, scope: keras.StatelessScope) -> State:
        return State(*([scope.get_current_value(one) for one in each] for each in (self.weights, self.others)))
