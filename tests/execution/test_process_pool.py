"""Workers that grow are renewed, and only where the next run compiles another program."""

import os
from pathlib import Path

import pytest
from tqdm import tqdm

from bnrepro.config.grid import grid
from bnrepro.config.run_config import RunConfig
from bnrepro.execution import process_pool
from bnrepro.execution.groups import groups_of
from bnrepro.execution.packing import unpack

NETS = [RunConfig(hidden_units=units, steps=10, evaluate_every=10) for units in (4, 5, 6)]
GROUPS = groups_of(config for net in NETS for config in grid(net, seed=range(2)))


def say_where(place: int, packed: bytes, folder: Path) -> float:
    """In place of training: writes down the process, and says that it holds 1,000 MiB."""
    (config,) = unpack(packed)
    (folder / f"{config.model.hidden_units}-{config.seed}").write_text(str(os.getpid()))
    return 1_000.0


@pytest.mark.slow
@pytest.mark.parametrize(("limit", "workers"), [(999, 3), (1_001, 1)])
def test_a_worker_that_holds_too_much_is_renewed_before_another_program(tmp_path, monkeypatch, limit, workers):
    monkeypatch.setattr(process_pool, "_work", say_where)
    monkeypatch.setattr(process_pool, "RENEWED_AT_MIB", limit)
    with tqdm(total=60, disable=True) as bar:
        process_pool.train_in_own_workers(GROUPS, tmp_path, 1, bar)
    trained = {path.name: path.read_text() for path in tmp_path.iterdir()}
    assert len(trained) == len(GROUPS) and len(set(trained.values())) == workers
    for units in (4, 5, 6):
        assert trained[f"{units}-0"] == trained[f"{units}-1"]
