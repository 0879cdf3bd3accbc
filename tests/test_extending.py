"""The recipes of docs/extending.md, each a file outside the package, work as they stand there."""

import re

import nbformat
import numpy as np
import pytest
from nbclient import NotebookClient
from PIL import Image

import bnrepro
from bnrepro.config.group import Group
from bnrepro.config.registry import add_plugin
from bnrepro.config.run_config import RunConfig
from bnrepro.execution.run_all import run_all
from bnrepro.experiments import EXPERIMENTS
from bnrepro.plotting.panel import draw_panel
from bnrepro.records.workspace import CHECKOUT
from tests.config.factories import own_registry
from tests.experiments.factories import make_tables

pytestmark = pytest.mark.slow(seconds=60)

PAGE = (CHECKOUT / "docs" / "extending.md").read_text()
RECIPES = dict(re.findall(r"^`(\w+\.py)`.*?:\n\n```python\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL))
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
    assert {"my_net.py", "digits.py", "group_norm.py"} <= set(RECIPES)


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
    assert list(runs["status"]) == ["finished"] * 3
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
    assert trained["runs"]["status"].item() == "finished"
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
    assert "finished" in "".join(output.get("text", "") for output in notebook.cells[-1].outputs)


def test_what_the_recipes_import_is_public():
    names = {
        name
        for code in RECIPES.values()
        for line in re.findall(r"from bnrepro import (.*)", code)
        for name in line.split(", ")
    }
    assert names <= set(bnrepro.__all__)
