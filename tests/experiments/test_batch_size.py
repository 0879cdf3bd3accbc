"""`06_batch_size`: each claim's statistic on tables whose answers are known, its notes, its figure and its panel."""

import numpy as np
import pandas as pd
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import to_hex

from bnrepro.analysis.claims import CONTRADICTED, FEWEST, INCONCLUSIVE, SUPPORTED
from bnrepro.experiments import EXPERIMENTS
from bnrepro.experiments.batch_size import tables as found
from bnrepro.experiments.control import start_of
from bnrepro.experiments.presets import CALIBRATION_SEEDS, FIRST_JUDGED, SELECTING_SEEDS
from bnrepro.plotting import widget_figure
from bnrepro.plotting.arms import COLORS
from bnrepro.report.verdicts import judged
from tests.experiments.factories import papers_numbers, statistic
from tests.experiments.factories_batch_size import (
    SIZES,
    accuracy_of,
    alternating,
    arm_of,
    gap_of,
    make_batch_size,
    peak_of,
    seconds_of,
)
from tests.experiments.rows import CHANCE
from tests.plotting.drawing import drawer, every_panel

batch_size = EXPERIMENTS["06_batch_size"]

NAMES = [claim.id for claim in EXPERIMENTS["06_batch_size"].claims]
QUICK = batch_size.PRESETS["quick"]
RATES = QUICK.rates


@pytest.fixture(scope="module")
def tables():
    """Three seeds of the preset quick; nothing may change them."""
    return make_batch_size()


@pytest.fixture(scope="module")
def panel(tables):
    return drawer(batch_size, tables)


def shifted(arm, size, shift):
    """The accuracy of one arm of the dense net at one size, moved."""
    return lambda config: (
        accuracy_of(config)
        + (shift(config) if config["model"] == "mlp" and arm_of(config) == arm and config.batch_size == size else 0)
    )


def test_every_claim_has_its_statistic_in_the_order_of_the_claims(tables):
    assert list(judged(batch_size, tables)["claim"]) == NAMES
    assert papers_numbers(batch_size) == {}


def test_a_run_that_diverged_guesses_and_has_no_gap():
    lost = make_batch_size(2, diverging=lambda config: config.seed % 100 == 1 and config["normalization"] == "batch")
    runs = found.measured(lost).query("arm == 'batch' and group == 'examples'").groupby("seed")
    assert set(runs.get_group(FIRST_JUDGED + 1)["test"]) == {CHANCE}
    assert runs.get_group(FIRST_JUDGED + 1)["gap"].isna().all() and runs.get_group(FIRST_JUDGED)["gap"].notna().all()
    assert set(found.tried(lost).query(f"arm == 'batch' and seed == {SELECTING_SEEDS[1]}")["validation"]) == {CHANCE}


def test_a_gap_has_no_sign_and_a_run_without_bn_has_none():
    runs = found.measured(make_batch_size(2, gap=lambda config: -0.03))
    np.testing.assert_allclose(runs.query("arm in ('batch', 'ghost', 'renorm')")["gap"], 0.03)
    assert runs.query("arm == 'none'")["gap"].isna().all()


def test_ghosts_are_an_arm_of_their_own_by_the_examples_that_are_normalized_together(tables):
    runs = found.measured(tables).groupby("arm")["together"].unique()
    assert set(runs["ghost"]) == set(QUICK.ghosts) and set(runs["batch"]) >= set(QUICK.sizes)


def test_the_runs_that_choose_and_those_that_are_judged_have_no_seed_in_common(tables):
    runs = found.tried(tables), found.measured(tables)
    assert set(runs[0]["seed"]) == set(SELECTING_SEEDS)
    assert set(runs[1]["seed"]) == set(range(FIRST_JUDGED, FIRST_JUDGED + 3))
    assert set(runs[0]["measurements"]) == {""} and set(runs[1]["measurements"]) == {"modes"}


def test_a_net_with_bn_is_read_through_population_statistics_and_renormalization_through_its_own():
    sweep = batch_size.sweep("paper")
    chosen = [config for group, runs in sweep.items() if group.group != "cost" for config in runs]
    inference = {arm_of(config): config["normalization.inference"] for config in chosen if config.has("inference")}
    assert inference == {"batch": "population", "ghost": "population"}
    assert "renorm" in {arm_of(config) for config in chosen}


def test_each_cell_is_judged_at_the_rate_that_is_best_on_the_validation_examples_of_the_seeds_that_choose():
    def test(config):  # the test set, and one seed of both that choose, like the largest rate best
        lucky = config["learning_rate"] == RATES[0] and config.seed == SELECTING_SEEDS[1]
        return accuracy_of(config) + 0.5 * lucky

    best = found.measured(make_batch_size(test=test)).groupby("arm")["learning_rate"].unique()
    assert best["batch"].tolist() == best["renorm"].tolist() == [RATES[0]]


def test_of_rates_as_good_as_each_other_the_lowest_is_the_best():
    effects = found.effects(make_batch_size(2, diverging=lambda config: True)).query("group == 'examples'")
    assert set(effects["best_rate"]) == {RATES[0]} and set(effects["accuracy"]) == {CHANCE}


def test_a_best_rate_at_the_edge_of_its_grid_is_told_and_a_single_rate_has_no_edge(tables):
    effects = found.effects(tables).groupby(["group", "arm"])["edge"].unique()
    assert effects["examples", "batch"].tolist() == ["largest"] and effects["steps", "none"].tolist() == ["smallest"]
    assert set(found.effects(make_batch_size(1, "smoke"))["edge"]) == {""}


def test_a_best_rate_within_its_grid_has_no_edge():
    paper = found.effects(make_batch_size(1, "paper")).query("group == 'examples' and arm == 'batch'")
    assert set(paper["best_rate"]) == {0.3} and set(paper["edge"]) == {""}


def test_the_effects_have_a_row_an_arm_and_size_with_medians_of_the_seeds(tables):
    effects = found.effects(tables).set_index(["group", "arm", "batch_size", "together"])
    a_budget = 2 * len(QUICK.sizes) + len(QUICK.renorm_sizes)
    assert effects.index.is_unique
    assert len(effects) == 2 * a_budget + len(QUICK.ghosts)
    row = effects.loc["ghost", "ghost", 256, 8]
    assert row["accuracy"] == pytest.approx(0.85 - 0.1 / 8 + 0.001) and row["gap"] == pytest.approx(0.2 / 8)
    assert (row["n"], row["diverged"]) == (3, 0)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("shift", "expected"),
    [
        (lambda config: 0.0, SUPPORTED),
        (lambda config: 0.1, CONTRADICTED),
        (lambda config: 0.05 + 0.02 * alternating(config), INCONCLUSIVE),
    ],
)
def test_accuracy_with_bn_falls_does_not_fall_or_neither_is_sure(shift, expected):
    assert statistic(make_batch_size(8, "smoke", test=shifted("batch", 2, shift)), "B1a")["verdict"] == expected


@pytest.mark.parametrize(
    ("shift", "expected"),
    [
        (lambda config: 0.0, SUPPORTED),
        (lambda config: -0.05, CONTRADICTED),
        (lambda config: -0.01 + 0.01 * alternating(config), INCONCLUSIVE),
    ],
)
def test_accuracy_without_bn_does_not_fall_falls_or_neither_is_sure(shift, expected):
    assert statistic(make_batch_size(8, "smoke", test=shifted("none", 2, shift)), "B1b")["verdict"] == expected


def test_the_smallest_mini_batch_is_compared_with_the_reference_by_seed_with_as_many_examples_seen(tables):
    row = statistic(tables, "B1a")
    assert row["estimate"] == pytest.approx(0.1 / 128 - 0.1 / 2) and row["n"] == 3
    assert statistic(tables, "B1b")["estimate"] == 0


def test_the_notes_of_b1_tell_accuracies_rates_the_other_budget_and_renormalization():
    def test(config):
        more = 0.01 * (config.steps == 64 and config.batch_size == 2)  # as many steps
        return accuracy_of(config) + more

    with_bn, without = (statistic(make_batch_size(test=test), claim)["note"] for claim in ("B1a", "B1b"))
    assert with_bn == (
        "accuracy at m = 2: 80.10%; accuracy at m = 128: 85.02%; best rate at m = 2, the largest tried: 0.3; best rate at "
        "m = 128, the largest tried: 0.3; as many steps: −3.92 points (−3.92); best rate at m = 2 for as many steps, the largest "
        "tried: 0.3; Batch Renormalization at m = 2 minus BN at m = 128: −2.42 points (−2.42); best rate of Batch "
        "Renormalization at m = 2, the largest tried: 0.3"
    )
    assert "best rate at m = 2, the smallest tried: 0.03;" in without
    assert "Renormalization" not in without and "diverged" not in without


def test_the_notes_of_b1_count_the_runs_that_diverged_at_the_best_rates():
    def lost(config):
        return config.seed == FIRST_JUDGED and config["normalization"] == "batch" and config.batch_size == 2

    row = statistic(make_batch_size(diverging=lost), "B1a")
    assert row["n"] == 3 and row["ci_low"] == pytest.approx(CHANCE - (0.85 - 0.1 / 128))
    # Two sizes and budgets, of which m = 128 is the same run in both.
    assert row["note"].endswith("runs that diverged and count as guessing: 2 of 9")


def independent(config):
    return config["measurements"] == "sampling_at_inference"


@pytest.mark.parametrize(("claim", "value"), [("B6a", "mean"), ("B6b", "variance")])
@pytest.mark.parametrize(
    ("power", "expected"),
    [
        (lambda config: -0.5 + 0.01 * alternating(config), SUPPORTED),
        (lambda config: -0.49, SUPPORTED),
        (lambda config: -0.4, CONTRADICTED),
        (lambda config: -0.5 + 0.2 * alternating(config), INCONCLUSIVE),
    ],
)
def test_an_error_falls_with_the_root_does_not_or_neither_is_sure(claim, value, power, expected):
    made = make_batch_size(
        8, "smoke", power=lambda config, own: power(config) if own == value and independent(config) else -2.0
    )
    assert statistic(made, claim)["verdict"] == expected


@pytest.mark.parametrize(("claim", "value", "sign"), [("B7a", "mean", 1), ("B7b", "variance", -1)])
@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (lambda config: 0.05, SUPPORTED),
        (lambda config: -0.05, CONTRADICTED),
        (lambda config: 0.05 * alternating(config), INCONCLUSIVE),
    ],
)
def test_in_training_mode_an_error_falls_as_claimed_the_other_way_or_neither_is_sure(
    claim, value, sign, change, expected
):
    def power(config, own):
        return -0.5 + (sign * change(config) if own == value and not independent(config) else 0)

    assert statistic(make_batch_size(8, "smoke", power=power), claim)["verdict"] == expected


def test_the_first_layer_is_no_deeper_layer_and_the_notes_have_both_slopes(tables):
    errors = tables["errors"]
    steep = errors["mean_error"].where(errors["layer"] != "hidden_1", errors["size"] ** -1.0)
    row = statistic({**tables, "errors": errors.assign(mean_error=steep)}, "B7a")
    assert row["estimate"] == pytest.approx(0)
    assert row["note"].startswith(
        "slope in training mode: −0.500 (−0.500); slope where the layers below normalize with"
    )


def test_the_error_of_all_layers_is_a_root_mean_square_and_its_slope_is_over_all_sizes(tables):
    bent = tables["errors"].assign(
        mean_error=np.where(tables["errors"]["size"] == 2, 3.0, tables["errors"]["size"] ** -0.5)
    )
    row = statistic({**tables, "errors": bent}, "B6a")
    x = np.log(SIZES)
    y = np.log([3.0, *(size**-0.5 for size in SIZES[1:])])
    assert row["estimate"] == pytest.approx(((x - x.mean()) * (y - y.mean())).sum() / ((x - x.mean()) ** 2).sum())
    whole = found.over_layers(found.sampling_errors(tables))
    assert whole.query("size == 2")["variance_error"].iloc[0] == pytest.approx(np.sqrt((1 + 4 + 9) / 3 / 2))


def test_the_slope_of_the_variance_leaves_out_the_smallest_sizes(tables):
    bent = tables["errors"].assign(variance_error=tables["errors"]["size"].astype(float) ** -0.5)
    bent["variance_error"] = bent["variance_error"].mask(bent["size"] == 2, 9.0)
    assert statistic({**tables, "errors": bent}, "B6b")["estimate"] == pytest.approx(-0.5)


def test_the_notes_of_b6_tell_the_slope_of_each_layer_there_and_in_training_mode(tables):
    errors = tables["errors"]
    steep = errors["mean_error"].where(errors["layer"] != "hidden_3", errors["size"] ** -1.0)
    note = statistic({**tables, "errors": errors.assign(mean_error=steep)}, "B6a")["note"]
    assert note.startswith(
        "slope in hidden 1: −0.500; slope in hidden 2: −0.500; slope in hidden 3: −1.000; slope in hidden 1 in"
    )
    assert note.endswith("slope in hidden 3 in training mode: −1.000")


def test_the_note_of_b6b_has_the_slope_of_gaussian_values_over_the_same_sizes(tables):
    sizes = np.array(SIZES[1:])
    slope = f"{np.polyfit(np.log(sizes), 0.5 * np.log(2 / (sizes - 1)), 1)[0]:.3f}".replace("-", "−")
    assert f"falls as 1/sqrt(m - 1), over m of 8 and more: {slope}" in statistic(tables, "B6b")["note"]
    assert "Gaussian" not in statistic(tables, "B6a")["note"]


def test_a_sampling_run_that_diverged_is_left_out_and_counted():
    lost = make_batch_size(diverging=lambda config: independent(config) and config.seed == FIRST_JUDGED + 1)
    for claim, note in (("B6a", "runs that diverged and are left out: 1 of 3"), ("B7a", "")):
        row = statistic(lost, claim)
        assert row["n"] == 2 and row["note"].endswith(note)


@pytest.mark.parametrize(
    ("ghost", "expected"),
    [
        (lambda config: 0.02, SUPPORTED),
        (lambda config: 0.2, CONTRADICTED),
        (lambda config: 0.02 if config.seed % 2 else 0.2, INCONCLUSIVE),
    ],
)
def test_ghosts_have_the_gap_of_their_size_or_of_the_whole_or_neither_is_sure(ghost, expected):
    made = make_batch_size(
        8, "smoke", gap=lambda config: ghost(config) if config["ghost_size"] == 8 else gap_of(config)
    )
    assert statistic(made, "B5")["verdict"] == expected


def test_ghosts_are_compared_by_their_distance_from_the_small_mini_batch_whichever_side_they_are_on():
    made = make_batch_size(gap=lambda config: {8: 0.035, 64: 0.5}.get(config["ghost_size"], gap_of(config)))
    row = statistic(made, "B5")
    assert row["estimate"] == pytest.approx(abs(0.035 - 0.025) - abs(0.2 / 256 - 0.025))
    assert row["note"].startswith(
        "gap at m = 8: 2.50 points (2.50); gap at m = 256: 0.08 points (0.08); gap in ghosts of 8: 3.50 points"
    )
    assert (
        "accuracy at m = 8: 83.85%; best rate at m = 8, the largest tried: 0.3; accuracy at m = 256: 85.06%"
        in row["note"]
    )
    assert "accuracy in ghosts of 8: 83.85%" in row["note"]


def test_a_seed_without_a_gap_is_left_out_of_b5_and_counted():
    row = statistic(
        make_batch_size(diverging=lambda config: config["ghost_size"] == 8 and config.seed == FIRST_JUDGED), "B5"
    )
    assert row["n"] == 2 and "seeds left out, of which a run diverged or was not measured: 1 of 3" in row["note"]
    assert "left out" not in statistic(make_batch_size(), "B5")["note"]


@pytest.mark.parametrize(
    ("factor", "expected"),
    [
        (lambda config: 1.0, SUPPORTED),
        (lambda config: 1000.0 if config.batch_size == 256 else 1.0, CONTRADICTED),
        (lambda config: 1000.0 if config.batch_size == 256 and config.seed % 2 else 1.0, INCONCLUSIVE),
    ],
)
def test_a_large_mini_batch_costs_less_time_an_example_or_more_or_neither_is_sure(factor, expected):
    assert (
        statistic(make_batch_size(8, "smoke", seconds=lambda config: factor(config) * seconds_of(config)), "B4a")[
            "verdict"
        ]
        == expected
    )


def test_the_note_tells_the_time_of_a_step_at_the_sizes(tables):
    row = statistic(tables, "B4a")
    assert row["estimate"] == pytest.approx((1.02e-4 / 2) / (3.56e-4 / 256)) and row["n"] == 3
    assert row["note"].startswith(
        "step with BN at m = 2: 0.153 ms; step with BN at m = 256: 0.534 ms; step with BN over"
    )
    assert all(f"step with BN over step without BN at m = {size}: 1.5" in row["note"] for size in (2, 128, 256))


def test_a_run_that_made_no_step_has_no_time():
    row = statistic(make_batch_size(seconds=lambda config: 0.0), "B4a")
    assert row["n"] == 0 and np.isnan(row["estimate"])


@pytest.mark.parametrize(
    ("slope", "expected"),
    [(lambda config: 1, SUPPORTED), (lambda config: -1, CONTRADICTED), (alternating, INCONCLUSIVE)],
)
def test_a_large_mini_batch_needs_more_memory_or_less_or_neither_is_sure(slope, expected):
    made = make_batch_size(8, peak=lambda config: 500 + slope(config) * config.batch_size)
    assert statistic(made, "B4b")["verdict"] == expected


def test_memory_is_that_of_the_runs_that_measure_cost_with_bn_and_the_note_has_it_without(tables):
    row = statistic(tables, "B4b")
    assert row["estimate"] == pytest.approx(2 * 126) and row["n"] == 3
    assert row["note"] == (
        "peak with BN at m = 2: 504 MiB; peak with BN at m = 128: 756 MiB; peak without BN at m = 2: 502 MiB; peak without BN at "
        "m = 128: 628 MiB; largest m minus smallest without BN: 126 MiB (126)"
    )
    elsewhere = make_batch_size(peak=lambda config: peak_of(config) if config["measurements"] == "cost" else 9e9)
    assert statistic(elsewhere, "B4b")["estimate"] == row["estimate"]


def test_what_is_kept_of_the_curves_are_the_last_evaluations_and_they_are_all_that_is_asked_for(tables):
    kept = batch_size.derive(tables)
    assert set(kept["curves"]["split"]) == {"validation", "test"} and (kept["curves"]["step"] > 0).all()
    assert kept["curves"]["run"].is_unique and len(kept["curves"]) < len(tables["curves"]) / 3.5
    pd.testing.assert_frame_equal(judged(batch_size, kept), judged(batch_size, tables))
    assert all(kept[name] is tables[name] for name in tables if name != "curves")


LOST = {
    "nothing": lambda config: False,
    "bn": lambda config: config["normalization"] == "batch",
    "everything": lambda config: True,
}


@pytest.mark.slow
@pytest.mark.parametrize("lost", LOST.values(), ids=LOST)
def test_it_is_judged_drawn_and_explored_with_one_seed_whatever_diverges(lost):
    tables = batch_size.derive(
        make_batch_size(1, "smoke", diverging=lost, seconds=lambda config: 0.1 * (not lost(config)))
    )
    table = judged(batch_size, tables)
    assert set(table["verdict"]) == {INCONCLUSIVE} and (table["n"] < FEWEST).all()
    controls = batch_size.controls(tables)
    every_panel(batch_size, tables)
    explored = batch_size.explore(tables, **start_of(controls))
    FigureCanvasAgg(explored).draw()
    assert np.isfinite([axes.get_ylim() for axes in explored.axes]).all()
    assert batch_size.effects(tables)["n"].eq(1).all()


def thick(axes, color):
    """The median lines of a color: x by y."""
    lines = [line for line in axes.lines if to_hex(line.get_color()) == color.lower() and line.get_marker() == "o"]
    return [dict(zip(line.get_xdata(), line.get_ydata())) for line in lines]


def words(axes):
    return [text.get_text() for text in axes.texts]


def test_accuracy_is_drawn_over_the_sizes_at_the_best_rates_with_each_budget(tables, panel):
    effects = found.effects(tables).set_index(["group", "arm"]).sort_index()
    for budget in ("examples", "steps"):
        for arm in ("none", "batch", "renorm"):
            own = effects.loc[[(budget, arm)]].set_index("batch_size")["accuracy"]
            assert thick(panel(f"accuracy_by_{budget}"), COLORS[arm]) == [own.to_dict()]
    limits = [panel(f"accuracy_by_{name}").get_ylim() for name in ("examples", "steps", "ghosts")]
    assert limits[0] == limits[1] == limits[2]


def test_each_seed_is_a_thin_line(panel):
    axes = panel("accuracy_by_examples")
    color = to_hex(COLORS["batch"])
    thin = [line for line in axes.lines if to_hex(line.get_color()) == color and line.get_linewidth() == 0.5]
    assert len(thin) == 3


def test_the_best_rates_of_both_budgets_are_drawn_near_to_where_they_are(panel):
    lines = {line.get_label(): line for line in panel("rates").lines}
    for budget in ("examples", "steps"):
        for arm, rate in (("none", 0.03), ("batch", 0.3), ("renorm", 0.3)):
            drawn = lines[f"_{budget} {arm}"].get_ydata()
            np.testing.assert_allclose(np.log10(drawn), np.log10(rate), atol=0.15)
    assert len({tuple(line.get_ydata()[:1]) for line in lines.values()}) == 6


def test_gaps_are_drawn_over_the_examples_normalized_together_and_the_last_ghost_is_the_whole(panel):
    axes = panel("gaps")
    (batch,), (ghost,) = (thick(axes, COLORS[arm]) for arm in ("batch", "ghost"))
    assert batch == pytest.approx({m: 20 / m for m in QUICK.sizes})
    assert ghost == pytest.approx({m: 20 / m for m in (*QUICK.ghosts, 256)})
    (accuracies,) = thick(panel("accuracy_by_ghosts"), COLORS["ghost"])
    assert accuracies == pytest.approx({m: 0.851 - 0.1 / m for m in (*QUICK.ghosts, 256)})


def test_the_errors_of_each_layer_have_their_slope_beside_them_and_a_dotted_line_of_the_root(panel):
    for name in ("error_of_mean", "error_of_variance"):
        axes = panel(name)
        assert {f"{name}: −0.50" for name in ("hidden 1", "hidden 2", "hidden 3", "independent")} <= set(words(axes))
        (dotted,) = [line for line in axes.lines if line.get_label() == "1 / √m"]
        slope = np.polyfit(np.log(dotted.get_xdata()), np.log(dotted.get_ydata()), 1)[0]
        assert slope == pytest.approx(-0.5) and axes.get_xscale() == axes.get_yscale() == "log"
        assert max(dotted.get_ydata()) < 2**-0.5


def test_time_and_memory_are_drawn_by_size_in_their_units(panel):
    step, example = thick(panel("times"), COLORS["none"])
    assert step == pytest.approx({m: 100 + m for m in QUICK.sizes})
    assert example == pytest.approx({m: 100 / m + 1 for m in QUICK.sizes})
    (peak,) = thick(panel("memory"), COLORS["none"])
    assert peak == pytest.approx({2: 502, 128: 628})


def test_the_panels_controls_are_the_sizes_and_the_budgets(tables):
    size, budget = batch_size.controls(tables)
    assert (size.name, size.values) == ("batch_size", QUICK.sizes)
    assert (budget.name, budget.values) == ("budget", ("examples", "steps"))


def test_the_panel_shows_accuracy_over_the_rates_and_a_ring_around_each_best_one(tables):
    drawn = batch_size.explore(tables, batch_size=2, budget="steps")
    axes, beside = drawn.axes
    rings = {line.get_label(): line.get_xdata()[0] for line in axes.lines if line.get_markersize() == 8}
    assert rings == {"_best batch": 0.3, "_best none": 0.03, "_best renorm": 0.3}
    lines = {line.get_label(): line for line in axes.lines}
    assert list(lines["with BN"].get_xdata()) == list(RATES)
    np.testing.assert_allclose(lines["with BN"].get_ydata(), [0.6605 - 0.1 / 2, 0.8605 - 0.1 / 2])
    assert "best rate: BN 0.3, Renormalization 0.3, without 0.03" in words(axes)
    assert words(beside)[-1] == "live run" and not beside.lines
    assert drawn.get_size_inches() * 25.4 == pytest.approx(widget_figure.SIZE)


def test_a_size_without_renormalization_has_two_arms(tables):
    axes = batch_size.explore(tables, batch_size=256, budget="examples").axes[0]
    assert "best rate: BN 0.3, without 0.03" in words(axes)


def test_the_axes_of_accuracy_and_rate_are_the_same_for_every_choice(tables):
    drawn = [
        batch_size.explore(tables, batch_size=size, budget=budget) for size, budget in ((2, "examples"), (256, "steps"))
    ]
    limits = [(figure.axes[0].get_xlim(), *(axes.get_ylim() for axes in figure.axes)) for figure in drawn]
    assert limits[0] == limits[1] and limits[0][1] == limits[0][2]


def test_a_live_run_is_drawn_over_its_steps_beside_the_record(tables):
    rows = [("a run", step, "validation", 1.0, value) for step, value in ((0, 0.1), (512, 0.6), (1024, 0.7))]
    curves = pd.DataFrame(rows, columns=["run", "step", "split", "loss", "value"])
    beside = batch_size.explore(tables, curves, batch_size=8, budget="examples").axes[1]
    assert list(beside.lines[0].get_ydata()) == [0.1, 0.6, 0.7]
    assert "live" in words(beside) and "live run" not in words(beside)
    assert beside.get_xlim() == (0, 1024)


@pytest.mark.parametrize(("size", "budget", "steps"), [(2, "examples", 4_096), (256, "examples", 32), (2, "steps", 64)])
def test_the_live_run_has_bn_at_that_size_and_its_best_rate_and_a_seed_that_is_not_reported(
    tables, size, budget, steps
):
    config = batch_size.live(tables, batch_size=size, budget=budget)
    assert (config["normalization"], config.batch_size, config["learning_rate"], config.steps) == (
        "batch",
        size,
        0.3,
        steps,
    )
    assert config.seed == CALIBRATION_SEEDS[0] and config["measurements"] == ""
    assert 10 <= config.steps / config.evaluate_every <= 20


def test_a_long_live_run_ends_early_and_where_the_budgets_meet_the_live_run_is_the_same():
    paper = make_batch_size(1, "paper")
    assert batch_size.live(paper, batch_size=2, budget="examples").steps == 10_000
    both = [batch_size.live(paper, batch_size=batch_size.REFERENCE, budget=budget) for budget in batch_size.BUDGETS]
    assert both[0] == both[1]
