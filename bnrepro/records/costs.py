"""What a run costs in seconds of one process: what runs like it took when the record was made. Knows no result.

A run is as expensive as its steps and its evaluations, each by what its program computes. Of a net that the record has not, the
nearest one stands for it, and each of its steps counts by the examples and layers that it has more or less.
"""

import functools
import math
from collections.abc import Iterable, Mapping

import numpy as np
import pandas as pd

from bnrepro.config.run_config import RunConfig
from bnrepro.records.schemas import csv_bytes
from bnrepro.records.workspace import DATA

COSTS = DATA / "costs.csv"
"""Written with the pages of the record, from its tables `provenance`."""

WORDS = ("model", "normalization", "normalization.inference", "task", "engine", "measurements")
"""Fields that change what a program computes, the most important first."""

SIZES = ("hidden_layers", "hidden_units", "width", "batch_size", "validation_examples", "fit_examples", "test_examples")
"""Fields that change how much of it."""

COLUMNS = (*WORDS, *SIZES, "runs", "step_seconds", "evaluation_seconds")

_KIND = ("model", "normalization", "engine", "compiler", "local_response_normalization", "ghost_size")
_PRESENT = ("dropout", "distortion")  # there or not
_LARGE = {"hidden_layers": 1, "hidden_units": 2, "width": 2, "batch_size": 1}
"""Fields that a training step depends on: neither what is measured between steps, nor on what, nor how a net is evaluated. With
how it grows with a field at most, as a power."""

_UNKNOWN = (1e-3, 0.1)
"""Of a step and of an evaluation, where there is no record at all."""


_FAST = 0.1
"""Of the runs whose steps are alike, so many are faster than what is kept."""


def seconds(config: RunConfig) -> float:
    """About how long a run takes on the processor of the record."""
    step, evaluation = _rates(_key(config.as_dict()))
    return config.steps * step + evaluations(config.steps, config.evaluate_every) * evaluation


def work(groups: Iterable[Iterable[RunConfig]]) -> float:
    """Seconds of all runs of some groups."""
    return sum(seconds(config) for group in groups for config in group)


def evaluations(steps, evaluate_every):
    """How often a run is evaluated, or each of a column."""
    return -(-steps // evaluate_every)


def costs_file(provenance: pd.DataFrame, runs: pd.DataFrame) -> bytes:
    """The file: what runs take on a machine that does nothing else.

    Of the runs with the same training step, whatever notebook they are of, some had a processor to themselves: so long takes a
    step, no longer than one of more examples or layers, and than one of fewer in proportion. By how much a run's own steps took
    longer, its evaluations did too.

    Args:
        provenance: Of the runs of the record, each once.
        runs: Their table `runs`.
    """
    whole = runs[runs["status"] != "diverged"].merge(provenance[["run", "train_seconds", "evaluate_seconds"]], on="run")
    keys = pd.DataFrame([_key(row) for row in whole.to_dict("records")], columns=[*WORDS, *SIZES])
    own = (whole["train_seconds"] / whole["steps"]).astype(float)
    step = _undisturbed(own, whole)
    evaluation = whole["evaluate_seconds"] / evaluations(whole["steps"], whole["evaluate_every"])
    times = dict(zip(COLUMNS[-2:], (step, evaluation * (step / own).clip(upper=1.0))))
    found = keys.assign(**{name: of_run.to_numpy(float) for name, of_run in times.items()}).groupby([*WORDS, *SIZES])
    table = found[list(times)].median().assign(runs=found.size()).reset_index()[list(COLUMNS)]
    digits = {name: table[name].map("{:.3g}".format).astype(float) for name in times}
    return csv_bytes(table.assign(**digits))


def _undisturbed(own: pd.Series, runs: pd.DataFrame) -> pd.Series:
    """Of each run, what its step takes where nothing else runs, from what the steps of all took."""
    fields = runs[[*_KIND, *_LARGE]].assign(**{name: runs[name] > 0 for name in _PRESENT})
    kinds, sizes = (
        list(fields[list(names)].itertuples(index=False, name=None)) for names in ((*_KIND, *_PRESENT), _LARGE)
    )
    seen: dict[tuple, dict[tuple, list[float]]] = {}
    for kind, size, one in zip(kinds, sizes, own):
        seen.setdefault(kind, {}).setdefault(size, []).append(one)
    fast = {
        kind: {size: np.quantile(those, _FAST, method="lower") for size, those in alike.items()}
        for kind, alike in seen.items()
    }
    most = {
        (kind, size): min(step * _growth(other, size) for other, step in alike.items())
        for kind, alike in fast.items()
        for size in alike
    }
    return pd.Series([most[program] for program in zip(kinds, sizes)], own.index)


def _growth(smaller: tuple, larger: tuple) -> float:
    """How many times as long a step takes at most that is larger in some fields, whatever it is in others."""
    return math.prod(max(1.0, b / a) ** power for a, b, power in zip(smaller, larger, _LARGE.values()))


def _key(row: Mapping) -> tuple:
    """Of a run's row, what its cost depends on."""
    words = [row.get(name, "") for name in WORDS]
    return (*("" if word != word else word for word in words), *(int(row[name]) for name in SIZES))


@functools.cache
def _known() -> dict[tuple, tuple[float, float]]:
    """Seconds of a step and of an evaluation by what they depend on; empty where the file is missing."""
    if not COSTS.is_file():
        return {}
    table = pd.read_csv(COSTS, keep_default_na=False)
    keys = map(_key, table.to_dict("records"))
    return dict(zip(keys, zip(table["step_seconds"], table["evaluation_seconds"])))


@functools.cache
def _rates(key: tuple) -> tuple[float, float]:
    """Seconds of a step and of an evaluation."""
    known = _known()
    if not known:
        return _UNKNOWN
    nearest = min(known, key=lambda other: _distance(key, other))
    step, evaluation = known[nearest]
    return step * _size(key) / _size(nearest), evaluation


def _distance(one: tuple, other: tuple) -> tuple:
    """How little two are alike: first in what they compute, then in how much."""
    words = tuple(a != b for a, b in zip(one[: len(WORDS)], other))
    sizes = sum(abs(math.log((a + 1) / (b + 1))) for a, b in zip(one[len(WORDS) :], other[len(WORDS) :]))
    return words[0], sum(words), sizes, words


def _size(key: tuple) -> float:
    """Examples times layers of a step."""
    sizes = dict(zip(SIZES, key[len(WORDS) :]))
    return sizes["batch_size"] * sizes["hidden_layers"]
