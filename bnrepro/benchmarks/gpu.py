"""What one GPU does with many replicates at once: Figures 1 and 2, a grid of rates, scaling, precision, the layer by backend.

All in one run of some minutes, the most important first, so that a run that is cut off has that. Writes rows and records into
a folder of the caller's, and no figure. Loads no TensorFlow.
"""

import contextlib
import json
import os
import subprocess
import sys
import tarfile
import time
import traceback
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from bnrepro.analysis.curves import final_metric, steps_to_target
from bnrepro.benchmarks.rows import Row, row, told, write_rows
from bnrepro.config.grid import grid
from bnrepro.config.run_config import RunConfig
from bnrepro.execution.run_all import run_all
from bnrepro.records.drafts import write_whole
from bnrepro.records.machine import provenance
from bnrepro.records.schemas import Tables, csv_bytes
from bnrepro.training.engine import Chunk

FIGURE_1 = RunConfig(engine="jax")
"""The net and protocol of section 4.1, evaluated every 500 steps with percentiles of the last sigmoid's inputs."""

DENSE = RunConfig(
    engine="jax", activation="relu", initialization="he", validation_examples=4_000, steps=600, evaluate_every=300
)
TEN_MODULES = RunConfig(
    engine="jax",
    task="fashion_mnist",
    pixels="grey",
    model="inception_bn",
    width=8,
    stem="small",
    activation="relu",
    initialization="he",
    batch_size=32,
    sgd_momentum=0.9,
    rate_halvings=0.5,
    validation_examples=5_000,
)
"""The net of notebook 03's race, without what section 4.2.1 removes."""

RATES = (0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0)
ARMS = ("none", "batch")
TARGET = 0.97
"""Test accuracy, as in notebook 01."""


@dataclass(frozen=True)
class Extent:
    """How much is measured.

    Attributes:
        seeds: Of Figure 1, an arm.
        steps: Of Figure 1.
        rate_seeds: Of each cell of the grid of rates, which is meant to have `full_rate_seeds`.
        full_rate_seeds: Those that the grid's time is extrapolated to.
        raced_rates: Of Figure 2, with ten modules: once, 5 and 30 times the Baseline's.
        raced_seeds: At each, without BN and with it.
        raced_steps: Of each, which is meant to have `full_raced_steps`.
        full_raced_steps: Those that its time is extrapolated to.
        replicates: At once, for scaling.
        chunk: Steps in one compiled call, for scaling.
        chunks: Samples there.
    """

    seeds: int = 100
    steps: int = 50_000
    rate_seeds: int = 10
    full_rate_seeds: int = 100
    raced_rates: tuple[float, ...] = (0.03, 0.15, 0.9)
    raced_seeds: int = 12
    raced_steps: int = 100
    full_raced_steps: int = 1_000
    replicates: tuple[int, ...] = (1, 4, 16, 64, 256)
    chunk: int = 500
    chunks: int = 5


TINY = Extent(
    seeds=2,
    steps=1_000,
    rate_seeds=1,
    full_rate_seeds=2,
    raced_rates=(0.15,),
    raced_seeds=1,
    raced_steps=4,
    full_raced_steps=8,
    replicates=(1, 4),
    chunk=20,
    chunks=2,
)
"""To try everything out in minutes on a CPU."""


def bench_gpu(output: Path, tiny: bool = False, seconds: float = 450) -> bool:
    """Measures every row, prints it as it comes, and writes all that came so far to `output/rows.json` after each part.

    The records of Figure 1's runs are kept in `output/records-<arm>.tar.gz`, what they come to in `output/figure1.csv`, the
    records of the grid in `output/records-rates.tar.gz`, those of Figure 2 in `output/records-figure2.tar.gz`.

    Args:
        output: The folder for everything written; it is made.
        tiny: Whether to do little of everything, to try it out.
        seconds: No part begins after so many.

    Returns:
        Whether every part was measured. One that fails is told, and the others go on.
    """
    os.environ["XLA_PYTHON_CLIENT_PREALLOCATE"] = "false"  # several processes share the memory, one after the other
    output.mkdir(parents=True, exist_ok=True)
    extent, rows, whole, began = TINY if tiny else Extent(), [], True, time.perf_counter()
    print(provenance(), flush=True)
    parts = {
        "figure 1": lambda: figure_1_rows(extent, output),
        "scaling": lambda: scaling_rows(extent),
        "rates": lambda: rates_rows(extent, output),
        "figure 2": lambda: figure_2_rows(extent, output),
        "precision": lambda: precision_rows(extent),
        "layer": lambda: layer_rows(tiny),
    }
    for name, part in parts.items():
        elapsed = time.perf_counter() - began
        print(f"[{elapsed:.0f} s] {name}", flush=True)
        if elapsed > seconds:
            print(f"left out, for {seconds:.0f} s are over", flush=True)
            whole = False
            continue
        try:
            for measured in part():
                rows.append(measured)
                print(told(measured), flush=True)
        except Exception:  # the machine may be lent for once: the other parts are to be measured
            traceback.print_exc()
            whole = False
        write_rows(output / "rows.json", rows)
    print(f"[{time.perf_counter() - began:.0f} s] done", flush=True)
    return whole


def figure_1_rows(extent: Extent, output: Path) -> Iterator[Row]:
    """Figure 1, both arms, from a cold start to the records; then the arm with BN again, read through population statistics."""
    base, seeds = FIGURE_1.replace(steps=extent.steps), range(100, 100 + extent.seeds)
    runs = grid(base, normalization=ARMS, seed=seeds)
    whole, tables = _trained(runs, output / "runs")
    note = f"{extent.seeds} seeds an arm, {extent.steps} steps"
    yield from _seconds_rows("figure1", note, whole, tables)
    arms = tables["runs"].set_index("run")["normalization"]
    for arm in ARMS:
        own = tables["provenance"][tables["provenance"]["run"].map(arms) == arm]
        yield row(f"figure1/training/{arm}", "s", [own["train_seconds"].sum()], note=note)
        _pack(output, f"records-{arm}", [run.id for run in runs if run["normalization"] == arm])
    read = grid(base.replace(normalization="batch", inference="population"), seed=seeds)
    whole, others = _trained(read, output / "runs")
    yield from _seconds_rows("figure1_population", f"{extent.seeds} seeds, {extent.steps} steps", whole, others)
    _pack(output, "records-population", [run.id for run in read])
    summary = pd.concat([figure_1_runs(tables), figure_1_runs(others)], ignore_index=True)
    write_whole(output / "figure1.csv", csv_bytes(summary))


def figure_1_runs(tables: Tables) -> pd.DataFrame:
    """By run of Figure 1 its arm, the statistics that BN is read through, its seed, and what came of it.

    Returns:
        `run`, `normalization`, `inference` (empty without BN), `seed`; `steps_to_target`, the first evaluation at `TARGET` or
        above (infinite: never); `final_metric`, the mean test accuracy of the last tenth of the steps; and `drift`, the lower
        median over the units of the last hidden layer.
    """
    runs = tables["runs"]
    curves = runs.merge(tables["curves"], on="run")
    drift = tables["drift"].groupby("run")["drift"].quantile(0.5, interpolation="lower")
    read = runs["normalization.inference"].where(runs["normalization"] != "none", "")
    columns = {
        "inference": read,
        "steps_to_target": runs["run"].map(steps_to_target(curves, TARGET).set_index("run")["steps_to_target"]),
        "final_metric": runs["run"].map(final_metric(curves).set_index("run")["final_metric"]),
        "drift": runs["run"].map(drift),
    }
    return runs.assign(**columns)[["run", "normalization", "inference", "seed", *list(columns)[1:]]]


def rates_rows(extent: Extent, output: Path) -> Iterator[Row]:
    """Dense nets of 3 and 20 layers with and without BN at nine rates, a part of the seeds of each cell."""
    runs = grid(DENSE, hidden_layers=(3, 20), normalization=ARMS, learning_rate=RATES, seed=range(extent.rate_seeds))
    whole, tables = _trained(runs, output / "runs")
    note = f"{extent.rate_seeds} seeds in each of {len(runs) // extent.rate_seeds} cells, {DENSE.steps} steps"
    yield from _seconds_rows("rates", note, whole, tables)
    times = extent.full_rate_seeds / extent.rate_seeds
    yield _extrapolated(f"rates/{extent.full_rate_seeds} seeds", whole, tables, times)
    _pack(output, "records-rates", [run.id for run in runs])


def figure_2_rows(extent: Extent, output: Path) -> Iterator[Row]:
    """Ten modules with and without BN at the rates of Figure 2, a part of their steps, evaluated once."""
    base = TEN_MODULES.replace(steps=extent.raced_steps, evaluate_every=extent.raced_steps)
    runs = grid(base, normalization=ARMS, learning_rate=extent.raced_rates, seed=range(extent.raced_seeds))
    whole, tables = _trained(runs, output / "runs")
    note = f"{extent.raced_seeds} seeds in each of {len(runs) // extent.raced_seeds} cells, {extent.raced_steps} steps"
    yield from _seconds_rows("figure2", note, whole, tables)
    times = extent.full_raced_steps / extent.raced_steps
    yield _extrapolated(f"figure2/{extent.full_raced_steps} steps", whole, tables, times)
    _pack(output, "records-figure2", [run.id for run in runs])


def _extrapolated(name: str, whole: float, tables: Tables, times: float) -> Row:
    """What so many times the training and the evaluations would take."""
    provenance = tables["provenance"]
    again = provenance["train_seconds"].sum() + provenance["evaluate_seconds"].sum()
    note = f"extrapolated from those: what is compiled once, {whole - again:.0f} s, and {times:g} times the rest"
    return row(name, "s", [whole + (times - 1) * again], note=note)


def scaling_rows(extent: Extent) -> Iterator[Row]:
    """A step of Figure 1's net by replicates at once."""
    for arm in ARMS:
        for count in extent.replicates:
            samples = _milliseconds(_chunks(arm, range(count), extent))
            note = f"{count} at once take {min(samples) * count:.3f} ms a step at best"
            yield row(f"step/{arm}/{count} replicates", "ms a step and seed", samples, note=note)


def precision_rows(extent: Extent) -> Iterator[Row]:
    """What the engine's choices are worth: full float32 against TF32, and steps that are compiled one after the other."""
    import jax

    seeds = range(extent.replicates[-2])
    note = f"{len(seeds)} replicates, with BN"
    full = _chunks("batch", seeds, extent)
    with jax.default_matmul_precision("default"):
        fast = _chunks("batch", seeds, extent, settings=contextlib.nullcontext)
    times = _milliseconds(full), _milliseconds(fast)
    yield row("step/full float32 against the default", "ms a step and seed", *times, note)
    unrolled = _chunks("batch", seeds, extent, unroll=4)
    yield row("step/4 steps unrolled against 1", "ms a step and seed", _milliseconds(unrolled), times[0], note)
    again = _chunks("batch", seeds, extent)
    alone = [_chunks("batch", [seed], extent) for seed in list(seeds)[:3]]
    lasts = [[chunk.loss for chunk in chunks[-1]] for chunks in (full, again, fast)]
    alone = [chunks[-1][0].loss for chunks in alone]
    steps = extent.chunk * (extent.chunks + 1)
    for name, others in (("the same again", lasts[1]), ("alone", alone), ("the default precision", lasts[2])):
        apart = [abs(one / other - 1) for one, other in zip(lasts[0], others)]
        yield row(f"apart/{name}", "of the loss, at most", [max(apart)], note=f"{len(apart)} seeds, {steps} steps")


def layer_rows(tiny: bool) -> Iterator[Row]:
    """Our layer against each installed backend's own, each backend in a process of its own."""
    for backend in ("jax", "torch"):
        command = [sys.executable, "-m", "bnrepro.benchmarks.idioms", *(["--tiny"] if tiny else [])]
        ran = subprocess.run(
            command, env={**os.environ, "KERAS_BACKEND": backend}, stdout=subprocess.PIPE, text=True, check=False
        )
        for line in ran.stdout.splitlines():
            if line.startswith("{"):
                yield json.loads(line)
            else:
                print(line, flush=True)
        if ran.returncode:
            print(f"the layer on {backend} ended with {ran.returncode}", flush=True)


def _trained(runs: list[RunConfig], records: Path) -> tuple[float, Tables]:
    began = time.perf_counter()
    tables = run_all(runs, records=records)
    return time.perf_counter() - began, tables


def _seconds_rows(name: str, note: str, whole: float, tables: Tables) -> Iterator[Row]:
    provenance = tables["provenance"]
    device = provenance["device"].iloc[0]
    yield row(f"{name}/whole", "s", [whole], note=f"{note}, from a cold start to the records, on {device}")
    for part in ("train", "evaluate", "compile"):
        yield row(f"{name}/{part}", "s", [provenance[f"{part}_seconds"].sum()], note=note)
    diverged = int((tables["runs"]["status"] == "diverged").sum())
    yield row(f"{name}/diverged", "runs", [diverged], note=note)


def _chunks(arm: str, seeds: Sequence[int], extent: Extent, settings=None, unroll: int = 1) -> list[tuple[Chunk, ...]]:
    """The chunks of Figure 1's net, compiled anew, without evaluations."""
    from bnrepro.backend.keras_settings import default_settings
    from bnrepro.training.jax_run import JaxRuns

    steps = extent.chunk * (extent.chunks + 1)
    base = FIGURE_1.replace(normalization=arm, steps=steps, evaluate_every=extent.chunk)
    with settings() if settings else default_settings("jax"):
        runs = JaxRuns(grid(base, seed=seeds))
        runs.engine.unroll = unroll
        runs.engine.forget_programs()
        return list(runs.train())


def _milliseconds(chunks: list[tuple[Chunk, ...]]) -> list[float]:
    """Of each chunk but the first the milliseconds of a step, divided by the replicates at once."""
    return [1e3 * first.seconds / first.count for first, *_ in chunks[1:]]


def _pack(output: Path, name: str, ids: list[str]) -> None:
    """The records of some runs in one file."""
    with tarfile.open(output / f"{name}.tar.gz", "w:gz") as archive:
        for run in sorted(ids):
            archive.add(output / "runs" / run, run)
