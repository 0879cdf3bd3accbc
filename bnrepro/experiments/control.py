"""What a reader may turn on a notebook's panel: a name, its words, the values to choose from. Knows no widget, no experiment."""

from collections.abc import Iterable
from dataclasses import dataclass

import pandas as pd


@dataclass(frozen=True)
class Control:
    """One choice among listed values: a slider where they are numbers, buttons where they are words.

    Attributes:
        name: What `explore` and `live` of the experiment call it.
        label: What the reader sees beside it.
        values: Plain words, ints or floats, in the order of the slider; of the record, so that each has something to show.
        start: The value that is shown first.
    """

    name: str
    label: str
    values: tuple
    start: str | int | float

    def __post_init__(self):
        if self.start not in self.values:
            raise ValueError(f"a control starts at one of its values {self.values}: {self.name} got {self.start!r}")


def values_in(column: pd.Series) -> tuple:
    """The values that occur in a column, each once and sorted, as plain Python values."""
    return tuple(sorted(set(column.tolist())))


def start_of(controls: Iterable[Control]) -> dict:
    """The choice that is shown first, by name."""
    return {control.name: control.start for control in controls}
