"""What a time on this machine is worth: a step of Keras `fit`, the bandwidth of its memory, its processor. Compares nothing."""

import statistics
import time
from typing import Any

import keras
import numpy as np

from bnrepro.benchmarks.engine import ARMS, keras_net
from bnrepro.records.machine import cores, instruction_sets, load, processor, versions

STEPS = 1_000
"""Of Keras `fit`, a sample."""

COPIED = 2**28
"""Bytes of the array that is copied; no cache holds it."""


def scale(repeats: int = 5) -> dict[str, Any]:
    """The machine, its load, and two medians of `repeats` samples: milliseconds of a step of Keras `fit` of the net of section
    4.1 with BN, and the gigabytes a second that a copy reads and writes."""
    return {
        "processor": processor(),
        "cores": cores(),
        "instruction_sets": instruction_sets(),
        "load": load(),
        **versions(),
        "fit_ms_a_step": statistics.median(_fit_ms(repeats)),
        "memory_gb_a_second": statistics.median(_bandwidths(repeats)),
        "n": repeats,
    }


def scale_told(found: dict[str, Any]) -> str:
    """The scale as a line for people."""
    names = ", ".join(f"{name} {found[name]}" for name in versions())
    return (
        f"scale: {found['fit_ms_a_step']:.2f} ms a step of Keras `fit` (n = {found['n']}), memory "
        f"{found['memory_gb_a_second']:.0f} GB/s; {found['processor']}, {found['cores']} cores "
        f"({' '.join(found['instruction_sets'])}), load {found['load']}; {names}"
    )


def _fit_ms(repeats: int) -> list[float]:
    config = ARMS[1]
    keras.utils.set_random_seed(config.seed)
    data, part = config.task.load(config.seed), slice(STEPS * config.batch_size)
    model, found = keras_net(config), []
    for _ in range(repeats + 1):
        began = time.perf_counter()
        model.fit(data.x_train[part], data.y_train[part], batch_size=config.batch_size, verbose=0)
        found.append(1e3 * (time.perf_counter() - began) / len(data.x_train[part]) * config.batch_size)
    return found[1:]  # the first one compiles


def _bandwidths(repeats: int) -> list[float]:
    source, target, found = np.ones(COPIED // 8), np.empty(COPIED // 8), []
    for _ in range(repeats + 1):
        began = time.perf_counter()
        np.copyto(target, source)
        found.append(2 * COPIED / 1e9 / (time.perf_counter() - began))
    return found[1:]  # the first one also gets the memory
