"""`07_inference_statistics`: each claim's statistic on tables whose answers are known, its figure, its panel, two real runs."""

import numpy as np
import pandas as pd
import pytest
from matplotlib.colors import to_hex

from bnrepro.analysis.claims import CONTRADICTED, INCONCLUSIVE, SUPPORTED
from bnrepro.config.group import Group
from bnrepro.config.run_config import RunConfig
from bnrepro.experiments import EXPERIMENTS
from bnrepro.experiments.control import start_of
from bnrepro.experiments.inference_statistics import tables as found
from bnrepro.experiments.presets import CALIBRATION_SEEDS
from bnrepro.measurements import normalization_statistics
from bnrepro.plotting.arms import COLORS, LABELS
from bnrepro.records.results import load_results, select, write_results
from bnrepro.records.schemas import SCHEMAS
from bnrepro.report.verdicts import judged
from bnrepro.training.run import run
from tests.experiments.factories import papers_numbers, statistic
from tests.experiments.factories_inference_statistics import DATA, STATISTICS, make, put
from tests.experiments.rows import CHANCE, table
from tests.plotting.drawing import axes_of, every_panel

finding = EXPERIMENTS["07_inference_statistics"]

OWN = [claim.id for claim in EXPERIMENTS["07_inference_statistics"].claims]
PINK, BLUE, GREEN = (COLORS[name].lower() for name in ("test_batch", "moving", "population"))
SIZES = (2, 8, 32, 128)
FIRST, LAST = 100, 300


@pytest.fixture
def tables():
    """Three seeds at mini-batches of 2, 8, 32, 128, all accuracies 0.8, to write into."""
    return make()


def answers(tables, value, column="value", data="test", step=LAST, **where):
    put(tables, "statistics", column, value, **where, data=data, step=step)


def ids(tables, group, **fields):
    runs = tables["sweep"].query("group == @group").merge(tables["runs"], on="run")
    for name, value in fields.items():
        runs = runs[runs[name] == value]
    return list(runs["run"])


def without(group="main", step=1, **options):
    """Tables in which the runs of `group` with these fields diverged at `step`."""
    fields = {name: options.pop(name) for name in ("batch_size", "seed", "momentum") if name in options}
    return make(lost=dict.fromkeys(ids(make(**options), group, **fields), step), **options)


def test_every_claim_has_its_statistic_in_the_order_of_the_claims(tables):
    table = judged(finding, tables)
    assert list(table["claim"]) == OWN == ["P1", "P2a", "P2b", "P3a", "P3b", "P3c", "P3d", "P4"]
    assert (table["n"] == 3).all() and papers_numbers(finding) == {}


def test_the_gap_is_the_absolute_difference_and_is_compared_between_the_halves_of_the_sizes(tables):
    for size, accuracy in zip(SIZES, (0.7, 0.86, 0.82, 0.76)):  # gaps of 10, 6, 2 and 4 points, on either side
        answers(tables, accuracy, statistics="batch", batch_size=size)
    row = statistic(tables, "P1")
    assert row["estimate"] == pytest.approx(0.05) and row["n"] == 3
    assert row["note"].startswith(
        "training mode minus inference at m = 2: −10.00 points (−10.00); training mode minus inference at m = 128: −4.00 points "
        "(−4.00); "
    )


def test_the_gap_is_of_the_last_step_on_the_test_set_alone(tables):
    answers(tables, 0.1, statistics="batch", batch_size=2, step=FIRST)
    answers(tables, 0.1, statistics="batch", batch_size=2, data="noise")
    assert statistic(tables, "P1")["estimate"] == 0


def test_the_note_has_the_same_growth_with_population_statistics(tables):
    for size in SIZES[:2]:
        answers(tables, 0.72, statistics="population", batch_size=size)
    row = statistic(tables, "P1")
    assert row["estimate"] == 0
    assert "growth with population statistics in place of moving averages: 8.00 points (8.00)" in row["note"]


@pytest.mark.parametrize(("claim", "step"), [("P2a", LAST), ("P2b", FIRST)])
def test_population_is_compared_with_moving_by_seed_over_the_sizes_at_the_claims_step(tables, claim, step):
    answers(tables, [0.81, 0.84, 0.82], statistics="population", batch_size=2, step=step)
    answers(tables, 0.1, statistics="population", step=FIRST if step == LAST else LAST)
    row = statistic(tables, claim)
    assert row["estimate"] == pytest.approx(0.02 / len(SIZES))
    assert (row["ci_low"], row["ci_high"]) == pytest.approx((0.01 / len(SIZES), 0.04 / len(SIZES)))


def test_the_notes_of_p2_have_the_other_statistics_and_the_other_momenta(tables):
    answers(tables, 0.83, statistics="pooled")
    answers(tables, 0.75, statistics="moving_ddof0")
    put(tables, "curves", "value", 0.81, momentum=0.9, split="validation", step=LAST)
    put(tables, "curves", "value", 0.2, momentum=0.999, split="validation", step=FIRST)
    put(tables, "curves", "value", 0.0, momentum=0.999, split="train")
    late, early = (statistic(tables, claim)["note"] for claim in ("P2a", "P2b"))
    assert late == (
        "the pooled variance against moving averages: 3.00 points (3.00); moving averages of the biased variance against moving "
        "averages: −5.00 points (−5.00); moving averages of momentum 0.9 against those of 0.99, on the validation set: 1.00 "
        "points (1.00); moving averages of momentum 0.999 against those of 0.99, on the validation set: 0.00 points (0.00)"
    )
    assert "momentum 0.9 against those of 0.99, on the validation set: 0.00 points (0.00)" in early
    assert "momentum 0.999 against those of 0.99, on the validation set: −60.00 points (−60.00)" in early


def test_the_variance_in_use_is_averaged_over_m_in_the_first_layer(tables):
    put(tables, "variances", "used_over_seen", [1.1, 1.2, 1.4], statistics="population", layer="hidden_1", batch_size=2)
    row = statistic(tables, "P3a")
    assert row["estimate"] == pytest.approx(1.05)
    assert (row["ci_low"], row["ci_high"]) == pytest.approx((1.025, 1.1))


def test_without_the_factor_the_variance_is_compared_with_its_share(tables):
    assert statistic(tables, "P3b")["estimate"] == pytest.approx(1)
    put(tables, "variances", "used_over_seen", 0.6, statistics="population_ddof0", layer="hidden_1", batch_size=2)
    assert statistic(tables, "P3b")["estimate"] == pytest.approx((1.2 + 3) / 4)
    assert statistic(tables, "P3a")["estimate"] == pytest.approx(1)


def test_the_notes_of_p3_have_the_deeper_layers_and_the_moving_averages(tables):
    put(tables, "variances", "used_over_seen", 2.5, statistics="population", layer="hidden_3", batch_size=2)
    put(tables, "variances", "used_over_seen", 9.0, statistics="population", layer="hidden_2", batch_size=128)
    put(tables, "variances", "used_over_seen", 0.25, statistics="population_ddof0", layer="hidden_2", batch_size=2)
    one, other = (statistic(tables, claim)["note"] for claim in ("P3a", "P3b"))
    assert one == (
        "moving averages: 1.1 (1.1); hidden 2, mean over m: 3 (3); hidden 2 at m = 2: 1 (1); hidden 2 at m = 128: 9 (9); "
        "hidden 3, mean over m: 1.38 (1.38); hidden 3 at m = 2: 2.5 (2.5); hidden 3 at m = 128: 1 (1)"
    )
    assert other.startswith(
        "hidden 2, mean over m: 0.875 (0.875); hidden 2 at m = 2: 0.5 (0.5); hidden 2 at m = 128: 1 (1);"
    )


def layers(tables, *ratios, size):
    for layer, ratio in enumerate(ratios, start=1):
        put(
            tables,
            "variances",
            "used_over_seen",
            ratio,
            statistics="population",
            layer=f"hidden_{layer}",
            batch_size=size,
        )


@pytest.mark.parametrize(
    ("ratios", "estimate", "expected"),
    [
        ((1.0, 1.01, 1.03), 1.03, SUPPORTED),
        ((1.04, 0.9, 1.0), 0.9, CONTRADICTED),
        ((1.0, 1.06, 1.0), 1.06, CONTRADICTED),
    ],
)
def test_p3c_is_of_the_layer_that_is_farthest_from_the_population(ratios, estimate, expected):
    tables = make(seeds=8)
    layers(tables, *ratios, size=64)
    row = statistic(tables, "P3c")
    assert (row["estimate"], row["n"], row["verdict"]) == (pytest.approx(estimate), 8, expected)


@pytest.mark.parametrize(
    ("ratios", "estimate", "expected"),
    [((1.0, 1.6, 2.6), 1.6, SUPPORTED), ((9.0, 1.0, 2.6), 1.0, CONTRADICTED), ((0.1, 1.2, 1.05), 1.05, INCONCLUSIVE)],
)
def test_p3d_is_of_the_smallest_of_the_deeper_layers(ratios, estimate, expected):
    tables = make(seeds=8)
    layers(tables, *ratios, size=2)
    row = statistic(tables, "P3d")
    assert (row["estimate"], row["verdict"]) == (pytest.approx(estimate), expected)
    assert row["note"].startswith(f"hidden 1: {ratios[0]:g}")


def test_the_layers_are_judged_on_seeds_of_their_own_after_the_last_step():
    runs = finding.sweep("paper")[Group("layers")]
    assert {config.seed for config in runs} == set(range(100, 112)) and {config.batch_size for config in runs} == {
        2,
        64,
    }
    assert all(config.evaluate_every == config.steps for config in runs)


def test_what_is_kept_of_the_layers_is_all_that_is_read(tables):
    kept, layers = finding.derive(tables), set(select(tables, "layers")["run"])
    assert not layers & {*kept["statistics"]["run"], *kept["curves"]["run"]}
    assert layers <= set(kept["variances"]["run"])
    pd.testing.assert_frame_equal(finding.findings(kept), finding.findings(tables))


def test_a_run_of_the_layers_that_diverged_is_left_out_and_counted():
    row = statistic(without("layers", batch_size=64, seed=100), "P3c")
    assert row["n"] == 2 and row["note"].endswith("runs that diverged and are left out: 1 of 6")


def test_answers_that_change_are_those_with_the_batchs_own_statistics_beyond_those_with_fixed_ones(tables):
    answers(tables, 0.4, column="changed", statistics="batch", batch_size=2)
    answers(tables, 0.1, column="changed", statistics="batch", batch_size=32)
    answers(tables, 0.02, column="changed", statistics="moving", batch_size=8)
    answers(tables, 0.9, column="changed", statistics="batch", data="imbalanced")
    row = statistic(tables, "P4")
    assert row["estimate"] == pytest.approx((0.4 + 0.1 - 0.02) / 4)
    assert row["note"].startswith("answers that change at m = 32 with the test batch's own statistics: 10% (10)")


def test_the_note_of_p4_has_the_accuracy_of_the_batchs_own_statistics_on_shifted_data(tables):
    answers(tables, 0.2, statistics="batch", data="imbalanced")
    answers(tables, 0.5, statistics="moving", data="contrast")
    answers(tables, 0.79, statistics="batch", data="noise")
    assert statistic(tables, "P4")["note"].endswith(
        "accuracy over that of moving averages, class by class: −60.00 points (−60.00); accuracy over that of moving averages, "
        "at half the contrast: 30.00 points (30.00); accuracy over that of moving averages, with noise: −1.00 points (−1.00)"
    )


def with_gap(tables, value):
    answers(tables, [0.8 - one for one in value], statistics="batch", batch_size=2)


def with_gain(step):
    return lambda tables, value: answers(tables, [0.8 + one for one in value], statistics="population", step=step)


def with_ratio(statistics):
    def change(tables, value):
        for size in SIZES:
            ratios = [(1 + one) * (1 - 1 / size if statistics.endswith("0") else 1) for one in value]
            where = dict(statistics=statistics, layer="hidden_1", batch_size=size)
            put(tables, "variances", "used_over_seen", ratios, **where)

    return change


def with_changes(tables, value):
    answers(tables, [max(one, 0.0) for one in value], column="changed", statistics="batch")


CHANGES = {
    "P1": with_gap,
    **{"P2a": with_gain(LAST), "P2b": with_gain(FIRST)},
    **{"P3a": with_ratio("population"), "P3b": with_ratio("population_ddof0"), "P4": with_changes},
}
LARGE, WIDE = [0.1, 0.11, 0.12, 0.1, 0.13, 0.1, 0.11, 0.12], [-0.2, 0.2, -0.19, 0.19, -0.2, 0.2, -0.2, 0.21]
NARROW = [-0.01, 0.01, -0.01, 0.01, -0.01, 0.01, -0.01, 0.01]
FALLING = [-one for one in LARGE]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("claim", "value", "expected"),
    [
        *((claim, LARGE, SUPPORTED) for claim in ("P1", "P2a", "P2b", "P4")),
        *((claim, FALLING, CONTRADICTED) for claim in ("P2a", "P2b", "P4")),
        *((claim, WIDE, INCONCLUSIVE) for claim in ("P2a", "P2b", "P3a", "P3b", "P4")),
        *((claim, NARROW, SUPPORTED) for claim in ("P3a", "P3b")),
        *((claim, FALLING, CONTRADICTED) for claim in ("P3a", "P3b")),
    ],
)
def test_a_claim_is_judged_by_its_rule(claim, value, expected):
    tables = make(seeds=8)
    CHANGES[claim](tables, value)
    assert statistic(tables, claim)["verdict"] == expected


def test_the_gap_may_grow_with_the_mini_batch_or_do_neither():
    tables = make(seeds=8)
    assert statistic(tables, "P1")["verdict"] == INCONCLUSIVE
    answers(tables, 0.7, statistics="batch", batch_size=128)
    assert statistic(tables, "P1")["verdict"] == CONTRADICTED


def test_a_run_that_diverged_is_left_out_of_the_mean_of_its_seed_and_counted():
    tables = without(batch_size=128, seed=0, step=LAST)  # after its first evaluations, so that there are early answers
    for step in (FIRST, LAST):
        answers(tables, 0.84, statistics="population", batch_size=2, step=step)
    for claim in ("P2a", "P2b"):
        row = statistic(tables, claim)
        assert (row["ci_low"], row["ci_high"]) == pytest.approx((0.04 / 4, 0.04 / 3)) and row["n"] == 3
    notes = [
        note
        for claim, note in judged(finding, tables).set_index("claim")["note"].items()
        if claim not in ("P3c", "P3d")
    ]
    assert all("runs that diverged and are left out of the means over m: 1 of 12" in note for note in notes)
    assert not any("seeds without a value" in note for note in notes)


def test_a_seed_whose_small_mini_batches_all_diverged_has_no_value_where_they_are_asked_for():
    tables = without(batch_size=2, seed=0)
    lost = {**dict.fromkeys(ids(tables, "main", batch_size=2, seed=0), 1)}
    tables = make(lost=lost | dict.fromkeys(ids(tables, "main", batch_size=8, seed=0), 1))
    row = statistic(tables, "P1")
    assert row["n"] == 2 and row["note"].count("seeds without a value: 1 of 3") == 1
    assert statistic(tables, "P2a")["n"] == 3


def test_runs_of_the_other_momenta_that_diverged_are_counted_and_their_others_compared():
    tables = without("momentum", momentum=0.9, batch_size=2)
    put(tables, "curves", "value", 0.83, momentum=0.9, split="validation", step=LAST)
    note = statistic(tables, "P2a")["note"]
    assert "momentum 0.9 against those of 0.99, on the validation set: 3.00 points" in note
    assert note.endswith("runs of the other momenta that diverged: 3 of 24")


def test_a_run_without_rows_is_left_out_as_well(tables):
    gone = ids(tables, "main", batch_size=2, seed=0)
    for name in ("statistics", "variances", "curves"):
        tables[name] = tables[name][~tables[name]["run"].isin(gone)].reset_index(drop=True)
    answers(tables, 0.84, statistics="population", batch_size=8)
    row = statistic(tables, "P2a")
    assert row["estimate"] == pytest.approx(0.01) and row["ci_high"] == pytest.approx(0.04 / 3)
    assert "diverged" not in row["note"]


@pytest.mark.slow
@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize(
    "tables",
    [
        make("smoke", seeds=1, steps=5),
        make(seeds=1, lost=dict.fromkeys(make(seeds=1)["runs"]["run"], 0)),
        without("momentum", momentum=0.999, seeds=2),
        without(batch_size=32, seeds=2),
        {
            **make("smoke", seeds=1, lost=dict.fromkeys(make("smoke", seeds=1)["runs"]["run"], 0)),
            **{name: pd.DataFrame(columns=SCHEMAS[name]) for name in ("curves", "statistics", "variances")},
        },
    ],
    ids=["one seed, one evaluation", "all diverged", "a momentum diverged", "a size diverged", "no rows"],
)
def test_it_is_judged_drawn_and_explored_whatever_diverges(tables):
    assert set(judged(finding, tables)["verdict"]) == {INCONCLUSIVE}
    assert len(finding.effects(tables)) == 17
    every_panel(finding, tables)
    explored = finding.explore(tables, **start_of(finding.controls(tables)))
    assert np.isfinite([axes.get_ylim() for axes in explored.axes]).all()


def test_results_say_the_same_when_they_are_read_again(tables, tmp_path):
    write_results(tmp_path / "results", tables)
    read = load_results(tmp_path / "results")
    pd.testing.assert_frame_equal(judged(finding, read), judged(finding, tables))
    choice = dict(momentum=0.9, batch_size=8)
    assert finding.live(read, **choice) == finding.live(tables, **choice)


def test_the_nearest_mini_batch_is_so_by_ratio_and_the_smaller_of_two():
    assert [found.nearest([2, 8, 32, 128], size) for size in (64, 32, 3)] == [32, 32, 2]
    assert found.nearest([4, 64], 32) == 64


def test_the_effects_are_against_moving_averages_with_the_ends_of_the_sizes(tables):
    answers(tables, 0.2, statistics="batch", data="imbalanced")
    answers(tables, 0.9, statistics="pooled", batch_size=2, step=FIRST)
    effects = finding.effects(tables).set_index(["when", "data", "statistics"])
    assert len(effects) == len(set(effects.index)) == 4 * 4 + 1
    row = effects.loc[("last", "imbalanced", "batch")]
    assert (row["effect"], row["at_smallest"], row["n"]) == (pytest.approx(-0.6), pytest.approx(-0.6), 3)
    row = effects.loc[("first", "test", "pooled")]
    found = row["effect"], row["at_smallest"], row["at_largest"]
    assert found == pytest.approx((0.025, 0.1, 0))
    assert effects.loc[("last", "test", "pooled"), "effect"] == 0


def thick(axes, label):
    return {line.get_label(): line for line in axes.lines}[label]


def words(axes):
    return [text.get_text() for text in axes.texts]


def test_training_is_drawn_once_and_every_momentum_in_dashes_of_its_own(tables):
    put(tables, "curves", "value", [0.5, 0.6, 0.9], momentum=0.999, split="validation", batch_size=32, step=LAST)
    put(tables, "curves", "value", 0.7, momentum=0.99, split="train", batch_size=32)
    put(tables, "curves", "value", 0.1, momentum=0.9, split="train", batch_size=32)
    answers(tables, 0.85, statistics="population", batch_size=32)
    drawn = axes_of(finding, "training", tables)
    lines = [f"moving averages, {momentum}" for momentum in (0.9, 0.99, 0.999)]
    assert set(words(drawn)) >= {"training mode", "population statistics", *lines}
    assert [line.get_label() for line in drawn.lines].count("training mode") == 1
    assert len({thick(drawn, line).get_linestyle() for line in lines}) == 3
    assert thick(drawn, "moving averages, 0.99").get_linestyle() == "-"
    slow, training = thick(drawn, lines[2]), thick(drawn, "training mode")
    assert list(slow.get_xdata()) == [0, 100, 200, 300] and slow.get_ydata()[-1] == 0.6
    assert list(training.get_xdata()) == [100, 200, 300] and set(training.get_ydata()) == {0.7}
    assert thick(drawn, "population statistics").get_ydata()[-1] == 0.85
    colors = [to_hex(thick(drawn, line).get_color()) for line in (lines[0], "training mode", "population statistics")]
    assert colors == [BLUE, PINK, GREEN]


def test_a_run_is_at_chance_from_where_it_diverged():
    course = found.courses(without(batch_size=32, seed=0, step=150), 32).query("momentum == 0.99 and seed == 0")
    for line, steps in (("moving", [0, 100, 200, 300]), ("training", steps_after := [100, 200, 300])):
        own = course[course["line"] == line]
        assert list(own["step"]) == steps
        assert list(own["accuracy"]) == [0.8 if step < 150 else CHANCE for step in steps]
    assert list(course.query("line == 'population'")["step"]) == steps_after


@pytest.mark.slow
def test_the_gaps_are_drawn_in_points_around_a_line_at_zero(tables):
    answers(tables, [0.7, 0.75, 0.78], statistics="batch", batch_size=2)
    answers(tables, 0.7, statistics="population", batch_size=2)
    drawn = axes_of(finding, "gaps", tables)
    moving, population = thick(drawn, "moving averages"), thick(drawn, "population")
    np.testing.assert_allclose(moving.get_ydata(), [-5, 0, 0, 0], atol=1e-9)
    np.testing.assert_allclose(population.get_ydata(), [5, 0, 0, 0], atol=1e-9)
    assert list(moving.get_xdata()) == list(SIZES)
    assert len([line for line in drawn.lines if line.get_color() == moving.get_color()]) == 3 + 1
    assert [list(line.get_ydata()) for line in drawn.lines if line.get_linestyle() == ":"] == [[0, 0]]


def test_accuracies_are_drawn_late_and_early_on_one_scale(tables):
    answers(tables, 0.6, statistics="pooled", batch_size=8)
    answers(tables, 0.4, statistics="batch", batch_size=8, step=FIRST)
    late, early = (axes_of(finding, name, tables) for name in ("accuracy_late", "accuracy_early"))
    names = [LABELS[name] for name in ("moving", "population", "pooled", "moving_ddof0", "test_batch")]
    assert set(names) <= set(words(early)) and set(names) <= set(words(late))
    assert late.get_ylim() == early.get_ylim()
    np.testing.assert_allclose(thick(late, "pooled variance").get_ydata(), [0.8, 0.6, 0.8, 0.8])
    np.testing.assert_allclose(thick(early, "the test batch's own").get_ydata(), [0.8, 0.4, 0.8, 0.8])
    assert to_hex(thick(early, "the test batch's own").get_color()) == PINK


def test_variances_are_drawn_with_the_lines_that_they_are_to_follow(tables):
    put(tables, "variances", "used_over_seen", 1.3, statistics="population", layer="hidden_3", batch_size=2)
    first, layers = (axes_of(finding, name, tables) for name in ("variance", "variance_by_layer"))
    dotted = [list(line.get_ydata()) for line in first.lines if line.get_linestyle() == ":"]
    assert dotted == [[1, 1], [1 - 1 / size for size in SIZES]]
    filled, hollow = thick(first, "with m / (m − 1)"), thick(first, "without it")
    np.testing.assert_allclose(filled.get_ydata(), 1)
    np.testing.assert_allclose(hollow.get_ydata(), dotted[1])
    assert to_hex(hollow.get_markerfacecolor()) == "#ffffff" and to_hex(filled.get_markerfacecolor()) == GREEN
    deep = [thick(layers, f"hidden layer {number}") for number in (1, 2, 3)]
    np.testing.assert_allclose(deep[2].get_ydata(), [1.3, 1, 1, 1])
    assert len({line.get_linestyle() for line in deep}) == 3


def test_shifted_data_have_a_row_each_at_the_middle_mini_batch(tables):
    answers(tables, 0.4, statistics="moving", data="contrast", batch_size=32)
    answers(tables, 0.2, statistics="batch", data="imbalanced", batch_size=32)
    answers(tables, 0.0, statistics="batch", data="imbalanced", batch_size=8)
    drawn = axes_of(finding, "shifted", tables)
    names = [label.get_text() for label in drawn.get_yticklabels()]
    assert names == ["test set", "half the contrast", "noise", "class by class"]
    marks = {
        (names[round(line.get_ydata()[0])], to_hex(line.get_color())): line.get_xdata()[0]
        for line in drawn.lines
        if line.get_marker() == "o"
    }
    assert len(marks) == 4 * 3
    assert marks["half the contrast", BLUE] == 0.4 and marks["class by class", PINK] == 0.2
    assert marks["class by class", GREEN] == 0.8


def test_the_share_of_answers_that_change_is_drawn_mixed_and_class_by_class(tables):
    answers(tables, 0.3, column="changed", statistics="batch", batch_size=2)
    answers(tables, 0.7, column="changed", statistics="batch", data="imbalanced", batch_size=2)
    drawn = axes_of(finding, "changed", tables)
    mixed, apart, fixed = (thick(drawn, name) for name in ("mixed classes", "class by class", "moving averages"))
    assert [line.get_ydata()[0] for line in (mixed, apart, fixed)] == [0.3, 0.7, 0.0]
    assert mixed.get_linestyle() != apart.get_linestyle()
    assert [to_hex(line.get_color()) for line in (mixed, apart, fixed)] == [PINK, PINK, BLUE]


@pytest.mark.slow
def test_a_figure_says_so_only_where_every_run_diverged(tables):
    lost = make(seeds=1, lost=dict.fromkeys(ids(make(seeds=1), "main"), 1))
    said = ["every run diverged" in words(figure.axes[0]) for figure in every_panel(finding, lost)]
    assert said == [False] + [True] * 7
    assert not any("every run diverged" in words(figure.axes[0]) for figure in every_panel(finding, tables))


def test_the_panel_is_turned_by_momentum_and_mini_batch_and_starts_where_inference_lags_most(tables):
    momentum, batch_size = finding.controls(tables)
    assert (momentum.name, momentum.values, momentum.start) == ("momentum", (0.9, 0.99, 0.999), 0.999)
    assert (batch_size.name, batch_size.values, batch_size.start) == ("batch_size", SIZES, 32)


def test_a_choice_shows_its_own_run_in_training_mode_and_at_inference_and_the_population_of_all_momenta(tables):
    put(tables, "curves", "value", 0.3, momentum=0.999, batch_size=8, split="validation")
    put(tables, "curves", "value", 0.7, momentum=0.999, batch_size=8, split="train")
    answers(tables, 0.84, statistics="population", batch_size=8)
    figure = finding.explore(tables, momentum=0.999, batch_size=8)
    (axes,) = figure.axes
    assert thick(axes, "moving averages").get_ydata()[-1] == 0.3
    assert thick(axes, "training mode").get_ydata()[-1] == 0.7
    assert thick(axes, "population statistics").get_ydata()[-1] == 0.84
    assert "Accuracy at m = 8, momentum 0.999" in words(axes)
    assert "at the end: moving averages 30.0%, population statistics 84.0%" in words(axes)
    other = finding.explore(tables, momentum=0.9, batch_size=2).axes[0]
    assert (other.get_xlim(), other.get_ylim()) == (axes.get_xlim(), axes.get_ylim())
    assert "live" not in words(axes)


def test_the_live_run_is_drawn_on_its_validation_examples(tables):
    rows = [
        ("live run", step, split, 1.0, value)
        for step in (0, 15)
        for split, value in (("train", 0.2), ("validation", 0.6))
    ]
    live = table("curves", rows)
    (axes,) = finding.explore(tables, live, momentum=0.9, batch_size=8).axes
    assert list(thick(axes, "live").get_ydata()) == [0.6, 0.6] and "live" in words(axes)


def test_the_live_run_is_the_records_at_a_seed_that_is_not_reported_evaluated_twenty_times(tables):
    config = finding.live(tables, momentum=0.999, batch_size=8)
    reported = finding.sweep("quick", seeds=1)[Group("momentum")]
    (same,) = [one for one in reported if (one["momentum"], one.batch_size) == (0.999, 8)]
    assert config == same.replace(seed=CALIBRATION_SEEDS[0], evaluate_every=15) and config["measurements"] == ""
    assert config.steps // config.evaluate_every == 20


@pytest.mark.slow
def test_runs_that_differ_in_the_momentum_alone_train_to_the_same_weights_to_the_bit():
    config = finding.BASE.replace(
        **dict(hidden_units=4, hidden_layers=1, batch_size=512, steps=4, evaluate_every=4, measurements="statistics")
    )
    one, other = (run(config.replace(momentum=momentum)) for momentum in (0.99, 0.5))
    values = ["step", "loss", "value", "changed"]
    keys = ["statistics", "data"]
    left, right = (tables["statistics"].set_index(keys)[values].sort_index() for tables in (one, other))
    fixed = ["population", "pooled", "batch"]
    assert len(left.loc[fixed]) == 3 * 4
    pd.testing.assert_frame_equal(left.loc[fixed], right.loc[fixed], check_exact=True)
    assert not left.loc["moving"].equals(right.loc["moving"])
    train, moving = ("split == 'train'", "split == 'validation' and step == 4")
    assert one["curves"].query(train)["loss"].tolist() == other["curves"].query(train)["loss"].tolist()
    assert one["curves"].query(moving)["loss"].tolist() != other["curves"].query(moving)["loss"].tolist()


def test_the_shifted_data_are_those_that_the_figure_names():
    assert (normalization_statistics.CONTRAST, normalization_statistics.NOISE) == (0.5, 0.3)
    assert (DATA, STATISTICS) == (found.DATA, found.STATISTICS)


def test_the_sweeps_momenta_are_of_the_same_runs_but_for_what_is_measured():
    sweep = finding.sweep("paper")
    plain = {config.replace(momentum=finding.MOMENTUM) for config in sweep[Group("momentum")]}
    assert plain == {config.replace(measurements="") for config in sweep[Group("main")]}
    assert {config["momentum"] for config in sweep[Group("main")]} == {finding.MOMENTUM} and isinstance(
        finding.BASE, RunConfig
    )
