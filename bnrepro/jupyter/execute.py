"""Executes one notebook in this process and exports it as an HTML page.

`python -m bnrepro.jupyter.execute SOURCE DRAFT PARAMETERS`.

A batch starts one such process a notebook and trusts its exit code alone, for after its kernel was killed papermill leaves
a notebook on disk that looks complete. Knows no preset and no workspace.
"""

import contextlib
import json
import os
import re
import signal
import sys
import threading
import time
import traceback
from pathlib import Path

from bnrepro.errors import one_line
from bnrepro.jupyter.loading import load_nbformat

START_SECONDS = 180
"""A kernel on a loaded machine may need longer than papermill's 60 s."""

_OFFLINE = """
{%- extends "lab/index.html.j2" -%}
{%- block html_head_js -%}{%- endblock -%}
{%- block jupyter_widgets -%}{%- endblock -%}
{%- block html_head_js_mathjax -%}{%- endblock -%}
{%- block html_head_js_mermaidjs -%}{%- endblock -%}
"""
"""nbconvert's page without the scripts that it would load from elsewhere."""

LOADS = re.compile(
    r"""<(script|img|link|iframe)\b[^>]*\b(src|href)=["']?(https?:)?//[^"'\s>]*|(url\(["']?|@import ["'])https?:"""
)
"""What makes a browser fetch something; a link to click on does not."""


REASON = "failed: "
"""What the line begins with that says why: on stdout for the batch, in the log for people."""


def reason(error: Exception) -> str:
    """Why a notebook failed, in one line: what its cell raised, where it was that, without the cell and the way to it."""
    kind = getattr(error, "ename", type(error).__name__)
    line = one_line(f"{kind}: {getattr(error, 'evalue', error)}")
    return f"{line}: somebody killed it, or the memory ran out" if kind == "DeadKernelError" else line


def execute(source: Path, draft: Path, values: dict) -> None:
    """Runs a notebook top to bottom and writes `draft`, the executed notebook, and an HTML page beside it.

    Args:
        source: The notebook; it is not changed.
        draft: Where to write, from the working folder.
        values: Its parameters, plain JSON values.

    Raises:
        Exception: What the notebook raised, or that its kernel died.
        RuntimeError: A cell was not executed, as after `sys.exit(0)`, or the page would load something.
    """
    load_nbformat()
    import papermill
    from nbclient.exceptions import DeadKernelError

    def attempt():
        paths = map(literally, (source, draft))
        return papermill.execute_notebook(*paths, values, progress_bar=False, start_timeout=START_SECONDS)

    try:
        notebook = attempt()
    except DeadKernelError:
        raise
    except RuntimeError as error:
        print(f"the kernel did not start ({error}); once more", file=sys.stderr)
        notebook = attempt()
    for number, cell in enumerate(notebook.cells, start=1):
        if cell.cell_type == "code" and cell.source.strip() and cell.execution_count is None:
            raise RuntimeError(f"every cell is executed: {source.name} ended before cell {number}")
    draft.with_suffix(".html").write_text(to_html(notebook), encoding="utf-8")


def show_so_far(draft: Path) -> None:
    """Writes the page of what was executed of a notebook that failed, with what its cell raised; none where it shows nothing."""
    import nbformat

    with contextlib.suppress(OSError, ValueError, RuntimeError):  # none was written, it is torn, or it loads something
        draft.with_suffix(".html").write_text(to_html(nbformat.read(draft, 4)), encoding="utf-8")


def literally(path: Path) -> str:
    """The path as papermill takes it, which fills in what stands between single braces."""
    return str(path).replace("{", "{{").replace("}", "}}")


def to_html(notebook) -> str:
    """An executed notebook as one page that loads nothing.

    Raises:
        RuntimeError: The notebook itself shows something from elsewhere.
    """
    from jinja2 import DictLoader
    from nbconvert import HTMLExporter

    templates = DictLoader({"offline.html.j2": _OFFLINE})
    exporter = HTMLExporter(extra_loaders=[templates], template_file="offline.html.j2", embed_images=True)
    page, _ = exporter.from_notebook_node(notebook)
    if loads := LOADS.search(page):
        raise RuntimeError(f"a page works offline: this notebook loads {loads[0]}")
    return page


def _end_with(parent: int) -> None:
    """A batch that was killed cannot end its notebooks, so each looks whether the batch is still there."""
    while os.getppid() == parent:
        time.sleep(1)
    os.kill(os.getpid(), signal.SIGTERM)  # papermill then ends the kernel


if __name__ == "__main__":
    threading.Thread(target=_end_with, args=(os.getppid(),), daemon=True).start()
    try:
        execute(Path(sys.argv[1]), Path(sys.argv[2]), json.loads(sys.argv[3]))
    except Exception as error:
        print(f"{REASON}{reason(error)}", flush=True)
        traceback.print_exc()
        show_so_far(Path(sys.argv[2]))
        sys.exit(f"\n{REASON}{reason(error)}")
