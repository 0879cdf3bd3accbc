"""`08_dropout_and_weight_decay`: each claim's statistic on tables whose answers are known, its figure, and its panel."""

import numpy as np
import pandas as pd
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import to_hex

from bnrepro.analysis.claims import CONTRADICTED, FEWEST, INCONCLUSIVE, SUPPORTED
from bnrepro.config.group import Group
from bnrepro.config.run_config import RunConfig
from bnrepro.experiments import EXPERIMENTS
from bnrepro.experiments.control import start_of
from bnrepro.experiments.dropout_and_weight_decay import tables as found
from bnrepro.experiments.presets import CALIBRATION_SEEDS, FIRST_JUDGED
from bnrepro.plotting import widget_figure
from bnrepro.plotting.arms import COLORS
from bnrepro.records.results import load_results, select, write_results
from bnrepro.report.verdicts import judged
from tests.experiments.factories import statistic
from tests.experiments.factories_dropout_and_weight_decay import RATIOS, kept
from tests.experiments.rows import CHANCE
from tests.plotting.drawing import axes_of, drawer, every_panel

finding = EXPERIMENTS["08_dropout_and_weight_decay"]

OWN = [claim.id for claim in EXPERIMENTS["08_dropout_and_weight_decay"].claims]
CONVOLUTIONAL_CLAIMS = ["D9", "D10", "D11", "D12", "D13", "D14"]
QUICK = finding.PRESETS["quick"]
PLAIN, DROPPED = Group("dropout", "plain"), Group("dropout", "dropout")
UNDECAYED, DECAYED, MATCHED = Group("decay", "plain"), Group("decay", "decay", "hidden"), Group("decay", "matched")
FRESH = Group("fresh", "matched")
LOSS = {"plain": Group("loss", "plain"), "decay": Group("loss", "decay", "hidden"), "matched": Group("loss", "matched")}


@pytest.fixture(scope="module")
def made():
    """Eight seeds of the preset smoke."""
    return kept(seeds=8)


@pytest.fixture
def tables(made):
    """Those, to write into."""
    return {name: table.copy() for name, table in made.items()}


def members(tables, group, **config):
    """The runs of a group by seed."""
    runs = select(tables, group.group, arm=group.arm, setting=group.setting).sort_values("seed")
    for name, value in config.items():
        runs = runs[runs[name] == value]
    assert len(runs)
    return list(runs["run"])


def rows_at(table, runs, **values):
    chosen = table["run"].isin(runs)
    for name, value in values.items():
        chosen &= table[name] == value
    assert chosen.any()
    return chosen


def write(tables, name, column, runs, values, **where):
    """Sets a value for each of the runs."""
    for run, value in zip(runs, values, strict=True):
        tables[name].loc[rows_at(tables[name], [run], **where), column] = value


def diverge(tables, runs):
    """The runs diverge before their first evaluation: they have no row but in `runs`."""
    tables["runs"].loc[rows_at(tables["runs"], runs), ["status", "diverged_at"]] = "diverged", 1
    for name in ("curves", "statistics", "variances", "geometry"):
        tables[name] = tables[name][~tables[name]["run"].isin(runs)]
    return tables


def test_every_claim_has_its_statistic_in_the_order_of_the_claims(made):
    assert list(judged(finding, made)["claim"]) == OWN
    assert OWN == ["D1a", "D1b", "D2", "D7", "D8", "D5", "D6", "D9", "D10", "D11", "D12", "D13", "D14"]


def test_with_the_known_answers_every_claim_is_supported(made):
    table = judged(finding, made).set_index("claim").drop(CONVOLUTIONAL_CLAIMS)
    assert set(table["verdict"]) == {SUPPORTED} and set(table["n"]) == {8}
    expected = {"D1a": 0.5, "D1b": (0.01 + 0.02 + 0.01) / 3, "D2": 0.09, "D7": 0.9, "D8": 0.2, "D5": 0.95, "D6": 0.1}
    assert dict(table["estimate"]) == pytest.approx(expected)


@pytest.mark.parametrize("claim", OWN)
def test_with_fewer_than_seven_seeds_a_claim_is_inconclusive(claim):
    assert statistic(kept(seeds=FEWEST - 1), claim)["verdict"] == INCONCLUSIVE


def test_d1_is_the_mean_of_the_layers_distances_so_shifts_of_both_signs_do_not_cancel(tables):
    runs = members(tables, DROPPED, dropout_place="last")
    for layer, value in (("hidden_1", 1.3), ("hidden_2", 0.7), ("hidden_3", 1.0)):
        write(tables, "variances", "seen_over_used", runs, [value] * 8, layer=layer, statistics="moving")
    row = statistic(tables, "D1b")
    assert row["estimate"] == pytest.approx(0.2) and row["verdict"] == CONTRADICTED
    assert row["note"].startswith(
        "ratio, mean of the layers: 1; ratio in hidden 1: 1.3; ratio in hidden 2: 0.7; ratio in hidden 3: 1;"
    )


@pytest.mark.parametrize(("ratio", "verdict"), [(0.95, CONTRADICTED), (0.85, SUPPORTED), (1.15, SUPPORTED)])
def test_a_shift_before_bn_is_one_to_either_side(tables, ratio, verdict):
    runs = members(tables, DROPPED, dropout_place="before")
    for layer in ("hidden_1", "hidden_2", "hidden_3"):
        write(tables, "variances", "seen_over_used", runs, [ratio] * 8, layer=layer, statistics="moving")
    row = statistic(tables, "D1a")
    assert row["estimate"] == pytest.approx(abs(ratio - 1)) and row["verdict"] == verdict


def test_a_shift_that_some_seeds_have_is_inconclusive(tables):
    runs = members(tables, DROPPED, dropout_place="last")
    write(tables, "variances", "seen_over_used", runs, [1.0, 2.0] * 4, layer="hidden_1", statistics="moving")
    assert statistic(tables, "D1b")["verdict"] == INCONCLUSIVE


def test_the_note_on_a_shift_has_the_other_places_no_dropout_and_the_recomputed_statistics(made):
    note = statistic(made, "D1a")["note"]
    assert note == (
        "ratio, mean of the layers: 0.5; ratio in hidden 1: 0.5; ratio in hidden 2: 0.6; ratio in hidden 3: 0.4; ratio with "
        "Dropout after each nonlinearity: 1.2; ratio with Dropout after the last BN: 1.01; ratio without Dropout: 1; distance "
        "with statistics recomputed without Dropout: 0.001"
    )


def test_a_run_without_a_ratio_leaves_its_seed_undetermined_and_is_counted(tables):
    diverge(tables, members(tables, DROPPED, dropout_place="before")[:5])
    row = statistic(tables, "D1a")
    assert (row["n"], row["bound"], row["verdict"]) == (8, "~", INCONCLUSIVE)
    assert row["estimate"] == pytest.approx(0.5) and row["ci_low"] == 0 and np.isinf(row["ci_high"])
    assert "runs that diverged, whose seeds may be anything: 5 of 8" in row["note"]
    assert "diverged" not in statistic(tables, "D1b")["note"]


def test_where_every_run_of_a_place_diverged_there_is_no_estimate(tables):
    row = statistic(diverge(tables, members(tables, DROPPED, dropout_place="last")), "D1b")
    assert np.isnan(row["estimate"]) and row["n"] == 0 and row["verdict"] == INCONCLUSIVE
    assert "ratio in" not in row["note"] and row["note"].endswith("whose seeds may be anything: 8 of 8")


def test_d2_is_by_seed_what_recomputing_without_dropout_gains_on_the_test_set(tables):
    runs = members(tables, DROPPED, dropout_place="before")
    gains = [0.01, 0.02, 0.03, 0.04, 0.05, 0.06, 0.07, 0.09]
    write(tables, "statistics", "value", runs, [0.5] * 8, statistics="moving")
    write(tables, "statistics", "value", runs, [0.5 + gain for gain in gains], statistics="no_dropout")
    shifted = tables["statistics"].assign(data="contrast", accuracy=0.0)
    tables["statistics"] = pd.concat([tables["statistics"], shifted])
    row = statistic(tables, "D2")
    assert row["estimate"] == pytest.approx(0.045) and row["verdict"] == SUPPORTED


@pytest.mark.parametrize(
    ("values", "verdict"), [([0.6] * 8, CONTRADICTED), ([0.69, 0.71] * 4, INCONCLUSIVE), ([0.75] * 8, SUPPORTED)]
)
def test_d2_may_turn_out_either_way(tables, values, verdict):
    runs = members(tables, DROPPED, dropout_place="before")
    write(tables, "statistics", "value", runs, [0.7] * 8, statistics="moving")
    write(tables, "statistics", "value", runs, values, statistics="no_dropout")
    assert statistic(tables, "D2")["verdict"] == verdict


def test_the_note_on_d2_has_every_choice_of_statistics_no_dropout_and_the_other_places(made):
    assert statistic(made, "D2")["note"] == (
        "accuracy with running averages: 70.35%; accuracy with the statistics of Algorithm 2, Dropout active: 72.35%; accuracy "
        "recomputed without Dropout: 79.35%; recomputed over Algorithm 2 with Dropout active: 7.00 points (7.00); accuracy "
        "without any Dropout, with running averages: 83.35%; accuracy without any Dropout, recomputed: 83.35%; gain with Dropout "
        "after each nonlinearity: 1.00 points (1.00); gain with Dropout after the last BN: 0.00 points (0.00)"
    )


def test_a_run_that_diverged_guesses_with_any_statistics_and_gains_nothing(tables):
    diverge(tables, members(tables, DROPPED, dropout_place="before")[:5])
    row = statistic(tables, "D2")
    assert row["estimate"] == 0 and row["n"] == 8 and f"accuracy with running averages: {CHANCE:.2%}" in row["note"]
    assert row["note"].endswith("runs that diverged and count as guessing: 5 of 32")


def test_the_distance_of_two_runs_is_the_mean_over_the_stretches_of_training(tables):
    for group, values in (
        (UNDECAYED, {10: 0.80, 20: 0.50}),
        (DECAYED, {10: 0.60, 20: 0.70}),
        (MATCHED, {10: 0.65, 20: 0.65}),
    ):
        for step, value in values.items():
            write(
                tables,
                "curves",
                "value",
                members(tables, group, normalization="batch")[:1],
                [value],
                step=step,
                split="train",
            )
    row = found.shares(tables).query("normalization == 'batch' and seed == 0").iloc[0]
    assert (row["effect"], row["rest"], row["share"]) == pytest.approx((0.2, 0.05, 0.75)) and row["missing"] == ""


def losses_at(tables, name, arm, values, steps=(15, 20)):
    runs = members(tables, LOSS[name], normalization=arm)
    for step in steps:
        write(tables, "curves", "loss", runs, values, step=step, split="validation")


def test_the_change_of_the_loss_is_the_mean_over_the_second_half_of_training(tables):
    for name, early, late in (("plain", 9.0, 0.8), ("decay", 1.0, 0.6), ("matched", 5.0, 0.7)):
        losses_at(tables, name, "batch", [early] * 8, (0, 5, 10))
        losses_at(tables, name, "batch", [late] * 8, (15,))
        losses_at(tables, name, "batch", [late + 0.2] * 8, (20,))
    row = found.changes(tables).query(f"normalization == 'batch' and seed == {FIRST_JUDGED}").iloc[0]
    assert (row["decay"], row["matched"], row["share"]) == pytest.approx((-0.2, -0.1, 0.5)) and row["missing"] == ""


@pytest.mark.slow
@pytest.mark.parametrize(
    ("matched", "with_bn", "without"),
    [
        (0.67, SUPPORTED, CONTRADICTED),
        (0.70, CONTRADICTED, SUPPORTED),
        (0.80, CONTRADICTED, SUPPORTED),
        (None, INCONCLUSIVE, INCONCLUSIVE),
    ],
)
def test_a_matched_rate_may_reproduce_decay_in_either_arm_or_not(tables, matched, with_bn, without):
    for claim, arm, verdict in (("D7", "batch", with_bn), ("D8", "none", without)):
        for name, value in (("plain", 0.70), ("decay", 0.67), ("matched", matched)):
            losses_at(tables, name, arm, [0.67, 0.70] * 4 if value is None else [value] * 8)
        row = statistic(tables, claim)
        assert row["verdict"] == verdict
        if matched:
            assert row["estimate"] == pytest.approx((0.70 - matched) / 0.03)


def test_decay_that_raises_the_loss_is_reproduced_by_what_raises_it_as_much(tables):
    for name, value in (("plain", 0.70), ("decay", 0.75), ("matched", 0.74)):
        losses_at(tables, name, "batch", [value] * 8)
    assert statistic(tables, "D7")["estimate"] == pytest.approx(0.8)


def test_the_note_on_a_share_has_both_changes_and_the_effective_rates(made):
    assert statistic(made, "D8")["note"] == (
        "change of the mean validation loss by decay: −0.1 nats (−0.1); the same by the matched rate: −0.02 nats (−0.02); "
        "effective rate at the end over its start without decay: 1; effective rate at the end over its start with decay: 1.01; "
        "effective rate at the end over its start at the matched rate: 1.01"
    )


def test_the_share_of_the_training_accuracy_is_judged_on_seeds_of_its_own(tables):
    assert set(members_seeds(tables, FRESH)).isdisjoint(members_seeds(tables, MATCHED))
    row = statistic(tables, "D5")
    assert row["note"] == (
        "first of these seeds: 8; last of these seeds: 15; share at the L2 weight 0.003, on the seeds that gave the idea: "
        "95% (95)"
    )
    write(tables, "curves", "value", members(tables, MATCHED, normalization="batch"), [0.5] * 8, split="train")
    assert statistic(tables, "D5")["estimate"] == pytest.approx(0.95)
    fresh = members(tables, FRESH, normalization="batch")
    write(tables, "curves", "value", fresh, [0.5] * 8, split="train")
    assert statistic(tables, "D5")["verdict"] == CONTRADICTED
    diverge(tables, fresh)
    row = statistic(tables, "D5")
    assert (
        row["estimate"] == 0 and "seeds whose run at the matched rate diverged, which count as 0: 8 of 8" in row["note"]
    )


def test_accuracies_with_bn_are_read_once_through_population_statistics_and_at_smoke_there_are_none():
    sweep = finding.sweep("quick")
    read = [config for group, runs in sweep.items() if group.group == found.ACCURACY for config in runs]
    assert {(config["normalization.inference"], config.evaluate_every) for config in read} == {("population", 400)}
    assert {config.replace(inference="moving", evaluate_every=200, measurements="shift") for config in read} >= {
        *sweep[PLAIN],
        *sweep[DROPPED],
    }
    assert found.ACCURACY not in {group.group for group in finding.sweep("smoke")}


def members_seeds(tables, group):
    return select(tables, group.group, arm=group.arm)["seed"]


def test_the_runs_that_are_judged_by_their_loss_are_of_judged_seeds_and_read_through_population_statistics():
    sweep = finding.sweep("paper")
    for group in LOSS.values():
        assert {config.seed for config in sweep[group]} == set(range(FIRST_JUDGED, FIRST_JUDGED + 12))
        assert {config["learning_rate"] for config in sweep[group]} == {0.03}
        assert {config["normalization.inference"] for config in sweep[group] if config.has("inference")} == {
            "population"
        }


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("matched", "seeds whose run at the matched rate diverged, which count as 0: 5 of 8"),
        ("decay", "seeds of which a run with or without decay diverged, which count as 0: 5 of 8"),
        ("plain", "seeds of which a run with or without decay diverged, which count as 0: 5 of 8"),
    ],
)
def test_a_share_with_a_run_that_diverged_is_0_and_counted(tables, name, words):
    runs = members(tables, LOSS[name], normalization="batch")
    diverge(tables, runs[:5])
    row = statistic(tables, "D7")
    assert (row["estimate"], row["n"], row["verdict"]) == (0, 8, INCONCLUSIVE) and words in row["note"]
    diverge(tables, runs[5:])
    row = statistic(tables, "D7")
    assert (row["ci_high"], row["verdict"]) == (0, CONTRADICTED)
    assert "count as 0" not in statistic(tables, "D8")["note"]


def test_a_run_that_diverges_late_counts_as_one_that_diverged(made):
    runs = members(made, LOSS["matched"], normalization="batch")
    row = statistic(kept(seeds=8, lost=runs), "D7")
    assert (
        row["estimate"] == 0 and "seeds whose run at the matched rate diverged, which count as 0: 8 of 8" in row["note"]
    )


def test_where_decay_changes_nothing_the_share_is_0_and_the_note_says_so(tables):
    for name in LOSS:
        losses_at(tables, name, "batch", [0.5] * 8)
    row = statistic(tables, "D7")
    assert row["estimate"] == 0 and "seeds in which decay changed nothing, which count as 0: 8 of 8" in row["note"]


def test_the_effective_rate_of_decay_and_of_the_matched_rate_grow_alike(made):
    rows = found.growth(made).query("normalization == 'batch'")
    assert rows.loc[rows["step"] == 0, ["norm", "rate"]].eq(1).all(axis=None)
    last = rows[rows["step"] == 20].groupby("arm")[["norm", "rate"]].median()
    assert last.loc["decay", "norm"] == pytest.approx(np.exp(-0.1 * 0.003 * 20))
    assert last.loc["matched", "norm"] == 1 and last.loc["plain", "rate"] == 1
    assert last.loc["matched", "rate"] == pytest.approx(np.exp(2 * 0.1 * 0.003 * 20))
    assert last.loc["decay", "rate"] == pytest.approx(last.loc["matched", "rate"])


def test_an_effect_is_the_difference_from_the_same_seed_and_arm_without_the_regularizer():
    effects = (
        finding.effects(kept("quick", seeds=8)).set_index(["arm", "setting", "normalization", "amount"]).sort_index()
    )
    expected = {
        ("dropout", "before", "batch", 0.5): -0.13,
        ("dropout", "after", "none", 0.5): 0.01,
        ("decay", "hidden", "batch", 0.003): 0.003,
        ("decay", "all", "none", 0.003): 0.009,
        ("matched", "", "batch", 0.003): 0.0,
    }
    for keys, effect in expected.items():
        assert effects.loc[keys, "effect"] == pytest.approx(effect, abs=1e-12)
    assert len(effects) == (3 + 1) * 2 + 2 * 6 and set(effects["n"]) == {8} and set(effects["diverged"]) == {0}
    assert effects.loc[("dropout", "before", "batch", 0.5), "accuracy"] == pytest.approx(0.7035)


def test_an_effect_counts_the_runs_that_diverged_as_guessing(tables):
    diverge(tables, members(tables, Group("decay", "decay", "all"), normalization="none"))
    row = finding.effects(tables).set_index(["arm", "setting", "normalization"]).loc[("decay", "all", "none")]
    assert row["diverged"] == 8 and row["effect"] == pytest.approx(CHANCE - 0.8135)


def test_a_run_that_diverged_lies_beyond_all_others_in_a_median_over_the_steps():
    rows = pd.DataFrame({"step": [0, 0, 0, 10, 10, 20], "loss": [1.0, 2.0, 3.0, 1.0, 2.0, 1.0]})
    middle = found.medians(rows, "loss", 3)
    assert list(middle["step"]) == [0, 10] and list(middle["estimate"]) == [2.0, 2.0]
    assert middle["ci_high"].iloc[0] == 3.0 and np.isinf(middle["ci_high"].iloc[1])


def lost_runs(groups):
    return tuple(finding.sweep("smoke")) if groups == "all" else groups


@pytest.mark.slow
@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize(
    ("seeds", "lost", "early"),
    [
        (1, (DROPPED, PLAIN, MATCHED), True),
        (2, (Group("dropout_without_bn"), UNDECAYED, DECAYED, Group("decay", "decay", "all")), False),
        (1, tuple(finding.sweep("smoke")), True),
    ],
)
def test_it_is_judged_and_drawn_whatever_diverges_as_made_and_as_read(tmp_path, seeds, lost, early):
    made = kept(seeds=seeds, lost=lost, early=early)
    write_results(tmp_path / "results", made)
    tables = load_results(tmp_path / "results")
    table = judged(finding, tables)
    assert list(table["claim"]) == OWN and set(table["verdict"]) == {INCONCLUSIVE}
    assert judged(finding, made)["note"].tolist() == table["note"].tolist()
    assert np.isfinite(table.loc[table["n"] > 0, "estimate"]).all()
    assert (finding.effects(tables)["n"] == seeds).all()
    drawn = dict(zip(finding.PANELS, every_panel(finding, tables)))
    for panel, figure in drawn.items():
        if panel.name in ("variance_shift", "shift_by_layer"):
            assert ("every run diverged" in words(figure.axes[0])) == (PLAIN in lost)


@pytest.fixture(scope="module")
def panel():
    return drawer(finding, kept("quick", seeds=2))


def named(axes, label):
    """The lines whose label begins so."""
    return [line for line in axes.lines if str(line.get_label()).startswith(label)]


def words(axes):
    return [text.get_text() for text in axes.texts]


def test_accuracy_over_the_rate_has_a_line_a_place_from_the_net_without_dropout_on(panel):
    axes = panel("dropout")
    (before,) = named(axes, "before each BN")
    assert list(before.get_xdata()) == [0, 0.2, 0.5] and before.get_ydata()[[0, 2]] == pytest.approx([0.8305, 0.7005])
    assert to_hex(before.get_color()).upper() == COLORS["before"]
    (none,) = named(axes, "without BN")
    assert none.get_ydata() == pytest.approx([0.8105, 0.8145, 0.8205]) and none.get_linestyle() == "--"


def test_the_variance_ratio_is_drawn_over_the_rate_and_by_layer_on_a_logarithmic_axis(panel):
    over_rates, by_layer = panel("variance_shift"), panel("shift_by_layer")
    for place, label in (("before", "before each BN"), ("after", "after each"), ("last", "after the last")):
        (line,) = named(over_rates, label)
        assert line.get_ydata()[[0, 2]] == pytest.approx([1, np.mean(RATIOS[place])])
        (line,) = named(by_layer, label)
        assert line.get_ydata() == pytest.approx(RATIOS[place]) and list(line.get_xdata()) == [1, 2, 3]
    for axes in (over_rates, by_layer):
        assert axes.get_yscale() == "log"
        assert [1, 1] in [list(line.get_ydata()) for line in axes.lines]


def test_accuracy_is_drawn_by_statistics_with_the_net_without_dropout(panel):
    axes = panel("statistics")
    (line,) = named(axes, "before each BN")
    assert line.get_ydata() == pytest.approx([0.7005, 0.7205, 0.7905])
    (without,) = named(axes, "no Dropout")
    assert without.get_ydata() == pytest.approx([0.8305] * 3)
    assert "no Dropout" in words(axes) and axes.get_xticklabels()[2].get_text() == "recomputed,\nDropout off"


def test_accuracy_over_the_l2_weight_is_drawn_in_both_arms_by_what_decays(panel):
    axes = panel("decay")
    found = {
        (to_hex(line.get_color()).upper(), line.get_marker()): line for line in axes.lines if line.get_marker() in "os^"
    }
    assert set(found) == {(COLORS[arm], marker) for arm in ("batch", "none") for marker in "os^"}
    everything = found[COLORS["none"], "^"]
    assert everything.get_ydata() == pytest.approx([0.8105, 0.8135, 0.8195])
    hidden = found[COLORS["batch"], "o"]  # at the matched weights only
    assert list(hidden.get_xdata()) == [0, 2] and hidden.get_ydata() == pytest.approx([0.8305, 0.8335])
    assert [label.get_text() for label in axes.get_xticklabels()] == ["0", "0.001", "0.003"]


def test_norms_and_effective_rates_are_drawn_relative_to_their_start_and_the_matched_rate_is_dashed(panel):
    (norm,) = named(panel("weight_norm"), "decay")
    assert norm.get_ydata()[[0, -1]] == pytest.approx([1, np.exp(-0.1 * 0.003 * QUICK.main.steps)])
    assert not named(panel("weight_norm"), "matched")
    (decay,), (matched,) = (named(panel("effective_rate"), label) for label in ("decay", "matched"))
    assert matched.get_ydata() == pytest.approx(decay.get_ydata()) and decay.get_ydata()[-1] > 1
    assert (decay.get_linestyle(), matched.get_linestyle()) == ("-", "--")


@pytest.mark.parametrize(("place", "share"), [(0, 0.9), (1, 0.2)])
def test_losses_are_drawn_in_either_arm_without_decay_with_it_and_at_the_matched_rate(panel, place, share):
    both = panel("losses").figure.axes
    axes = both[place]
    lines = {label: named(axes, label) for label in ("no decay", "weight decay", "matched rate")}
    ends = {label: line.get_ydata()[-1] for label, (line,) in lines.items()}
    assert ends == pytest.approx({"no decay": 0.705, "weight decay": 0.605, "matched rate": 0.705 - 0.1 * share})
    assert axes.get_ylim() == both[0].get_ylim()


def test_the_changes_of_the_loss_have_a_row_for_decay_and_one_for_the_matched_rate_in_either_arm(panel):
    axes = panel("loss_changes")
    rows = [label.get_text() for label in axes.get_yticklabels()]
    assert rows == ["with BN", "weight decay", "matched rate", "without BN", "weight decay", "matched rate"]
    dots = {line.get_ydata()[0]: line.get_xdata()[0] for line in axes.lines if line.get_marker() == "o"}
    assert dots == pytest.approx({1: -0.1, 2: -0.09, 4: -0.1, 5: -0.02})


def test_the_share_is_drawn_in_both_arms(panel):
    for label, share in (("with BN", 0.95), ("without BN", 0.1)):
        (line,) = named(panel("shares"), label)
        assert line.get_ydata() == pytest.approx([share])


def test_a_share_below_the_axis_is_an_arrow_at_its_edge(tables):
    runs = members(tables, MATCHED, normalization="none")
    write(tables, "curves", "value", runs, [0.5] * 8, step=20, split="train")
    axes = axes_of(finding, "shares", tables)
    low, _ = axes.get_ylim()
    arrows = [list(line.get_ydata()) for line in axes.lines if line.get_marker() == "v" and len(line.get_ydata())]
    assert arrows == [[low]] and found.shares(tables)["share"].min() < low


def test_the_panel_has_the_rates_and_places_of_the_record_and_starts_where_the_claims_are_judged():
    controls = finding.controls(kept("paper", seeds=1))
    assert {control.name: control.values for control in controls} == {
        "dropout": (0.1, 0.2, 0.3, 0.5),
        "dropout_place": ("before", "after", "last"),
    }
    assert start_of(controls) == {"dropout": finding.DROPOUT, "dropout_place": "before"}


@pytest.mark.parametrize(("dropout", "place"), [(0.2, "before"), (0.5, "last")])
def test_the_panel_draws_the_runs_of_the_choice_over_those_without_dropout(dropout, place):
    tables = kept("quick", seeds=2)
    low, high = members(tables, DROPPED, dropout=dropout, dropout_place=place)
    for run, value in ((low, 0.61), (high, 0.63)):
        write(tables, "curves", "value", [run], [value], step=QUICK.main.evaluate_every, split="validation")
    figure = finding.explore(tables, dropout=dropout, dropout_place=place)
    (axes,) = figure.axes
    assert figure.get_size_inches() * 25.4 == pytest.approx(widget_figure.SIZE)
    (line,) = named(axes, f"Dropout of {dropout:.0%}")
    assert line.get_ydata()[1] == pytest.approx(0.62)
    thin = [line.get_ydata()[1] for line in axes.lines if line.get_linewidth() == 0.5]
    assert sorted(thin) == pytest.approx([0.61, 0.63, 0.8, 0.8])
    (without,) = named(axes, "no Dropout")
    assert without.get_ydata()[1] == pytest.approx(0.8)
    ratio = 1 + 2 * dropout * (np.mean(RATIOS[place]) - 1)
    assert any(f"running one {ratio:.3g}, without Dropout 1" in word for word in words(axes))


def test_the_panels_axes_are_the_same_for_every_choice():
    tables = kept("quick", seeds=1)
    limits = set()
    for dropout, place in ((0.2, "before"), (0.5, "after"), (0.5, "last")):
        (axes,) = finding.explore(tables, dropout=dropout, dropout_place=place).axes
        limits.add((axes.get_xlim(), axes.get_ylim()))
    assert len(limits) == 1


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("early", [False, True])
def test_the_panel_is_drawn_where_every_run_diverged(early):
    figure = finding.explore(kept(lost=(DROPPED, PLAIN), early=early), dropout=0.5, dropout_place="before")
    FigureCanvasAgg(figure).draw()
    assert any("running one –" in word for word in words(figure.axes[0]))


def test_the_live_run_is_that_of_the_choice_as_long_at_a_seed_that_is_not_reported():
    tables = kept("paper", seeds=1)
    config = finding.live(tables, dropout=0.3, dropout_place="after")
    (run,) = members(tables, DROPPED, dropout=0.3, dropout_place="after")
    changes = dict(seed=CALIBRATION_SEEDS[0], evaluate_every=100, measurements="")
    recorded = next(one for one in finding.sweep("paper", seeds=1)[DROPPED] if one.id == run)
    assert config == recorded.replace(**changes) and isinstance(config, RunConfig)
    assert config.steps / config.evaluate_every == 20 and config.id not in set(tables["runs"]["run"])


def test_the_live_run_has_its_line_and_none_is_drawn_without():
    tables = kept(seeds=1)
    choice = dict(dropout=0.5, dropout_place="before")
    curves = tables["curves"][tables["curves"]["run"] == members(tables, DROPPED, **choice)[0]]
    (before,), (after,) = (finding.explore(tables, live, **choice).axes for live in (None, curves))
    assert not named(before, "live") and len(named(after, "live")) == 1
    assert "live" in words(after)
    (empty,) = finding.explore(tables, curves.iloc[:0], **choice).axes
    assert not named(empty, "live")


def test_the_live_run_of_a_record_that_was_read_is_the_same(tmp_path):
    tables = kept(seeds=1)
    write_results(tmp_path / "results", tables)
    choice = dict(dropout=0.5, dropout_place="last")
    assert finding.live(load_results(tmp_path / "results"), **choice) == finding.live(tables, **choice)
