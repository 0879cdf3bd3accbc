"""The package as a whole: its dependencies stated once and alike, its start quick."""

import ast
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
from bnrepro.records.workspace import CHECKOUT

PYPROJECT = tomllib.loads((CHECKOUT / "pyproject.toml").read_text())
DEPENDENCIES = PYPROJECT["project"]["dependencies"]
EXTRAS = PYPROJECT["project"]["optional-dependencies"]
TOOLS = {"ipykernel", "jupyterlab"}
"""Used by hand or by papermill, imported by no module."""
COMPARED = {"flax"}
"""What `bnrepro bench --gpu` compares with where it is installed."""


def test_environment_and_pyproject_state_the_same_dependencies():
    text = (CHECKOUT / "environment.yml").read_text()
    conda, pip = text.split("- pip:\n")
    listed = re.findall(r"^ *- (.+)$", pip, re.MULTILINE)
    assert listed == [*DEPENDENCIES, "-e ."]
    python = re.search(r"- python(.+)$", conda, re.MULTILINE)[1]
    assert SpecifierSet(python) == SpecifierSet(PYPROJECT["project"]["requires-python"])


def packages(folder: str) -> set[str]:
    """The packages of others that the sources below a folder import, by the names they are installed under."""
    homes, found = importlib.metadata.packages_distributions(), set()
    for path in (CHECKOUT / folder).rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            names += [node.module] if isinstance(node, ast.ImportFrom) and node.module else []
            found |= {name.split(".")[0] for name in names}
    own = {"bnrepro", "tests", *sys.stdlib_module_names}
    return {canonicalize_name(homes.get(name, [name])[0]) for name in found - own}


def names(requirements: Iterable[str]) -> set[str]:
    return {Requirement(line).name for line in requirements}


def test_every_dependency_is_used_and_every_import_is_a_dependency():
    used = packages("bnrepro") - COMPARED
    optional = names([*EXTRAS["backends"], *EXTRAS["dask"], *EXTRAS["slurm"]])
    assert (used | TOOLS) - optional == names(DEPENDENCIES)


def test_what_the_tests_import_is_a_dependency():
    used = packages("tests")
    assert used <= names([*DEPENDENCIES, *EXTRAS["dev"], *EXTRAS["backends"]])


def test_what_is_needed_to_train_elsewhere_is_tested():
    assert {*EXTRAS["dask"], *EXTRAS["slurm"]} <= {*EXTRAS["dev"]}
    assert {*EXTRAS["jax"]} <= {*EXTRAS["backends"]}


def test_the_lock_has_every_dependency_in_a_version_that_is_allowed():
    lines = [line for line in (CHECKOUT / "requirements.lock").read_text().splitlines() if not line.startswith("#")]
    locked = dict(line.split("==") for line in lines)
    for line in [*DEPENDENCIES, *EXTRAS["dev"], *EXTRAS["backends"]]:
        requirement = Requirement(line)
        if requirement.name == "torch":  # its versions have the name of a device
            continue
        assert locked[requirement.name] in requirement.specifier, line
    assert not any("+" in version for version in locked.values())


def test_what_the_lock_has_runs_on_the_oldest_python_that_is_allowed():
    (oldest,) = [one.version for one in SpecifierSet(PYPROJECT["project"]["requires-python"]) if one.operator == ">="]
    needs = {
        canonicalize_name(one.name): one.metadata.get("Requires-Python", "")
        for one in importlib.metadata.distributions()
    }
    lines = (CHECKOUT / "requirements.lock").read_text().splitlines()
    locked = {canonicalize_name(line.split("==")[0]) for line in lines if not line.startswith("#")}
    assert len(locked & needs.keys()) > 100
    assert [name for name in locked & needs.keys() if f"{oldest}.0" not in SpecifierSet(needs[name])] == []


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


def test_what_a_trial_found_is_read_without_tensorflow():
    assert not loaded_after("from bnrepro.training.tried import Trial") & {"tensorflow", "keras"}


@pytest.mark.slow
def test_the_reading_wing_loads_no_tensorflow():
    code = (
        "import bnrepro.report\nfrom bnrepro.experiments import EXPERIMENTS\n"
        "for one in EXPERIMENTS.values():\n    one.sweep, one.claims, one.PANELS, hasattr(one, 'live')"
    )
    assert "pandas" in loaded_after(code)
    assert not loaded_after(code) & {"tensorflow", "keras"}


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
