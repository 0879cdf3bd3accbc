"""The columns of every table, and a table as the bytes of its file. Knows no folder."""

from collections.abc import Iterable

import pandas as pd

from bnrepro.config.group import Group
from bnrepro.config.identity import COLUMNS
from bnrepro.config.run_config import RunConfig

RECORD_VERSION = 4
"""Raised whenever the same config would give other numbers or columns, so that no older record is taken for a new one."""

SCHEMAS = {
    "sweep": (*Group._fields, "run"),
    "runs": ("run", *COLUMNS, "status", "diverged_at", "end_loss", "chance", "guess_loss"),
    "curves": ("run", "step", "split", "loss", "metric", "value"),
    "quantiles": ("run", "step", "layer", "unit", "percentile", "value"),
    "drift": ("run", "layer", "unit", "drift"),
    "facts": ("claim", "draw", "setting", "quantity", "value"),
    "pairs": ("claim", "quantity", "expected", "found"),
    "bias": ("draw", "gradient", "step", "bias", "loss"),
    "geometry": ("run", "step", "layer", "quantity", "value"),
    "updates": ("run", "step", "part", "weight_norm", "gradient_norm", "output_before", "output_after", "loss"),
    "invariances": ("run", "scale", "quantity", "error", "change"),
    "mates": ("run", "mode", "batch_size", "spread"),
    "probabilities": ("run", "example", "label", *(f"class_{number}" for number in range(10))),
    "ensembles": ("setting", "seed", "members", "error"),
    "statistics": ("run", "step", "data", "statistics", "loss", "metric", "value", "changed"),
    "variances": ("run", "step", "layer", "statistics", "used_over_seen", "seen_over_used"),
    "errors": ("run", "layer", "size", "mean_error", "variance_error"),
    "provenance": (
        *("run", "train_seconds", "evaluate_seconds", "compile_seconds", "peak_memory_mib", "mode", "device"),
        *("processor", "python", "tensorflow", "keras", "numpy", "bnrepro"),
    ),
}
"""Columns of each table, keys first. Columns, units and meaning stand in `data/README.md`."""

NEVER_COMMITTED = ("probabilities",)
"""Tables, called as the measurements that make them, of which results hold only what was computed of several runs together."""

_OPEN = ("runs", "provenance")
"""Tables that may have more columns at their end: of parts from outside, and of engines."""

Tables = dict[str, pd.DataFrame]


def runs_row(
    config: RunConfig, status: str, diverged_at: int | None = None, end_loss: float | None = None
) -> pd.DataFrame:
    """A run's row of the table `runs`; fields of parts from outside have a column of their own at its end."""
    ended = {"status": status, "diverged_at": diverged_at, "end_loss": end_loss}
    guessing = {"chance": config.task.chance, "guess_loss": config.task.guess_loss}
    row = {"run": config.id, **config.as_dict(), **ended, **guessing}
    others = [name for name in row if name not in SCHEMAS["runs"]]
    return pd.DataFrame([row], columns=[*SCHEMAS["runs"], *others])


def fits(name: str, columns: Iterable[str]) -> bool:
    """Whether these are the columns of the table `name`; `runs` and `provenance` may have more at their end."""
    columns = tuple(columns)
    return (columns[: len(SCHEMAS[name])] if name in _OPEN else columns) == SCHEMAS[name]


def csv_bytes(table: pd.DataFrame) -> bytes:
    """A table as it is written: each float with as many digits as give it back to the bit, so that equal means equal."""
    return table.to_csv(index=False, lineterminator="\n").encode()


def checked_csv(name: str, table: pd.DataFrame) -> bytes:
    """The table `name` as it is written; `ValueError` where its columns are not those of its schema."""
    if name in SCHEMAS and not fits(name, table.columns):
        raise ValueError(f"the table {name} has the columns {SCHEMAS[name]}: got {tuple(table.columns)}")
    return csv_bytes(table)


def with_all_fields(runs: pd.DataFrame, config: RunConfig) -> pd.DataFrame:
    """The runs with the fields that are newer than their table, which all had their default, so `config`'s value."""
    fields = config.as_dict()
    words = [name for name, value in fields.items() if isinstance(value, str) and name in runs]
    words = {
        name: runs[name].astype(object).fillna("").astype("str") for name in words
    }  # pandas reads an empty one as NaN
    filled = runs.assign(**{name: fields[name] for name in fields if name not in runs}, **words)
    return filled[[*SCHEMAS["runs"], *(name for name in filled if name not in SCHEMAS["runs"])]]
