"""Batch Normalization (Ioffe & Szegedy 2015) reproduced. A public name loads when first used, and TensorFlow only with it."""

import importlib

__version__ = "0.1.0"

_HOME = {
    "BatchNormalization": "layers.batch_normalization",
    "Classification": "tasks.base",
    "Images": "tasks.images",
    "Initialization": "models.initialization",
    "Measurement": "measurements.base",
    "Model": "models.base",
    "Normalization": "models.normalization",
    "Optimizer": "training.optimizer",
    "Regularization": "models.regularization",
    "RunConfig": "config.run_config",
    "Study": "jupyter.session",
    "Task": "tasks.base",
    "UserError": "errors",
    "Workspace": "records.workspace",
    "add_plugin": "config.registry",
    "field": "config.component",
    "fold": "layers.folding",
    "grid": "config.grid",
    "load_dataset": "tasks.images",
    "population_statistics": "layers.population",
    "provenance": "records.machine",
    "register": "config.registry",
    "run": "training.run",
    "run_all": "execution.run_all",
    "verdict_markdown": "report.formatting",
    "verdicts": "report.verdicts",
}

_KERAS = ("layers.batch_normalization", "layers.folding", "layers.population", "training.run")

__all__ = ["__version__", *_HOME]


def __getattr__(name: str):
    if name not in _HOME:
        raise AttributeError(f"module 'bnrepro' has no attribute {name!r}")
    if _HOME[name] in _KERAS:
        importlib.import_module("bnrepro.backend.tensorflow_logging").load_tensorflow()
    globals()[name] = getattr(importlib.import_module(f"bnrepro.{_HOME[name]}"), name)
    return globals()[name]


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
