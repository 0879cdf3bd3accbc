"""A notebook's way through the house: what it writes, and where it must not."""

import pytest

from bnrepro import UserError
from bnrepro.jupyter.session import Session
from bnrepro.records.results import load_results
from bnrepro.records.workspace import CHECKOUT, Workspace

pytestmark = pytest.mark.slow


def test_a_study_trains_keeps_draws_and_judges_below_its_output_root(tmp_path):
    session = Session("02_activation_drift", "smoke", str(tmp_path), seeds=1, steps=40)
    tables = session.train()
    session.panel(tables, "drift")
    assert set(tables["runs"]["steps"]) == {40} and len(tables["runs"]) == 3
    kept = load_results(tmp_path / "results" / "02_activation_drift")
    assert all(kept[name].equals(table) for name, table in tables.items())
    assert list(session.verdicts(tables)["verdict"]) == ["inconclusive"] * 2
    assert {path.name for path in tmp_path.iterdir()} == {"runs", "results"}


def test_only_the_unchanged_paper_preset_in_the_checkout_writes_the_record():
    assert Workspace("paper").results == CHECKOUT / "data" / "results"
    assert Workspace("paper").figures == CHECKOUT / "figures"
    for other in (Workspace("quick"), Workspace("paper", changed=True), Workspace("paper", "elsewhere")):
        assert not other.is_record
        assert other.results != CHECKOUT / "data" / "results" and other.figures != CHECKOUT / "figures"


@pytest.mark.parametrize(("overrides", "changed"), [({"steps": 0, "task": ""}, False), ({"steps": 30}, True)])
def test_a_parameter_that_differs_from_the_presets_marks_the_workspace(tmp_path, overrides, changed):
    assert Session("01_training_speed", "smoke", str(tmp_path), **overrides).workspace.changed is changed


def test_a_study_goes_to_the_rooms_of_changed_parameters_where_its_batch_does(tmp_path):
    assert Session("01_training_speed", "smoke", str(tmp_path), changed=True).workspace.changed


def test_a_parameter_out_of_range_is_refused_before_anything_is_written(tmp_path):
    with pytest.raises(UserError, match="batch_size"):
        Session("01_training_speed", "smoke", str(tmp_path / "out"), batch_size=1)
    assert not (tmp_path / "out").exists()


def test_a_folder_that_cannot_be_written_is_named(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match="output goes to a folder that can be written"):
        Session("01_training_speed", "smoke", str(tmp_path / "file"))
