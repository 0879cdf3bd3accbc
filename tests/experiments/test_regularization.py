"""`04_regularization`: what is kept of its runs, each claim's statistic on tables whose answers are known, and its figure."""

import itertools
import math

import numpy as np
import pandas as pd
import pytest

from bnrepro.analysis import paper
from bnrepro.analysis.claims import FEWEST, INCONCLUSIVE
from bnrepro.analysis.curves import final_metric
from bnrepro.analysis.select import group_curves
from bnrepro.config.group import Group
from bnrepro.config.run_config import RunConfig
from bnrepro.experiments import EXPERIMENTS, all_claims
from bnrepro.experiments.presets import FIRST_JUDGED, SELECTING_SEEDS
from bnrepro.experiments.regularization import tables as found
from bnrepro.experiments.regularization.sweep import FACTOR, RATE, WEIGHT_DECAY
from bnrepro.experiments.regularization.tables import FIRST_MEMBER, net
from bnrepro.experiments.setups import CHANGES
from bnrepro.jupyter import session
from bnrepro.plotting.arms import COLORS
from bnrepro.plotting.marks import interval_mark
from bnrepro.plotting.panel import draw_panel
from bnrepro.plotting.style import SINGLE, new_figure
from bnrepro.records.computed import KnownTables
from bnrepro.records.results import load_results, select
from bnrepro.records.schemas import SCHEMAS
from bnrepro.report.verdicts import RECORD, judged
from tests.experiments.factories import make_tables, papers_numbers, statistic
from tests.experiments.rows import CHANCE
from tests.plotting.drawing import axes_of, every_panel

regularization = EXPERIMENTS["04_regularization"]

CHANGED = {
    "R9a": "rate",
    "R9b": "dropout",
    "R9c": "weight_decay",
    "R9d": "decay",
    "R9e": "shuffling",
    "R9f": "distortion",
}

COLUMNS = SCHEMAS["probabilities"][3:]


def kept(seeds=3, lost=(), **overrides):
    """Made-up tables of the preset smoke; the runs of the groups `lost` diverge before their first evaluation but that at 0."""
    sweep = regularization.sweep("smoke", seeds=seeds, **overrides)
    diverging = {config.id: 1 for group in lost for config in sweep[group]}
    return KnownTables(regularization.derive(make_tables(sweep, diverging=diverging)))


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


def ensemble_tables(groups=2, examples=40, lost=()):
    """Groups of six nets with random probabilities, and their truth as arrays by group."""
    generator = np.random.default_rng(3)
    labels = generator.integers(10, size=examples)
    rows, runs, parts, truth = [], [], [], {group: [] for group in range(groups)}
    for place, group in itertools.product(range(6), range(groups)):
        run, diverged = f"net-{place}-{group}", (place, group) in lost
        values = generator.dirichlet(np.ones(10), size=examples)
        rows.append((*Group("ensemble", str(place), "varied"), run))
        runs.append((run, FIRST_MEMBER + 6 * group + place, "diverged" if diverged else "finished"))
        truth[group].append(np.full((examples, 10), 0.1) if diverged else values)
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
    firsts = (FIRST_MEMBER, FIRST_MEMBER + 6)
    assert list(zip(errors["seed"], errors["members"])) == list(itertools.product(firsts, range(1, 7)))
    expected = [errors_by_loops(truth[group], labels, count) for group in range(2) for count in range(1, 7)]
    np.testing.assert_allclose(errors["error"], expected, rtol=1e-12)


def test_columns_that_lost_their_types_among_empty_tables_give_the_same_errors():
    tables, *_ = ensemble_tables()
    untyped = {**tables, "probabilities": tables["probabilities"].astype(object)}
    assert found.ensemble_errors(untyped).equals(found.ensemble_errors(tables))


def test_one_member_is_the_mean_of_the_singles_and_not_the_best():
    tables, truth, labels = ensemble_tables(groups=1)
    singles = [(net.argmax(axis=1) != labels).mean() for net in truth[0]]
    assert found.ensemble_errors(tables).set_index("members").loc[1, "error"] == pytest.approx(np.mean(singles))


def test_a_net_that_diverged_guesses_alone_and_changes_nothing_among_others():
    tables, truth, labels = ensemble_tables(groups=1, lost=[(2, 0)])
    errors = found.ensemble_errors(tables).set_index("members")["error"]
    finished = [net for place, net in enumerate(truth[0]) if place != 2]
    singles = [(net.argmax(axis=1) != labels).mean() for net in finished]
    assert errors[1] == pytest.approx((sum(singles) + 1 - CHANCE) / 6)
    assert errors[6] == pytest.approx((np.mean(finished, axis=0).argmax(axis=1) != labels).mean())


def test_where_every_net_diverged_an_ensemble_of_any_size_guesses():
    tables, *_ = ensemble_tables(groups=1, lost=[(place, 0) for place in range(6)])
    assert found.ensemble_errors(tables)["error"].tolist() == pytest.approx([1 - CHANCE] * 6)


def test_classes_that_tie_are_taken_at_random():
    tables, _, labels = ensemble_tables(groups=1, examples=1, lost=[(place, 0) for place in range(2, 6)])
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
    monkeypatch.setattr(session, "run_rounds", lambda rounds, records: rounds(None))
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
    assert papers_numbers(regularization) == {"R9e": 0.01, "R14": 0.086}
    assert errors["BN-Inception ensemble"] == 0.201 and errors["BN-Inception multicrop"] == 0.2199


def test_changes_are_judged_by_the_test_accuracy_at_the_end_with_bn_and_by_what_they_do_beyond_that_without(tables):
    for number, change in enumerate(CHANGED.values(), start=1):
        write(tables, members(tables, net(change)), "test", [0.5 + 0.01 * number, 0.52, 0.51 - 0.01 * number])
        write(tables, members(tables, net(change)), "validation", [0.9] * 3)
        write(tables, members(tables, net(change, "none")), "test", [0.5 + 0.02 * number, 0.5, 0.51])
    known = KnownTables(tables)
    for number, claim in enumerate(CHANGED, start=1):
        row = statistic(known, claim)
        effects = sorted([0.01 * number, 0.02, 0.01 - 0.01 * number])
        assert (row["ci_low"], row["estimate"], row["ci_high"]) == pytest.approx(effects)
        assert "without BN: 1.00 points (0.00 to" in row["note"]
        assert statistic(known, claim.replace("R9", "R10"))["estimate"] == pytest.approx(-0.01 * number)


def test_what_removing_dropout_does_to_the_test_loss_is_judged_and_compared(tables):
    for arm, change, losses in (("batch", "unchanged", 1.0), ("batch", "dropout", 1.1), ("none", "dropout", 1.5)):
        write(tables, members(tables, net(change, arm)), "test", [losses] * 3, column="loss")
    write(tables, members(tables, net(arm="none")), "test", [1.0] * 3, column="loss")
    assert statistic(tables, "R11")["estimate"] == pytest.approx(0.1)
    assert statistic(tables, "R11")["note"] == "without BN: 0.5 nats (0.5)"
    assert statistic(tables, "R12")["estimate"] == pytest.approx(-0.4)
    assert "test loss with BN: 0.1 nats (0.1)" in statistic(tables, "R9b")["note"]


def test_where_an_interval_holds_no_effect_the_note_says_what_would_have_been_seen(tables):
    write(tables, members(tables, net("weight_decay")), "test", [0.48, 0.5, 0.54])
    row = statistic(tables, "R9c")
    assert (row["estimate"], row["ci_low"], row["ci_high"]) == pytest.approx((0, -0.02, 0.04))
    assert row["note"].startswith("smallest effect that would have been seen: 3.00 points")
    write(tables, members(tables, net("weight_decay")), "test", [0.51, 0.52, 0.53])
    assert "would have been seen" not in statistic(tables, "R9c")["note"]


def test_what_nets_still_gain_in_the_last_quarter_of_their_steps_is_told(tables):
    for arm, ends in (("batch", [0.51, 0.52, 0.53]), ("none", [0.5] * 3)):
        write(tables, members(tables, net("rate", arm)), "validation", ends, step=20)
    note = statistic(tables, "R9a")["note"]
    assert "gained in the last quarter with BN: 2 points" in note.replace("2.00", "2")
    assert "gained in the last quarter without BN: 0.00 points" in note


def test_a_run_that_diverges_guesses_and_is_told():
    tables = kept(lost=[net("rate", "none")])
    finished = tables["curves"].query("split == 'test'").set_index("run")["value"][members(tables, net(arm="none"))]
    effects = found.gain(tables, "rate", "none")
    np.testing.assert_allclose(effects.sort_index(), CHANCE - finished)
    assert "runs that diverged and count as guessing: 3 of 12" in statistic(tables, "R9a")["note"]
    assert "diverged" not in statistic(tables, "R9b")["note"]


@pytest.mark.parametrize(("halvings", "momentum"), [(0.0, 0.0), (0.0, 0.9), (2.0, 0.9)])
def test_the_steps_in_which_l2_shrinks_a_kernel_are_those_of_a_loop(halvings, momentum):
    values = dict(weight_decay=0.005, sgd_momentum=momentum, rate_halvings=halvings, steps=40_000, learning_rate=0.01)
    config = RunConfig(**values)
    kernel, steps = 1.0, 0
    while kernel > math.exp(-1):
        rate = 0.01 * 2 ** (-halvings * steps / config.steps)
        kernel, steps = kernel * (1 - rate * 0.005 / (1 - momentum)), steps + 1
    assert found.steps_to_decay(config) == pytest.approx(steps, rel=0.002)
    assert found.steps_to_decay(config.replace(steps=int(0.9 * steps))) == math.inf
    assert found.steps_to_decay(config.replace(weight_decay=0.0)) == math.inf


def test_each_l2_weight_to_choose_from_acts_within_the_run_and_how_soon_is_told():
    sweep = regularization.sweep("paper", seeds=1)
    assert all(found.steps_to_decay(config) < config.steps for config in sweep[Group("choice", "unchanged")])
    assert {config.seed for config in sweep[Group("choice", "unchanged")]} == {*SELECTING_SEEDS}
    tables = make_tables({group: runs for group, runs in sweep.items() if group.group == "changes"})
    rows = all_claims()["R9c"](tables).set_index("label")["estimate"]
    unchanged = sweep[net()][0]
    told = rows["steps in which L2 alone shrinks a kernel to 1/e, unchanged"]
    assert told == found.steps_to_decay(unchanged) < unchanged.steps


def test_rate_and_l2_of_the_dense_net_are_the_best_of_the_record_without_bn_and_its_members_rate_with_it():
    tables = load_results(RECORD.results / "04_regularization")
    runs = final_metric(group_curves(tables, "choice"))
    medians = runs.groupby(["arm", "learning_rate", "weight_decay"])["final_metric"].median()
    assert medians["unchanged"].idxmax() == (RATE, WEIGHT_DECAY)
    assert medians["ensemble"].idxmax()[0] == pytest.approx(FACTOR * RATE)
    assert set(runs.loc[runs["arm"] == "unchanged", "normalization"]) == {"none"}


def test_changes_are_judged_on_seeds_of_their_own_with_bn_read_through_population_statistics(made):
    runs = select(made, "changes")
    assert set(runs["seed"]) == {FIRST_JUDGED, FIRST_JUDGED + 1, FIRST_JUDGED + 2}
    with_bn = runs["normalization"] == "batch"
    assert (with_bn == (runs["setting"] == "batch")).all()
    assert set(runs.loc[with_bn, "normalization.inference"]) == {"population"}
    assert set(runs["arm"]) == {"unchanged", *CHANGES} - {"lrn"} and set(runs["dropout_place"]) == {"last"}


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


def made_ensembles(varied, alike):
    rows = [
        (setting, FIRST_MEMBER + 6 * group, count, 0.2 * (1 - share * (count == 6)))
        for setting, shares in (("alike", alike), ("varied", varied))
        for group, share in enumerate(shares)
        for count in (1, 6)
    ]
    return pd.DataFrame(rows, columns=SCHEMAS["ensembles"])


def test_what_averaging_removes_is_a_share_of_the_mean_error_of_one(tables):
    made = {**tables, "ensembles": made_ensembles([0.1, 0.12, 0.2], [0.1, 0.1, 0.1])}
    assert statistic(made, "R14")["estimate"] == pytest.approx(0.12)
    assert statistic(made, "R14")["note"].startswith("of nets that differ in their seed alone: 10% (10)")
    assert statistic(made, "R15")["estimate"] == pytest.approx(0.02)


def test_varied_nets_and_nets_alike_are_six_with_seeds_that_follow_one_another():
    sweep = regularization.sweep("paper", seeds=2)
    own = {group: [config.seed for config in runs] for group, runs in sweep.items() if group.group == "ensemble"}
    assert own.pop(Group("ensemble", "plain", "alike")) == list(range(FIRST_MEMBER, FIRST_MEMBER + 12))
    assert list(own.values()) == [[FIRST_MEMBER + place, FIRST_MEMBER + 6 + place] for place in range(6)]


def test_the_nets_of_a_six_are_trained_on_the_same_examples_and_other_sixes_on_others():
    sweep = regularization.sweep("paper", seeds=3)
    members = [config for group, runs in sweep.items() if group.group == "ensemble" for config in runs]
    assert {(config.seed - FIRST_MEMBER) // 6: config.task.subset_seed for config in members} == {
        six: FIRST_MEMBER + 6 * six for six in range(3)
    }


@pytest.mark.slow
@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize(
    ("lost", "overrides"),
    [
        ((), {}),
        ((net("rate"), net(arm="none"), Group("mates"), Group("ensemble", "larger_weights", "varied")), {}),
        ((net(),), {"task": "cifar10"}),
        (tuple(regularization.sweep("smoke")), {"hidden_units": 8}),
    ],
)
def test_it_is_judged_and_drawn_whatever_diverges(lost, overrides):
    tables = kept(seeds=2, lost=lost, **overrides)
    table = judged(regularization, tables)
    assert set(table["verdict"]) == {INCONCLUSIVE} and (table["n"] < FEWEST).all()
    assert len(every_panel(regularization, tables)) == 4


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
def test_what_each_change_does_is_drawn_with_bn_and_without_and_what_is_allowed_is_a_bar_in_its_row(tables):
    write(tables, members(tables, net("decay")), "test", [0.51, 0.51, 0.51])
    write(tables, members(tables, net("dropout", "none")), "test", [0.2, 0.2, 0.2])
    data = regularization.panel("effects").data(tables)
    assert len(data["medians"]) == 2 * 2 * 6 and len(data["seeds"]) == 3 * 2 * 2 * 6
    accuracy, loss = draw_panel(regularization.panel("effects"), tables).axes
    names = [label.get_text() for label in accuracy.get_yticklabels()]
    drawn = {}
    for line in accuracy.lines:
        if line.get_marker() in ("o", "<", ">") and line.get_markersize() > 4:
            drawn[line.get_color(), names[round(line.get_ydata()[0])]] = (line.get_xdata()[0], line.get_marker())
    assert len(drawn) == 12
    assert drawn[COLORS["batch"], "decay 6 x\nfaster"] == (pytest.approx(1.0), "o")
    assert drawn[COLORS["none"], "no\nDropout"] == (accuracy.get_xlim()[0], "<")
    bars = [line for line in accuracy.lines if list(line.get_xdata()) == [-0.5, -0.5]]
    assert [names[round(np.mean(bar.get_ydata()))] for bar in bars] == ["rate x 5", "no\nDropout", "decay 6 x\nfaster"]
    assert (accuracy.get_xlabel(), loss.get_xlabel()) == ("Accuracy, points", "Loss, nats")


@pytest.mark.slow
def test_what_bn_adds_is_drawn_as_the_claims_have_it(tables):
    write(tables, members(tables, net("decay")), "test", [0.51, 0.52, 0.53])
    medians = regularization.panel("beyond").data(tables)["medians"].set_index(["quantity", "change"])["estimate"]
    assert medians["accuracy", "decay"] == pytest.approx(100 * statistic(tables, "R10d")["estimate"])
    assert medians["loss", "dropout"] == pytest.approx(statistic(tables, "R12")["estimate"])
    assert len(draw_panel(regularization.panel("beyond"), tables).axes) == 2


@pytest.mark.slow
def test_the_spread_at_inference_is_told(made):
    assert "inference: 0" in [text.get_text() for text in axes_of(regularization, "spread", made).texts]


@pytest.mark.slow
def test_the_ensemble_stands_beside_the_papers_scaled_to_our_single_net(made):
    drawn = axes_of(regularization, "ensembles", made)
    varied = made["ensembles"].query("setting == 'varied'")
    middle = 100 * varied.groupby("members")["error"].median()
    thick = {line.get_label(): line for line in drawn.lines}["varied"]
    np.testing.assert_allclose(thick.get_ydata(), middle)
    diamonds = [(line.get_xdata()[0], line.get_ydata()[0]) for line in marks(drawn, "D")]
    np.testing.assert_allclose(diamonds, [(1, middle[1]), (6, middle[1] * 0.201 / 0.2199)])
