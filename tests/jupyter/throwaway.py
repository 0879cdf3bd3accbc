"""Notebooks that are written for one test, a cell of parameters, then the cells given; and sweeps of some runs."""

from collections.abc import Iterable
from pathlib import Path

import nbformat
from nbformat.v4 import new_code_cell, new_notebook

from bnrepro.config.group import Group
from bnrepro.config.run_config import RunConfig

PARAMETERS = (
    'preset: str = "quick"  # which\noutput_root: str = ""  # where\nsize: int = 0  # how many, 0 means the preset\'s'
)
KILL = "import os, signal\nos.kill(os.getpid(), signal.SIGKILL)"


def write_notebook(path: Path, *cells: str, parameters: str = PARAMETERS) -> Path:
    """Writes a notebook and returns its path."""
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    notebook = new_notebook(metadata={"kernelspec": kernel, "language_info": {"name": "python"}})
    notebook.cells = [new_code_cell(parameters, metadata={"tags": ["parameters"]}), *map(new_code_cell, cells)]
    nbformat.write(notebook, path)
    return path


def only(configs: Iterable[RunConfig]) -> dict:
    """The sweeps of a plan whose one notebook needs these runs; none where there are none."""
    configs = list(configs)
    return {"10_a": lambda so_far: {Group("main"): configs}} if configs else {}
