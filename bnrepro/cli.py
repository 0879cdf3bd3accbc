"""The command `bnrepro`. What a command needs loads with it, so that help, lists, verdicts and figures start no TensorFlow."""

import argparse
import dataclasses
import json
import math
import os
import shutil
import sys
import textwrap
from pathlib import Path

from bnrepro.errors import MachinesLost, RecordError, UserError
from bnrepro.output import ReaderGone, careful_output, flush
from bnrepro.records.drafts import write_whole
from bnrepro.records.workspace import (
    CHECKOUT,
    Workspace,
    check_can_be_written,
    check_not_committed,
    whole_path,
)

RECORD = "paper"
"""The preset whose results are committed."""

_PANEL_OPTIONS = ("preset", "panel", "output", "format", "width", "font_size", "grey", "data")
"""Any of them, or a notebook, and `bnrepro figures` writes panels in place of the record's sheets."""


def main(arguments: list[str] | None = None) -> int:
    """Runs one command.

    Returns:
        0 all well, 1 something failed, 2 wrong usage (one line on stderr, nothing trained, nothing written), 130 an interrupt,
        141 nobody reads what is printed.
    """
    try:
        with careful_output():
            return _main(arguments)
    except ReaderGone:
        return 141


def _main(arguments: list[str] | None) -> int:
    try:
        try:
            options = _parser().parse_args(arguments)
            return options.command(options)
        finally:
            flush()
    except UserError as error:
        return _say(str(error), 2)
    except (RecordError, MachinesLost, OSError) as error:
        return _say(str(error), 1)
    except KeyboardInterrupt:
        return _say("interrupted; finished runs are kept, the same command goes on from there", 130)


def _say(message: str, code: int) -> int:
    print("bnrepro:", *message.splitlines(), file=sys.stderr)
    return code


def _run(options) -> int:
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
    failures = run_batch(plan, options.force)
    workspace = plan.workspace
    try:
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
            _update_pages(table)
        print(f"\n{_last_screen(table, [path.stem for path in plan.notebooks], options.verbose)}\n")
        paths = {"figures": workspace.figures, "report": page, "notebooks": workspace.executed}
        for name, path in paths.items():
            if path.exists():
                print(f"{name:10} {_from_here(path)}")
    except (UserError, RecordError, OSError) as error:  # no wrong usage: that was refused before
        failures.append(Failure("report", str(error)))
    for failure in failures:
        _say(str(failure), 1)
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


def _publish() -> list[Path]:
    """Writes the record's sheets and the generated parts of the README; returns what was written."""
    from bnrepro.report import sheets
    from bnrepro.report.verdicts import verdicts

    return [*sheets.draw_all(), *_update_pages(verdicts())]


def _update_pages(table) -> list[Path]:
    """The README, the page of the verdicts, and what is read of the record at any time: its verdicts, what its runs cost."""
    from bnrepro.records.costs import COSTS, costs_file
    from bnrepro.report.readme import update_readme
    from bnrepro.report.record_verdicts import RECORD_VERDICTS, record_verdicts_file
    from bnrepro.report.verdict_page import verdict_page
    from bnrepro.report.verdicts import kept_results, of_ours
    from bnrepro.report.write import all_runs

    readme, data, table = CHECKOUT / "README.md", CHECKOUT / "data", of_ours(table)
    results = list(kept_results(Workspace(RECORD)))
    written = {
        readme: update_readme(readme.read_text(encoding="utf-8"), table=table).encode(),
        CHECKOUT / "docs" / "verdicts.md": verdict_page(table).encode(),
        data / RECORD_VERDICTS.name: record_verdicts_file(table),
        data / COSTS.name: costs_file(all_runs(results, "provenance"), all_runs(results, "runs")),
    }
    for path, content in written.items():
        write_whole(path, content)
    return list(written)


def _list(options) -> int:
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


def _verdicts(options) -> int:
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


def _figures(options) -> int:
    given = {name: value for name in _PANEL_OPTIONS if (value := vars(options)[name]) is not None}
    _load(options.plugin)
    if not options.notebooks and not given:
        print(*_publish(), sep="\n")
        return 0
    output, workspace = given.pop("output", "."), Workspace(given.pop("preset", RECORD))
    check_can_be_written(whole_path(output))
    from bnrepro.jupyter.parameters import find_notebooks
    from bnrepro.report.sheets import export

    notebooks = [path.stem for path in find_notebooks(options.notebooks)] if options.notebooks else []
    print(*export(notebooks, given.pop("panel", ""), output, workspace=workspace, **given), sep="\n")
    return 0


def _report(options) -> int:
    path = _writable(options.output)
    _load(options.plugin)
    from bnrepro.report.write import write_report

    print(write_report(Workspace(options.preset), path))
    return 0


def _bench(options) -> int:
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


def _data(options) -> int:
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


def _completion(options) -> int:
    from bnrepro.completion import script

    print(script(_parser(), options.shell))
    return 0


class _Parser(argparse.ArgumentParser):
    def error(self, message: str):
        """One line, as for every other mistake."""
        sys.exit(_say(f"{message}; see `{self.prog} --help`", 2))


def _parser() -> _Parser:
    parser = _Parser(prog="bnrepro", description="Batch Normalization (Ioffe & Szegedy 2015), reproduced.")
    commands = parser.add_subparsers(metavar="COMMAND", required=True)

    def command(name: str, function, help: str) -> argparse.ArgumentParser:
        one = commands.add_parser(name, help=help, description=help)
        one.set_defaults(command=function)
        return one

    run = command("run", _run, "train what is missing, execute notebooks, write figures, verdicts and report")
    run.add_argument(
        "notebooks",
        nargs="*",
        metavar="NOTEBOOK",
        help="01, 01_training_speed or a path; the paper's findings by default",
    )
    run.add_argument("--all", action="store_true", help="every notebook")
    run.add_argument("--preset", help="smoke (seconds), quick (minutes, default) or paper (the record)")
    run.add_argument(
        "-p", dest="parameters", action="append", default=[], metavar="NAME=VALUE", help="see `bnrepro list`"
    )
    run.add_argument("--jobs", type=int, metavar="N", help="processes at once; one a core by default")
    run.add_argument("--output", metavar="DIR", help="folder for everything written; by default this checkout")
    run.add_argument(
        "--executor",
        default="local",
        metavar="WHERE",
        help="local (default), dask, dask=tcp://HOST:PORT, slurm or slurm=TASKS; see docs/scaling.md",
    )
    own = dict(action="append", default=[], metavar="FILE", help="a Python file that adds parts, experiments or claims")
    run.add_argument("--plugin", **own)
    run.add_argument("--force", action="store_true", help="train again what has a record")
    run.add_argument("--json", metavar="FILE", help="also write the verdicts there")
    run.add_argument("--verbose", action="store_true", help="end with every claim, its rule and its notes")
    listed = command("list", _list, "notebooks with their parameters: type, default, help")
    listed.add_argument("--json", action="store_true", help="as an object, a list a notebook")
    verdicts = command("verdicts", _verdicts, "every claim with its statistic, interval, rule and verdict")
    verdicts.add_argument("--preset", default=RECORD, help=f"whose results; {RECORD}, the committed ones, by default")
    verdicts.add_argument("--output", default="", metavar="DIR", help="the folder that `run --output` wrote to")
    verdicts.add_argument("--plugin", **own)
    verdicts.add_argument("--json", action="store_true", help="as a list of objects")
    figures = command(
        "figures", _figures, "panels as files; without any option the committed sheets and the README's parts"
    )
    figures.add_argument("notebooks", nargs="*", metavar="NOTEBOOK", help="whose panels, as 03; all by default")
    figures.add_argument("--preset", help=f"whose results; {RECORD}, the committed ones, by default")
    figures.add_argument("--plugin", **own)
    figures.add_argument("--panel", metavar="NAME", help="one panel; all by default, listed in figures/README.md")
    figures.add_argument("--output", metavar="DIR", help="the folder to write to; by default this one")
    figures.add_argument("--format", metavar="FORMAT", help="pdf (default), png or svg")
    figures.add_argument("--width", type=float, metavar="MM", help="in millimetres; each panel's own by default")
    figures.add_argument("--font-size", type=float, metavar="PT", help="in points, 8 by default")
    figures.add_argument("--grey", action="store_true", default=None, help="without colors, for print")
    figures.add_argument("--data", action="store_true", default=None, help="what is drawn as CSV files too")
    report = command("report", _report, "one HTML page that works offline")
    report.add_argument("--preset", default=RECORD, help=f"whose results; {RECORD}, the committed ones, by default")
    report.add_argument("--output", metavar="FILE", help="the file to write")
    report.add_argument("--plugin", **own)
    bench = command("bench", _bench, "speed against what a user would write otherwise")
    bench.add_argument("rows", nargs="*", metavar="ROW", help="the usual ones, at most five minutes, by default")
    bench.add_argument(
        "--keep", action="store_true", help="also write the rows into this processor's file in data/bench"
    )
    bench.add_argument("--json", metavar="FILE", help="also write scale and rows there")
    bench.add_argument("--gpu", action="store_true", help="many replicates at once on one GPU, in under 8 minutes")
    bench.add_argument("--output", metavar="DIR", help="of --gpu: the folder for rows and records")
    bench.add_argument("--tiny", action="store_true", help="of --gpu: little of everything, to try it out")
    actions = command("data", _data, "the data sets").add_subparsers(dest="action", metavar="ACTION", required=True)
    known = actions.add_parser("list", help="name, place, size, source, licence")
    actions.add_parser("fetch", help="bring one that is not committed").add_argument("name", metavar="NAME")
    verified = actions.add_parser("verify", help="compare checksums")
    for one in (known, verified):
        one.add_argument("--json", action="store_true", help="as a list of objects")
    completion = command("completion", _completion, "a script by which a shell completes what is typed")
    completion.add_argument("shell", metavar="SHELL", help="bash, zsh or fish")
    return parser
