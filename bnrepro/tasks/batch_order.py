"""Which examples are in which mini-batch, seeded, in three ways of shuffling. Knows no data set, no model, no Keras."""

import numpy as np

from bnrepro.config.validation import largest_prime
from bnrepro.errors import UserError, unknown
from bnrepro.tasks.random_streams import BATCHES, SLOPES, TABLE, check_whole, random_stream


def batch_order(
    seed: int, num_examples: int, batch_size: int, steps: int, start: int = 0, shuffling: str = "epoch"
) -> np.ndarray:
    """Which examples are in which mini-batch: int32 with shape `(steps, batch_size)`.

    What is left of an epoch below a whole mini-batch is dropped. What epoch k shows is drawn from the seed and k alone: all
    arms see the same, and any chunk of steps can be had without those before.

    Args:
        seed: Draws the permutations.
        num_examples: Examples in the training split.
        batch_size: Examples in a mini-batch.
        steps: How many steps are wanted.
        start: The first of them.
        shuffling: `epoch` draws a fresh permutation each epoch. The other two place the examples in a table of `batch_size`
            rows and p columns, p the largest prime that leaves none empty (what is left over is not used). A mini-batch
            takes from row r the column `j + slope r` (mod p). With `fixed` the slope is the same in every epoch, so the same
            examples are always together, in another order of the mini-batches; with `thorough` each epoch has a slope of its
            own, so no two examples are together twice, for p epochs: two lines of different slope meet in one point.

    Raises:
        UserError: A mini-batch larger than the training split, a number below 0, or more steps than `thorough` can keep
            examples apart.
    """
    seed, steps, start = check_whole("seed", seed), check_whole("steps", steps), check_whole("start", start)
    if not 1 <= check_whole("batch_size", batch_size) <= check_whole("num_examples", num_examples):
        raise UserError(
            f"a mini-batch has 1 to {num_examples} examples, all there are: got {batch_size}; change batch_size"
        )
    if shuffling not in _EPOCHS:
        raise unknown("shuffling", shuffling, _EPOCHS)
    steps_per_epoch = num_examples // batch_size if shuffling == "epoch" else largest_prime(num_examples // batch_size)
    first_epoch, skipped = divmod(start, steps_per_epoch)
    epochs = -(-(skipped + steps) // steps_per_epoch)
    rows = np.empty((epochs, steps_per_epoch, batch_size), np.int32)
    for epoch in range(epochs):
        rows[epoch] = _EPOCHS[shuffling](seed, first_epoch + epoch, num_examples, steps_per_epoch, batch_size)
    return rows.reshape(-1, batch_size)[skipped : skipped + steps]


def _fresh_epoch(seed: int, epoch: int, num_examples: int, steps: int, batch_size: int) -> np.ndarray:
    order = random_stream(seed, BATCHES, epoch).permutation(np.arange(num_examples, dtype=np.int32))
    return order[: steps * batch_size].reshape(steps, batch_size)


def _fixed_epoch(seed: int, epoch: int, num_examples: int, steps: int, batch_size: int) -> np.ndarray:
    return _lines(seed, epoch, 0, num_examples, steps, batch_size)


def _thorough_epoch(seed: int, epoch: int, num_examples: int, steps: int, batch_size: int) -> np.ndarray:
    if batch_size > steps or epoch >= steps:
        raise UserError(
            f"thorough shuffling keeps {num_examples} examples in mini-batches of {batch_size} apart for "
            f"{steps if batch_size <= steps else 0} epochs: got epoch {epoch + 1}; lower batch_size or steps"
        )
    return _lines(seed, epoch, epoch, num_examples, steps, batch_size)


_EPOCHS = {"epoch": _fresh_epoch, "fixed": _fixed_epoch, "thorough": _thorough_epoch}


def _lines(seed: int, epoch: int, turn: int, num_examples: int, steps: int, batch_size: int) -> np.ndarray:
    """The mini-batches of one epoch, `(steps, batch_size)`: all lines of the slope that is this turn's."""
    table = random_stream(seed, TABLE).permutation(num_examples)[: steps * batch_size].reshape(batch_size, steps)
    slope = random_stream(seed, SLOPES).permutation(steps)[turn]
    first = random_stream(seed, BATCHES, epoch).permutation(steps)
    row = np.arange(batch_size)
    return table[row, (first[:, np.newaxis] + slope * row) % steps].astype(np.int32)
