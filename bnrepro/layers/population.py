"""Algorithm 2: statistics of the population after training, for our BN and Keras's. Knows no experiment and no data set."""

import keras
import numpy as np
from keras import ops, tree

from bnrepro.errors import UserError
from bnrepro.layers.folding import KINDS, fold
from bnrepro.layers.mini_batches import mini_batches
from bnrepro.layers.recording import recording, repeats_any, unrolled

__all__ = ["fold", "population_statistics"]


def population_statistics(model, x, batch_size=None, steps=None):
    """Replaces every BN's running statistics by those of step 10 of Algorithm 2.

    For each feature, over the mini-batches B of m' values that `x` is cut into:

        E[x] = E_B[mean_B],    Var[x] = E_B[variance_B m' / (m' - 1)]

    The mini-batches run through the model in training mode, so that a BN sees what the layers before it give in training,
    theirs normalized with the mini-batch and Dropout active with a fresh mask for each. Nothing else changes: not the
    seeds, nor the state of any other layer, nor the statistics of Batch Renormalization that training uses. Where a mask
    leaves a mini-batch fewer than two values of a feature, the expectation is over the others. A BN that is called several
    times in the model, as in the cell of a recurrent layer, averages over its calls, and one of ghost batches over these; one
    that is not `trainable`, or called with `training=False`, also in a functional graph, normalizes as at inference and stays.

    Args:
        model: A built Keras model with BN layers, ours or Keras's, at any depth.
        x: Training examples. Either as `model` takes them, an array `(examples, ...)`, or a list, tuple or dict of such: they
            are used in the order given, so shuffle them first. Or what `fit` takes that is cut into mini-batches already, a
            `tf.data.Dataset`, `keras.utils.PyDataset`, torch `DataLoader` or generator of inputs, `(inputs, targets)` or
            `(inputs, targets, weights)`. A last mini-batch that is not full is left out.
        batch_size: Examples in a mini-batch, as in training. Of arrays it must be given; else it is that of the first.
        steps: Mini-batches that are used at most, the first ones; all by default. What has no end needs it.

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
    for layer, (number, mean, variance) in _sum_over_batches(model, layers, mini_batches(x, batch_size, steps)).items():
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
    if not statistics:
        raise UserError(
            f"a trainable BN must be called in training, but none of the {len(layers)} in {model.name!r} is: leave "
            "training=False out where it is called"
        )
    for layer, (mean, variance) in statistics.items():
        layer.moving_mean.assign(mean)
        layer.moving_variance.assign(variance)
        if layer.renorm:
            layer.moving_stddev.assign(np.sqrt(variance + layer.epsilon))  # moving_variance is derived from it
    return statistics


def _sum_over_batches(model, layers, batches):
    """`{layer: [number, mean, variance]}`, summed over mini-batches and calls that have two values of the feature or more."""
    seeds = [generator.state for layer in model._flatten_layers() for generator in layer._seed_generators]
    indices, calls = {id(layer): index for index, layer in enumerate(layers)}, []

    def step(states, batch):
        calls.clear()
        with keras.StatelessScope(list(zip(seeds, states, strict=True))) as scope:
            model(batch, training=True)
            sums = {}
            for index, moments in calls:
                sums[index] = tree.map_structure(lambda a, b: a + b, sums[index], moments) if index in sums else moments
        return sums, [scope.get_current_value(seed) for seed in seeds]

    totals, states = {}, [seed.value for seed in seeds]
    recurrent = [layer for layer in model._flatten_layers() if repeats_any(layer, indices)]
    with recording(indices, calls), unrolled(recurrent):
        run = _op_by_op(step) if recurrent else _compiled(step, model)
        for batch in batches:
            try:
                sums, states = run(states, batch)
            except Exception:
                # As with a BN inside of a loop that is compiled: its tensors are the loop's own. What is wrong with the
                # model or the mini-batch goes wrong again.
                run = _op_by_op(step)
                sums, states = run(states, batch)
            for index, moments in sums.items():
                new = np.array([ops.convert_to_numpy(moment) for moment in moments], "float64")
                totals[index] = totals.get(index, 0) + new
    return {layers[index]: totals[index] for index in sorted(totals)}


def _compiled(step, model):
    if keras.backend.backend() == "torch":
        import torch

        return torch.no_grad()(step)
    if getattr(model, "run_eagerly", False):
        return _op_by_op(step)
    if keras.backend.backend() == "jax":
        import jax

        return jax.jit(step)
    import tensorflow as tf

    return tf.function(step, autograph=False)


def _op_by_op(step):
    if keras.backend.backend() != "jax":
        return step

    def loops_in_python(*arguments):
        import jax

        with jax.disable_jit():
            return step(*arguments)

    return loops_in_python
