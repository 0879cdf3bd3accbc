"""Ids never move: no record is lost, and none is taken for another's."""

import gzip
import json
from pathlib import Path

from bnrepro.config.run_config import RunConfig

FROZEN = Path(__file__).parent / "ids.txt.gz"
"""Every run of the record of November 2026: its id, and what differed from the defaults, by the names of then."""

RENAMED = {"dataset": "task", "initializer": "initialization", "probe": "measurements"}


def frozen() -> dict[str, dict]:
    lines = gzip.decompress(FROZEN.read_bytes()).decode().splitlines()
    return {run: json.loads(changes) for run, changes in (line.split(" ", 1) for line in lines)}


def test_all_ids_of_the_first_record_are_what_they_were():
    listed = frozen()
    assert len(listed) == 5_964
    moved = {
        run: changes
        for run, changes in listed.items()
        if RunConfig(**{RENAMED.get(name, name): value for name, value in changes.items()}).id != run
    }
    assert moved == {}


def test_an_id_that_moves_is_seen():
    assert RunConfig(steps=7).id != RunConfig(steps=8).id
    assert RunConfig().id == "mnist-mlp-none-0-44136fa355"
