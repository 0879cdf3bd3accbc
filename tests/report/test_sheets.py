"""Panels as files: any of them, in any format, at any place, the same each time, and without TensorFlow."""

import subprocess
import sys

import pandas as pd
import pytest

from bnrepro.errors import UserError
from bnrepro.experiments import EXPERIMENTS
from bnrepro.plotting.save import FORMATS, digest
from bnrepro.records.results import load_results
from bnrepro.records.workspace import CHECKOUT
from bnrepro.report.sheets import export
from bnrepro.report.verdicts import RECORD

RATES = EXPERIMENTS["03_learning_rates"].panel("rates")


def command(folder, *arguments):
    """The command line in a process of its own, and what it loaded."""
    script = "import sys\nfrom bnrepro.cli import main\ncode = main(sys.argv[1:])\nprint(*sys.modules)\nsys.exit(code)"
    run = [sys.executable, "-c", script, "figures", *arguments]
    return subprocess.run(run, capture_output=True, text=True, cwd=folder)


@pytest.mark.slow(seconds=2)
def test_one_panel_is_written_where_one_stands_with_the_data_that_it_draws_and_without_tensorflow(tmp_path):
    found = command(tmp_path, "03", "--panel", "rates", "--width", "85", "--format", "pdf", "--data")
    *lines, loaded = found.stdout.splitlines()
    assert found.returncode == 0 and lines == [
        str(tmp_path / f"03_learning_rates-rates.{end}") for end in ("pdf", "csv")
    ]
    assert "matplotlib" in loaded.split() and not {"tensorflow", "keras"} & set(loaded.split())
    values = RATES.data(load_results(RECORD.results / "03_learning_rates"))
    pd.testing.assert_frame_equal(pd.read_csv(tmp_path / "03_learning_rates-rates.csv"), values)
    drawn = (tmp_path / "03_learning_rates-rates.pdf").read_bytes()
    assert digest(values).encode() in drawn
    width, _ = pdf_size(drawn)
    assert width / 72 * 25.4 == pytest.approx(85, abs=0.01)


def pdf_size(content):
    box = content.partition(b"/MediaBox [")[2].partition(b"]")[0].split()
    return float(box[2]), float(box[3])


@pytest.mark.parametrize("format", FORMATS)
@pytest.mark.parametrize("grey", [False, True])
def test_a_panel_is_the_same_file_each_time(tmp_path, format, grey):
    options = dict(format=format, grey=grey, font_size=9, width=90)
    first, again = (export(["01_training_speed"], "steps", tmp_path / name, **options) for name in ("one", "two"))
    assert [path.name for path in first] == [f"01_training_speed-steps.{format}"]
    assert first[0].read_bytes() == again[0].read_bytes()


def test_grey_and_color_are_different_files(tmp_path):
    files = [export(["01_training_speed"], "steps", tmp_path / str(grey), grey=grey) for grey in (True, False)]
    assert files[0][0].read_bytes() != files[1][0].read_bytes()


def test_several_tables_are_a_file_each(tmp_path):
    files = export(["01_training_speed"], "steps", tmp_path, data=True)
    names = [path.name.removeprefix("01_training_speed-steps") for path in files]
    assert names == [".pdf", "-runs.csv", "-medians.csv", "-paper.csv"]
    assert len(pd.read_csv(files[1])) == 24


def test_a_panel_of_a_name_is_found_in_whichever_notebook_has_it(tmp_path):
    names = {path.name for path in export(panel="rates", folder=tmp_path, format="svg")}
    assert names == {
        f"{notebook}-rates.svg" for notebook in ("01_training_speed", "03_learning_rates", "06_batch_size")
    }


@pytest.mark.slow(seconds=60)
def test_all_panels_of_all_notebooks_are_one_command(tmp_path):
    found = command(tmp_path, "--output", "all", "--format", "svg")
    assert found.returncode == 0, found.stderr
    every = {f"{notebook}-{panel.name}.svg" for notebook in EXPERIMENTS for panel in EXPERIMENTS[notebook].PANELS}
    assert {path.name for path in (tmp_path / "all").iterdir()} == every


@pytest.mark.parametrize("folder", ["figures", "data/results", "notebooks", "bnrepro/new"])
def test_panels_never_go_to_what_is_committed(folder):
    with pytest.raises(UserError, match="only the unchanged paper preset writes what is committed"):
        export(["01_training_speed"], "steps", CHECKOUT / folder)


def test_where_one_panel_cannot_be_drawn_none_is_written(tmp_path):
    with pytest.raises(UserError, match="network takes 174 mm or more"):
        export(["03_learning_rates"], folder=tmp_path, width=85)
    assert list(tmp_path.iterdir()) == []
