"""docs/imagenet.md, followed word by word on the small tree that it makes; its numbers are those of the code."""

import re
import shlex
import sys

import pytest

from bnrepro.cli import main
from bnrepro.config.inception_bn import inception_bn
from bnrepro.experiments import EXPERIMENTS
from bnrepro.experiments.setups import IMAGENET, IMAGENET_EPOCH, IMAGENET_STEPS, PAPER_RATES
from bnrepro.measurements.jacobians import LARGEST_JACOBIAN
from bnrepro.records.workspace import CHECKOUT
from bnrepro.tasks.class_folders import LABELS_OF_VAL
from bnrepro.tasks.image_stream import AHEAD, AREA, CENTRAL
from bnrepro.tasks.tfrecords import IMAGE, LABEL

PAGE = (CHECKOUT / "docs" / "imagenet.md").read_text()
BLOCKS = re.findall(r"^```(python|)\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
TREE, SCRIPT = (block for kind, block in BLOCKS if kind == "python")
COMMANDS = [line.split("#")[0] for kind, block in BLOCKS if not kind for line in block.splitlines()]


@pytest.fixture
def tiny(tmp_path, monkeypatch):
    """A folder in which the page's program has made its tree."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", ["tree.py", "tiny"])
    exec(compile(TREE, "tree.py", "exec"), {})
    return tmp_path / "tiny"


def typed(words: str) -> list[str]:
    """The words of the one command of the page that has these."""
    (command,) = [command for command in COMMANDS if words in command]
    return shlex.split(command)[1:]


def test_the_page_has_the_numbers_of_the_code():
    words = " ".join(PAGE.split())
    assert f"the paper's rates {PAPER_RATES[0]}, {PAPER_RATES[1]} and {PAPER_RATES[2]}" in words
    assert f"{IMAGENET_STEPS // 10**6} million steps an arm" in words
    assert f"{AREA[0]:.0%}".rstrip("%") + f" to {AREA[1]:.0%} of an image's area" in words and CENTRAL == 7 / 8
    assert all(name in words for name in (LABELS_OF_VAL, IMAGE, LABEL))
    assert f"{IMAGENET['rate_halvings']:g} halvings in 31 million steps" in words
    assert f"L2 weight {IMAGENET['weight_decay']:g}" in words and f"distortion {IMAGENET['distortion']:g}" in words
    assert f"a layer has at most {LARGEST_JACOBIAN:,} inputs" in words
    assert f"evaluations are {IMAGENET_EPOCH // 4:,} steps apart" in words
    assert f"In memory are {('no', 'one', 'two', 'three')[AHEAD + 1]} mini-batches" in words
    assert {module.projection for module in inception_bn(64, 224) if module.name in ("4c", "4d")} == {96}


def test_the_page_has_the_steps_of_all_runs(tmp_path):
    sweep = EXPERIMENTS["03_learning_rates"].sweep("paper", task="imagenet", folder=str(tmp_path))
    steps = {config.id: config.steps for configs in sweep.values() for config in configs}
    assert f"all runs are {sum(steps.values()) / 1e6:.0f} million steps" in " ".join(PAGE.split())


@pytest.mark.slow
def test_the_script_trains_on_the_tree(tiny, capsys):
    exec(SCRIPT, found := {})
    curves = found["tables"]["curves"]
    assert list(curves["step"].unique()) == [0, 10, 20] and "accuracy" in capsys.readouterr().out


@pytest.mark.slow(seconds=40)
def test_a_dry_run_says_memory_steps_and_time_and_writes_nothing(tiny, capsys):
    assert main([*typed("-p batch_size=4 --dry-run"), "--output", str(tiny.parent / "out")]) == 0
    said = capsys.readouterr().out
    assert re.search(r"inception_bn, normalization none, on imagenet: 11 runs, 44 steps", said)
    assert re.search(r"parameters +41,701\n", said)
    assert re.search(r"memory +\d+ MiB, counted: \d+ MiB weights", said)
    assert re.search(r"time +about .* ms a step and .* s an evaluation, measured here \(.+\) on 3 steps", said)
    assert re.search(r"large runs together: 68 steps, about ", said)
    assert sorted(path.name for path in tiny.parent.iterdir()) == ["tiny"]


def test_a_folder_that_is_not_there_ends_the_command_with_one_line(tmp_path, capsys):
    assert main(["run", "03", "-p", "task=imagenet", "-p", f"folder={tmp_path / 'nowhere'}"]) == 2
    said = capsys.readouterr().err
    assert said.count("\n") == 1 and "nowhere has neither; name the folder" in said
