"""The tables that a notebook keeps of its runs: replaced all at once, read with their columns checked. Knows no experiment.

Beside them stands `done.json`: the version of the records that they were made of, and their checksums.
"""

import hashlib
import json
import os
from pathlib import Path

import pandas as pd

from bnrepro.config.run_config import RunConfig
from bnrepro.errors import RecordError, UserError
from bnrepro.records.computed import KnownTables, once
from bnrepro.records.drafts import draft_folder, locked
from bnrepro.records.schemas import RECORD_VERSION, SCHEMAS, Tables, fits, with_all_fields
from bnrepro.records.tables import DONE, write_tables


class _Results(KnownTables):
    """The tables of a folder; `RecordError` where one is asked for that it has not got, as by a claim that is newer."""

    def __init__(self, tables: Tables, folder: Path):
        super().__init__(tables)
        self._folder = folder

    def __missing__(self, name: str):
        raise RecordError(
            f"results have each table that is asked of them: {self._folder} has no {name}.csv; {_remedy(self._folder)}"
        )


def write_results(folder: Path, tables: Tables) -> Tables:
    """Replaces the tables of one notebook, all of them or none, and returns them as they are read."""
    with draft_folder(folder.name, folder.parent) as draft:
        new, old = draft / "new", draft / "old"
        new.mkdir()
        write_tables(new, tables)
        written = _read(new, folder)
        with locked(folder.parent, alone=True):
            _swap(new, folder, old)
        for other in old.iterdir() if old.is_dir() and not old.is_symlink() else ():
            if other.suffix != ".csv" and other.name != DONE:  # not ours: somebody put it beside the tables
                os.rename(other, folder / other.name)
    return written


def load_results(folder: Path) -> Tables:
    """The tables of one notebook; `UserError` where it has not been run, `RecordError` where a table is damaged.

    Asked for a table that the folder has not got they raise `RecordError` too.
    """
    if not folder.parent.is_dir():
        return _read(folder, folder)
    with locked(folder.parent):
        return _read(folder, folder)


def load_verified(folder: Path) -> Tables:
    """As `load_results`; `RecordError` too where a table is not as it was written, or was made of records of another version."""
    with locked(folder.parent):
        tables = _read(folder, folder)
        try:
            done = json.loads((folder / DONE).read_bytes())
            found = {name: hashlib.sha256((folder / name).read_bytes()).hexdigest() for name in done["checksums"]}
            version = done["version"]
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise RecordError(
                f"results have their checksums in {DONE}: {folder} has not ({error}); {_remedy(folder)}"
            ) from error
    if version != RECORD_VERSION:
        raise RecordError(
            f"results are made of records of version {RECORD_VERSION}: those in {folder} are of {version}; {_remedy(folder)}"
        )
    if found != done["checksums"] or {f"{name}.csv" for name in tables} != set(found):
        raise RecordError(f"results are as they were written: those in {folder} were changed; {_remedy(folder)}")
    return tables


def results_digest(folder: Path) -> str:
    """The sha256 of all files of tables in a folder, with their names: another where `load_results` would read other tables."""
    with locked(folder.parent):
        digests = [
            f"{file.name} {hashlib.sha256(file.read_bytes()).hexdigest()}" for file in sorted(folder.glob("*.csv"))
        ]
    return hashlib.sha256("\n".join(digests).encode()).hexdigest()


def _swap(new: Path, folder: Path, old: Path) -> None:
    if folder.exists():
        os.rename(folder, old)
    try:
        os.rename(new, folder)
    except OSError:
        if old.exists():
            os.rename(old, folder)
        raise


def _read(source: Path, folder: Path) -> Tables:
    """The tables in `source`, which are or will be those of `folder`."""
    files = sorted(source.glob("*.csv"))
    remedy = _remedy(folder)
    if not files:
        raise UserError(f"results are read where a notebook was run: {folder} has no table; {remedy}")
    try:
        tables = {file.stem: _read_table(file) for file in files}
        if "runs" in tables:
            runs = with_all_fields(tables["runs"], RunConfig())
            tables["runs"] = runs.copy()  # in one piece for each type, of which rows are chosen sooner
    except ValueError as error:
        raise RecordError(f"results are tables: {folder} has one that is not ({error}); {remedy}") from error
    for name, table in tables.items():
        if name not in SCHEMAS or not fits(name, table.columns):
            raise RecordError(
                f"the table {name} has the columns of its schema: {folder / name}.csv has others; {remedy}"
            )
    if "runs" in tables and set(tables["runs"]["run"]) != set(tables.get("sweep", tables["runs"])["run"]):
        raise RecordError(f"results hold each run of the sweep: {folder} does not; {remedy}")
    return _Results(tables, folder)


def _remedy(folder: Path) -> str:
    return f"run `bnrepro run {folder.name}`"


def _read_table(file: Path) -> pd.DataFrame:
    """The table in a file; what a run is for is words, of which some are empty."""
    return pd.read_csv(file, dtype=str, keep_default_na=False) if file.stem == "sweep" else pd.read_csv(file)


@once
def select(
    tables: Tables,
    group: str | tuple[str, ...],
    name: str = "runs",
    *,
    arm: str | None = None,
    setting: str | None = None,
) -> pd.DataFrame:
    """The rows of table `name` that belong to a group of the sweep, or to any of several, in the order of the sweep.

    Args:
        tables: Of a notebook.
        group: The `group` in the table `sweep`.
        name: Of the table.
        arm: The `arm` there; None means any.
        setting: The `setting` there; None means any.

    Returns:
        The rows with `group`, `arm`, `setting` and the run's config beside them; once for each that a run is in.
    """
    sweep = tables["sweep"]
    members = sweep["group"].isin([group] if isinstance(group, str) else group)
    for column, value in (("arm", arm), ("setting", setting)):
        members &= value is None or sweep[column] == value
    rows = sweep[members].merge(tables["runs"], on="run")
    return rows if name == "runs" else rows.merge(tables[name], on="run")
