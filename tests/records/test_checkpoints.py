"""What is kept of runs under way comes back to the bit, or is told in one line and not used."""

import json

import numpy as np
import pytest

from bnrepro.config.grid import grid
from bnrepro.config.run_config import RunConfig
from bnrepro.errors import RecordError, UserError
from bnrepro.records import checkpoints as module
from bnrepro.records.checkpoints import Checkpoints

RUNS = grid(RunConfig(engine="jax"), seed=range(3))
HERE = {"numpy": "2", "processor": "a"}
STATE = {
    "step": 7,
    "seconds": [0.1, 1e-300, 1 / 3],
    "rows": [(500, "all", np.float32(0.1)), (np.int64(1), "x", float("nan")), (0, "", float("-inf"))],
    "variables": [
        np.array([1e-45, -0.0, np.nan, np.inf], "float32"),
        np.zeros((0, 3)),
        np.array([2**32 - 1, 5], "uint32"),
        np.array(3, "int64"),
    ],
    "nested": [{"array": [np.arange(3)]}, {"array": 2, "more": None}],
}


@pytest.fixture
def kept(tmp_path):
    checkpoints = Checkpoints(tmp_path)
    checkpoints.write(RUNS, HERE, STATE)
    return checkpoints


def the_file(checkpoints):
    (file,) = (checkpoints.records / ".checkpoints").iterdir()
    return file


def test_a_state_comes_back_to_the_bit(kept):
    state, places = kept.read(RUNS, HERE)
    assert places == [0, 1, 2]
    assert (state["step"], state["seconds"]) == (7, STATE["seconds"])
    assert state["rows"][0] == [500, "all", float(np.float32(0.1))]
    assert np.isnan(state["rows"][1][2]) and state["rows"][2][2] == float("-inf")
    for found, given in zip(state["variables"], STATE["variables"], strict=True):
        assert (found.dtype, found.shape, found.tobytes()) == (given.dtype, given.shape, given.tobytes())
    assert state["nested"][0]["array"][0].tolist() == [0, 1, 2] and state["nested"][1] == {"array": 2, "more": None}


def test_where_nothing_is_kept_nothing_is_found(tmp_path):
    assert Checkpoints(tmp_path).read(RUNS, HERE) is None
    assert list(tmp_path.iterdir()) == []


def test_a_later_state_takes_the_place_of_an_earlier_one(kept):
    kept.write(RUNS, HERE, {"step": 8})
    assert kept.read(RUNS, HERE).state == {"step": 8}
    assert the_file(kept).name == RUNS[0].id


def test_runs_that_are_left_of_a_group_have_their_places_in_it(kept):
    assert kept.read(RUNS[:2], HERE).places == [0, 1]
    assert kept.read([RUNS[0], RUNS[2]], HERE).places == [0, 2]


def test_a_byte_that_is_another_or_missing_is_seen_wherever_it_is(kept):
    whole = the_file(kept).read_bytes()
    for place in (0, 31, 32, 100, len(whole) // 2, len(whole) - 1):
        the_file(kept).write_bytes(whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :])
        with pytest.raises(RecordError, match="is damaged"):
            kept.read(RUNS, HERE)
    for length in (0, 10, 32, len(whole) - 1):
        the_file(kept).write_bytes(whole[:length])
        with pytest.raises(RecordError, match="is damaged|of another layout"):
            kept.read(RUNS, HERE)


def test_what_was_made_with_something_else_is_named_in_one_line(kept, monkeypatch):
    with pytest.raises(RecordError, match="made with numpy 2, here is 3; jax None, here is 1") as error:
        kept.read(RUNS, {**HERE, "numpy": "3", "jax": "1"})
    assert "\n" not in str(error.value)
    monkeypatch.setattr(module, "RECORD_VERSION", 99)
    with pytest.raises(RecordError, match="of the records, this is version 99"):
        kept.read(RUNS, HERE)


def test_a_state_of_other_runs_is_refused(kept):
    other = RUNS[0].replace(learning_rate=0.7)
    the_file(kept).rename(the_file(kept).with_name(other.id))
    with pytest.raises(RecordError, match="of other runs"):
        kept.read([other], HERE)


def test_nothing_is_executed_to_read_a_file(kept):
    with pytest.raises(UserError, match="numbers, words and arrays: got set"):
        kept.write(RUNS, HERE, {"a": {1}})
    with pytest.raises(UserError, match="got ndarray"):
        kept.write(RUNS, HERE, {"a": np.array([json], dtype=object)})
    assert kept.read(RUNS, HERE).state["step"] == 7


def test_a_run_that_is_recorded_has_nothing_kept_nor_a_draft_of_it(kept):
    kept.write([RUNS[1]], HERE, {"step": 1})
    folder = kept.records / ".checkpoints"
    (folder / f".{RUNS[0].id}.0a1b2c3d").write_text("torn")
    kept.remove(RUNS[0])
    assert [path.name for path in folder.iterdir()] == [RUNS[1].id]
    Checkpoints(kept.records / "nowhere").remove(RUNS[0])


def test_a_file_that_cannot_be_read_is_told(kept):
    file = the_file(kept)
    file.unlink()
    file.mkdir()
    with pytest.raises(RecordError, match="cannot be read"):
        kept.read(RUNS, HERE)
