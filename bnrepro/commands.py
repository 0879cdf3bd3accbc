"""What each command does, from its parsed options to its exit status. What one needs loads with it, so that lists, verdicts and
figures start no TensorFlow.
"""

import dataclasses
import json
import math
import os
import shutil
import sys
import textwrap
from pathlib import Path

from bnrepro.errors import RecordError, UserError
from bnrepro.output import say
from bnrepro.records.drafts import write_whole
from bnrepro.records.workspace import (
    Workspace,
    check_can_be_written,
    check_not_committed,
    whole_path,
)

RECORD = "paper"
"""The preset whose results are committed."""

_PANEL_OPTIONS = ("preset", "panel", "output", "format", "width", "font_size", "grey", "data")
"""Any of them, or a notebook, and `bnrepro figures` writes panels in place of the record's sheets."""


def run(options) -> int:
    from bnrepro.jupyter.batch import run_batch
    from bnrepro.jupyter.notebook_process import Failure
    from bnrepro.jupyter.plan import make_plan

    path = _writable(options.json)
    _load(options.plugin)
    plan = make_plan(
        options.notebooks,
        options.preset,
        options.parameters,
        options.output,
        options.jobs,
        options.all,
        options.executor,
    )
    if options.dry_run:
        from bnrepro.jupyter.trial_lines import trial_lines

        print(*trial_lines(config for group in plan.sweep().values() for config in group), sep="\n")
        return 0
    failures = run_batch(plan, options.force)
    workspace = plan.workspace
    try:
        from bnrepro.report.committed import update_pages
        from bnrepro.report.sheets import draw_sheets, save_sheets
        from bnrepro.report.verdicts import kept_results, verdicts
        from bnrepro.report.write import write_report

        table = verdicts(workspace)
        if path:
            write_whole(path, f"{_verdicts_json(table)}\n".encode())
        results = list(kept_results(workspace))
        sheets = draw_sheets(results)
        page = write_report(workspace, sheets=sheets, table=table)
        save_sheets(workspace, results, sheets)
        if workspace.is_record:
            update_pages(table)
        print(f"\n{_last_screen(table, [path.stem for path in plan.notebooks], options.verbose)}\n")
        paths = {"figures": workspace.figures, "report": page, "notebooks": workspace.executed}
        for name, path in paths.items():
            if path.exists():
                print(f"{name:10} {_from_here(path)}")
    except (UserError, RecordError, OSError) as error:  # no wrong usage: that was refused before
        failures.append(Failure("report", str(error)))
    for failure in failures:
        say(str(failure), 1)
    return 1 if failures else 0


def _last_screen(table, notebooks: list[str], verbose: bool) -> str:
    """The three answers where their notebooks were run, else the verdicts of those that were; if asked for, all in length."""
    from bnrepro.report.formatting import verdict_text
    from bnrepro.report.last_screen import in_short, of_notebooks, three_answers

    answers = three_answers(table, notebooks, _columns())
    if verbose:
        return "\n\n".join(filter(None, (verdict_text(table, _columns()), answers)))
    return answers or in_short(of_notebooks(table, notebooks), _columns())


def _from_here(path: Path) -> Path:
    """A path as somebody types it who is here."""
    return path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path


def _load(plugins: list[str]) -> None:
    from bnrepro.config.plugins import add_plugin

    for plugin in plugins:
        add_plugin(plugin)


def list_notebooks(options) -> int:
    from bnrepro.jupyter.parameters import find_notebooks, parameters

    known = {notebook.stem: parameters(notebook) for notebook in find_notebooks()}
    if options.json:
        print(json.dumps({notebook: [one._asdict() for one in own] for notebook, own in known.items()}, indent=1))
        return 0
    columns = _columns()
    for notebook, own in known.items():
        print(notebook)
        for one in own:
            line = f"  {one.name:14} {one.type:6} {one.default!r:9} {one.help}"
            print(textwrap.fill(line, max(columns, 40), subsequent_indent=" " * 8) if columns else line)
    return 0


def _columns() -> int | None:
    """Of the terminal that is printed to; None for a file or a pipe, whose lines are never broken."""
    return shutil.get_terminal_size().columns if sys.stdout.isatty() else None


def verdicts(options) -> int:
    from bnrepro.report.formatting import verdict_text
    from bnrepro.report.kept_findings import kept_findings
    from bnrepro.report.verdicts import together

    _load(options.plugin)
    workspace = Workspace(options.preset, options.output)
    if workspace.root and not workspace.root.is_dir():
        raise UserError(f"verdicts are those of a batch: {workspace.root} is no folder; name the one it wrote to")
    table = together(kept_findings(workspace))
    print(_verdicts_json(table) if options.json else verdict_text(table, _columns()))
    return 0


def _verdicts_json(table) -> str:
    """The verdicts as a list of objects."""
    rows = table.assign(rule=table["rule"].map(dataclasses.asdict)).to_dict("records")
    return json.dumps([{name: _plain(value) for name, value in row.items()} for row in rows], indent=1)


def _plain(value):
    """JSON has no NaN and no infinity."""
    return None if isinstance(value, float) and not math.isfinite(value) else value


def figures(options) -> int:
    given = {name: value for name in _PANEL_OPTIONS if (value := vars(options)[name]) is not None}
    _load(options.plugin)
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
    path = _writable(options.output)
    _load(options.plugin)
    from bnrepro.report.write import write_report

    print(write_report(Workspace(options.preset), path))
    return 0


def bench(options) -> int:
    if options.gpu:
        return _bench_gpu(options)
    of_gpu = {"--output": options.output, "--tiny": options.tiny}
    _check_left_out(of_gpu, "bench takes --output and --tiny with --gpu alone", "add --gpu or leave it out")
    path = _writable(options.json)
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
    _check_left_out(others, "bench --gpu measures all its rows and writes them below --output", "leave that out")
    if options.output is None:
        raise UserError("bench --gpu keeps records too: got no folder for them; name one with --output")
    check_not_committed(options.output)
    check_can_be_written(whole_path(options.output))
    from bnrepro.backend.engines import check_installed

    check_installed("jax")
    os.environ["KERAS_BACKEND"] = "jax"
    from bnrepro.benchmarks.gpu import bench_gpu

    return 0 if bench_gpu(whole_path(options.output), options.tiny) else 1


def _check_left_out(given: dict[str, object], rule: str, remedy: str) -> None:
    """Raises `UserError` where one of these arguments was given, which would be ignored."""
    names = [name for name, value in given.items() if value not in (None, False, [])]
    if names:
        raise UserError(f"{rule}: got {', '.join(names)}; {remedy}")


def _writable(path: str | None) -> Path | None:
    """The path of a file to write, or a `UserError` before any work is done for it."""
    if path is None:
        return None
    check_not_committed(path)
    whole = whole_path(path)
    if path.endswith("/") or os.path.isdir(whole):
        raise UserError(f"a file is written under a name of its own: {path} is a folder; name a file in it")
    if not os.path.isdir(whole.parent):
        raise UserError(f"a file is written in a folder that there is: that of {path} is none; make it or name another")
    check_can_be_written(whole.parent if os.path.isfile(whole) else whole)
    return Path(path).expanduser()


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
        print(table.to_string(index=False, line_width=_columns()))
    return 0 if options.action == "list" or table["ok"].all() else 1
