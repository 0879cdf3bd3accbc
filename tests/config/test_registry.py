"""Parts by name: ours, a plugin file's, an installed package's, a notebook's; and what is said of one that there is not."""

import dataclasses
import importlib
import os

import pytest

import bnrepro
from bnrepro.config.component import field
from bnrepro.config.plugins import PLUGINS, add_plugin
from bnrepro.config.registry import KINDS, find, names, ours, register
from bnrepro.config.run_config import RunConfig
from bnrepro.config.validation import at_least
from bnrepro.errors import UserError
from bnrepro.execution.packing import pack, unpack
from bnrepro.models.base import Model
from tests.config.factories import own_registry

PLUGIN = """
from bnrepro.config.component import field
from bnrepro.config.registry import register
from bnrepro.models.base import Model
from tests.config.factories import own_registry


@register("model", "thin", version="2")
class Thin(Model):
    depth: int = field(2, help="layers")
    width: int = field(8, help="units")
"""


@pytest.fixture(autouse=True)
def forgotten_afterwards(monkeypatch):
    own_registry(monkeypatch)


@pytest.fixture
def plugin(tmp_path):
    path = tmp_path / "thin.py"
    path.write_text(PLUGIN)
    return path


@pytest.mark.parametrize("kind", KINDS)
def test_every_part_of_ours_is_found_by_its_name_and_says_what_its_fields_mean(kind):
    assert ours(kind)
    for name in ours(kind):
        part = find(kind, name)
        assert (part.kind, part.name, part.version) == (kind, name, "")
        assert part.__doc__
        for one in dataclasses.fields(part):
            assert one.metadata["help"], (name, one.name)


def test_a_part_of_a_plugin_file_is_found_by_its_name_here_and_in_what_is_started_from_here(plugin):
    add_plugin(plugin)
    add_plugin(plugin)
    assert os.environ[PLUGINS] == str(plugin)
    config = RunConfig(model="thin", depth=5)
    assert config["model.depth"] == 5 and config["width"] == 8
    assert "thin" in names("model")


def test_a_part_of_an_installed_package_is_found_by_its_entry_point(plugin, tmp_path, monkeypatch):
    package = tmp_path / "site"
    package.mkdir()
    monkeypatch.syspath_prepend(package)
    assert "thin" not in names("model")  # it is installed while this process runs
    (package / "thin_net-1.0.dist-info").mkdir()
    (package / "thin_net-1.0.dist-info" / "METADATA").write_text(
        "Metadata-Version: 2.1\nName: thin-net\nVersion: 1.0\n"
    )
    (package / "thin_net-1.0.dist-info" / "entry_points.txt").write_text("[bnrepro.model]\nthin = thin_net:Thin\n")
    (package / "thin_net.py").write_text(PLUGIN)
    importlib.invalidate_caches()
    assert "thin" in names("model")
    assert RunConfig(model="thin")["model.depth"] == 2


def test_the_id_holds_version_and_fields_of_a_part_from_outside(plugin):
    add_plugin(plugin)
    config = RunConfig(model="thin")
    assert config.as_dict().keys() - RunConfig().as_dict().keys() == {"model.depth", "model.version"}
    assert len({config.id, config.replace(depth=3).id, config.replace(width=9).id, RunConfig().id}) == 4
    type(config.model).version = "3"
    assert RunConfig(model="thin").id != config.id
    assert RunConfig.of_row(config.replace(depth=3).as_dict()) == config.replace(depth=3)


def test_a_part_of_a_notebook_and_one_of_a_plugin_travel_with_their_code(plugin):
    @register("model", "mine", version="1")
    class Mine(Model):
        units: int = field(3, at_least(1), "units")

    add_plugin(plugin)
    for config in (RunConfig(model=Mine(units=4)), RunConfig(model="thin", depth=4)):
        assert unpack(pack((config,)))[0].id == config.id


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: RunConfig(model="mpl"), "unknown model 'mpl': did you mean 'mlp'? (one of your own: @register("),
        (lambda: register("modl", "mine"), "unknown kind of part 'modl': did you mean 'model'?"),
        (lambda: register("model", "mlp", version="1")(type("Mine", (Model,), {})), "'mlp' is a model of ours"),
        (lambda: register("model", "mine")(type("Mine", (Model,), {})), "'mine' has none; write @register"),
        (
            lambda: register("task", "mine", version="1")(type("Mine", (Model,), {})),
            "derives from bnrepro.tasks.base.Task",
        ),
        (lambda: Model(), "the model Model has none; put @register"),
        (lambda: RunConfig(model="mlp", hiden_units=3), "unknown field 'hiden_units': did you mean 'hidden_units'?"),
    ],
)
def test_what_there_is_not_is_answered_in_one_line_with_the_way_out(make, message):
    with pytest.raises(UserError) as error:
        make()
    assert message in str(error.value) and "\n" not in str(error.value)


def test_a_worker_of_another_version_says_so(monkeypatch):
    packed = pack((RunConfig(),))
    monkeypatch.setattr("bnrepro.execution.packing.__version__", "0.0.9")
    with pytest.raises(
        RuntimeError, match=f"the command has {bnrepro.__version__}, this worker 0.0.9; install one on both$"
    ):
        unpack(packed)


@pytest.mark.parametrize(
    ("text", "message"), [(None, "is no file *.py"), ("1 / 0", "raised ZeroDivisionError (division by zero)")]
)
def test_a_plugin_that_cannot_be_loaded_is_refused_and_not_remembered(tmp_path, text, message):
    path = tmp_path / "bad.py"
    if text:
        path.write_text(text)
    with pytest.raises(UserError, match="a plugin is a Python file that adds to this package") as error:
        add_plugin(path)
    assert message in str(error.value) and os.environ[PLUGINS] == ""


def test_a_field_that_two_parts_share_is_given_with_its_part():
    @register("model", "mine", version="1")
    class Mine(Model):
        dropout: float = field(0.5, help="share")

    with pytest.raises(UserError, match="dropout is in model and regularization; write model.dropout"):
        RunConfig(model=Mine(), dropout=0.1)
    config = RunConfig(model=Mine(), **{"model.dropout": 0.2, "regularization.dropout": 0.1})
    assert (config["model.dropout"], config["dropout"]) == (0.2, 0.1)
