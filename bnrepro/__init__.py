"""Batch Normalization (Ioffe & Szegedy 2015) reproduced. A public name loads when first used, and TensorFlow only with it."""

import importlib

__version__ = "0.1.0"

_HOME = {
    "BatchNormalization": "layers.batch_normalization",
    "Classification": "tasks.base",
    "Group": "config.group",
    "Images": "tasks.images",
    "Initialization": "models.initialization",
    "Measurement": "measurements.base",
    "Model": "models.base",
    "Normalization": "models.normalization",
    "Optimizer": "training.optimizer",
    "Panel": "plotting.panel",
    "Regularization": "models.regularization",
    "Rule": "analysis.claims",
    "RunConfig": "config.run_config",
    "Session": "jupyter.session",
    "Task": "tasks.base",
    "UserError": "errors",
    "Workspace": "records.workspace",
    "add_plugin": "config.plugins",
    "claim": "analysis.claims",
    "field": "config.component",
    "final_metric": "analysis.curves",
    "fold": "layers.folding",
    "grid": "config.grid",
    "group_curves": "analysis.select",
    "load_dataset": "tasks.images",
    "median_of": "analysis.findings",
    "paired": "analysis.paired",
    "population_statistics": "layers.population",
    "provenance": "records.machine",
    "register": "config.registry",
    "register_claim": "experiments",
    "register_experiment": "experiments",
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
