"""The corridor: schemas of the tables, records written whole or not at all, and the results the notebooks read.

A record is a folder a run, `<id>/`, with one CSV a table and `done.json` (config, version, checksums). It is written
under a temporary name and renamed, so a reader sees a whole record or none. Knows no Keras and no figure.
"""

import errno
import hashlib
import json
import os
from pathlib import Path

import pandas as pd

from bnrepro.config import RunConfig
from bnrepro.drafts import draft_folder, new_folder, write_bytes, write_whole
from bnrepro.errors import RecordError, UserError

RECORD_VERSION = 2
"""Raised whenever the same config would give other numbers, so that no record of an older engine is taken for a new one."""

SCHEMAS = {
    "sweep": ("group", "run"),
    "runs": ("run", *RunConfig().as_dict(), "status", "diverged_at"),
    "curves": ("run", "step", "split", "loss", "accuracy"),
    "quantiles": ("run", "step", "layer", "unit", "percentile", "value"),
    "drift": ("run", "layer", "unit", "drift"),
    "facts": ("claim", "draw", "setting", "quantity", "value"),
    "pairs": ("claim", "quantity", "expected", "found"),
    "bias": ("draw", "gradient", "step", "bias", "loss"),
    "geometry": ("run", "step", "layer", "quantity", "value"),
    "invariances": ("run", "scale", "quantity", "error", "change"),
    "mates": ("run", "mode", "batch_size", "spread"),
    "probabilities": ("run", "example", "label", *(f"class_{number}" for number in range(10))),
    "ensembles": ("seed", "members", "error"),
    "statistics": ("run", "step", "data", "statistics", "loss", "accuracy", "changed"),
    "variances": ("run", "step", "layer", "statistics", "used_over_seen", "seen_over_used"),
    "errors": ("run", "layer", "size", "mean_error", "variance_error"),
    "provenance": (
        *("run", "train_seconds", "evaluate_seconds", "compile_seconds", "peak_memory_mib", "mode", "device"),
        *("processor", "python", "tensorflow", "keras", "numpy", "bnrepro"),
    ),
}
"""Columns of each table, keys first. Columns, units and meaning stand in `data/README.md`."""

Tables = dict[str, pd.DataFrame]


def write_record(folder: Path, config: RunConfig, tables: Tables) -> Path:
    """Writes one run's tables below `folder`, whole or not at all; of two writers of the same run one wins, silently."""
    record = folder / config.id
    with draft_folder(config.id, folder) as draft:
        checksums = {
            f"{name}.csv": write_bytes(draft / f"{name}.csv", _csv(name, table)) for name, table in tables.items()
        }
        done = {"version": RECORD_VERSION, "config": config.as_dict(), "checksums": checksums}
        write_bytes(draft / "done.json", json.dumps(done, indent=1).encode())
        try:
            os.rename(draft, record)
        except OSError as error:
            if error.errno not in (errno.ENOTEMPTY, errno.EEXIST):
                raise
    return record


def read_record(folder: Path, config: RunConfig) -> Tables | None:
    """One run's tables, verified; None where there is no record; `RecordError` where it is damaged or of another version."""
    record = folder / config.id
    if not record.is_dir():
        return None
    try:
        done = json.loads((record / "done.json").read_bytes())
        if done["version"] != RECORD_VERSION:
            raise RecordError(f"{record} has version {done['version']}, this is version {RECORD_VERSION}")
        if RunConfig(**done["config"]) != config:  # a field that is newer than the record had its default there
            raise RecordError(f"{record} holds the run of another config")
        tables = {Path(name).stem: _read_verified(record / name, digest) for name, digest in done["checksums"].items()}
        return tables | {"runs": _with_all_fields(tables["runs"], config)}
    except PermissionError:  # somebody else's, and maybe whole
        raise
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise RecordError(f"{record} is damaged: {error}") from error


def move_aside(folder: Path, config: RunConfig) -> Path | None:
    """Renames a damaged record so that it can be looked at and the run trained again; None if another process just did."""
    kept = new_folder(f"{config.id}.damaged-", folder)
    try:
        os.rename(folder / config.id, kept / config.id)
    except FileNotFoundError:
        kept.rmdir()
        return None
    return kept


def collect(sweep: dict[str, list[RunConfig]], folder: Path, names: tuple[str, ...]) -> Tables:
    """The tables `names` of all runs of a sweep (its groups by name), each run once, sorted by run; and who is in which group.

    A run has no rows in a table that it does not keep.
    """
    configs = {config.id: config for group in sweep.values() for config in group}
    records = {}
    for run, config in sorted(configs.items()):
        records[run] = read_record(folder, config)
        if records[run] is None:
            raise UserError(f"every run of the sweep is trained first: {run} has no record in {folder}; call run_all")
    tables = {name: _joined(name, [record[name] for record in records.values() if name in record]) for name in names}
    rows = [(group, config.id) for group, members in sweep.items() for config in members]
    return {"sweep": pd.DataFrame(rows, columns=SCHEMAS["sweep"]), **tables}


def write_results(folder: Path, tables: Tables) -> None:
    """Replaces the tables of one notebook, all of them or none."""
    with draft_folder(folder.name, folder.parent) as draft:
        new, old = draft / "new", draft / "old"
        for name, table in tables.items():
            write_whole(new / f"{name}.csv", _csv(name, table))
        if folder.exists():
            os.rename(folder, old)
        try:
            os.rename(new, folder)
        except OSError:
            if old.exists():
                os.rename(old, folder)
            raise
        for other in old.iterdir() if old.is_dir() and not old.is_symlink() else ():
            if other.suffix != ".csv":  # not ours: somebody put it beside the tables
                os.rename(other, folder / other.name)


def load_results(folder: Path) -> Tables:
    """The tables of one notebook; `UserError` where it has not been run, `RecordError` where a table is damaged."""
    files = sorted(folder.glob("*.csv"))
    remedy = f"run `bnrepro run {folder.name}`"
    if not files:
        raise UserError(f"results are read where a notebook was run: {folder} has no table; {remedy}")
    try:
        tables = {file.stem: pd.read_csv(file) for file in files}
        if "runs" in tables:
            tables["runs"] = _with_all_fields(tables["runs"], RunConfig())
    except ValueError as error:
        raise RecordError(f"results are tables: {folder} has one that is not ({error}); {remedy}") from error
    for name, table in tables.items():
        if tuple(table.columns) != SCHEMAS.get(name):
            raise RecordError(
                f"the table {name} has the columns of its schema: {folder / name}.csv has others; {remedy}"
            )
    if "runs" in tables and set(tables["runs"]["run"]) != set(tables.get("sweep", tables["runs"])["run"]):
        raise RecordError(f"results hold each run of the sweep: {folder} does not; {remedy}")
    return tables


def select(tables: Tables, group: str, name: str) -> pd.DataFrame:
    """The rows of table `name` that belong to a group of the sweep, with the run's config beside them."""
    members = tables["sweep"].loc[tables["sweep"]["group"] == group, ["run"]]
    rows = members.merge(tables["runs"], on="run")
    return rows if name == "runs" else rows.merge(tables[name], on="run")


def csv_bytes(table: pd.DataFrame) -> bytes:
    """A table as it is written: each float with as many digits as give it back to the bit, so that equal means equal."""
    return table.to_csv(index=False, lineterminator="\n").encode()


def _csv(name: str, table: pd.DataFrame) -> bytes:
    if name in SCHEMAS and tuple(table.columns) != SCHEMAS[name]:
        raise ValueError(f"the table {name} has the columns {SCHEMAS[name]}: got {tuple(table.columns)}")
    return csv_bytes(table)


def _joined(name: str, parts: list[pd.DataFrame]) -> pd.DataFrame:
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=SCHEMAS[name])


def _with_all_fields(runs: pd.DataFrame, config: RunConfig) -> pd.DataFrame:
    """The runs with the fields that are newer than their table, which all had their default, so `config`'s value."""
    fields = config.as_dict()
    words = [name for name, value in fields.items() if isinstance(value, str) and name in runs]
    words = {
        name: runs[name].astype(object).fillna("").astype("str") for name in words
    }  # pandas reads an empty one as NaN
    filled = runs.assign(**{name: fields[name] for name in fields if name not in runs}, **words)
    return filled[[*SCHEMAS["runs"], *(name for name in filled if name not in SCHEMAS["runs"])]]


def _read_verified(path: Path, digest: str) -> pd.DataFrame:
    found = hashlib.sha256(path.read_bytes()).hexdigest()
    if found != digest:
        raise RecordError(f"{path} has sha256 {found[:12]}, expected {digest[:12]}")
    return pd.read_csv(path)
