import hashlib
import os

import matplotlib
import numpy as np
import pandas as pd
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import LogNorm, to_hex

from bnrepro.analysis import paper
from bnrepro.analysis.curves import median_curves
from bnrepro.config.run_config import RunConfig
from bnrepro.experiments import EXPERIMENTS
from bnrepro.plotting.arms import COLORS, LABELS
from bnrepro.plotting.axes import thousands
from bnrepro.plotting.heatmap import frame_cell, heat_map
from bnrepro.plotting.marks import percentile_band, runs_and_interval
from bnrepro.plotting.panel import draw_panel
from bnrepro.plotting.save import FORMATS, digest, save_figure
from bnrepro.plotting.style import SINGLE, new_figure
from bnrepro.records.results import select
from bnrepro.records.schemas import csv_bytes
from tests.experiments.factories import finding_tables, in_rounds, make_tables
from tests.plotting.drawing import axes_of, every_panel

activation_drift = EXPERIMENTS["02_activation_drift"]
training_speed = EXPERIMENTS["01_training_speed"]

INTERVAL = ["normalization", "estimate", "ci_low", "ci_high", "reached"]


@pytest.fixture
def axes():
    return new_figure(SINGLE, 60).add_subplot()


@pytest.fixture(scope="module")
def speed():
    """The accuracy over training, drawn once."""
    return axes_of(training_speed, "accuracy", finding_tables("01_training_speed", "paper"))


def lines_of(axes, color):
    return [line for line in axes.lines if to_hex(line.get_color()) == color.lower()]


@pytest.mark.slow
def test_the_thick_line_is_the_median_of_the_seeds_and_each_seed_is_a_thin_one(speed):
    tables = finding_tables("01_training_speed", "paper")
    medians = median_curves(select(tables, "main", "curves"))
    for arm in ("none", "batch"):
        drawn = [line for line in lines_of(speed, COLORS[arm]) if len(line.get_xdata()) > 1]
        thick = [line for line in drawn if line.get_label() == LABELS[arm]]
        assert len(thick) == 1 and len(drawn) == 13
        np.testing.assert_array_equal(thick[0].get_ydata(), medians.query("normalization == @arm")["estimate"])
        assert all(line.get_linewidth() < thick[0].get_linewidth() for line in drawn if line is not thick[0])


def test_the_papers_curves_lie_behind_ours_dashed_and_grey(speed):
    dashed = [line for line in lines_of(speed, COLORS["paper"]) if line.is_dashed()]
    points = paper.figure1a().groupby("arm")
    assert {tuple(line.get_ydata()) for line in dashed} == {tuple(curve["test_accuracy"]) for _, curve in points}
    assert all(line.get_linestyle() == "--" for line in dashed)


def frames(**overrides):
    """The frames of both heat maps."""
    tables = in_rounds(training_speed, "paper", seeds=2, **overrides)
    return [axes_of(training_speed, name, tables).patches for name in ("calibration", "sensitivity")]


@pytest.mark.slow
@pytest.mark.parametrize("rate", [0.0, 0.2])
def test_the_heat_maps_frame_the_values_of_the_main_group(rate):
    rate = rate or RunConfig()["learning_rate"]
    places = [[(place, row)] for place, row in (((0.05, 0.1, 0.2).index(rate), 1), ((0.1, 0.2).index(rate), 0))]
    assert [[frame.get_xy() for frame in found] for found in frames(learning_rate=rate)] == places


@pytest.mark.slow
def test_values_that_are_not_in_the_grids_have_no_frame():
    assert [len(found) for found in frames(learning_rate=0.3)] == [0, 0]


@pytest.mark.slow
def test_panels_of_what_a_preset_does_not_train_say_so():
    tables = in_rounds(training_speed, "quick", seeds=2)
    for name in ("calibration", "best", "rates", "sensitivity"):
        assert [text.get_text() for text in axes_of(training_speed, name, tables).texts] == ["needs preset paper"]


@pytest.mark.slow
def test_the_two_readings_are_drawn_as_their_distance_from_the_papers_curve_at_its_steps():
    tables = finding_tables("01_training_speed", "paper")
    published = paper.figure1a().query("arm == 'batch'").set_index("step")["test_accuracy"]
    axes = axes_of(training_speed, "readings", tables)
    for group, reading in (("main", "population"), ("moving", "moving")):
        medians = median_curves(select(tables, group, "curves").query("normalization == 'batch'")).set_index("step")
        (line,) = [line for line in axes.lines if line.get_label() == LABELS[reading]]
        expected = 100 * (medians["estimate"].reindex(published.index) - published)
        np.testing.assert_allclose(line.get_ydata(), expected)


@pytest.mark.slow
def test_a_rate_at_which_a_run_never_gets_there_is_an_arrow_and_no_point_of_the_line():
    tables = finding_tables("01_training_speed", "paper")
    runs = training_speed.choosing(tables)
    axes = axes_of(training_speed, "rates", tables)
    own = runs[(runs["initial_std"] == 0.05) & (runs["normalization"] == "batch")]
    lost = own[~own["reached"]]
    assert 0 < len(lost) < len(own)
    (arrows,) = [line for line in lines_of(axes, COLORS["batch"]) if line.get_marker() == "^"]
    assert sorted(arrows.get_xdata()) == sorted(lost["learning_rate"])
    (thick,) = [line for line in lines_of(axes, COLORS["batch"]) if line.get_marker() == "o"]
    assert set(thick.get_xdata()) == set(own["learning_rate"]) - set(lost["learning_rate"])


@pytest.mark.slow
def test_the_pooled_percentiles_are_drawn_in_both_arms_over_each_run_with_the_papers_behind():
    tables = finding_tables("02_activation_drift", "paper")
    pooled = select(tables, "main", "quantiles").query("unit == 'all'")
    figure = draw_panel(activation_drift.panel("all_units"), tables)
    for axes, arm in zip(figure.axes, ("none", "batch"), strict=True):
        lines = axes.lines
        thick = [line for line in lines if line.get_linewidth() > 1 and not line.is_dashed()]
        own = pooled[pooled["normalization"] == arm].groupby(["percentile", "step"])["value"].median()
        assert [line.get_ydata().tolist() for line in thick] == [own[each].tolist() for each in (15, 50, 85)]
        assert len([line for line in lines if line.get_linewidth() < 1]) == 3 * 12
        assert len([line for line in lines if line.is_dashed()]) == 3


@pytest.mark.slow
@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("value", [np.inf, -np.inf, np.nan])
@pytest.mark.parametrize("step", ["one", "last", "all"])
def test_a_percentile_that_is_not_finite_is_left_out_of_the_figure(value, step):
    tables = make_tables(activation_drift.sweep("smoke"))
    rows = tables["quantiles"]["run"] == tables["runs"].query("normalization == 'none'")["run"].iloc[0]
    steps = tables["quantiles"]["step"]
    rows &= {"one": steps == 20, "last": steps == steps.max(), "all": steps >= 0}[step]
    quantiles = tables["quantiles"].assign(value=tables["quantiles"]["value"].mask(rows, value))
    for figure in every_panel(activation_drift, {**tables, "quantiles": quantiles}):
        FigureCanvasAgg(figure).draw()


def test_a_run_that_never_got_there_is_an_arrow_and_the_rest_are_ticks(axes):
    runs = pd.DataFrame({"normalization": "none", "value": [10.0, 20.0, 30.0], "reached": [True, True, False]})
    intervals = pd.DataFrame([("none", 20.0, 10.0, 30.0, True)], columns=INTERVAL)
    runs_and_interval(axes, runs, intervals, str, {})
    found = {line.get_marker(): list(line.get_xdata()) for line in axes.lines}
    assert found["|"] == [10, 20] and found[">"] == [30] and found["o"] == [20] and found["None"] == [10, 30]
    assert [text.get_text() for text in axes.texts] == ["20.0"]


def test_a_median_that_never_got_there_is_an_arrow_with_a_greater_sign(axes):
    runs = pd.DataFrame({"normalization": ["batch"], "value": [30.0], "reached": [False]})
    intervals = pd.DataFrame([("batch", 30.0, 30.0, 30.0, False)], columns=INTERVAL)
    runs_and_interval(axes, runs, intervals, str, {})
    assert "o" not in {line.get_marker() for line in axes.lines} and axes.texts[0].get_text() == "> 30.0"


def test_a_heat_map_has_its_texts_in_the_cells_they_belong_to(axes):
    cells = pd.DataFrame(
        {"initial_std": [0.1, 0.1, 0.2], "learning_rate": [1.0, 2.0, 1.0], "value": [1.0, 2.0, np.nan]}
    )
    cells["words"] = ["a", "b", "c"]
    full = pd.concat(
        [cells, pd.DataFrame({"initial_std": [0.2], "learning_rate": [2.0], "value": [3.0], "words": ["d"]})]
    )
    heat_map(axes, full, "value", "words", matplotlib.colormaps["Greys"], LogNorm(1, 3))
    frame_cell(axes, full, 0.2, 1.0)
    assert {text.get_text(): text.get_position() for text in axes.texts}["c"] == (0.5, 1.5)
    assert axes.patches[0].get_xy() == (0, 1)
    frame_cell(axes, full, 0.3, 1.0)
    assert len(axes.patches) == 1, "a value that is not in the grid has no frame"


def test_the_strong_unit_has_its_range_shaded(axes):
    run = pd.DataFrame({"step": [0, 0, 0, 9, 9, 9], "percentile": [15, 50, 85] * 2, "value": [-1, 0, 1, -2, 0, 2]})
    percentile_band(axes, run, "#000000", strong=True)
    assert [list(line.get_ydata()) for line in axes.lines] == [[-1, -2], [0, 0], [1, 2]]
    assert len(axes.collections) == 1


def test_steps_are_written_as_people_say_them():
    assert [thousands(steps) for steps in (0, 500, 14_500, 50_000)] == ["0", "500", "14.5k", "50k"]


@pytest.fixture(scope="module")
def figure():
    return draw_panel(activation_drift.panel("drift"), finding_tables("02_activation_drift", "smoke"))


@pytest.mark.parametrize("ending", FORMATS)
def test_a_figure_is_the_same_file_each_time_and_carries_the_digest_of_what_is_drawn(tmp_path, figure, ending):
    table = pd.DataFrame({"a": [1, 2]})
    path = save_figure(figure, tmp_path / "new" / f"one.{ending}", table)
    first = path.read_bytes()
    assert digest(table).encode() in first and save_figure(figure, path, table).read_bytes() == first
    again = draw_panel(activation_drift.panel("drift"), finding_tables("02_activation_drift", "smoke"))
    assert save_figure(again, path, table).read_bytes() == first
    assert [path.name for path in path.parent.iterdir()] == [f"one.{ending}"]
    assert digest(pd.DataFrame({"a": [1, 3]})) != digest(table)


def test_text_stays_text_that_can_be_edited(tmp_path, figure):
    svg, pdf = (save_figure(figure, tmp_path / f"one.{ending}", {}) for ending in ("svg", "pdf"))
    assert ">Share of units that drift less</text>" in svg.read_text(encoding="utf-8")
    assert b"/FontFile2" in pdf.read_bytes()


def test_a_picture_for_the_repository_is_smaller_and_carries_the_digest_too(tmp_path, figure):
    table = pd.DataFrame({"a": [1]})
    full, few = (save_figure(figure, tmp_path / f"{small}.png", table, small) for small in (False, True))
    assert few.stat().st_size < 0.5 * full.stat().st_size and digest(table).encode() in few.read_bytes()
    assert save_figure(figure, few, table, small=True).read_bytes() == few.read_bytes()


def test_the_digest_is_that_of_the_tables_as_they_are_written():
    tables = {"b": pd.DataFrame({"a": [0.1 + 0.2]}), "a": pd.DataFrame({"a": [1]})}
    written = b"".join(name.encode() + b"\n" + csv_bytes(tables[name]) for name in ("a", "b"))
    assert digest(tables) == hashlib.sha256(written).hexdigest()


def test_a_figure_that_cannot_be_written_leaves_the_old_file_alone(tmp_path, figure, monkeypatch):
    path = save_figure(figure, tmp_path / "one.svg", pd.DataFrame({"a": [1]}))
    before = path.read_bytes()
    monkeypatch.setattr(os, "replace", lambda *names: (_ for _ in ()).throw(OSError("disk full")))
    with pytest.raises(OSError, match="disk full"):
        save_figure(figure, path, pd.DataFrame({"a": [2]}))
    assert path.read_bytes() == before and len(list(tmp_path.iterdir())) == 1
