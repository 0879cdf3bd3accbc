"""What a net with BN says at inference with one choice of statistics or another, measured in a run.

Asked as those of `gradients` are; each leaves every variable of the model as it was. Knows no figure and no claim.
"""

import functools

import keras
import numpy as np
import pandas as pd
import tensorflow as tf

from bnrepro.backend.compilation import compile_mode
from bnrepro.config.run_config import RunConfig
from bnrepro.measurements.batch_moments import (
    batch_moments,
    batch_moments_at_inference,
    inference_moments,
    pooled_moments,
    population_moments,
)
from bnrepro.measurements.norms import Moments, normalizing_with, norms, untouched
from bnrepro.records.schemas import SCHEMAS, Tables

EXAMPLES = 4_096
"""Test examples that are looked at, the first ones; a multiple of every mini-batch that is a power of two."""

POPULATION = 8_192
"""Training examples whose mini-batches make up Algorithm 2's expectations."""

SIZES = (2, 4, 8, 16, 32, 64, 128, 256, 512, 1024)
"""Mini-batches whose statistics are compared with the population's."""

DRAWS = 64
"""Mini-batches of each of these sizes; more of the small ones, so that `POPULATION` examples or more are drawn."""

CONTRAST, NOISE = 0.5, 0.3
"""The shifted data: contrast halved around mid-grey; Gaussian noise of this standard deviation added to each pixel."""


class _Probe:
    """What the probes of this module share.

    Args:
        config: The run.
        model: Its model.
        loss: Its loss, `loss(labels, logits)`.
        train: Training images and labels.
        test: Test images and labels; the first `EXAMPLES` are used.
    """

    def __init__(self, config: RunConfig, model: keras.Model, loss, train: tuple, test: tuple):
        self.config, self.model, self.loss, self.x_train = config, model, loss, train[0]
        self.mode = config.compiler
        self.x, self.y = (part[:EXAMPLES] for part in test)
        self.rows = {"statistics": [], "variances": [], "errors": []}

    def tables(self, run: str) -> Tables:
        """The tables `statistics`, `variances` and `errors`; those without rows are left out."""
        return {
            name: pd.DataFrame([(run, *row) for row in rows], columns=SCHEMAS[name])
            for name, rows in self.rows.items()
            if rows
        }

    def _say(self, step: int, data: str, statistics: str, x: tf.Tensor, order=None, reference=None) -> np.ndarray:
        """Adds a row of `statistics`, and returns the predicted classes in the order of the examples.

        With the statistics `batch` the examples are cut into the run's mini-batches in the order `order`, else all are fixed.
        `changed` compares with the classes `reference`, by default those of another order.
        """
        order = self._order(0) if order is None else order
        logits, predicted = self._logits(x, order, statistics == "batch")
        classes, labels = logits.argmax(axis=1), self.y.numpy()
        if reference is None:
            reference = self._logits(x, self._order(1), statistics == "batch")[0].argmax(axis=1)
        loss = float(self.loss(labels[predicted], logits[predicted]))
        accuracy, changed = (float(share[predicted].mean()) for share in (classes == labels, classes != reference))
        self.rows["statistics"].append((step, data, statistics, loss, "accuracy", accuracy, changed))
        return classes

    def _order(self, number: int) -> np.ndarray:
        return np.random.default_rng([self.config.seed, 4, number]).permutation(len(self.x)).astype(np.int32)

    def _logits(self, x: tf.Tensor, order: np.ndarray, in_batches: bool) -> tuple[np.ndarray, np.ndarray]:
        """The logits by example, and the examples that a full mini-batch holds; those of the others are 0."""
        size = min(self.config.batch_size if in_batches else 1_024, len(order))
        full = order[: len(order) // size * size]
        rows = full.reshape(-1, size)
        with untouched(self.model):
            found = _logits_of(self.model, rows.shape, in_batches, self.mode)(x, tf.constant(rows)).numpy()
        logits = np.zeros((len(order), found.shape[-1]), np.float32)
        logits[full] = found.reshape(len(full), -1)
        return logits, np.sort(full)

    def _moments(self, **options) -> dict[str, Moments]:
        """Of the mini-batches of `POPULATION` training examples, drawn from the seed."""
        order = np.random.default_rng([self.config.seed, 3]).permutation(len(self.x_train))[:POPULATION]
        size = self.config.batch_size
        rows = order[: len(order) // size * size].reshape(-1, size).astype(np.int32)
        return batch_moments(self.model, self.x_train, rows, mode=self.mode, **options)

    def _moving(self) -> dict[str, Moments]:
        return {
            layer.name: Moments(layer.moving_mean.numpy(), layer.moving_variance.numpy()) for layer in norms(self.model)
        }

    def _compare(self, step: int, statistics: str, used: dict[str, Moments]) -> None:
        """Adds rows of `variances`: the variance of each BN in `used` against that of its inputs at inference with `used`.

        Those inputs are of all training examples, from which the mini-batches are drawn.
        """
        with normalizing_with(self.model, used):
            seen = inference_moments(self.model, self.x_train, mode=self.mode)
        for name, each in used.items():
            both = (seen[name].variance > 0) & (each.variance > 0)
            ratio = each.variance[both] / seen[name].variance[both]
            row = (step, name.removesuffix("_normalization"), statistics)
            self.rows["variances"].append((*row, float(ratio.mean()), float((1 / ratio).mean())))


class Modes(_Probe):
    """At the last evaluation, the test set with fixed statistics and with those of its own mini-batches.

    The fixed ones are the running statistics, or those of Algorithm 2 where the run is evaluated with them.
    """

    def measure(self, step: int, rate: float, last: bool) -> None:
        """Measures at the last evaluation."""
        if not last or not norms(self.model):
            return
        if self.config.normalization.inference_batches(self.config.batch_size):
            with normalizing_with(self.model, population_moments(self._moments())):
                self._say(step, "test", "population", self.x)
        else:
            self._say(step, "test", "moving", self.x)
        self._say(step, "test", "batch", self.x)


class Statistics(_Probe):
    """Every choice of statistics, on the test set and on shifted data, early (the first evaluation) and late (the last).

    `moving` are the running statistics, `moving_ddof0` the same with the biased variance; `population` is step 10 of
    Algorithm 2, `pooled` the variance of all values together; `batch` are the statistics of the test examples' own
    mini-batches. `moving` and `population` are measured on the test set at every evaluation. The data are `test`,
    `contrast`, `noise`, and `imbalanced`: the test set in the order of its classes, so that a mini-batch is of one class.
    """

    def measure(self, step: int, rate: float, last: bool) -> None:
        """Measures what is due at this step."""
        if not step:
            return
        with_bias = self._moments(ddof=0)
        size = self.config.batch_size
        unbiased = {
            name: each._replace(variance=each.variance * (size / (size - 1))) for name, each in with_bias.items()
        }
        found = {"moving": self._moving(), "population": population_moments(unbiased)}
        whole = last or step == self.config.evaluate_every
        if whole:
            found |= {"moving_ddof0": self._biased(step), "pooled": pooled_moments(with_bias)}
        for statistics, used in found.items():
            with normalizing_with(self.model, used):
                self._on_data(step, statistics, whole)
        if whole:
            self._on_data(step, "batch", whole)
        if last:
            self._compare(step, "population", population_moments(self._moments(ddof=1)))
            self._compare(step, "population_ddof0", population_moments(with_bias))
            self._compare(step, "moving", found["moving"])

    def _on_data(self, step: int, statistics: str, shifted: bool) -> None:
        classes = self._say(step, "test", statistics, self.x)
        if shifted:
            noise = np.random.default_rng([self.config.seed, 5]).standard_normal(self.x.shape).astype(np.float32)
            self._say(step, "contrast", statistics, 0.5 + CONTRAST * (self.x - 0.5))
            self._say(step, "noise", statistics, self.x + NOISE * noise)
            by_class = np.argsort(self.y.numpy(), kind="stable").astype(np.int32)
            self._say(step, "imbalanced", statistics, self.x, by_class, classes)

    def _biased(self, step: int) -> dict[str, Moments]:
        """The running statistics that `ddof=0` would have left: all steps but the start's 1 count (m - 1) / m as much."""
        start, share = self.config.normalization.momentum**step, 1 - 1 / self.config.batch_size
        return {
            name: each._replace(variance=(each.variance - start) * share + start)
            for name, each in self._moving().items()
        }


class Shift(_Probe):
    """At the last evaluation, what Dropout does to BN: variances in use against those at inference, and what cures it.

    `moving` are the running statistics, `population` those of Algorithm 2, with Dropout active as in training, `no_dropout`
    the same with Dropout off.
    """

    def measure(self, step: int, rate: float, last: bool) -> None:
        """Measures at the last evaluation."""
        if not last or not norms(self.model):
            return
        found = {"moving": self._moving(), "population": population_moments(self._moments())}
        found["no_dropout"] = population_moments(self._moments(dropout=False))
        for statistics, used in found.items():
            with normalizing_with(self.model, used):
                self._say(step, "test", statistics, self.x)
            self._compare(step, statistics, used)


class Sampling(_Probe):
    """At the last evaluation, how far the statistics of a mini-batch in training lie from the population's.

    The population's are the moments of each BN's inputs over training examples, where the layers below normalize with those of
    Algorithm 2. The errors are root mean squares over features and mini-batches, in standard deviations for the mean, relative
    for the (unbiased) variance. The examples of a mini-batch are drawn one by one, so one may occur twice.
    """

    def measure(self, step: int, rate: float, last: bool) -> None:
        """Measures at the last evaluation."""
        if not last:
            return
        used = population_moments(self._moments())
        with normalizing_with(self.model, used):
            truth = inference_moments(self.model, self.x_train, mode=self.mode)
        for size in SIZES:
            draws = max(DRAWS, POPULATION // size)
            generator = np.random.default_rng([self.config.seed, 6, size])
            rows = generator.integers(len(self.x_train), size=(draws, size)).astype(np.int32)
            for name, each in self._drawn(rows, used).items():
                mean, variance = truth[name]
                errors = (each.mean - mean) / np.sqrt(variance), each.variance / variance - 1
                found = (float(np.sqrt(np.mean(error[:, variance > 0] ** 2))) for error in errors)
                self.rows["errors"].append((name.removesuffix("_normalization"), size, *found))

    def _drawn(self, rows: np.ndarray, used: dict[str, Moments]) -> dict[str, Moments]:
        """The moments of each of the mini-batches `rows`; `used` are the population's."""
        return batch_moments(self.model, self.x_train, rows, mode=self.mode)


class SamplingAtInference(Sampling):
    """The same of mini-batches at inference: the layers below normalize with the population's statistics, whoever else is there.

    So the values of a feature are independent of each other in every layer, as the examples are that were drawn.
    """

    def _drawn(self, rows: np.ndarray, used: dict[str, Moments]) -> dict[str, Moments]:
        with normalizing_with(self.model, used):
            return batch_moments_at_inference(self.model, self.x_train, rows, mode=self.mode)


@functools.lru_cache(maxsize=16)  # by shape, for TensorFlow warns of a function that is traced for many
def _logits_of(model: keras.Model, shape: tuple[int, int], training: bool, mode: str):
    @tf.function(jit_compile=compile_mode(model, mode) == "xla", autograph=False)
    def program(x, rows):
        return tf.map_fn(
            lambda row: model(tf.gather(x, row), training=training),
            rows,
            parallel_iterations=1,
            fn_output_signature=tf.float32,
        )

    return program
