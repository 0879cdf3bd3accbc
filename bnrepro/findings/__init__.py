"""The findings, a small module for each notebook, found by its name and imported when asked for. Knows no finding's content.

Each has the same parts: `TITLE`; `TABLES`, the tables that it keeps of its runs; `PRESETS`, what each preset means; `PAPER`,
the paper's own number by claim; `CAPTION`, into which the report puts `{main_seeds}`, the number of seeds of the group `main`,
and so for each group; and three functions. `sweep(preset, **overrides)` gives the runs to train by group; `analyse(tables)` the
statistic of each claim (`claim`, `estimate`, `ci_low`, `ci_high`, `n`, and, if there is more to say, `bound` and `note` as in
`stats.Statistic`); `figure(tables)` the figure. A finding whose runs leave more than is worth keeping has a fourth,
`derive(tables)`: the tables of its results, made of those that `TABLES` names.

A finding whose notebook opens with a panel has three more, which are given the tables of the committed record.
`controls(tables)` gives the panel's `Control`s, with values of the record. `explore(tables, live=None, **choice)` the small
figure of one choice, a value for each control by its name; `live`, if there is one, is the table `curves` so far of the run that
was trained for this choice. `live(tables, **choice)` gives that run: seconds long, of a seed that is not reported, at once,
for it is asked whenever a slider moves, and choices of which it gives the same run share what was trained.
"""

import importlib
from collections.abc import Iterator, Mapping
from types import ModuleType

from bnrepro.errors import unknown

_MODULES = {
    "00_the_layer": "the_layer",
    "01_training_speed": "training_speed",
    "02_activation_drift": "activation_drift",
    "03_learning_rates": "learning_rates",
    "04_regularization": "regularization",
    "05_initialization": "initialization",
    "06_batch_size": "batch_size",
    "07_inference_statistics": "inference_statistics",
    "08_dropout_and_weight_decay": "dropout_and_weight_decay",
}


class _Findings(Mapping):
    def __getitem__(self, notebook: str) -> ModuleType:
        if notebook not in _MODULES:
            raise unknown("notebook", notebook, _MODULES)
        return importlib.import_module(f"{__name__}.{_MODULES[notebook]}")

    def __contains__(self, notebook: object) -> bool:
        return notebook in _MODULES

    def __iter__(self) -> Iterator[str]:
        return iter(_MODULES)

    def __len__(self) -> int:
        return len(_MODULES)


FINDINGS = _Findings()
"""Finding by notebook, in the order of the notebooks."""
