"""The panel: sliders over the committed record, a figure of it, a run that is trained at once and leaves no record."""

import os
import subprocess
import sys
import threading
from types import SimpleNamespace

import numpy as np
import pandas as pd
import papermill
import pytest
from matplotlib.figure import Figure

import bnrepro
from bnrepro.analysis.curves import median_curves
from bnrepro.config.run_config import RunConfig
from bnrepro.errors import UserError
from bnrepro.experiments import EXPERIMENTS
from bnrepro.experiments.control import Control, start_of, values_in
from bnrepro.jupyter import widget as panels
from bnrepro.jupyter.batch import run_batch
from bnrepro.jupyter.notebook_process import SESSION
from bnrepro.jupyter.plan import Plan
from bnrepro.jupyter.session import Session
from bnrepro.jupyter.widget import Panel, explorer
from bnrepro.plotting import widget_figure
from bnrepro.records.results import load_results, select
from bnrepro.records.workspace import Workspace
from bnrepro.report.verdicts import RECORD
from tests.experiments.factories import finding_tables
from tests.experiments.rows import table
from tests.jupyter.throwaway import write_notebook

PANELS = [name for name, finding in EXPERIMENTS.items() if hasattr(finding, "explore")]
RECORDED = [name for name in PANELS if (RECORD.results / name).is_dir()]
each_panel = pytest.mark.parametrize("notebook", RECORDED)


def record(notebook):
    return EXPERIMENTS[notebook], load_results(RECORD.results / notebook)


def choices(controls):
    """The first choice, and the ends of each control while the others are where they start."""
    start = start_of(controls)
    return [start, *(start | {one.name: value} for one in controls for value in (one.values[0], one.values[-1]))]


def curves(run="a run", split="test", accuracies=(0.1, 0.5, 0.8)) -> pd.DataFrame:
    """The table `curves` of a run that was evaluated every 500 steps."""
    rows = [(run, 500 * place, split, 1.0, value) for place, value in enumerate(accuracies)]
    rows += [(run, 500 * place, "train", 1.0, 0.0) for place in range(1, len(accuracies))]
    return table("curves", rows)


def test_a_control_starts_at_one_of_its_values():
    assert start_of([Control("rate", "Rate", (0.1, 0.2), 0.2), Control("arm", "Arm", ("a", "b"), "a")]) == {
        "rate": 0.2,
        "arm": "a",
    }
    with pytest.raises(ValueError, match="rate got 0.3"):
        Control("rate", "Rate", (0.1, 0.2), 0.3)


def test_the_values_of_a_column_are_plain_sorted_and_each_there_once():
    values = values_in(pd.Series([3, 1, 3]))
    assert values == (1, 3) and all(type(value) is int for value in values)


def test_a_finding_with_one_part_of_a_panel_has_all():
    for finding in EXPERIMENTS.values():
        assert len({hasattr(finding, part) for part in ("controls", "explore", "live")}) == 1


@each_panel
def test_the_values_of_the_controls_are_those_of_the_record(notebook):
    finding, tables = record(notebook)
    for control in finding.controls(tables):
        assert len(control.values) > 1 and control.start in control.values
        if control.name in tables["runs"]:
            assert set(control.values) <= set(tables["runs"][control.name])


@pytest.mark.slow
@each_panel
def test_every_choice_has_a_small_figure_and_they_differ(notebook):
    finding, tables = record(notebook)
    controls = finding.controls(tables)
    images = []
    for choice in choices(controls):
        figure = finding.explore(tables, **choice)
        assert figure.get_size_inches() * 25.4 == pytest.approx(widget_figure.SIZE, rel=0.2)
        images.append(panels._picture(figure))
    assert len(set(images)) >= len(controls) + 1


@pytest.mark.slow
@each_panel
def test_a_live_run_has_its_line_and_none_is_drawn_without(notebook):
    finding, tables = record(notebook)
    choice = start_of(finding.controls(tables))
    before = finding.explore(tables, **choice)
    after = finding.explore(tables, curves(), **choice)
    counted = [sum(len(axes.lines) for axes in figure.axes) for figure in (before, after)]
    assert counted[1] > counted[0]
    words = [text.get_text() for axes in after.axes for text in axes.texts]
    assert any("live" in word for word in words)


@pytest.mark.slow
@each_panel
def test_a_live_run_that_has_no_evaluation_yet_is_no_error(notebook):
    finding, tables = record(notebook)
    finding.explore(tables, curves().iloc[:0], **start_of(finding.controls(tables)))


@each_panel
def test_the_live_run_is_short_and_not_one_that_the_record_reports(notebook):
    finding, tables = record(notebook)
    for choice in choices(finding.controls(tables)):
        config = finding.live(tables, **choice)
        assert config.steps <= 10_000 and 5 <= config.steps / config.evaluate_every <= 30
        assert config.id not in set(tables["runs"]["run"])
        assert config.seed >= 1_000


@pytest.mark.parametrize(("initial_std", "learning_rate"), [(0.05, 0.1), (0.3, 3.2)])
def test_notebook_01_draws_the_runs_of_the_cell_and_the_papers_curves(initial_std, learning_rate):
    finding, tables = record("01_training_speed")
    cell = dict(initial_std=initial_std, learning_rate=learning_rate)
    (axes,) = finding.explore(tables, **cell).axes
    drawn = [np.asarray(line.get_ydata(), float) for line in axes.lines]
    cells = select(tables, "choice", "curves").query("split == 'validation'")
    cells = cells[(cells["initial_std"] == initial_std) & (cells["learning_rate"] == learning_rate)]
    for _, rows in cells.groupby("normalization"):
        runs = [run.sort_values("step")["value"].to_numpy() for _, run in rows.groupby("run")]
        assert len(runs) == 2
        for run in (*runs, np.median(runs, axis=0)):
            assert any(len(line) == len(run) and np.allclose(line, run) for line in drawn)
    assert sum(line.get_label().startswith("paper") for line in axes.lines) == 2


@pytest.mark.parametrize("learning_rate", [0.001, 0.03, 10.0])
def test_notebook_03_draws_the_runs_at_the_rate_and_says_how_many_diverged(learning_rate):
    finding, tables = record("03_learning_rates")
    (axes,) = finding.explore(tables, learning_rate=learning_rate).axes
    rows = select(tables, "rates", "curves").query("learning_rate == @learning_rate and split == 'validation'")
    drawn = [np.asarray(line.get_ydata(), float) for line in axes.lines]
    for _, run in rows.groupby("run"):
        values = run.sort_values("step")["value"].to_numpy()
        assert any(len(line) == len(values) and np.allclose(line, values) for line in drawn)
    texts = [text.get_text() for text in axes.texts]
    lost = select(tables, "rates").query("learning_rate == @learning_rate and status == 'diverged'")
    assert ("no run diverged" in texts) == lost.empty


@pytest.mark.slow
def test_the_axes_are_the_same_for_every_choice():
    for notebook in ("01_training_speed", "03_learning_rates"):
        finding, tables = record(notebook)
        axes = [finding.explore(tables, **choice).axes[0] for choice in choices(finding.controls(tables))]
        assert len({(one.get_xlim(), one.get_ylim()) for one in axes}) == 1


def test_of_two_runs_the_interval_of_the_median_is_their_range():
    tables = finding_tables("01_training_speed", "smoke")
    own = select(tables, "main", "curves")
    pd.testing.assert_frame_equal(widget_figure.medians(own), median_curves(own).drop(columns="n"), check_names=False)


@pytest.mark.slow
@each_panel
def test_without_a_front_end_the_panel_is_the_figure_of_the_first_choice(notebook, monkeypatch, tmp_path):
    monkeypatch.delenv(SESSION, raising=False)
    figure = Session(notebook, "smoke", str(tmp_path)).explore()
    finding, tables = record(notebook)
    assert isinstance(figure, Figure)
    first = finding.explore(tables, **start_of(finding.controls(tables)))
    assert panels._picture(figure) == panels._picture(first)


def test_somebody_looks_where_a_server_started_the_kernel_and_a_front_end_names_its_cell(monkeypatch):
    for session, metadata, seen in (
        ("a.ipynb", {"cellId": "1"}, True),
        ("a.ipynb", {}, False),
        ("", {"cellId": "1"}, False),
    ):
        monkeypatch.setattr(
            "IPython.get_ipython", lambda metadata=metadata: SimpleNamespace(get_parent=lambda: {"metadata": metadata})
        )
        monkeypatch.setenv(SESSION, session) if session else monkeypatch.delenv(SESSION, raising=False)
        assert panels.has_front_end() is seen


@pytest.mark.slow
def test_a_notebook_that_papermill_runs_from_a_notebook_has_nobody_who_looks(monkeypatch, tmp_path):
    monkeypatch.setenv(SESSION, "notebook.ipynb")  # as in the kernel of the notebook around it
    asked = "from bnrepro.jupyter.widget import SESSION, has_front_end\nimport os\nprint(SESSION in os.environ, has_front_end())"
    source = write_notebook(tmp_path / "10_a.ipynb", asked)
    notebook = papermill.execute_notebook(str(source), None, progress_bar=False)
    assert notebook.cells[-1].outputs[0].text == "True False\n"


@pytest.mark.slow
@each_panel
def test_with_a_front_end_it_has_a_slider_a_control_and_one_that_is_moved_redraws_at_once(notebook, monkeypatch):
    monkeypatch.setattr(panels, "has_front_end", lambda: True)
    box = explorer(notebook)
    finding, tables = record(notebook)
    panel = Panel(finding, tables)
    assert len(box.children) == len(panel.box.children) == len(finding.controls(tables)) + 2
    for control in finding.controls(tables):
        before, slider = panel.image.value, panel.sliders[control.name]
        slider.value = next(value for value in reversed(control.values) if value != control.start)
        assert panel.image.value != before
        slider.value = control.start
        assert panel.image.value == before


def test_a_notebook_without_a_panel_says_which_have_one():
    with pytest.raises(UserError, match="02_activation_drift has none; open one of 01_training_speed, 03"):
        explorer("02_activation_drift")


def test_without_a_record_one_line_says_how_to_make_it(capsys, tmp_path):
    assert explorer("01_training_speed", Workspace("paper", tmp_path)) is None
    assert capsys.readouterr().out.splitlines() == [
        "The panel shows the committed record, and 01_training_speed has none: "
        "run `bnrepro run 01_training_speed --preset paper`."
    ]


def made_up_finding(**parts) -> SimpleNamespace:
    """A finding whose figure shows the choice and the live run in its words."""

    def explore(tables, live=None, *, rate):
        figure = Figure(figsize=(1, 1))
        figure.text(0, 0.5, f"{rate} {None if live is None else len(live)}")
        return figure

    made_up = dict(
        controls=lambda tables: (Control("rate", "Rate", (1, 2), 1),),
        explore=explore,
        live=lambda tables, *, rate: RunConfig(steps=rate, seed=1000),
    )
    return SimpleNamespace(**made_up | parts)


def put_in_place_of_training(monkeypatch, run):
    monkeypatch.setitem(vars(bnrepro), "run", run)  # setattr would load TensorFlow to keep what is there


@pytest.fixture
def training(monkeypatch):
    """Puts a run in the place of training that goes on an evaluation at a time, when it is told to."""
    go, gone = threading.Semaphore(0), threading.Semaphore(0)

    def run(config, on_curves):
        for count in (1, 2, 3):
            assert go.acquire(timeout=20)
            on_curves(curves(accuracies=(0.1, 0.5, 0.8)[:count]))
            gone.release()
        assert go.acquire(timeout=20)
        return {"runs": pd.DataFrame({"status": ["finished"], "diverged_at": [np.nan]}), "curves": curves()}

    def step():
        go.release()
        assert gone.acquire(timeout=20)

    put_in_place_of_training(monkeypatch, run)
    return SimpleNamespace(step=step, end=go.release)


def test_a_live_run_is_drawn_as_it_goes_and_only_on_its_own_choice(training):
    panel = Panel(made_up_finding(), {})
    slider = panel.sliders["rate"]
    plain = panel.image.value
    thread = panel.train()
    assert panel.button.disabled
    seen = {plain}
    for _ in range(2):
        training.step()
        assert panel.image.value not in seen
        seen.add(panel.image.value)
    assert panel.status.value == "Step 500 of 1: 50.0% on the test examples"
    slider.value = 2
    other = panel.image.value
    training.step()
    assert panel.image.value == other == panels._picture(panel.experiment.explore({}, rate=2))
    training.end()
    thread.join(20)
    assert not panel.button.disabled
    assert panel.status.value == "Step 1,000 of 1: 80.0% on the test examples; done, not recorded"
    slider.value = 1
    assert panel.image.value not in {*seen, other}


def test_a_live_run_that_diverges_says_when(monkeypatch):
    tables = {"runs": pd.DataFrame({"status": ["diverged"], "diverged_at": [3]}), "curves": curves()}
    put_in_place_of_training(monkeypatch, lambda config, on_curves: tables)
    panel = Panel(made_up_finding(), {})
    panel.train().join(20)
    assert panel.status.value == "Diverged at step 3 of 1; not recorded"


@pytest.mark.parametrize("error", [ValueError("a\nlong\n  story"), UserError("a\nlong story")])
def test_an_error_is_one_line_and_the_button_can_be_pressed_again(monkeypatch, error):
    def fail(*arguments, **options):
        raise error

    line = "a long story" if isinstance(error, UserError) else "ValueError: a long story"
    put_in_place_of_training(monkeypatch, fail)
    panel = Panel(made_up_finding(), {})
    panel.train().join(20)
    assert panel.status.value == line and not panel.button.disabled
    explore, panel.experiment.explore = panel.experiment.explore, fail
    panel.status.value = ""
    panel.sliders["rate"].value = 2
    assert panel.status.value == line
    panel.experiment.explore = explore
    panel.sliders["rate"].value = 1
    assert panel.status.value.startswith("Moves are drawn from the record")


def test_words_are_buttons_and_numbers_a_slider():
    kinds = [type(panels._slider(Control("a", "A", values, values[0]))).__name__ for values in ((1, 2.5), ("a", "b"))]
    assert kinds == ["SelectionSlider", "ToggleButtons"]


def test_a_batch_that_was_started_from_a_notebook_keeps_its_panels_static(monkeypatch, tmp_path):
    """Of what the batch starts a process with, for the process itself takes seconds."""
    given = {}

    class Process:
        pid = returncode = 0

        def __init__(self, command, cwd, env, **options):
            given.update(env)
            for ending in ("ipynb", "html"):
                (cwd / command[4]).with_suffix(f".{ending}").touch()

        def poll(self):
            return 0

    monkeypatch.setattr(subprocess, "Popen", Process)
    monkeypatch.setenv(SESSION, "notebook.ipynb")
    workspace = Workspace("smoke", tmp_path)
    assert run_batch(Plan({tmp_path / "10_a.ipynb": {}}, {}, workspace, jobs=1)) == []
    assert SESSION not in given and given["PATH"] == os.environ["PATH"]


@pytest.mark.slow
def test_the_panel_loads_no_tensorflow():
    code = (
        "from bnrepro.jupyter import widget\nwidget.has_front_end = lambda: True\nwidget.explorer('01_training_speed')"
    )
    check = "import sys\nassert 'ipywidgets' in sys.modules and not {'tensorflow', 'keras'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", f"{code}\n{check}"], check=True)


@pytest.mark.slow
def test_a_run_shows_its_curves_after_each_evaluation():
    shown = []
    tables = bnrepro.run(RunConfig(steps=4, evaluate_every=2), on_curves=shown.append)
    assert [len(part) for part in shown] == [1, 3, 5]
    for part in shown:
        assert part.equals(tables["curves"].head(len(part)))


@pytest.mark.slow
@each_panel
def test_the_button_trains_the_run_that_the_finding_names(notebook, monkeypatch):
    """Cut to a few steps, and not compiled by XLA: how long it is says another test."""
    finding, tables = record(notebook)
    short = dict(steps=4, evaluate_every=2, test_examples=500, compiler="graph")
    cut = SimpleNamespace(
        controls=finding.controls,
        explore=finding.explore,
        live=lambda tables, **choice: finding.live(tables, **choice).replace(**short),
    )
    panel = Panel(cut, tables)
    before = panel.image.value
    panel.train().join(300)
    assert panel.status.value.endswith("; done, not recorded"), panel.status.value
    assert panel.image.value != before
