"""The command `bnrepro`: its words, its options, its exit status."""

import argparse
import sys

from bnrepro import commands
from bnrepro.commands import RECORD
from bnrepro.errors import MachinesLost, RecordError, UserError, unknown
from bnrepro.output import ReaderGone, careful_output, flush, say


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
        return say(str(error), 2)
    except (RecordError, MachinesLost, OSError) as error:
        return say(str(error), 1)
    except KeyboardInterrupt:
        return say("interrupted; finished runs are kept, the same command goes on from there", 130)


def _completion(options) -> int:
    from bnrepro.completion import script

    print(script(_parser(), options.shell))
    return 0


class _Parser(argparse.ArgumentParser):
    def parse_known_args(self, args=None, namespace=None):
        """Tells an option that the command does not have by the nearest that it has."""
        found, left = super().parse_known_args(args, namespace)
        if left and left[0].startswith("-"):
            raise unknown("option", left[0].partition("=")[0], self._option_string_actions)
        if left:
            self.error(f"unrecognized arguments: {' '.join(left)}")
        return found, left

    def error(self, message: str):
        """One line, as for every other mistake."""
        sys.exit(say(f"{message}; see `{self.prog} --help`", 2))


def _parser() -> _Parser:
    parser = _Parser(prog="bnrepro", description="Batch Normalization (Ioffe & Szegedy 2015), reproduced.")
    subparsers = parser.add_subparsers(metavar="COMMAND", required=True)

    def command(name: str, function, help: str) -> argparse.ArgumentParser:
        one = subparsers.add_parser(name, help=help, description=help)
        one.set_defaults(command=function)
        return one

    run = command("run", commands.run, "train what is missing, execute notebooks, write figures, verdicts and report")
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
    run.add_argument(
        "--grid",
        action="append",
        default=[],
        metavar="NAME=VALUE,VALUE",
        help="an output for each value of a parameter, for each combination where it is given again; see docs/scaling.md",
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
    run.add_argument(
        "--committed", action="store_true", help="of --preset paper: what the committed results hold counts as trained"
    )
    run.add_argument(
        "--dry-run", action="store_true", help="say what would be trained and about how long, and do nothing"
    )
    run.add_argument("--json", metavar="FILE", help="also write the verdicts there")
    run.add_argument("--verbose", action="store_true", help="end with every claim, its rule and its notes")
    listed = command("list", commands.list_notebooks, "notebooks with their parameters: type, default, help")
    listed.add_argument("--json", action="store_true", help="as an object, a list a notebook")
    verdicts = command("verdicts", commands.verdicts, "every claim with its statistic, interval, rule and verdict")
    verdicts.add_argument("--preset", default=RECORD, help=f"whose results; {RECORD}, the committed ones, by default")
    verdicts.add_argument("--output", default="", metavar="DIR", help="the folder that `run --output` wrote to")
    verdicts.add_argument("--plugin", **own)
    verdicts.add_argument("--json", action="store_true", help="as a list of objects")
    compared = command(
        "compare", commands.compare, "two records side by side: verdicts, differences by seed, time, versions"
    )
    compared.add_argument("old", metavar="OLD", help="the folder that `run --output` wrote to, or one of results")
    compared.add_argument("new", metavar="NEW", help="another; data/results is the committed record")
    compared.add_argument("--plugin", **own)
    compared.add_argument("--json", action="store_true", help="as an object")
    figures = command(
        "figures", commands.figures, "panels as files; without any option the committed sheets and the README's parts"
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
    report = command("report", commands.report, "one HTML page that works offline")
    report.add_argument("--preset", default=RECORD, help=f"whose results; {RECORD}, the committed ones, by default")
    report.add_argument("--output", metavar="FILE", help="the file to write")
    report.add_argument("--plugin", **own)
    bench = command("bench", commands.bench, "speed against what a user would write otherwise")
    bench.add_argument("rows", nargs="*", metavar="ROW", help="the usual ones, at most five minutes, by default")
    bench.add_argument(
        "--keep", action="store_true", help="also write the rows into this processor's file in data/bench"
    )
    bench.add_argument("--json", metavar="FILE", help="also write scale and rows there")
    bench.add_argument("--gpu", action="store_true", help="many replicates at once on one GPU, in under 8 minutes")
    bench.add_argument("--output", metavar="DIR", help="of --gpu: the folder for rows and records")
    bench.add_argument("--tiny", action="store_true", help="of --gpu: little of everything, to try it out")
    actions = command("data", commands.data, "the data sets").add_subparsers(
        dest="action", metavar="ACTION", required=True
    )
    known = actions.add_parser("list", help="name, place, size, source, licence")
    actions.add_parser("fetch", help="bring one that is not committed").add_argument("name", metavar="NAME")
    verified = actions.add_parser("verify", help="compare checksums")
    for one in (known, verified):
        one.add_argument("--json", action="store_true", help="as a list of objects")
    completion = command("completion", _completion, "a script by which a shell completes what is typed")
    completion.add_argument("shell", metavar="SHELL", help="bash, zsh or fish")
    return parser
