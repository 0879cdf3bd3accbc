"""Records of runs, written whole or not at all, and read with their checksums.

A record is a folder a run, `<id>/`, with one CSV a table and `done.json` (config, version, checksums). It is written
under a temporary name and renamed, so a reader sees a whole record or none. Knows no Keras and no figure.
"""

import errno
import hashlib
import json
import os
from pathlib import Path

import pandas as pd

from bnrepro.config.group import Sweep
from bnrepro.config.run_config import RunConfig
from bnrepro.errors import RecordError, UserError
from bnrepro.records.committed import committed_run
from bnrepro.records.drafts import draft_folder, locked, new_folder
from bnrepro.records.schemas import RECORD_VERSION, SCHEMAS, Tables, with_all_fields
from bnrepro.records.tables import DONE, write_tables


def write_record(folder: Path, config: RunConfig, tables: Tables) -> Path:
    """Writes one run's tables below `folder`, whole or not at all; of two writers of the same run one wins, silently."""
    record = folder / config.id
    with draft_folder(config.id, folder) as draft:
        write_tables(draft, tables, config=config.as_dict())
        _take_place(draft, record)
    return record


def replace_record(new: Path, folder: Path, run: str) -> None:
    """Moves a run's record from below `new` to below `folder`, where readers see the old one or this one, and never none."""
    with draft_folder(run, folder) as draft, locked(folder, alone=True):
        if (folder / run).exists():
            os.rename(folder / run, draft / run)
        _take_place(new / run, folder / run)


def _take_place(draft: Path, record: Path) -> None:
    """Gives a whole record its name, if no other process was faster."""
    try:
        os.rename(draft, record)
    except OSError as error:
        if error.errno not in (errno.ENOTEMPTY, errno.EEXIST):
            raise


def read_record(folder: Path, config: RunConfig) -> Tables | None:
    """One run's tables, verified; None where there is no record; `RecordError` where it is damaged or of another version."""
    if not folder.is_dir():
        return None
    with locked(folder):
        return _read_here(folder / config.id, config)


def _read_here(record: Path, config: RunConfig) -> Tables | None:
    if not record.is_dir():
        return None
    try:
        done = json.loads((record / DONE).read_bytes())
        if done["version"] != RECORD_VERSION:
            raise RecordError(f"{record} has version {done['version']}, this is version {RECORD_VERSION}")
        # A field that is newer than the record had its default there.
        if config.as_dict() != config.as_dict() | done["config"]:
            raise RecordError(f"{record} holds the run of another config")
        tables = {Path(name).stem: _read_verified(record / name, digest) for name, digest in done["checksums"].items()}
        return tables | {"runs": with_all_fields(tables["runs"], config)}
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


def collect(sweep: Sweep, folder: Path, names: tuple[str, ...]) -> Tables:
    """The tables `names` of all runs of a sweep, each run once, sorted by run; and who is in which group.

    A run has no rows in a table that it does not keep.
    """
    configs = {config.id: config for members in sweep.values() for config in members}
    records = {}
    for run, config in sorted(configs.items()):
        records[run] = read_record(folder, config) or committed_run(run)
        if records[run] is None:
            raise UserError(f"every run of the sweep is trained first: {run} has no record in {folder}; call run_all")
    tables = {name: _joined(name, [record[name] for record in records.values() if name in record]) for name in names}
    return {"sweep": membership(sweep), **tables}


def membership(sweep: Sweep) -> pd.DataFrame:
    """A sweep as the table `sweep`: a row for each run of each group."""
    rows = [(*group, config.id) for group, members in sweep.items() for config in members]
    return pd.DataFrame(rows, columns=SCHEMAS["sweep"])


def _joined(name: str, parts: list[pd.DataFrame]) -> pd.DataFrame:
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=SCHEMAS[name])


def _read_verified(path: Path, digest: str) -> pd.DataFrame:
    found = hashlib.sha256(path.read_bytes()).hexdigest()
    if found != digest:
        raise RecordError(f"{path} has sha256 {found[:12]}, expected {digest[:12]}")
    return pd.read_csv(path)
