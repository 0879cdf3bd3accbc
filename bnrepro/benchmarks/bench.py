"""`bnrepro bench`: the rows there are, which of them run when none is named, and how they are told. Measures nothing itself."""

from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path
from typing import NamedTuple

from bnrepro.benchmarks import at_once, checkpoints, cluster, engine, layers, memory
from bnrepro.benchmarks.by_processor import keep, others
from bnrepro.benchmarks.rows import Row, told, write_with_scale
from bnrepro.benchmarks.scale import scale, scale_told
from bnrepro.benchmarks.whole import WHOLE, whole_row
from bnrepro.errors import unknown

_LAYER_SAMPLES = 7


class Benchmark(NamedTuple):
    """One row that can be measured.

    Attributes:
        measure: Measures it.
        usual: Whether it is measured when no row is named; the usual ones take at most five minutes in all.
    """

    measure: Callable[[], Row]
    usual: bool = True


BENCHMARKS = {
    "engine/mnist_mlp_bn": Benchmark(partial(engine.engine_row, repeats=5)),
    "engine/inception_small_bn": Benchmark(partial(engine.inception_row, repeats=5)),
    engine.WORKERS: Benchmark(partial(engine.workers_row, repeats=3)),
    **{name: Benchmark(partial(layers.layer_row, name, _LAYER_SAMPLES)) for name in layers.SIDES},
    "figure1/paper_protocol": Benchmark(partial(engine.protocol_row, repeats=3), usual=False),
    "memory/figure1_run": Benchmark(memory.memory_row, usual=False),
    "engine/jax_16_seeds": Benchmark(at_once.at_once_row, usual=False),
    "cluster/send": Benchmark(cluster.send_row, usual=False),
    "cluster/record": Benchmark(cluster.record_row, usual=False),
    "cluster/2_workers": Benchmark(cluster.workers_row, usual=False),
    **{name: Benchmark(partial(checkpoints.checkpoint_row, name), usual=False) for name in checkpoints.NETS},
    "sweep/peak_memory_500_runs": Benchmark(memory.sweep_row, usual=False),
    **{name: Benchmark(partial(whole_row, name), usual=False) for name in WHOLE},
}
"""By the name of its row."""


def bench(names: Iterable[str] = (), json_path: str | Path | None = None, kept: bool = False) -> list[Row]:
    """Measures the scale of this machine and then rows, and prints each as it comes, beside those of other processors.

    Args:
        names: The rows; none means the usual ones.
        json_path: A file that the scale and the rows are written to, as `{"scale": ..., "rows": [...]}`.
        kept: Whether they are also written into this processor's file in `data/bench`.

    Returns:
        A list of `{name, unit, ours, theirs, ratio, n}`; `ratio` is ours over theirs.

    Raises:
        UserError: No such row.
    """
    names = list(names) or [name for name, one in BENCHMARKS.items() if one.usual]
    for name in names:
        if name not in BENCHMARKS:
            raise unknown("row", name, BENCHMARKS)
    measure = scale()
    print(scale_told(measure), flush=True)
    rows = []
    for name in names:
        rows.append(BENCHMARKS[name].measure())
        beside = others(name)
        print(told(rows[-1]), *([f"    elsewhere: {beside}"] if beside else []), sep="\n", flush=True)
        if kept:
            keep(measure, rows)
    if json_path:
        write_with_scale(json_path, measure, rows)
    return rows
