"""Panels: what each of them says and how all of them look, alone, narrow, in grey and on sheets."""

import functools
import itertools
import re
from typing import NamedTuple

import matplotlib
import numpy as np
import pandas as pd
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import to_hex, to_rgb
from matplotlib.text import Text

from bnrepro.errors import UserError
from bnrepro.experiments import EXPERIMENTS
from bnrepro.plotting.arms import COLORS
from bnrepro.plotting.grey import STYLES, to_grey
from bnrepro.plotting.inks import FAINT
from bnrepro.plotting.lines import median_line
from bnrepro.plotting.panel import MOST, Panel, draw_data, draw_panel, draw_sheet, draw_together, sheet_caption
from bnrepro.plotting.style import DOUBLE, MM, SINGLE, house_style, renderer_of, small
from bnrepro.records.results import load_results
from bnrepro.report.verdicts import RECORD
from tests.experiments.factories import finding_tables
from tests.plotting.color_blindness import too_close

EVERY = [(notebook, panel.name) for notebook in EXPERIMENTS for panel in EXPERIMENTS[notebook].PANELS]
SHEETS = [(notebook, sheet) for notebook in EXPERIMENTS for sheet in EXPERIMENTS[notebook].SHEETS]
PRESETS = ("smoke", "quick")
MADE_UP = [pair for pair in itertools.product(EXPERIMENTS, PRESETS) if pair[0] != "00_the_layer"]

each_panel = pytest.mark.parametrize(("notebook", "name"), EVERY)


@functools.cache
def record(notebook):
    return load_results(RECORD.results / notebook)


@functools.cache
def values(notebook, name):
    return EXPERIMENTS[notebook].panel(name).data(record(notebook))


class Seen(NamedTuple):
    """What the tests ask of one panel of the record, which is drawn once for all of them and then let go.

    Attributes:
        faults: Of the panel alone, or as wide as a column if that is not a millimetre less.
        faults_in_column: As wide as a column, where it is of another width alone and has room in one.
        unnamed: Axes that do not say what they are.
        too_close: Colors of lines that the color-blind take for one.
        color_in_grey: The largest difference between the channels of a pixel, drawn in grey.
        looks_in_grey: By arm's color the looks of its medians in grey, a dictionary an axes.
    """

    faults: list
    faults_in_column: list
    unnamed: list
    too_close: list
    color_in_grey: int
    looks_in_grey: list


@functools.cache
def seen(notebook, name):
    panel, data = EXPERIMENTS[notebook].panel(name), values(notebook, name)
    width = SINGLE if SINGLE < panel.width < SINGLE + 1 else panel.width
    figure = draw_data(panel, data, width)
    colored = dict(faults=faults(figure), unnamed=unnamed(figure), too_close=colors_too_close(figure))
    arms = [[arm_of(line) for line in axes.lines] for axes in figure.axes]
    to_grey(figure)
    return Seen(
        **colored,
        faults_in_column=faults(draw_data(panel, data, SINGLE)) if panel.least <= SINGLE != width else [],
        color_in_grey=largest_difference_of_channels(figure),
        looks_in_grey=[looks(*pair) for pair in zip(arms, figure.axes, strict=True)],
    )


@each_panel
def test_a_panel_has_a_name_a_title_and_a_caption_of_at_most_two_sentences(notebook, name):
    panel = EXPERIMENTS[notebook].panel(name)
    assert re.fullmatch(r"[a-z][a-z0-9_]*", name) and panel.title and not panel.title.endswith(".")
    sentences = re.split(r"(?<=[.?!])\s+(?=[A-Z>])", panel.caption.replace("et al. ", ""))
    assert 1 <= len(sentences) <= 2 and panel.caption.endswith(".")
    assert panel.least <= panel.width <= DOUBLE


@pytest.mark.parametrize("notebook", EXPERIMENTS)
def test_every_panel_is_on_one_sheet_of_at_most_four(notebook):
    experiment = EXPERIMENTS[notebook]
    names = [panel.name for panel in experiment.PANELS]
    assert len(set(names)) == len(names)
    assert sorted(itertools.chain(*experiment.SHEETS.values())) == sorted(names)
    assert all(1 <= len(panels) <= MOST == 4 for panels in experiment.SHEETS.values())


@each_panel
def test_a_panels_data_are_tables(notebook, name):
    tables = values(notebook, name)
    named = {"": tables} if isinstance(tables, pd.DataFrame) else tables
    assert named and all(isinstance(table, pd.DataFrame) and len(table.columns) for table in named.values())


def texts_of(figure):
    """All text that is seen: without labels of ticks beyond their axis."""
    hidden = {label for axes in figure.axes for axis in (axes.xaxis, axes.yaxis) for label in labels_out_of_view(axis)}
    texts = [text for text in figure.findobj(Text) if text.get_visible() and text.get_text().strip()]
    return [text for text in texts if text not in hidden]


def labels_out_of_view(axis):
    low, high = sorted(axis.get_view_interval())
    return [label for place, label in zip(axis.get_ticklocs(), axis.get_ticklabels()) if not low <= place <= high]


def faults(figure, least=7.0):
    """What a printer would send back: text too small, outside, or over other text."""
    with house_style():  # as files are written
        figure.draw_without_rendering()
        renderer, texts = renderer_of(figure), texts_of(figure)
        boxes = [(text.get_text(), Text.get_window_extent(text, renderer)) for text in texts]  # without leader lines
    found = [("small", text.get_text()) for text in texts if text.get_fontsize() < least]
    for name, box in boxes:
        if box.x0 < 0 or box.y0 < 0 or box.x1 > figure.bbox.width or box.y1 > figure.bbox.height:
            found.append(("outside", name))
    for (name, one), (other, two) in itertools.combinations(boxes, 2):
        if one.shrunk(0.98, 0.85).overlaps(two):
            found.append(("over", name, other))
    return found


def unnamed(figure):
    """The axes that neither say what they are nor have words for ticks."""
    found = []
    for axes in figure.axes:
        for axis in (axes.xaxis, axes.yaxis):
            labels = [label.get_text() for label in axis.get_ticklabels() if label.get_text()]
            hidden = not axis.get_tick_params()[{"x": "labelbottom", "y": "labelleft"}[axis.axis_name]]
            words = labels and all(re.search("[A-Za-z]", label) for label in labels)
            if not (axis.get_label_text() or hidden or words):
                found.append((axis.axis_name, labels))
    return found


def colors_too_close(figure):
    quiet = {"#ffffff", FAINT.lower()}  # what lies behind the data
    return [
        pair for axes in figure.axes for pair in too_close({to_hex(line.get_color()) for line in axes.lines} - quiet)
    ]


def largest_difference_of_channels(figure):
    FigureCanvasAgg(figure).draw()
    return np.ptp(np.asarray(figure.canvas.buffer_rgba())[..., :3].astype(int), axis=-1).max()


def arm_of(line):
    """The color of the arm of which a line is a median; empty for any other line."""
    color = to_hex(line.get_color())
    median = line.get_linewidth() >= 1 and line.get_alpha() is None and len(line.get_xdata()) > 1
    solid = line.get_linestyle() == "-"
    return color if median and solid and color in {arm.lower() for arm in COLORS.values()} else ""


def looks(arms, grey):
    """By color of an arm how its medians look on axes in grey, whose lines are of these `arms`."""
    found = {}
    for arm, line in zip(arms, grey.lines, strict=True):
        if arm:
            look = line.get_color(), str(line.get_linestyle()), str(line._dash_pattern), line.get_marker()
            found.setdefault(arm, set()).add(look)
    return found


@pytest.mark.slow
@each_panel
def test_a_panel_of_the_record_is_legible_alone_and_in_a_column(notebook, name):
    assert seen(notebook, name).faults == []
    assert seen(notebook, name).faults_in_column == []


@pytest.mark.slow
@pytest.mark.parametrize(("notebook", "sheet"), SHEETS)
def test_a_sheet_of_the_record_is_legible_and_has_a_letter_a_panel(notebook, sheet):
    panels = EXPERIMENTS[notebook].sheets()[sheet]
    figure = draw_together([(panel, values(notebook, panel.name)) for panel in panels])
    assert faults(figure) == []
    letters = [text.get_text() for text in figure.texts if re.fullmatch(r"\([a-d]\)", text.get_text())]
    assert letters == [f"({letter})" for letter in "abcd"[: len(panels)]] * (len(panels) > 1)
    assert figure.get_size_inches()[0] * MM == pytest.approx(DOUBLE)
    caption = sheet_caption(panels, record(notebook))
    assert "{" not in caption and all(letter in caption for letter in letters)


@pytest.mark.slow
@pytest.mark.parametrize(("notebook", "preset"), MADE_UP)
def test_panels_of_other_presets_are_legible(notebook, preset):
    tables = finding_tables(notebook, preset)
    found = {panel.name: faults(draw_panel(panel, tables)) for panel in EXPERIMENTS[notebook].PANELS}
    assert {name: wrong for name, wrong in found.items() if wrong} == {}


@pytest.mark.slow
@each_panel
def test_every_axis_says_what_it_is(notebook, name):
    if name == "network":
        return  # a picture
    assert seen(notebook, name).unnamed == []


@pytest.mark.slow
@each_panel
def test_any_two_lines_of_a_panel_are_of_one_color_or_told_apart_by_the_color_blind(notebook, name):
    assert seen(notebook, name).too_close == []


@pytest.mark.slow
@each_panel
def test_a_panel_in_grey_has_no_color_left_and_each_arm_a_style_of_its_own(notebook, name):
    assert seen(notebook, name).color_in_grey == 0
    for found in seen(notebook, name).looks_in_grey:
        assert all(one.isdisjoint(other) for one, other in itertools.combinations(found.values(), 2))


def test_the_styles_of_grey_differ_in_shade_or_dashes_and_in_marks():
    assert len({(style.shade, str(style.dashes)) for style in STYLES}) == len({style.marker for style in STYLES}) == 8
    assert all(len(set(to_rgb(style.shade))) == 1 for style in STYLES)


LINE = pd.DataFrame({"seed": [0, 0, 1, 1], "x": [1, 2, 1, 2], "y": [1.0, 2.0, 2.0, 3.0]})


def line(area, data, words="y"):
    axes = area.axes()
    median_line(axes, data, "x", "y", COLORS["batch"])
    axes.set(xlabel="x", ylabel=words)


def panel(draw=line, **options):
    said = dict(name="line", title="A line", caption="A line.", data=lambda tables: LINE)
    return Panel(**said, draw=draw, **options)


@pytest.mark.parametrize("width", [60, 85, 120])
@pytest.mark.parametrize("size", [6, 8, 10])
def test_a_panel_has_the_width_and_the_font_that_are_asked_for(width, size):
    figure = draw_panel(panel(least=40), {}, width=width, size=size)
    assert figure.get_size_inches()[0] * MM == pytest.approx(width)
    (axes,) = figure.axes
    assert axes.xaxis.label.get_fontsize() == size == figure.texts[-1].get_fontsize()
    assert faults(figure, least=0.8 * size) == []


def test_a_panel_without_a_width_is_as_wide_as_it_says_or_as_its_font_asks():
    assert draw_panel(panel(width=70, least=40), {}).get_size_inches()[0] * MM == pytest.approx(70)
    assert draw_panel(panel(width=70, least=60), {}, size=12).get_size_inches()[0] * MM == pytest.approx(90)


@pytest.mark.parametrize("width", [0, -5, 10, 59.9, 2_000, float("nan"), float("inf")])
def test_a_width_without_room_for_the_words_is_refused_in_one_line(width):
    with pytest.raises(
        UserError, match="^a panel is as wide as its words, .*: line takes 60 mm or more at 8 points, got"
    ):
        draw_panel(panel(least=60), {}, width=width)


@pytest.mark.parametrize("size", [0, 3, 40, float("nan")])
def test_a_font_that_cannot_be_read_is_refused(size):
    with pytest.raises(UserError, match="^a font is of 4 to 32 points: got"):
        draw_panel(panel(), {}, size=size)


def test_a_panel_whose_words_leave_no_room_for_axes_is_refused():
    draw = functools.partial(line, words="far too many words for so low a panel, " * 5)
    with pytest.raises(UserError, match="^a panel is as large as its words: line does not fit"):
        draw_panel(panel(draw, height=30), {})


def test_long_words_take_the_room_of_the_axes_and_not_of_the_page():
    short, long = (panel(lambda area, data, end=end: named(area, data, end)) for end in ("a", "a name that is long"))
    widths = [draw_panel(each, {}).axes[0].bbox.width for each in (short, long)]
    assert widths[0] > widths[1] + 100 and faults(draw_panel(long, {})) == []


def named(area, data, end):
    line(area, data)
    style = dict(xycoords="axes fraction", fontsize=small(), annotation_clip=False)
    area.made[0].annotate(end, (1.02, 0.5), **style)


def test_panels_of_a_row_stand_on_one_line_and_a_title_breaks_where_it_is_long():
    tall = Panel(
        name="tall",
        title="A title that is far too long for a single line of a panel that is half as wide as a page",
        caption="Tall.",
        data=lambda tables: LINE,
        draw=functools.partial(line, words="two\nlines"),
    )
    figure = draw_sheet([panel(), tall], {})
    first, second = (axes.get_position() for axes in figure.axes)
    assert (first.y0, first.y1) == pytest.approx((second.y0, second.y1))
    assert "\n" in figure.texts[-1].get_text() and faults(figure) == []


def test_a_sheet_of_wide_panels_has_them_one_below_the_other():
    figure = draw_sheet([panel(width=175), panel(width=175)], {})
    first, second = (axes.get_position() for axes in figure.axes)
    assert first.y0 > second.y1 and first.x0 == pytest.approx(second.x0)
    assert figure.get_size_inches() * MM == pytest.approx((DOUBLE, 2 * 60 + 4))


def test_a_panel_is_found_by_its_name_and_another_name_gets_the_nearest():
    assert EXPERIMENTS["03_learning_rates"].panel("rates").name == "rates"
    with pytest.raises(UserError, match="^unknown panel 'rate': did you mean 'rates'"):
        EXPERIMENTS["03_learning_rates"].panel("rate")


def test_a_panel_that_is_asked_for_in_grey_has_no_color():
    colored, grey = (largest_difference_of_channels(draw_panel(panel(), {}, grey=grey)) for grey in (False, True))
    assert colored > 100 and grey == 0


def test_drawing_leaves_the_default_settings_alone():
    with matplotlib.rc_context():
        before = dict(matplotlib.rcParams)
        draw_panel(panel(), {}, size=10, grey=True)
        assert dict(matplotlib.rcParams) == before
