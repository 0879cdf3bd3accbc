"""Algorithm 2: statistics of the population after training, for our BN and Keras's. Knows no experiment and no data set."""

import keras
import numpy as np
from keras import ops, tree

from bnrepro import kernels
from bnrepro.errors import UserError
from bnrepro.folding import KINDS, fold
from bnrepro.layer import BatchNormalization
from bnrepro.phase import training_phase

__all__ = ["fold", "population_statistics"]


def population_statistics(model, x, batch_size):
    """Replaces every BN's running statistics by those of step 10 of Algorithm 2.

    For each feature, over the mini-batches B of m' values that `x` is cut into:

        E[x] = E_B[mean_B],    Var[x] = E_B[variance_B m' / (m' - 1)]

    The mini-batches run through the model in training mode, so that a BN sees what the layers before it give in training,
    theirs normalized with the mini-batch and Dropout active with a fresh mask for each. Nothing else changes: not the
    seeds, nor the state of any other layer, nor the statistics of Batch Renormalization that training uses. Where a mask
    leaves a mini-batch fewer than two values of a feature, the expectation is over the others. A BN that is called several
    times in the model averages over its calls; one that is not `trainable`, or called with `training=False`, stays.

    Args:
        model: A built Keras model with BN layers, ours or Keras's, at any depth.
        x: Training examples as `model` takes them: an array `(examples, ...)`, or a list, tuple or dict of such. They are
            used in the order given, so shuffle them first; a last mini-batch that is not full is left out.
        batch_size: Examples in a mini-batch, as in training.

    Returns:
        `{layer: (mean, variance)}` of float64 arrays `(features,)`, as they were assigned.

    Raises:
        ValueError: If there is no BN to set, if `x` and `batch_size` make no mini-batch with two values of a feature, or if a
            statistic is not finite. The model is then as it was.

    References:
        Ioffe and Szegedy 2015, section 3.1, Algorithm 2, steps 8 to 10.
    """
    layers = [layer for layer in model._flatten_layers() if isinstance(layer, KINDS)]
    if not model.built or not all(layer.built for layer in layers):
        raise UserError(f"the model must be built, but {model.name!r} is not: call it on an example first")
    if not any(layer.trainable for layer in layers):
        raise UserError(
            f"a trainable BN is needed, but of the {len(layers)} in {model.name!r} none is: add one, or set trainable=True"
        )
    statistics = {}
    for layer, (number, mean, variance) in _sum_over_batches(model, layers, _batches(x, batch_size)).items():
        if not np.any(number):
            raise UserError(
                f"a mini-batch must have 2 values of a feature or more, but {layer.name!r} never saw so many with "
                f"batch_size={batch_size}: use a larger one"
            )
        if not np.all(np.isfinite([mean, variance])):
            raise UserError(
                f"statistics must be finite, but those of {layer.name!r} are not: look for nan in x and weights"
            )
        old = [ops.convert_to_numpy(weight.value) for weight in (layer.moving_mean, layer.moving_variance)]
        new = [total / np.maximum(number, 1) for total in (mean, variance)]
        statistics[layer] = tuple(np.where(number > 0, *pair) for pair in zip(new, old, strict=True))
    for layer, (mean, variance) in statistics.items():
        layer.moving_mean.assign(mean)
        layer.moving_variance.assign(variance)
        if layer.renorm:
            layer.moving_stddev.assign(np.sqrt(variance + layer.epsilon))  # moving_variance is derived from it
    return statistics


def _batches(x, batch_size):
    """The full mini-batches of `x`, in order."""
    sizes = {len(array) if np.ndim(array) else 0 for array in tree.flatten(x)}
    if len(sizes) != 1:
        raise UserError(f"all arrays in x must have as many examples, but they have {sorted(sizes)}: cut them alike")
    if not isinstance(batch_size, int) or not 1 <= batch_size <= min(sizes):
        raise UserError(
            f"batch_size must be a whole number from 1 to the number of examples, {min(sizes)}, but is {batch_size!r}: use "
            "that of training"
        )
    for start in range(0, min(sizes) - batch_size + 1, batch_size):
        yield tree.map_structure(lambda array: array[start : start + batch_size], x)  # noqa: B023 (used at once)


def _sum_over_batches(model, layers, batches):
    """`{layer: [number, mean, variance]}`, summed over mini-batches and calls that have two values of the feature or more."""
    seeds = [generator.state for layer in model._flatten_layers() for generator in layer._seed_generators]
    calls = []

    def step(states, batch):
        calls.clear()
        with keras.StatelessScope(list(zip(seeds, states, strict=True))) as scope:
            model(batch, training=True)
            sums = {}
            for place, moments in calls:
                sums[place] = tree.map_structure(lambda a, b: a + b, sums[place], moments) if place in sums else moments
        return sums, [scope.get_current_value(seed) for seed in seeds]

    for place, layer in enumerate(layers):
        layer.call = _recording(layer, place, calls)
    try:
        compiled, totals, states = _compiled(step, model), {}, [seed.value for seed in seeds]
        for batch in batches:
            sums, states = compiled(states, batch)
            for place, moments in sums.items():
                new = np.array([ops.convert_to_numpy(moment) for moment in moments], "float64")
                totals[place] = totals.get(place, 0) + new
    finally:
        for layer in layers:
            del layer.call
    return {layers[place]: total for place, total in totals.items()}


def _recording(layer, place, calls):
    """The layer's `call`, which also notes the moments of what it normalizes with this mini-batch."""
    call = layer.call

    def recording(inputs, training=None, mask=None):
        # Keras's own layer does what a sibling was told, ours what it was told.
        told = training_phase(layer, training) if isinstance(layer, BatchNormalization) else training
        if told and layer.trainable:
            x = ops.cast(inputs, keras.backend.result_type(inputs.dtype, "float32"))
            aligned = None if mask is None else kernels.aligned_mask(mask, x, layer.axis)
            mean, variance, number = kernels.moments(x, layer.axis, aligned)
            number = ops.broadcast_to(ops.cast(number, x.dtype), ops.shape(mean))
            usable = ops.cast(number > 1, x.dtype)
            correction = number / ops.maximum(number - 1, 1)
            calls.append((place, (usable, usable * mean, usable * variance * correction)))
        return call(inputs, training=training, mask=mask)

    return recording


def _compiled(step, model):
    if keras.backend.backend() == "torch":
        import torch

        return torch.no_grad()(step)
    if getattr(model, "run_eagerly", False):
        return step
    if keras.backend.backend() == "jax":
        import jax

        return jax.jit(step)
    import tensorflow as tf

    return tf.function(step, autograph=False)
