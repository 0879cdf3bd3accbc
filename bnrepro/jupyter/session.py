"""A notebook's way through the house: its sweep, the training of what is missing, its tables, its panels, its verdicts.

The only module of the package that walks from the training wing to the reading wing, and it does so by the tables.
"""

import functools

import pandas as pd
from IPython.display import Image, Markdown, display

from bnrepro.backend.tensorflow_logging import load_tensorflow
from bnrepro.execution.rounds import run_rounds
from bnrepro.experiments import EXPERIMENTS, spares_record
from bnrepro.jupyter.widget import DRAWING, explorer
from bnrepro.plotting.panel import draw_panel
from bnrepro.plotting.save import digest, render
from bnrepro.records.results import write_results
from bnrepro.records.schemas import Tables
from bnrepro.records.store import collect
from bnrepro.records.workspace import Workspace
from bnrepro.report.sweep_table import plan
from bnrepro.report.verdicts import judged, kept_results

_DOTS = 120  # an inch of a panel on the screen, in CSS pixels


class Session:
    """One notebook's experiment at one preset.

    Args:
        notebook: The notebook's name without its ending, as `01_training_speed`.
        preset: `smoke`, `quick` or `paper`.
        output_root: Folder for everything written; empty means this checkout.
        changed: Whether to write to the rooms of changed parameters even if none is here: in a batch another notebook's may be.
            An experiment of somebody's own never writes the record's.
        overrides: The notebook's other parameters; 0 or empty means the preset's value.

    Raises:
        UserError: A parameter out of range, or an output folder that cannot be written.
    """

    def __init__(self, notebook: str, preset: str = "quick", output_root: str = "", changed: bool = False, **overrides):
        self.notebook, self.experiment = notebook, EXPERIMENTS[notebook]
        changed = changed or any(overrides.values()) or spares_record(notebook, preset)
        self.workspace = Workspace(preset, output_root, changed=changed)
        self._rounds = functools.partial(self.experiment.sweep, preset, **overrides)
        self.sweep = self._rounds(None)
        self.workspace.check_writable()

    def plan(self) -> pd.DataFrame:
        """The sweep as a table: a row a group, the values of each field that varies or differs from the default."""
        return plan(self.sweep)

    def model(self, normalization: str = "batch"):
        """The Keras model of the first run with this normalization, as it is trained, before its seeded start."""
        load_tensorflow()
        from bnrepro.models.build import build_model

        configs = [config for group in self.sweep.values() for config in group]
        config = next(config for config in configs if config["normalization"] == normalization)
        return build_model(config, *config.task.shapes(config.seed))

    def train(self) -> Tables:
        """Trains the runs that have no record, writes this notebook's results, and returns them."""
        self.sweep = run_rounds(self._rounds, self.workspace.runs)
        tables = collect(self.sweep, self.workspace.runs, self.experiment.TABLES)
        return self.keep(self.experiment.derive(tables) if hasattr(self.experiment, "derive") else tables)

    def keep(self, tables: Tables) -> Tables:
        """Writes `tables` as this notebook's results, and returns them as they are read, whoever else writes there."""
        return write_results(self.workspace.results / self.notebook, tables)

    def panel(self, tables: Tables, name: str) -> None:
        """Shows one panel of the experiment with its caption below; `bnrepro figures` makes a file of it."""
        panel = self.experiment.panel(name)
        with DRAWING:  # no slider of the widget is to change the style meanwhile
            figure = draw_panel(panel, tables)
            picture = render(figure, "png", name, digest(tables))
        display(Image(picture, width=round(figure.get_size_inches()[0] * _DOTS)), Markdown(panel.full_caption(tables)))

    def explore(self):
        """The widget over the committed record, whatever the preset: widgets in a browser, a figure elsewhere."""
        return explorer(self.notebook)

    def verdicts(self, tables: Tables) -> pd.DataFrame:
        """The experiment's claims with statistic, interval, rule and verdict."""
        others = [result for result in kept_results(self.workspace) if result[0] != self.notebook]
        return judged(self.experiment, tables, others)
