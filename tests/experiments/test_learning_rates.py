import numpy as np
import pandas as pd
import pytest
from matplotlib.colors import to_hex
from matplotlib.figure import Figure

from bnrepro.analysis import paper
from bnrepro.analysis.claims import CONTRADICTED, FEWEST, INCONCLUSIVE, SUPPORTED
from bnrepro.analysis.select import group_curves
from bnrepro.config.group import Group
from bnrepro.config.inception_bn import inception_bn
from bnrepro.config.inception_small import inception_small
from bnrepro.config.validation import PRESETS
from bnrepro.errors import UserError
from bnrepro.experiments import EXPERIMENTS
from bnrepro.experiments.learning_rates import tables as statistics_of
from bnrepro.experiments.presets import CALIBRATION_SEEDS, FIRST_JUDGED, SELECTING_SEEDS
from bnrepro.experiments.setups import BASE_RATE, CHANGES, PAPER_MODELS, TEN_MODULES_RATE
from bnrepro.plotting import network_diagram
from bnrepro.plotting.arms import COLORS, LABELS
from bnrepro.records.results import select
from bnrepro.records.schemas import SCHEMAS
from bnrepro.report.verdicts import judged
from tests.experiments.factories import finding_tables, make_tables, papers_numbers, statistic
from tests.experiments.rows import CHANCE, table
from tests.plotting.drawing import drawer, every_panel

learning_rates = EXPERIMENTS["03_learning_rates"]

NOTEBOOK = "03_learning_rates"
ARMS = statistics_of.ARMS
TOLERANCE = 1e-12  # the same sums in another order


PRINTED = ("baseline", "bn_x5", "bn_x30")
"""The arms that run at the paper's own rates besides."""

GROUPS = (
    {arm: Group("race", arm=arm) for arm in ARMS}
    | {name: Group(name) for name in ("rates", "calibration")}
    | {f"printed_{arm}": Group("papers_rates", arm=arm) for arm in PRINTED}
)
"""By the name that a test calls them: an arm of the race, or another group."""


FIRST = {name: FIRST_JUDGED for name in ARMS} | {"rates": 0}
"""The first seed of the runs that are reported."""


def runs_of(tables, name):
    return select(tables, GROUPS[name].group, arm=GROUPS[name].arm)


def without(config, *names):
    return {name: value for name, value in config.as_dict().items() if name not in names}


def make(seeds=3, diverging=(), at=50, preset="quick"):
    """Made-up tables of which the runs of the groups `diverging`, and no others, diverge at a step."""
    sweep = learning_rates.sweep(preset, seeds=seeds)
    tables = make_tables(sweep, {config.id: at for group in diverging for config in sweep[GROUPS[group]]})
    return {name: tables[name] for name in ("sweep", *learning_rates.TABLES)}


def every(tables, group):
    return int(runs_of(tables, group)["evaluate_every"].iloc[0])


def write(tables, group, accuracies, **which):
    """Sets the validation accuracies after step 0 of a group's runs, a list a seed; its last value holds to the end."""
    runs = runs_of(tables, group).sort_values("seed")
    for name, value in which.items():
        runs = runs[runs[name] == value]
    curves = tables["curves"].copy()
    for run, values in zip(runs["run"], accuracies, strict=True):
        rows = curves.index[(curves["run"] == run) & (curves["split"] == "validation") & (curves["step"] > 0)]
        curves.loc[rows, "value"] = [values[min(place, len(values) - 1)] for place in range(len(rows))]
    tables["curves"] = curves


@pytest.mark.parametrize("preset", PRESETS)
def test_the_base_rate_is_chosen_on_the_baseline_alone_on_seeds_that_are_not_reported(preset):
    sweep = learning_rates.sweep(preset)
    calibration = sweep.pop(GROUPS["calibration"])
    raced = sweep[GROUPS["baseline"]] + sweep[GROUPS["bn_baseline"]]
    assert {config["normalization"] for config in calibration} == {"none"}
    reported = {config.seed for group in sweep.values() for config in group}
    assert reported.isdisjoint({*CALIBRATION_SEEDS, *SELECTING_SEEDS})
    rates = {"inception_small": BASE_RATE} | ({"inception_bn": TEN_MODULES_RATE} if preset == "paper" else {})
    seeds = {"inception_small": CALIBRATION_SEEDS, "inception_bn": SELECTING_SEEDS}
    for model, rate in rates.items():
        own = [config for config in calibration if config["model"] == model]
        assert {config.seed for config in own} == set(seeds[model]) and rate in {
            config["learning_rate"] for config in own
        }
    assert {(config["model"], config["learning_rate"]) for config in raced} == {list(rates.items())[-1]}


def test_the_race_of_the_record_has_the_papers_ten_modules_and_shorter_presets_four():
    nets = {preset: learning_rates.sweep(preset)[GROUPS["baseline"]][0] for preset in PRESETS}
    assert {preset: net["model"] for preset, net in nets.items()} == {
        "smoke": "inception_small",
        "quick": "inception_small",
        "paper": "inception_bn",
    }
    ten = nets["paper"]
    sizes = {module.name[0]: module.size for module in inception_bn(ten["width"], 28, ten["model.stem"])}
    assert sizes == {"3": 4, "4": 2, "5": 2}, "of the last of each, which strides"


def test_the_arms_with_bn_are_read_through_population_statistics():
    sweep = learning_rates.sweep("paper")
    read = {arm: sweep[GROUPS[arm]][0].as_dict().get("normalization.inference") for arm in ARMS}
    assert read == {arm: "population" if arm.startswith("bn") else None for arm in ARMS}


def test_bn_baseline_is_the_baseline_with_bn_and_nothing_else_changed():
    sweep = learning_rates.sweep("paper")
    for one, other in zip(sweep[GROUPS["baseline"]], sweep[GROUPS["bn_baseline"]], strict=True):
        assert other == one.replace(normalization="batch", inference="population")


def test_x5_and_x30_differ_in_the_rate_alone_and_have_all_changes_of_section_421():
    sweep = learning_rates.sweep("paper")
    for five, thirty, base in zip(
        sweep[GROUPS["bn_x5"]], sweep[GROUPS["bn_x30"]], sweep[GROUPS["bn_baseline"]], strict=True
    ):
        assert without(five, "learning_rate") == without(thirty, "learning_rate")
        assert thirty["learning_rate"] == pytest.approx(6 * five["learning_rate"])
        changed = {name for name, value in five.as_dict().items() if value != base.as_dict()[name]}
        assert len(changed - {"measurements"}) == len(CHANGES)


def test_an_arm_with_all_changes_but_the_rate_differs_from_bn_x5_in_bn_and_the_rate_alone():
    sweep = learning_rates.sweep("paper")
    for arm, also in (("baseline_changed", {"learning_rate"}), ("baseline_x5_changed", set())):
        for one, other in zip(sweep[GROUPS[arm]], sweep[GROUPS["bn_x5"]], strict=True):
            bare = other.replace(normalization="none", measurements="")
            assert {name for name, value in one.as_dict().items() if value != bare.as_dict()[name]} == also


def test_every_group_has_the_same_seeds_enough_for_a_verdict():
    sweep = learning_rates.sweep("paper")
    for group in (*ARMS, "rates"):
        count = 8 if group == "rates" else 12
        seeds = [config.seed for config in sweep[GROUPS[group]]]
        assert set(seeds) == set(range(FIRST[group], FIRST[group] + count)) and len(seeds) % count == 0


def test_some_arms_run_at_the_papers_rates_besides_in_the_record_alone_and_differ_in_nothing_else():
    sweep = learning_rates.sweep("paper")
    for arm, rate in zip(PRINTED, (0.0015, 0.0075, 0.045), strict=True):
        for printed, raced in zip(sweep[GROUPS[f"printed_{arm}"]], sweep[GROUPS[arm]], strict=True):
            assert printed["learning_rate"] == pytest.approx(rate)
            assert without(printed, "learning_rate", "measurements") == without(raced, "learning_rate", "measurements")
    for given in ({"preset": "quick"}, {"preset": "paper", "task": "imagenet"}):
        assert "papers_rates" not in {group.group for group in learning_rates.sweep(**given)}


def test_overrides_reach_every_group_and_fewer_steps_shorten_all():
    given = dict(seeds=3, steps=50, batch_size=16, learning_rate=0.01, width=8, task="cifar10")
    sweep = learning_rates.sweep("quick", **given)
    for group in ("bn_x5", "rates"):
        assert {config.seed for config in sweep[GROUPS[group]]} == {FIRST[group] + seed for seed in range(3)}
    assert {config["learning_rate"] for config in sweep[GROUPS["baseline"]]} == {0.01}
    for group in sweep.values():
        assert all(config.steps <= 50 and config.evaluate_every <= 50 for config in group)
        assert {(config.batch_size, config["width"], config["task"]) for config in group} == {(16, 8, "cifar10")}


@pytest.mark.parametrize("preset", PRESETS)
def test_imagenet_brings_the_papers_net_with_it_and_the_rates_and_steps_of_its_figures(preset):
    sweep = learning_rates.sweep(preset, task="imagenet", folder="/data/imagenet")
    printed = paper.figure3().set_index("model")
    for arm, model in PAPER_MODELS.items():
        (config,) = sweep[GROUPS[arm]]
        assert (config["model"], config.batch_size, config.task.folder) == ("inception_bn", 32, "/data/imagenet")
        assert config["learning_rate"] == pytest.approx(printed.loc[model, "initial_learning_rate"])
        if preset == "paper":
            assert (config.steps, config["width"]) == (printed.loc["Inception", "steps_to_72_2_percent"], 64)
    for group in sweep.values():  # the grid of rates has the paper's too
        assert {config["learning_rate"] for config in group} <= {0.0015, 0.0075, 0.045}
    assert all(
        config["activation"] == ("sigmoid" if arm.endswith("sigmoid") else "relu")
        for arm in ARMS
        for config in sweep[GROUPS[arm]]
    )


def test_the_full_size_baseline_decays_by_4_percent_in_8_epochs():
    (config,) = learning_rates.sweep("paper", task="imagenet")[GROUPS["baseline"]]
    epochs = config.steps * config.batch_size / 1_281_167
    assert 0.5 ** config["rate_halvings"] == pytest.approx(0.96 ** (epochs / 8), rel=0.01)


def test_what_only_imagenet_has_is_refused_without_it_and_imagenet_is_refused_elsewhere():
    with pytest.raises(UserError, match="folder is a field of the task imagenet: this run has fashion_mnist"):
        learning_rates.sweep("smoke", folder="/data/imagenet")
    with pytest.raises(UserError, match="in memory, but for imagenet in notebook 03: got imagenet"):
        EXPERIMENTS["04_regularization"].sweep("smoke", task="imagenet")


def test_the_full_size_net_is_drawn_as_the_papers_table():
    axes = Figure().subplots()
    network_diagram.draw_table(axes, inception_bn(64, 224))
    words = [text.get_text() for text in axes.texts]
    assert words[:8] == ["3a", "64", "64", "64", "64", "96", "average, 32", "28×28×256"]
    assert words.count("max, stride 2") == 2 and words[-1] == "Images"


def test_it_has_the_parts_of_a_finding():
    found = learning_rates.findings(finding_tables(NOTEBOOK, "smoke"))
    assert list(found.query("label == ''")["claim"]) == [claim.id for claim in EXPERIMENTS[NOTEBOOK].claims]
    assert set(learning_rates.TABLES) <= set(SCHEMAS) and set(learning_rates.PRESETS) == set(PRESETS)


def test_the_papers_numbers_are_those_of_its_figure_3():
    assert papers_numbers(learning_rates) == pytest.approx(
        {"L10": 31.0 / 13.3, "L11": 13.3 / 2.1, "L13": 0.748 - 0.730, "L17": 31.0 / 2.1, "L19": 0.748 - 0.730}
    )


@pytest.mark.slow
@pytest.mark.parametrize("preset", PRESETS)
def test_every_preset_is_analysed_and_drawn_without_a_warning(preset):
    tables = finding_tables(NOTEBOOK, preset)
    table = judged(learning_rates, tables)
    assert (set(table["verdict"]) == {INCONCLUSIVE}) == (preset != "paper")
    assert len(every_panel(learning_rates, tables)) == 11


@pytest.mark.slow
def test_the_target_is_the_best_accuracy_of_the_baseline_of_the_same_seed():
    tables, step = make(), every(make(), "baseline")
    write(tables, "baseline", [[0.6, 0.7, 0.65], [0.5, 0.8, 0.7], [0.1, 0.2, 0.3]])
    write(tables, "bn_baseline", [[0.5, 0.7], [0.79, 0.8], [0.4]])
    runs = statistics_of.race(tables).pivot(index="seed", columns="arm", values="steps_to_target")
    assert (runs["baseline"] / step).tolist() == [2, 2, 3] and (runs["bn_baseline"] / step).tolist() == [2, 2, 1]
    row = statistic(tables, "L10")
    assert row["estimate"] == 1 and row["bound"] == "" and row["n"] == 3
    assert row["note"] == (
        "runs of Baseline that reach that accuracy: 3 of 3; runs of BN-Baseline that reach that accuracy: 3 of 3; "
        "pairs that get there at the same evaluation, a ratio of 1: 2 of 3"
    )


def test_an_arm_that_never_gets_there_counts_with_all_its_steps_and_the_ratio_is_a_bound():
    tables = make()
    steps = runs_of(tables, "baseline")["steps"].iloc[0] / every(tables, "baseline")
    write(tables, "baseline", [[0.5, 0.7, 0.6]] * 3)
    write(tables, "bn_baseline", [[0.6]] * 3)
    row = statistic(tables, "L10")
    assert row["estimate"] == 2 / steps and row["bound"] == "<" and row["ci_low"] == 0
    assert "runs of BN-Baseline that reach that accuracy: 0 of 3" in row["note"]


def test_a_diverged_run_never_gets_there_and_is_told():
    tables = make(diverging=["bn_x5"])
    write(tables, "baseline", [[0.5]] * 3)
    write(tables, "bn_baseline", [[0.5]] * 3)
    row = statistic(tables, "L11")
    assert row["bound"] == "<"
    assert "runs of BN-x5 that reach that accuracy: 0 of 3; runs of BN-x5 that diverged: 3 of 3" in row["note"]


def test_the_note_of_l11_has_the_baseline_over_bn_x5():
    tables = make()
    write(tables, "baseline", [[0.1, 0.2, 0.3, 0.4, 0.5, 0.6]] * 3)
    write(tables, "bn_baseline", [[0.1, 0.2, 0.6]] * 3)
    write(tables, "bn_x5", [[0.6]] * 3)
    row = statistic(tables, "L11")
    last = min(6, runs_of(tables, "baseline")["steps"].iloc[0] // every(tables, "baseline"))
    assert row["estimate"] == 3 and row["note"].endswith(f"Baseline over BN-x5: {last} times ({last})")


def test_the_best_accuracies_of_x30_and_x5_are_compared_seed_by_seed():
    tables = make()
    write(tables, "bn_x5", [[0.9, 0.7], [0.8], [0.6]])
    write(tables, "bn_x30", [[0.7, 0.91, 0.6], [0.85], [0.5]])
    assert statistic(tables, "L13")["estimate"] == pytest.approx(0.01, abs=TOLERANCE)


def test_a_fast_baseline_is_compared_at_its_end_and_a_diverged_one_guesses():
    tables = make()
    write(tables, "baseline", [[0.8]] * 3)
    write(tables, "baseline_x5", [[0.9, 0.7], [0.75], [0.05]])
    assert statistic(tables, "L14")["estimate"] == pytest.approx(-0.1, abs=TOLERANCE)
    tables = make(diverging=["baseline_x5"])
    write(tables, "baseline", [[0.8]] * 3)
    row = statistic(tables, "L14")
    assert row["estimate"] == pytest.approx(CHANCE - 0.8, abs=TOLERANCE)
    assert row["note"] == "runs of Baseline x5 that diverged and count as guessing: 3 of 3"


def test_what_bn_adds_to_the_other_changes_is_told_at_the_baselines_rate_and_beside_it_at_five_times_that():
    tables = make()
    write(tables, "baseline", [[0.1, 0.2, 0.5]] * 3)
    write(tables, "baseline_changed", [[0.1, 0.5]] * 3)
    write(tables, "baseline_x5_changed", [[0.1, 0.2, 0.4]] * 3)
    write(tables, "bn_x5", [[0.6]] * 3)
    row = statistic(tables, "L12")
    assert row["estimate"] == 2 and row["bound"] == ""
    assert (
        "best accuracy of BN-x5: 60.00%" in row["note"] and "best accuracy of Baseline changed: 50.00%" in row["note"]
    )
    assert "Baseline x5 changed over BN-x5: > 3 times" in row["note"]
    assert "runs of Baseline x5 changed that reach that accuracy: 0 of 3" in row["note"]


def _printed(ends):
    """The record's tables in which the Baseline has its best at its last evaluation, at all rates, and BN-x5 as `ends` has it."""
    tables = make(preset="paper")
    for arm, values in {"baseline": [0.5] * 9 + [0.6], "printed_baseline": [0.4] * 9 + [0.5], **ends}.items():
        write(tables, arm, [values] * 3)
    return tables


def test_what_bn_x5_saves_at_the_papers_rates_is_told_beside_what_it_saves_at_the_baselines_best():
    tables = _printed({"bn_x5": [0.1] * 4 + [0.7], "printed_bn_x5": [0.1, 0.5]})
    row = statistic(tables, "L17")
    assert row["estimate"] == 5 and "runs of BN-x5 that reach that accuracy: 3 of 3" in row["note"]
    assert "the same at the Baseline's own best rate: 2 times" in row["note"] and "best of BN-x5: 50.00%" in row["note"]
    row = statistic(tables, "L18")
    assert (row["estimate"], row["bound"]) == (2.5, "")


@pytest.mark.parametrize(
    "ends, bound",
    [
        ({"bn_x5": [0.1], "printed_bn_x5": [0.5]}, ">"),
        ({"bn_x5": [0.7], "printed_bn_x5": [0.1]}, "<"),
        ({"bn_x5": [0.1], "printed_bn_x5": [0.1]}, "~"),
    ],
)
def test_where_bn_x5_never_gets_there_the_comparison_of_the_rates_is_a_bound(ends, bound):
    assert statistic(_printed(ends), "L18")["bound"] == bound


def test_the_best_accuracies_of_x30_and_x5_are_compared_at_the_papers_rates_too():
    row = statistic(_printed({"bn_x5": [0.9], "printed_bn_x5": [0.7], "printed_bn_x30": [0.75, 0.2]}), "L19")
    assert row["estimate"] == pytest.approx(0.05, abs=TOLERANCE) and "best of BN-x30: 75.00%" in row["note"]
    ours = statistic(_printed({"printed_bn_x5": [0.7], "printed_bn_x30": [0.75]}), "L13")
    assert "the same at the paper's own rates: 5.00 points" in ours["note"]


@pytest.mark.parametrize("claim", ["L17", "L18", "L19"])
def test_where_no_arm_ran_at_the_papers_rates_nothing_is_said_of_them(claim):
    row = statistic(make(), claim)
    assert row["verdict"] == INCONCLUSIVE and row["n"] == 0 and np.isnan(row["estimate"])


def test_sigmoids_without_bn_are_measured_from_chance_and_with_bn_from_those():
    tables = make()
    write(tables, "sigmoid", [[0.1], [0.12], [0.3]])
    write(tables, "bn_x5_sigmoid", [[0.7], [0.8], [0.8]])
    assert statistic(tables, "L15a")["estimate"] == pytest.approx(0.02, abs=TOLERANCE)
    assert statistic(tables, "L15b")["estimate"] == pytest.approx(0.6, abs=TOLERANCE)


def set_trains(tables, rates_by_arm):
    """Finished runs of the sweep of rates end at 90% at the rates given for their arm, elsewhere at 20%."""
    runs = runs_of(tables, "rates")
    tables["runs"] = tables["runs"].assign(
        status=tables["runs"]["status"].where(~tables["runs"]["run"].isin(runs["run"]), "finished")
    )
    for (arm, rate), own in runs.groupby(["normalization", "learning_rate"]):
        ends = [0.9 if rate in rates_by_arm[arm] else 0.2] * len(own)
        rows = tables["curves"][tables["curves"]["run"].isin(own["run"]) & (tables["curves"]["split"] == "validation")]
        last = own["steps"].iloc[0]
        missing = [
            (run, last, "validation", 1.0, 0.2)
            for run in own["run"]
            if last not in set(rows[rows["run"] == run]["step"])
        ]
        tables["curves"] = pd.concat([tables["curves"], table("curves", missing)], ignore_index=True)
        write(tables, "rates", [[end] for end in ends], normalization=arm, learning_rate=rate)


RATES = learning_rates.PRESETS["quick"].rates


def test_a_run_that_diverged_does_not_train_whatever_it_reached_before():
    tables = make(diverging=["rates"])
    assert not statistics_of.rated(tables)["trains"].any()


def test_the_invariances_are_judged_by_the_largest_error_of_all():
    tables = make(seeds=FEWEST)
    assert statistic(tables, "L8")["verdict"] == SUPPORTED
    errors = tables["invariances"]["error"].copy()
    errors.iloc[-1] = 0.5
    row = (
        judged(learning_rates, tables | {"invariances": tables["invariances"].assign(error=errors)})
        .set_index("claim")
        .loc["L8"]
    )
    assert (row["estimate"], row["ci_low"], row["ci_high"], row["n"]) == (0.5, 0.5, 0.5, FEWEST)
    assert row["verdict"] == CONTRADICTED


def test_without_a_trained_net_the_invariances_are_not_judged():
    tables = make(seeds=FEWEST)
    row = statistic(tables | {"invariances": tables["invariances"].iloc[:0]}, "L8")
    assert (
        row["verdict"] == INCONCLUSIVE
        and row["n"] == 0
        and row["note"] == "trained nets with BN in which it was measured: 0"
    )


def test_the_distance_of_singular_values_from_1_is_the_mean_over_layers_after_the_last_step():
    tables = make()
    geometry = tables["geometry"].copy()
    for arm, values in (("baseline", [0.5, 0.6, 0.7]), ("bn_baseline", [0.4, 0.2, 0.9])):
        for run, value in zip(runs_of(tables, arm).sort_values("seed")["run"], values):
            rows = (geometry["run"] == run) & (geometry["quantity"] == "isometry_error")
            geometry.loc[rows & (geometry["step"] == 0), "value"] = 99.0
            geometry.loc[rows & (geometry["step"] > 0), "value"] = [value - 0.1, value, value + 0.1]
    row = statistic(tables | {"geometry": geometry}, "L16")
    assert row["estimate"] == pytest.approx(-0.1, abs=TOLERANCE) and row["n"] == 3


def test_a_pair_that_diverged_leaves_the_singular_values_undetermined_on_both_sides():
    tables = make(seeds=FEWEST, diverging=["baseline"])
    row = statistic(tables, "L16")
    assert (row["estimate"], row["ci_low"], row["ci_high"]) == (0.0, -np.inf, np.inf)
    assert row["verdict"] == INCONCLUSIVE and row["note"].endswith(f"count as no difference: {FEWEST} of {FEWEST}")


def test_figure_3_is_a_row_an_arm_with_the_papers_columns_beside_ours():
    tables = make(diverging=["baseline_x5"])
    step = every(tables, "baseline")
    write(tables, "baseline", [[0.1, 0.5, 0.4], [0.1, 0.6, 0.4], [0.1, 0.4, 0.2]])
    write(tables, "bn_x5", [[0.6], [0.55], [0.5]])
    table = learning_rates.figure3(tables).set_index("arm")
    assert list(table.index) == list(ARMS)
    assert table.loc["baseline", ["steps", "reached", "fewer", "best_accuracy"]].tolist() == [2 * step, 1, 1, 0.5]
    row = table.loc["bn_x5"]
    assert row["steps"] == step and row["reached"] == pytest.approx(2 / 3) and row["fewer"] == 2
    assert (row["best_accuracy"], row["best_low"], row["best_high"]) == (0.55, 0.5, 0.6)
    assert np.isinf(row["steps_high"]) and row["diverged"] == 0
    lost = table.loc["baseline_x5"]
    assert (lost["diverged"], lost["reached"], lost["best_accuracy"], lost["bound"]) == (1, 0, CHANCE, "<")
    printed = paper.figure3().set_index("model")
    assert table.loc["bn_x30", "paper_steps"] == printed.loc["BN-x30", "steps_to_72_2_percent"]
    assert table.loc["bn_x5", "paper_fewer"] == pytest.approx(31.0 / 2.1)
    assert table.loc[["sigmoid", "baseline_x5"], "paper_best_accuracy"].isna().all()
    assert (
        np.isnan(table.loc["bn_x5_sigmoid", "paper_steps"])
        and table.loc["bn_x5_sigmoid", "paper_best_accuracy"] == 0.698
    )


def test_calibration_chooses_the_rate_of_the_highest_mean_best_accuracy():
    tables = make()
    for rate in RATES:
        write(tables, "calibration", [[0.2, 0.1]] * 2, learning_rate=rate)
    write(tables, "calibration", [[0.9, 0.1], [0.3]], learning_rate=RATES[0])
    write(tables, "calibration", [[0.5], [0.6]], learning_rate=RATES[1])
    cells = learning_rates.calibrated(tables).set_index("learning_rate")
    assert set(cells["model"]) == {"inception_small"}
    assert cells.loc[RATES[0], "best_metric"] == pytest.approx(0.6)
    assert cells["chosen"].tolist() == [True, False, False, False]
    assert cells.index[cells["frozen"]].tolist() == [BASE_RATE]


def test_the_sweep_counts_diverged_runs_and_a_rate_trains_if_half_of_its_runs_do():
    tables = make(seeds=2)
    set_trains(tables, {"none": (), "batch": ()})
    write(tables, "rates", [[0.2], [0.5]], normalization="batch", learning_rate=RATES[1])
    table = statistics_of.rate_sweep(tables).set_index(["normalization", "learning_rate"])
    assert table["trains"].sum() == 1 and table.loc[("batch", RATES[1]), "trains"]
    assert table.loc[("batch", RATES[1]), "estimate"] == pytest.approx(0.35) and table.loc[("batch", RATES[1]), "best"]
    assert table.loc[("none", RATES[0]), "best"], "the lowest of equals"
    lost = statistics_of.rate_sweep(make(diverging=["rates"]))
    assert (lost["diverged"] == 3).all() and (lost["estimate"] == CHANCE).all()


def test_weight_norms_and_effective_rates_are_relative_to_the_start_of_the_run():
    tables = make(seeds=1)
    run = runs_of(tables, "bn_baseline")["run"].item()
    rows = [(run, step, "all", "weight_norm", 10 * (1 + step / 100)) for step in (0, 100)]
    rows += [(run, step, "all", "learning_rate", 0.2 / (1 + step / 100)) for step in (0, 100)]
    found = statistics_of.effective_rates(tables | {"geometry": pd.DataFrame(rows, columns=SCHEMAS["geometry"])})
    assert found["weight_norm"].tolist() == [1, 2] and found["effective_rate"].tolist() == [1, pytest.approx(1 / 8)]


def test_gradient_norms_are_those_of_the_largest_rate_that_trains():
    tables = make()
    set_trains(tables, {"none": RATES[:2], "batch": RATES[:3]})
    table = statistics_of.gradients(tables)
    rates = table.groupby("normalization")["learning_rate"].unique()
    assert rates["none"].tolist() == [RATES[1]] and rates["batch"].tolist() == [RATES[2]]
    assert set(table["moment"]) == {"start", "end"}
    assert list(dict.fromkeys(table["layer"]))[:2] == ["stem", "3a_three_reduce"]
    set_trains(tables, {"none": (), "batch": RATES[:3]})
    assert set(statistics_of.gradients(tables).query("normalization == 'none'")["moment"]) == {"start"}


@pytest.fixture(scope="module")
def drawn():
    """The axes of the paper preset's made-up tables by their panel's name, the first of several."""
    return drawer(learning_rates, finding_tables(NOTEBOOK, "paper"))


def thick(axes, arm):
    lines = [line for line in axes.lines if to_hex(line.get_color()) == COLORS[arm].lower()]
    return next(line for line in lines if line.get_label() == LABELS[arm])


@pytest.mark.slow
def test_the_thick_lines_are_medians_and_each_seed_is_a_thin_one(drawn):
    curves = group_curves(finding_tables(NOTEBOOK, "paper"), "race").query("split == 'validation'")
    for arm in ("baseline", "bn_x5", "sigmoid"):
        own = curves[curves["arm"] == arm]
        np.testing.assert_allclose(thick(drawn("accuracy"), arm).get_ydata(), own.groupby("step")["value"].median())
        color = [line for line in drawn("accuracy").lines if to_hex(line.get_color()) == COLORS[arm].lower()]
        assert len([line for line in color if line.get_linewidth() < 1 and len(line.get_xdata()) > 1]) == 12


def test_a_dot_is_where_the_median_of_an_arm_reaches_the_target(drawn):
    race = statistics_of.race(finding_tables(NOTEBOOK, "paper"))
    dots = {
        to_hex(line.get_color()): line.get_xydata()[0] for line in drawn("accuracy").lines if line.get_marker() == "o"
    }
    for arm in ARMS:
        reached = race.loc[race["arm"] == arm, "steps_to_target"].median()
        assert (COLORS[arm].lower() in dots) == np.isfinite(reached)
        if np.isfinite(reached):
            assert dots[COLORS[arm].lower()].tolist() == [reached, race["target"].median()]


def test_an_arm_that_diverged_is_crossed_and_named_so():
    axes = drawer(learning_rates, make(diverging=["baseline_x5"]))("accuracy")
    crosses = [line for line in axes.lines if line.get_marker() == "x"]
    assert [to_hex(line.get_color()) for line in crosses] == [COLORS["baseline_x5"].lower()]
    words = {text.get_text() for text in axes.texts}
    assert "Baseline x5, 3 diverged" in words and {LABELS[arm] for arm in ARMS if arm != "baseline_x5"} <= words


def test_the_papers_figure_2_is_drawn_as_it_is_with_its_printed_steps_as_diamonds(drawn):
    points, printed = paper.figure2(), paper.figure3().set_index("model")
    own = points[points["model"] == "BN-x30"]
    np.testing.assert_array_equal(thick(drawn("paper"), "bn_x30").get_xydata(), own[["step", "validation_accuracy"]])
    diamonds = [line.get_xdata()[0] for line in drawn("paper").lines if line.get_marker() == "D"]
    np.testing.assert_array_equal(np.sort(diamonds), np.sort(printed["steps_to_72_2_percent"]))


def test_the_papers_ratios_stand_on_our_baseline(drawn):
    table = learning_rates.figure3(finding_tables(NOTEBOOK, "paper")).set_index("arm")
    diamonds = [line.get_xdata()[0] for line in drawn("steps").lines if line.get_marker() == "D"]
    steps = table.loc["baseline", "steps"]
    assert diamonds == pytest.approx([steps, steps / (31.0 / 13.3), steps / (31.0 / 2.1), steps / (31.0 / 2.7)])
    dots = [line.get_xdata()[0] for line in drawn("steps").lines if line.get_marker() == "o"]
    assert dots == table.loc[table["reached"] > 0.5, "steps"].tolist()
    assert [label.get_text() for label in drawn("steps").get_yticklabels()] == [LABELS[arm] for arm in ARMS]


def test_the_rates_are_drawn_with_the_range_that_trains_the_best_and_the_lost(drawn):
    sweep = statistics_of.rate_sweep(finding_tables(NOTEBOOK, "paper"))
    for row, arm in enumerate(("none", "batch")):
        own = sweep[sweep["normalization"] == arm]
        np.testing.assert_array_equal(thick(drawn("rates"), arm).get_ydata(), own["estimate"])
        marks = [line for line in drawn("rates").figure.axes[1].lines if set(line.get_ydata()) == {row}]
        bar = next(line for line in marks if line.get_linewidth() > 3)
        assert list(bar.get_xdata()) == [own.loc[own["trains"], "learning_rate"].agg(end) for end in ("min", "max")]
        star, cross = (next(line for line in marks if line.get_marker() == marker) for marker in "*x")
        assert list(star.get_xdata()) == own.loc[own["best"], "learning_rate"].tolist()
        assert list(cross.get_xdata()) == own.loc[own["diverged"] > 0, "learning_rate"].tolist()
    assert drawn("rates").get_xscale() == "log"


def test_the_explanations_are_medians_over_the_seeds(drawn):
    tables = finding_tables(NOTEBOOK, "paper")
    effective = statistics_of.effective_rates(tables).query("arm == 'bn_x30'").groupby("step").median(numeric_only=True)
    for name in ("weight_norm", "effective_rate"):
        np.testing.assert_allclose(thick(drawn(name), "bn_x30").get_ydata(), effective[name])
    gradients = statistics_of.gradients(tables).query("normalization == 'batch'")
    for axes, moment in zip(drawn("gradients").figure.axes, ("start", "end"), strict=True):
        own = gradients[gradients["moment"] == moment].groupby("layer", sort=False)["value"].median()
        np.testing.assert_allclose(thick(axes, "batch").get_ydata(), own)
    jacobians = statistics_of.jacobians(tables)
    dots = [line.get_ydata()[0] for line in drawn("jacobians").lines if line.get_marker() == "o"]
    assert sorted(dots) == sorted(jacobians["p50"]) and len(dots) == 2 * 2 * 3


def test_the_largest_change_and_error_are_lines_over_the_scale(drawn):
    table = statistics_of.invariances(finding_tables(NOTEBOOK, "paper"))
    lines = {line.get_label(): line for line in drawn("invariances").lines}
    for quantity in ("logits", "gradient"):
        for name in ("change", "error"):
            worst = table[table["quantity"] == quantity].groupby("scale")[name].max()
            np.testing.assert_array_equal(lines[f"{quantity}, {name}"].get_ydata(), worst)


def test_the_ten_modules_of_the_record_are_drawn_as_a_table(drawn):
    words = [text.get_text() for text in drawn("network").texts]
    assert words[:8] == ["3a", "8", "8", "8", "8", "12", "average, 4", "7×7×32"] and "2×2×128" in words


def test_the_picture_of_four_modules_has_every_branch_with_its_channels():
    modules = inception_small(16, 28)
    words = [text.get_text() for text in drawer(learning_rates, finding_tables(NOTEBOOK, "quick"))("network").texts]
    for module in modules:
        for row in network_diagram.branches(module):
            assert all(box.text in words for box in row)
        assert f"{module.size}×{module.size}×{module.channels}" in words and module.name in words
    assert {"LRN", "Dropout", "softmax\n10", "28×28×1"} <= set(words)


@pytest.mark.parametrize("kind", ["inception", "stride"])
def test_a_module_has_the_branches_of_its_kind(kind):
    module = next(module for module in inception_small(16, 28) if module.kind == kind)
    rows = network_diagram.branches(module)
    assert len(rows) == {"inception": 4, "stride": 3}[kind]
    assert all(("/2" in row[-1].text) == (kind == "stride") for row in rows)


@pytest.mark.slow
@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize(
    ("groups", "at"), [((*ARMS, "rates", "calibration"), 0), ((*ARMS, "rates"), 3), (("baseline",), 3), (("rates",), 3)]
)
def test_whatever_diverges_it_is_analysed_and_drawn(groups, at):
    tables = make(seeds=2, diverging=groups, at=at, preset="smoke")
    found = judged(learning_rates, tables).set_index("claim")
    assert (found.drop(["L8", "L17", "L18", "L19"])["n"] == 2).all()
    assert len(learning_rates.figure3(tables)) == len(ARMS)
    assert len(every_panel(learning_rates, tables)) == 11


@pytest.mark.slow
@pytest.mark.filterwarnings("error")
def test_other_data_and_another_width_are_drawn_as_they_are():
    tables = make_tables(learning_rates.sweep("smoke", task="cifar10", width=48))
    *_, figure = every_panel(learning_rates, tables)
    words = {text.get_text() for text in figure.axes[0].texts}
    assert "32×32×3" in words and "3×3/2\n48" in words
