"""What the committed record says of each claim, in a small file beside its tables, so that any page says it at once."""

import pandas as pd

from bnrepro.records.schemas import csv_bytes
from bnrepro.records.workspace import DATA

RECORD_VERDICTS = DATA / "verdicts.csv"
"""Written with the pages of the record."""


def record_verdicts() -> dict[str, tuple[str, int]]:
    """By claim its verdict and the number of values behind it; empty where the file is missing."""
    if not RECORD_VERDICTS.is_file():
        return {}
    table = pd.read_csv(RECORD_VERDICTS)
    return {row.claim: (row.verdict, row.n) for row in table.itertuples()}


def record_verdicts_file(verdicts: pd.DataFrame) -> bytes:
    """The file, from the record's verdicts."""
    return csv_bytes(verdicts[["claim", "verdict", "n"]])
