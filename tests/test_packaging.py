"""The package as a whole: its dependencies stated once and alike, its doors where they are, its start quick."""

import ast
import importlib
import importlib.metadata
import os
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterable
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

import bnrepro
from bnrepro.experiments import EXPERIMENTS
from bnrepro.workspace import CHECKOUT

PYPROJECT = tomllib.loads((CHECKOUT / "pyproject.toml").read_text())
DEPENDENCIES = PYPROJECT["project"]["dependencies"]
EXTRAS = PYPROJECT["project"]["optional-dependencies"]
TOOLS = {"ipykernel", "jupyterlab"}
"""Used by hand or by papermill, imported by no module."""

GROUND, TRAINING, READING, FRONT = "ground floor", "training wing", "reading wing", "front door"
MAY_ENTER = {GROUND: {GROUND}, TRAINING: {TRAINING, GROUND}, READING: {READING, GROUND}}
KERAS, FIGURES = {"keras", "tensorflow"}, {"matplotlib", "seaborn"}
KEPT_OUT = {GROUND: KERAS | FIGURES, TRAINING: FIGURES, READING: KERAS}


def rooms() -> dict[str, str]:
    """Each module's floor or wing, as the table in CONTRIBUTING.md says; `experiments` is a module here."""
    found, room = {}, None
    for line in (CHECKOUT / "CONTRIBUTING.md").read_text().splitlines():
        if heading := re.match(r"\| \*([a-z ]+)", line):
            room = heading[1]
        elif line.startswith("| `"):
            found |= dict.fromkeys(re.findall(r"`([a-z_]+)(?:\.py|/)`", line.split("|")[1]), room)
    return found


def modules() -> dict[str, str]:
    """The source of each module of the package; those of `experiments` as one."""
    found = {}
    for path in sorted((CHECKOUT / "bnrepro").rglob("*.py")):
        name = path.relative_to(CHECKOUT / "bnrepro").parts[0].removesuffix(".py")
        found[name] = found.get(name, "") + path.read_text() + "\n"
    return {name: source for name, source in found.items() if not name.startswith("__")}


def imports(source: str) -> set[str]:
    """What a source imports anywhere in it: `bnrepro.x` by the module's name, others by their first part."""
    found = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module == "bnrepro":
            found |= {f"bnrepro.{bnrepro._HOME.get(alias.name, alias.name)}" for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            found.add(node.module)
    return {".".join(name.split(".")[: 2 if name.startswith("bnrepro.") else 1]) for name in found}


def open_doors(sources: dict[str, str], rooms: dict[str, str]) -> list[str]:
    """Each import that leads where its module must not go."""
    found = []
    for name, source in sources.items():
        room = rooms.get(name)
        for imported in sorted(imports(source)):
            inside = imported.removeprefix("bnrepro.")
            if imported in KEPT_OUT.get(room, ()):
                found.append(f"{name} ({room}) imports {imported}")
            elif (
                imported.startswith("bnrepro.")
                and inside in rooms
                and rooms[inside] not in MAY_ENTER.get(room, rooms.values())
            ):
                found.append(f"{name} ({room}) imports {inside} ({rooms[inside]})")
    return found


def test_every_module_has_its_room_in_contributing():
    assert set(modules()) == set(rooms())
    assert set(rooms().values()) == {GROUND, TRAINING, READING, FRONT}


def test_the_doors_of_the_house_are_where_they_are():
    assert open_doors(modules(), rooms()) == []


@pytest.mark.parametrize(
    ("module", "line"),
    [
        ("report", "import keras"),
        ("report", "from bnrepro.layer import BatchNormalization"),
        ("experiments", "def sweep():\n    from bnrepro import run_all"),
        ("engine", "import bnrepro.stats"),
        ("engine", "from bnrepro import plots"),
        ("runner", "from matplotlib.figure import Figure"),
        ("tables", "from bnrepro import data"),
        ("claims", "import tensorflow as tf"),
        ("layer", "from bnrepro.cli import main"),
    ],
)
def test_a_door_that_stands_open_is_seen(module, line):
    assert len(open_doors({module: line}, rooms())) == 1


def test_the_ways_that_are_allowed_are_not_reported():
    sources = {
        "report": "from bnrepro.stats import x",
        "runner": "from bnrepro import __version__",
        "cli": "import keras",
    }
    assert open_doors(sources, rooms()) == []


def experiment_sources() -> dict[str, str]:
    """The source of each module below `experiments`, by its path there."""
    folder = CHECKOUT / "bnrepro" / "experiments"
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
    assert experiment_folders() == {experiment.folder for experiment in EXPERIMENTS.values()}
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
    assert not hasattr(EXPERIMENTS["01_training_speed"], "derive")


def test_environment_and_pyproject_state_the_same_dependencies():
    text = (CHECKOUT / "environment.yml").read_text()
    conda, pip = text.split("- pip:\n")
    listed = re.findall(r"^ *- (.+)$", pip, re.MULTILINE)
    assert listed == [*DEPENDENCIES, "-e ."]
    python = re.search(r"- python(.+)$", conda, re.MULTILINE)[1]
    assert SpecifierSet(python) == SpecifierSet(PYPROJECT["project"]["requires-python"])


def packages(sources: Iterable[str]) -> set[str]:
    """The packages of others that these sources import, by the names they are installed under."""
    homes = importlib.metadata.packages_distributions()
    found = set().union(*map(imports, sources)) - set(sys.stdlib_module_names)
    return {canonicalize_name(homes.get(name, [name])[0]) for name in found if name.split(".")[0] != "bnrepro"}


def names(requirements: Iterable[str]) -> set[str]:
    return {Requirement(line).name for line in requirements}


def test_every_dependency_is_used_and_every_import_is_a_dependency():
    used = packages(modules().values())
    assert (used | TOOLS) - names(EXTRAS["backends"]) == names(DEPENDENCIES)


def test_what_the_tests_import_is_a_dependency():
    tests = {path.stem: path.read_text() for path in (CHECKOUT / "tests").glob("*.py")}
    used = packages(tests.values()) - {canonicalize_name(name) for name in tests}
    assert used <= names([*DEPENDENCIES, *EXTRAS["dev"], *EXTRAS["backends"]])


def test_the_lock_has_every_dependency_in_a_version_that_is_allowed():
    lines = [line for line in (CHECKOUT / "requirements.lock").read_text().splitlines() if not line.startswith("#")]
    locked = dict(line.split("==") for line in lines)
    for line in [*DEPENDENCIES, *EXTRAS["dev"], *EXTRAS["backends"]]:
        requirement = Requirement(line)
        if requirement.name == "torch":  # its versions have the name of a device
            continue
        assert locked[requirement.name] in requirement.specifier, line
    assert not any("+" in version for version in locked.values())


def test_the_hooks_check_with_the_ruff_of_the_lock():
    pins = re.findall(r"ruff==[\d.]+", (CHECKOUT / ".pre-commit-config.yaml").read_text())
    assert pins
    assert all(f"{pin}\n" in (CHECKOUT / "requirements.lock").read_text() for pin in pins)


def test_the_version_stands_in_the_citation_and_in_the_changelog():
    citation = (CHECKOUT / "CITATION.cff").read_text()
    assert f"\nversion: {bnrepro.__version__}\n" in citation
    assert f"\n## {bnrepro.__version__}" in (CHECKOUT / "CHANGELOG.md").read_text()


@pytest.mark.parametrize("name", bnrepro.__all__)
def test_every_public_name_is_there(name):
    assert getattr(bnrepro, name).__doc__
    assert name in dir(bnrepro)


def test_an_unknown_public_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="batch_norm"):
        _ = bnrepro.batch_norm


def loaded_after(code: str) -> set[str]:
    """The packages that a fresh Python has loaded after some code."""
    script = f"{code}\nimport sys\nprint(*sys.modules)"
    run = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, cwd=CHECKOUT)
    return set(run.stdout.split("\n")[-2].split())


def test_importing_the_package_loads_nothing_heavy():
    assert not loaded_after("import bnrepro") & {"tensorflow", "keras", "pandas", "numpy", "matplotlib"}


def test_the_reading_wing_loads_no_tensorflow():
    code = (
        "import bnrepro.report\nfrom bnrepro.experiments import EXPERIMENTS\n"
        "for one in EXPERIMENTS.values():\n    one.sweep, one.analyse, one.figure, hasattr(one, 'live')"
    )
    assert "pandas" in loaded_after(code)
    assert not loaded_after(code) & KERAS


def make(folder: Path, *arguments: str) -> subprocess.CompletedProcess:
    command = ["make", f"VENV={folder}/venv", *arguments]
    outer = (
        "MAKEFLAGS",
        "MAKELEVEL",
        "MFLAGS",
        "MAKEOVERRIDES",
        "BACKENDS",
        "PYTHON",
    )  # of the `make test` around this
    environment = {name: value for name, value in os.environ.items() if name not in outer}
    return subprocess.run(command, cwd=CHECKOUT, env=environment, capture_output=True, text=True, check=False)


def test_make_help_names_every_target():
    targets = ["reproduce", "test", "lab", "bench", "figures", "lint", "help"]
    lines = make(Path("unused"), "help").stdout.splitlines()
    assert sorted(line.split()[1] for line in lines) == sorted(targets)


def test_make_refuses_a_python_that_is_too_old_or_missing_in_one_line(tmp_path):
    old = tmp_path / "python3"
    old.write_text("#!/bin/sh\nexit 1\n")
    old.chmod(0o755)
    answer = make(tmp_path, "reproduce", f"PYTHON={old}")
    lines = [line for line in answer.stderr.splitlines() if not line.startswith("make")]
    assert lines == [f"Python 3.11, 3.12 or 3.13 is needed: {old} is not; give one with make PYTHON=PATH"]
    assert answer.returncode != 0
    assert not (tmp_path / "venv").exists()


def test_a_second_make_installs_nothing(tmp_path):
    (tmp_path / "venv/bin").mkdir(parents=True)
    for file in ("bin/python", ".installed", ".installed-dev"):
        (tmp_path / "venv" / file).touch()
    assert "pip install" not in make(tmp_path, "--dry-run", "test").stdout
    (tmp_path / "venv/.installed-dev").unlink()
    assert "pip install" in make(tmp_path, "--dry-run", "test").stdout


def test_tests_that_share_something_run_in_one_process(request):
    if os.environ.get("PYTEST_XDIST_WORKER") is None:
        pytest.skip("all tests run in one process here")
    assert request.node.nodeid.endswith(f"@{request.module.__name__}")
