"""The convolutional nets of `08_dropout_and_weight_decay`: who chooses which rate, and what D9 to D14 say either way."""

import math

import pandas as pd
import pytest

from bnrepro.analysis.claims import CONTRADICTED, INCONCLUSIVE, SUPPORTED
from bnrepro.config.group import Group
from bnrepro.experiments.dropout_and_weight_decay.tables import CHOICE, CONVOLUTIONAL, STRONG, WEAK, ended, training
from bnrepro.experiments.presets import FIRST_JUDGED, SELECTING_SEEDS
from bnrepro.plotting.arms import COLORS
from bnrepro.records.results import select
from tests.experiments.factories import statistic
from tests.experiments.factories_convolutional import convolutional, dropout_and_weight_decay
from tests.experiments.rows import CHANCE
from tests.plotting.drawing import axes_of

OWN = ("D9", "D10", "D11", "D12", "D13", "D14")


def verdicts(tables) -> dict[str, str]:
    return {claim: statistic(tables, claim)["verdict"] for claim in OWN}


def valued(none=0.0, none_dropout=0.0, batch=0.0, batch_dropout=0.0, start=0.8):
    """A formula that gives each net its own value, above `start`; half of Dropout does half of what Dropout does."""
    plain, dropped = {"none": none, "batch": batch}, {"none": none_dropout, "batch": batch_dropout}

    def value(config):
        arm, share = config["normalization"], config["dropout"] / STRONG
        return start + (1 - share) * plain[arm] + share * dropped[arm]

    return value


@pytest.fixture(scope="module")
def tables():
    """Dropout adds three points without BN and one with it, which adds two; it takes more loss away without BN."""
    return convolutional(valued(0, 0.03, 0.02, 0.03), valued(0.6, 0.1, 0.0, -0.1, start=1))


def test_dropout_may_help_with_bn_less_than_without_and_bn_stand_in_for_it_or_not(tables):
    assert verdicts(tables) == {**dict.fromkeys(OWN, SUPPORTED), "D13": CONTRADICTED}
    other = convolutional(valued(0, -0.01, 0.02, 0.01), valued(0.1, 0.2, 0.1, 0.3, start=1))
    assert verdicts(other) == {
        "D9": CONTRADICTED,
        "D10": CONTRADICTED,
        "D11": INCONCLUSIVE,
        "D12": SUPPORTED,
        "D13": SUPPORTED,
        "D14": SUPPORTED,
    }
    more = convolutional(valued(0, 0.01, 0, 0.03), valued(0, -0.1, 0, -0.3, start=1))
    assert {verdicts(more)[claim] for claim in ("D11", "D12", "D14")} == {CONTRADICTED}


def test_d14_is_of_dropout_of_20_percent_alone(tables):
    runs = tables["runs"][["run", "normalization", "dropout"]]
    moved = tables["curves"].merge(runs, on="run").eval("normalization == 'none' and dropout == @WEAK")
    changed = {**tables, "curves": tables["curves"].assign(loss=tables["curves"]["loss"] - 1.0 * moved)}
    before, after = (statistic(each, "D14")["estimate"] for each in (tables, changed))
    assert after == pytest.approx(before + 1.0)
    for claim in OWN[:-1]:
        assert statistic(changed, claim)["estimate"] == statistic(tables, claim)["estimate"]


def test_each_net_is_judged_at_the_rate_that_was_best_on_the_seeds_that_choose_and_these_judge_nothing():
    best = {
        ("none", 0.0): 0.006,
        ("none", WEAK): 0.02,
        ("none", STRONG): 0.06,
        ("batch", 0.0): 0.2,
        ("batch", WEAK): 0.06,
        ("batch", STRONG): 0.06,
    }

    def accuracy(config):
        is_best = config["learning_rate"] == best[config["normalization"], config["dropout"]]
        return 0.8 if is_best == (config.seed in SELECTING_SEEDS) else 0.7

    tables = convolutional(accuracy)
    runs = ended(tables)
    assert runs.groupby(["normalization", "dropout"])["learning_rate"].agg(set).to_dict() == {
        net: {rate} for net, rate in best.items()
    }
    assert set(runs["seed"]) == set(range(FIRST_JUDGED, FIRST_JUDGED + 12))
    assert set(select(tables, CHOICE)["seed"]) == {*SELECTING_SEEDS}
    note = statistic(tables, "D9")["note"]
    assert "learning rate without BN, at an end of those tried: 0.006" in note
    assert "learning rate without BN and with Dropout of 40%: 0.06" in note


def test_nets_with_bn_are_read_through_population_statistics_and_nothing_but_bn_and_dropout_regularizes(tables):
    runs = select(tables, (CHOICE, CONVOLUTIONAL))
    assert set(runs.loc[runs["normalization"] == "batch", "normalization.inference"]) == {"population"}
    assert set(runs["dropout"]) == {0.0, WEAK, STRONG}
    for name in ("weight_decay", "distortion", "local_response_normalization"):
        assert not runs[name].any()


def test_the_second_round_waits_for_the_first_and_the_presets_for_tests_have_neither():
    assert dropout_and_weight_decay.sweep("paper")[Group(CONVOLUTIONAL)] == []
    for preset in ("smoke", "quick"):
        assert not {Group(CHOICE), Group(CONVOLUTIONAL)} & set(dropout_and_weight_decay.sweep(preset))


def test_a_run_that_diverged_guesses_and_is_counted():
    def accuracy(config):
        return math.nan if config["normalization"] == "none" and config.seed == FIRST_JUDGED else 0.8

    found = convolutional(accuracy)
    lost = ended(found).query("status == 'diverged'")
    assert len(lost) == 3 and set(lost["accuracy"]) == set(lost["fit_accuracy"]) == {CHANCE}
    assert "runs that diverged and count as guessing: 3 of 72" in statistic(found, "D9")["note"]
    told = training(found).query("normalization == 'none'")
    assert set(told["step"]) == {0}, "later there is no median of all seeds"
    assert set(training(found)["step"]) == {0, 1_200, 2_400}


def test_the_loss_is_told_with_all_nets_at_one_rate_too(tables):
    curves = tables["curves"].merge(tables["runs"][["run", "normalization", "dropout", "learning_rate"]], on="run")
    moved = (curves["normalization"] == "none") & (curves["dropout"] == STRONG) & (curves["learning_rate"] == 0.06)
    changed = tables["curves"].assign(loss=tables["curves"]["loss"] - 0.25 * moved)
    note = statistic({**tables, "curves": changed}, "D12")["note"]
    assert "all nets at rate 0.06: 0.25 nats" in note and "all nets at rate 0.2: 0 nats" in note


def test_what_is_kept_of_the_curves_is_all_that_is_read(tables):
    kept = dropout_and_weight_decay.derive(tables)
    assert set(kept["curves"]["split"]) == {"fit", "validation", "test"}
    assert len(select(kept, CHOICE).merge(kept["curves"], on="run")) == len(select(kept, CHOICE))
    for claim in OWN:
        pd.testing.assert_series_equal(statistic(kept, claim), statistic(tables, claim))
    pd.testing.assert_frame_equal(training(kept), training(tables))


def test_accuracy_and_loss_are_drawn_over_the_dropout_rate_a_line_an_arm(tables):
    accuracy, loss = axes_of(dropout_and_weight_decay, "convolutional", tables).figure.axes
    for axes, arm, values in (
        (accuracy, "without BN", [0.8, 0.815, 0.83]),
        (accuracy, "with BN", [0.82, 0.825, 0.83]),
        (loss, "without BN", [1.6, 1.35, 1.1]),
        (loss, "with BN", [1.0, 0.95, 0.9]),
    ):
        (line,) = (line for line in axes.lines if line.get_label() == arm)
        assert list(line.get_xdata()) == [0, WEAK, STRONG] and line.get_ydata() == pytest.approx(values)


def test_training_is_drawn_in_a_color_an_arm_and_dashes_by_the_dropout_rate(tables):
    fit, _ = axes_of(dropout_and_weight_decay, "convolutional_training", tables).figure.axes
    looks = {(line.get_color(), line.get_linestyle()) for line in fit.lines}
    assert looks == {(COLORS[arm], dashes) for arm in ("batch", "none") for dashes in ("-", ":", "--")}
