"""What a worker does: trains one group of runs and writes their records. Knows no other run."""

import concurrent.futures
import multiprocessing
import os
import signal
import sys
from pathlib import Path

from bnrepro.backend.tensorflow_logging import load_tensorflow
from bnrepro.config.run_config import RunConfig
from bnrepro.errors import RecordError
from bnrepro.execution.groups import Group
from bnrepro.execution.packing import pack, unpack
from bnrepro.records.store import move_aside, read_record, write_record


def train(group: Group, records: Path, on_steps=lambda steps: None) -> None:
    """Trains runs at once and writes their records: what a worker does.

    A run whose cost is measured gets a process that trains no other, so that its peak memory is its own.
    """
    if not any(config.alone for config in group):
        _train_here(group, records, on_steps)
        return
    context = multiprocessing.get_context("spawn")
    with concurrent.futures.ProcessPoolExecutor(1, context, initializer=ignore_interrupt) as alone:
        alone.submit(_train_packed_here, pack(group), records).result()
    on_steps(sum(config.steps for config in group))


def train_packed(packed: bytes, records: Path) -> None:
    """`train` of a group that came in bytes."""
    train(unpack(packed), records)


def _train_here(group: Group, records: Path, on_steps=lambda steps: None) -> None:
    if "keras" not in sys.modules:
        os.environ["KERAS_BACKEND"] = group[0].engine
    load_tensorflow()
    from bnrepro.training.run import run_group

    if group[0].engine == "tensorflow":
        from bnrepro.training.keras_engine import one_thread

        one_thread()
    missing = [config for config in group if not is_recorded(records, config)]  # another process may have been faster
    if missing:
        for config, tables in zip(missing, run_group(missing, on_steps)):
            write_record(records, config, tables)


def _train_packed_here(packed: bytes, records: Path) -> None:
    _train_here(unpack(packed), records)


def is_recorded(records: Path, config: RunConfig) -> bool:
    """Whether a run has a record; a damaged one is moved aside, and a line says so."""
    try:
        return read_record(records, config) is not None
    except RecordError as error:
        if kept := move_aside(records, config):
            print(f"{error}; moved to {kept}, training it again", file=sys.stderr)
        return False


def ignore_interrupt() -> None:
    """Of a worker, for Ctrl-C reaches it too."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent hears the interrupt and says stop
