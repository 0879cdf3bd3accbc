"""The cells of a grid of parameters side by side: one table of all, and what a batch of them ends with. Trains nothing."""

from collections.abc import Iterable, Mapping
from typing import Any

import pandas as pd

from bnrepro.analysis import findings
from bnrepro.records.schemas import csv_bytes
from bnrepro.report.formatting import NOTHING, broken, in_words

COLUMNS = ("claim", "label", "estimate", "ci_low", "ci_high", "n", "unit", "bound", "verdict")
"""Of the table behind the values of a cell; `verdict` is of the claim's statistic, whose `label` is empty."""

Cell = tuple[Mapping[str, Any], Mapping[str, pd.DataFrame], pd.DataFrame]
"""The values of a cell, its findings by notebook, and its verdicts."""


def cells_file(cells: Iterable[Cell]) -> bytes:
    """The table of all cells as its file: a row a cell, claim and finding."""
    return csv_bytes(pd.concat([_rows(*cell) for cell in cells] or [pd.DataFrame(columns=COLUMNS)], ignore_index=True))


def _rows(values: Mapping[str, Any], found: Mapping[str, pd.DataFrame], verdicts: pd.DataFrame) -> pd.DataFrame:
    own = pd.concat([pd.DataFrame(columns=findings.COLUMNS), *found.values()])
    judged = own["claim"].map(dict(zip(verdicts["claim"], verdicts["verdict"])))
    keys = {name: [value] * len(own) for name, value in values.items()}
    return own.assign(verdict=judged.where(own["label"] == "", ""), **keys)[[*values, *COLUMNS]]


def cells_text(verdicts: Mapping[str, pd.DataFrame], columns: int | None = None) -> str:
    """Claim by claim what each cell says to it.

    Args:
        verdicts: By the name of a cell.
        columns: Of the terminal, in which lines are broken; None breaks none.
    """
    told: dict[str, list[str]] = {}
    width = max(map(len, verdicts), default=0)
    for cell, table in verdicts.items():
        for row in in_words(table).to_dict("records"):
            line = f"  {cell:{width}}  {row['verdict']}, {row['ours']} ({row['interval']}; n = {row['n']})"
            told.setdefault(f"{row['claim']}  {row['sentence']}", []).append(line)
    lines = [line for claim, cells in told.items() for line in (claim, *cells)]
    return "\n".join(part for line in lines for part in broken(line, columns, 4)) or NOTHING
