"""A run that is stopped anywhere and goes on from what was kept gives the tables of one that was never stopped, to the bit."""

import hashlib

import pytest

from bnrepro.config.run_config import RunConfig
from bnrepro.errors import UserError
from bnrepro.measurements.base import put_back, rows_of
from bnrepro.records import checkpoints as module
from bnrepro.records.checkpoints import Checkpoints
from bnrepro.training import tensorflow_run
from bnrepro.training.run import run_group

pytestmark = pytest.mark.slow(seconds=60)

TINY = RunConfig(
    hidden_layers=2,
    hidden_units=6,
    train_examples=600,
    test_examples=128,
    steps=35,  # a last chunk of 5
    evaluate_every=10,
    initial_std=0.3,
    normalization="batch",
)
RUNS = {
    "moving averages": TINY,
    "momentum, halvings and weight decay": TINY.replace(sgd_momentum=0.9, rate_halvings=3, weight_decay=0.01),
    "Dropout": TINY.replace(dropout=0.5),
    "population statistics and examples that are fitted": TINY.replace(inference="population", fit_examples=120),
    "Batch Renormalization": TINY.replace(normalization="renorm"),
    "noise": TINY.replace(normalization="noise"),
    "no two examples together twice": TINY.replace(train_examples=1_200, batch_size=12, shuffling="thorough"),
    "validation examples, the test set last": TINY.replace(validation_examples=60),
    "measured": TINY.replace(measurements=("geometry", "statistics"), test_examples=256),
    "diverging later": TINY.replace(normalization="none", learning_rate=0.5, weight_decay=7.0, steps=60),
    "graph mode": TINY.replace(compiler="graph", sgd_momentum=0.9),
}


class Stop(Exception):
    pass


def stopping_after(chunks):
    """An `on_steps` that raises after so many chunks."""
    left = iter(range(chunks - 1))

    def on_steps(steps):
        if next(left, None) is None:
            raise Stop

    return on_steps


def assert_same(ours, theirs):
    assert ours.keys() == theirs.keys()
    for name in ours.keys() - {"provenance"}:
        assert ours[name].equals(theirs[name]), name


@pytest.mark.parametrize("name", RUNS)
def test_stopped_twice_it_reaches_the_same_bits(name, tmp_path, capsys):
    config = RUNS[name]
    (whole,) = run_group([config])
    checkpoints, resumed = Checkpoints(tmp_path, seconds=0), []
    for chunks in (1, 1):  # the second time stopped one chunk further
        with pytest.raises(Stop):
            run_group([config], stopping_after(chunks), checkpoints=checkpoints, on_resumed=resumed.append)
        run_group([config.replace(seed=9, learning_rate=0.7, steps=10)])  # which leaves other values in the same net
    steps = []
    (tables,) = run_group([config], steps.append, checkpoints=checkpoints, on_resumed=resumed.append)
    assert_same(tables, whole)
    assert resumed == [10, 20]
    ended = whole["runs"]["diverged_at"].item()
    assert sum(steps) == -(-int(ended or config.steps) // 10) * 10 - 20 - (5 if config.steps == 35 else 0)
    assert capsys.readouterr().err == ""


def test_the_run_that_diverges_does_so_after_it_was_stopped():
    (tables,) = run_group([RUNS["diverging later"]])
    assert tables["runs"]["status"].item() == "diverged" and tables["runs"]["diverged_at"].item() > 20


def test_seconds_of_all_parts_of_a_run_add_up(tmp_path, monkeypatch):
    checkpoints = Checkpoints(tmp_path, seconds=0)
    with pytest.raises(Stop):
        run_group([TINY], stopping_after(2), checkpoints=checkpoints)
    kept = Checkpoints.read

    def with_an_hour_more(self, *arguments):
        found = kept(self, *arguments)
        found.state["seconds"] = [second + 3_600 for second in found.state["seconds"]]
        return found

    monkeypatch.setattr(Checkpoints, "read", with_an_hour_more)
    (tables,) = run_group([TINY], checkpoints=checkpoints)
    seconds = tables["provenance"][["train_seconds", "evaluate_seconds", "compile_seconds"]]
    assert (seconds > 3_600).all(axis=None) and (seconds < 7_200).all(axis=None)


def test_nothing_is_kept_before_it_is_time_nor_of_a_run_whose_cost_is_measured(tmp_path):
    run_group([TINY], checkpoints=Checkpoints(tmp_path, seconds=3_600))
    run_group([TINY.replace(measurements="cost")], checkpoints=Checkpoints(tmp_path, seconds=0))
    assert list(tmp_path.iterdir()) == []


def damaged(file):
    file.write_bytes(file.read_bytes()[:-1])


def with_another_net(file):
    rewrite(file, lambda state: state["replicates"]["variables"].pop())


def with_another_shape(file):
    rewrite(file, lambda state: state["replicates"]["variables"].append(state["replicates"]["variables"].pop()[None]))


def with_a_part_missing(file):
    rewrite(file, lambda state: state.pop("seconds"))


def rewrite(file, change):
    """Changes a state and leaves a whole file of it."""
    tree = module._unpacked(file.read_bytes()[32:])
    change(tree["state"])
    content = module._packed(tree)
    file.write_bytes(hashlib.sha256(content).digest() + content)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (damaged, "is damaged"),
        (with_another_net, "was made by other code (variables are as those of the net"),
        (with_another_shape, "was made by other code (variables are as those of the net"),
        (with_a_part_missing, "was made by other code ('seconds')"),
    ],
)
def test_what_cannot_be_taken_up_is_told_in_one_line_and_the_run_starts_anew(change, said, tmp_path, capsys):
    checkpoints, resumed = Checkpoints(tmp_path, seconds=0), []
    with pytest.raises(Stop):
        run_group([TINY], stopping_after(2), checkpoints=checkpoints)
    (file,) = (tmp_path / ".checkpoints").iterdir()
    change(file)
    (tables,) = run_group([TINY], checkpoints=checkpoints, on_resumed=resumed.append)
    assert_same(tables, run_group([TINY])[0])
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("bnrepro: ") and said in line and "starts anew" in line
    assert resumed == []


def test_a_full_disk_is_told_once_and_the_run_goes_on(tmp_path, monkeypatch, capsys):
    def full(self, *arguments):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Checkpoints, "write", full)
    (tables,) = run_group([TINY], checkpoints=Checkpoints(tmp_path, seconds=0))
    assert_same(tables, run_group([TINY])[0])
    (line,) = capsys.readouterr().err.splitlines()
    assert "No space left" in line and TINY.id in line


def test_an_observer_from_outside_that_keeps_to_itself_what_it_found_is_told(capsys, tmp_path, monkeypatch):
    class Outside:
        def measure(self, step, rate, last):
            pass

        def tables(self, run):
            return {}

    with pytest.raises(UserError, match="Outside has none"):
        rows_of([Outside()])
    monkeypatch.setattr(tensorflow_run.TensorFlowRun, "snapshot", lambda self: {"rows": rows_of([Outside()])})
    run_group([TINY], checkpoints=Checkpoints(tmp_path, seconds=0))
    (line,) = capsys.readouterr().err.splitlines()
    assert "stands in its rows: Outside has none" in line


def test_rows_that_are_put_back_are_tuples_again():
    class Observer:
        rows = {"geometry": [(0, "all", 1.0)]}

    one = Observer()
    put_back([one], [{"geometry": [[0, "all", 2.0]]}])
    assert one.rows == {"geometry": [(0, "all", 2.0)]}
    with pytest.raises(ValueError, match="argument 2 is"):
        put_back([one], [])
