import itertools
import math

import pandas as pd
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from bnrepro.analysis.ceilings import (
    CHECK,
    HIGHEST,
    LOWEST,
    STRIDE,
    bracket,
    ceiling,
    rate,
    to_try,
    with_trains_by_loss,
)

NUMBERS = st.integers(LOWEST, HIGHEST)


def search(truth, start=None) -> tuple[dict[int, bool], int]:
    """All that was tried until nothing is left to try, and in how many rounds."""
    trains = {}
    for rounds in itertools.count():
        tried = to_try(trains, start)
        if not tried:
            return trains, rounds
        assert not set(tried) & set(trains), "no rate is tried twice"
        trains |= {each: truth(each) for each in tried}


@given(NUMBERS, st.none() | NUMBERS)
def test_a_search_ends_between_the_largest_rate_that_trains_and_the_next(last, start):
    trains, rounds = search(lambda number: number <= last, start)
    assert bracket(trains) == (last, last + 1 if last < HIGHEST else None)
    assert rounds <= 18
    found = ceiling(trains)
    assert found.low == rate(last) and (found.high == rate(last + 1) if last < HIGHEST else math.isinf(found.high))


@given(st.integers(LOWEST, HIGHEST - 1), NUMBERS)
@example(HIGHEST - 1, 0)
def test_it_is_checked_below_and_above_a_ceiling_that_nets_train_and_do_not(last, start):
    trains, _ = search(lambda number: number <= last, start)
    below = [trains[each] for each in (last - CHECK, last - CHECK - 1) if each in trains]
    above = [trains[each] for each in (last + 1 + CHECK, last + 2 + CHECK) if each in trains]
    assert below or last - CHECK < LOWEST
    assert above or last + 1 + CHECK > HIGHEST
    assert all(below) and not any(above)


@given(st.none() | NUMBERS)
def test_where_no_rate_trains_the_ceiling_lies_below_the_scale_and_is_no_number(start):
    trains, _ = search(lambda number: False, start)
    assert ceiling(trains) == (0.0, rate(LOWEST)) and LOWEST in trains


def test_a_check_that_trains_above_the_ceiling_moves_it():
    trains, _ = search(lambda number: number <= 0 or 6 <= number <= 10, start=0)
    assert bracket(trains) == (10, 11), "1 + CHECK is 8, which trains"


@given(st.integers(LOWEST, HIGHEST - STRIDE), st.none())
def test_a_scan_finds_a_band_of_rates_that_is_as_wide_as_its_stride(first, start):
    trains, _ = search(lambda number: first <= number < first + STRIDE, start)
    assert bracket(trains) == (first + STRIDE - 1, first + STRIDE)


def test_a_search_that_starts_near_the_ceiling_takes_few_runs_and_rounds():
    searches = [search(lambda number: number <= 20, start) for start in range(18, 24)]
    assert max(len(trains) for trains, _ in searches) <= 7 and max(rounds for _, rounds in searches) <= 2


def test_rates_are_a_tenth_apart_and_stand_on_the_protocols_own():
    assert rate(0) == 0.1 and rate(LOWEST) == pytest.approx(0.000937) and rate(HIGHEST) == pytest.approx(40.5)
    steps = [rate(number + 1) / rate(number) for number in range(LOWEST, HIGHEST)]
    assert min(steps) > 1.09 and max(steps) < 1.11


def test_a_run_trains_that_finished_at_half_the_loss_of_guessing_or_below():
    rows = [
        ("finished", 1.0, True),
        ("finished", 1.0001, False),
        ("collapsed", 1.9, False),
        ("diverged", math.nan, False),
    ]
    runs = pd.DataFrame(rows, columns=["status", "end_loss", "expected"]).assign(guess_loss=2.0)
    assert with_trains_by_loss(runs)["trains"].tolist() == runs["expected"].tolist()
