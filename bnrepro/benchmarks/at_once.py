"""A row of many seeds at once on a processor, where JAX has nothing to win. Needs JAX, in the processes that train alone."""

import tempfile
from pathlib import Path

from bnrepro.backend.engines import check_installed
from bnrepro.benchmarks.engine import ARMS, in_silence, in_turns
from bnrepro.benchmarks.rows import Row, row
from bnrepro.config.grid import grid
from bnrepro.execution.run_all import run_all
from bnrepro.records.machine import cores


def at_once_row(repeats: int = 3, seeds: int = 16, steps: int = 2_000) -> Row:
    """A step and seed of the net of section 4.1 with BN: all seeds at once on JAX, against a process of TensorFlow a core."""
    check_installed("jax")

    def milliseconds(engine: str, processes: int) -> float:
        runs = grid(ARMS[1].replace(engine=engine, steps=steps, evaluate_every=steps), seed=range(seeds))
        with tempfile.TemporaryDirectory() as records:
            tables = in_silence(run_all, runs, jobs=processes, records=Path(records))
        return 1e3 * tables["provenance"]["train_seconds"].sum() / (processes * seeds * steps)

    samples = in_turns(repeats, lambda: milliseconds("jax", 1), lambda: milliseconds("tensorflow", cores()))
    return row(f"engine/jax_{seeds}_seeds", "ms a step and seed", *samples)
