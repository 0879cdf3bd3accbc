import math
import re

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bnrepro.analysis.claims import CONTRADICTED, FEWEST, INCONCLUSIVE, SUPPORTED, Rule, by_id, claim
from bnrepro.analysis.findings import COLUMNS, Row, median_of
from bnrepro.analysis.formatting import UNITS
from bnrepro.errors import UserError
from bnrepro.experiments import EXPERIMENTS, all_claims
from bnrepro.records.workspace import CHECKOUT
from bnrepro.report.judge import VERDICT_COLUMNS, judge


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
    ("values", "verdict"),
    [
        ([0.97, 1.03] * 4, SUPPORTED),
        ([1.01, 1.03] * 4, SUPPORTED),  # all beside 1, but near enough
        ([0.8, 1.3] * 4, INCONCLUSIVE),
        ([1.04, 1.06] * 4, INCONCLUSIVE),
        ([1.06, 1.07] * 4, CONTRADICTED),
        ([0.8, 0.9] * 4, CONTRADICTED),
        ([1.0] * 6 + [1.06, 1.2], INCONCLUSIVE),
        ([1.0] * 7 + [1.2], SUPPORTED),  # of eight the exact 90% interval ends at the seventh
        ([1.0] * (FEWEST - 1), INCONCLUSIVE),
        ([], INCONCLUSIVE),
    ],
)
def test_equivalence_is_supported_within_the_margin_and_contradicted_beyond_it(values, verdict):
    rule = Rule("around", 1.0, 0.05)
    one = judged_on("Z1", values, kind="secondary", rule=rule)
    assert verdict_of(one) == {"Z1": verdict}


def test_a_claim_of_equivalence_without_the_values_of_its_seeds_is_refused():
    with pytest.raises(ValueError, match="one of equivalence is tested on the values of its seeds: Z1 has none"):
        made(rule=Rule("around", 2.0, 0.5))({})


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
    around = str(Rule("around", 1.0, 0.05))
    assert around.startswith("90% interval within 0.05 of 1 (two one-sided tests); contradicted: 95% interval beyond")
    assert "contradicted: above" in str(Rule("below", 1.0)) and "contradicted: below" in str(Rule("above", 1.0))


def test_fewest_is_the_smallest_n_at_which_a_sign_test_can_reach_one_in_a_hundred():
    assert 0.5**FEWEST < 0.01 < 0.5 ** (FEWEST - 1)


def made(function=lambda tables: [Row("", 2.0, 1.5, 2.5, 8)], **changes):
    """A claim that is none of ours."""
    words = dict(id="Z1", kind="secondary", section="4.1", sentence="A net trains", statistic="steps", unit="times")
    return claim(**words | dict(rule=Rule("above", 1.0)) | changes)(function)


def test_a_claim_is_called_with_tables_and_gives_rows_of_which_the_first_is_its_statistic():
    def function(tables):
        return [Row("", tables["steps"], 1.5, 2.5, 8, bound=">"), Row("runs that diverged", 1, n=16, unit="runs")]

    table = made(function)({"steps": 2.0})
    assert tuple(table) == COLUMNS
    assert table.iloc[0].tolist() == ["Z1", "", 2.0, 1.5, 2.5, 8, "times", ">", pytest.approx(math.nan, nan_ok=True)]
    assert table.loc[1, ["claim", "label", "estimate", "n", "unit"]].tolist() == [
        "Z1",
        "runs that diverged",
        1,
        16,
        "runs",
    ]


def test_a_claim_knows_its_experiment_by_the_file_of_its_function():
    assert all(each.experiment == experiment.name for experiment in EXPERIMENTS.values() for each in experiment.claims)
    assert made().experiment == "test_claims"


def test_a_claim_of_no_kind_is_refused():
    with pytest.raises(ValueError, match="one of primary, secondary, check: Z1 is 'main'"):
        made(kind="main")


def test_two_claims_with_one_id_are_refused():
    with pytest.raises(UserError, match="no two claims share an id: Z1"):
        by_id([made(), made()])
    assert list(by_id([made(id="Z2"), made()])) == ["Z2", "Z1"]


@pytest.mark.parametrize("notebook", EXPERIMENTS)
def test_the_claims_of_an_experiment_are_all_that_its_module_decorates_in_their_order(notebook):
    experiment = EXPERIMENTS[notebook]
    lines = [each.function.__code__.co_firstlineno for each in experiment.claims]
    source = (CHECKOUT / "bnrepro" / "experiments" / experiment.name / "claims.py").read_text()
    assert lines == [line for line, text in enumerate(source.splitlines(), start=1) if text.startswith("@claim(")]


@pytest.mark.parametrize("each", all_claims().values(), ids=all_claims())
def test_a_claim_says_what_is_claimed_and_how_it_is_judged(each):
    assert each.section[0].isdigit() and each.statistic and each.unit in UNITS and not UNITS[each.unit].counts
    assert len(each.sentence.split()) >= 6 and not each.sentence.endswith(".")
    assert not re.search(r"\bit does\b|\bthe same without\b|^Without it\b|\bas [A-Z]\d", each.sentence + each.statistic)


def test_primary_claims_are_few_and_the_layers_own_are_checks():
    kinds = {each.id: each.kind for each in all_claims().values()}
    primary = [name for name, kind in kinds.items() if kind == "primary"]
    assert primary == ["T1", "T2", "I1", "H1", "H2", "H5", "G1", "G2", "G3"]
    assert all(each.kind == "check" for each in EXPERIMENTS["00_the_layer"].claims)
    assert {name for name, kind in kinds.items() if kind == "check"} >= {"C2", "L8", "P3a", "P3b"}


def test_judging_keeps_the_order_of_the_claims_and_leaves_out_what_was_not_measured():
    claims = [made(paper=2.6), made(lambda tables: [Row("", -0.1, -0.2, -0.05, 8)], id="Z2"), made(id="Z3")]
    findings = pd.concat([each({}) for each in claims[1::-1]])
    table = judge(findings, claims)
    assert tuple(table.columns) == VERDICT_COLUMNS
    assert table["claim"].tolist() == ["Z1", "Z2"]
    assert table["verdict"].tolist() == [SUPPORTED, CONTRADICTED]
    assert table["paper"].iloc[0] == 2.6 and math.isnan(table["paper"].iloc[1])
    assert table["rule"].iloc[0] is claims[0].rule


ABOVE_0 = Rule("above", 0.0)


def judged_on(id: str, values, kind: str = "primary", rule=ABOVE_0):
    """A claim whose statistic is the median of these values of seeds."""
    return made(lambda tables: [median_of(pd.Series(values, dtype=float))], id=id, kind=kind, rule=rule)


def verdict_of(*claims, family=()) -> dict[str, str]:
    table = judge(pd.concat([each({}) for each in claims]), claims, family)
    return dict(zip(table["claim"], table["verdict"]))


def test_a_primary_claim_needs_an_exact_p_that_stands_beside_the_others():
    one, others = judged_on("Z1", range(1, 9)), [judged_on(f"Z{place}", range(1, 9)) for place in range(2, 9)]
    assert verdict_of(one) == {"Z1": SUPPORTED}
    assert set(verdict_of(one, *others).values()) == {INCONCLUSIVE}, "2 times 0.5^8, times eight, is above 0.05"
    assert verdict_of(one, family=others) == {"Z1": INCONCLUSIVE}, "what has no result counts with p = 1"


def test_what_is_not_primary_is_judged_by_its_interval_alone():
    others = [judged_on(f"Z{place}", range(1, 9)) for place in range(2, 9)]
    found = verdict_of(judged_on("Z1", range(1, 9), kind="secondary"), *others)
    assert found["Z1"] == SUPPORTED and found["Z2"] == INCONCLUSIVE


def test_a_primary_claim_without_the_values_of_its_seeds_is_refused():
    with pytest.raises(ValueError, match="Z1 has none; give its row a sample"):
        made(kind="primary")({})
    assert made(lambda tables: [Row("", math.nan)], kind="primary")({})["p"].isna().all()
