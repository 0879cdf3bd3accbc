import itertools

import numpy as np
import pandas as pd
import pytest
import scipy.stats
from hypothesis import given, settings
from hypothesis import strategies as st

from bnrepro.analysis.curves import (
    best_metric,
    distance_from_curve,
    evaluations,
    final_metric,
    median_curves,
    steps_to_target,
    with_lost,
)
from bnrepro.analysis.intervals import (
    CONFIDENCE,
    bound_of_median,
    bounded_interval,
    equivalence_test,
    fewest_values,
    holm,
    median_interval,
    ratio_interval,
    sample,
    sign_test,
)
from bnrepro.analysis.paired import paired, ratios
from tests.experiments.rows import CHANCE

TOLERANCES = {
    "arithmetic": 1e-12,  # the same sums in another order
    "coverage": 0.01,  # three standard errors of a share over 4,000 samples
}

SEEDS = (7, 8, 10, 12, 16)
"""How many seeds a claim is judged on."""


def make_curves(accuracies, arm="none", seed=0, every=10, status="finished", steps=None):
    """One run whose test accuracy at 0, every, 2 every, ... is given; training accuracies, which nothing may use, are 1."""
    at = every * np.arange(len(accuracies))
    table = pd.DataFrame(
        {
            "run": f"{arm}-{seed}",
            "step": at,
            "split": "test",
            "value": accuracies,
            "loss": 1.0,
            "metric": "accuracy",
            "chance": CHANCE,
        }
    )
    table = pd.concat([table, table[1:].assign(split="train", accuracy=1.0)])
    return table.assign(normalization=arm, seed=seed, status=status, steps=steps or at[-1])


def test_steps_to_target_is_the_first_evaluation_at_or_above_it():
    curves = make_curves([0.1, 0.96, 0.97, 0.95, 0.98])
    assert steps_to_target(curves, 0.97)["steps_to_target"].tolist() == [20.0]


def test_a_run_that_never_gets_there_takes_infinitely_many_steps():
    assert steps_to_target(make_curves([0.1, 0.9]), 0.97)["steps_to_target"].tolist() == [np.inf]


def test_a_run_that_diverged_never_got_there_even_if_it_was_there_before():
    curves = make_curves([0.1, 0.98], status="diverged", steps=40)
    assert steps_to_target(curves, 0.97)["steps_to_target"].tolist() == [np.inf]


def test_every_run_keeps_its_config_and_its_row():
    table = steps_to_target(pd.concat([make_curves([0.1, 1.0], seed=seed) for seed in (3, 1)]), 0.97)
    assert table["seed"].tolist() == [3, 1] and "steps" in table and "step" not in table


def test_final_accuracy_is_the_mean_over_the_last_tenth_of_the_steps():
    curves = make_curves([0.1] * 19 + [0.8, 0.9])  # steps 0 to 200; the last tenth begins after 180
    assert final_metric(curves)["final_metric"].item() == pytest.approx(0.85, abs=TOLERANCES["arithmetic"])


def test_a_diverged_run_ends_at_chance():
    curves = make_curves([0.1, 0.99], status="diverged", steps=20)
    assert final_metric(curves)["final_metric"].item() == CHANCE


def validated(curves, examples=10):
    """The same run with its evaluations on validation examples, and one on the test set after the last step."""
    validation = curves.assign(split=curves["split"].replace("test", "validation"), validation_examples=examples)
    last = validation[(validation["step"] == validation["steps"]) & (validation["split"] == "validation")]
    return pd.concat([validation, last.assign(split="test", value=0.3)])


def test_a_run_that_holds_examples_out_is_evaluated_on_them():
    curves = validated(make_curves([0.1, 0.5, 0.8, 0.7]))
    assert evaluations(curves)["value"].tolist() == [0.1, 0.5, 0.8, 0.7]
    assert steps_to_target(curves, 0.8)["steps_to_target"].item() == 20
    assert final_metric(curves)["final_metric"].item() == 0.7
    assert median_curves(curves)["estimate"].tolist() == [0.1, 0.5, 0.8, 0.7]


def test_runs_with_and_without_held_out_examples_are_each_evaluated_in_their_way():
    both = pd.concat(
        [validated(make_curves([0.1, 0.8])), make_curves([0.1, 0.6], seed=1).assign(validation_examples=0)]
    )
    assert best_metric(both)["best_metric"].tolist() == [0.8, 0.6]


def test_another_split_is_read_where_it_is_asked_for_and_a_diverged_run_keeps_its_row():
    lost = validated(make_curves([0.1, 0.5], seed=1, status="diverged", steps=99))  # has no row on the test set
    found = final_metric(pd.concat([validated(make_curves([0.1, 0.8])), lost]), split="test")
    assert found["final_metric"].tolist() == [0.3, CHANCE]


def test_the_best_accuracy_is_the_largest_of_a_run_and_chance_if_it_diverged():
    runs = [make_curves([0.1, 0.8, 0.7]), make_curves([0.1, 0.9], seed=1, status="diverged", steps=20)]
    assert best_metric(pd.concat(runs))["best_metric"].tolist() == [0.8, CHANCE]


def test_a_target_may_differ_by_seed():
    runs = pd.concat([make_curves([0.1, 0.5, 0.9], seed=seed) for seed in (0, 1, 2)])
    found = steps_to_target(runs, pd.Series({0: 0.5, 1: 0.6, 2: 0.95}))
    assert found["steps_to_target"].tolist() == [10, 20, np.inf]


def test_no_target_is_reached_before_the_first_step():
    assert steps_to_target(make_curves([0.2, 0.05, 0.2]), 0.1)["steps_to_target"].item() == 20


@pytest.mark.parametrize(("examples", "split"), [(0, "test"), (10, "validation")])
def test_a_run_without_an_evaluation_is_counted_as_diverged(examples, split):
    curves = make_curves([0.1, 0.5]).assign(validation_examples=0)
    lost = pd.DataFrame(
        {
            "run": ["lost"],
            "seed": [1],
            "status": "diverged",
            "steps": 10,
            "validation_examples": examples,
            "chance": CHANCE,
        }
    )
    table = with_lost(curves, pd.concat([curves[list(lost)].drop_duplicates(), lost]))
    assert table["split"].iloc[-1] == split and table["step"].iloc[-1] == 0
    assert best_metric(table)["best_metric"].tolist() == [0.5, CHANCE]
    assert with_lost(curves, curves[["run"]]) is curves


def test_distance_from_a_curve_is_the_mean_difference_at_its_points_with_lines_between_evaluations():
    curves = make_curves([0.0, 0.4, 0.8])
    reference = pd.DataFrame({"step": [5, 15, 20, 99], "test_accuracy": [0.3, 0.6, 0.7, 0.0]})  # ours: 0.2, 0.6, 0.8
    found = distance_from_curve(curves, reference)["distance"].item()
    assert found == pytest.approx((0.1 + 0.0 + 0.1) / 3, abs=TOLERANCES["arithmetic"])


def test_distance_counts_a_diverged_run_as_chance_after_its_last_evaluation():
    curves = make_curves([0.1, 0.5], status="diverged", steps=100)
    reference = pd.DataFrame({"step": [10, 50], "test_accuracy": [0.5, 0.9]})
    found = distance_from_curve(curves, reference)["distance"].item()
    assert found == pytest.approx(0.4, abs=TOLERANCES["arithmetic"])


def test_distance_is_missing_where_the_run_ends_before_the_curve_begins():
    reference = pd.DataFrame({"step": [4000], "test_accuracy": [0.7]})
    assert np.isnan(distance_from_curve(make_curves([0.1, 0.2]), reference)["distance"].item())


def make_pairs(none, batch):
    return pd.DataFrame({"seed": range(len(none)), "none": np.array(none, float), "batch": np.array(batch, float)})


def test_pairs_are_matched_by_seed_whatever_their_order():
    order = (("batch", 1), ("none", 0), ("batch", 0), ("none", 1))
    runs = [make_curves([0.1, 0.2 + seed / 10], arm, seed) for arm, seed in order]
    pairs = paired(final_metric(pd.concat(runs)), "final_metric")
    assert pairs.index.tolist() == [0, 1]
    np.testing.assert_allclose(pairs[["none", "batch"]], [[0.2, 0.2], [0.3, 0.3]], atol=TOLERANCES["arithmetic"])


def test_any_two_arms_can_be_paired_and_their_ratio_taken_others_beside_them():
    runs = pd.DataFrame({"run": list("abcdef"), "seed": [0, 1] * 3, "arm": ["x", "x", "y", "y", "z", "z"]})
    pairs = paired(runs.assign(steps=[4.0, 6, 2, np.inf, 1, 1]), "steps", arms=("x", "y"), column="arm")
    assert list(pairs) == ["x", "y"] and pairs.index.name == "seed"
    table = ratios(pairs, limit=12, arms=("x", "y"))
    assert table["ratio"].tolist() == [2, 0.5] and table["bound"].tolist() == ["", "<"]
    with pytest.raises(ValueError, match="in both arms, x and w"):
        paired(runs, "seed", arms=("x", "w"), column="arm")


def test_runs_of_several_engines_are_never_paired():
    runs = pd.DataFrame({"run": ["a", "b"], "seed": [0, 0], "normalization": ["none", "batch"], "value": [1.0, 2.0]})
    assert len(paired(runs.assign(engine="jax"), "value")) == 1
    with pytest.raises(ValueError, match="pairs are of one engine: got jax and tensorflow"):
        paired(runs.assign(engine=["jax", "tensorflow"]), "value")


@pytest.mark.parametrize("arms", [[("none", 0), ("batch", 0), ("none", 1)], [("none", 0)], [("none", 0), ("batch", 1)]])
def test_a_seed_in_one_arm_only_is_an_error(arms):
    runs = final_metric(pd.concat([make_curves([0.1, 0.2], arm, seed) for arm, seed in arms]))
    with pytest.raises(ValueError, match="in both arms"):
        paired(runs, "final_metric")


@pytest.mark.parametrize(
    ("none", "batch", "ratio", "bound"),
    [(400, 200, 2.0, ""), (np.inf, 500, 2.0, ">"), (400, np.inf, 0.4, "<"), (np.inf, np.inf, 1.0, "~")],
)
def test_a_side_that_never_got_there_counts_with_all_its_steps(none, batch, ratio, bound):
    table = ratios(make_pairs([none], [batch]), limit=1000)
    assert table["ratio"].item() == ratio and table["bound"].item() == bound


def test_a_ratio_of_nothing_is_an_error():
    with pytest.raises(ValueError, match="above 0"):
        ratios(make_pairs([10], [0]), limit=100)


@pytest.mark.slow
@settings(deadline=None)  # a loaded machine is no error
@given(st.lists(st.tuples(*[st.sampled_from([1.0, 5.0, 20.0, 90.0, np.inf])] * 2), min_size=1, max_size=9))
def test_ratios_and_their_median_are_always_finite(pairs):
    table = ratios(make_pairs(*zip(*pairs)), limit=100)
    assert np.isfinite(table["ratio"]).all() and np.isfinite(median_interval(table["ratio"])).all()


@pytest.mark.slow
@settings(deadline=None)  # a loaded machine is no error
@given(st.lists(st.tuples(*[st.sampled_from([5.0, 20.0, 90.0, np.inf])] * 2), min_size=1, max_size=6))
def test_a_median_without_a_mark_is_what_more_steps_would_give_too(pairs):
    table = ratios(make_pairs(*zip(*pairs)), limit=100)
    bound, middle = bound_of_median(table), table["ratio"].median()
    longer = [[[side] if np.isfinite(side) else [101.0, 1e6] for side in pair] for pair in pairs]
    medians = [
        np.median([none / batch for none, batch in truth])
        for truth in itertools.islice(itertools.product(*(itertools.product(*pair) for pair in longer)), 300)
    ]
    if bound == "":
        np.testing.assert_allclose(medians, middle, rtol=TOLERANCES["arithmetic"])
    if bound == ">":
        assert min(medians) >= middle * (1 - TOLERANCES["arithmetic"])
    if bound == "<":
        assert max(medians) <= middle * (1 + TOLERANCES["arithmetic"])


def test_a_lower_bound_above_the_median_does_not_make_it_a_bound():
    table = pd.DataFrame({"ratio": [1.0, 2.0, 3.0], "bound": ["", "", ">"]})
    assert bound_of_median(table) == ""
    assert bound_of_median(table.assign(bound=["", ">", ""])) == ">"
    assert bound_of_median(table.assign(bound=["", "", "<"])) == "<"
    assert bound_of_median(table.assign(bound=["~", "", ""])) == "~"


DIFFERENCES = {
    "normal": lambda generator, shape: generator.normal(size=shape),
    "heavy-tailed": lambda generator, shape: generator.standard_t(1.5, size=shape),
    "skewed": lambda generator, shape: generator.exponential(size=shape) - np.log(2),
}
"""Ways in which the difference of a pair can be distributed, each with a median of 0."""


@pytest.mark.parametrize("n", SEEDS)
@pytest.mark.parametrize("distribution", DIFFERENCES)
def test_the_interval_holds_the_true_median_at_least_as_often_as_it_says_whatever_the_distribution(distribution, n):
    samples = DIFFERENCES[distribution](np.random.default_rng(n), (4_000, n))
    intervals = [median_interval(values) for values in samples]
    covered = np.mean([low <= 0 <= high for _, low, high, _ in intervals])
    assert covered >= CONFIDENCE - TOLERANCES["coverage"]


def test_a_narrower_interval_would_not_hold_it_so_often():
    samples = np.sort(np.random.default_rng(8).normal(size=(4_000, 8)))
    covered = np.mean((samples[:, 1] <= 0) & (samples[:, 6] >= 0))
    assert covered < CONFIDENCE - TOLERANCES["coverage"]


@pytest.mark.parametrize("n", SEEDS)
def test_the_interval_is_scipys_of_the_quantile_test(n):
    values = np.random.default_rng(n).standard_cauchy(n)
    found = scipy.stats.quantile_test(values, p=0.5).confidence_interval(CONFIDENCE)
    assert median_interval(values)[1:3] == (found.low, found.high)


def test_fewer_than_six_values_have_their_range():
    assert median_interval([4.0, 1.0, 3.0]) == (3.0, 1.0, 4.0, 3)


@pytest.mark.parametrize("n", SEEDS)
def test_p_is_scipys_of_the_fair_coin(n):
    for above in range(n + 1):
        values = tuple((side, side) for side in [1.0] * above + [-1.0] * (n - above))
        expected = scipy.stats.binomtest(above, n, 0.5).pvalue
        assert sign_test(values, 0.0) == pytest.approx(expected, rel=TOLERANCES["arithmetic"])


@settings(deadline=None)  # a loaded machine is no error
@given(
    st.lists(
        st.tuples(st.sampled_from([-1.0, 0.0, 1.0, 2.0]), st.sampled_from(["", "<", ">", "~"])), min_size=6, max_size=16
    )
)
def test_p_is_below_one_in_twenty_exactly_where_the_interval_leaves_the_threshold_out(pairs):
    table = pd.DataFrame(pairs, columns=["value", "bound"])
    _, low, high, _ = bounded_interval(table, "value", least=-np.inf)
    p = sign_test(sample(table, "value", least=-np.inf), 0.0)
    assert (p <= 1 - CONFIDENCE) == (low > 0 or high < 0)


def test_a_value_that_is_the_threshold_or_may_lie_on_either_side_of_it_counts_against_both():
    assert sign_test(((1.0, 1.0),) * 6, 0.0) == 2 * 0.5**6
    for unsure in ((0.0, 0.0), (-1.0, np.inf)):
        assert sign_test((*((1.0, 1.0),) * 5, unsure), 0.0) == pytest.approx(2 * 7 * 0.5**6)
    assert np.isnan(sign_test((), 0.0))


@pytest.mark.parametrize("n", SEEDS)
def test_the_p_of_equivalence_is_the_larger_of_scipys_two_one_sided_tests(n):
    for above, below in itertools.product(range(n + 1), repeat=2):
        beside = n - above, n - below
        if sum(beside) > n:
            continue
        values = [(-2.0, -2.0)] * beside[0] + [(2.0, 2.0)] * beside[1] + [(0.0, 0.0)] * (n - sum(beside))
        each = [scipy.stats.binomtest(count, n, 0.5, alternative="greater").pvalue for count in (above, below)]
        assert equivalence_test(tuple(values), -1.0, 1.0) == pytest.approx(max(each), rel=TOLERANCES["arithmetic"])


def test_of_medians_at_the_margin_one_in_twenty_or_fewer_are_taken_for_equivalent():
    samples = np.random.default_rng(0).standard_normal((4_000, 12)) * 0.1 + 1
    found = [equivalence_test(tuple(zip(values, values)), -1.0, 1.0) <= 0.05 for values in samples]
    assert 0.01 < np.mean(found) <= 0.05 + TOLERANCES["coverage"]


def test_a_value_at_the_margin_or_that_may_lie_beyond_it_counts_against_equivalence():
    assert equivalence_test(((0.0, 0.0),) * 6, -1.0, 1.0) == 0.5**6
    for unsure in ((1.0, 1.0), (0.0, np.inf), (-np.inf, 0.0)):
        assert equivalence_test((*((0.0, 0.0),) * 5, unsure), -1.0, 1.0) == pytest.approx(7 * 0.5**6)
    assert np.isnan(equivalence_test((), -1.0, 1.0))


@pytest.mark.parametrize("tests", [1, 9, 12, 40])
def test_the_fewest_values_are_those_of_which_the_sign_test_can_be_met_whatever_the_others_give(tests):
    def corrected(n):
        sure = sign_test(((1.0, 1.0),) * n, 0.0)
        return holm({"a": sure, **{str(other): 1.0 for other in range(tests - 1)}})["a"]

    least = fewest_values(tests)
    assert corrected(least) <= 0.05 < corrected(least - 1)


def test_holms_correction_is_that_of_his_paper():
    assert holm({"a": 0.01, "b": 0.04, "c": 0.03}) == pytest.approx({"a": 0.03, "b": 0.06, "c": 0.06})
    assert holm({"a": 0.9, "b": np.nan}) == {"a": 1.0, "b": 1.0}
    assert holm({}) == {}


def test_eight_claims_can_be_told_with_ten_seeds_and_not_with_eight():
    def smallest(n):
        return max(holm({str(claim): sign_test(((1.0, 1.0),) * n, 0.0) for claim in range(8)}).values())

    assert smallest(8) > 1 - CONFIDENCE > smallest(10)


def test_the_interval_of_a_ratio_has_no_upper_end_where_all_are_lower_bounds():
    table = ratios(make_pairs([np.inf] * 9, range(100, 1000, 100)), limit=1000)
    finite = median_interval(table["ratio"])
    assert ratio_interval(table) == (2.0, finite.ci_low, np.inf, 9)


def test_the_interval_of_a_ratio_starts_at_0_where_all_are_upper_bounds_and_is_the_usual_one_without_bounds():
    table = ratios(make_pairs(range(100, 1000, 100), [np.inf] * 9), limit=1000)
    finite = median_interval(table["ratio"])
    assert ratio_interval(table) == (0.5, 0.0, finite.ci_high, 9)
    assert ratio_interval(table.assign(bound="")) == finite


def test_an_undetermined_pair_widens_both_ends():
    table = ratios(make_pairs([np.inf] * 9, [np.inf] * 9), limit=1000)
    assert ratio_interval(table) == (1.0, 0.0, np.inf, 9)
    assert ratio_interval(table[:0]).n == 0


def test_the_interval_of_a_difference_may_end_at_infinity_on_either_side():
    table = pd.DataFrame({"difference": [0.0, 1.0, 2.0], "bound": "~"})
    assert bounded_interval(table, "difference") == (1.0, -np.inf, np.inf, 3)
    assert bounded_interval(table.assign(bound="<"), "difference") == (1.0, -np.inf, 2.0, 3)
    assert bounded_interval(table.assign(bound=">"), "difference") == (1.0, 0.0, np.inf, 3)
    assert bounded_interval(table.assign(bound=""), "difference") == median_interval([0, 1, 2])
    assert bound_of_median(table.assign(bound=["", ">", ""]), "difference") == ">"


@settings(deadline=None, max_examples=30)  # a loaded machine is no error
@given(st.lists(st.tuples(*[st.sampled_from([5.0, 20.0, 90.0, np.inf])] * 2), min_size=1, max_size=5))
def test_the_interval_of_a_ratio_holds_what_more_steps_would_give(pairs):
    found = ratio_interval(ratios(make_pairs(*zip(*pairs)), limit=100))
    longer = [[[side] if np.isfinite(side) else [101.0, 1e6] for side in pair] for pair in pairs]
    for truth in itertools.islice(itertools.product(*(itertools.product(*pair) for pair in longer)), 8):
        _, low, high, _ = median_interval([none / batch for none, batch in truth])
        assert found.ci_low <= low * (1 + TOLERANCES["arithmetic"])
        assert found.ci_high >= high * (1 - TOLERANCES["arithmetic"])


def test_one_value_is_its_own_interval_and_none_is_missing():
    assert median_interval([2.5]) == (2.5, 2.5, 2.5, 1)
    assert median_interval([]).n == 0 and np.isnan(median_interval([]).estimate)


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_no_median_is_taken_of_what_is_not_finite(value):
    with pytest.raises(ValueError, match="finite"):
        median_interval([1.0, value])


def test_the_median_curve_counts_a_diverged_run_as_chance_and_never_drops_it():
    runs = [make_curves([0.1, 0.6, 0.9], seed=seed) for seed in (0, 1)]
    runs.append(make_curves([0.1, 0.5], seed=2, status="diverged", steps=20))
    table = median_curves(pd.concat(runs))
    assert table["n"].tolist() == [3, 3, 3] and table["estimate"].tolist() == [0.1, 0.6, 0.9]
    assert table["ci_low"].iloc[-1] == CHANCE


def test_median_curves_are_by_any_column_that_says_which_arm_a_run_is():
    runs = [make_curves([0.1, 0.4 + seed / 10], seed=seed).assign(arm="x") for seed in range(3)]
    table = median_curves(pd.concat(runs), "arm")
    assert table["arm"].tolist() == ["x", "x"] and table["estimate"].tolist() == [0.1, 0.5]
