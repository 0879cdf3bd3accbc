import itertools

import numpy as np
import pytest
from matplotlib.colors import to_rgb

from bnrepro.experiments.learning_rates import tables as learning_rates_tables
from bnrepro.plotting.arms import COLORS, LABELS
from bnrepro.plotting.inks import INK
from tests.plotting.color_blindness import BLINDNESS, closest, difference, lab, too_close

ALIASES = {"baseline": "none", "bn_baseline": "batch", "moving": "batch"}
"""Two names of one arm."""

TOGETHER = (
    ("none", "batch", "paper"),
    ("none", "batch", "population", "noise", "paper"),
    ("none", "batch", "none_dropout", "batch_dropout", "paper"),
    (*learning_rates_tables.ARMS, "paper"),
    ("none", "batch", "another", "paper"),
    ("none", "batch", "renorm", "ghost"),
    ("batch", "ghost", "population", "kept", "kept_noise", "gamma_decay"),
    ("moving", "moving_ddof0", "population", "pooled", "test_batch"),
    ("before", "after", "last", "none", "plain"),
    ("none", "batch", "decay", "matched", "plain"),
    ("batch", "keras", "paper"),
    ("batch", "mean_ignored"),
)
"""Arms that are drawn in one panel."""


def luminance(color):
    red, green, blue = (
        (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4) for part in to_rgb(color)
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def test_every_arm_has_a_color_of_its_own_dark_enough_for_white_paper_and_a_name_for_people():
    assert set().union(*TOGETHER) == set(COLORS) == set(LABELS)
    own = {arm: color for arm, color in COLORS.items() if arm not in ALIASES}
    assert len(set(own.values())) == len(own) and all(COLORS[name] == COLORS[arm] for name, arm in ALIASES.items())
    for arm, color in COLORS.items():
        assert 1.05 / (luminance(color) + 0.05) >= 3, f"{arm} is too pale"


def test_any_two_arms_of_the_project_are_told_apart():
    own = sorted(set(COLORS.values()))
    assert [(a, b) for a, b in itertools.combinations(own, 2) if difference(lab(a), lab(b)) < 10] == []


@pytest.mark.parametrize("arms", TOGETHER, ids=" ".join)
def test_any_two_arms_of_a_panel_are_told_apart_by_the_color_blind_too(arms):
    assert too_close({*(COLORS[arm] for arm in arms), INK}) == []


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
