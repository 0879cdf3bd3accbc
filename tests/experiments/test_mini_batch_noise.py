"""`10_mini_batch_noise`: who chooses which rate, where training losses are equal, and what the claims say either way."""

import math

import numpy as np
import pandas as pd
import pytest

from bnrepro.analysis.claims import CONTRADICTED, INCONCLUSIVE, SUPPORTED
from bnrepro.experiments import all_claims
from bnrepro.experiments.mini_batch_noise.tables import (
    APART,
    BEFORE,
    DOSE_LEVEL,
    DOSE_LEVELS,
    DOSES,
    DROPPED,
    FIRST_DOSE,
    GAMMA,
    GHOSTS,
    KEPT,
    LEVEL,
    LEVELS,
    NOISE,
    OVER,
    SAME,
    SECOND,
    WHOLE,
    WITH_BN,
    WITHOUT,
)
from bnrepro.experiments.presets import FIRST_JUDGED, SELECTING_SEEDS
from bnrepro.plotting.panel import draw_panel
from bnrepro.records.results import select
from bnrepro.report.verdicts import judged
from tests.experiments.factories import statistic, verdicts
from tests.experiments.factories_mini_batch_noise import mini_batch_noise, simulate_noise
from tests.experiments.rows import CHANCE, GUESS_LOSS


def has_bn(config) -> bool:
    return config["normalization"] == "batch"


def has_dropout(config) -> bool:
    return config["dropout"] > 0


def arm_of(config) -> tuple[str, int]:
    """One of `APART`, or None."""
    if config["weight_decay_on"] == "gamma":
        return GAMMA
    if config["normalization"] == "kept":
        return NOISE if config["normalization.noise_size"] else KEPT
    if config["normalization"] == "population":
        return DROPPED
    return {0: WHOLE, 4: GHOSTS}.get(config["ghost_size"]) if has_bn(config) else None


def rows_of(tables, claim) -> pd.DataFrame:
    return all_claims()[claim](tables).set_index("label")


@pytest.fixture(scope="module")
def tables():
    """Of the preset quick; a seed has its own accuracy, and BN adds two points to it."""
    return simulate_noise(lambda config: 0.75 + 0.001 * (config.seed % 10) + 0.02 * has_bn(config))


@pytest.fixture(scope="module")
def whole():
    """Of the preset paper: Dropout adds three points without BN and one with it; small ghost batches have a low loss."""

    def accuracy(config):
        return 0.75 + 0.02 * has_bn(config) + has_dropout(config) * (0.01 if has_bn(config) else 0.03)

    return simulate_noise(accuracy, lambda config: 1 + 0.1 * math.log2(config["ghost_size"] or 256), preset="paper")


@pytest.fixture(scope="module")
def noisy():
    """Of the preset paper: ghost batches of 4 take 0.5 nats away, noise alone 0.1 and gamma's decay 0.4; 0.1 is the best rate,
    of the net with noise 0.3, with which 0.1 more are gone, and of gamma's decays 0.001.
    """

    def accuracy(config):
        best = 0.3 if arm_of(config) == NOISE else 0.1
        right = config["learning_rate"] == best and config["weight_decay"] in (0, 1e-3)
        return 0.78 + 0.02 * right - 0.05 * (arm_of(config) == DROPPED)

    def loss(config):
        taken = {GHOSTS: 0.5, NOISE: 0.1, GAMMA: 0.4}.get(arm_of(config), 0.0)
        return 1.2 + 0.01 * (config.seed % 10) - taken - 0.1 * (config["learning_rate"] == 0.3)

    return simulate_noise(accuracy, loss, preset="paper", seeds=8)


@pytest.mark.parametrize(("gain", "verdict"), [(0.01, SUPPORTED), (-0.01, CONTRADICTED), (0.0, INCONCLUSIVE)])
def test_accuracy_with_bn_is_compared_after_training_and_at_equal_training_loss(gain, verdict):
    found = simulate_noise(lambda config: 0.75 + gain * has_bn(config))
    assert verdicts(found, "G1", "G3") == [verdict] * 2


@pytest.mark.parametrize(("few", "verdict"), [(0.8, SUPPORTED), (1.2, CONTRADICTED)])
def test_the_dose_is_told_by_the_loss_with_small_ghost_batches_and_with_larger_ones(few, verdict):
    found = simulate_noise(loss=lambda config: few if config["ghost_size"] == 4 else 1.0)
    assert verdicts(found, "G2") == [verdict]


@pytest.mark.parametrize(("few", "verdict"), [(0.96, SUPPORTED), (1.06, CONTRADICTED)])
def test_at_equal_training_loss_the_dose_may_matter_or_not(few, verdict):
    found = simulate_noise(loss=lambda config: few if config["ghost_size"] == 4 else 1.0, preset="paper", seeds=8)
    assert verdicts(found, "G10") == [verdict]


def test_small_ghost_batches_that_only_fit_less_after_training_have_no_lower_loss_at_equal_training_loss():
    """The held-out loss grows as the training loss falls, in all nets alike, and BN over 4 examples is slower."""
    slow = simulate_noise(speed=lambda config: 0.01 if config["ghost_size"] == 4 else 0.02, preset="paper", seeds=8)
    curves = slow["curves"]
    fit = curves.query("split == 'fit'").set_index(["run", "step"])["loss"].clip(lower=1e-9)
    at = fit.reindex(pd.MultiIndex.from_frame(curves[["run", "step"]])).to_numpy()
    grown = curves["split"].isin(["validation", "test"])
    tables = {**slow, "curves": curves.assign(loss=curves["loss"].mask(grown, -0.1 * np.log(at)))}
    judged_by = {claim: rows_of(tables, claim).loc[""] for claim in ("G2", "G10")}
    assert judged_by["G10"]["estimate"] == pytest.approx(0, abs=1e-9) and judged_by["G10"]["n"] == 8
    assert judged_by["G2"]["estimate"] < -0.3


def test_the_doses_are_compared_on_seeds_of_their_own_evaluated_more_often_where_they_get_there_sooner(whole, tables):
    runs = mini_batch_noise.with_arms(select(whole, DOSES))
    assert set(runs["seed"]) == set(range(FIRST_DOSE, FIRST_DOSE + 16))
    others = select(whole, ("choice", "judged", "equal"))
    assert not set(runs["seed"]) & set(others["seed"])
    assert set(runs["normalization.inference"]) == {"population"}
    assert runs.groupby("over")["evaluate_every"].agg(set).to_dict() == {4: {20}, 16: {4}, 64: {4}, 256: {4}}
    assert set(mini_batch_noise.at_equal_loss(whole, DOSE_LEVEL, group=DOSES)["before"]) == {7, 39}
    assert select(tables, DOSES).empty, "at quick there are none"


def test_beside_the_dose_stands_the_same_at_the_rate_of_the_smallest_ghost_batches():
    def accuracy(config):
        return 0.8 + 0.01 * (config["learning_rate"] == (0.03 if config["ghost_size"] == 4 else 0.1))

    found = simulate_noise(accuracy, lambda config: config["learning_rate"], preset="paper", seeds=7)
    row = rows_of(found, "G10")["estimate"]
    assert row[""] == pytest.approx(0.03 - 0.1)
    assert row["the same, both at the rate of BN over 4 examples"] == pytest.approx(0)


def test_the_dose_is_drawn_against_the_net_called_the_one_with_bn_at_each_training_loss(whole, tables):
    table = mini_batch_noise.panel("equal_doses").data(whole).dropna()
    at = table.groupby("level")["over"].agg(set).to_dict()
    assert set(at) == {*DOSE_LEVELS[:2]}, "farther than that the nets of more examples do not get here"
    assert at[DOSE_LEVEL] == {4, 16, 64, 256}
    medians = table.groupby(["quantity", "over"])["gain"].median()
    assert medians["loss"].to_dict() == pytest.approx({4: -0.4, 16: -0.2, 64: 0.0, 256: 0.2})
    accuracy, loss = draw_panel(mini_batch_noise.panel("equal_doses"), whole).axes
    assert (accuracy.get_ylabel(), loss.get_ylabel()) == ("Accuracy, points", "Loss, nats")
    panel = mini_batch_noise.panel("equal_doses")
    assert draw_panel(panel, tables).axes and panel.full_caption(tables) == panel.full_caption(whole)


@pytest.mark.parametrize(("with_bn", "verdict"), [(0.8, SUPPORTED), (1.2, CONTRADICTED)])
def test_the_loss_with_bn_is_compared_with_that_without(with_bn, verdict):
    found = simulate_noise(loss=lambda config: with_bn if has_bn(config) else 1.0)
    assert verdicts(found, "G4") == [verdict]


@pytest.mark.parametrize(
    ("dropped", "both", "stands_in", "gains_less"),
    [(0.75, 0.75, SUPPORTED, SUPPORTED), (0.79, 0.83, CONTRADICTED, CONTRADICTED)],
)
def test_bn_stands_in_for_dropout_or_not_and_dropout_gains_less_with_it_or_more(dropped, both, stands_in, gains_less):
    def accuracy(config):
        alone = 0.77 if has_bn(config) else 0.74
        return (both if has_bn(config) else dropped) if has_dropout(config) else alone

    found = simulate_noise(accuracy, preset="paper")
    assert verdicts(found, "G5", "G6") == [stands_in, gains_less]


def test_the_shares_of_noise_and_of_the_decay_of_gamma_in_what_small_ghost_batches_do(noisy):
    assert verdicts(noisy, "G7", "G8", "G9") == [CONTRADICTED, SUPPORTED, SUPPORTED]
    noise, gamma = rows_of(noisy, "G7")["estimate"], rows_of(noisy, "G9")["estimate"]
    assert (noise[""], gamma[""]) == pytest.approx((0.4, 0.8)), "noise has the advantage of its rate"
    assert noise["the same, all at the rate of BN over 256 examples"] == pytest.approx(0.2)
    assert gamma["L2 weight of gamma, chosen with the rate"] == 1e-3
    assert rows_of(noisy, "G8")["estimate"]["the same, population statistics, gradient dropped"] == pytest.approx(-0.05)


def test_the_shares_and_the_equivalence_come_out_the_other_way_too():
    def loss(config):
        return 1.2 - {GHOSTS: 0.5, NOISE: 0.4, GAMMA: 0.1}.get(arm_of(config), 0.0)

    found = simulate_noise(lambda config: 0.8 - 0.02 * (arm_of(config) == KEPT), loss, preset="paper", seeds=8)
    assert verdicts(found, "G7", "G8", "G9") == [SUPPORTED, CONTRADICTED, CONTRADICTED]


def test_what_tells_noise_from_normalization_is_of_the_preset_paper_alone(tables):
    assert not set(select(tables, ("choice", "judged"))["normalization"]) - {"none", "batch"}
    assert [statistic(tables, claim)["n"] for claim in ("G7", "G8", "G9")] == [0, 0, 0]
    for name in ("apart", "apart_choice"):
        assert draw_panel(mini_batch_noise.panel(name), tables).axes


def test_nets_with_running_averages_in_training_differ_in_the_gradient_and_in_noise_and_one_has_a_decay_of_gamma(noisy):
    runs = mini_batch_noise.ended(noisy).set_index(["arm", "over", "seed"])
    own = {arm: runs.loc[(*arm, FIRST_JUDGED)] for arm in APART}
    assert {own[arm]["momentum"] for arm in (DROPPED, KEPT, NOISE)} == {0.9}
    assert {own[arm]["normalization.inference"] for arm in (WHOLE, GHOSTS, KEPT, NOISE, GAMMA)} == {"population"}
    assert (own[NOISE]["normalization.noise_size"], own[KEPT]["normalization.noise_size"]) == (4, 0)
    assert {arm for arm in APART if own[arm]["weight_decay"]} == {GAMMA} and own[GAMMA]["weight_decay_on"] == "gamma"
    assert {own[arm]["batch_size"] for arm in APART} == {256}


def test_beside_stand_the_same_nets_at_one_rate_and_gammas_decay_is_the_chosen_one(noisy):
    same = mini_batch_noise.ended(noisy, SAME)
    assert set(zip(same["arm"], same["over"])) == set(APART) and set(same["learning_rate"]) == {0.1}
    assert set(same.query("arm == 'gamma_decay'")["weight_decay"]) == {1e-3}


def test_noise_and_normalization_are_drawn_an_arm_a_row_and_a_decay_of_gamma_a_line(noisy):
    data = mini_batch_noise.panel("apart").data(noisy)
    assert list(dict.fromkeys(zip(data["runs"]["arm"], data["runs"]["over"]))) == list(APART)
    (other,) = data["same"].to_dict("records")
    assert (other["arm"], other["over"]) == NOISE, "it alone has chosen another rate"
    assert other["loss"] == pytest.approx(data["runs"].query("arm == 'kept_noise'")["loss"].median() + 0.1)
    left, right = draw_panel(mini_batch_noise.panel("apart"), noisy).axes
    assert (left.get_xlabel(), right.get_xlabel()) == ("Test accuracy", "Test loss, nats")
    rates = mini_batch_noise.panel("apart_choice").data(noisy)
    assert len(rates) == (3 + 3) * 4 and rates.groupby("arm")["chosen"].sum().eq(1).all()
    assert {"decay 0.0001", "decay 0.001", "decay 0.01"} <= set(rates["words"])
    assert not set(mini_batch_noise.panel("choice").data(noisy)["arm"]) & {
        "kept",
        "kept_noise",
        "population",
        "gamma_decay",
    }


def test_the_preset_quick_decides_every_primary_claim_and_leaves_dropout_out(tables):
    found = judged(mini_batch_noise, tables).set_index("claim")
    assert set(found.loc[found["kind"] == "primary", "n"]) == {10}
    assert found.loc[["G5", "G6"], "n"].tolist() == [0, 0] and found.loc["G5", "verdict"] == INCONCLUSIVE
    assert set(select(tables, "judged")["dropout"]) == {0.0}


def test_every_claim_tells_the_accuracy_or_the_loss_at_each_number_of_examples(whole):
    sizes = {"G1": (4, 16, 64, 256), "G2": (4, 16, 64, 256), "G3": (16, 64, 256), "G10": (4, 16, 64, 256)}
    words_of = {"G1": ["{}"], "G2": ["test loss {}"], "G3": ["{}", "held-out loss {}"], "G10": ["held-out loss {}"]}
    for claim, words in ((claim, words) for claim, each in words_of.items() for words in each):
        labels = set(rows_of(whole, claim).index)
        assert {words.format(f"BN over {over} examples") for over in sizes[claim]} <= labels
    for claim, kind in (("G2", "test"), ("G10", "held-out")):
        loss = rows_of(whole, claim)["estimate"]
        assert loss[f"{kind} loss BN over 16 examples"] == pytest.approx(1.4)
        assert loss[f"{kind} loss BN over 256 examples"] == pytest.approx(1.8)


def test_the_net_without_bn_stands_beside_at_its_second_best_rate_and_no_claim_is_judged_by_it():
    def loss(config):
        return 1.0 if has_bn(config) else {0.1: 1.5, 0.03: 0.8}.get(config["learning_rate"], 9.0)

    found = simulate_noise(
        lambda config: {0.1: 0.82, 0.03: 0.81}.get(config["learning_rate"], 0.7), loss, preset="paper"
    )
    row = rows_of(found, "G4")["estimate"]
    assert row[""] == pytest.approx(-0.5) and verdicts(found, "G4") == [SUPPORTED]
    assert row["the same, without BN at rate 0.03, its second best"] == pytest.approx(0.2)


def test_a_seed_that_chooses_judges_nothing_and_what_judges_is_the_test_set(tables):
    assert set(select(tables, "choice")["seed"]) == {*SELECTING_SEEDS}
    ended = mini_batch_noise.ended(tables)
    assert set(ended["seed"]) == set(range(FIRST_JUDGED, FIRST_JUDGED + 10))
    curves = tables["curves"]
    moved = curves.assign(value=curves["value"].mask(curves["split"] == "test", 0.5))
    assert set(mini_batch_noise.ended({**tables, "curves": moved})["accuracy"]) == {0.5}


def test_each_arm_is_judged_at_the_rate_that_was_best_on_the_seeds_that_choose_and_the_lowest_of_equals():
    best = {"none": 0.03, "batch": 0.1}

    def accuracy(config):
        chooses = config.seed in SELECTING_SEEDS
        is_best = config["learning_rate"] == best.get(config["normalization"])
        return 0.8 if has_dropout(config) or is_best == chooses else 0.7

    tables = simulate_noise(accuracy, preset="paper")
    found = mini_batch_noise.ended(tables).query("arm in ['none', 'batch', 'none_dropout', 'batch_dropout']")
    assert set(mini_batch_noise.ended(tables, SECOND)["learning_rate"]) == {0.01}
    rates = found.groupby("arm")["learning_rate"].agg(set).to_dict()
    assert rates == {"none": {0.03}, "batch": {0.1}, "none_dropout": {0.01}, "batch_dropout": {0.01}}


def test_a_rate_at_an_end_of_those_tried_is_told_and_one_between_them_is_not(whole):
    labels = rows_of(whole, "G1").index
    assert "learning rate without BN, at an end of those tried" in labels, "all are equal, so the lowest is taken"
    inner = simulate_noise(lambda config: 0.8 if config["learning_rate"] == 0.03 else 0.7, preset="paper")
    assert "learning rate without BN" in rows_of(inner, "G1").index


def test_a_net_with_bn_is_read_through_population_statistics_and_the_whole_mini_batch_has_no_ghosts(whole):
    runs = select(whole, ("choice", "judged", "equal"))
    with_bn = runs[runs["normalization"] == "batch"]
    assert set(with_bn["normalization.inference"]) == {"population"}
    assert set(with_bn["ghost_size"]) == {0, 4, 16, 64} and set(runs["batch_size"]) == {256}
    both = with_bn[with_bn["dropout"] > 0]
    assert set(both["ghost_size"]) == {OVER} and set(both["dropout_place"]) == {"after"}


def test_accuracy_at_equal_loss_is_that_of_the_formula_wherever_it_lies_between_evaluations(tables):
    found = mini_batch_noise.at_equal_loss(tables)
    for arm, added in ((WITHOUT, 0.0), (WITH_BN, 0.02)):
        own = mini_batch_noise.of_arm(found, arm, "accuracy")
        final = 0.75 + 0.001 * (own.index.to_numpy() % 10) + added
        np.testing.assert_allclose(own, CHANCE + (final - CHANCE) * (1 - LEVEL / GUESS_LOSS), atol=5e-4)
    assert set(found["before"]) == {9}, "20 steps apart, from a loss of 2.3 to 0.05 at a speed of 0.02 a step"


@pytest.mark.parametrize(("steps", "before"), [(45, 2), (35, 1), (15, 0)])
def test_a_run_that_gets_there_before_its_third_evaluation_is_left_out_and_counted(steps, before):
    """It takes this many steps to the training loss, and is evaluated each 20."""
    fast = math.log(GUESS_LOSS / LEVEL) / steps
    found = simulate_noise(speed=lambda config: fast if has_bn(config) and config.seed == FIRST_JUDGED else 0.02)
    at_level = mini_batch_noise.at_equal_loss(found)
    assert mini_batch_noise.of_arm(at_level, WITH_BN, "before")[FIRST_JUDGED] == before
    left_out = before < BEFORE
    assert rows_of(found, "G3").loc["", "n"] == 10 - left_out
    told = f"seeds left out, of which a run gets to {LEVEL:g} never or before its third evaluation"
    assert (told in rows_of(found, "G3").index) == left_out


def test_where_no_run_gets_there_nothing_is_said_of_equal_training_loss():
    found = simulate_noise(speed=lambda config: 0.001)
    assert verdicts(found, "G3") == [INCONCLUSIVE] and rows_of(found, "G3").loc["", "n"] == 0
    for panel in mini_batch_noise.PANELS:
        assert draw_panel(panel, found).axes


def test_where_no_run_gets_there_nothing_is_said_of_the_dose_and_its_seeds_are_counted():
    found = simulate_noise(speed=lambda config: 0.001, preset="paper", seeds=7)
    row = rows_of(found, "G10").loc
    assert row[""]["n"] == 0
    assert row["seeds left out, of which a run gets to 0.1 never or before its third evaluation"]["estimate"] == 7
    assert draw_panel(mini_batch_noise.panel("equal_doses"), found).axes


def test_a_run_that_diverges_counts_as_guessing_and_is_told():
    found = simulate_noise(lambda config: math.nan if not has_bn(config) and config.seed == FIRST_JUDGED else 0.8)
    ended = mini_batch_noise.ended(found).set_index(["arm", "seed"]).loc[("none", FIRST_JUDGED)]
    assert (ended["accuracy"], ended["loss"], ended["fit_loss"]) == (CHANCE, GUESS_LOSS, GUESS_LOSS)
    row = rows_of(found, "G1").loc["runs without BN that diverged and count as guessing"]
    assert (row["estimate"], row["n"]) == (1, 10)


def test_what_is_kept_of_the_curves_is_little_and_all_that_is_asked_for(whole):
    kept = mini_batch_noise.derive(whole)
    assert len(kept["curves"]) < len(whole["curves"]) / 3 and "train" not in set(kept["curves"]["split"])
    pd.testing.assert_frame_equal(judged(mini_batch_noise, kept), judged(mini_batch_noise, whole))
    for group, levels in (("equal", LEVELS), (DOSES, DOSE_LEVELS)):
        for level in levels:
            read = (mini_batch_noise.at_equal_loss(each, level, group=group) for each in (kept, whole))
            pd.testing.assert_frame_equal(*read)
    assert mini_batch_noise.sweep("paper", kept) == mini_batch_noise.sweep("paper", whole)


def test_what_is_compared_at_equal_training_loss_is_the_beginning_of_the_same_run(whole):
    same = ["arm", "over", "seed", "learning_rate"]
    groups = (select(whole, group, setting="") for group in ("judged", "equal"))
    judged_runs, compared = map(mini_batch_noise.with_arms, groups)
    assert (compared["steps"] < judged_runs["steps"].min()).all()
    assert len(compared.merge(judged_runs, on=same)) == len(compared) == 4 * 16


def test_the_first_round_chooses_and_parameters_shorten_the_runs_and_set_the_examples():
    first, *later = mini_batch_noise.sweep("paper", seeds=2, steps=50, train_examples=500).values()
    assert len(first) == (7 + 3 + 3) * 4 * len(SELECTING_SEEDS) and not any(later), "and three decays of gamma"
    assert {(config["steps"], config["train_examples"], config["fit_examples"]) for config in first} == {(50, 500, 500)}


def test_what_bn_changes_is_drawn_by_seed_accuracy_in_points_and_loss_in_nats(whole):
    data = mini_batch_noise.panel("dose").data(whole)
    table, second = data["gains"], data["second"]
    assert second["gain"].abs().max() == 0 and set(second["rate"]) == {0.03}, "here all rates are equally good"
    at_64 = table[(table["over"] == OVER) & (table["moment"] == "trained")].groupby("quantity")["gain"]
    assert at_64.agg(list)["accuracy"] == pytest.approx([2.0] * 16)
    assert at_64.agg(list)["loss"] == pytest.approx([0.1 * (6 - 8)] * 16)
    assert table.groupby("moment")["over"].agg(set).to_dict() == {"trained": {4, 16, 64, 256}, "equal": {16, 64, 256}}
    above, below = draw_panel(mini_batch_noise.panel("dose"), whole).axes
    assert (above.get_ylabel(), below.get_ylabel()) == ("Accuracy, points", "Loss, nats")


def test_accuracy_and_loss_are_drawn_of_four_nets_with_and_without_dropout(whole):
    runs = mini_batch_noise.panel("dropout").data(whole)
    assert list(dict.fromkeys(runs["arm"])) == ["none", "none_dropout", "batch", "batch_dropout"]
    assert len(runs) == 4 * 16
    left, right = draw_panel(mini_batch_noise.panel("dropout"), whole).axes
    assert (left.get_xlabel(), right.get_xlabel()) == ("Test accuracy", "Test loss, nats")


def test_the_chosen_rates_are_marked_one_an_arm(whole):
    rates = mini_batch_noise.panel("choice").data(whole)
    assert rates.groupby(["arm", "over"])["chosen"].sum().eq(1).all() and len(rates) == 7 * 4
