import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bnrepro.plotting.axes import accuracy_axis, log_axis, name_ends, spread
from bnrepro.plotting.marks import runs_and_interval
from bnrepro.plotting.style import SINGLE, new_figure


@pytest.fixture
def axes():
    return new_figure(SINGLE, 60).add_subplot()


@settings(deadline=None)  # a loaded machine is no error
@given(st.lists(st.floats(0, 100), min_size=1, max_size=8))
def test_spread_places_stand_apart_in_their_order_and_within_bounds(places):
    found = spread(np.sort(places), 10, 0, 100)
    assert (np.diff(found) >= 10 - 1e-9).all() and found[0] >= 0 and found[-1] <= 100 + 1e-9


def test_places_that_are_apart_stay_and_a_crowd_spreads_about_its_middle():
    np.testing.assert_allclose(spread(np.array([10.0, 50.0, 90.0]), 10, 0, 100), [10, 50, 90])
    np.testing.assert_allclose(spread(np.array([50.0, 50.0, 90.0]), 10, 0, 100), [45, 55, 90])


def test_names_stand_right_of_the_axes_and_none_for_a_curve_without_an_end(axes):
    ends = pd.DataFrame({"step": [1, 1, 1], "value": [0.5, 0.5, np.nan], "words": ["a", "b", "c"], "color": "#000000"})
    name_ends(axes, ends)
    assert [text.get_text() for text in axes.texts] == ["a", "b"]
    lower, upper = (text.get_window_extent() for text in axes.texts)
    assert lower.y1 < upper.y1 and min(lower.x1, upper.x1) > axes.bbox.x1
    name_ends(axes, ends.iloc[2:])
    assert len(axes.texts) == 2


def test_names_move_with_their_axes(axes):
    axes.plot([0, 1], [0, 1])
    name_ends(axes, [(1, 1, "a", "#000000")])
    (name,) = axes.texts
    before, edge = name.get_window_extent(), axes.bbox.x1
    axes.set_position((0.1, 0.1, 0.3, 0.3))
    after = name.get_window_extent()
    assert before.x1 - edge == pytest.approx(after.x1 - axes.bbox.x1) and after.y1 < before.y1


def test_an_accuracy_axis_is_spaced_by_the_logarithm_of_the_error(axes):
    accuracy_axis(axes, 0.0, 0.99)
    places = axes.transData.transform([(0, 0.0), (0, 0.9), (0, 0.99)])[:, 1]
    assert places[1] - places[0] == pytest.approx(places[2] - places[1])
    assert all(0 <= mark <= 0.99 for mark in axes.get_yticks())


def test_a_log_axis_is_left_as_it_is_where_nothing_above_0_is_drawn(axes):
    log_axis(axes, "y")
    axes.plot([0, 1], [0, -1])
    log_axis(axes, "y")
    assert axes.get_yscale() == "linear"
    axes.plot([0, 1], [1, 50])
    log_axis(axes, "y", (1, 60))
    assert axes.get_yscale() == "log" and axes.get_ylim() == (1, 60)


def test_the_medians_texts_stand_in_a_column_beside_the_axes(axes):
    runs = pd.DataFrame({"normalization": ["none", "batch"], "value": [10.0, 30.0], "reached": [True, False]})
    columns = ["normalization", "estimate", "ci_low", "ci_high", "reached"]
    intervals = pd.DataFrame([("none", 10.0, 10.0, 10.0, True), ("batch", 30.0, 30.0, 30.0, False)], columns=columns)
    runs_and_interval(axes, runs, intervals, "{:g}".format, {}, aside=True)
    assert [(text.get_text(), text.xy) for text in axes.texts] == [("10", (1, 0)), ("> 30", (1, 1))]
