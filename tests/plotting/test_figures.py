import functools
import hashlib
import itertools
import os

import matplotlib
import numpy as np
import pandas as pd
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import LogNorm, to_hex, to_rgb
from matplotlib.text import Text

from bnrepro.analysis import paper
from bnrepro.analysis.curves import median_curves
from bnrepro.config.run_config import RunConfig
from bnrepro.experiments import EXPERIMENTS
from bnrepro.experiments.learning_rates import tables as learning_rates_tables
from bnrepro.plotting.arms import COLORS, LABELS
from bnrepro.plotting.axes import thousands
from bnrepro.plotting.heatmap import frame_cell, heat_map
from bnrepro.plotting.marks import percentile_band, runs_and_interval
from bnrepro.plotting.save import digest, save_figure
from bnrepro.plotting.style import (
    _FAINT,
    GREY,
    INK,
    SINGLE,
    new_figure,
)
from bnrepro.records.results import select
from bnrepro.records.schemas import csv_bytes
from tests.experiments.factories import finding_tables, make_tables
from tests.plotting.color_blindness import BLINDNESS, closest, difference, lab

activation_drift = EXPERIMENTS["02_activation_drift"]
training_speed = EXPERIMENTS["01_training_speed"]

DRAWN = [(notebook, preset) for notebook in EXPERIMENTS if notebook != "00_the_layer" for preset in ("quick", "paper")]

INTERVAL = ["normalization", "estimate", "ci_low", "ci_high", "reached"]


@pytest.fixture
def axes():
    return new_figure(SINGLE, 60).add_subplot()


@pytest.fixture(scope="module")
def speed_figure():
    return training_speed.figure(finding_tables("01_training_speed", "paper"))


def lines_of(axes, color):
    return [line for line in axes.lines if to_hex(line.get_color()) == color.lower()]


def luminance(color):
    red, green, blue = (
        (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4) for part in to_rgb(color)
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


TOGETHER = (
    ("none", "batch", "off", "paper"),
    ("none", "batch", "population", "noise", "none_dropout", "batch_dropout", "paper"),
    (*learning_rates_tables.ARMS, "paper"),
    ("none", "batch", "renorm", "ghost"),
    ("moving", "moving_ddof0", "population", "pooled", "test_batch"),
    ("before", "after", "last", "none"),
    ("none", "batch", "no_dropout"),
    ("none", "batch", "decay", "matched"),
)
"""Arms that are drawn in one figure."""


def test_every_arm_has_a_color_of_its_own_dark_enough_for_white_paper_and_a_name_for_people():
    for arms in TOGETHER:
        assert len({COLORS[arm] for arm in arms}) == len(arms)
    assert set().union(*TOGETHER) == set(COLORS) == set(LABELS)
    for arm, color in COLORS.items():
        assert 1.05 / (luminance(color) + 0.05) >= 3, f"{arm} is too pale"


@functools.cache
def drawn(notebook, preset):
    """A notebook's figure, drawn once for all that is asked of it."""
    return EXPERIMENTS[notebook].figure(finding_tables(notebook, preset))


def too_close(colors) -> list[tuple[str, str, float]]:
    """The pairs of colors that some readers cannot tell apart, and how far they are for them."""
    found = [(*pair, closest(*pair)) for pair in itertools.combinations(sorted(colors), 2)]
    return [pair for pair in found if pair[-1] < 10]


def test_any_two_colors_are_told_apart_by_the_color_blind_too():
    assert too_close({*COLORS.values(), INK, GREY}) == []


@pytest.mark.slow
@pytest.mark.parametrize(("notebook", "preset"), DRAWN)
def test_any_two_lines_of_a_panel_are_of_one_color_or_told_apart_by_the_color_blind(notebook, preset):
    quiet = {"#ffffff", _FAINT.lower()}  # what lies behind the data
    for axes in drawn(notebook, preset).axes:
        assert too_close({to_hex(line.get_color()) for line in axes.lines} - quiet) == [], axes.get_title()


SHARMA = [
    ((50, 2.6772, -79.7751), (50, 0, -82.7485), 2.0425),
    ((50, -1.3802, -84.2814), (50, 0, -82.7485), 1.0),
    ((50, 0, 0), (50, -1, 2), 2.3669),
    ((50, 2.49, -0.001), (50, -2.49, 0.0010), 7.1792),
    ((50, 2.49, -0.001), (50, -2.49, 0.0011), 7.2195),
    ((50, -0.001, 2.49), (50, 0.0010, -2.49), 4.8045),
    ((50, -0.001, 2.49), (50, 0.0011, -2.49), 4.7461),
    ((50, 2.5, 0), (50, 0, -2.5), 4.3065),
    ((50, 2.5, 0), (73, 25, -18), 27.1492),
    ((50, 2.5, 0), (56, -27, -3), 31.9030),
    ((60.2574, -34.0099, 36.2677), (60.4626, -34.1751, 39.4387), 1.2644),
    ((22.7233, 20.0904, -46.6940), (23.0331, 14.9730, -42.5619), 2.0373),
    ((36.4612, 47.8580, 18.3852), (36.2715, 50.5065, 21.2231), 1.4146),
    ((90.8027, -2.0831, 1.4410), (91.1528, -1.6435, 0.0447), 1.4441),
    ((2.0776, 0.0795, -1.1350), (0.9033, -0.0636, -0.5514), 0.9082),
]
"""Of the pairs that Sharma, Wu and Dalal 2005 publish to test a program with, those at its turns."""


@pytest.mark.parametrize(("one", "two", "expected"), SHARMA)
def test_the_difference_of_two_colors_is_the_published_one(one, two, expected):
    assert difference(np.array(one), np.array(two)) == pytest.approx(expected, abs=5e-5)
    assert difference(np.array(two), np.array(one)) == pytest.approx(expected, abs=5e-5)


def test_color_blindness_leaves_grey_as_it_is_and_makes_some_colors_one():
    for blindness in BLINDNESS:
        np.testing.assert_allclose(lab("#808080", blindness), lab("#808080"), atol=0.01)
    found = {pair: closest(*pair) for pair in (("#D55E00", "#B07A00"), ("#000000", "#FFFFFF"))}
    assert found["#D55E00", "#B07A00"] < 2 < 99 < found["#000000", "#FFFFFF"]


@pytest.mark.slow
def test_the_thick_line_is_the_median_of_the_seeds_and_each_seed_is_a_thin_one(speed_figure):
    tables = finding_tables("01_training_speed", "paper")
    medians = median_curves(select(tables, "main", "curves"))
    for arm in ("none", "batch"):
        drawn = [line for line in lines_of(speed_figure.axes[0], COLORS[arm]) if len(line.get_xdata()) > 1]
        thick = [line for line in drawn if line.get_label() == LABELS[arm]]
        assert len(thick) == 1 and len(drawn) == 11
        np.testing.assert_array_equal(thick[0].get_ydata(), medians.query("normalization == @arm")["estimate"])
        assert all(line.get_linewidth() < thick[0].get_linewidth() for line in drawn if line is not thick[0])


def test_the_papers_curves_lie_behind_ours_dashed_and_grey(speed_figure):
    dashed = [line for line in lines_of(speed_figure.axes[0], COLORS["paper"]) if line.is_dashed()]
    points = paper.figure1a().groupby("arm")
    assert {tuple(line.get_ydata()) for line in dashed} == {tuple(curve["test_accuracy"]) for _, curve in points}
    assert all(line.get_linestyle() == "--" for line in dashed)


@pytest.mark.slow
@pytest.mark.parametrize("rate", [0.0, 0.2])
def test_the_heat_maps_frame_the_values_of_the_main_group(rate):
    figure = training_speed.figure(make_tables(training_speed.sweep("quick", seeds=2, learning_rate=rate)))
    place = [0.05, 0.1, 0.2].index(rate or RunConfig()["learning_rate"])
    frames = [patch for axes in figure.axes[3:] for patch in axes.patches]
    assert [frame.get_xy() for frame in frames] == [(place, 1), (place, 1)]


def test_values_that_are_not_in_the_grid_have_no_frame():
    figure = training_speed.figure(make_tables(training_speed.sweep("quick", seeds=2, learning_rate=0.3)))
    assert not [patch for axes in figure.axes[3:] for patch in axes.patches]


@pytest.mark.slow
def test_the_pooled_percentiles_are_drawn_in_both_arms_over_each_run_with_the_papers_behind():
    tables = finding_tables("02_activation_drift", "paper")
    pooled = select(tables, "main", "quantiles").query("unit == 'all'")
    for place, arm in ((2, "none"), (3, "batch")):
        lines = activation_drift.figure(tables).axes[place].lines
        thick = [line for line in lines if line.get_linewidth() > 1 and not line.is_dashed()]
        own = pooled[pooled["normalization"] == arm].groupby(["percentile", "step"])["value"].median()
        assert [line.get_ydata().tolist() for line in thick] == [own[each].tolist() for each in (15, 50, 85)]
        assert len([line for line in lines if line.get_linewidth() < 1]) == 3 * 10
        assert len([line for line in lines if line.is_dashed()]) == 3


@pytest.mark.slow
@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("value", [np.inf, -np.inf, np.nan])
@pytest.mark.parametrize("step", ["one", "last", "all"])
def test_a_percentile_that_is_not_finite_is_left_out_of_the_figure(value, step):
    tables = make_tables({"main": activation_drift.sweep("smoke")["main"]})
    rows = tables["quantiles"]["run"] == tables["runs"].query("normalization == 'none'")["run"].iloc[0]
    steps = tables["quantiles"]["step"]
    rows &= {"one": steps == 20, "last": steps == steps.max(), "all": steps >= 0}[step]
    quantiles = tables["quantiles"].assign(value=tables["quantiles"]["value"].mask(rows, value))
    figure = activation_drift.figure({**tables, "quantiles": quantiles})
    FigureCanvasAgg(figure).draw()
    assert np.isfinite([axes.get_ylim() for axes in figure.axes]).all()


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


def labels_out_of_view(axis):
    low, high = sorted(axis.get_view_interval())
    places = zip(axis.get_ticklocs(), axis.get_ticklabels())
    return [label for place, label in places if not low <= place <= high]


@pytest.mark.slow
@pytest.mark.parametrize(("notebook", "preset"), DRAWN)
def test_all_text_is_legible_inside_the_figure_and_overlaps_no_other(notebook, preset):
    figure = drawn(notebook, preset)
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    hidden = {label for axes in figure.axes for axis in (axes.xaxis, axes.yaxis) for label in labels_out_of_view(axis)}
    texts = [
        text for text in figure.findobj(Text) if text.get_visible() and text.get_text().strip() and text not in hidden
    ]
    assert min(text.get_fontsize() for text in texts) >= 7
    boxes = [
        (text.get_text(), Text.get_window_extent(text, canvas.get_renderer())) for text in texts
    ]  # without leader lines
    width, height = figure.bbox.width, figure.bbox.height
    outside = [name for name, box in boxes if box.x0 < 0 or box.y0 < 0 or box.x1 > width or box.y1 > height]
    assert not outside
    hits = [
        (a, b)
        for place, (a, one) in enumerate(boxes)
        for b, other in boxes[:place]
        if one.shrunk(0.98, 0.9).overlaps(other)
    ]
    assert not hits


@pytest.mark.slow
def test_saving_writes_three_files_the_same_each_time(tmp_path):
    tables = finding_tables("02_activation_drift", "quick")
    figure = EXPERIMENTS["02_activation_drift"].figure(tables)
    first = {path.name: path.read_bytes() for path in save_figure(figure, tmp_path, "figure", tables)}
    again = EXPERIMENTS["02_activation_drift"].figure(tables)
    for drawing in (figure, again):
        assert {path.name: path.read_bytes() for path in save_figure(drawing, tmp_path, "figure", tables)} == first
    assert sorted(path.name for path in tmp_path.iterdir()) == ["figure.pdf", "figure.png", "figure.svg"]


@pytest.mark.slow
def test_files_carry_the_digest_of_their_tables_and_text_that_stays_text(tmp_path, speed_figure):
    table = pd.DataFrame({"a": [1, 2]})
    svg, pdf, png = save_figure(speed_figure, tmp_path, "figure", table)
    source = digest(table)
    assert all(source.encode() in path.read_bytes() for path in (svg, pdf, png))
    assert ">Test accuracy</text>" in svg.read_text(encoding="utf-8")
    assert b"/FontFile2" in pdf.read_bytes(), "TrueType fonts, so that text can be edited"
    assert digest(pd.DataFrame({"a": [1, 3]})) != source


def test_the_digest_is_that_of_the_tables_as_they_are_written():
    tables = {"b": pd.DataFrame({"a": [0.1 + 0.2]}), "a": pd.DataFrame({"a": [1]})}
    written = b"".join(name.encode() + b"\n" + csv_bytes(tables[name]) for name in ("a", "b"))
    assert digest(tables) == hashlib.sha256(written).hexdigest()


@pytest.mark.slow
def test_a_figure_that_cannot_be_written_leaves_the_old_files_alone(tmp_path, speed_figure, monkeypatch):
    paths = save_figure(speed_figure, tmp_path, "figure", pd.DataFrame({"a": [1]}))
    before = [path.read_bytes() for path in paths]
    monkeypatch.setattr(os, "replace", lambda *names: (_ for _ in ()).throw(OSError("disk full")))
    with pytest.raises(OSError, match="disk full"):
        save_figure(speed_figure, tmp_path, "figure", pd.DataFrame({"a": [2]}))
    assert [path.read_bytes() for path in paths] == before
    assert len(list(tmp_path.iterdir())) == 3


def test_drawing_leaves_the_default_settings_alone():
    with matplotlib.rc_context():
        before = dict(matplotlib.rcParams)
        training_speed.figure(finding_tables("01_training_speed", "smoke"))
        assert dict(matplotlib.rcParams) == before
