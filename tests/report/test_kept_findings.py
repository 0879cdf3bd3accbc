"""Findings from the cache: the same as computed, and computed anew whenever anything that they depend on has changed."""

import json

import pandas as pd
import pytest

from bnrepro.errors import RecordError
from bnrepro.experiments import EXPERIMENTS, Experiment
from bnrepro.plotting.save import digest
from bnrepro.records.results import load_results, results_digest, write_results
from bnrepro.records.workspace import Workspace
from bnrepro.report import kept_findings as kept
from bnrepro.report.verdicts import judged, together, verdicts
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
def computed(monkeypatch):
    """The experiments whose findings were computed, in the order in which they were."""
    found, compute = [], Experiment.findings

    def watched(experiment, tables):
        found.append(experiment.name)
        if (key := (experiment.name, digest(tables))) not in FOUND:
            FOUND[key] = compute(experiment, tables)
        return FOUND[key].copy()

    monkeypatch.setattr(Experiment, "findings", watched)
    return found


FOUND = {}
"""Findings by the experiment and the digest of its tables, for the tests count how often they are asked for."""

COMPUTED = {}
"""Verdicts by the digests of the tables that they were computed of."""


def same(workspace):
    """Asserts that what is kept gives the verdicts that are computed, to the bit."""
    kept_verdicts = together(kept.kept_findings(workspace))
    tables = tuple(map(results_digest, sorted(workspace.results.iterdir())))
    if tables not in COMPUTED:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(Experiment, "findings", FINDINGS)
            COMPUTED[tables] = verdicts(workspace)
    pd.testing.assert_frame_equal(kept_verdicts, COMPUTED[tables], check_exact=True)


FINDINGS = Experiment.findings

BOTH = ["training_speed", "activation_drift"]


def test_kept_verdicts_are_those_that_are_computed_to_the_bit_and_computed_once(workspace, computed):
    for _ in range(2):
        same(workspace)
    assert computed == BOTH


def test_a_table_that_changes_is_judged_again_and_the_others_are_not(workspace, computed):
    kept.kept_findings(workspace)
    folder = workspace.results / "01_training_speed"
    before = load_results(folder)
    write_results(folder, finding_tables("01_training_speed", "quick"))
    assert not before["curves"].equals(load_results(folder)["curves"])
    same(workspace)
    assert computed == [*BOTH, "training_speed"]


def test_another_code_or_version_judges_again(workspace, computed, monkeypatch):
    kept.kept_findings(workspace)
    monkeypatch.setattr(kept, "_code", lambda: "another")
    kept.kept_findings(workspace)
    assert computed == 2 * BOTH


def wrong_number(content: bytes) -> bytes:
    kept = json.loads(content)
    kept["rows"][0]["estimate"] = 123.0
    return json.dumps(kept).encode()


@pytest.mark.parametrize(
    "damage", [lambda content: b"", lambda content: content[:-50], lambda content: b"[]", wrong_number]
)
def test_a_damaged_file_of_the_cache_is_computed_and_written_again(workspace, computed, room, damage):
    kept.kept_findings(workspace)
    for file in room.iterdir():
        file.write_bytes(damage(file.read_bytes()))
    for _ in range(2):
        same(workspace)
    assert computed == 2 * BOTH


def test_a_cache_that_cannot_be_written_costs_time_and_nothing_else(workspace, computed, room):
    room.write_text("a file where the folder would be")
    for _ in range(2):
        same(workspace)
    assert computed == 2 * BOTH


def test_a_claim_that_is_newer_than_the_results_is_named_with_what_it_asks_for_wherever_it_is_judged():
    speed, tables = EXPERIMENTS["01_training_speed"], finding_tables("01_training_speed", "smoke")
    older = {**tables, "curves": tables["curves"].drop(columns="value")}
    said = "^results have what each claim asks for: T1 asks those of 01_training_speed for 'value', which is not there; run"
    with pytest.raises(RecordError, match=said):
        speed.findings(older)
    others = [("01_training_speed", speed, older)]
    with pytest.raises(RecordError, match=said):
        judged(EXPERIMENTS["02_activation_drift"], finding_tables("02_activation_drift", "smoke"), others)


def test_a_notebook_without_results_has_no_verdict(tmp_path, room):
    assert kept.kept_findings(Workspace("quick", tmp_path)) == {}
    assert not room.exists()
