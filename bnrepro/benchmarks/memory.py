"""Rows of memory: of one run, and of the workers of a batch of many programs. Knows no speed."""

import concurrent.futures
import itertools
import multiprocessing
import tempfile
from pathlib import Path

from bnrepro.benchmarks.engine import ARMS, in_silence, keras_net
from bnrepro.benchmarks.rows import Row, row
from bnrepro.config.run_config import RunConfig
from bnrepro.execution.run_all import run_all
from bnrepro.execution.worker import train
from bnrepro.records.machine import peak_memory_mib

LIMIT_MIB = 1_536
"""What a worker stays below."""

PROGRAMS, RUNS = 60, 500


def memory_row() -> Row:
    """The most memory that one run of Figure 1 holds, against Keras `fit` of the same arm, each in a fresh process."""
    context = multiprocessing.get_context("spawn")
    peaks = []
    for work in (_train_briefly, _fit_briefly):
        with concurrent.futures.ProcessPoolExecutor(1, context) as pool:
            peaks.append([pool.submit(work).result()])
    return row("memory/figure1_run", "MiB", *peaks)


def sweep_row() -> Row:
    """The most memory that a worker of a batch holds which trains 500 runs of 60 programs, against the limit that it keeps to."""
    with tempfile.TemporaryDirectory() as folder:
        tables = in_silence(run_all, many_programs(), records=Path(folder))
    return row("sweep/peak_memory_500_runs", "MiB", [tables["provenance"]["peak_memory_mib"].max()], [LIMIT_MIB])


def many_programs(programs: int = PROGRAMS, runs: int = RUNS) -> list[RunConfig]:
    """Short runs of nets with and without BN, of which each width is a program of its own."""
    nets = [arm.replace(hidden_units=50 + width) for width, arm in itertools.product(range(programs // 2), ARMS)]
    short = [net.replace(steps=10, evaluate_every=10) for net in nets]
    return [config.replace(seed=seed) for seed in range(-(-runs // programs)) for config in short][:runs]


def _train_briefly() -> float:
    with tempfile.TemporaryDirectory() as folder:
        train((ARMS[1].replace(steps=1_000),), Path(folder))
    return peak_memory_mib()


def _fit_briefly() -> float:
    data = ARMS[1].task.load(seed=0)
    model = keras_net(ARMS[1])
    model.fit(data.x_train, data.y_train, batch_size=ARMS[1].batch_size, verbose=0)
    model.evaluate(data.x_test, data.y_test, verbose=0)
    return peak_memory_mib()
