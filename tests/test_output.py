"""What is printed reaches whoever reads: in any encoding, and nobody is told of a reader who has seen enough."""

import io
import json
import os
import sys
import threading
from pathlib import Path

import pytest

from bnrepro import cli
from bnrepro.config.run_config import RunConfig
from bnrepro.errors import one_line
from bnrepro.jupyter.plan import Plan
from bnrepro.output import ReaderGone, careful_output, fitting
from bnrepro.records.workspace import Workspace
from tests.experiments.factories import write_finding_results
from tests.jupyter.throwaway import only, write_notebook


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    """A folder as `run --output` leaves it, and a notebook that can be run there."""
    folder = tmp_path_factory.mktemp("results")
    write_finding_results(folder / "results", "smoke")
    write_notebook(folder / "10_mine.ipynb", "print(preset)")
    return folder


COMMANDS = {
    "--help": [],
    "list": [],
    "verdicts": ["--preset", "smoke", "--output", "."],
    "verdicts --json": ["--preset", "smoke", "--output", "."],
    "report": ["--preset", "smoke", "--output", "page.html"],
    "figures": [],
    "data list": [],
    "data verify": [],
    "run": ["10_mine.ipynb", "--preset", "smoke", "--output", "."],
}


@pytest.fixture(params=COMMANDS)
def command(request, results, monkeypatch):
    """A command that prints, what takes long put aside."""
    monkeypatch.chdir(results)
    monkeypatch.setattr("bnrepro.report.kept_findings.ROOM", results / "cache")
    monkeypatch.setattr("bnrepro.report.committed.publish", lambda: [Path("✓.svg")])
    monkeypatch.setattr("bnrepro.report.write.write_kept_report", lambda *arguments, **options: Path("≤.html"))
    monkeypatch.setattr(
        "bnrepro.jupyter.batch.run_batch", lambda plan, force: [print("10_mine ✓ done", flush=True)][:0]
    )
    return [*request.param.split(), *COMMANDS[request.param]]


def exit_code(command) -> int:
    try:
        return cli.main(command)
    except SystemExit as end:
        return end.code or 0


def closed_pipe() -> io.TextIOWrapper:
    """The writing end of a pipe that nobody reads from."""
    read, write = os.pipe()
    os.close(read)
    return os.fdopen(write, "w", encoding="utf-8")


def test_a_reader_who_has_seen_enough_ends_a_command_without_a_word(command, monkeypatch, capsys):
    with closed_pipe() as pipe:
        monkeypatch.setattr(sys, "stdout", pipe)
        assert exit_code(command) == 141
    assert capsys.readouterr().err == ""


def test_a_batch_ends_with_its_reader_and_takes_it_for_no_failure_of_training(tmp_path, monkeypatch, capsys):
    plan = Plan({tmp_path / "10_a.ipynb": {}}, only([RunConfig()]), Workspace("smoke", tmp_path), jobs=1)
    monkeypatch.setattr("bnrepro.jupyter.plan.make_plan", lambda *arguments: plan)
    monkeypatch.setattr("bnrepro.execution.rounds.run_all", lambda *arguments, **options: print("a bar", flush=True))
    monkeypatch.setattr("subprocess.Popen", lambda *arguments, **options: pytest.fail("a notebook was started"))
    with closed_pipe() as pipe:
        monkeypatch.setattr(sys, "stdout", pipe)
        assert cli.main(["run"]) == 141
    assert capsys.readouterr().err == ""


def test_a_closed_pipe_is_told_once_and_to_the_main_thread_alone(monkeypatch):
    with closed_pipe() as pipe:
        monkeypatch.setattr(sys, "stdout", pipe)
        with careful_output():
            beside = threading.Thread(target=print, args=["a"], kwargs={"flush": True})
            beside.start()
            beside.join()
            with pytest.raises(ReaderGone):
                print("b", flush=True)
            print("c", flush=True)
        assert sys.stdout is pipe


@pytest.mark.slow
def test_an_encoding_without_our_signs_gets_plain_ones(command, monkeypatch):
    plain, whole = (io.TextIOWrapper(io.BytesIO(), encoding=encoding) for encoding in ("ascii", "utf-8"))
    for stream in (plain, whole):
        monkeypatch.setattr(sys, "stdout", stream)
        assert exit_code(command) == 0
    text, wanted = plain.buffer.getvalue().decode("ascii"), whole.buffer.getvalue().decode("utf-8")
    if "--json" in command:
        assert json.loads(text) == json.loads(wanted)
    else:
        assert text == fitting(wanted, "ascii") and len(text.splitlines()) == len(wanted.splitlines())
        assert "?" not in text.replace("? inconclusive", "")


def test_signs_are_put_in_plain_ones_only_where_they_must_be():
    assert fitting("✓ 1.5 ≤ −2 ± 3 …", "utf-8") == "✓ 1.5 ≤ −2 ± 3 …"
    assert fitting("✓ ✗ 1.5 ≤ −2 ± 3 …", "ascii") == "+ x 1.5 <= -2 +/- 3 ..."
    assert fitting("é±", "latin-1") == "é±"
    assert fitting("a \udce9 name", "utf-8") == "a ? name"


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="this system has no disk that is always full")
def test_a_full_disk_is_told_in_one_line(monkeypatch, capsys):
    with open("/dev/full", "w") as full:
        monkeypatch.setattr(sys, "stdout", full)
        assert cli.main(["data", "list"]) == 1
        assert capsys.readouterr().err == "bnrepro: [Errno 28] No space left on device\n"


def test_a_message_is_one_line_and_its_beginning_is_what_counts():
    text = "Exception encountered when calling A.\n\n\x1b[1mshapes differ\x1b[0m\n\nArguments received:\n  • mask=None"
    assert one_line(text) == "Exception encountered when calling A. shapes differ Arguments received: • mask=None"
    assert one_line(f"shapes differ {'x' * 1000}").startswith("shapes differ") and len(one_line("x" * 1000)) == 302
