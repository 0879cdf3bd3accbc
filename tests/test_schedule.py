"""The rate over a run is the formula."""

import pytest

from bnrepro.schedule import HalvingRate


@pytest.mark.parametrize("halvings", [0.0, 0.5, 3.0])
def test_the_rate_halves_as_often_as_it_is_told_to(halvings):
    rate = HalvingRate()
    rate.set(0.4, halvings, 200)
    assert float(rate(0)) == pytest.approx(0.4)
    assert float(rate(100)) == pytest.approx(0.4 * 2 ** (-halvings / 2))
    assert float(rate(200)) == pytest.approx(0.4 * 2**-halvings)
