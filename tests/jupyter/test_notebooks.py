"""The notebooks: each is built as the house builds them, and each runs, top to bottom, from any folder."""

import ast
import json
import re
import subprocess
import sys
from pathlib import Path

import keras
import nbformat
import papermill
import pytest

from bnrepro.cli import main
from bnrepro.errors import UserError
from bnrepro.experiments import EXPERIMENTS, all_claims
from bnrepro.jupyter.execute import LOADS, literally
from bnrepro.jupyter.parameters import find_notebooks, parameters, parse
from bnrepro.jupyter.plan import make_plan
from bnrepro.jupyter.session import Session
from bnrepro.records.workspace import CHECKOUT
from bnrepro.report.verdicts import RECORD
from tests.jupyter.throwaway import write_notebook

NOTEBOOKS = sorted((CHECKOUT / "notebooks").glob("*.ipynb"))
NAMES = [path.stem for path in NOTEBOOKS]
TRAINING = tuple(name for name in EXPERIMENTS if name != "00_the_layer")
WIDGETS = [name for name, finding in EXPERIMENTS.items() if hasattr(finding, "explore")]
each_notebook = pytest.mark.parametrize("path", NOTEBOOKS, ids=NAMES)


def code(notebook) -> list[str]:
    """The code cells without IPython's magics."""
    return [
        re.sub(r"^[%!].*$", "", cell.source, flags=re.MULTILINE) for cell in notebook.cells if cell.cell_type == "code"
    ]


def test_every_finding_has_its_notebook_and_the_verdicts_come_last():
    assert NAMES == ["00_the_layer", *TRAINING, "99_verdicts"]
    assert [*EXPERIMENTS, "99_verdicts"] == NAMES


@each_notebook
def test_a_notebook_is_of_format_4_5_with_cell_ids_and_the_python3_kernel(path):
    notebook = nbformat.read(path, as_version=nbformat.NO_CONVERT)
    nbformat.validate(notebook)
    assert (notebook.nbformat, notebook.nbformat_minor) == (4, 5)
    assert notebook.metadata.kernelspec.name == "python3"
    assert len({cell.id for cell in notebook.cells}) == len(notebook.cells)


@each_notebook
def test_a_notebook_has_about_twelve_cells_beside_its_panels_and_no_output(path):
    notebook = nbformat.read(path, 4)
    messages = 3 * len(EXPERIMENTS[path.stem].PANELS) if path.stem in EXPERIMENTS else 0
    assert 8 <= len(notebook.cells) - messages <= 16 + 2 * (path.stem in WIDGETS)
    for cell in notebook.cells:
        assert not cell.get("outputs")
        assert cell.get("execution_count") is None


@each_notebook
def test_papermill_reads_every_line_of_the_parameters_cell(path):
    cells = [cell for cell in nbformat.read(path, 4).cells if "parameters" in cell.metadata.get("tags", [])]
    assert len(cells) == 1
    found = papermill.inspect_notebook(literally(path))
    assert len(found) == len(cells[0].source.strip().splitlines())
    for parameter in found.values():
        assert parameter["inferred_type_name"] in ("int", "float", "str", "bool")
        assert parameter["help"]
        assert type(ast.literal_eval(parameter["default"])).__name__ == parameter["inferred_type_name"]
    theirs = [
        (one["name"], one["inferred_type_name"], ast.literal_eval(one["default"]), one["help"])
        for one in found.values()
    ]
    assert parameters(path) == theirs


@each_notebook
def test_a_notebook_has_the_parameters_of_its_kind(path):
    defaults = {one.name: one.default for one in parameters(path)}
    assert (defaults["preset"], defaults["output_root"], defaults["changed"]) == ("quick", "", False)
    if path.stem in TRAINING:
        own = set(defaults) - {"preset", "output_root", "changed"}
        assert {"seeds", "steps", "task"} <= own
        assert {"initial_std", "width", "hidden_units"} & own
        assert not any(defaults[name] for name in own)


@each_notebook
def test_a_notebook_passes_on_every_parameter(path):
    tagged = [cell for cell in nbformat.read(path, 4).cells if "parameters" in cell.metadata.get("tags", [])]
    trees = [ast.parse(source) for source in code(nbformat.read(path, 4)) if source != tagged[0].source]
    used = {node.id for tree in trees for node in ast.walk(tree) if isinstance(node, ast.Name)}
    assert {one.name for one in parameters(path)} <= used


@each_notebook
def test_a_notebook_narrates_and_leaves_functions_and_loops_to_the_modules(path):
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Lambda, ast.For, ast.While)
    for source in code(nbformat.read(path, 4)):
        assert not [node for node in ast.walk(ast.parse(source)) if isinstance(node, kinds)]


@pytest.mark.parametrize("name", EXPERIMENTS)
def test_each_panel_stands_between_a_short_question_and_what_to_see_in_it(name):
    cells = nbformat.read(CHECKOUT / "notebooks" / f"{name}.ipynb", 4).cells
    shown = [place for place, cell in enumerate(cells) if "session.panel(" in cell.source]
    order = [f'session.panel(tables, "{panel.name}")' for panel in EXPERIMENTS[name].PANELS]
    assert [cells[place].source for place in shown] == order
    for place in shown:
        question, words = cells[place - 1], cells[place + 1]
        assert question.cell_type == words.cell_type == "markdown"
        assert re.fullmatch(r"### [^\n]{5,70}\?", question.source) and 20 < len(words.source) < 500


@pytest.mark.slow
@pytest.mark.parametrize("name", [path.stem for path in find_notebooks() if path.stem in TRAINING])
def test_the_net_as_a_reader_would_write_it_is_the_one_that_is_trained(name, tmp_path):
    cells = nbformat.read(CHECKOUT / "notebooks" / f"{name}.ipynb", 4).cells
    shown = next(place for place, cell in enumerate(cells) if cell.source == "session.model().summary()")
    written = ast.parse(re.search(r"```python\n(.*?)```", cells[shown - 1].source, re.DOTALL)[1])
    names = {"keras": keras, "layers": keras.layers}
    exec(compile(ast.Module(written.body[:-1], []), "net", "exec"), names)
    theirs = eval(compile(ast.Expression(written.body[-1].value), "net", "eval"), names)
    ours = Session(name, "paper", str(tmp_path)).model()
    assert ours.count_params() == theirs.count_params()
    assert kinds(ours, "Activation") == kinds(theirs, "Activation") == kinds(ours, "BatchNormalization")
    assert kinds(ours, "Dense", "Conv2D") == kinds(theirs, "Dense", "Conv2D")


def kinds(model, *names):
    """How many layers of these kinds there are."""
    return sum(type(layer).__name__ in names for layer in model.layers)


@pytest.mark.parametrize("name", WIDGETS)
def test_a_widget_comes_right_after_the_imports_with_a_word_on_it(name):
    before, *cells = nbformat.read(CHECKOUT / "notebooks" / f"{name}.ipynb", 4).cells[2:5]
    assert "session = Session(" in before.source
    assert cells[0].cell_type == "markdown" and "never recorded" in cells[0].source
    assert cells[1].source == "session.explore()"


@each_notebook
def test_a_notebook_holds_no_formula_that_a_page_would_load_a_script_for(path):
    text = "\n".join(cell.source for cell in nbformat.read(path, 4).cells if cell.cell_type == "markdown")
    assert not re.search(r"\$|\\\(|\\\[|\\begin", text)


def test_the_last_notebook_trains_nothing_and_imports_no_tensorflow():
    script = "\n".join(code(nbformat.read(find_notebooks(["99"])[0], 4)))
    check = "import sys\nassert not {'tensorflow', 'keras'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", f"{script}\n{check}"], check=True)


OWN = """alpha = 3
rate = 0.5
flag = True
word = "a"
sizes: list = [1, 2]
pair = (1, 2)
weights: dict = {}
limit = None
derived = 2 * 3
typed: int = 4"""
"""A parameters cell as people write them."""


def test_a_parameter_may_take_several_lines_and_hold_what_papermill_does_not_see(tmp_path):
    cell = "%matplotlib inline\nsizes: list = [\n    1,  # small\n    2,\n]  # of = nets\nlimit: int | None = None\nsizes2 = 3"
    found = parameters(write_notebook(tmp_path / "mine.ipynb", parameters=cell))
    assert found == [
        ("sizes", "list", [1, 2], "of = nets"),
        ("limit", "int | None", None, ""),
        ("sizes2", "", 3, ""),
    ]


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"not JSON", "Expecting value"),
        (b"[]", "list indices"),
        (b'{"cells": [{}]}', "it lacks 'metadata'"),
        (b'{"cells": [{"metadata": {"tags": ["parameters"]}, "source": "a = ("}]}', "was never closed"),
    ],
)
def test_a_file_that_is_no_notebook_is_refused_with_the_reason(tmp_path, content, why):
    (tmp_path / "mine.ipynb").write_bytes(content)
    with pytest.raises(UserError, match=f"^a notebook is JSON of the notebook format 4: .*{why}"):
        parameters(tmp_path / "mine.ipynb")


def test_a_notebook_that_nothing_could_execute_is_refused_before_the_batch(tmp_path):
    path = write_notebook(tmp_path / "mine.ipynb")
    content = json.loads(path.read_bytes())
    content["cells"][0]["outputs"] = "none"
    path.write_text(json.dumps(content))
    assert parameters(path)
    with pytest.raises(UserError, match="^a notebook is JSON of the notebook format 4"):
        make_plan([str(path)], output=str(tmp_path / "out"))
    assert not (tmp_path / "out").exists()


@pytest.fixture(scope="module")
def own(tmp_path_factory):
    return parameters(write_notebook(tmp_path_factory.mktemp("own") / "mine.ipynb", parameters=OWN))


@pytest.mark.parametrize(
    ("assignment", "value"),
    [
        ("alpha=5", 5),
        ("alpha=0.25", 0.25),
        ("rate=1", 1),
        ("flag=False", False),
        ("flag=false", False),
        ("word=5", "5"),
        ("sizes=[3, 4]", [3, 4]),
        ("pair=(3, 4)", [3, 4]),
        ("weights={'a': [1.5, None]}", {"a": [1.5, None]}),
        ("limit=7", 7),
        ("limit=False", False),
        ("limit=some words", "some words"),
        ("derived=5", 5),
        ("typed=5", 5),
    ],
)
def test_a_value_without_a_declared_type_is_read_as_the_default_is(own, assignment, value):
    (found,) = parse([assignment], [own]).values()
    assert (type(found), found) == (type(value), value)


@pytest.mark.parametrize(
    "assignment",
    ["alpha=many", "alpha=True", "alpha=1e999", "rate=[1]", "flag=5", "flag=no", "sizes=3", "sizes={3}", "pair=3"]
    + ["weights={1: 2}", "weights=[1]", "weights={[]: 1}", "limit={3}", "limit=1j", "derived=b'x'", "typed=0.5"],
)
def test_a_value_of_another_type_than_the_default_is_refused_in_one_line(own, assignment):
    with pytest.raises(UserError, match=f"^{assignment.partition('=')[0]} is .*: got .*; change") as error:
        parse([assignment], [own])
    assert "\n" not in str(error.value)


def test_a_value_that_two_notebooks_read_differently_is_refused(own, tmp_path):
    other = parameters(write_notebook(tmp_path / "other.ipynb", parameters='alpha: str = "a"\nrate: float = 1.0'))
    assert parse(["rate=2.5"], [own, other]) == {"rate": 2.5}
    with pytest.raises(UserError, match="alpha is of one type in a batch"):
        parse(["alpha=5"], [own, other])


def state_of_the_checkout() -> dict[Path, int]:
    """When each file was written; caches that tools keep beside the sources are left out."""
    files = [path for path in CHECKOUT.rglob("*") if path.is_file()]
    parts = {path: path.relative_to(CHECKOUT).parts for path in files}
    hidden = {path for path in files if any(part.startswith(".") or part == "__pycache__" for part in parts[path])}
    return {path: path.stat().st_mtime_ns for path in files if path not in hidden and path.suffix != ".pyc"}


@pytest.fixture(scope="module")
def smoke(tmp_path_factory):
    """All notebooks, executed once at preset smoke: the folder, the exit code, what was printed, the checkout before."""
    folder, before = tmp_path_factory.mktemp("smoke") / "a folder", state_of_the_checkout()
    command = [sys.executable, "-m", "bnrepro", "run", "--all", "--preset", "smoke", "--output", folder]
    run = subprocess.run(command, capture_output=True, text=True, cwd=CHECKOUT)
    return folder, run, before


@pytest.mark.slow(seconds=200)
def test_all_notebooks_run_top_to_bottom(smoke):
    folder, run, _ = smoke
    assert run.returncode == 0, run.stderr
    for name in NAMES:
        notebook = nbformat.read(folder / "notebooks" / f"{name}.ipynb", 4)
        outputs = [output for cell in notebook.cells if cell.cell_type == "code" for output in cell.outputs]
        assert outputs
        assert not [output for output in outputs if output.output_type == "error"]
    assert not list(folder.glob("notebooks/*.failed.ipynb"))


@pytest.mark.slow(seconds=200)
def test_a_run_shows_a_progress_bar_and_says_where_everything_is(smoke):
    folder, run, _ = smoke
    assert "01 training speed   0%|" in run.stdout and re.search(r"about \d+ (s|min) left", run.stdout)
    assert re.search(r"01_training_speed +done in \d+ s", run.stdout) and "done 100%|" in run.stdout
    for path in ("notebooks", "figures", "report.html"):
        assert str(folder / path) in run.stdout
        assert (folder / path).exists()


@pytest.mark.slow(seconds=200)
def test_a_notebook_shows_its_panels_and_a_run_writes_its_sheets(smoke):
    folder, _, _ = smoke
    for name in EXPERIMENTS:
        notebook = nbformat.read(folder / "notebooks" / f"{name}.ipynb", 4)
        shown = [
            output
            for cell in notebook.cells
            for output in cell.get("outputs", [])
            if "image/png" in output.get("data", {})
        ]
        panels, widget = len(EXPERIMENTS[name].PANELS), name in WIDGETS and (RECORD.results / name).is_dir()
        assert len(shown) == panels + widget
        for sheet in EXPERIMENTS[name].SHEETS:
            assert (folder / "figures" / f"{name}-{sheet}.png").stat().st_size > 5000


@pytest.mark.slow(seconds=200)
def test_every_page_works_offline(smoke):
    folder, _, _ = smoke
    pages = [folder / "report.html", *(folder / "notebooks" / f"{name}.html" for name in NAMES)]
    for page in pages:
        assert not LOADS.search(page.read_text())


@pytest.mark.slow(seconds=200)
def test_with_an_output_folder_nothing_is_written_to_the_checkout(smoke):
    _, _, before = smoke
    assert state_of_the_checkout() == before


@pytest.mark.slow(seconds=200)
def test_every_claim_has_a_verdict_afterwards(smoke, capsys):
    folder, _, _ = smoke
    assert main(["verdicts", "--output", str(folder), "--json"]) == 0
    assert [row["claim"] for row in json.loads(capsys.readouterr().out)] == list(all_claims())


@pytest.mark.slow(seconds=200)
def test_plain_papermill_runs_a_notebook_from_any_folder_and_trains_no_run_twice(smoke, tmp_path):
    folder, _, _ = smoke
    records = {path: path.stat().st_mtime_ns for path in folder.glob("runs/*/done.json")}
    given = ["-p", "preset", "smoke", "-p", "output_root", folder]
    source = CHECKOUT / "notebooks" / "02_activation_drift.ipynb"
    command = [sys.executable, "-m", "papermill", literally(source), "out.ipynb", *given, "--no-progress-bar"]
    subprocess.run(command, cwd=tmp_path, check=True, capture_output=True)
    assert [path.name for path in tmp_path.iterdir()] == ["out.ipynb"]
    assert {path: path.stat().st_mtime_ns for path in folder.glob("runs/*/done.json")} == records
