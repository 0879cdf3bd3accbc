"""The rooms of the package and the doors between them: one table, which the imports keep to and which is shown able to fail."""

import ast
import importlib
import re

import pytest

import bnrepro
from bnrepro.experiments import EXPERIMENTS
from bnrepro.records.workspace import CHECKOUT

PACKAGE = CHECKOUT / "bnrepro"

KERAS, FIGURES = {"keras", "tensorflow"}, {"matplotlib", "seaborn"}

DOORS = {
    # the corridor: neither Keras nor figures
    "errors": set(),
    "config": {"errors"},
    "records": {"errors", "config"},
    # training: Keras, no figures
    "backend": {"errors", "config", *KERAS},
    "layers": {"errors", *KERAS},
    "tasks": {"errors", "config", "records", *KERAS},
    "models": {"errors", "config", "layers", *KERAS},
    "measurements": {"errors", "config", "records", "tasks", "layers", "backend", *KERAS},
    "training": {"errors", "config", "records", "tasks", "models", "measurements", "layers", "backend", *KERAS},
    "execution": {"errors", "config", "records", "training", "backend"},
    # analysis: figures, no Keras
    "analysis": {"errors", "config", "records"},
    "plotting": {"errors", "config", "records", "analysis", *FIGURES},
    "experiments": {"errors", "config", "records", "analysis", "plotting", *FIGURES},
    "report": {"errors", "config", "records", "analysis", "plotting", "experiments", *FIGURES},
    # by hand: both wings
    "jupyter": {
        "errors",
        "config",
        "records",
        "backend",
        "tasks",
        "models",
        "training",
        "execution",
        "plotting",
        "experiments",
        "report",
        *FIGURES,
    },
    "benchmarks": {
        "errors",
        "analysis",
        "config",
        "records",
        "tasks",
        "models",
        "backend",
        "layers",
        "measurements",
        "training",
        "execution",
        *KERAS,
    },
    "output": set(),
    "completion": {"errors", "config", "tasks", "plotting", "experiments", "jupyter"},
    "commands": {
        "errors",
        "output",
        "config",
        "records",
        "tasks",
        "backend",
        "report",
        "jupyter",
        "benchmarks",
    },
    "cli": {"errors", "output", "completion", "commands"},
    "__main__": {"cli"},
    "__init__": {"backend"},
}
"""By room (a folder or module of the package), the rooms and libraries that it may import. Every room may import itself."""

WATCHED = {*DOORS, *KERAS, *FIGURES}


def room_of(parts: tuple[str, ...]) -> str:
    return parts[0].removesuffix(".py")


def sources() -> dict[str, list[str]]:
    """The sources of each room."""
    found = {}
    for path in sorted(PACKAGE.rglob("*.py")):
        found.setdefault(room_of(path.relative_to(PACKAGE).parts), []).append(path.read_text())
    return found


def imports(source: str) -> set[str]:
    """What a source imports anywhere in it: of this package the room, of others the library."""
    names = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module == "bnrepro":
            names |= {f"bnrepro.{bnrepro._HOME.get(alias.name, alias.name)}" for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            names.add(node.module)
    return {name.removeprefix("bnrepro.").split(".")[0] for name in names}


def open_doors(room: str, source: str) -> list[str]:
    """Each import of a room's source that leads where the room must not go."""
    allowed = DOORS[room] | {room}
    return [f"{room} imports {name}" for name in sorted(imports(source) & WATCHED - allowed)]


def test_every_room_has_its_doors_and_stands_in_contributing():
    assert set(sources()) == set(DOORS)
    rows = re.findall(r"^\| `([a-z_]+)(?:/|\.py)`", (CHECKOUT / "CONTRIBUTING.md").read_text(), re.MULTILINE)
    assert sorted(rows) == sorted(room for room in DOORS if not room.startswith("__"))


@pytest.mark.parametrize("room", DOORS)
def test_a_room_imports_what_it_may(room):
    assert [door for source in sources()[room] for door in open_doors(room, source)] == []


def test_no_door_leads_back():
    later = list(DOORS)
    for room, allowed in DOORS.items():
        behind = {other for other in allowed & set(DOORS) if later.index(other) > later.index(room)}
        assert behind <= ({"backend"} if room == "__init__" else set()), room


@pytest.mark.parametrize(
    ("room", "line"),
    [
        ("report", "import keras"),
        ("report", "from bnrepro.layers.batch_normalization import BatchNormalization"),
        ("experiments", "def sweep():\n    from bnrepro import run_all"),
        ("training", "import bnrepro.analysis.curves"),
        ("training", "from bnrepro import plotting"),
        ("execution", "from matplotlib.figure import Figure"),
        ("records", "from bnrepro import load_dataset"),
        ("analysis", "import tensorflow as tf"),
        ("layers", "from bnrepro.cli import main"),
        ("plotting", "from bnrepro.experiments import EXPERIMENTS"),
    ],
)
def test_a_door_that_stands_open_is_seen(room, line):
    assert len(open_doors(room, line)) == 1


@pytest.mark.parametrize(
    ("room", "line"),
    [
        ("report", "from bnrepro.analysis.curves import evaluations"),
        ("training", "from bnrepro import __version__\nimport keras"),
        ("training", "from bnrepro.training.keras_engine import Engine"),
        ("plotting", "import seaborn"),
    ],
)
def test_a_door_that_there_is_is_not_reported(room, line):
    assert open_doors(room, line) == []


def experiment_sources() -> dict[str, str]:
    """The source of each module below `experiments`, by its path there."""
    folder = PACKAGE / "experiments"
    return {path.relative_to(folder).as_posix(): path.read_text() for path in sorted(folder.rglob("*.py"))}


def borrowings(sources: dict[str, str], folders: set[str]) -> list[str]:
    """Each import by which an experiment, or what they share, reaches into an experiment's folder that is not its own."""
    found = []
    for name, source in sources.items():
        for node in ast.walk(ast.parse(source)):
            imported = {alias.name for alias in node.names} if isinstance(node, ast.Import) else set()
            if isinstance(node, ast.ImportFrom):
                imported = {f"{node.module}.{alias.name}" for alias in node.names}
                if node.level:
                    found.append(f"{name} has a relative import, which hides whose it is")
            for other in {*folders, "EXPERIMENTS"} - {name.split("/")[0]}:
                inside = f"bnrepro.experiments.{other}"
                if any(f"{one}.".startswith(f"{inside}.") for one in imported):
                    found.append(f"{name} imports {inside}")
    return found


def experiment_folders() -> set[str]:
    return {name.split("/")[0] for name in experiment_sources() if "/" in name}


def test_no_experiment_imports_from_another():
    assert experiment_folders() == {experiment.name for experiment in EXPERIMENTS.values()}
    assert borrowings(experiment_sources(), experiment_folders()) == []


@pytest.mark.parametrize(
    ("name", "line"),
    [
        ("batch_size/panels.py", "from bnrepro.experiments.regularization.tables import few"),
        ("activation_drift/sweep.py", "from bnrepro.experiments import training_speed"),
        ("initialization/tables.py", "def tables():\n    import bnrepro.experiments.learning_rates.tables"),
        ("batch_size/widget.py", "from bnrepro.experiments import EXPERIMENTS"),
        ("setups.py", "from bnrepro.experiments.learning_rates.sweep import RATES"),
        ("the_layer/claims.py", "from ..batch_size import tables"),
    ],
)
def test_a_borrowing_from_another_experiment_is_seen(name, line):
    assert len(borrowings({name: line}, experiment_folders())) == 1


def test_an_experiment_may_import_its_own_files_and_what_all_share():
    line = "from bnrepro.experiments import figure1\nfrom bnrepro.experiments.batch_size.tables import effects"
    assert borrowings({"batch_size/claims.py": line}, experiment_folders()) == []


@pytest.mark.parametrize("folder", sorted(experiment_folders()))
def test_the_files_of_an_experiment_are_those_of_its_roles(folder):
    files = {name.split("/")[1] for name in experiment_sources() if name.startswith(f"{folder}/")}
    roles = {"__init__.py", "sweep.py", "tables.py", "claims.py", "figures.py"}
    assert roles <= files <= roles | {"panels.py", "widget.py"}


def test_a_part_of_an_experiment_stays_what_it_is_when_a_file_of_its_name_is_imported():
    importlib.import_module("bnrepro.experiments.batch_size.sweep")
    assert list(EXPERIMENTS["06_batch_size"].sweep("smoke", seeds=1))


def test_a_part_that_an_experiment_has_not_is_no_attribute():
    with pytest.raises(AttributeError, match="the experiment the_layer has no explore"):
        _ = EXPERIMENTS["00_the_layer"].explore
    assert not hasattr(EXPERIMENTS["00_the_layer"], "derive")
