import math

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bnrepro.analysis.claims import COLUMNS, CONTRADICTED, FEWEST, INCONCLUSIVE, SUPPORTED, Rule
from bnrepro.experiments.claims import CLAIMS
from bnrepro.report.judge import judge


@pytest.mark.parametrize(
    ("side", "ci_low", "ci_high", "verdict"),
    [
        ("above", 1.1, 1.4, SUPPORTED),
        ("above", 0.6, 0.9, CONTRADICTED),
        ("above", 0.9, 1.1, INCONCLUSIVE),
        ("above", 1.0, 1.4, INCONCLUSIVE),
        ("above", 0.5, 1.0, INCONCLUSIVE),
        ("below", 0.5, 0.9, SUPPORTED),
        ("below", 1.1, 1.4, CONTRADICTED),
        ("below", 0.9, 1.1, INCONCLUSIVE),
        ("above", 1.1, math.inf, SUPPORTED),
        ("above", 0.0, math.inf, INCONCLUSIVE),
        ("at most", 1.0, 1.0, SUPPORTED),
        ("at most", 1.0 + 1e-15, math.inf, CONTRADICTED),
        ("at most", 1.0, 1.1, INCONCLUSIVE),
        ("at most", math.nan, math.nan, INCONCLUSIVE),
        ("above", math.nan, math.nan, INCONCLUSIVE),
    ],
)
def test_the_whole_interval_has_to_lie_on_one_side(side, ci_low, ci_high, verdict):
    assert Rule(side, 1.0).verdict(ci_low, ci_high, FEWEST) == verdict


@pytest.mark.parametrize(
    ("ci_low", "ci_high", "verdict"),
    [
        (0.96, 1.03, SUPPORTED),
        (1.0, 1.0, SUPPORTED),
        (0.8, 1.3, INCONCLUSIVE),
        (0.97, 1.06, INCONCLUSIVE),
        (1.001, 1.002, CONTRADICTED),
        (0.5, 0.999, CONTRADICTED),
        (math.nan, math.nan, INCONCLUSIVE),
    ],
)
def test_around_a_value_the_interval_has_to_hold_it_and_to_be_narrow(ci_low, ci_high, verdict):
    assert Rule("around", 1.0, 0.05).verdict(ci_low, ci_high, FEWEST) == verdict
    assert Rule("around", 1.0, 0.05).verdict(ci_low, ci_high, FEWEST - 1) == INCONCLUSIVE


@settings(deadline=None)  # a loaded machine is no error
@given(st.floats(-9, 9), st.floats(0, 9), st.integers(0, FEWEST - 1), st.sampled_from(["above", "below"]))
def test_too_few_seeds_are_always_inconclusive(low, width, n, side):
    assert Rule(side, 0.5).verdict(low, low + width, n) == INCONCLUSIVE


@settings(deadline=None)  # a loaded machine is no error
@given(st.floats(-9, 9), st.floats(0, 9), st.floats(-9, 9))
def test_what_supports_one_side_contradicts_the_other(low, width, threshold):
    above, below = (Rule(side, threshold).verdict(low, low + width, FEWEST) for side in ("above", "below"))
    assert {above, below} in ({SUPPORTED, CONTRADICTED}, {INCONCLUSIVE})


def test_a_rule_says_which_side_contradicts_it():
    assert str(Rule("at most", 0.0)) == f"interval at most 0; contradicted: above; n of {FEWEST} or more"
    assert "holds 1 and lies within 0.05 of it; contradicted: does not hold it" in str(Rule("around", 1.0, 0.05))
    assert "contradicted: above" in str(Rule("below", 1.0)) and "contradicted: below" in str(Rule("above", 1.0))


def test_fewest_is_the_smallest_n_at_which_a_sign_test_can_reach_one_in_a_hundred():
    assert 0.5**FEWEST < 0.01 < 0.5 ** (FEWEST - 1)


def test_every_claim_names_its_section_notebook_and_statistic():
    assert all(claim.id == name and claim.section and claim.statement for name, claim in CLAIMS.items())
    assert all(claim.statistic and claim.notebook[:2].isdigit() for claim in CLAIMS.values())


def test_judging_keeps_the_order_of_the_claims_and_leaves_out_what_was_not_measured():
    statistics = pd.DataFrame(
        [("T2", -0.1, -0.2, -0.05, 8), ("T1", 2.0, 1.5, 2.5, 8)],
        columns=["claim", "estimate", "ci_low", "ci_high", "n"],
    )
    table = judge(statistics, {"T1": 2.6})
    assert tuple(table.columns) == COLUMNS
    assert table["claim"].tolist() == ["T1", "T2"]
    assert table["verdict"].tolist() == [SUPPORTED, CONTRADICTED]
    assert table["paper"].iloc[0] == 2.6 and math.isnan(table["paper"].iloc[1])
