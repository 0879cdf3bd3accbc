"""How a run ended: finished, diverged or collapsed. Knows no engine and no table."""

import math

import numpy as np

COLLAPSED = 0.95
"""A run whose loss ends at this share of the loss of guessing, or above, has learned nothing."""


def outcome(losses: np.ndarray, diverged_at: int | None, guess_loss: float) -> dict[str, str | int | float | None]:
    """What the table `runs` says of the end of a run.

    Args:
        losses: Of the mini-batches of all steps, each before its update, without penalties.
        diverged_at: The step at which a loss was no longer finite; None where all are.
        guess_loss: The loss of a net that guesses.

    Returns:
        `status`: `diverged`; `collapsed`, finite, but `end_loss` is at least `COLLAPSED` of `guess_loss`; or `finished`.
        `diverged_at`. `end_loss`: the mean of `losses` over the last tenth of the steps; NaN where it diverged.
    """
    if diverged_at is not None:
        return {"status": "diverged", "diverged_at": diverged_at, "end_loss": math.nan}
    end_loss = float(np.mean(losses[9 * len(losses) // 10 :], dtype=np.float64))
    collapsed = end_loss >= COLLAPSED * guess_loss
    return {"status": "collapsed" if collapsed else "finished", "diverged_at": None, "end_loss": end_loss}
