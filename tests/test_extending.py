"""The recipes of docs/extending.md, each a file outside the package, work as they stand there."""

import importlib
import json
import os
import re
import shutil

import nbformat
import numpy as np
import pytest
from nbclient import NotebookClient
from PIL import Image

import bnrepro
from bnrepro.analysis.claims import INCONCLUSIVE
from bnrepro.cli import main
from bnrepro.config.group import Group
from bnrepro.config.plugins import add_plugin
from bnrepro.config.run_config import RunConfig
from bnrepro.errors import UserError
from bnrepro.execution.run_all import run_all
from bnrepro.experiments import EXPERIMENTS, OURS, all_claims
from bnrepro.jupyter.session import Session
from bnrepro.plotting.panel import draw_panel
from bnrepro.records.workspace import CHECKOUT, DATA, Workspace
from bnrepro.report.verdicts import kept_results, of_ours, verdicts, verdicts_on
from bnrepro.report.write import write_report
from tests.config.factories import own_registry
from tests.experiments.factories import make_tables, write_finding_results
from tests.jupyter.throwaway import write_notebook

pytestmark = pytest.mark.slow(seconds=60)

PAGE = (CHECKOUT / "docs" / "extending.md").read_text()
RECIPES = dict(re.findall(r"^`(\w+\.py)`.*?:\n\n```python\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL))
CELLS = re.search(r"^Its notebook.*?```python\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)[1].split("# %%\n")
TRAINED = {"finished", "collapsed"}
"""How a run of few steps may end, which has hardly learned anything; not diverged."""

SHORT = dict(steps=4, evaluate_every=2, test_examples=100, validation_examples=100, compiler="graph")


@pytest.fixture
def recipe(tmp_path, monkeypatch):
    """Writes a recipe into a folder of its own and loads it; afterwards it is forgotten."""
    own_registry(monkeypatch)

    def load(name: str):
        path = tmp_path / name
        path.write_text(RECIPES[name])
        add_plugin(path)
        return path.parent

    return load


def write_digits(folder):
    """200 images of 28 x 28 to train on and 100 to test: as many bright rows as the class says, and noise."""
    noise = np.random.default_rng(0)
    for split, count in (("train", 20), ("test", 10)):
        for label in range(10):
            (folder / split / str(label)).mkdir(parents=True)
            for number in range(count):
                pixels = noise.integers(0, 60, (28, 28)).astype(np.uint8)
                pixels[: 2 * label + 1] += 150
                Image.fromarray(pixels).save(folder / split / str(label) / f"{number:03}.png")


def test_all_recipes_are_there():
    assert {"my_net.py", "digits.py", "group_norm.py", "twice_as_fast.py", "width.py"} == set(RECIPES)
    assert len(CELLS) == 5


def test_a_net_a_normalization_and_a_folder_of_images_each_take_one_file_and_one_line(recipe, tmp_path):
    write_digits(tmp_path / "digits")
    for name in ("my_net.py", "group_norm.py", "digits.py"):
        recipe(name)
    learned = dict(pixels="grey", batch_size=20, learning_rate=0.03, steps=200, evaluate_every=100, activation="relu")
    configs = [
        RunConfig(model="my_net", normalization="batch", channels=4, **SHORT),
        RunConfig(normalization="group", groups=2, hidden_units=8, **SHORT),
        RunConfig(task="digits", initialization="he", **learned),
    ]
    tables = run_all(configs, jobs=2, records=tmp_path / "records")
    runs = tables["runs"].set_index("run").loc[[config.id for config in configs]]
    assert set(runs["status"]) <= TRAINED and runs["status"].iloc[2] == "finished"
    assert list(runs["model.channels"].iloc[:1]) == [4] and runs["model.channels"].isna().sum() == 2
    assert list(runs["normalization.groups"].iloc[1:2]) == [2]
    assert list(runs["task"]) == ["mnist", "mnist", "digits"]
    last = tables["curves"][(tables["curves"]["run"] == configs[2].id) & (tables["curves"]["split"] == "test")]
    assert last["value"].iloc[-1] > 0.5


def test_the_recipes_normalization_joins_the_sweep_of_rates_by_one_parameter(recipe, tmp_path):
    recipe("group_norm.py")
    experiment = EXPERIMENTS["03_learning_rates"]
    sweep = experiment.sweep("smoke", another_arm="group", width=16)  # channels for four groups in every branch
    joined = [config for config in sweep[Group("rates")] if config["normalization"] == "group"]
    assert {config["learning_rate"] for config in joined} == {
        config["learning_rate"] for config in sweep[Group("rates")]
    }
    trained = run_all(joined[:1], jobs=1, records=tmp_path / "records")
    assert trained["runs"]["status"].item() in TRAINED
    tables = make_tables(sweep)
    assert set(experiment.rate_sweep(tables)["normalization"]) == {"none", "batch", "group"}
    words = {
        text.get_text()
        for axes in draw_panel(experiment.panel("rates"), tables).axes
        for text in axes.get_yticklabels()
    }
    assert {"without BN", "with BN", "group"} <= words
    assert {claim.id for claim in experiment.claims} == set(experiment.findings(tables)["claim"])


def test_the_recipes_normalization_stands_before_each_nonlinearity(recipe):
    recipe("group_norm.py")
    from bnrepro.models.build import build_model

    model = build_model(RunConfig(normalization="group", groups=5), (28, 28, 1), 10)
    kinds = [type(layer).__name__ for layer in model.layers[2:-1]]
    assert kinds == ["Dense", "GroupNormalization", "Activation"] * 3
    assert [layer.use_bias for layer in model.layers if hasattr(layer, "kernel")] == [False, False, False, True]


def test_a_net_that_stands_in_a_notebook_trains_in_other_processes(tmp_path):
    train = f"""
config = bnrepro.RunConfig(model=MyNet(channels=4), normalization="batch", **{SHORT})
print(bnrepro.run_all([config], jobs=1, records={str(tmp_path)!r})["runs"]["status"].item())
"""
    cells = ["import bnrepro", RECIPES["my_net.py"], train]
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])
    NotebookClient(notebook, kernel_name="python3", resources={"metadata": {"path": str(tmp_path)}}).execute()
    printed = "".join(output.get("text", "") for output in notebook.cells[-1].outputs)
    assert any(status in printed for status in TRAINED)


def test_a_claim_of_ones_own_is_judged_shown_and_reported_and_is_none_of_ours(recipe, tmp_path, capsys):
    write_finding_results(Workspace("smoke", tmp_path / "out").results, "smoke")
    path = recipe("twice_as_fast.py") / "twice_as_fast.py"
    there = ["--preset", "smoke", "--output", str(tmp_path / "out")]
    assert main(["verdicts", "--json", *there, "--plugin", str(path)]) == 0
    rows = {row["claim"]: row for row in json.loads(capsys.readouterr().out)}
    assert list(rows)[len(EXPERIMENTS["01_training_speed"].own_claims)] == "X1"
    assert rows["X1"]["experiment"] == "training_speed" and rows["X1"]["estimate"] > 0
    workspace = Workspace("smoke", tmp_path / "out")
    results = list(kept_results(workspace))
    table = verdicts_on(results)
    assert "X1" in set(table["claim"]) and "X1" not in {*of_ours(table)["claim"], *all_claims()}
    page = write_report(workspace, results, table, tmp_path / "page.html").read_text(encoding="utf-8")
    assert rows["X1"]["sentence"] in page


def test_an_experiment_of_ones_own_is_run_by_its_notebook_and_ends_in_verdicts_figures_and_report(
    recipe, tmp_path, capsys, monkeypatch
):
    path = recipe("width.py") / "width.py"
    parameters, *cells = CELLS
    notebook = write_notebook(tmp_path / "20_width.ipynb", *cells, parameters=parameters)
    out = tmp_path / "out"
    command = ["run", str(notebook), "--preset", "smoke", "--plugin", str(path), "--output", str(out), "--jobs", "2"]
    assert main(command) == 0
    said = capsys.readouterr().out
    assert "Z1" in said and "20_width" in said
    (row,) = verdicts(Workspace("smoke", out)).to_dict("records")
    assert (row["claim"], row["experiment"], row["n"], row["verdict"]) == ("Z1", "20_width", 2, INCONCLUSIVE)
    assert (out / "figures" / "20_width-gain.png").is_file()
    assert row["sentence"] in (out / "report.html").read_text(encoding="utf-8")
    executed = nbformat.read(out / "notebooks" / "20_width.ipynb", 4)
    assert row["sentence"] in str(executed.cells[-1].outputs) and "image/png" in str(executed.cells[-2].outputs)
    assert "Z1" not in all_claims() and "20_width" not in OURS
    for preset, room in (("smoke", "smoke"), ("paper", "paper-changed")):  # beside the record, not in it
        shutil.copytree(out / "results" / "20_width", tmp_path / "data" / "runs" / room / "results" / "20_width")
        monkeypatch.setattr("bnrepro.records.workspace.DATA", tmp_path / "data")
        panels = tmp_path / f"panels {preset}"
        command = ["figures", str(notebook), "--preset", preset, "--plugin", str(path), "--output", str(panels)]
        assert main(command) == 0
        assert [panel.name for panel in panels.iterdir()] == ["20_width-gain.pdf"]


def test_one_file_with_an_experiment_and_claims_on_others_keeps_them_apart(recipe, tmp_path):
    recipe("my_net.py")
    path = tmp_path / "both.py"
    path.write_text(f"{RECIPES['twice_as_fast.py']}\n\n{RECIPES['width.py']}")
    add_plugin(path)
    assert [claim.id for claim in EXPERIMENTS["20_width"].claims] == ["Z1"]
    assert [claim.id for claim in EXPERIMENTS["20_width"].own_claims] == ["Z1"]
    assert EXPERIMENTS["01_training_speed"].claims[-1].id == "X1"


def test_a_claim_that_is_registered_on_the_experiment_of_its_own_file_is_judged_there_once(recipe, tmp_path):
    recipe("my_net.py")
    path = tmp_path / "registered.py"
    registered = 'from bnrepro import register_claim\n\nregister_claim("20_width")(more_in_a_narrow_net)\n'
    path.write_text(f"{RECIPES['width.py']}\n\n{registered}")
    add_plugin(path)
    assert [claim.id for claim in EXPERIMENTS["20_width"].claims] == ["Z1"]


def test_two_files_that_claim_by_one_id_on_one_notebook_are_refused_and_one_file_run_again_is_not(recipe, tmp_path):
    recipe("twice_as_fast.py")
    exec(compile(RECIPES["twice_as_fast.py"], tmp_path / "twice_as_fast.py", "exec"), {"__name__": "again"})
    assert [claim.id for claim in EXPERIMENTS["01_training_speed"].claims].count("X1") == 1
    (tmp_path / "three_times.py").write_text(RECIPES["twice_as_fast.py"].replace("2.0", "3.0"))
    with pytest.raises(UserError, match="no two claims share an id: X1 is in twice_as_fast too") as error:
        add_plugin(tmp_path / "three_times.py")
    assert "\n" not in str(error.value)
    renamed = RECIPES["twice_as_fast.py"].replace("def twice_as_fast", "def three_times_as_fast")
    with pytest.raises(UserError, match="no two claims share an id: X1"):
        exec(compile(renamed, tmp_path / "twice_as_fast.py", "exec"), {"__name__": "again"})
    assert EXPERIMENTS["01_training_speed"].claims[-1].rule.threshold == 2.0


def test_a_claim_in_a_notebook_is_replaced_by_its_edited_cell(recipe, tmp_path):
    recipe("my_net.py")
    for cell, code in enumerate((RECIPES["twice_as_fast.py"], RECIPES["twice_as_fast.py"].replace("2.0", "3.0"))):
        exec(compile(code, f"cell-{cell}.py", "exec"), {"__name__": "__main__"})
    assert EXPERIMENTS["01_training_speed"].claims[-1].rule.threshold == 3.0


def test_an_experiment_of_an_installed_package_is_found_by_its_entry_point(recipe, tmp_path, monkeypatch):
    recipe("my_net.py")
    package = tmp_path / "site"
    (package / "width-1.0.dist-info").mkdir(parents=True)
    (package / "width-1.0.dist-info" / "METADATA").write_text("Metadata-Version: 2.1\nName: width\nVersion: 1.0\n")
    points = "[bnrepro.experiment]\n20_width = width_of_a_net\n[bnrepro.claim]\nfast = twice_as_fast\n"
    (package / "width-1.0.dist-info" / "entry_points.txt").write_text(points)
    (package / "width_of_a_net.py").write_text(RECIPES["width.py"])
    (package / "twice_as_fast.py").write_text(RECIPES["twice_as_fast.py"])
    monkeypatch.syspath_prepend(package)
    importlib.invalidate_caches()
    assert list(EXPERIMENTS) == [*OURS, "20_width"]
    assert EXPERIMENTS["20_width"].TITLE == "Width" and not hasattr(EXPERIMENTS["20_width"], "explore")
    assert EXPERIMENTS["01_training_speed"].claims[-1].id == "X1"


@pytest.mark.skipif(
    not os.access(DATA, os.W_OK),
    reason="without an output root a session writes into the checkout: this one is read-only",
)
def test_an_experiment_of_ones_own_never_writes_beside_the_committed_tables(recipe):
    recipe("width.py")
    assert Session("20_width", "paper").workspace.results == Workspace("paper", changed=True).results
    assert Session("01_training_speed", "paper").workspace.is_record


@pytest.mark.parametrize(
    ("code", "message"),
    [
        ('register_experiment("01_training_speed", __name__)', "'01_training_speed' is ours; choose another name"),
        ('register_claim("01_training_sped")', "did you mean '01_training_speed'?"),
        ('register_claim("01_training_speed")(all_claims()["T1"])', "T1 is ours; choose another"),
        (
            'import dataclasses\nfirst = dataclasses.replace(all_claims()["T1"], id="X1")\n'
            'register_claim("01_training_speed")(first)',
            "X1 is none; make it secondary",
        ),
    ],
)
def test_what_takes_a_name_of_ours_or_none_that_there_is_is_refused_in_one_line(recipe, tmp_path, code, message):
    recipe("my_net.py")
    path = tmp_path / "bad.py"
    path.write_text(f"from bnrepro.experiments import all_claims, register_claim, register_experiment\n{code}\n")
    with pytest.raises(UserError, match="a plugin is a Python file") as error:
        add_plugin(path)
    assert message in str(error.value) and "\n" not in str(error.value)


def test_what_the_recipes_import_is_public():
    names = {
        name.strip()
        for code in RECIPES.values()
        for several, line in re.findall(r"from bnrepro import (?:\(([^)]*)\)|(.*))", code)
        for name in (several or line).replace("\n", "").strip(" ,").split(",")
    }
    assert names <= set(bnrepro.__all__)
