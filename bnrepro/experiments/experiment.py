"""One experiment as the rest of the package sees it: its parts by name, wherever they stand. Knows no experiment's content."""

import importlib
import importlib.util
from dataclasses import dataclass
from types import ModuleType

import pandas as pd

from bnrepro.analysis.claims import Claim, by_id
from bnrepro.config.group import Sweep
from bnrepro.errors import RecordError, unknown
from bnrepro.experiments import outside
from bnrepro.experiments.presets import smallest
from bnrepro.records.computed import known
from bnrepro.records.schemas import Tables

_FILES = {
    "TITLE": "",
    "FIRST_LOOK": "",
    "PRESETS": "sweep",
    "TABLES": "sweep",
    "BASE": "sweep",
    "ROUNDS": "sweep",
    "TIMES_FIRST_ROUND": "sweep",
    "count": "sweep",
    "PANELS": "figures",
    "SHEETS": "figures",
    "controls": "widget",
    "explore": "widget",
    "live": "widget",
}


@dataclass(frozen=True)
class Experiment:
    """One experiment: the parts of its files, each imported when it is asked for.

    Every experiment has `TITLE`, `PRESETS`, `TABLES`, `sweep`, `claims`, `PANELS` and `SHEETS`. Some have more, which `hasattr`
    tells:

    - `derive(tables)`, where the runs leave more than is worth keeping: the tables of its results, made of those in `TABLES`.
    - `FIRST_LOOK`, whether it is trained where no notebook is named: its claims answer one of the paper's questions in minutes.
    - `ROUNDS`, where later runs depend on what earlier ones gave, and `TIMES_FIRST_ROUND`, by preset about how many times the
      work of the first round all of them come to.
    - `BASE`, the run that all others are variations of; `count(preset, draws)`, where nothing is trained, the random draws.
    - `controls(tables)`, `explore(tables, live=None, **choice)` and `live(tables, **choice)`, where the notebook opens with a
      widget over the committed record: its `Control`s, with values of the record; the small figure of one choice, a value for
      each control by its name, `live` being the table `curves` so far of the run that was trained for this choice; and that run:
      seconds long, of a seed that is not reported, at once, for it is asked whenever a slider moves, and choices of which it
      gives the same run share what was trained.

    Any other name is one of its `tables.py`, so that a notebook can show it: `experiment.effects(tables)`.

    Args:
        notebook: The name of its notebook, without ending.
        name: What verdicts call it.
        module: The package that has its files, or the one file that has all its parts.
    """

    notebook: str
    name: str
    module: str

    def sweep(self, preset: str, so_far: Tables | None = None, **overrides) -> Sweep:
        """The runs to train, by group.

        Args:
            preset: `smoke`, `quick` or `paper`.
            so_far: Where the experiment has `ROUNDS`, the tables `runs` and `curves` of the rounds so far, among them perhaps
                runs of other sweeps, so that its own are found by their ids: then the answer has the runs of the next round
                too. It is whole where it has no run that is not in `so_far`.
            overrides: The parameters of its notebook; 0 or empty means the preset's value.

        Raises:
            UserError: An unknown name, or a value of the wrong type or out of range.
        """
        given = {"so_far": so_far} if hasattr(self, "ROUNDS") else {}
        groups = self._file("sweep").sweep(preset, **given, **overrides)
        return {group: list(map(smallest, runs)) for group, runs in groups.items()} if preset == "smoke" else groups

    @property
    def is_first_look(self) -> bool:
        """Whether it is trained where no notebook is named."""
        return getattr(self, "FIRST_LOOK", False)

    @property
    def own_claims(self) -> tuple[Claim, ...]:
        """Its claims, in the order in which its `claims.py` defines them; none that was registered, which says whose it is."""
        found = (value for value in vars(self._file("claims")).values() if isinstance(value, Claim))
        return tuple(claim for claim in found if not outside.holds(claim))

    @property
    def claims(self) -> tuple[Claim, ...]:
        """Its own claims, then those that others make of its tables.

        Raises:
            UserError: Two have the same id.
        """
        return tuple(by_id([*self.own_claims, *outside.claims_on(self.notebook)]).values())

    def findings(self, tables: Tables) -> pd.DataFrame:
        """What its tables say to its claims: of each the statistic, then what else is to be known (`analysis.findings`)."""
        tables = known(tables)
        return pd.concat([self.finding(claim, tables) for claim in self.claims], ignore_index=True)

    def finding(self, claim: Claim, tables: Tables) -> pd.DataFrame:
        """What its tables say to one of its claims.

        Raises:
            RecordError: They have not what the claim asks for, as where it is newer than they are.
        """
        try:
            return claim(tables)
        except LookupError as error:
            raise RecordError(
                f"results have what each claim asks for: {claim.id} asks those of {self.notebook} for {error}, which is not "
                f"there; run `bnrepro run {self.notebook}`, or mend the claim where it is not newer than they are"
            ) from error

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
        file = None if name.startswith("_") else self._file(_FILES.get(name, "tables"))
        if not hasattr(file, name):
            raise AttributeError(f"the experiment {self.name} has no {name}")
        return getattr(file, name)

    def _file(self, name: str) -> ModuleType | None:
        """The file of a role, or None; of no role, the package itself; an experiment in one file has but that."""
        module = importlib.import_module(self.module)
        if not name or not hasattr(module, "__path__"):
            return module
        whole = f"{self.module}.{name}"
        return importlib.import_module(whole) if importlib.util.find_spec(whole) else None
