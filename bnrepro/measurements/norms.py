"""The BN layers of a model, and changes of it that last for a look. Knows no backend, no config and no data set."""

import contextlib
from collections.abc import Iterable, Iterator
from typing import NamedTuple

import keras
import numpy as np
from keras import ops

from bnrepro.layers.batch_normalization import BatchNormalization


class Moments(NamedTuple):
    """Means and variances of the features of one BN: `(features,)`, or `(mini-batches, features)`."""

    mean: np.ndarray
    variance: np.ndarray


def norms(model: keras.Model) -> list[BatchNormalization]:
    """The BN layers of a model, in its order."""
    return [layer for layer in model.layers if isinstance(layer, BatchNormalization)]


@contextlib.contextmanager
def normalizing_with(model: keras.Model, statistics: dict[str, Moments]) -> Iterator[None]:
    """The model with other running statistics, for a while."""
    with untouched(model):
        for layer in norms(model):
            layer.moving_mean.assign(statistics[layer.name].mean)
            layer.moving_variance.assign(statistics[layer.name].variance)
        yield


@contextlib.contextmanager
def untouched(model: keras.Model) -> Iterator[None]:
    """Puts running statistics and the states of random generators back when done, so that a look changes nothing."""
    kept = [(variable, ops.convert_to_numpy(variable.value)) for variable in model.non_trainable_variables]
    try:
        yield
    finally:
        for variable, value in kept:
            variable.assign(value)


@contextlib.contextmanager
def set_for_now(layers: Iterable[keras.layers.Layer], **values) -> Iterator[None]:
    """Layers with other values of some attributes, for a while: as long as a program of them is traced."""
    kept = [(layer, {name: getattr(layer, name) for name in values}) for layer in layers]
    try:
        for layer, _ in kept:
            for name, value in values.items():
                setattr(layer, name, value)
        yield
    finally:
        for layer, own in kept:
            for name, value in own.items():
                setattr(layer, name, value)
