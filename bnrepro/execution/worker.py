"""What a worker does: trains one group of runs, and writes their records where it may. Knows no other run."""

import concurrent.futures
import multiprocessing
import os
import signal
import sys
from pathlib import Path

from bnrepro.backend.tensorflow_logging import load_tensorflow
from bnrepro.config.run_config import RunConfig
from bnrepro.config.validation import ENGINES
from bnrepro.errors import RecordError
from bnrepro.execution.groups import Group
from bnrepro.execution.packing import pack, unpack
from bnrepro.records.checkpoints import Checkpoints
from bnrepro.records.schemas import Tables
from bnrepro.records.store import move_aside, read_record, write_record


def train(group: Group, records: Path, on_steps=lambda steps: None, on_resumed=lambda steps: None) -> None:
    """Trains those runs of a group that have no record, and writes theirs: what a worker of the default pool does.

    Meanwhile they are kept, so that a worker that is killed costs a minute. Their records are written from the last to the first,
    under whose name they are kept: where that is interrupted, those that are left find what was kept.
    """
    missing = tuple(config for config in group if not is_recorded(records, config))
    if missing:  # another process may have been faster
        kept = Checkpoints(records)
        found = tables_of(missing, on_steps, checkpoints=kept, on_resumed=on_resumed)
        for config, tables in reversed(list(zip(missing, found))):
            write_record(records, config, tables)
        kept.remove(missing[0])


def tables_of(group: Group, on_steps=lambda steps: None, **options) -> list[Tables]:
    """Trains runs at once and returns the tables of each; options are those of `run_group`.

    A run whose cost is measured gets a process that trains no other, so that its peak memory is its own, and is not kept.
    """
    if not any(config.alone for config in group):
        return _train_here(group, on_steps, **options)
    context = multiprocessing.get_context("spawn")
    with concurrent.futures.ProcessPoolExecutor(1, context, initializer=ignore_interrupt) as alone:
        found = alone.submit(_train_packed_here, pack(group)).result()
    on_steps(sum(config.steps for config in group))
    return found


def _train_here(group: Group, on_steps=lambda steps: None, **options) -> list[Tables]:
    if "keras" not in sys.modules:
        os.environ["KERAS_BACKEND"] = ENGINES[group[0].engine]
    load_tensorflow()
    from bnrepro.training.run import run_group

    if ENGINES[group[0].engine] == "tensorflow":
        from bnrepro.training.keras_engine import one_thread

        one_thread()
    return run_group(group, on_steps, **options)


def _train_packed_here(packed: bytes) -> list[Tables]:
    return _train_here(unpack(packed))


def is_recorded(records: Path, config: RunConfig) -> bool:
    """Whether a run has a record; a damaged one is moved aside, and a line says so. Of a recorded run nothing else is kept."""
    try:
        found = read_record(records, config) is not None
    except RecordError as error:
        if kept := move_aside(records, config):
            print(f"{error}; moved to {kept}, training it again", file=sys.stderr)
        return False
    if found:  # what a kill left after the record was written
        Checkpoints(records).remove(config)
    return found


def ignore_interrupt() -> None:
    """Of a worker, for Ctrl-C reaches it too."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent hears the interrupt and says stop
