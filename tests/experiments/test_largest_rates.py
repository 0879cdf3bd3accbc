"""`09_largest_rates`: searches that find ceilings that are known, what the claims say of them, and who chooses what."""

import math

import numpy as np
import pandas as pd
import pytest

from bnrepro.analysis.ceilings import number, rate, to_try
from bnrepro.analysis.claims import CONTRADICTED, SUPPORTED
from bnrepro.config.group import Group
from bnrepro.experiments import all_claims
from bnrepro.experiments.largest_rates.sweep import BASE, CANDIDATES, PAST, TARGETS
from bnrepro.experiments.largest_rates.tables import CELL
from bnrepro.experiments.presets import FIRST_JUDGED, SELECTING_SEEDS
from bnrepro.plotting.arms import COLORS
from bnrepro.plotting.inks import GREY
from bnrepro.plotting.panel import draw_data, draw_panel
from bnrepro.records.computed import known
from bnrepro.records.results import select
from tests.experiments.factories import statistic, verdicts
from tests.experiments.factories_largest_rates import GROWTH, LOSSES, largest_rates, simulate
from tests.experiments.rows import GUESS_LOSS

ONCE, TWICE = 1.1, 1.21
"""To which factor a ceiling, and a ratio of two, is known; rates of three digits leave it a thousandth more."""

ROUNDED = 1.005

NO_RACES = {"raced": (), "broken": ()}
"""Ceilings alone."""


def has_bn(config) -> bool:
    return config["normalization"] == "batch"


def literature(config) -> float:
    """Ceilings that fall with the depth, without BN more so; the seeds differ by up to a third."""
    depth, varied = config["hidden_layers"] / 3, math.exp(0.3 * math.sin(7.3 * config.seed + config["hidden_layers"]))
    if config["initialization"] == "gaussian" and not has_bn(config):
        return 0.0
    return varied * (3.4 * depth**-0.4 if has_bn(config) else 0.42 * depth**-1.0)


@pytest.fixture(scope="module")
def tables():
    return simulate(literature)


def configs_of(group: Group, preset="quick", ceiling=literature, **given) -> list:
    """The rows of `runs` of a group of a sweep whose rounds are over."""
    found = simulate(ceiling, preset=preset, **given)
    return select(found, group.group, setting=group.setting)


def test_a_search_finds_each_ceiling_to_a_factor_of_a_tenth(tables):
    any_run = next(iter(largest_rates.sweep("paper").values()))[0]
    for row in largest_rates.searched(tables).itertuples():
        config = any_run.replace(
            hidden_layers=row.hidden_layers,
            initialization=row.initialization,
            normalization=row.normalization,
            seed=row.seed,
        )
        truth = literature(config)
        assert row.low <= truth < row.high and not row.fails_below
        assert row.low == 0 or row.high / row.low < ONCE * ROUNDED


def test_the_ratio_of_two_ceilings_holds_the_true_one_and_is_narrow(tables):
    found = largest_rates.raised(tables)
    sure = found[found["bound"] == ""]
    assert (sure["high"] / sure["low"] < TWICE * ROUNDED**2).all()
    assert (sure["low"] <= sure["ratio"]).all() and (sure["ratio"] <= sure["high"]).all()
    assert set(found.loc[found["initialization"] == "gaussian", "bound"]) == {">"}


def test_where_no_rate_trains_without_bn_the_ratio_is_a_bound_and_never_a_number(tables):
    rows = all_claims()["H3"](tables).set_index("label")
    words = "Gaussian kernels of standard deviation 0.01"
    ratio = rows.loc[f"with BN over without, {words}"]
    assert ratio["bound"] == ">" and math.isinf(ratio["ci_high"])
    for label in ("seeds that train at no rate", "seeds of these whose loss is finite at the smallest rate"):
        (count,) = rows.loc[rows.index.str.startswith(f"{words}, {label}"), "estimate"]
        assert count == 12
    assert statistic(tables, "H3")[["verdict", "bound"]].tolist() == [SUPPORTED, ""]


def test_what_the_literature_expects_is_supported(tables):
    assert verdicts(tables, "H1", "H2", "H3", "H4") == [SUPPORTED] * 4


def test_ratios_that_are_small_and_fall_with_the_depth_contradict():
    def ceiling(config) -> float:
        return (3.0 if has_bn(config) else 1.0) * (1.0 if not has_bn(config) else 3 / config["hidden_layers"]) ** 0.5

    assert verdicts(simulate(ceiling, fewer=NO_RACES, seeds=7), "H1", "H2", "H4") == [CONTRADICTED] * 3


@pytest.mark.parametrize(("factor", "verdict"), [(0.9, CONTRADICTED), (1.1, SUPPORTED)])
def test_a_threshold_is_told_where_the_ratio_is_a_tenth_off_it_and_more(factor, verdict):
    def ceiling(config) -> float:
        return 5 * factor * TWICE ** math.copysign(1, factor - 1) * 0.1 if has_bn(config) else 0.1

    assert verdicts(simulate(ceiling, fewer=NO_RACES, seeds=7), "H4") == [verdict]


@pytest.mark.parametrize(("factor", "verdict"), [(1.5, SUPPORTED), (1 / 1.5, CONTRADICTED)])
def test_it_is_told_whether_bn_raises_the_rate_more_or_less_with_large_mini_batches(factor, verdict):
    def ceiling(config) -> float:
        return (3.0 * (factor if config["batch_size"] == 512 else 1.0)) if has_bn(config) else 0.3

    found = simulate(ceiling, fewer=NO_RACES, seeds=7)
    for name in ("H8", "H9", "H10"):
        row = statistic(found, name)
        assert row["verdict"] == verdict and row["ci_low"] < factor < row["ci_high"]


def test_the_faster_arm_at_its_own_best_rate_is_told_and_so_is_the_slower():
    for fast, verdict in ((True, SUPPORTED), (False, CONTRADICTED)):
        speeds = {fast: 6.0, not fast: 2.0}
        found = simulate(lambda config: 1.0, lambda config, speeds=speeds: speeds[has_bn(config)], seeds=7)
        rows = {name: statistic(found, name) for name in ("H5", "H6", "H7", "H11", "H12", "H13")}
        assert {row["verdict"] for row in rows.values()} == {verdict}
        for change in ("Glorot's start", "Gaussian kernels", "momentum 0.9", "mini-batches of 512"):
            assert f"without BN over with, {change}" in rows["H11"]["note"]


def test_a_race_that_no_net_without_bn_finishes_is_a_bound():
    found = simulate(lambda config: 1.0, lambda config: 1.0 if has_bn(config) else 0.01, preset="quick")
    row = statistic(found, "H5")
    assert row["bound"] == ">" and math.isinf(row["ci_high"])


def test_an_arm_that_trains_at_no_rate_chooses_among_all_of_a_scan_and_its_race_is_a_bound():
    found = simulate(lambda config: 1.0 if has_bn(config) else 0.0, preset="quick")
    rates = select(found, "choice").groupby("normalization")["learning_rate"].agg(set)
    assert rates["none"] == {rate(each) for each in to_try({})} and len(rates["batch"]) == len(CANDIDATES)
    for name in ("H1", "H5"):
        row = statistic(found, name)
        assert row["bound"] == ">" and row["verdict"] == SUPPORTED


def test_a_seed_that_chooses_judges_nothing(tables):
    judging = {*largest_rates.searched(tables)["seed"], *select(tables, "fastest")["seed"]}
    assert judging == set(range(FIRST_JUDGED, FIRST_JUDGED + 12)) and not judging & {*SELECTING_SEEDS}
    assert set(select(tables, "choice")["seed"]) == {*SELECTING_SEEDS}


def test_both_arms_choose_from_as_many_rates_as_far_from_their_ceiling(tables):
    choice = select(tables, "choice")
    for (_, _, start, _, arm), own in choice.groupby([*CELL, "normalization"]):
        rates = sorted(set(own["learning_rate"]), reverse=True)
        has_none = start == "gaussian" and arm == "none"
        assert len(rates) == (len(to_try({})) if has_none else len(CANDIDATES))
        assert np.array(rates[:-1]) / np.array(rates[1:]) == pytest.approx(1.1**7, rel=0.01)


def test_an_arm_is_raced_at_the_candidate_that_was_fastest_on_the_seeds_that_choose():
    def speed(config) -> float:
        return 1.0 if config["learning_rate"] < 0.6 else 0.1

    runs = configs_of(Group("fastest", setting="own"), ceiling=lambda config: rate(24), speed=speed)
    assert set(runs["learning_rate"]) == {rate(17)}, "half of the ceiling, for at the ceiling it is slower"


def test_at_the_same_rate_both_arms_have_that_of_the_arm_without_bn(tables):
    own, same = (select(tables, "fastest", setting=setting) for setting in ("own", "same"))
    for cell, runs in same.groupby(list(CELL)):
        mine = own.set_index(list(CELL)).sort_index().loc[cell]
        assert set(runs["learning_rate"]) == set(mine.loc[mine["normalization"] == "none", "learning_rate"])
        assert set(runs["normalization"]) == {"none", "batch"}


def test_the_accuracy_of_a_net_with_bn_is_read_through_population_statistics(tables):
    runs = select(tables, ("choice", "fastest"))
    assert set(runs.loc[runs["normalization"] == "batch", "normalization.inference"]) == {"population"}


def test_another_arm_is_searched_and_raced_too():
    found = simulate(lambda config: 1.0, preset="quick", another_arm="renorm")
    for group in ("ceilings", "choice", "fastest"):
        assert set(select(found, group)["normalization"]) == {"none", "batch", "renorm"}
    for panel in largest_rates.PANELS:
        assert draw_panel(panel, found).axes
    assert set(largest_rates.panel("ratios").data(found)["cells"]["normalization"]) == {"batch", "renorm"}


def test_the_first_round_scans_on_the_seed_that_chooses_and_the_last_asks_for_nothing_new(tables):
    first = largest_rates.sweep("paper")
    assert {config.seed for group in first.values() for config in group} == {SELECTING_SEEDS[0]}
    whole = largest_rates.sweep("paper", {name: tables[name] for name in ("runs", "curves")})
    assert {config.id for group in whole.values() for config in group} == set(tables["runs"]["run"])


def test_parameters_shorten_the_runs_and_set_the_judged_seeds():
    runs = configs_of(Group("ceilings"), seeds=2, steps=50)
    assert set(runs["steps"]) == {50} and set(runs["seed"]) == {SELECTING_SEEDS[0], FIRST_JUDGED, FIRST_JUDGED + 1}


@pytest.mark.parametrize(("slowest", "target"), [(2.0, 0.83), (1.35, 0.75), (0.4, 0.6), (0.02, 0.6)])
def test_nets_are_raced_to_the_highest_target_that_both_arms_reach_in_two_thirds_of_the_steps(slowest, target):
    """At rate 1 and speed 2 an accuracy of 0.83 takes 365 of 750 steps; at speed 1.35 0.75 takes 482, 0.8 takes 519."""
    found = simulate(lambda config: 1.0, lambda config: 2.0 if has_bn(config) else slowest, preset="quick")
    assert set(largest_rates.targets(found).values()) == {target} and target in TARGETS


def test_a_rate_at_an_end_of_the_candidates_is_told(tables):
    rows = set(all_claims()["H5"](tables)["label"])
    assert "learning rate with BN, at an end of its candidates" in rows, "here the highest rate is the fastest"


def test_the_ratio_of_two_races_holds_what_finer_evaluations_would_give():
    found = simulate(lambda config: 1.0, lambda config: 2.0 if has_bn(config) else 1.0, preset="quick")
    pairs = largest_rates.fewer_steps(largest_rates.raced(found, "own"), hidden_layers=3, batch_size=32)
    assert (pairs["low"] < 2.0).all() and (pairs["high"] > 2.0).all() and (pairs["bound"] == "").all()


def test_the_smallest_of_several_ratios_is_bounded_by_the_lowest_of_each_end():
    names = ["hidden_layers", "batch_size", "initialization", "sgd_momentum", "seed", "low", "high"]
    ends = {"he": (0.0, 1.2), "glorot": (1.01, 1.22), "gaussian": (4.6, np.inf)}
    table = pd.DataFrame([(20, 32, start, 0.0, 100, *own) for start, own in ends.items()], columns=names)
    each = [largest_rates.at(table, initialization=start) for start in ends]
    assert largest_rates.smallest(each)[["low", "high", "bound"]].values.tolist() == [[0.0, 1.2, "<"]]
    assert largest_rates.smallest([*each, largest_rates.at(table, initialization="orthogonal")]).empty


def test_what_is_kept_is_all_that_is_asked_for(tables):
    kept = known(largest_rates.derive(tables))
    for name in ("curves", "updates"):
        assert 0 < len(kept[name]) < len(tables[name])
    pd.testing.assert_frame_equal(largest_rates.findings(kept), largest_rates.findings(tables))
    for panel in largest_rates.PANELS:
        drawn, whole = (found if isinstance(found, dict) else {"": found} for found in map(panel.data, (kept, tables)))
        for name, table in whole.items():
            pd.testing.assert_frame_equal(drawn[name], table)
    assert set(largest_rates.sweep("paper", kept)) == set(largest_rates.sweep("paper", tables))


def test_the_first_steps_are_at_rates_off_the_ceilings_of_the_same_seed(tables):
    ceilings = largest_rates.searched(tables).query("initialization == 'he' and batch_size == 32 and sgd_momentum == 0")
    numbers = ceilings.set_index(["hidden_layers", "normalization", "seed"])["low"].map(number)
    for setting, arms, steps in (("past", ("none", "batch"), PAST), ("base", ("none", "none"), BASE)):
        runs = select(tables, "first_steps", setting=setting)
        assert len(runs) == 2 * 2 * 12 and set(runs["hidden_layers"]) == {3, 20} and set(runs["steps"]) == {10}
        for run in runs.itertuples():
            arm = dict(zip(("none", "batch"), arms))[run.normalization]
            assert number(run.learning_rate) == numbers[run.hidden_layers, arm, run.seed] + steps


def test_no_first_steps_and_no_large_mini_batches_are_trained_at_the_smaller_presets():
    for preset in ("smoke", "quick"):
        found = simulate(lambda config: 1.0, preset=preset)
        assert select(found, "first_steps").empty and set(found["runs"]["batch_size"]) == {32}


def test_what_a_step_does_past_the_ceiling_is_told_as_it_was_made_up(tables):
    growth = statistic(tables, "W1")["estimate"]
    assert growth == pytest.approx((GROWTH["none"] / GROWTH["batch"]) ** 19)
    assert statistic(tables, "W2")["estimate"] == pytest.approx(0.8**-19)
    assert statistic(tables, "W3")["estimate"] == pytest.approx(LOSSES["logits"] / LOSSES["kernel"])
    assert statistic(tables, "W4")["estimate"] == pytest.approx(LOSSES["nothing"] / GUESS_LOSS)
    assert {statistic(tables, name)["verdict"] for name in ("W1", "W2", "W3", "W4")} == {SUPPORTED}


def test_each_of_these_claims_can_be_contradicted(tables):
    updates, turned = tables["updates"], {}
    before, after = updates["output_before"], updates["output_after"]
    turned["W1"] = updates.assign(output_after=before**2 / after)
    turned["W2"] = updates.assign(gradient_norm=1 / updates["gradient_norm"])
    turned["W3"] = updates.assign(part=updates["part"].replace({"kernel": "logits", "logits": "kernel"}))
    turned["W4"] = updates.assign(loss=10 * updates["loss"])
    for name, table in turned.items():
        assert statistic({**tables, "updates": table}, name)["verdict"] == CONTRADICTED


def test_the_step_that_is_looked_at_is_the_first_that_breaks_the_net_and_beside_the_ceiling_the_first(tables):
    for setting, step, broken in (("past", 1, True), ("base", 0, False)):
        found = largest_rates.at_moment(tables, setting)
        assert set(found["step"]) == {step} and set(found["breaks"]) == {broken}
    unbroken = tables["updates"].assign(loss=2.0)
    found = largest_rates.at_moment({**tables, "updates": unbroken}, "past")
    assert set(found["step"]) == {0} and set(found["breaks"]) == {False}


def test_a_run_that_diverges_within_the_first_steps_is_a_bound(tables):
    found = largest_rates.after_steps(tables, "past", "none", 20)
    assert set(found["bound"]) == {">"} and found["low"].tolist() == pytest.approx([25 / GUESS_LOSS] * 12)


def test_what_is_beyond_single_precision_is_at_least_its_largest_number():
    found = largest_rates.known(pd.Series([2.0, np.inf, np.nan]))
    assert found["high"].tolist() == [2.0, np.inf, np.inf] and (found["low"][1:] > 3e38).all() and found["low"][0] == 2


def test_what_bn_is_worth_has_a_row_for_each_raced_cell_and_a_dash_where_no_median_run_gets_there(tables):
    for setting in ("own", "same"):
        table = largest_rates.worth(tables, setting)
        assert len(table) == 10 and not table.duplicated(list(CELL)).any()
        assert (table["steps_without"].isna() == (table["reached_without"] < 0.5)).all()
        assert set(table.loc[table["initialization"] == "gaussian", "bound"]) <= {">", "~"}


def test_what_bn_is_worth_is_drawn_in_the_color_of_the_faster_arm_and_grey_where_neither_is(tables):
    panel = largest_rates.panel("worth")
    data = panel.data(tables)
    cells = data["cells"].iloc[:3].assign(bound="", estimate=[0.5, 1, 2], ci_low=[0.4, 0.8, 1.5], ci_high=[0.8, 1.6, 3])
    (axes,) = draw_data(panel, {**data, "cells": cells}).axes
    dots = [line.get_color() for line in axes.lines if line.get_marker() == "o"]
    assert dots == [COLORS["none"], GREY, COLORS["batch"]]


def test_it_is_told_whether_the_ratio_grows_with_the_depth_with_large_mini_batches_or_falls(tables):
    turned = tables["runs"].assign(hidden_layers=tables["runs"]["hidden_layers"].replace({20: 40, 40: 20}))
    for runs, verdict in ((tables["runs"], SUPPORTED), (turned, CONTRADICTED)):
        assert statistic({**tables, "runs": runs}, "H14")["verdict"] == verdict
