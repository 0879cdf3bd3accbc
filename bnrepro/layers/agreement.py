"""Whether two models give the same outputs on a batch, and the first layer where they do not. Knows no BN and no fold."""

import warnings

import keras
import numpy as np
from keras import ops, tree

UNKNOWN = 32
"""Stands for a size that the model leaves open, other than that of the batch."""


def graph_of(model):
    """What knows the nodes of a `Sequential` or functional model; None where a `Sequential` is not built."""
    return model._functional if isinstance(model, keras.Sequential) else model


def random_batch(model, examples=2):
    """Inputs of the model at random: standard normal, 0 and 1 for whole numbers, `"a"` for text."""
    generator = np.random.default_rng(0)

    def array(tensor):
        first, *others = tensor.shape
        shape = (first or examples, *(UNKNOWN if size is None else size for size in others))
        if tensor.dtype == "string":
            return np.full(shape, "a", object)
        if "int" in tensor.dtype or tensor.dtype == "bool":
            return generator.integers(2, size=shape).astype(tensor.dtype)
        return ops.cast(generator.standard_normal(shape), tensor.dtype)

    return tree.map_structure(array, graph_of(model).input)


def outputs_of(model, x):
    """The outputs at inference, flat, as arrays; nothing in the model changes, not the states of its random generators."""
    with keras.StatelessScope(), warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # Keras 3.15 under NumPy 2
        outputs = tree.flatten(model(x, training=False))
        arrays = [np.asarray(ops.convert_to_numpy(each)) for each in outputs]
    return [each if each.dtype.kind in "SUO" else each.astype("float64") for each in arrays]


def difference(found, expected):
    """The largest difference of two lists of arrays, each relative to the largest value that is expected, or to 1e-3."""
    return max(map(_difference, found, expected), default=0.0)


def first_difference(model, other, x, tolerance, stands_for):
    """The name of the first layer of `model` whose outputs are more than `tolerance` away in `other`; None if none is found.

    `stands_for` maps the names of layers of `other` to those of the layers of `model` whose outputs they should have, where
    they are not the same.
    """
    expected = _outputs_by_name(model)
    for name, tensors in _outputs_by_name(other).items():
        name = stands_for.get(name, name)
        if name in expected:
            pair = (tensors, other), (expected[name], model)
            found = [outputs_of(keras.Model(each.inputs, wanted), tree.flatten(x)) for wanted, each in pair]
            if difference(*found) > tolerance:
                return name
    return None


def _difference(found, expected):
    if found.shape != expected.shape:
        return np.inf
    if expected.dtype.kind in "SUO":
        return 0.0 if np.array_equal(found, expected) else np.inf
    finite = np.isfinite(expected)
    if not np.array_equal(found[~finite], expected[~finite], equal_nan=True) or not np.all(np.isfinite(found[finite])):
        return np.inf
    gap = np.max(np.abs(found[finite] - expected[finite]), initial=0)
    return float(gap / max(np.max(np.abs(expected[finite]), initial=0), 1e-3))


def _outputs_by_name(model):
    depths = sorted(graph_of(model)._nodes_by_depth.items(), reverse=True)
    return {node.operation.name: node.outputs for _, nodes in depths for node in nodes if not node.is_input}
