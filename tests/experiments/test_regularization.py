"""`04_regularization`: what is kept of its runs, each claim's statistic on tables whose answers are known, and its figure."""

import itertools

import numpy as np
import pandas as pd
import pytest
from matplotlib.colors import to_hex

from bnrepro.analysis import paper
from bnrepro.analysis.claims import FEWEST, INCONCLUSIVE
from bnrepro.config.group import Group
from bnrepro.experiments import EXPERIMENTS
from bnrepro.experiments.regularization import tables as found
from bnrepro.experiments.regularization.tables import net
from bnrepro.experiments.setups import CHANGES
from bnrepro.jupyter import session
from bnrepro.plotting.arms import LABELS
from bnrepro.plotting.marks import interval_mark
from bnrepro.plotting.style import SINGLE, new_figure
from bnrepro.records.results import select
from bnrepro.records.schemas import SCHEMAS
from bnrepro.report.verdicts import judged
from tests.experiments.factories import make_tables, papers_numbers, statistic
from tests.experiments.rows import CHANCE
from tests.plotting.drawing import axes_of, every_panel

regularization = EXPERIMENTS["04_regularization"]

CHANGED = {"R4": "weight_decay", "R6b": "dropout", "R6c": "decay", "R6d": "lrn", "R6e": "distortion"}
COLUMNS = SCHEMAS["probabilities"][3:]


def kept(seeds=3, lost=(), **overrides):
    """Made-up tables of the preset smoke; the runs of the groups `lost` diverge before their first evaluation but that at 0."""
    sweep = regularization.sweep("smoke", seeds=seeds, **overrides)
    diverging = {config.id: 1 for group in lost for config in sweep[group]}
    return regularization.derive(make_tables(sweep, diverging=diverging))


@pytest.fixture(scope="module")
def made():
    return kept()


@pytest.fixture
def tables(made):
    """Three seeds, to write into: on every split each run is at 0.5 after the start, except where a test says otherwise."""
    curves = made["curves"].copy()
    curves["value"] = curves["value"].mask(curves["step"] > 0, 0.5).mask(curves["step"] == 0, 0.1)
    return {**made, "curves": curves}


def members(tables, group, **config):
    runs = select(tables, group.group, arm=group.arm, setting=group.setting).sort_values("seed")
    for name, value in config.items():
        runs = runs[runs[name] == value]
    return list(runs["run"])


def write(tables, runs, split, values, step=None, column="value"):
    """Sets a value for each of the runs on a split, at one step or, if none is named, at all after the start."""
    curves = tables["curves"]
    for run, value in zip(runs, values, strict=True):
        steps = curves["step"] == step if step is not None else curves["step"] > 0
        chosen = (curves["run"] == run) & (curves["split"] == split) & steps
        assert chosen.any()
        curves.loc[chosen, column] = value


def ensemble_tables(seeds=2, examples=40, lost=()):
    """Six groups of nets with random probabilities, and their truth as arrays by seed."""
    generator = np.random.default_rng(3)
    labels = generator.integers(10, size=examples)
    rows, runs, parts, truth = [], [], [], {seed: [] for seed in range(seeds)}
    for place, seed in itertools.product(range(6), range(seeds)):
        run, diverged = f"net-{place}-{seed}", (place, seed) in lost
        values = generator.dirichlet(np.ones(10), size=examples)
        rows.append((*Group("ensemble", arm=str(place)), run))
        runs.append((run, seed, "diverged" if diverged else "finished"))
        truth[seed].append(np.full((examples, 10), 0.1) if diverged else values)
        if not diverged:
            part = pd.DataFrame(values, columns=COLUMNS)
            part.insert(0, "label", labels)
            part.insert(0, "example", np.arange(examples))
            part.insert(0, "run", run)
            parts.append(part.sample(frac=1, random_state=place))
    measured = pd.concat(parts) if parts else pd.DataFrame(columns=SCHEMAS["probabilities"])
    sweep = pd.DataFrame(rows, columns=SCHEMAS["sweep"])
    runs = pd.DataFrame(runs, columns=["run", "seed", "status"])
    return {"sweep": sweep, "runs": runs, "probabilities": measured}, truth, labels


def errors_by_loops(nets, labels, count):
    """The oracle: example by example, class by class."""
    errors = []
    for subset in itertools.combinations(nets, count):
        wrong = 0
        for example, label in enumerate(labels):
            means = [sum(net[example][number] for net in subset) / count for number in range(10)]
            wrong += max(range(10), key=means.__getitem__) != label
        errors.append(wrong / len(labels))
    return sum(errors) / len(errors)


def test_the_ensembles_errors_are_those_of_a_loop_over_subsets_examples_and_classes():
    tables, truth, labels = ensemble_tables()
    errors = regularization.derive(tables)["ensembles"]
    assert list(errors) == list(SCHEMAS["ensembles"])
    assert list(zip(errors["seed"], errors["members"])) == list(itertools.product(range(2), range(1, 7)))
    expected = [errors_by_loops(truth[seed], labels, count) for seed in range(2) for count in range(1, 7)]
    np.testing.assert_allclose(errors["error"], expected, rtol=1e-12)


def test_columns_that_lost_their_types_among_empty_tables_give_the_same_errors():
    tables, *_ = ensemble_tables()
    untyped = {**tables, "probabilities": tables["probabilities"].astype(object)}
    assert found.ensemble_errors(untyped).equals(found.ensemble_errors(tables))


def test_one_member_is_the_mean_of_the_singles_and_not_the_best():
    tables, truth, labels = ensemble_tables(seeds=1)
    singles = [(net.argmax(axis=1) != labels).mean() for net in truth[0]]
    assert found.ensemble_errors(tables).set_index("members").loc[1, "error"] == pytest.approx(np.mean(singles))


def test_a_net_that_diverged_guesses_alone_and_changes_nothing_among_others():
    tables, truth, labels = ensemble_tables(seeds=1, lost=[(2, 0)])
    errors = found.ensemble_errors(tables).set_index("members")["error"]
    finished = [net for place, net in enumerate(truth[0]) if place != 2]
    singles = [(net.argmax(axis=1) != labels).mean() for net in finished]
    assert errors[1] == pytest.approx((sum(singles) + 1 - CHANCE) / 6)
    assert errors[6] == pytest.approx((np.mean(finished, axis=0).argmax(axis=1) != labels).mean())


def test_where_every_net_diverged_an_ensemble_of_any_size_guesses():
    tables, *_ = ensemble_tables(seeds=1, lost=[(place, 0) for place in range(6)])
    assert found.ensemble_errors(tables)["error"].tolist() == pytest.approx([1 - CHANCE] * 6)


def test_classes_that_tie_are_taken_at_random():
    tables, _, labels = ensemble_tables(seeds=1, examples=1, lost=[(place, 0) for place in range(2, 6)])
    sure = {"net-0-0": labels[0], "net-1-0": (labels[0] + 1) % 10}  # one is right, one wrong, both certain
    values = np.array([[float(number == sure[run]) for number in range(10)] for run in tables["probabilities"]["run"]])
    tables["probabilities"] = tables["probabilities"].assign(**dict(zip(COLUMNS, values.T)))
    errors = found.ensemble_errors(tables).set_index("members")["error"]
    assert errors[6] == pytest.approx(0.5) and errors[1] == pytest.approx((0 + 1 + 4 * 0.9) / 6)


def test_a_finished_net_without_probabilities_is_an_error_and_no_guess():
    tables, *_ = ensemble_tables()
    tables["probabilities"] = tables["probabilities"].query("run != 'net-0-0'")
    with pytest.raises(KeyError):
        found.ensemble_errors(tables)


def test_what_is_kept_has_the_ensembles_in_place_of_the_probabilities(tmp_path, monkeypatch, made):
    room = session.Session("04_regularization", "smoke", str(tmp_path), seeds=1)
    collected = {
        name: table for name, table in make_tables(room.sweep).items() if name in ("sweep", *regularization.TABLES)
    }
    monkeypatch.setattr(session, "run_all", lambda configs, records: None)
    monkeypatch.setattr(session, "collect", lambda sweep, folder, names: collected)
    tables = room.train()
    assert set(tables) == {"sweep", "runs", "curves", "mates", "ensembles", "provenance"}
    assert tables["curves"].equals(collected["curves"])
    assert not list(tmp_path.rglob("probabilities.csv"))


@pytest.mark.slow
def test_every_claim_has_its_statistic_in_the_order_of_the_claims(made):
    assert list(judged(regularization, made)["claim"]) == [
        claim.id for claim in EXPERIMENTS["04_regularization"].claims
    ]


def test_the_papers_numbers_are_those_of_its_text_and_figure_4():
    errors = paper.figure4().set_index("model")["top1_error"]
    assert papers_numbers(regularization) == {"R5": 0.01, "R7": pytest.approx(0.201 - 0.2199)}
    assert errors["BN-Inception ensemble"] == 0.201 and errors["BN-Inception multicrop"] == 0.2199


def test_bn_without_dropout_is_compared_with_dropout_without_bn_on_the_test_set_at_the_end(tables):
    write(tables, members(tables, net("conv", with_bn=False)), "test", [0.5, 0.6, 0.7])
    write(tables, members(tables, net("conv", "dropout")), "test", [0.52, 0.65, 0.71])
    write(tables, members(tables, net("conv", "dropout")), "validation", [0.9, 0.9, 0.9])
    write(tables, members(tables, net("dense", "dropout")), "test", [0.4, 0.4, 0.4])
    row = statistic(tables, "R1")
    assert row["estimate"] == pytest.approx(0.02) and row["n"] == 3
    assert row["note"] == "dense net: −10.00 points (−10.00)"


def test_diverged_runs_guess_and_the_note_counts_those_of_both_settings():
    tables = kept(lost=[net("conv", "dropout"), net("dense", with_bn=False)])
    row = statistic(tables, "R1")
    finished = (
        tables["curves"].query("split == 'test'").set_index("run")["value"][members(tables, net("conv", with_bn=False))]
    )
    assert row["estimate"] == pytest.approx(CHANCE - finished.median())
    assert row["note"].endswith("runs that diverged and count as guessing: 6 of 12")


@pytest.mark.slow
@pytest.mark.parametrize(("claim", "change"), CHANGED.items())
def test_each_change_is_compared_with_bn_baseline_by_the_best_validation_accuracy(tables, claim, change):
    first = tables["curves"].loc[lambda rows: (rows["step"] > 0) & (rows["split"] == "validation"), "step"].min()
    write(tables, members(tables, net("conv", change)), "validation", [0.53, 0.52, 0.51], step=first)
    if change != "lrn":
        write(tables, members(tables, net("dense", change)), "validation", [0.49, 0.49, 0.49])
    found = {other: statistic(tables, other) for other in CHANGED}
    assert found[claim]["estimate"] == pytest.approx(0.02)
    assert all(found[other]["estimate"] == 0 for other in CHANGED if other != claim)
    assert ("dense net: −1.00 points" in found[claim]["note"]) == (change != "lrn")


def test_where_an_interval_holds_no_effect_the_note_says_what_would_have_been_seen(tables):
    write(tables, members(tables, net("conv", "weight_decay")), "validation", [0.48, 0.5, 0.54])
    row = statistic(tables, "R4")
    assert (row["estimate"], row["ci_low"], row["ci_high"]) == pytest.approx((0, -0.02, 0.04))
    assert row["note"].startswith(
        "smallest effect that would have been seen: 3.00 points; dense net: 0.00 points (0.00); dense net, smallest effect"
    )


def test_where_an_interval_holds_only_effects_the_note_says_nothing_of_what_would_have_been_seen(tables):
    for setting in found.SETTINGS:
        write(tables, members(tables, net(setting, "weight_decay")), "validation", [0.51, 0.52, 0.53])
    assert statistic(tables, "R4")["note"] == "dense net: 2.00 points (1.00 to 3.00)"


def test_shuffling_is_judged_by_what_it_gains_with_bn_beyond_what_it_gains_without(tables):
    write(tables, members(tables, net("conv", "shuffling")), "validation", [0.53, 0.54, 0.55])
    write(tables, members(tables, net("conv", "shuffling", with_bn=False)), "validation", [0.51, 0.52, 0.49])
    row = statistic(tables, "R5")
    assert row["estimate"] == pytest.approx(0.02)
    assert "gain with BN: 4.00 points (3.00 to 5.00); gain without BN: 1.00 points (−1.00 to 2.00)" in row["note"]
    assert "dense net, gain with BN: 0.00 points" in row["note"]
    gains = found.shuffling(tables).query("setting == 'conv'").pivot(index="seed", columns="arm", values="gain")
    np.testing.assert_allclose(gains["difference"], [0.02, 0.02, 0.06])


def test_steps_are_those_to_the_best_accuracy_of_bn_baseline_with_the_same_seed(tables):
    without, with_it = members(tables, net("conv")), members(tables, net("conv", "rate"))
    for runs, values in ((without, [0.6, 0.7, 0.8]), (with_it, [0.65, 0.75, 0.85])):
        write(tables, runs, "validation", values, step=4)
    write(tables, with_it, "validation", [0.6, 0.71, 0.75], step=2)  # the first two get there in half the steps
    row = statistic(tables, "R6a")
    assert row["estimate"] == 2 and row["bound"] == ""
    assert "runs at the higher rate that reach that accuracy: 3 of 3" in row["note"]


def test_a_change_that_never_gets_there_is_known_only_from_above(tables):
    write(tables, members(tables, net("conv")), "validation", [0.6, 0.6, 0.6], step=2)
    row = statistic(tables, "R6a")
    assert (row["estimate"], row["bound"], row["ci_low"]) == (0.5, "<", 0) and "accuracy: 0 of 3" in row["note"]


def test_the_spread_of_small_mini_batches_is_compared_with_that_of_large_ones(tables):
    mates = tables["mates"]
    runs = members(tables, Group("mates"))
    for run, small in zip(runs, (2.0, 3.0, 5.0)):
        own = (mates["run"] == run) & (mates["mode"] == "training")
        mates = mates.assign(spread=mates["spread"].mask(own, 1.0).mask(own & (mates["batch_size"] == 8), small))
    mates.loc[mates["mode"] == "inference", "spread"] = np.linspace(0, 1e-7, (mates["mode"] == "inference").sum())
    row = statistic({**tables, "mates": mates}, "R2")
    assert row["estimate"] == 3 and row["note"] == "largest spread at inference: 1e−7"


def test_a_run_whose_spread_was_not_measured_leaves_its_seed_undetermined(tables):
    run = members(tables, Group("mates"))[0]
    lost = tables["runs"].assign(status=tables["runs"]["status"].mask(tables["runs"]["run"] == run, "diverged"))
    row = statistic({**tables, "runs": lost, "mates": tables["mates"].query("run != @run")}, "R2")
    assert (
        row["n"] == 3 and row["bound"] == "~" and "runs that diverged, whose seeds count as ties: 1 of 3" in row["note"]
    )
    assert np.isinf(row["ci_high"]) and row["ci_low"] == 0


def at_equal_loss(tables, runs, gaps):
    """The training loss is 0.6 halfway and 0.15 at the end, so 0.3 lies in the middle on a logarithmic scale."""
    for step, loss, share in ((10, 0.6, 0.5), (20, 0.15, 1.5)):
        write(tables, runs, "fit", [loss] * len(runs), step, "loss")
        write(tables, runs, "fit", [0.5 + share * gap for gap in gaps], step)


def test_the_gap_at_equal_loss_lies_on_a_line_in_the_logarithm_of_the_loss(tables):
    runs = members(tables, Group("gap"), normalization="batch", dropout=0.0, train_examples=2000)
    at_equal_loss(tables, runs, [0.1, 0.2, 0.3])
    gaps = found.gaps(tables).set_index("run")["equal"]
    np.testing.assert_allclose(gaps[runs], [0.1, 0.2, 0.3])
    write(tables, runs, "fit", [0.3] * 3, 10, "loss")
    np.testing.assert_allclose(found.gaps(tables).set_index("run")["equal"][runs], [0.05, 0.1, 0.15])


@pytest.mark.parametrize(("claim", "arms"), [("R3", ("none", "batch")), ("R8", ("population", "noise"))])
def test_gaps_are_compared_by_seed_at_the_size_nearest_to_2000_and_runs_that_never_get_there_are_counted(
    tables, claim, arms
):
    group = Group("gap" if claim == "R3" else "noise")
    without, with_it = (members(tables, group, normalization=arm, dropout=0.0, train_examples=2000) for arm in arms)
    at_equal_loss(tables, without, [0.1, 0.1, 0.1])
    at_equal_loss(tables, with_it, [0.05, 0.07, 0.3])
    assert statistic(tables, claim)["estimate"] == pytest.approx(-0.03)
    write(tables, without[2:], "fit", [0.31], 20, "loss")
    row = statistic(tables, claim)
    assert row["estimate"] == pytest.approx(-0.04) and row["n"] == 2
    assert row["note"].startswith("seeds left out, of which a run never gets to a training loss of 0.3: 1 of 3")


def test_the_gap_after_equal_steps_is_on_the_test_set_and_stands_in_the_note(tables):
    without, with_it = (
        members(tables, Group("gap"), normalization=arm, dropout=0.0, train_examples=2000) for arm in ("none", "batch")
    )
    write(tables, without, "fit", [0.6] * 3, 20)
    write(tables, with_it, "fit", [0.6] * 3, 20)
    write(tables, with_it, "test", [0.4, 0.45, 0.3], 20)
    assert "after the last step: 10.00 points (5.00 to 20.00)" in statistic(tables, "R3")["note"]


def test_where_no_run_gets_to_the_loss_there_is_no_estimate_and_no_verdict(tables):
    tables["curves"]["loss"] = 2.3
    row = statistic(tables, "R3")
    assert np.isnan(row["estimate"]) and row["n"] == 0
    assert row["note"].startswith("seeds left out, of which a run never gets to a training loss of 0.3: 3 of 3")


def test_a_run_that_diverged_has_no_gap_at_the_end():
    tables = kept(lost=[Group("noise")])
    gaps = found.gaps(tables)
    assert gaps.query("normalization in ('noise', 'population')")["last"].isna().all()
    assert gaps.query("normalization == 'batch'")["last"].notna().all()
    assert "seeds left out there, of which a run diverged: 3 of 3" in statistic(tables, "R8")["note"]


def test_all_training_examples_are_those_that_are_not_held_out():
    sweep = regularization.sweep("quick", seeds=1)
    gaps = found.gaps(make_tables({group: sweep[group] for group in (Group("gap"), Group("noise"))}))
    assert set(gaps["size"]) == {500, 2_000, 55_000}
    assert set(found.few(gaps)["size"]) == {2_000}


def test_the_ensemble_is_compared_with_the_mean_of_its_members(tables):
    rows = [(seed, count, 0.1 - 0.01 * seed * (count - 1)) for seed in range(3) for count in range(1, 7)]
    row = statistic({**tables, "ensembles": pd.DataFrame(rows, columns=SCHEMAS["ensembles"])}, "R7")
    assert row["estimate"] == pytest.approx(-0.05) and row["note"].startswith(
        "error of one alone: 10.00% (10.00); error averaged: 5.00%"
    )


@pytest.mark.slow
def test_the_effects_have_a_row_a_change_and_setting_and_say_what_could_have_been_seen(tables):
    write(tables, members(tables, net("conv", "shuffling")), "validation", [0.48, 0.5, 0.54])
    effects = regularization.effects(tables)
    expected = [(setting, change) for setting in found.SETTINGS for change in CHANGES]
    expected.remove(("dense", "lrn"))
    assert list(zip(effects["setting"], effects["change"])) == expected
    row = effects.set_index(["setting", "change"]).loc[("conv", "shuffling")]
    assert (row["effect"], row["smallest_seen"], row["n"]) == (0, pytest.approx(0.03), 3)


@pytest.mark.slow
@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize(
    ("lost", "overrides"),
    [
        ((), {}),
        ((net("conv", "rate"), net("dense", with_bn=False), Group("mates"), Group("ensemble", "larger_weights")), {}),
        ((net("conv"), net("dense"), Group("noise")), {"task": "cifar10"}),
        (tuple(regularization.sweep("smoke")), {"width": 8}),
    ],
)
def test_it_is_judged_and_drawn_whatever_diverges(lost, overrides):
    tables = kept(seeds=2, lost=lost, **overrides)
    table = judged(regularization, tables)
    assert set(table["verdict"]) == {INCONCLUSIVE} and (table["n"] < FEWEST).all()
    assert len(every_panel(regularization, tables)) == 8


@pytest.mark.slow
def test_a_run_without_a_single_evaluation_is_counted_too(made):
    run = members(made, net("conv", "dropout"))[0]
    runs = made["runs"].assign(status=made["runs"]["status"].mask(made["runs"]["run"] == run, "diverged"))
    tables = {**made, "runs": runs, "curves": made["curves"].query("run != @run")}
    assert statistic(tables, "R6b")["n"] == 3 and "count as guessing: 1 of 12" in statistic(tables, "R6b")["note"]
    every_panel(regularization, tables)


@pytest.fixture
def axes():
    axes = new_figure(SINGLE, 60).add_subplot()
    axes.set_xlim(-2, 2)
    return axes


@pytest.mark.parametrize(
    ("middle", "bound", "marker", "place"),
    [
        (1.0, "", "o", 1),
        (3.0, "", ">", 2),
        (-3.0, "", "<", -2),
        (1.0, ">", ">", 1),
        (1.0, "<", "<", 1),
        (1.0, "~", "x", 1),
    ],
)
def test_a_median_that_is_a_bound_or_beyond_the_axis_is_an_arrow_and_an_undetermined_one_a_cross(
    axes, middle, bound, marker, place
):
    interval_mark(axes, 0, [0.5], (middle, -np.inf, np.inf), "#000000", bound=bound)
    *_, interval, median = axes.lines
    assert (median.get_marker(), list(median.get_xdata())) == (marker, [place])
    assert list(interval.get_xdata()) == [-2, 2]


def test_nothing_is_drawn_of_a_median_that_there_is_not(axes):
    interval_mark(axes, 0, [], (np.nan, np.nan, np.nan, 0), "#000000")
    assert not axes.lines


def marks(axes, marker):
    return [line for line in axes.lines if line.get_marker() == marker]


@pytest.mark.slow
def test_the_forest_has_every_effect_where_it_is_filled_for_the_setting_that_judges(tables):
    write(tables, members(tables, net("conv", "decay")), "validation", [0.51, 0.51, 0.51])
    write(tables, members(tables, net("dense", "dropout")), "validation", [0.2, 0.2, 0.2])
    forest = axes_of(regularization, "effects", tables)
    names = [label.get_text() for label in forest.get_yticklabels()]
    drawn = {}
    for line in forest.lines:
        if line.get_marker() in ("o", "<", ">"):
            setting = "dense" if to_hex(line.get_color()) == "#ffffff" else "conv"
            drawn[setting, names[round(line.get_ydata()[0])]] = (line.get_xdata()[0], line.get_marker())
    assert len(drawn) == 13 and ("dense", "no LRN") not in drawn
    assert drawn["conv", "decay 6 x faster"] == (pytest.approx(1.0), "o")
    assert drawn["dense", "no Dropout"] == (-5, "<")
    assert drawn["conv", "L2 / 5"] == (0, "o")


@pytest.mark.slow
def test_the_loss_that_a_claim_allows_is_a_bar_in_its_row_alone(made):
    forest = axes_of(regularization, "effects", made)
    names = [label.get_text() for label in forest.get_yticklabels()]
    bars = [line for line in forest.lines if list(line.get_xdata()) == [-0.5, -0.5]]
    assert [names[round(np.mean(bar.get_ydata()))] for bar in bars] == ["no Dropout", "decay 6 x faster", "no LRN"]


@pytest.mark.slow
def test_the_gaps_are_drawn_over_the_sizes_as_medians_of_the_seeds(tables):
    runs = members(tables, Group("gap"), normalization="batch", dropout=0.0)
    write(tables, runs, "fit", np.linspace(0.6, 0.8, len(runs)))
    drawn = axes_of(regularization, "gap_after_training", tables)
    thick = {line.get_label(): line for line in drawn.lines}[LABELS["batch"]]
    gaps = found.gaps(tables).query("arm == 'batch'")
    assert list(thick.get_xdata()) == [500, 2_000]
    np.testing.assert_allclose(thick.get_ydata(), 100 * gaps.groupby("size")["last"].median())
    assert len([line for line in drawn.lines if line.get_color() == thick.get_color()]) == 3 + 1


@pytest.mark.slow
def test_the_ensemble_stands_beside_the_papers_scaled_to_our_single_net(made):
    drawn = axes_of(regularization, "ensembles", made)
    middle = 100 * made["ensembles"].groupby("members")["error"].median()
    thick = {line.get_label(): line for line in drawn.lines}[LABELS["bn_x30"]]
    np.testing.assert_allclose(thick.get_ydata(), middle)
    diamonds = [(line.get_xdata()[0], line.get_ydata()[0]) for line in marks(drawn, "D")]
    np.testing.assert_allclose(diamonds, [(1, middle[1]), (6, middle[1] * 0.201 / 0.2199)])


@pytest.mark.slow
def test_the_papers_gain_from_shuffling_is_a_diamond_and_the_spread_at_inference_is_told(made):
    (diamond,) = marks(axes_of(regularization, "shuffling", made), "D")
    assert list(diamond.get_xdata()) == [1]
    assert "inference: 0" in [text.get_text() for text in axes_of(regularization, "spread", made).texts]


@pytest.mark.slow
def test_the_noise_control_has_both_gaps_of_its_four_arms(tables):
    for arm in ("none", "batch"):
        at_equal_loss(
            tables, members(tables, Group("gap"), normalization=arm, dropout=0.0, train_examples=2000), [0.1, 0.2, 0.3]
        )
    for arm in ("population", "noise"):
        at_equal_loss(tables, members(tables, Group("noise"), normalization=arm), [0.1, 0.2, 0.3])
    drawn = axes_of(regularization, "noise", tables)
    assert [line.get_xdata()[0] for line in marks(drawn, "o")] == pytest.approx([20.0] * 4)
    assert [line.get_xdata()[0] for line in marks(drawn, "s")] == pytest.approx([30.0] * 4)
