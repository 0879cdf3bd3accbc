"""A measurement as a part of a run: what is measured besides loss and metric. Knows no way of measuring."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, ClassVar, Protocol

from bnrepro.config.component import Component
from bnrepro.errors import UserError
from bnrepro.records.schemas import Tables


@dataclass(frozen=True)
class Observed:
    """What a measurement sees of a run.

    Attributes:
        config: The run.
        model: Its Keras model.
        loss: Its loss, `loss(targets, outputs)`.
        splits: Inputs and targets of `train`, `validation` and `test`, on the device.
    """

    config: Any
    model: Any
    loss: Any
    splits: dict[str, tuple]


class Observer(Protocol):
    """Who measures while a run lasts, and leaves every variable of the model as it was.

    Attributes:
        rows: By table, what was found so far, as tuples of numbers and words: all that is known of earlier evaluations, so that a
            run that was killed goes on.
    """

    rows: dict[str, list[tuple]]

    def measure(self, step: int, rate: float, last: bool) -> None:
        """Called after each evaluation, with the learning rate at that step."""

    def tables(self, run: str) -> Tables:
        """What was measured in the run of that id."""


def rows_of(observers: Iterable[Observer]) -> list[dict[str, list[tuple]]]:
    """What each has found so far.

    Raises:
        UserError: One from outside does not tell.
    """
    for one in observers:
        if not hasattr(one, "rows"):
            raise UserError(f"what an observer found stands in its rows: {type(one).__name__} has none; see Observer")
    return [one.rows for one in observers]


def put_back(observers: Iterable[Observer], rows: list[dict[str, list]]) -> None:
    """Observers of the same measurements go on from what was found; lists may stand for tuples."""
    for one, tables in zip(observers, rows, strict=True):
        one.rows = {name: [tuple(row) for row in found] for name, found in tables.items()}


@dataclass(frozen=True, kw_only=True)
class Measurement(Component):
    """A measurement.

    Attributes:
        alone: Whether the run needs a process of its own, in which nothing else is trained or evaluated.
        engines: The engines whose runs it can measure.
        of_few_examples: Whether a mini-batch of training examples is all that it looks at, if there are no more.
    """

    kind: ClassVar[str] = "measurement"
    alone: ClassVar[bool] = False
    engines: ClassVar[tuple[str, ...]] = ("tensorflow",)
    of_few_examples: ClassVar[bool] = False

    def begin(self, run: Observed) -> Observer | None:
        """Who measures in this run; None where all is in the tables of every run."""
        raise NotImplementedError
