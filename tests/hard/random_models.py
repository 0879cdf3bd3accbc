"""Random Keras models: our layer against the paper in float64, and all that is done with a whole model."""

import contextlib
import functools
import random
import shutil
import sys
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from unittest import mock

from bnrepro.backend.tensorflow_logging import load_tensorflow

load_tensorflow()

import keras  # noqa: E402
import numpy as np  # noqa: E402
import tensorflow as tf  # noqa: E402

from bnrepro.errors import UserError  # noqa: E402
from bnrepro.layers import reference  # noqa: E402
from bnrepro.layers.batch_normalization import BatchNormalization  # noqa: E402
from bnrepro.layers.folding import fold  # noqa: E402
from bnrepro.layers.population import population_statistics  # noqa: E402
from tests.hard.building import build  # noqa: E402
from tests.hard.descriptions import Description, descriptions  # noqa: E402
from tests.hard.drawing import drawn  # noqa: E402
from tests.hard.oracle import Oracle, as_float64, moved, weights_of  # noqa: E402
from tests.hard.trials import Place, Trial, Trials, command  # noqa: E402

BATCHES = 3
"""Mini-batches that the statistics of the population are taken from."""

LAYER = {"float64": 1e-10, "float32": 2e-5, "float16": 4e-3, "bfloat16": 3e-2}
"""How far the output of one layer may be from its oracle, relative to its largest term, as in the layer's own tests."""

NET = {"float64": 1e-8, "float32": 2e-3}
"""How far a whole net's may be. Not asked in 16 bits: layers round what the next ones divide by small deviations."""

FOLDED = {"float64": 1e-5, "float32": 1e-5, "float16": 32 * 2**-11, "bfloat16": 32 * 2**-8}
"""How far a folded or exported net's may be."""


@dataclass(frozen=True)
class Call:
    """One call of one of our layers in a model, with its weights before it."""

    layer: BatchNormalization
    x: np.ndarray
    y: np.ndarray
    mask: np.ndarray | None
    weights: list


class Case:
    """A model that was drawn, its data, and what is wrong with it so far."""

    def __init__(self, description: Description):
        self.description, self.faults = description, []
        self.model, self.steps, self.form = build(description)
        chance = np.random.default_rng(description.seed)
        for layer in set(self.ours()):
            layer.set_weights([chance.uniform(0.5, 1.5, weight.shape) for weight in layer.weights])
        x = chance.standard_normal((BATCHES * description.examples, *description.shape))
        self.mask = None
        if description.masked:
            self.mask = chance.random(x.shape[:2]) < 0.7
            self.mask[:, 0] = True
            x = x * self.mask[..., None]
        self.dtype = keras.DTypePolicy(description.dtype).compute_dtype
        self.x = keras.ops.convert_to_numpy(keras.ops.cast(x, self.dtype))
        self.weights = self.model.get_weights()

    def ours(self) -> list[BatchNormalization]:
        return [layer for layer in self.model._flatten_layers() if isinstance(layer, BatchNormalization)]

    def compare(self, what: str, found, expected, tolerance: float, scale: float | None = None) -> None:
        """Notes a fault where `found` is more than `tolerance` of `scale`, by default the largest value, from `expected`."""
        found, expected = np.asarray(found, "float64"), np.asarray(expected, "float64")
        scale = max(np.max(np.abs(expected), initial=1e-3), scale or 0)
        if found.shape != expected.shape:
            self.faults.append(f"{what}: shape {found.shape}, not {expected.shape}")
        elif not np.max(np.abs(found - expected), initial=0) <= tolerance * scale:
            self.faults.append(f"{what}: off by {np.max(np.abs(found - expected)) / scale:.1e}")

    def outputs(self, model: keras.Model, training: bool = False) -> np.ndarray:
        """Of the first mini-batch, in float64."""
        return as_float64(model(self.batches()[0], training=training))

    def batches(self) -> list[np.ndarray]:
        return np.split(self.x, BATCHES)

    def masks(self) -> list:
        return [None] * BATCHES if self.mask is None else np.split(self.mask, BATCHES)

    def reset(self) -> None:
        self.model.set_weights(self.weights)


def check_layers(case: Case, training: bool) -> None:
    """Each call of our layer, and its running statistics, against the paper."""
    before = {layer: weights_of(layer) for layer in case.ours()}
    with recorded() as calls:
        found = case.outputs(case.model, training)
    seen = {}
    for call in calls:
        gamma, beta, mean, variance = call.weights
        layer, name = call.layer, f"{call.layer.name} {'in training' if training else 'at inference'}"
        if training and layer.trainable:
            mask = None if call.mask is None else np.broadcast_to(call.mask[..., None], call.x.shape)
            expected, mean, variance = reference.algorithm_1(call.x, gamma, beta, layer.axis, layer.epsilon, mask)
            count = reference.count(call.x.shape, layer.axis) if mask is None else call.mask.sum()
            seen.setdefault(layer, []).append((mean, variance, count))
        else:
            expected = reference.inference(call.x, gamma, beta, mean, variance, layer.axis, layer.epsilon)
        largest = np.max(np.abs(gamma) * np.max(np.abs(call.x)) / np.sqrt(variance + layer.epsilon))
        case.compare(name, call.y, expected, LAYER[case.dtype], largest)
    for layer, old in before.items():
        expected = moved(old, seen.get(layer, []), layer)
        for what, value, oracle in zip(("mean", "variance"), weights_of(layer)[2:], expected, strict=True):
            case.compare(f"moving {what} of {layer.name}", value, oracle, LAYER["float32"], 10.0)
    if not {layer for layer, _ in before.items()} <= {call.layer for call in calls}:
        case.faults.append("a layer was not called")
    case.reset()
    if case.dtype in NET:
        expected = Oracle(training, case.masks()[0])(case.steps, case.batches()[0])
        case.compare(f"the net {'in training' if training else 'at inference'}", found, expected, NET[case.dtype])


@contextlib.contextmanager
def recorded() -> Iterator[list[Call]]:
    """While it lasts, the calls of our layers."""
    calls, whole = [], BatchNormalization.call

    @functools.wraps(whole)
    def noting(layer, inputs, training=None, mask=None):
        weights = weights_of(layer)
        y = whole(layer, inputs, training=training, mask=mask)
        calls.append(
            Call(layer, as_float64(inputs), as_float64(y), None if mask is None else np.asarray(mask), weights)
        )
        return y

    with mock.patch.object(BatchNormalization, "call", noting):
        yield calls


def check_population(case: Case) -> None:
    """Step 10 of Algorithm 2, from the moments that the net in float64 sees; in 16 bits, that the net itself sees."""
    seen = [_moments(case, batch, mask) for batch, mask in zip(case.batches(), case.masks(), strict=True)]
    case.reset()
    trained = [layer for layer in case.ours() if layer.trainable]
    try:
        population_statistics(case.model, case.x, case.description.examples)
    except UserError as error:
        if trained:
            case.faults.append(f"population statistics refused: {error}")
        return
    for layer in trained:
        moments = [moment for each in seen for moment in each[layer]]
        expected = (
            np.mean([mean for mean, _, _ in moments], 0),
            np.mean([variance * count / (count - 1) for _, variance, count in moments], 0),
        )
        tolerance = NET.get(case.dtype, LAYER[case.dtype])
        for what, value, oracle in zip(("mean", "variance"), weights_of(layer)[2:], expected, strict=True):
            case.compare(f"population {what} of {layer.name}", value, oracle, tolerance)


def _moments(case: Case, batch: np.ndarray, mask) -> dict:
    if case.dtype in NET:
        oracle = Oracle(True, mask)
        oracle(case.steps, batch)
        return oracle.seen
    with recorded() as calls:
        case.model(batch, training=True)
    seen = {}
    for call in calls:
        mask = None if call.mask is None else np.broadcast_to(call.mask[..., None], call.x.shape)
        count = reference.count(call.x.shape, call.layer.axis) if mask is None else call.mask.sum()
        seen.setdefault(call.layer, []).append((*reference.moments(call.x, call.layer.axis, mask), count))
    return seen


def check_fold(case: Case) -> None:
    """The same outputs to 1e-5, or a refusal where there is a reason for one."""
    try:
        folded = fold(case.model, case.batches()[0])
    except UserError as error:
        if case.form != "subclassed" and not _adds_biases_elsewhere(case):
            case.faults.append(f"fold refused: {error}")
        return
    case.compare("folded", case.outputs(folded), case.outputs(case.model), FOLDED[case.dtype])


def _adds_biases_elsewhere(case: Case) -> bool:
    """Whether Keras adds a bias along the last axis in place of the features': `keras.ops.add` on TensorFlow does, in Keras 3.15,
    where the features stand first and the last axis is as long.
    """
    shapes = [layer.output.shape for layer in case.model._flatten_layers() if hasattr(layer, "data_format")]
    return case.description.channels_first and any(shape[1] == shape[-1] for shape in shapes)


def check_copies(case: Case, folder: Path) -> None:
    """Saved and loaded, exported, cloned: the same outputs."""
    expected = case.outputs(case.model)
    case.model.save(folder / "model.keras")
    case.compare("loaded", case.outputs(keras.models.load_model(folder / "model.keras")), expected, 0)
    clone = keras.models.clone_model(case.model)
    if not clone.built:
        clone(case.batches()[0])
    clone.set_weights(case.model.get_weights())
    case.compare("cloned", case.outputs(clone), expected, 0)
    case.compare("cloned, in training", case.outputs(clone, True), case.outputs(case.model, True), 0)
    for mine, whole in zip(clone.get_weights(), case.model.get_weights(), strict=True):
        case.compare("statistics of the clone", as_float64(mine), as_float64(whole), 0)
    case.reset()
    case.model.export(str(folder / "exported"), format="tf_saved_model", verbose=False)
    exported = tf.saved_model.load(str(folder / "exported"))
    case.compare("exported", as_float64(exported.serve(case.batches()[0])), expected, FOLDED[case.dtype])


def faults(description: Description, folder: Path) -> tuple[str, list[str]]:
    """The form of a model and what is wrong with it."""
    keras.backend.clear_session()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        case = Case(description)
        try:
            for training in (False, True):
                check_layers(case, training)
            check_population(case)
            check_fold(case)
            case.reset()
            check_copies(case, folder)
        except Exception as error:
            case.faults.append(f"raised {type(error).__name__}: {error}"[:300])
    return case.form, [f"{fault} in {description}" for fault in case.faults]


@contextlib.contextmanager
def begin(place: Place) -> Iterator[Trial]:
    models = drawn(descriptions(), max(place.count, TRIALS.count), place.seed)

    def trial(number: int, chance: random.Random) -> tuple[str, list[str]]:
        folder = place.folder / str(number)
        folder.mkdir()
        found = faults(models[number], folder)
        shutil.rmtree(folder)
        return found

    yield trial


TRIALS = Trials(
    name="random_models",
    tried="A Keras model drawn by Hypothesis over layers, shapes, dtypes, both data formats, masks; sequential, functional, "
    "nested, shared, subclassed",
    wrong="our layer, its running statistics or `population_statistics` other than the paper in float64, in training or at "
    "inference; `fold` off by more than 1e-5 (32 roundings in 16 bits); a saved, exported or cloned model that differs",
    count=500,
    begin=begin,
)

if __name__ == "__main__":
    sys.exit(command(TRIALS))
