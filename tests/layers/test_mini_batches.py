"""All that `fit` takes as mini-batches, each kind of it cut alike, and what is refused."""

import importlib.util

import keras
import numpy as np
import pandas as pd
import pytest
import tensorflow as tf

from bnrepro.layers.mini_batches import mini_batches

X = np.arange(22, dtype="float32").reshape(11, 2)
Y = np.ones(11, "float32")
BATCHES = [X[:4], X[4:8]]  # the last 3 make no full one


class Dataset(keras.utils.PyDataset):
    def __init__(self, ends=True):
        super().__init__()
        self.ends = ends

    @property
    def num_batches(self):
        return 3 if self.ends else None

    def __getitem__(self, place):
        return X[4 * (place % 3) : 4 * (place % 3) + 4], Y


def generator(*others):
    return ((X[start : start + 4], *others) if others else X[start : start + 4] for start in (0, 4, 8))


def frames(*arrays):
    return tf.data.Dataset.from_tensor_slices(arrays if len(arrays) > 1 else arrays[0])


def loader():
    import torch

    return torch.utils.data.DataLoader(torch.utils.data.TensorDataset(torch.tensor(X), torch.tensor(Y)), batch_size=4)


KINDS = {
    "array": lambda: X,
    "tensor": lambda: tf.constant(X),
    "data frame": lambda: pd.DataFrame(X),
    "Dataset": lambda: frames(X).batch(4),
    "Dataset, targets": lambda: frames(X, Y).batch(4),
    "Dataset, weights": lambda: frames(X, Y, Y).batch(4),
    "PyDataset": Dataset,
    "generator": generator,
    "generator, targets": lambda: generator(Y),
    "generator, weights": lambda: generator(Y, Y),
    "loader": loader,
}


def cut(x, batch_size=None, steps=None):
    return list(mini_batches(x, batch_size, steps))


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_gives_the_full_mini_batches_of_its_inputs(kind):
    if kind == "loader" and importlib.util.find_spec("torch") is None:
        pytest.skip("torch is not installed: pip install 'bnrepro[backends]'")
    found = cut(KINDS[kind](), 4)
    assert len(found) == 2
    for mine, whole in zip(found, BATCHES):
        np.testing.assert_array_equal(mine, whole)
    assert len(cut(KINDS[kind](), 4, steps=1)) == 1


def test_what_is_cut_already_needs_no_batch_size():
    for kind in ("Dataset, targets", "PyDataset", "generator"):
        np.testing.assert_array_equal(cut(KINDS[kind]()), BATCHES)


def test_structures_of_arrays_are_inputs_of_a_model_and_each_is_cut():
    for x in ([X, Y], (X, Y), {"x": X, "y": Y}):
        first = cut(x, 4)[0]
        assert type(first) is type(x)
        np.testing.assert_array_equal(keras.tree.flatten(first)[1], Y[:4])
    first = cut(frames({"x": X, "y": Y}, Y).batch(4))[0]
    assert sorted(first) == ["x", "y"]


@pytest.mark.parametrize(
    "x, batch_size, steps, message",
    [
        (
            frames(X).batch(4),
            8,
            None,
            r"x must give mini-batches, of batch_size .* of this \w+ has \[4\] examples, not 8",
        ),
        (frames(X).batch(4).repeat(), None, None, "mini-batches must end, but this .* has no end: give steps"),
        (Dataset(ends=False), None, None, "but this Dataset has no end: give steps"),
        (iter(()), None, None, "but this tuple_iterator gives none: make it anew"),
        (X, None, None, "batch_size must be a whole number from 1 to the number of examples, 11, but is None"),
        (X, 4, 0, "steps must be a whole number from 1, but is 0"),
        (3.0, 4, None, "x must be arrays of examples, or what fit takes .* but is of type float"),
    ],
)
def test_what_makes_no_mini_batches_is_refused_in_one_line(x, batch_size, steps, message):
    with pytest.raises(ValueError, match=message) as raised:
        cut(x, batch_size, steps)
    assert "\n" not in str(raised.value)


def test_what_has_no_end_is_used_for_some_steps():
    assert len(cut(Dataset(ends=False), steps=3)) == 3
    assert len(cut(frames(X).batch(4, drop_remainder=True).repeat(), steps=5)) == 5
