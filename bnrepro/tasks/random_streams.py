"""Streams of random numbers, one a use of a seed. Knows no data set."""

import numpy as np

from bnrepro.errors import UserError

# What a seed is used for. Each use has its own stream, so that shuffling labels, say, leaves the batch order as it was.
VALIDATION, SUBSET, LABELS, BATCHES, TABLE, SLOPES = range(6)


def random_stream(seed: int, *use: int) -> np.random.Generator:
    """The stream of a seed for one use, which may have numbers of its own, as an epoch's."""
    return np.random.default_rng(np.random.SeedSequence(seed, spawn_key=use))


def check_whole(name: str, value: int) -> int:
    """The value as an `int`, or a `UserError` where it is no whole number of 0 or above."""
    if isinstance(value, (int, np.integer)) and not isinstance(value, bool) and value >= 0:
        return int(value)
    raise UserError(f"{name} is a whole number, 0 or above: got {value!r}; change {name}")
