"""Whole commands are timed: each is one that there is, and one that fails has no time."""

import pytest

from bnrepro.benchmarks import whole
from bnrepro.benchmarks.bench import BENCHMARKS
from bnrepro.benchmarks.whole import WHOLE, Whole, whole_row
from bnrepro.cli import _parser
from bnrepro.errors import UserError


def test_each_command_is_a_row_and_one_that_there_is():
    assert WHOLE.keys() <= BENCHMARKS.keys()
    for name, one in WHOLE.items():
        if name.startswith("tests/"):
            assert one.words[:2] == ("make", "test")
        elif name != "command/help":
            assert _parser().parse_args(one.words[3:])


def test_a_command_has_its_seconds_against_those_that_it_may_take(monkeypatch):
    monkeypatch.setitem(whole.WHOLE, "command/help", WHOLE["command/help"]._replace(repeats=1))
    found = whole_row("command/help")
    assert (found["unit"], found["theirs"], found["n"]) == ("s", 1, 1)
    assert found["ours"] > 0 and found["ratio"] == found["ours"]


def test_a_command_that_fails_has_no_time(monkeypatch):
    monkeypatch.setitem(whole.WHOLE, "command/list", Whole((*WHOLE["command/list"].words, "--nothing"), 1))
    with pytest.raises(
        UserError, match="^a command is timed where it ends well: .* list --nothing ended with 2, .*'--nothing'"
    ):
        whole_row("command/list")
