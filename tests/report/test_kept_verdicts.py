"""Verdicts from the cache: the same as computed, and computed anew whenever anything that they depend on has changed."""

import json

import pandas as pd
import pytest

from bnrepro.records.results import load_results, write_results
from bnrepro.records.workspace import Workspace
from bnrepro.report import kept_verdicts as kept
from bnrepro.report.verdicts import verdicts
from tests.experiments.factories import finding_tables, write_finding_results


@pytest.fixture(autouse=True)
def room(tmp_path, monkeypatch):
    """A cache of its own."""
    monkeypatch.setattr(kept, "ROOM", tmp_path / "cache")
    return tmp_path / "cache"


@pytest.fixture
def workspace(tmp_path):
    workspace = Workspace("quick", tmp_path / "out")
    write_finding_results(workspace.results, "smoke")
    return workspace


@pytest.fixture
def judged(monkeypatch):
    """The notebooks' experiments that were judged, in the order in which they were."""
    found, judge = [], kept.judged

    def watched(experiment, tables):
        found.append(experiment.folder)
        return judge(experiment, tables)

    monkeypatch.setattr(kept, "judged", watched)
    return found


BOTH = ["training_speed", "activation_drift"]


def test_kept_verdicts_are_those_that_are_computed_to_the_bit_and_computed_once(workspace, judged):
    computed = verdicts(workspace)
    for _ in range(2):
        pd.testing.assert_frame_equal(kept.kept_verdicts(workspace), computed, check_exact=True)
    assert judged == BOTH


def test_a_table_that_changes_is_judged_again_and_the_others_are_not(workspace, judged):
    kept.kept_verdicts(workspace)
    folder = workspace.results / "01_training_speed"
    before = load_results(folder)
    write_results(folder, finding_tables("01_training_speed", "quick"))
    assert not before["curves"].equals(load_results(folder)["curves"])
    pd.testing.assert_frame_equal(kept.kept_verdicts(workspace), verdicts(workspace), check_exact=True)
    assert judged == [*BOTH, "training_speed"]


def test_another_code_or_version_judges_again(workspace, judged, monkeypatch):
    kept.kept_verdicts(workspace)
    monkeypatch.setattr(kept, "_code", lambda: "another")
    kept.kept_verdicts(workspace)
    assert judged == 2 * BOTH


def wrong_number(content: bytes) -> bytes:
    kept = json.loads(content)
    kept["rows"][0]["estimate"] = 123.0
    return json.dumps(kept).encode()


@pytest.mark.parametrize(
    "damage", [lambda content: b"", lambda content: content[:-50], lambda content: b"[]", wrong_number]
)
def test_a_damaged_file_of_the_cache_is_computed_and_written_again(workspace, judged, room, damage):
    kept.kept_verdicts(workspace)
    for file in room.iterdir():
        file.write_bytes(damage(file.read_bytes()))
    for _ in range(2):
        pd.testing.assert_frame_equal(kept.kept_verdicts(workspace), verdicts(workspace), check_exact=True)
    assert judged == 2 * BOTH


def test_a_cache_that_cannot_be_written_costs_time_and_nothing_else(workspace, judged, room):
    room.write_text("a file where the folder would be")
    for _ in range(2):
        pd.testing.assert_frame_equal(kept.kept_verdicts(workspace), verdicts(workspace), check_exact=True)
    assert judged == 2 * BOTH


def test_a_notebook_without_results_has_no_verdict(tmp_path, room):
    assert kept.kept_verdicts(Workspace("quick", tmp_path)).empty
    assert not room.exists()
