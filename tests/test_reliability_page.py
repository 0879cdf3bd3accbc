"""The hard figures of reliability: the page is what the results say, and each checker sees what it is there for."""

import contextlib
import dataclasses
import importlib
import shutil

import pytest

from bnrepro.config.run_config import RunConfig
from bnrepro.records.store import write_record
from tests.hard import batches, slurm, two_batches
from tests.hard.bad_inputs import Bad, faults, inputs
from tests.hard.drawing import drawn
from tests.hard.page import PAGE, page
from tests.hard.trials import RESULTS, Trials, measure, read
from tests.records.test_store import record_of


def test_the_page_is_what_the_results_say():
    assert PAGE.read_text(encoding="utf-8") == page()


def test_what_is_not_yet_tried_as_often_as_it_should_be_says_so(tmp_path):
    shutil.copy(RESULTS / "kills.json", tmp_path)
    assert f"| {read(tmp_path, 'kills').n} (" in page(tmp_path)
    dataclasses.replace(read(tmp_path, "kills"), n=7).write(tmp_path)
    assert "| 7 of 50 (" in page(tmp_path)


def test_a_failure_stands_on_the_page(tmp_path):
    shutil.copy(RESULTS / "kills.json", tmp_path)
    result = read(tmp_path, "kills")
    dataclasses.replace(result, failures=["trial 3: torn"]).write(tmp_path)
    assert "- kills, trial 3: torn\n" in page(tmp_path)


def trials(count: int, trial) -> Trials:
    return Trials(
        name="some", tried="a thing", wrong="a fault", count=count, begin=lambda place: contextlib.nullcontext(trial)
    )


def test_trials_go_on_where_they_were_left_and_another_seed_begins_anew(tmp_path):
    made = []

    def trial(number, chance):
        if len(made) == 2:
            made.append("interrupt")
            raise KeyboardInterrupt
        made.append(number)
        return "odd" if number % 2 else "even", ["boom"] if number == 1 else []

    with pytest.raises(KeyboardInterrupt):
        measure(trials(4, trial), results=tmp_path)
    result = measure(trials(4, trial), results=tmp_path)
    assert made == [0, 1, "interrupt", 2, 3]
    assert (result.n, result.kinds, result.failures) == (4, {"even": 2, "odd": 2}, ["trial 1: boom"])
    assert measure(trials(1, trial), seed=1, results=tmp_path).n == 1


def test_what_is_drawn_is_the_same_for_a_seed_and_each_once():
    strategies = pytest.importorskip("hypothesis.strategies")
    numbers = strategies.integers(0, 10_000)
    assert drawn(numbers, 20, seed=0) == drawn(numbers, 20, seed=0) != drawn(numbers, 20, seed=1)
    assert len(set(drawn(numbers, 20, seed=0))) == 20


# Each checker can fail


@pytest.fixture
def record(tmp_path):
    """An output root with one whole record, its config and the bits that are expected."""
    config = RunConfig(steps=2, evaluate_every=1)
    write_record(tmp_path / "runs", config, record_of(config))
    return tmp_path, config, batches.bits(tmp_path)


def test_a_whole_record_has_no_fault(record):
    output, config, expected = record
    assert batches.record_faults(output, expected, {config.id}, [config]) == []


def damage_by_cutting(folder):
    curves = folder / "curves.csv"
    curves.write_bytes(curves.read_bytes()[:-3])


def damage_by_setting_aside(folder):
    folder.rename(folder.with_name(f"{folder.name}.damaged-1"))


@pytest.mark.parametrize(
    ("damage", "told"),
    [
        (damage_by_cutting, "torn: "),
        (shutil.rmtree, "is lost"),
        (damage_by_setting_aside, "set aside as damaged"),
    ],
)
def test_a_torn_a_lost_and_a_damaged_record_are_seen(record, damage, told):
    output, config, expected = record
    damage(output / "runs" / config.id)
    assert any(told in fault for fault in batches.record_faults(output, expected, {config.id}, [config]))


def test_a_whole_record_of_other_numbers_is_seen(record):
    output, config, expected = record
    shutil.rmtree(output / "runs" / config.id)
    write_record(output / "runs", config, record_of(config, accuracy=0.6))
    faults = batches.record_faults(output, expected, {config.id}, [config])
    assert faults == [f"runs/{config.id}/curves.csv has other bits"]


@pytest.fixture
def both(tmp_path):
    """What two batches left on one output root, and their trial, which expects that."""
    folder = tmp_path / "both"
    for pattern in batches.FILES:
        path = folder / pattern.replace("*", "a")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"begun" + batches.ENDINGS[path.suffix])
    (folder / "results").mkdir()
    (folder / "results" / "runs.csv").write_text("run\n")
    trial = object.__new__(two_batches.Pairs)
    trial.expected = {40: batches.bits(folder), 20: {}}
    return folder, lambda: [fault for fault in trial.left(folder, 20) if not fault.endswith("is lost")]


def test_what_two_batches_leave_whole_has_no_fault(both):
    assert both[1]() == []


@pytest.mark.parametrize("pattern", batches.FILES)
def test_a_figure_a_notebook_and_a_page_that_two_batches_tore_are_seen(both, pattern):
    folder, faults = both
    path = folder / pattern.replace("*", "a")
    path.write_bytes(b"begun")
    assert faults() == [f"{path} is not whole"]
    path.unlink()
    assert faults() == [f"{pattern} is missing"]


def test_results_that_are_those_of_neither_batch_are_seen(both):
    folder, faults = both
    (folder / "results" / "runs.csv").write_text("run\nhalf")
    assert faults() == ["the results are those of neither"]


def test_a_bad_input_is_refused_and_a_good_one_is_seen(tmp_path):
    assert faults(Bad(("run", "17")), tmp_path, as_process=False) == []
    found = faults(Bad(("run", "01", "--grid", "seeds=1", "--output", "out")), tmp_path, as_process=False)
    assert any("it was accepted" in fault for fault in found)
    assert any(fault.startswith(f"wrote {tmp_path / 'out'}") for fault in found)


@pytest.mark.slow(seconds=2)
def test_bad_inputs_are_over_every_command_and_every_notebook():
    sites = [site for site, _ in inputs(200, seed=0)]
    assert len(set(sites)) > 90
    assert {"run --jobs", "data fetch NAME", "figures --width", "08_dropout_and_weight_decay task"} <= set(sites)


@pytest.mark.slow
def test_a_random_model_is_well_and_one_of_another_momentum_or_epsilon_is_seen(tmp_path, monkeypatch):
    random_models = importlib.import_module("tests.hard.random_models")
    descriptions = importlib.import_module("tests.hard.descriptions")
    bn = (
        "bn",
        tuple(sorted(dict(momentum=0.9, epsilon=1e-3, center=True, scale=True, ddof=1, trainable=True).items())),
    )
    dense = ("dense", (("activation", "linear"), ("units", 3), ("use_bias", False)))
    description = descriptions.Description("functional", "float32", 0, False, False, (dense, bn), 6, 0)
    assert random_models.faults(description, tmp_path) == ("functional", [])
    whole = random_models.BatchNormalization._unbiased
    monkeypatch.setattr(
        random_models.BatchNormalization, "_unbiased", lambda *arguments: (whole(*arguments)[0] * 1.1, None)
    )
    found = random_models.faults(description, tmp_path)[1]
    assert [fault.split(" in ")[0].split(":")[0] for fault in found] == ["moving variance of batch_normalization"]


@pytest.mark.parametrize("left", [(), ("12_0", "12_3")])
def test_a_task_that_an_interrupted_command_left_on_slurm_is_seen(monkeypatch, left):
    monkeypatch.setattr(slurm, "GONE", 0)
    monkeypatch.setattr(slurm, "_tasks", lambda state: list(left))
    found = slurm._ended_otherwise("command interrupted", 130, ["bnrepro: interrupted"])
    assert found == [f"left behind: task {task}" for task in left]
