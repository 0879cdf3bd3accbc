"""Batch Normalization (Ioffe & Szegedy 2015) reproduced. A public name loads when first used, and TensorFlow only with it."""

import importlib

__version__ = "0.1.0"

_HOME = {
    "BatchNormalization": "layer",
    "RunConfig": "config",
    "Study": "study",
    "UserError": "errors",
    "Workspace": "workspace",
    "fold": "population",
    "grid": "config",
    "load_dataset": "data",
    "population_statistics": "population",
    "provenance": "machine",
    "run": "runner",
    "run_all": "pool",
    "verdict_markdown": "wording",
    "verdicts": "report",
}

_KERAS = ("layer", "population", "runner")

__all__ = ["__version__", *_HOME]


def __getattr__(name: str):
    if name not in _HOME:
        raise AttributeError(f"module 'bnrepro' has no attribute {name!r}")
    if _HOME[name] in _KERAS:
        importlib.import_module("bnrepro.quiet").load_tensorflow()
    globals()[name] = getattr(importlib.import_module(f"bnrepro.{_HOME[name]}"), name)
    return globals()[name]


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
