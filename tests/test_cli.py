"""The command line: what it prints, what it refuses and how, and what it does not load."""

import json
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

from bnrepro import cli
from bnrepro.__main__ import main as start
from bnrepro.experiments import EXPERIMENTS
from bnrepro.jupyter.notebook_process import Failure
from bnrepro.jupyter.parameters import find_notebooks
from bnrepro.records.workspace import CHECKOUT
from bnrepro.report.judge import VERDICT_COLUMNS, judge
from bnrepro.tasks import archives, download
from tests.experiments.factories import write_finding_results

MISTAKES = [
    (["run", "01_training_sped"], "did you mean '01_training_speed'?"),
    (["run", "17"], "unknown notebook '17'"),
    (["run", "--all", "03"], "--all is every notebook: got 03 too; leave one of them out"),
    (["run", "nowhere/01.ipynb"], "unknown notebook"),
    (["run", "--preset", "papr"], "did you mean 'paper'?"),
    (["run", "-p", "step=10"], "did you mean 'steps'?"),
    (["run", "99", "-p", "steps=10"], "unknown parameter 'steps'"),
    (["run", "-p", "steps"], "NAME=VALUE"),
    (["run", "-p", "steps=many"], "steps is a whole number: got 'many'"),
    (["run", "-p", "steps=1.5"], "steps is a whole number"),
    (["run", "-p", "steps="], "steps is a whole number: got ''"),
    (["run", "-p", "steps=0"], "steps is at least 1: got 0; leave it out for the preset's value"),
    (["run", "-p", "steps=-1"], "steps"),
    (["run", "-p", "seeds=0"], "seeds is at least 1: got 0; leave it out"),
    (["run", "-p", "seeds="], "seeds"),
    (["run", "-p", "seeds=-2"], "seeds"),
    (["run", "-p", "draws=-2"], "draws"),
    (["run", "-p", "task="], "task is not empty"),
    (["run", "-p", "task=mnst"], "mnist"),
    (["run", "-p", "learning_rate=0"], "learning_rate is above 0"),
    (["run", "-p", "learning_rate=-0.1"], "learning_rate is above 0"),
    (["run", "-p", "learning_rate=nan"], "learning_rate is a finite number: got nan"),
    (["run", "-p", "learning_rate=inf"], "learning_rate is a finite number: got inf"),
    (["run", "-p", "initial_std=-1"], "initial_std"),
    (["run", "-p", "batch_size=1"], "batch_size"),
    (["run", "-p", "batch_size=60001"], "60000"),
    (["run", "--jobs", "0"], "jobs is a whole number of 1 or more: got 0"),
    (["run", "--jobs", "two"], "--jobs"),
    (["run", "--executor", "dsk"], "an executor is local, dask, dask=tcp://HOST:PORT, slurm or slurm=TASKS: got 'dsk'"),
    (["run", "--executor", "dask=head"], "a Dask scheduler has an address as tcp://HOST:PORT: got 'head'"),
    (["run", "01", "--grid", "seeds=1,2", "-p", "seeds=2"], "a parameter is given once: got seeds twice"),
    (["run", "01", "--grid", "sead=1,2"], "did you mean 'seeds'?"),
    (["run", "01", "--grid", "seeds=1,,2"], "a grid has no empty value: got --grid seeds=1,,2"),
    (["run", "--dry-run", "--verbose"], "say what would be done: got --verbose; leave it or --dry-run out"),
    (
        ["run", "--committed"],
        "--preset paper alone writes: got another preset, output or parameter; leave it or those out",
    ),
    (["run", "--preset", "paper", "--committed", "-p", "seeds=2"], "--preset paper alone"),
    (["run", "--preset", "paper", "--committed", "--force"], "got --force; leave it or --committed out"),
    (["run", "--executr", "dask"], "unknown option '--executr': did you mean '--executor'?"),
    (["verdicts", "01"], "unrecognized arguments: 01; see `bnrepro verdicts --help`"),
    (["rum"], "rum"),
    ([], "COMMAND"),
    (["run", "--preset", ""], "unknown preset ''"),
    (["figures", "00", "--output", "/dev/null"], "/dev/null cannot be (Not a directory)"),
    (["figures", "00", "--output", "a" * 300], "cannot be (File name too long)"),
    (["run", "-p", "preset="], "unknown preset ''"),
    (["verdicts", "--preset", "papr"], "did you mean 'paper'?"),
    (["verdicts", "--output", "nowhere"], "nowhere is no folder"),
    (
        ["compare", "nowhere", "nowhere"],
        "a record is the folder that a batch wrote to, or its results: nowhere has none",
    ),
    (["compare", "nowhere"], "NEW"),
    (["report", "--output", "nowhere/report.html"], "nowhere/report.html"),
    (["report", "--output", "nowhere/"], "nowhere/ is a folder; name a file in it"),
    (["bench", "--json", "nowhere/bench.json"], "nowhere/bench.json"),
    (["bench", "--gpu"], "bench --gpu keeps records too: got no folder for them; name one with --output"),
    (["bench", "--gpu", "fold/inference", "--output", "out"], "below --output: got ROW; leave that out"),
    (["bench", "--gpu", "--json", "bench.json", "--keep", "--output", "out"], "got --json, --keep; leave that out"),
    (["bench", "--tiny"], "bench takes --output and --tiny with --gpu alone: got --tiny; add --gpu or leave it out"),
    (["bench", "fold/inference", "--output", "out"], "with --gpu alone: got --output; add --gpu or leave it out"),
    (["run", "01", "-p", "engine=torch"], "engine is one of tensorflow, jax, mirrored: got 'torch'"),
    (["run", "06", "-p", "engine=jax"], "unknown parameter 'engine'"),
    (["figures", "17"], "unknown notebook '17'"),
    (["figures", "01", "--preset", "papr"], "did you mean 'paper'?"),
    (["figures", "--plugin", "nowhere.py"], "nowhere.py"),
    (["figures", "99"], "99_verdicts has none"),
    (["figures", "03", "--panel", "rats"], "unknown panel 'rats': did you mean 'rates'?"),
    (["figures", "03", "--format", "pfd"], "unknown format 'pfd': did you mean 'pdf'?"),
    (["figures", "03", "--panel", "rates", "--width", "9"], "rates takes 60 mm or more at 8 points, got 9"),
    (["figures", "03", "--panel", "rates", "--width", "0"], "got 0"),
    (["figures", "03", "--panel", "rates", "--font-size", "90"], "a font is of 4 to 32 points: got 90"),
    (["figures", "03", "--width", "wide"], "--width"),
    (["data", "fetch", "mnst"], "did you mean 'mnist'?"),
    (["run", "99", "--json", "nowhere/verdicts.json"], "nowhere/verdicts.json"),
    (["completion", "bsh"], "unknown shell 'bsh': did you mean 'bash'?"),
]

TOPICS = ["Faster training", "Higher rates", "Regularization"]
"""What the answers of a first look begin with."""


def run(*arguments: str) -> int:
    """The exit code of a command, whichever way it ends."""
    try:
        return cli.main(list(arguments))
    except SystemExit as end:
        return end.code


@pytest.fixture
def no_training(monkeypatch):
    """Fails the test where something is trained."""

    def run_all(*arguments, **options):
        raise AssertionError("a run was trained")

    monkeypatch.setattr("bnrepro.execution.rounds.run_all", run_all)


def refusal(capsys, code: int) -> str:
    """The one line that a wrong usage gets."""
    captured = capsys.readouterr()
    assert (code, captured.out) == (2, "")
    assert captured.err.startswith("bnrepro: ")
    assert captured.err.count("\n") == 1
    return captured.err


@pytest.mark.parametrize(("arguments", "message"), MISTAKES, ids=[" ".join(arguments) for arguments, _ in MISTAKES])
@pytest.mark.usefixtures("no_training")
def test_a_mistake_gets_one_line_and_nothing_is_trained_or_written(arguments, message, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    here = ["--output", "out"] if arguments[:1] == ["run"] else []
    assert message in refusal(capsys, run(*arguments, *here))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.usefixtures("no_training")
def test_an_output_folder_that_cannot_be_written_is_refused(capsys, tmp_path):
    (tmp_path / "file").write_text("")
    assert "choose another with --output" in refusal(capsys, run("run", "--output", str(tmp_path / "file" / "below")))


def test_rows_that_could_not_be_kept_are_not_measured(capsys, tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    monkeypatch.setattr("bnrepro.benchmarks.by_processor.ROOM", tmp_path / "file" / "bench")
    monkeypatch.setattr("bnrepro.benchmarks.bench.bench", lambda *arguments: pytest.fail("a row was measured"))
    assert "cannot be (Not a directory); leave out --keep" in refusal(capsys, run("bench", "fold/inference", "--keep"))


@pytest.mark.usefixtures("no_training")
def test_a_damaged_data_file_is_refused_with_the_command_that_repairs_it(capsys, tmp_path, monkeypatch):
    monkeypatch.setattr(archives, "DATA", tmp_path)
    (tmp_path / "mnist.npz").write_bytes(b"damaged")
    message = refusal(capsys, run("run", "01", "--preset", "smoke", "--output", str(tmp_path / "out")))
    assert "mnist.npz" in message
    assert "git checkout -- data/mnist.npz" in message
    assert not (tmp_path / "out").exists()


@pytest.fixture
def results(tmp_path, monkeypatch):
    """A folder as `run --output` leaves it, its tables from a formula; what is computed of them is kept nowhere else."""
    monkeypatch.setattr("bnrepro.report.kept_findings.ROOM", tmp_path / "cache")
    write_finding_results(tmp_path / "results", "smoke")
    return tmp_path


def test_verdicts_are_a_table_for_people_and_strict_json_for_programs(results, capsys):
    assert run("verdicts", "--output", str(results)) == 0
    assert "inconclusive" in capsys.readouterr().out
    assert run("verdicts", "--output", str(results), "--json") == 0

    def refuse(constant):
        raise AssertionError(f"{constant} is no JSON")

    rows = json.loads(capsys.readouterr().out, parse_constant=refuse)
    kept = (EXPERIMENTS[notebook] for notebook in ("01_training_speed", "02_activation_drift"))
    assert [row["claim"] for row in rows] == [claim.id for experiment in kept for claim in experiment.claims]
    assert all(tuple(row) == VERDICT_COLUMNS for row in rows)
    assert {row["verdict"] for row in rows} == {"inconclusive"}
    (control,) = [row for row in rows if row["claim"] == "C2"]
    assert control["paper"] is None and control["rule"] == {"side": "at most", "threshold": 0.0, "margin": 0.0}


@pytest.mark.slow
def test_a_batch_writes_its_verdicts_as_json_too_and_judges_once(results, capsys, monkeypatch):
    monkeypatch.setattr("bnrepro.jupyter.batch.run_batch", lambda plan, force: [])
    judged = []

    def noted(findings, claims, *given):
        judged.extend(claim.id for claim in claims)
        return judge(findings, claims, *given)

    monkeypatch.setattr("bnrepro.report.verdicts.judge", noted)
    file = results / "verdicts.json"
    assert run("run", "99", "--preset", "smoke", "--output", str(results), "--json", str(file)) == 0
    assert judged and len(judged) == len(set(judged))
    capsys.readouterr()
    assert run("verdicts", "--preset", "smoke", "--output", str(results), "--json") == 0
    assert json.loads(file.read_text()) == json.loads(capsys.readouterr().out)


@pytest.mark.parametrize("columns", [60, 100])
@pytest.mark.parametrize("command", ["list", "verdicts", "data list"])
def test_no_line_is_wider_than_the_terminal(results, capsys, monkeypatch, command, columns):
    options = ["--output", str(results)] if command == "verdicts" else []
    assert run(*command.split(), *options) == 0
    whole = capsys.readouterr().out
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    monkeypatch.setenv("COLUMNS", str(columns))
    assert run(*command.split(), *options) == 0
    lines = capsys.readouterr().out.splitlines()
    longest = max(map(len, whole.split()))
    assert max(map(len, lines)) <= max(columns, longest + 8) < max(map(len, whole.splitlines()))
    assert {*" ".join(lines).split()} >= {word for word in whole.split() if word.isalpha()} - HEADS


HEADS = {"kind", "ours", "interval", "paper", "rule", "claim", "n", "verdict"}
"""Of the columns of the verdicts, which a narrow terminal has none of."""


def test_the_report_is_written_where_asked(results, capsys):
    page = results / "page.html"
    assert run("report", "--preset", "smoke", "--output", str(page)) == 0
    assert capsys.readouterr().out.strip() == str(page)
    assert page.read_text().lower().startswith("<!doctype html>")


@pytest.mark.slow
def test_a_run_reports_failures_and_still_prints_the_verdicts(results, capsys, monkeypatch):
    failure = Failure("01_training_speed", "ValueError: boom", results / "01.log")
    monkeypatch.setattr("bnrepro.jupyter.batch.run_batch", lambda plan, force: [failure])
    assert run("run", "99", "--preset", "smoke", "--output", str(results)) == 1
    captured = capsys.readouterr()
    assert captured.err == f"bnrepro: 01_training_speed failed: ValueError: boom (log: {results / '01.log'})\n"
    assert "T1  At the rate and start at which" in captured.out and "needs" in captured.out
    assert (results / "report.html").exists()


@pytest.mark.slow
@pytest.mark.parametrize("verbose", [False, True])
def test_a_first_look_ends_with_three_answers_and_with_all_claims_if_asked_for(results, capsys, monkeypatch, verbose):
    monkeypatch.setattr("bnrepro.jupyter.batch.run_batch", lambda plan, force: [])
    assert run("run", "--preset", "smoke", "--output", str(results), *["--verbose"] * verbose) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split(":")[0] for line in lines if line and line[0] in "FHR" and ":" in line] == TOPICS
    assert sum(line.startswith("T2  primary") for line in lines) == verbose
    assert any(line.split() == ["report", str(results / "report.html")] for line in lines)


def test_a_damaged_table_hides_no_other_failure(results, capsys, monkeypatch):
    monkeypatch.setattr("bnrepro.jupyter.batch.run_batch", lambda plan, force: [Failure("01_training_speed", "boom")])
    (results / "results" / "01_training_speed" / "curves.csv").write_text("run,step\n1,2,3\n4,5,6,7\n")
    assert run("run", "99", "--preset", "smoke", "--output", str(results)) == 1
    first, second = capsys.readouterr().err.splitlines()
    assert first == "bnrepro: 01_training_speed failed: boom"
    assert second.startswith("bnrepro: report failed: results are tables: ")


def test_an_interrupt_is_one_line_and_130(results, capsys, monkeypatch):
    def interrupt(plan, force):
        raise KeyboardInterrupt

    monkeypatch.setattr("bnrepro.jupyter.batch.run_batch", interrupt)
    assert run("run", "99", "--output", str(results)) == 130
    assert capsys.readouterr().err.count("\n") == 1


def test_an_interrupt_while_the_command_loads_is_one_line_too(capsys, monkeypatch):
    def interrupted():
        raise KeyboardInterrupt

    monkeypatch.setattr(cli, "main", interrupted)
    assert start() == 130
    assert capsys.readouterr().err == "bnrepro: interrupted\n"


def test_the_list_as_json_has_what_the_list_has(capsys):
    assert run("list", "--json") == 0
    listed = json.loads(capsys.readouterr().out)
    assert list(listed) == [path.stem for path in find_notebooks()]
    assert {"name": "seeds", "type": "int", "default": 0} == {
        name: value for name, value in listed["01_training_speed"][2].items() if name != "help"
    }


def test_the_list_has_every_parameter_with_type_default_and_help(capsys):
    assert run("list") == 0
    out = capsys.readouterr().out
    lines = [" ".join(line.split()) for line in out.splitlines()]
    names = [path.stem for path in find_notebooks()]
    assert [line for line in lines if line in names] == names
    assert any(line.startswith("learning_rate float 0.0 of stochastic gradient descent") for line in lines)
    assert any(line.startswith("preset str 'quick'") for line in lines)


@pytest.mark.slow
def test_figures_refresh_the_readme_and_leave_the_rest_of_it(monkeypatch, tmp_path, capsys):

    blocks = "<!-- answers -->\nold\n<!-- /answers -->\n<!-- picture -->\n<!-- /picture -->\n"
    (tmp_path / "README.md").write_text(f"before\n{blocks}after\n")
    monkeypatch.setattr("bnrepro.report.committed.CHECKOUT", tmp_path)
    monkeypatch.setattr("bnrepro.report.sheets.draw_all", lambda *given: [tmp_path / "a.png"])
    assert run("figures") == 0
    assert capsys.readouterr().out.split() == [
        str(tmp_path / "a.png"),
        str(tmp_path / "README.md"),
        str(tmp_path / "docs" / "verdicts.md"),
        str(tmp_path / "docs" / "deviations.md"),
        str(tmp_path / "data" / "verdicts.csv"),
        str(tmp_path / "data" / "costs.csv"),
    ]
    text = (tmp_path / "README.md").read_text()
    assert text.startswith("before\n")
    assert text.endswith("after\n")
    assert "\nold\n" not in text


def test_the_data_as_json_are_a_list_of_objects(capsys):
    assert run("data", "list", "--json") == 0
    assert [row["name"] for row in json.loads(capsys.readouterr().out)] == list(archives.ARCHIVES)


def test_data_are_listed_and_verified(capsys):
    assert run("data", "list") == 0
    assert "fashion_mnist" in capsys.readouterr().out
    assert run("data", "verify") == 0
    assert "False" not in capsys.readouterr().out


def test_verifying_damaged_data_fails(capsys, tmp_path, monkeypatch):
    monkeypatch.setattr(archives, "DATA", tmp_path)
    assert run("data", "verify") == 1
    assert "missing" in capsys.readouterr().out


def test_fetching_what_is_there_says_where(capsys):
    assert run("data", "fetch", "mnist") == 0
    assert capsys.readouterr().out.strip() == str(CHECKOUT / "data" / "mnist.npz")


def test_a_network_that_cannot_be_reached_is_no_wrong_usage(capsys, tmp_path, monkeypatch):
    def offline(folder, *command, **options):
        raise OSError("no route\nto host")

    monkeypatch.setattr(archives, "CACHE", tmp_path)
    monkeypatch.setattr(download, "_run", offline)
    assert run("data", "fetch", "cifar10") == 1
    captured = capsys.readouterr()
    assert "no route to host" in captured.err
    assert captured.err.count("\n") == 1


@pytest.mark.slow
def test_a_command_that_trains_nothing_starts_without_tensorflow(results):
    here = str(results)
    commands = ["--help"], ["list"], ["data", "list"], ["verdicts", "--output", here], ["compare", here, here]
    script = (
        "import contextlib, sys\nfrom bnrepro.cli import main\n"
        f"for arguments in {commands}:\n    with contextlib.suppress(SystemExit):\n        main(arguments)\n"
        "    assert not {'tensorflow', 'keras'} & set(sys.modules), arguments"
    )
    subprocess.run([sys.executable, "-c", script], check=True, capture_output=True, cwd=CHECKOUT)


def test_the_module_and_the_installed_command_are_the_same():
    command = Path(sysconfig.get_path("scripts"), "bnrepro")
    helps = [
        subprocess.run([*way, "--help"], capture_output=True, text=True, check=True).stdout
        for way in ([sys.executable, "-m", "bnrepro"], [command])
    ]
    assert helps[0].startswith("usage: bnrepro ")
    assert helps[0] == helps[1]
