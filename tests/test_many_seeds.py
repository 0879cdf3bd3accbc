"""`docs/many-seeds.md`: its numbers are those of `data/results-gpu` and `data/bench`, and its program runs."""

import importlib.util
import json
import re
import subprocess
import sys

import pandas as pd
import pytest

from bnrepro.records.workspace import CHECKOUT, DATA

PAGE = (CHECKOUT / "docs" / "many-seeds.md").read_text()

RUNS = pd.read_csv(DATA / "results-gpu" / "figure1.csv", keep_default_na=False, na_values=["nan"])

ROWS = {row["name"]: row["ours"] for row in json.loads((DATA / "results-gpu" / "bench.json").read_text())}


def cells(start: str) -> list[str]:
    """The cells of the line of a table that begins so."""
    (line,) = [line for line in PAGE.splitlines() if line.startswith(f"| {start}")]
    return [cell.strip() for cell in line.strip("|").split("|")][1:]


def of(inference: str) -> pd.DataFrame:
    return RUNS[RUNS["inference"] == inference]


def test_each_arm_has_a_hundred_seeds_that_no_record_has_used():
    assert RUNS.groupby("inference")["seed"].agg(list).map(lambda seeds: sorted(seeds) == list(range(100, 200))).all()


@pytest.mark.parametrize(("column", "inference"), [(1, "moving"), (2, "population")])
def test_the_medians_are_those_of_the_runs(column, inference):
    own = of(inference)
    assert cells("first at")[column].startswith(f"{own['steps_to_target'].median():,.0f}")
    assert cells("accuracy at")[column] == f"{own['final_metric'].median():.2%}"
    assert cells("drift of")[column] == f"{own['drift'].median():.2f}"


def test_so_are_those_without_bn_of_which_one_reaches_the_target():
    own = of("")
    assert cells("first at")[0] == f"{(own['steps_to_target'] < float('inf')).sum()} of {len(own)} runs"
    assert cells("accuracy at")[0] == f"{own['final_metric'].median():.2%}"
    assert cells("drift of")[0] == f"{own['drift'].median():.2f}"


@pytest.mark.parametrize(
    ("row", "words"),
    [
        ("figure1/train", "trained in {:.0f} s"),
        ("figure1/evaluate", "times each in {:.0f} s"),
        ("figure1/whole", "it took {:.0f} s"),
        ("step/batch/1 replicates", "takes {:.2f} ms for one seed"),
        ("step/batch/256 replicates", "so {:.3f} ms a seed"),
        ("apart/alone", "differs by {:.1e} of its"),
    ],
)
def test_its_times_are_those_that_were_measured(row, words):
    assert words.format(ROWS[row]).replace("e-07", "e-7") in " ".join(PAGE.split())


def test_on_a_cpu_there_is_nothing_to_win():
    files = {path.stem: json.loads(path.read_text())["rows"] for path in (DATA / "bench").glob("*.json")}
    found = {name: row for name, rows in files.items() for row in rows if row["name"] == "engine/jax_16_seeds"}
    assert found and all(row["ratio"] > 1 for row in found.values())
    words = "took {ours:.2f} ms a seed with 16 seeds at once on JAX, and {theirs:.2f} ms with a process of TensorFlow a core"
    assert words.format(**found["amd-epyc"]) in " ".join(PAGE.split())


def test_the_same_runs_again_gave_the_same_bits():
    assert ROWS["apart/the same again"] == 0


LITTLE = """
import sys, keras, numpy
images, labels = numpy.zeros((40, 28, 28), "uint8"), numpy.arange(40) % 10
keras.datasets.mnist.load_data = lambda: ((images, labels), (images, labels))
"""
"""In place of the data that the page's program fetches."""


@pytest.mark.slow(seconds=10)
def test_the_program_of_the_page_trains_all_nets_without_tensorflow():
    if importlib.util.find_spec("jax") is None:
        pytest.skip("jax is not installed: pip install 'bnrepro[jax]'")
    (program,) = re.findall(r"^```python\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
    for words, others in (("100, 1_000, 60", "3, 2, 8"), ("import keras\n", f"import keras\n{LITTLE}")):
        assert program.count(words) == 1
        program = program.replace(words, others)
    program += (
        'assert len({float(one) for one in losses[:, 1]}) == len(losses) == 3\nassert "tensorflow" not in sys.modules'
    )
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert ran.returncode == 0 and ran.stdout.startswith("3 nets: accuracy 0.1"), ran.stderr[-3000:]
