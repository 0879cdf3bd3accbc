"""Many training steps of any Keras model in one compiled program over data that already lies on the device.

A chunk of steps is one call; between chunks the caller evaluates, probes, moves a progress bar or stops. Needs the
TensorFlow backend. Knows no config, no data set and no table.
"""

import functools
import time
from collections.abc import Callable, Iterator, Sequence

import keras
import numpy as np
import tensorflow as tf

from bnrepro.backend.compilation import compile_mode
from bnrepro.training.engine import Chunk, check_alike
from bnrepro.training.mirrored import divided_step


def one_thread() -> None:
    """Lets TensorFlow use one thread in this process: one process a core is the fast way on a CPU, and the same bits each time.

    Raises:
        RuntimeError: TensorFlow already runs with more threads here.
    """
    if tf.config.threading.get_intra_op_parallelism_threads() != 1:
        tf.config.threading.set_intra_op_parallelism_threads(1)
        tf.config.threading.set_inter_op_parallelism_threads(1)


class Engine:
    """Trains and evaluates one model in compiled programs that serve every rate, start and seed, one a mini-batch size.

    In the scope of a strategy in which model and optimizer were made too, its devices share each step; under `graph` alone.

    Args:
        model: Any built Keras model of one output, functional or sequential where layers are watched.
        optimizer: Any Keras optimizer.
        loss: A Keras loss: `loss(labels, outputs)` is a scalar.
        metric: A function from labels and outputs to one value an example; by default accuracy from integer labels.
        watch: Names of layers whose inputs `evaluate` returns too.
        mode: `xla`, `graph`, or `auto` for `compile_mode(model)`.
    """

    def __init__(
        self,
        model: keras.Model,
        optimizer: keras.optimizers.Optimizer,
        loss: Callable,
        metric: Callable = keras.metrics.sparse_categorical_accuracy,
        watch: tuple[str, ...] = (),
        mode: str = "auto",
    ):
        if keras.backend.backend() != "tensorflow":
            raise RuntimeError(
                f"the engine needs the tensorflow backend: got {keras.backend.backend()}; set KERAS_BACKEND"
            )
        self.model, self.optimizer, self.loss, self.metric = model, optimizer, loss, metric
        self.mode = compile_mode(model, mode)
        self.compile_seconds = 0.0
        optimizer.build(model.trainable_variables)
        self.variables = [*model.variables, *optimizer.variables]
        self._start = self.values()
        self._evaluated = model
        if watch:
            inputs = [model.get_layer(name).input for name in watch]
            self._evaluated = keras.Model(model.inputs, [*model.outputs, *inputs])
        strategy = tf.distribute.get_strategy()
        if strategy.num_replicas_in_sync > 1:
            self._step = functools.partial(divided_step, strategy, self)
        self._chunk_programs = {}
        self._evaluate_block = tf.function(self._evaluate_program, jit_compile=self.mode == "xla", autograph=False)

    def reset(self) -> None:
        """Puts every variable of model and optimizer back to its value at construction, so that runs share no state."""
        self.load(self._start)

    def values(self) -> list[np.ndarray]:
        """The value of every variable of model and optimizer."""
        return [np.asarray(variable.numpy()) for variable in self.variables]

    def load(self, values: Sequence[np.ndarray]) -> None:
        """Sets every variable, to what `values` gave.

        Raises:
            ValueError: They are those of another model or optimizer; then nothing was changed.
        """
        check_alike(values, self._start)
        for variable, value in zip(self.variables, values):
            variable.assign(value)

    def train(
        self, x: tf.Tensor, y: tf.Tensor, order: Callable, steps: int, chunk: int, begin: int = 0
    ) -> Iterator[Chunk]:
        """Trains, and yields after every `chunk` steps; stops after the chunk in which the loss is no longer finite.

        Args:
            x: Examples, on the device.
            y: Labels, on the device.
            order: `order(start, count)` gives the rows of mini-batches start to start + count, `(count, batch_size)`.
            steps: Steps in all.
            chunk: Steps in one compiled call; the last chunk may be shorter.
            begin: Steps that are done already.
        """
        for start in range(begin, steps, chunk):
            count = min(chunk, steps - start)
            rows = order(start, count)
            rows = tf.constant(np.concatenate([rows, np.zeros((chunk - count, rows.shape[1]), rows.dtype)]))
            if start == begin:
                self._compile(x, y, rows)
            began = time.perf_counter()
            found = self._train_chunk(x, y, rows, tf.constant(count))
            losses, metrics, unpenalized = (values.numpy()[:count] for values in found)
            seconds = time.perf_counter() - began
            done = Chunk.of(start, losses, metrics, seconds, unpenalized)
            yield done
            if done.diverged_at is not None:
                return

    def evaluate(self, x: tf.Tensor, y: tf.Tensor, block: int = 2_000) -> tuple[float, float, list[np.ndarray]]:
        """Mean loss, mean metric and the watched layers' inputs over all examples, in inference mode, `block` at a time."""
        loss = metric = 0.0
        watched = []
        for start in range(0, len(x), block):
            part, values, *inputs = self._evaluate_block(x[start : start + block], y[start : start + block])
            loss += float(part) * len(values)
            metric += float(tf.reduce_sum(values))
            watched.append([value.numpy() for value in inputs])
        return loss / len(x), metric / len(x), [np.concatenate(parts) for parts in zip(*watched)]

    def _compile(self, x, y, rows) -> None:
        began = time.perf_counter()
        self._train_chunk(x, y, rows, tf.constant(0))
        self.compile_seconds = time.perf_counter() - began

    def _train_chunk(self, x, y, rows, count):
        # A function a shape, for TensorFlow warns of one that is traced for many.
        if rows.shape not in self._chunk_programs:
            self._chunk_programs[rows.shape] = tf.function(self._chunk_program, jit_compile=self.mode == "xla")
        return self._chunk_programs[rows.shape](x, y, rows, count)

    def _chunk_program(self, x, y, rows, count):
        size = rows.shape[0]
        losses, metrics, unpenalized = (tf.TensorArray(tf.float32, size, element_shape=()) for _ in range(3))
        step = tf.constant(0)
        while step < count:  # not `in tf.range(count)`, which XLA compiles again for each count
            loss, metric, bare = self._step(tf.gather(x, rows[step]), tf.gather(y, rows[step]))
            losses = losses.write(step, loss)
            metrics = metrics.write(step, metric)
            unpenalized = unpenalized.write(step, bare)
            step += 1
        return losses.stack(), metrics.stack(), unpenalized.stack()

    @tf.autograph.experimental.do_not_convert  # Keras has no control flow to convert, and to look for it takes seconds
    def _step(self, examples, labels):
        with tf.GradientTape() as tape:
            outputs = self.model(examples, training=True)
            bare = self.loss(labels, outputs)
            loss = tf.add_n([bare, *self.model.losses])
        weights = self.model.trainable_variables
        self.optimizer.apply(tape.gradient(loss, weights), weights)
        return loss, tf.reduce_mean(self.metric(labels, outputs)), bare

    def _evaluate_program(self, x, y):
        outputs, *watched = keras.tree.flatten(self._evaluated(x, training=False))
        return self.loss(y, outputs), self.metric(y, outputs), *watched
