"""Rows of what it costs to keep a run that is under way: its state taken, written, and on the disk."""

import tempfile
import time
from pathlib import Path

import numpy as np

from bnrepro.benchmarks.engine import ARMS, INCEPTION, in_turns
from bnrepro.benchmarks.rows import Row, row
from bnrepro.records.checkpoints import Checkpoints
from bnrepro.training.engine import Chunk
from bnrepro.training.history import History
from bnrepro.training.tensorflow_run import TensorFlowRun

NETS = {"checkpoint/mnist_mlp_bn": ARMS[1], "checkpoint/inception_small_bn": INCEPTION.replace(steps=5_000)}
"""The net of section 4.1 at the paper's 50,000 steps, and the small net of modules, by the name of its row."""


def checkpoint_row(name: str, repeats: int = 20) -> Row:
    """A checkpoint of a run that has but its last evaluation before it: when there is most to write."""
    config = NETS[name]
    run, history = TensorFlowRun(config), History(config)
    (found,) = run.evaluate(["test"], "test")
    losses = np.ones(config.evaluate_every, "float32")
    for start in range(0, config.steps, config.evaluate_every):
        history.trained(Chunk.of(start, losses, losses, 0.0, losses))
        history.evaluated(start, found)

    with tempfile.TemporaryDirectory() as folder:

        def ours() -> float:
            began = time.perf_counter()
            state = {"histories": [history.snapshot()], "replicates": run.snapshot()}
            Checkpoints(Path(folder)).write([config], {}, state)
            return 1e3 * (time.perf_counter() - began)

        samples = in_turns(repeats, ours)
        (file,) = Path(folder, ".checkpoints").iterdir()
        return row(name, "ms", *samples, note=f"{file.stat().st_size / 2**20:.1f} MiB")
