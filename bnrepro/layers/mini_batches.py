"""Full mini-batches of inputs, from all that `fit` takes. Knows no model."""

import itertools
import numbers

import keras
import numpy as np
from keras import tree

from bnrepro.errors import UserError


def mini_batches(x, batch_size, steps):
    """Yields the inputs of each full mini-batch, in order.

    Args:
        x: Arrays of examples, in any structure of lists, tuples and dicts; or an iterable of mini-batches.
        batch_size: Examples in a mini-batch; None where `x` is cut already.
        steps: Mini-batches at most, or None.

    Raises:
        ValueError: If `x` and `batch_size` do not fit.
    """
    if steps is not None and (not isinstance(steps, numbers.Integral) or steps < 1):
        raise UserError(f"steps must be a whole number from 1, but is {steps!r}: leave it out to use all mini-batches")
    if _is_cut(x):
        batches = _of_iterable(x, batch_size, steps)
    else:
        batches = _of_arrays(x, batch_size)
    return itertools.islice(batches, steps)


def _is_cut(x):
    """Whether `x` gives mini-batches, one after the other, and is not a structure of arrays."""
    structures = (list, tuple, dict)
    return not isinstance(x, structures) and not hasattr(x, "shape") and _is_iterable(x)


def _is_iterable(x):
    return isinstance(x, keras.utils.PyDataset) or hasattr(x, "__iter__")


def _of_arrays(x, batch_size):
    x = tree.map_structure(lambda array: array.to_numpy() if hasattr(array, "to_numpy") else array, x)  # of pandas
    sizes = {_length(array) for array in tree.flatten(x)}
    if None in sizes or not sizes:
        raise UserError(
            f"x must be arrays of examples, or what fit takes cut into mini-batches, but is of type {type(x).__name__}: give one"
        )
    if len(sizes) != 1:
        raise UserError(f"all arrays in x must have as many examples, but they have {sorted(sizes)}: cut them alike")
    if not isinstance(batch_size, numbers.Integral) or not 1 <= batch_size <= min(sizes):
        raise UserError(
            f"batch_size must be a whole number from 1 to the number of examples, {min(sizes)}, but is {batch_size!r}: use "
            "that of training"
        )
    for start in range(0, min(sizes) - batch_size + 1, batch_size):
        yield tree.map_structure(lambda array: array[start : start + batch_size], x)  # noqa: B023 (used at once)


def _of_iterable(x, batch_size, steps):
    kind, size = type(x).__name__, batch_size
    if steps is None and _is_endless(x):
        raise UserError(f"mini-batches must end, but this {kind} has no end: give steps, the number of them to use")
    used = 0
    for batch in _each(x):
        inputs = tree.map_structure(_own, keras.utils.unpack_x_y_sample_weight(batch)[0])
        found = {_length(array) for array in tree.flatten(inputs)}
        size = max(found) if size is None else size
        if found == {size}:
            used += 1
            yield inputs
        elif not used:
            raise UserError(
                f"x must give mini-batches, of batch_size if that is given, but the first of this {kind} has {sorted(found)} "
                f"examples, not {size}: batch it so, or give arrays"
            )
    if not used:
        raise UserError(
            f"x must give at least one mini-batch, but this {kind} gives none: make it anew if it was used up"
        )


def _each(x):
    if isinstance(x, keras.utils.PyDataset):
        return (x[index] for index in (itertools.count() if x.num_batches is None else range(x.num_batches)))
    return x


def _is_endless(x):
    if isinstance(x, keras.utils.PyDataset):
        return x.num_batches is None
    cardinality = getattr(x, "cardinality", None)
    return callable(cardinality) and int(cardinality()) == -1  # `tf.data.INFINITE_CARDINALITY`


def _length(array):
    """The examples of an array; None if it is none."""
    shape = getattr(array, "shape", None)
    shape = np.shape(array) if shape is None else shape
    return int(shape[0]) if len(shape) else None


def _own(tensor):
    """A tensor of another library as an array that the backend takes."""
    home = type(tensor).__module__.split(".")[0]
    if (
        home == keras.backend.backend()
        or (home, keras.backend.backend()) == ("jaxlib", "jax")
        or not hasattr(tensor, "numpy")
    ):
        return tensor
    return (tensor.cpu() if home == "torch" else tensor).numpy()
