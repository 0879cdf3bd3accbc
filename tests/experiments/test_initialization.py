"""`05_initialization`: each claim's statistic on tables whose answers are known, its figure by its artists, its panel."""

import itertools

import numpy as np
import pandas as pd
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import to_hex
from matplotlib.text import Text

from bnrepro.analysis.claims import CONTRADICTED, INCONCLUSIVE, SUPPORTED
from bnrepro.config.group import Group
from bnrepro.experiments import EXPERIMENTS
from bnrepro.experiments.control import start_of
from bnrepro.experiments.initialization import tables as found
from bnrepro.experiments.initialization.sweep import STARTS
from bnrepro.experiments.presets import FIRST_JUDGED
from bnrepro.experiments.setups import ARMS
from bnrepro.plotting import widget_figure
from bnrepro.plotting.arms import COLORS, LABELS
from bnrepro.plotting.inks import INK
from bnrepro.plotting.panel import draw_panel
from bnrepro.plotting.style import MM
from bnrepro.records.results import select
from bnrepro.report.verdicts import judged
from tests.experiments.factories import finding_tables, papers_numbers, statistic
from tests.experiments.factories_initialization import made
from tests.experiments.rows import CHANCE
from tests.plotting.drawing import drawer

initialization = EXPERIMENTS["05_initialization"]

NAMES = [claim.id for claim in EXPERIMENTS["05_initialization"].claims]
STDS, RATES = (0.01, 1.0), (0.1, 1.0)  # of the preset smoke
GOOD, POOR = 0.9, 0.2
START = dict(net="sigmoid", initial_std=0.01, learning_rate=0.1)


def everywhere(accuracy):
    """All runs end alike."""
    return lambda config: accuracy


def by_arm(none, batch):
    """All runs of an arm end alike; None: they diverge."""
    return lambda config: batch if config["normalization"] == "batch" else none


def cells(none, batch, relu=POOR):
    """Of each arm the cells (std, rate) that train in the map of the sigmoid net, and where every ReLU net ends."""

    def ends(config):
        if config["activation"] == "relu":
            return relu
        trained = batch if config["normalization"] == "batch" else none
        return GOOD if (config["initial_std"], config["learning_rate"]) in trained else POOR

    return ends


def layers(none, batch):
    """The largest depth of the sigmoid nets that trains in each arm; 0: none does."""

    def ends(config):
        return GOOD if config["hidden_layers"] <= (batch if config["normalization"] == "batch" else none) else POOR

    return ends


ALL = tuple(itertools.product(STDS, RATES))


def maps_of(tables):
    """The four heat maps: net by net, without and with BN."""
    return [axes for net in found.NETS for axes in draw_panel(initialization.panel(f"map_{net}"), tables).axes]


def words(axes):
    return [text.get_text() for text in axes.texts]


def test_every_claim_has_its_statistic_in_the_order_of_the_claims_and_the_paper_has_no_number():
    assert list(judged(initialization, made(everywhere(GOOD)))["claim"]) == NAMES == ["I1", "I2", "I4"]
    assert papers_numbers(initialization) == {}


def test_a_run_trains_that_finished_at_half_or_above_on_the_test_set_and_a_diverged_one_guesses():
    def ends(config):
        return None if config.seed % FIRST_JUDGED == 0 else 0.5 if config.seed % FIRST_JUDGED == 1 else 0.499

    runs = found.ended(made(ends, seeds=3, validation=everywhere(GOOD)), "map")
    runs = runs.set_index(runs["seed"] % FIRST_JUDGED)
    assert not runs.loc[0, "trains"].any() and runs.loc[1, "trains"].all() and not runs.loc[2, "trains"].any()
    assert set(runs.loc[0, "final_metric"]) == set(runs.loc[0, "validation_metric"]) == {CHANCE}
    assert set(runs.loc[1, "validation_metric"]) == {GOOD}


def test_a_group_has_a_setting_for_each_net_or_start():
    tables = made(everywhere(GOOD))
    assert list(dict.fromkeys(found.ended(tables, "start")["setting"])) == list(STARTS)
    assert set(found.ended(tables, "map")["setting"]) == set(found.NETS)
    assert list(dict.fromkeys(found.ended(tables, "depth")["setting"])) == list(found.FROM)


@pytest.mark.parametrize(
    ("none", "batch", "ratio", "verdict"),
    [(ALL[:1], ALL[:3], 3, SUPPORTED), (ALL[:2], ALL[:1], 0.5, CONTRADICTED), (ALL[:2], ALL[1:3], 1, INCONCLUSIVE)],
)
def test_i1_is_the_ratio_of_the_shares_of_the_map_that_train(none, batch, ratio, verdict):
    found_row = statistic(made(cells(none, batch), seeds=7), "I1")
    assert (found_row["estimate"], found_row["n"], found_row["bound"]) == (ratio, 7, "")
    assert found_row["verdict"] == verdict


def test_i1_is_the_median_of_the_seeds_and_its_note_has_both_shares():
    def ends(config):
        trained = ALL[: 1 + config.seed % FIRST_JUDGED] if config["normalization"] == "batch" else ALL[:1]
        cell = (config["initial_std"], config["learning_rate"])
        return GOOD if config["activation"] == "relu" or cell in trained else POOR

    found_row = statistic(made(ends, seeds=3), "I1")
    assert (found_row["estimate"], found_row["ci_low"], found_row["ci_high"]) == (2, 1, 3)
    assert found_row["note"] == (
        "share of the map that trains without BN: 25%; share of the map that trains with BN: 50%; ReLU net, share of the map "
        "that trains without BN: 100%; ReLU net, share of the map that trains with BN: 100%; ReLU net, ratio: 1 times (1)"
    )


def test_i1_counts_an_arm_without_a_cell_that_trains_as_one_cell_and_the_ratio_is_a_bound():
    found_row = statistic(made(cells((), ALL), seeds=7), "I1")
    assert (found_row["estimate"], found_row["bound"], found_row["ci_low"]) == (4, ">", 4)
    assert np.isinf(found_row["ci_high"]) and found_row["verdict"] == SUPPORTED
    assert "seeds without a cell that trains without BN, which count as one: 7 of 7" in found_row["note"]
    upper = statistic(made(cells(ALL, ()), seeds=7), "I1")
    assert (upper["estimate"], upper["bound"], upper["verdict"]) == (0.25, "<", CONTRADICTED)
    neither = statistic(made(cells((), ()), seeds=7), "I1")
    assert (neither["estimate"], neither["bound"], neither["verdict"]) == (1, "~", INCONCLUSIVE)


def test_i1_counts_the_runs_that_diverged_in_each_net():
    def ends(config):
        return None if config["learning_rate"] == 1.0 and config["activation"] == "relu" else GOOD

    note = statistic(made(ends, seeds=2), "I1")["note"]
    assert note.endswith("count as guessing: 0 of 16; ReLU net, runs that diverged and count as guessing: 8 of 16")
    assert "ReLU net, share of the map that trains without BN: 50%" in note
    assert "diverged" not in statistic(made(everywhere(GOOD)), "I1")["note"]


def spread(none, batch):
    """Accuracies at the two stds differ by twice `none` and `batch` at the rate 0.1, which is the best one."""

    def ends(config):
        middle = 0.7 if config["learning_rate"] == 0.1 else 0.3
        width = batch if config["normalization"] == "batch" else none
        return middle + (width if config["initial_std"] == 1.0 else -width)

    return ends


@pytest.mark.parametrize(
    ("none", "batch", "verdict"), [(0.2, 0.05, SUPPORTED), (0.05, 0.2, CONTRADICTED), (0.1, 0.1, INCONCLUSIVE)]
)
def test_i2_is_the_difference_of_the_standard_deviations_over_the_stds_at_the_best_rate(none, batch, verdict):
    found_row = statistic(made(spread(none, batch), seeds=7), "I2")
    assert found_row["estimate"] == pytest.approx(batch - none) and found_row["verdict"] == verdict


def test_i2s_note_has_rates_spreads_accuracies_and_the_relu_net():
    assert statistic(made(spread(0.2, 0.05)), "I2")["note"] == (
        "standard deviation without BN: 20.00 points; best rate without BN, the smallest tried: 0.1; median accuracy "
        "there without BN: 70.00%; standard deviation with BN: 5.00 points; best rate with BN, the smallest tried: "
        "0.1; median accuracy there with BN: 70.00%; ReLU net, standard deviation without BN: 20.00 points; ReLU "
        "net, best rate without BN, the smallest tried: 0.1; ReLU net, median accuracy there without BN: 70.00%; "
        "ReLU net, standard deviation with BN: 5.00 points; ReLU net, best rate with BN, the smallest tried: 0.1; "
        "ReLU net, median accuracy there with BN: 70.00%; ReLU net, difference: −15.00 points (−15.00)"
    )


def test_i2s_rate_in_the_middle_of_the_grid_is_not_at_its_edge():
    def ends(config):
        return GOOD if config["learning_rate"] == 0.3 else POOR

    note = statistic(made(ends, preset="paper", seeds=1), "I2")["note"]
    assert "best rate without BN: 0.3;" in note and "tried" not in note


def test_the_best_rate_is_chosen_on_validation_examples_once_for_all_seeds():
    def validation(config):
        best = 1.0 if config["normalization"] == "batch" else 0.1
        return (
            GOOD if (config["learning_rate"] == best) != (config.seed % FIRST_JUDGED == 0) else POOR
        )  # seed 0 alone would choose otherwise

    tables = made(lambda config: 1 - validation(config), validation=validation, seeds=3)
    runs = found.over_stds(found.ended(tables, "map"))
    rates = runs.groupby("normalization")["learning_rate"].unique().map(list).to_dict()
    assert rates == {"none": [0.1], "batch": [1.0]}
    assert len(runs) == len(found.NETS) * 2 * 3 * len(STDS)


def test_of_rates_that_are_equally_good_the_lowest_is_taken():
    assert set(found.over_stds(found.ended(made(everywhere(GOOD)), "map"))["learning_rate"]) == {0.1}


@pytest.mark.parametrize(
    ("none", "batch", "low", "high", "bound", "verdict"),
    [
        *((2, 5, 5 / 4, 19 / 2, "", SUPPORTED), (5, 2, 2 / 19, 4 / 5, "", CONTRADICTED)),
        *((2, 2, 2 / 4, 4 / 2, "", INCONCLUSIVE), (2, 20, 20 / 4, np.inf, ">", SUPPORTED)),
        *((0, 5, 5 / 1, np.inf, ">", SUPPORTED), (5, 0, 0, 1 / 5, "<", CONTRADICTED)),
        *((20, 20, 0, np.inf, "~", INCONCLUSIVE), (0, 0, 0, np.inf, "~", INCONCLUSIVE)),
    ],
)
def test_i4_is_the_ratio_of_the_largest_depths_each_between_two_that_were_tried(none, batch, low, high, bound, verdict):
    found_row = statistic(made(layers(none, batch), preset="quick", seeds=7), "I4")
    assert (found_row["ci_low"], found_row["ci_high"]) == pytest.approx((low, high))
    assert (found_row["bound"], found_row["verdict"]) == (bound, verdict)


def test_i4_takes_of_each_seed_the_start_of_the_smallest_ratio_and_its_note_has_every_start():
    def ends(config):
        if config["normalization"] == "batch":
            return GOOD
        hard = config["initial_gain"] == 1.0 if config.seed % 2 else config["initialization"] != "he"
        return GOOD if config["hidden_layers"] <= (2 if hard else 5) else POOR

    found_row = statistic(made(ends, preset="quick", seeds=2), "I4")
    assert (found_row["ci_low"], found_row["bound"]) == (pytest.approx(20 / 19), ">")
    assert found_row["note"].startswith(
        "hidden layers tried: 2; hidden layers tried: 5; hidden layers tried: 20; from section 4.1's start: > 5 times (> 5); "
        "from section 4.1's start, most hidden layers that train without BN: 2; from section 4.1's start, most hidden layers "
        "that train with BN: 20; from section 4.1's start, most hidden layers that train with BN: the largest tried: 2 of 2; "
    )
    assert all(words in found_row["note"] for words in found.FROM.values())


def test_a_depth_counts_that_trains_at_any_rate():
    def ends(config):
        return GOOD if config["hidden_layers"] == 10 and config["learning_rate"] == 3.0 else POOR

    tables = made(ends, preset="paper", seeds=1)
    assert set(found.deepest(tables)["low"]) == {10} and set(found.deepest(tables)["high"]) == {19}
    best = found.at_any_rate(tables)
    assert len(best) == len(found.FROM) * 4 * len(ARMS)
    assert best["trains"].tolist() == (best["hidden_layers"] == 10).tolist()


def test_nets_with_bn_are_read_through_population_statistics_and_what_judges_is_on_seeds_that_no_record_had_used():
    sweep = initialization.sweep("paper")
    assert {group.setting for group in sweep if group.group == "depth"} == {*found.FROM}
    for group, runs in sweep.items():
        judges = group.group == "depth" or group == Group("map", setting="sigmoid")
        first, seeds = (FIRST_JUDGED, 12) if judges else (0, 6)
        assert {run.seed for run in runs} == {*range(first, first + seeds)}
        assert {run.normalization.inference for run in runs if run["normalization"] == "batch"} == {"population"}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("none", "batch", "seeds"), [(GOOD, GOOD, 1), (None, GOOD, 1), (GOOD, None, 2), (None, None, 1), (None, None, 2)]
)
def test_arms_that_diverged_and_few_seeds_leave_claims_figure_and_panel_whole(none, batch, seeds):
    tables = made(by_arm(none, batch), seeds=seeds)
    verdicts = judged(initialization, tables)
    assert set(verdicts["verdict"]) == {INCONCLUSIVE} and set(verdicts["n"]) == {seeds}
    lost = [None, None].count(none) // 2 + [None, None].count(batch) // 2
    crosses = sum(words(axes).count("×") for axes in maps_of(tables))
    assert crosses == lost * len(found.NETS) * len(ALL)
    assert f"{lost * seeds * len(ALL)} of {2 * seeds * len(ALL)}" in verdicts["note"][0] or not lost
    for choice in (START, START | {"net": "ReLU"}):
        (axes,) = initialization.explore(tables, **choice).axes
        assert f"({seeds} diverged)" in " ".join(words(axes)) or not lost


def test_runs_that_diverge_between_two_evaluations_guess_on_the_test_set_that_waits_for_the_end():
    tables = finding_tables("05_initialization", "smoke")
    runs = tables["runs"].set_index("run")
    lost = runs.index[runs["status"] == "diverged"]
    assert set(runs.loc[lost, "normalization"]) == {"none"} and set(lost) <= set(tables["curves"]["run"])
    ends = found.ended(tables, "map").set_index("run")["final_metric"]
    assert set(ends[ends.index.isin(lost)]) == {CHANCE} and ends.notna().all()
    findings = initialization.findings(tables)
    assert set(NAMES) <= set(findings.loc[findings["estimate"].notna(), "claim"])


@pytest.mark.slow
def test_effects_have_a_row_a_start_and_depth_with_rates_accuracies_difference_and_what_diverged():
    def ends(config):
        if config["hidden_layers"] == 20 and config["normalization"] == "none":
            return None
        best = 0.3 if config["normalization"] == "batch" else 0.1
        high = GOOD + 0.01 * (config.seed % FIRST_JUDGED) if config["normalization"] == "batch" else 0.6
        return high if config["learning_rate"] == best else POOR

    table = found.effects(made(ends, preset="paper", seeds=3)).set_index(["group", "setting", "hidden_layers"])
    nets = [("depth", start, depth) for start in found.FROM for depth in (2, 5, 10, 20)]
    assert sorted(table.index) == sorted([("start", name, 6) for name in STARTS] + nets)
    zero, deep = table.loc[("start", "zero", 6)], table.loc[("depth", "gaussian", 20)]
    assert (zero["rate_none"], zero["rate_batch"], zero["n"], zero["diverged"]) == (0.1, 0.3, 3, 0)
    assert (zero["accuracy_none"], zero["accuracy_batch"]) == pytest.approx((0.6, 0.91))
    assert (zero["effect"], zero["ci_low"], zero["ci_high"]) == pytest.approx((0.31, 0.30, 0.32))
    assert deep["effect"] == pytest.approx(0.91 - CHANCE) and deep["diverged"] == 3


@pytest.fixture(scope="module")
def tables():
    """Two seeds of the grid of quick, whose cells all differ; without BN the largest rate diverges at the largest std."""

    def ends(config):
        normalized = config["normalization"] == "batch"
        if not normalized and config["initial_std"] == 3.0 and config["learning_rate"] == 1.0:
            return None
        value = 0.15 + 0.1 * np.log10(config["initial_std"] + 1e-3) + 0.13 * np.log10(100 * config["learning_rate"])
        return float(
            value + 0.3 + 0.25 * normalized + 0.02 * (config.seed % FIRST_JUDGED) - 0.005 * config["hidden_layers"]
        )

    return made(ends, preset="quick", seeds=2)


@pytest.fixture(scope="module")
def panel(tables):
    return drawer(initialization, tables)


def test_the_maps_show_the_median_of_every_cell_in_percent_and_a_cross_where_half_diverged(tables):
    table = found.maps(found.ended(tables, "map"))
    order = itertools.product(found.NETS, ARMS)
    for axes, (net, arm) in zip(maps_of(tables), order, strict=True):
        own = table[(table["setting"] == net) & (table["normalization"] == arm)].sort_values(
            ["initial_std", "learning_rate"]
        )
        expected = ["×" if lost else f"{100 * accuracy:.0f}" for lost, accuracy in zip(own["lost"], own["accuracy"])]
        shown = [text.get_text() for text in axes.texts if text.get_position()[0] % 1 == 0.5]
        assert shown == expected and ("×" in shown) == (arm == "none")
        assert LABELS[arm] in [text.get_text() for text in axes.findobj(Text)]


def boundary(axes):
    """The segments of the line around what trains, as pairs of corners."""
    (line,) = [line for line in axes.lines if line.get_label() == "trains"]
    x, y = np.array(line.get_xdata()), np.array(line.get_ydata())
    return {((x[at], y[at]), (x[at + 1], y[at + 1])) for at in range(0, len(x) - 1, 3)}


def test_the_line_runs_along_the_edges_of_the_cells_that_train():
    without, with_bn, relu, _ = maps_of(made(cells(((0.01, 1.0),), ALL)))
    assert boundary(without) == {((1, 0), (1, 1)), ((2, 0), (2, 1)), ((1, 0), (2, 0)), ((1, 1), (2, 1))}
    assert len(boundary(with_bn)) == 8
    assert not boundary(relu)


def test_the_values_of_notebook_01_are_marked_at_their_place_on_the_log_axes_of_the_sigmoid_maps(tables):
    marks = [[line for line in axes.lines if line.get_label() == "inferred"] for axes in maps_of(tables)]
    assert [len(found) for found in marks] == [1, 1, 0, 0]
    (mark,) = marks[0]
    assert mark.get_xdata()[0] == pytest.approx(0.5)  # rates 0.1, 1; stds 0.003, 0.1 in the first and second row
    assert mark.get_ydata()[0] == pytest.approx(0.5 + np.log(50 / 3) / np.log(100 / 3))


def test_the_shares_stand_by_net_and_arm_with_their_seeds(tables, panel):
    axes, shares = panel("shares"), found.shares(found.ended(tables, "map"))
    rows = {
        (net, arm): 3 * place + 1 + number for place, net in enumerate(found.NETS) for number, arm in enumerate(ARMS)
    }
    for (net, arm), height in rows.items():
        own = shares.loc[(shares["setting"] == net) & (shares["normalization"] == arm), "share"].to_numpy()
        lines = [line for line in axes.lines if set(line.get_ydata()) == {height}]
        values = {line.get_marker(): list(line.get_xdata()) for line in lines}
        assert values["|"] == pytest.approx(list(own)) and values["o"] == pytest.approx([np.median(own)])
        assert {to_hex(line.get_color()).upper() for line in lines} == {COLORS[arm]}


@pytest.mark.parametrize("net", ["sigmoid", "relu"])
def test_the_curves_over_the_stds_are_those_of_the_best_rate_named_above(tables, panel, net):
    axes, runs = panel(f"start_{net}"), found.over_stds(found.ended(tables, "map")).query("setting == @net")
    for arm in ARMS:
        own = runs[runs["normalization"] == arm].groupby("initial_std")["final_metric"].median()
        (line,) = [line for line in axes.lines if line.get_label() == LABELS[arm]]
        np.testing.assert_allclose(line.get_xdata(), own.index)
        np.testing.assert_allclose(line.get_ydata(), own)
        assert LABELS[arm] in words(axes)
    rates = runs.groupby("normalization")["learning_rate"].first()
    assert {f"best rate {rates[arm]:g}" for arm in ARMS} <= {text.get_text() for text in axes.findobj(Text)}


def test_the_curves_over_depth_have_a_panel_a_start_with_every_seed_thin_and_the_median_thick(tables):
    panels = draw_panel(initialization.panel("depth"), tables).axes
    for axes, start in zip(panels, found.FROM, strict=True):
        runs = found.at_any_rate(tables).query("setting == @start and normalization == 'batch'")
        colored = [line for line in axes.lines if line.get_color() == COLORS["batch"]]
        thin = [list(line.get_ydata()) for line in colored if line.get_linewidth() < 1]
        expected = [run.sort_values("hidden_layers")["final_metric"].tolist() for _, run in runs.groupby("seed")]
        np.testing.assert_allclose(sorted(thin), sorted(expected))
        (thick,) = [line for line in colored if line.get_label() == LABELS["batch"]]
        np.testing.assert_allclose(thick.get_ydata(), np.median(expected, axis=0))
        assert found.FROM[start] in [text.get_text() for text in axes.findobj(Text)]


def test_the_named_starts_are_rows_and_the_two_of_units_alike_stand_below_a_line_with_a_word(tables, panel):
    axes, starts = panel("named_starts"), found.starts(tables)
    assert len(axes.get_yticks()) == len(STARTS)
    for place, name in enumerate(STARTS):
        for arm, side in zip(ARMS, (-1, 1)):
            of_row = (starts["setting"] == name) & (starts["normalization"] == arm)
            own = starts.loc[of_row, "final_metric"].tolist()
            ticks = [line for line in axes.lines if line.get_marker() == "|" and line.get_color() == COLORS[arm]]
            (tick,) = [line for line in ticks if round(line.get_ydata()[0]) == place]
            assert list(tick.get_xdata()) == pytest.approx(own)
            assert np.sign(tick.get_ydata()[0] - place) == side
    (apart,) = [line for line in axes.lines if list(line.get_ydata()) == [4.5, 4.5]]
    assert apart.get_color() == INK and "units alike" in words(axes)
    assert [text.get_text() for text in axes.get_yticklabels()][-2:] == ["all zero", "all the same"]


def test_the_controls_are_the_net_and_the_axes_of_the_map_and_start_next_to_notebook_01(tables):
    net, std, rate = initialization.controls(tables)
    assert net.values == ("sigmoid", "ReLU") and net.start == "sigmoid"
    assert std.values == initialization.PRESETS["quick"].stds and std.start == 0.1
    assert rate.values == initialization.PRESETS["quick"].rates and rate.start == 0.1
    whole = initialization.controls(made(everywhere(GOOD), preset="paper", seeds=1))
    assert start_of(whole) == dict(net="sigmoid", initial_std=0.03, learning_rate=0.1)


@pytest.mark.parametrize(("net", "setting"), [("sigmoid", "sigmoid"), ("ReLU", "relu")])
def test_the_panel_draws_the_runs_of_the_cell_and_says_where_they_end_on_the_test_set(tables, net, setting):
    choice = dict(net=net, initial_std=0.1, learning_rate=0.1)
    figure = initialization.explore(tables, **choice)
    (axes,) = figure.axes
    lines = [np.asarray(line.get_ydata(), float) for line in axes.lines]
    rows = select(tables, "map", "curves", setting=setting).query("initial_std == 0.1 and learning_rate == 0.1")
    for _, run in rows[rows["split"] == "validation"].groupby("run"):
        values = run.sort_values("step")["value"].to_numpy()
        assert any(len(line) == len(values) and np.allclose(line, values) for line in lines)
    ends = rows[rows["split"] == "test"].groupby("normalization")["value"].median()
    expected = f"on the test set: with BN {ends['batch']:.1%}, without BN {ends['none']:.1%}"
    assert expected in words(axes)
    assert any(f"{net} net" in text for text in words(axes))
    assert tuple(figure.get_size_inches() * MM) == pytest.approx(widget_figure.SIZE)


def test_the_panels_longest_words_fit_into_it():
    tables = made(everywhere(None), preset="quick", seeds=8)
    figure = initialization.explore(tables, net="sigmoid", initial_std=0.003, learning_rate=0.1)
    FigureCanvasAgg(figure).draw()
    right = [text.get_window_extent().x1 for text in figure.axes[0].texts]
    assert len(right) > 3 and max(right) <= figure.bbox.x1


@pytest.mark.slow
def test_the_panels_axes_are_the_same_for_every_choice_and_the_live_run_is_on_top(tables):
    first = start_of(initialization.controls(tables))
    plain = initialization.explore(tables, **first).axes[0]
    live = pd.DataFrame({"run": "a", "step": [0, 50], "split": "validation", "loss": 1.0, "value": [0.1, 0.4]})
    other = dict(net="ReLU", initial_std=3.0, learning_rate=1.0)
    trained = initialization.explore(tables, live, **other).axes[0]
    assert (plain.get_xlim(), plain.get_ylim()) == (trained.get_xlim(), trained.get_ylim())
    assert "live" in words(trained) and "live" not in words(plain)
    assert "live" not in words(initialization.explore(tables, live.iloc[:0], **first).axes[0])


def test_the_live_run_is_the_cells_with_bn_at_a_seed_that_is_not_reported(tables):
    for net, setting in (("sigmoid", "sigmoid"), ("ReLU", "relu")):
        config = initialization.live(tables, net=net, initial_std=3.0, learning_rate=1.0)
        recorded = initialization.sweep("quick")[Group("map", setting=setting)]
        (same,) = [
            one for one in recorded if one == config.replace(seed=recorded[0].seed, evaluate_every=one.evaluate_every)
        ]
        assert same["normalization"] == "batch" and config.seed >= 1_000
        assert config.id not in set(tables["runs"]["run"])
        assert 10 <= config.steps / config.evaluate_every <= 20
