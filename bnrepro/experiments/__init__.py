"""The experiments, a folder for each notebook, found by its name and imported when asked for. Knows no experiment's content.

Each folder has the same files for the same roles. `sweep.py`: `PRESETS`, what each preset means; `TABLES`, the tables that are
kept of its runs; `sweep(preset, **overrides)`, the runs to train by group. `tables.py`: what the runs come to, for the claims,
the panels and the notebook. `claims.py`: its claims, each a function decorated with `analysis.claims.claim`, in the order in
which they are shown; nothing else has to name one. `figures.py`: `PANELS`, each one message (`plotting.panel.Panel`), and
`SHEETS`, the panels of each sheet by its name; what draws them is in `panels.py`. No experiment imports from another: what
several need stands in `presets`, `setups`, `figure1`, or outside.
"""

import functools
import importlib
import importlib.util
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import pandas as pd

from bnrepro.analysis.claims import Claim, by_id
from bnrepro.config.group import Sweep
from bnrepro.errors import unknown
from bnrepro.experiments.presets import smallest
from bnrepro.records.schemas import Tables

_HOMES = {
    "TITLE": "",
    "PRESETS": ".sweep",
    "TABLES": ".sweep",
    "BASE": ".sweep",
    "ROUNDS": ".sweep",
    "count": ".sweep",
    "PANELS": ".figures",
    "SHEETS": ".figures",
    "controls": ".widget",
    "explore": ".widget",
    "live": ".widget",
}


@dataclass(frozen=True)
class Experiment:
    """One experiment as the rest of the package sees it: the parts of its files, each imported when it is asked for.

    Every experiment has `TITLE`, `PRESETS`, `TABLES`, `sweep`, `claims`, `PANELS` and `SHEETS`. Some have more, which `hasattr`
    tells:

    - `derive(tables)`, where the runs leave more than is worth keeping: the tables of its results, made of those in `TABLES`.
    - `ROUNDS`, where later runs depend on what earlier ones gave.
    - `BASE`, the run that all others are variations of; `count(preset, draws)`, where nothing is trained, the random draws.
    - `controls(tables)`, `explore(tables, live=None, **choice)` and `live(tables, **choice)`, where the notebook opens with a
      widget over the committed record: its `Control`s, with values of the record; the small figure of one choice, a value for
      each control by its name, `live` being the table `curves` so far of the run that was trained for this choice; and that run:
      seconds long, of a seed that is not reported, at once, for it is asked whenever a slider moves, and choices of which it
      gives the same run share what was trained.

    Any other name is one of its `tables.py`, so that a notebook can show it: `experiment.effects(tables)`.

    Args:
        folder: The name of its folder.
    """

    folder: str

    def sweep(self, preset: str, so_far: Tables | None = None, **overrides) -> Sweep:
        """The runs to train, by group.

        Args:
            preset: `smoke`, `quick` or `paper`.
            so_far: Where the experiment has `ROUNDS`, the tables `runs` and `curves` of the rounds so far: then the answer has
                the runs of the next round too. It is whole where it has no run that is not in `so_far`.
            overrides: The parameters of its notebook; 0 or empty means the preset's value.

        Raises:
            UserError: An unknown name, or a value of the wrong type or out of range.
        """
        given = {"so_far": so_far} if hasattr(self, "ROUNDS") else {}
        groups = importlib.import_module(f"{__name__}.{self.folder}.sweep").sweep(preset, **given, **overrides)
        return {group: list(map(smallest, runs)) for group, runs in groups.items()} if preset == "smoke" else groups

    @property
    def claims(self) -> tuple[Claim, ...]:
        """Its claims, in the order in which its `claims.py` defines them."""
        module = importlib.import_module(f"{__name__}.{self.folder}.claims")
        return tuple(value for value in vars(module).values() if isinstance(value, Claim))

    def findings(self, tables: Tables) -> pd.DataFrame:
        """What its tables say to its claims: of each the statistic, then what else is to be known (`analysis.findings`)."""
        return pd.concat([claim(tables) for claim in self.claims], ignore_index=True)

    def panel(self, name: str):
        """The panel of a name, or a `UserError` with the nearest name."""
        known = {panel.name: panel for panel in self.PANELS}
        if name not in known:
            raise unknown("panel", name, known)
        return known[name]

    def sheets(self) -> dict:
        """The panels of each sheet, by its name."""
        return {sheet: [self.panel(name) for name in names] for sheet, names in self.SHEETS.items()}

    def __getattr__(self, name: str):
        module = f"{__name__}.{self.folder}{_HOMES.get(name, '.tables')}"
        if name.startswith("_") or importlib.util.find_spec(module) is None:
            raise AttributeError(f"the experiment {self.folder} has no {name}")
        return getattr(importlib.import_module(module), name)


_EXPERIMENTS = {
    "00_the_layer": Experiment("the_layer"),
    "01_training_speed": Experiment("training_speed"),
    "02_activation_drift": Experiment("activation_drift"),
    "03_learning_rates": Experiment("learning_rates"),
    "04_regularization": Experiment("regularization"),
    "05_initialization": Experiment("initialization"),
    "06_batch_size": Experiment("batch_size"),
    "07_inference_statistics": Experiment("inference_statistics"),
    "08_dropout_and_weight_decay": Experiment("dropout_and_weight_decay"),
    "09_largest_rates": Experiment("largest_rates"),
}


class _Experiments(Mapping):
    def __getitem__(self, notebook: str) -> Experiment:
        if notebook not in _EXPERIMENTS:
            raise unknown("notebook", notebook, _EXPERIMENTS)
        return _EXPERIMENTS[notebook]

    def __contains__(self, notebook: object) -> bool:
        return notebook in _EXPERIMENTS

    def __iter__(self) -> Iterator[str]:
        return iter(_EXPERIMENTS)

    def __len__(self) -> int:
        return len(_EXPERIMENTS)


EXPERIMENTS = _Experiments()
"""Experiment by notebook, in the order of the notebooks."""


@functools.cache
def all_claims() -> dict[str, Claim]:
    """Every claim by its id, in the order of the experiments."""
    return by_id(claim for experiment in EXPERIMENTS.values() for claim in experiment.claims)
