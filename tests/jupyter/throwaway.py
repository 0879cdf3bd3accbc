"""Notebooks that are written for one test: a cell of parameters, then the cells given."""

from pathlib import Path

import nbformat
from nbformat.v4 import new_code_cell, new_notebook

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
