"""The findings, a small module for each notebook, found by its name and imported when asked for. Knows no finding's content.

Each has the same parts: `TITLE`; `TABLES`, the tables that it keeps of its runs; `PRESETS`, what each preset means; `PAPER`,
the paper's own number by claim; `CAPTION`, into which the report puts `{main_seeds}`, the number of seeds of the group `main`,
and so for each group; and three functions. `sweep(preset, **overrides)` gives the runs to train by group; `analyse(tables)` the
statistic of each claim (`claim`, `estimate`, `ci_low`, `ci_high`, `n`, and, if there is more to say, `bound` and `note` as in
`stats.Statistic`); `figure(tables)` the figure. A finding whose runs leave more than is worth keeping has a fourth,
`derive(tables)`: the tables of its results, made of those that `TABLES` names.
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
