"""What each command does, from its parsed options to its exit status. What one needs loads with it, so that lists, verdicts and
figures start no TensorFlow.
"""

import json
import os
import textwrap

from bnrepro.commands.as_json import comparison_json, verdicts_json
from bnrepro.commands.batches import run as run
from bnrepro.commands.checks import check_left_out, columns, load, writable
from bnrepro.errors import UserError
from bnrepro.records.workspace import Workspace, check_can_be_written, check_not_committed, whole_path

RECORD = "paper"
"""The preset whose results are committed."""

_PANEL_OPTIONS = ("preset", "panel", "output", "format", "width", "font_size", "grey", "data")
"""Any of them, or a notebook, and `bnrepro figures` writes panels in place of the record's sheets."""


def list_notebooks(options) -> int:
    from bnrepro.jupyter.parameters import find_notebooks, parameters

    known = {notebook.stem: parameters(notebook) for notebook in find_notebooks()}
    if options.json:
        print(json.dumps({notebook: [one._asdict() for one in own] for notebook, own in known.items()}, indent=1))
        return 0
    width = columns()
    for notebook, own in known.items():
        print(notebook)
        for one in own:
            line = f"  {one.name:14} {one.type:6} {one.default!r:9} {one.help}"
            print(textwrap.fill(line, max(width, 40), subsequent_indent=" " * 8) if width else line)
    return 0


def verdicts(options) -> int:
    from bnrepro.report.formatting import verdict_text
    from bnrepro.report.kept_findings import kept_findings
    from bnrepro.report.verdicts import together

    load(options.plugin)
    workspace = Workspace(options.preset, options.output)
    if workspace.root and not workspace.root.is_dir():
        raise UserError(f"verdicts are those of a batch: {workspace.root} is no folder; name the one it wrote to")
    table = together(kept_findings(workspace))
    print(verdicts_json(table) if options.json else verdict_text(table, columns()))
    return 0


def compare(options) -> int:
    from bnrepro.report.compare import compare
    from bnrepro.report.comparison_text import comparison_text

    load(options.plugin)
    found = compare(options.old, options.new)
    print(comparison_json(found) if options.json else comparison_text(found, columns()))
    return 0


def figures(options) -> int:
    given = {name: value for name in _PANEL_OPTIONS if (value := vars(options)[name]) is not None}
    load(options.plugin)
    if not options.notebooks and not given:
        from bnrepro.report.committed import publish

        print(*publish(), sep="\n")
        return 0
    output, workspace = given.pop("output", "."), Workspace(given.pop("preset", RECORD))
    check_can_be_written(whole_path(output))
    from bnrepro.jupyter.parameters import find_notebooks
    from bnrepro.report.sheets import export

    notebooks = [path.stem for path in find_notebooks(options.notebooks)] if options.notebooks else []
    print(*export(notebooks, given.pop("panel", ""), output, workspace=workspace, **given), sep="\n")
    return 0


def report(options) -> int:
    path = writable(options.output)
    load(options.plugin)
    from bnrepro.report.write import write_kept_report

    print(write_kept_report(Workspace(options.preset), path))
    return 0


def bench(options) -> int:
    if options.gpu:
        return _bench_gpu(options)
    of_gpu = {"--output": options.output, "--tiny": options.tiny}
    check_left_out(of_gpu, "bench takes --output and --tiny with --gpu alone", "add --gpu or leave it out")
    path = writable(options.json)
    if options.keep:
        from bnrepro.benchmarks.by_processor import own_file

        check_can_be_written(own_file().parent, "leave out --keep")
    from bnrepro.backend.tensorflow_logging import load_tensorflow, without_tensorflow_chatter

    load_tensorflow()
    with without_tensorflow_chatter():
        from bnrepro.benchmarks.bench import bench

        bench(options.rows, path, options.keep)
    return 0


def _bench_gpu(options) -> int:
    others = {"ROW": options.rows, "--json": options.json, "--keep": options.keep}
    check_left_out(others, "bench --gpu measures all its rows and writes them below --output", "leave that out")
    if options.output is None:
        raise UserError("bench --gpu keeps records too: got no folder for them; name one with --output")
    check_not_committed(options.output)
    check_can_be_written(whole_path(options.output))
    from bnrepro.backend.engines import check_installed

    check_installed("jax")
    os.environ["KERAS_BACKEND"] = "jax"
    from bnrepro.benchmarks.gpu import bench_gpu

    return 0 if bench_gpu(whole_path(options.output), options.tiny) else 1


def data(options) -> int:
    from bnrepro.tasks.archives import list_datasets, verify
    from bnrepro.tasks.download import fetch

    if options.action == "fetch":
        print(fetch(options.name))
        return 0
    table = list_datasets() if options.action == "list" else verify()
    if options.json:
        print(table.to_json(orient="records", indent=1))
    else:
        print(table.to_string(index=False, line_width=columns()))
    return 0 if options.action == "list" or table["ok"].all() else 1
