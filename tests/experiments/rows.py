"""Rows of made-up runs as tables: what is the same in each row need not be said."""

import math
from collections.abc import Iterable

import pandas as pd

from bnrepro.records.schemas import SCHEMAS

CHANCE, GUESS_LOSS = 0.1, math.log(10)
"""Of guessing among ten classes."""


def table(name: str, rows: Iterable[tuple]) -> pd.DataFrame:
    """The table `name` of rows without `metric`, which is accuracy, `end_loss`, and what a net has that guesses."""
    if "metric" in SCHEMAS[name]:
        at = SCHEMAS[name].index("metric")
        rows = [(*row[:at], "accuracy", *row[at:]) for row in rows]
    elif name == "runs":
        rows = [(*row, math.nan, CHANCE, GUESS_LOSS) for row in rows]
    return pd.DataFrame(rows, columns=SCHEMAS[name])
