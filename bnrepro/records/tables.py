"""Tables as files of a folder, with what they were made of and their checksums beside them. Knows no run and no notebook."""

import json
from pathlib import Path

from bnrepro.records.drafts import write_bytes
from bnrepro.records.schemas import RECORD_VERSION, Tables, checked_csv

DONE = "done.json"
"""What stands beside the tables; it is written last."""


def write_tables(folder: Path, tables: Tables, **about) -> None:
    """Writes one CSV a table, then `DONE`: the version of records, `about`, and the sha256 of each file.

    Raises:
        ValueError: A table has not the columns of its schema.
    """
    checksums = {
        f"{name}.csv": write_bytes(folder / f"{name}.csv", checked_csv(name, table)) for name, table in tables.items()
    }
    done = {"version": RECORD_VERSION, **about, "checksums": checksums}
    write_bytes(folder / DONE, json.dumps(done, indent=1).encode())
