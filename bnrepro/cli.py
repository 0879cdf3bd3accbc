"""The command `bnrepro`. What a command needs loads with it, so that help, lists, verdicts and figures start no TensorFlow."""

import argparse
import dataclasses
import json
import math
import os
import sys
import tempfile
from pathlib import Path

from bnrepro.errors import RecordError, UserError
from bnrepro.output import ReaderGone, careful_output, flush
from bnrepro.records.drafts import write_whole
from bnrepro.records.workspace import CHECKOUT, Workspace, check_not_committed, whole_path

RECORD = "paper"
"""The preset whose results are committed."""

_PANEL_OPTIONS = ("panel", "output", "format", "width", "font_size", "grey", "data")
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
    except (RecordError, OSError) as error:
        return _say(str(error), 1)
    except KeyboardInterrupt:
        return _say("interrupted; finished runs are kept, the same command goes on from there", 130)


def _say(message: str, code: int) -> int:
    print("bnrepro:", *message.splitlines(), file=sys.stderr)
    return code


def _run(options) -> int:
    from bnrepro.config.registry import add_plugin
    from bnrepro.jupyter.batch import Failure, run_batch
    from bnrepro.jupyter.plan import make_plan

    for plugin in options.plugin:
        add_plugin(plugin)
    plan = make_plan(options.notebooks, options.preset, options.parameters, options.output, options.jobs)
    failures = run_batch(plan, options.force)
    workspace = plan.workspace
    try:
        from bnrepro.report.formatting import verdict_text
        from bnrepro.report.sheets import draw_sheets, save_sheets
        from bnrepro.report.verdicts import kept_results, verdicts
        from bnrepro.report.write import write_report

        print(f"\n{verdict_text(verdicts(workspace))}\n")
        results = list(kept_results(workspace))
        sheets = draw_sheets(results)
        page = write_report(workspace, sheets=sheets)
        save_sheets(workspace, results, sheets)
        places = {"tables": workspace.results, "figures": workspace.figures, "notebooks": workspace.executed}
        places |= {"verdicts": workspace.executed / "99_verdicts.html", "report": page}
        for name, path in places.items():
            if path.exists():
                print(f"{name:10} {path}")
        if workspace.is_record:
            _update_pages()
    except (UserError, RecordError, OSError) as error:  # no wrong usage: that was refused before
        failures.append(Failure("report", str(error)))
    for failure in failures:
        _say(str(failure), 1)
    return 1 if failures else 0


def _publish() -> list[Path]:
    """Writes the record's sheets and the generated parts of the README; returns what was written."""
    from bnrepro.report import sheets

    return [*sheets.draw_all(), *_update_pages()]


def _update_pages() -> list[Path]:
    from bnrepro.report.readme import update_readme
    from bnrepro.report.verdict_page import verdict_page
    from bnrepro.report.verdicts import verdicts

    readme, page = CHECKOUT / "README.md", CHECKOUT / "docs" / "verdicts.md"
    table = verdicts()
    write_whole(readme, update_readme(readme.read_text(encoding="utf-8"), table=table).encode())
    write_whole(page, verdict_page(table).encode())
    return [readme, page]


def _list(options) -> int:
    from bnrepro.jupyter.parameters import find_notebooks, parameters

    for notebook in find_notebooks():
        print(notebook.stem)
        for row in parameters(notebook).itertuples(index=False):
            print(f"  {row.name:14} {row.type:6} {row.default!r:9} {row.help}")
    return 0


def _verdicts(options) -> int:
    from bnrepro.report.formatting import verdict_text
    from bnrepro.report.verdicts import verdicts

    workspace = Workspace(options.preset, options.output)
    if workspace.root and not workspace.root.is_dir():
        raise UserError(f"verdicts are those of a batch: {workspace.root} is no folder; name the one it wrote to")
    table = verdicts(workspace)
    if options.json:
        rows = table.assign(rule=table["rule"].map(dataclasses.asdict)).to_dict("records")
        rows = [{name: _plain(value) for name, value in row.items()} for row in rows]
        print(json.dumps(rows, indent=1))
    else:
        print(verdict_text(table))
    return 0


def _plain(value):
    """JSON has no NaN and no infinity."""
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _figures(options) -> int:
    given = {name: value for name in _PANEL_OPTIONS if (value := vars(options)[name]) is not None}
    if not options.notebooks and not given:
        print(*_publish(), sep="\n")
        return 0
    output = given.pop("output", ".")
    _check_folder(output)
    from bnrepro.jupyter.parameters import find_notebooks
    from bnrepro.report.sheets import export

    notebooks = [path.stem for path in find_notebooks(options.notebooks)] if options.notebooks else []
    print(*export(notebooks, given.pop("panel", ""), output, **given), sep="\n")
    return 0


def _report(options) -> int:
    path = _writable(options.output)
    from bnrepro.report.write import write_report

    print(write_report(Workspace(options.preset), path))
    return 0


def _bench(options) -> int:
    if options.gpu:
        return _bench_gpu(options)
    path = _writable(options.json)
    from bnrepro.backend.tensorflow_logging import load_tensorflow

    load_tensorflow()
    from bnrepro.benchmarks.engine import bench

    bench(path)
    return 0


def _bench_gpu(options) -> int:
    if options.output is None:
        raise UserError("bench --gpu keeps records too: got no folder for them; name one with --output")
    check_not_committed(options.output)
    _check_folder(options.output)
    from bnrepro.backend.engines import check_installed

    check_installed("jax")
    os.environ["KERAS_BACKEND"] = "jax"
    from bnrepro.benchmarks.gpu import bench_gpu

    return 0 if bench_gpu(whole_path(options.output), options.tiny) else 1


def _writable(path: str | None) -> Path | None:
    """The path of a file to write, or a `UserError` before any work is done for it."""
    if path is None:
        return None
    check_not_committed(path)
    try:
        with tempfile.TemporaryFile(dir=whole_path(path).parent):
            pass
        if path.endswith("/") or whole_path(path).is_dir():
            raise IsADirectoryError(0, "is a folder")
    except OSError as error:
        raise UserError(
            f"a file is written where that is possible: {path} cannot be ({error.strerror}); name another"
        ) from error
    return Path(path).expanduser()


def _check_folder(path: str) -> None:
    """Raises `UserError` before any work is done for a folder that cannot be made or written. Makes none."""
    folder = whole_path(path)
    try:
        nearest = next(place for place in (folder, *folder.parents) if place.exists())
        with tempfile.TemporaryFile(dir=nearest):
            pass
    except OSError as error:
        raise UserError(
            f"files go to a folder that can be written: {path} cannot be ({error.strerror}); name another"
        ) from error


def _data(options) -> int:
    from bnrepro.tasks.archives import list_datasets, verify
    from bnrepro.tasks.download import fetch

    if options.action == "fetch":
        print(fetch(options.name))
        return 0
    table = list_datasets() if options.action == "list" else verify()
    print(table.to_string(index=False))
    return 0 if options.action == "list" or table["ok"].all() else 1


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
    run.add_argument("notebooks", nargs="*", metavar="NOTEBOOK", help="01, 01_training_speed or a path; all by default")
    run.add_argument("--preset", help="smoke (seconds), quick (minutes, default) or paper (the record)")
    run.add_argument(
        "-p", dest="parameters", action="append", default=[], metavar="NAME=VALUE", help="see `bnrepro list`"
    )
    run.add_argument("--jobs", type=int, metavar="N", help="processes at once; one a core by default")
    run.add_argument("--output", metavar="DIR", help="folder for everything written; by default this checkout")
    run.add_argument(
        "--plugin", action="append", default=[], metavar="FILE", help="a Python file that registers parts of your own"
    )
    run.add_argument("--force", action="store_true", help="train again what has a record")
    command("list", _list, "notebooks with their parameters: type, default, help")
    verdicts = command("verdicts", _verdicts, "every claim with its statistic, interval, rule and verdict")
    verdicts.add_argument("--preset", default=RECORD, help=f"whose results; {RECORD}, the committed ones, by default")
    verdicts.add_argument("--output", default="", metavar="DIR", help="the folder that `run --output` wrote to")
    verdicts.add_argument("--json", action="store_true", help="as a list of objects")
    figures = command(
        "figures", _figures, "panels as files; without any option the committed sheets and the README's parts"
    )
    figures.add_argument("notebooks", nargs="*", metavar="NOTEBOOK", help="whose panels, as 03; all by default")
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
    bench = command("bench", _bench, "speed against what a user would write otherwise")
    bench.add_argument("--json", metavar="FILE", help="also write the rows there")
    bench.add_argument("--gpu", action="store_true", help="many replicates at once on one GPU, in under 8 minutes")
    bench.add_argument("--output", metavar="DIR", help="of --gpu: the folder for rows and records")
    bench.add_argument("--tiny", action="store_true", help="of --gpu: little of everything, to try it out")
    actions = command("data", _data, "the data sets").add_subparsers(dest="action", metavar="ACTION", required=True)
    actions.add_parser("list", help="name, place, size, source, licence")
    actions.add_parser("fetch", help="bring one that is not committed").add_argument("name", metavar="NAME")
    actions.add_parser("verify", help="compare checksums")
    return parser
