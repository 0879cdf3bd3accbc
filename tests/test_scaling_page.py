"""`docs/scaling.md`: what it says to type is what the command takes, and its Snakefile is one that Snakemake can read."""

import ast
import re
import shlex
import shutil
import subprocess
from types import SimpleNamespace

import pytest

from bnrepro.cli import _parser
from bnrepro.records.workspace import CHECKOUT

PAGE = (CHECKOUT / "docs" / "scaling.md").read_text()
SNAKEFILE = re.search(r"^```python\n(PRESET = .*?)^```", PAGE, re.MULTILINE | re.DOTALL)[1]
BLOCKS = re.findall(r"^```(\w*)\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
SHELL = "".join(block for language, block in BLOCKS if not language)
TYPED = re.findall(r"^(?:\S*=\S* )*\S*bnrepro (.*)", SHELL, re.MULTILINE)
"""What stands behind `bnrepro` in each line of the page that is a command."""

RULES = [ast.literal_eval(f"({literals})") for literals in re.findall(r'shell:\n((?:\s+".*"\n)+)', SNAKEFILE)]
"""What the rules of the Snakefile have a shell do."""


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
