"""What `bnrepro run` does: one batch, or a grid of them, and what it ends with."""

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

from bnrepro.commands.as_json import cells_json, verdicts_json
from bnrepro.commands.checks import check_left_out, columns, load, writable
from bnrepro.errors import RecordError, UserError
from bnrepro.output import say
from bnrepro.records.drafts import write_whole


def run(options) -> int:
    if options.dry_run:
        given = {"--json": options.json, "--force": options.force, "--verbose": options.verbose}
        check_left_out(given, "run --dry-run does nothing but say what would be done", "leave it or --dry-run out")
    path = writable(options.json)
    load(options.plugin)
    asked = (
        options.notebooks,
        options.preset,
        options.parameters,
        options.output,
        options.jobs,
        options.all,
        options.executor,
    )
    with _committed(options) if options.committed else contextlib.nullcontext():
        failures = _run_grid(options, path, asked) if options.grid else _run_one(options, path, asked)
    for failure in failures:
        say(str(failure), 1)
    return 1 if failures else 0


def _run_one(options, path: Path | None, asked: tuple) -> list:
    from bnrepro.jupyter.batch import run_batch
    from bnrepro.jupyter.plan import make_plan

    plan = make_plan(*asked)
    if options.committed and not plan.workspace.is_record:
        raise UserError(
            "--committed adds to the committed results, which --preset paper alone writes: got another preset, output or "
            "parameter; leave it or those out"
        )
    if options.dry_run:
        return _show(plan)
    failures = run_batch(plan, options.force)
    with _reported(failures, "report"):
        from bnrepro.report.finish import finish
        from bnrepro.report.verdicts import kept_results, verdicts

        results = list(kept_results(plan.workspace))
        table = verdicts(plan.workspace, results)
        if path:
            write_whole(path, f"{verdicts_json(table)}\n".encode())
        finish(plan.workspace, table, results)
        print(f"\n{_last_screen(table, [path.stem for path in plan.notebooks], options.verbose)}\n")
        workspace = plan.workspace
        _print_paths(figures=workspace.figures, report=workspace.report, notebooks=workspace.executed)
    return failures


@contextlib.contextmanager
def _committed(options) -> Iterator[None]:
    """Lets the runs of the committed results count as trained, here and in the processes of notebooks."""
    from bnrepro.records.committed import COMMITTED

    given = {"--force": options.force, "--grid": options.grid}
    check_left_out(given, "--committed trains what the committed results have not", "leave it or --committed out")
    os.environ[COMMITTED] = "1"
    try:
        yield
    finally:
        del os.environ[COMMITTED]


def _run_grid(options, path: Path | None, asked: tuple) -> list:
    from bnrepro.jupyter.batch import run_batch
    from bnrepro.jupyter.grid import make_grid

    grid = make_grid(options.grid, *asked)
    if options.dry_run:
        return _show(grid.plan, grid.cells.values())
    grid.open()
    failures = run_batch(grid.plan, options.force, grid.cells.values())
    from bnrepro.report.cells import cells_file, cells_text
    from bnrepro.report.finish import finish
    from bnrepro.report.formatting import verdict_text
    from bnrepro.report.kept_findings import kept_findings
    from bnrepro.report.verdicts import together

    findings, verdicts = {}, {}
    for name, cell in grid.cells.items():
        with _reported(failures, f"{name}/report"):
            findings[name] = kept_findings(cell.workspace)
            verdicts[name] = together(findings[name])
            finish(cell.workspace, verdicts[name])
    with _reported(failures, "table"):
        cells = {name: (grid.values[name], findings[name], verdicts[name]) for name in verdicts}
        write_whole(grid.table, cells_file(cells.values()))
        if path:
            write_whole(path, f"{cells_json((values, table) for values, _, table in cells.values())}\n".encode())
        if options.verbose:
            print(*(f"\n{name}\n{verdict_text(table, columns())}" for name, table in verdicts.items()), sep="\n")
        print(f"\n{cells_text(verdicts, columns())}\n")
        _print_paths(table=grid.table, cells=grid.folder)
    return failures


def _show(*plans) -> list:
    """Says what would be done."""
    from bnrepro.jupyter.plan_text import plan_text

    print(plan_text(*plans))
    return []


@contextlib.contextmanager
def _reported(failures: list, what: str) -> Iterator[None]:
    """Adds to the failures what goes wrong in the block; it is no wrong usage, for that was refused before."""
    from bnrepro.jupyter.notebook_process import Failure

    try:
        yield
    except (UserError, RecordError, OSError) as error:
        failures.append(Failure(what, str(error)))


def _last_screen(table, notebooks: list[str], verbose: bool) -> str:
    """The three answers where their notebooks were run, else the verdicts of those that were; if asked for, all in length."""
    from bnrepro.report.formatting import verdict_text
    from bnrepro.report.last_screen import in_short, of_notebooks, three_answers

    answers = three_answers(table, notebooks, columns())
    if verbose:
        return "\n\n".join(filter(None, (verdict_text(table, columns()), answers)))
    return answers or in_short(of_notebooks(table, notebooks), columns())


def _print_paths(**paths: Path) -> None:
    """Says where things are, as somebody types it who is here."""
    for name, path in paths.items():
        if path.exists():
            print(f"{name:10} {path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path}")
