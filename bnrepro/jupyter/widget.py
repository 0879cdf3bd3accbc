"""The panel at the top of a notebook: sliders over the committed record, and a button that trains one run in this kernel.

It shows what an experiment's `controls`, `explore` and `live` say, and knows nothing of what they are about. A live run leaves no
record, and TensorFlow is loaded when the button is pressed, not before.
"""

import io
import os
import sys
import threading

import pandas as pd
from matplotlib.figure import Figure

from bnrepro.config.run_config import RunConfig
from bnrepro.errors import UserError, one_line
from bnrepro.experiments import EXPERIMENTS, Experiment
from bnrepro.experiments.control import Control, start_of
from bnrepro.jupyter.notebook_process import SESSION
from bnrepro.plotting.style import styled
from bnrepro.records.results import load_results
from bnrepro.records.schemas import Tables
from bnrepro.records.workspace import Workspace
from bnrepro.report.verdicts import RECORD

DRAWING = threading.RLock()
"""Held while a figure is drawn: a slider is heard in a thread of its own, and matplotlib's style is one for all threads."""

_HINT = "Moves are drawn from the record; a live run is never recorded."
_DOTS = 120  # an inch of the figure on the screen, in CSS pixels
_DENSITY = 2  # pixels of the image in each of them


def has_front_end() -> bool:
    """Whether somebody looks at this kernel in a browser: a server started it, and a front end asks, which names its cell.

    The server's mark alone is not enough: what is started from such a kernel, as papermill's, inherits it.
    """
    shell = sys.modules["IPython"].get_ipython() if "IPython" in sys.modules else None
    request = shell.get_parent() if hasattr(shell, "get_parent") else {}
    return SESSION in os.environ and "cellId" in request.get("metadata", {})


def explorer(notebook: str, record: Workspace = RECORD):
    """The panel of a notebook: widgets in a browser, the figure of the first choice elsewhere.

    Args:
        notebook: The notebook's name without its ending.
        record: Whose results it shows.

    Returns:
        A widget, a figure, or None where there is no record, after a line that says how to make it.

    Raises:
        UserError: The notebook has no panel.
    """
    experiment = EXPERIMENTS[notebook]
    if not hasattr(experiment, "explore"):
        able = [name for name, other in EXPERIMENTS.items() if hasattr(other, "explore")]
        raise UserError(f"a panel needs an experiment with explore: {notebook} has none; open one of {', '.join(able)}")
    if not (record.results / notebook).is_dir():
        print(
            f"The panel shows the committed record, and {notebook} has none: run `bnrepro run {notebook} --preset paper`."
        )
        return None
    tables = load_results(record.results / notebook)
    if has_front_end():
        return Panel(experiment, tables).box
    with DRAWING:
        return experiment.explore(tables, **start_of(experiment.controls(tables)))


class Panel:
    """Widgets over one experiment's tables.

    Args:
        experiment: An experiment with `controls`, `explore` and `live`.
        tables: Its tables of the record.

    Attributes:
        box: All of it, to be shown.
        sliders: The widget of each control by its name.
        image, button, status: The figure, the button, the line under it.
    """

    def __init__(self, experiment: Experiment, tables: Tables):
        import ipywidgets

        self.experiment, self.tables = experiment, tables
        self._trained: tuple[RunConfig, pd.DataFrame] | None = None
        self._failed = False  # whether the last drawing did
        self.sliders = {control.name: _slider(control) for control in experiment.controls(tables)}
        self.image = ipywidgets.Image(format="png")
        self.button = ipywidgets.Button(description="Train one run live", icon="play", layout={"width": "170px"})
        self.status = ipywidgets.Label(_HINT)
        self.redraw()
        row = ipywidgets.HBox([self.button, self.status], layout={"align_items": "center", "overflow": "visible"})
        self.box = ipywidgets.VBox([*self.sliders.values(), self.image, row], layout={"overflow": "visible"})
        for slider in self.sliders.values():
            slider.observe(lambda change: self.redraw(), names="value")
        self.button.on_click(lambda button: self.train())
        for widget in (*self.sliders.values(), self.button):
            _hear_while_a_cell_runs(widget)

    @property
    def choice(self) -> dict:
        """The sliders' values by name."""
        return {name: slider.value for name, slider in self.sliders.items()}

    def redraw(self) -> None:
        """Draws the choice, and the live run on it if it is the one that this choice would train."""
        try:
            with DRAWING:
                figure = self.experiment.explore(self.tables, self._live_curves(), **self.choice)
                self.image.width = f"{figure.get_size_inches()[0] * _DOTS:.0f}px"
                self.image.value = _picture(figure)
            if self._failed:
                self._say(_HINT)
            self._failed = False
        except Exception as error:
            self._failed = True
            self._say(_one_line(error))

    def train(self) -> threading.Thread:
        """Trains the choice's run in a thread, so that the sliders can be moved meanwhile, and draws it as it goes."""
        self.button.disabled = True
        thread = threading.Thread(target=self._train, args=(self.choice,), name="live run", daemon=True)
        thread.start()
        return thread

    def _live_curves(self) -> pd.DataFrame | None:
        """The curves of the live run, if the choice would train the same."""
        config, curves = self._trained or (None, None)
        return curves if config and config == self.experiment.live(self.tables, **self.choice) else None

    def _train(self, choice: dict) -> None:
        try:
            config = self.experiment.live(self.tables, **choice)
            self._say("Loading TensorFlow and the data")
            from bnrepro import run

            def on_curves(curves: pd.DataFrame) -> None:
                self._trained = config, curves
                self._say(_progress(config, curves))
                self.redraw()

            tables = run(config, on_curves=on_curves)
            self._say(_outcome(tables["runs"].iloc[0], config, tables["curves"]))
        except Exception as error:
            self._say(_one_line(error))
        finally:
            self.button.disabled = False

    def _say(self, text: str) -> None:
        self.status.value = text


def _slider(control: Control):
    import ipywidgets

    words = any(isinstance(value, str) for value in control.values)
    kind = ipywidgets.ToggleButtons if words else ipywidgets.SelectionSlider
    return kind(
        options=[(value if words else f"{value:g}", value) for value in control.values],
        value=control.start,
        description=control.label,
        style={"description_width": "150px"} | ({"button_width": "auto"} if words else {}),
        layout={"width": "auto" if words else "566px"},
    )


def _hear_while_a_cell_runs(widget) -> None:
    """Lets a widget's messages come where the browser sends them, to a thread beside the cells, so that none waits for training.

    ipykernel 7 would bring them to the thread that made the widget, which is the one of the cells.
    """
    vars(widget.comm).pop("_reply_subshell_id", None)


@styled
def _picture(figure: Figure) -> bytes:
    """The figure as a PNG, compressed little, for it goes no farther than to the browser."""
    buffer = io.BytesIO()
    figure.savefig(buffer, dpi=_DENSITY * _DOTS, facecolor="white", pil_kwargs={"compress_level": 1})
    return buffer.getvalue()


def _progress(config: RunConfig, curves: pd.DataFrame) -> str:
    """The last evaluation in words."""
    last = curves[curves["split"] != "train"]
    if last.empty:
        return f"Step 0 of {config.steps:,}"
    last = last.iloc[-1]
    return f"Step {last['step']:,} of {config.steps:,}: {last['value']:.1%} on the {last['split']} examples"


def _outcome(run: pd.Series, config: RunConfig, curves: pd.DataFrame) -> str:
    if run["status"] == "diverged":
        return f"Diverged at step {run['diverged_at']:,.0f} of {config.steps:,}; not recorded"
    return f"{_progress(config, curves)}; done, not recorded"


def _one_line(error: Exception) -> str:
    name = "" if isinstance(error, UserError) else f"{type(error).__name__}: "
    return one_line(f"{name}{error}")
