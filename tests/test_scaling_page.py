"""`docs/scaling.md`: what it says to type is what the command takes, and its Snakefile is one that Snakemake can read."""

import ast
import json
import re
import shlex
import shutil
import subprocess
from types import SimpleNamespace

import pandas as pd
import pytest

from bnrepro.benchmarks.scaling import largest_useful
from bnrepro.cli import _parser
from bnrepro.records.workspace import CHECKOUT, DATA

PAGE = (CHECKOUT / "docs" / "scaling.md").read_text()
SNAKEFILE = re.search(r"^```python\n(PRESET = .*?)^```", PAGE, re.MULTILINE | re.DOTALL)[1]
BLOCKS = re.findall(r"^```(\w*)\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
SHELL = "".join(block for language, block in BLOCKS if not language)
TYPED = re.findall(r"^(?:\S*=\S* )*\S*bnrepro (.*)", SHELL, re.MULTILINE)
"""What stands behind `bnrepro` in each line of the page that is a command."""

RULES = [ast.literal_eval(f"({literals})") for literals in re.findall(r'shell:\n((?:\s+".*"\n)+)', SNAKEFILE)]
"""What the rules of the Snakefile have a shell do."""


ROWS = {row["name"]: row for row in json.loads((DATA / "bench" / "amd-epyc.json").read_text())["rows"]}


def parsed(words: str):
    return _parser().parse_args(shlex.split(words, comments=True))


@pytest.mark.parametrize("words", TYPED)
def test_a_command_of_the_page_is_one_that_there_is(words):
    assert parsed(words).command


def test_the_page_has_grids_comparisons_and_executors():
    commands = [parsed(words) for words in TYPED]
    assert {len(one.grid) for one in commands if hasattr(one, "grid")} >= {0, 2}
    assert any(hasattr(one, "old") for one in commands)
    assert any(getattr(one, "executor", "local") != "local" for one in commands)


def test_the_rules_of_the_snakefile_are_commands_that_there_are():
    given = dict(PRESET="smoke", wildcards=SimpleNamespace(rate="0.2"), threads=2, output="out.json")
    cell, compare = (parsed(rule.format(**given).split(" > ")[0].removeprefix("bnrepro ")) for rule in RULES)
    assert (cell.notebooks, cell.preset, cell.parameters, cell.jobs) == (["01"], "smoke", ["learning_rate=0.2"], 2)
    assert (compare.old, compare.new, compare.json) == ("mine/learning_rate=0.1", cell.output, True)


def test_snakemake_plans_a_job_for_each_cell_and_each_comparison(tmp_path):
    snakemake = shutil.which("snakemake")
    if snakemake is None:
        pytest.skip("Snakemake is not installed; it needs an environment of its own, see docs/scaling.md")
    (tmp_path / "Snakefile").write_text(SNAKEFILE)
    command = [snakemake, "--dry-run", "--cores", "2", "--config", "preset=smoke"]
    planned = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True)
    jobs = dict(re.findall(r"^(all|cell|compare|total) +(\d+)", planned.stdout + planned.stderr, re.MULTILINE))
    assert jobs == {"all": "1", "cell": "3", "compare": "2", "total": "6"}


@pytest.mark.parametrize(
    ("row", "words"),
    [
        ("cluster/send", "sending takes {ours:.2f} ms ({theirs:.2f} ms by a call of Dask's `submit` for each run)"),
        ("cluster/record", "recording {ours:.1f} ms, each n = {n}"),
        (
            "sweep/two_workers",
            "they did {ours:,.0f} runs of 5,000 steps an hour and one {theirs:,.0f} (ratio {ratio:.2f}, n = {n})",
        ),
        ("checkpoint/mnist_mlp_bn", "took {ours:.0f} ms for the net of section 4.1 ({note})"),
        (
            "checkpoint/inception_small_bn",
            "{ours:.0f} ms for the small net of modules ({note}, in many more arrays), each n = {n}",
        ),
    ],
)
def test_its_times_are_those_that_were_measured(row, words):
    assert words.format(**{"note": "", **ROWS[row]}) in " ".join(PAGE.split())


def test_the_driver_of_the_model_is_the_measured_one():
    milliseconds = ROWS["cluster/send"]["ours"] + ROWS["cluster/record"]["ours"]
    words = f"takes 80 ms and not {milliseconds:.0f}, {largest_useful(15.0, 0.08):.0f} workers keep it busy"
    assert words in " ".join(PAGE.split())


def test_the_record_is_as_large_as_the_page_says():
    words = r"some ([\d,]+) runs of (\d+) s on average, with which about (\d+) workers"
    runs, mean, workers = (int(one.replace(",", "")) for one in re.search(words, " ".join(PAGE.split())).groups())
    columns = ["train_seconds", "evaluate_seconds"]
    found = [pd.read_csv(path, usecols=columns) for path in sorted((DATA / "results").glob("*/provenance.csv"))]
    seconds = pd.concat(found).sum(axis=1)
    assert len(seconds) == pytest.approx(runs, rel=0.1)
    assert seconds.mean() == pytest.approx(mean, rel=0.15)
    assert largest_useful(mean, 0.011) == pytest.approx(workers, rel=0.1)
    assert "its longest run took five minutes" in " ".join(PAGE.split()) and seconds.max() / 60 == pytest.approx(
        5, rel=0.2
    )
