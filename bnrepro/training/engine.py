"""What an engine is to a run, whatever it is made of: it trains and evaluates replicates of one net. Knows no backend."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, Self

import numpy as np

from bnrepro.measurements.activation_quantiles import Percentiles
from bnrepro.records.schemas import Tables


def _mean(losses: np.ndarray) -> float:
    """Their mean; infinite where finite ones are together too large for float32."""
    with np.errstate(over="ignore"):
        return float(losses.mean())


def check_alike(values: Sequence[np.ndarray], expected: Sequence[np.ndarray]) -> None:
    """Raises `ValueError` where values of variables do not have the shapes and types that are expected."""
    kinds, needed = ([(one.shape, one.dtype) for one in each] for each in (values, expected))
    if kinds != needed:
        raise ValueError(
            f"variables are as those of the net: got {len(kinds)} of other shapes or types than its {len(needed)}"
        )


@dataclass(frozen=True)
class Chunk:
    """What one chunk of training steps gave of one replicate.

    Attributes:
        step: Steps done since the start.
        count: Steps of this chunk.
        loss: Mean loss of the chunk's mini-batches, each before its update, with its penalties.
        metric: Their mean metric.
        seconds: Wall-clock time of the chunk, without compilation; of replicates that are trained at once an equal share.
        diverged_at: The first step (from 1) with a non-finite loss, None while all is finite.
        losses: The loss of each of them, without penalties.
    """

    step: int
    count: int
    loss: float
    metric: float
    seconds: float
    diverged_at: int | None
    losses: np.ndarray

    @classmethod
    def of(cls, start: int, losses: np.ndarray, metrics: np.ndarray, seconds: float, unpenalized: np.ndarray) -> Self:
        """The chunk of the steps after `start`, of which these are losses, metrics, and losses without penalties."""
        finite = np.isfinite(losses)
        return cls(
            step=start + len(losses),
            count=len(losses),
            loss=_mean(losses),
            metric=float(metrics.mean()),
            seconds=seconds,
            diverged_at=None if finite.all() else start + int(np.argmin(finite)) + 1,
            losses=unpenalized,
        )


@dataclass(frozen=True)
class Evaluation:
    """What one replicate gave on one split, in inference mode.

    Attributes:
        loss: Mean loss.
        metric: Mean metric.
        percentiles: Of the watched layer's inputs, where they were asked for and the model has such a layer.
    """

    loss: float
    metric: float
    percentiles: Percentiles | None = None


class Replicates(Protocol):
    """Runs with one `RunConfig.replicate_key`, from their seeded start on, that an engine trains at once.

    Attributes:
        mode: How the net is compiled.
        device: What it runs on.
        compile_seconds: Wall-clock time of compiling the training steps.
        provenance: What else is to be known of the engine, by column.
    """

    mode: str
    device: str
    compile_seconds: float
    provenance: dict[str, Any]

    def train(self, start: int = 0) -> Iterator[tuple[Chunk, ...]]:
        """Trains on after `start` steps, and yields after every `evaluate_every` a chunk a replicate, to the last step."""

    def evaluate(self, splits: list[str], watched: str | None) -> list[dict[str, Evaluation]]:
        """By replicate and split, with the statistics that the runs are evaluated with; percentiles on the split `watched`."""

    def measure(self, step: int, last: bool, places: Sequence[int]) -> None:
        """Has measured what the runs at these places measure after an evaluation: those that have not diverged."""

    def measured(self, place: int) -> Tables:
        """What was measured in one of the runs."""

    def snapshot(self) -> dict[str, Any]:
        """All that the next steps depend on, and what was measured, for `restore`: JSON, in which arrays may stand."""

    def restore(self, state: dict[str, Any], places: Sequence[int]) -> None:
        """Takes up a state of a group, in which these runs had these places.

        Raises:
            KeyError, TypeError, ValueError: It is none of such replicates, and these are of no use any more.
        """
