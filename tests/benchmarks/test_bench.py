"""The bench: which rows there are, how they are told and kept. No time is measured here, which only a quiet machine could."""

import json

import pytest

from bnrepro.benchmarks import bench as benches
from bnrepro.benchmarks import by_processor
from bnrepro.benchmarks.bench import BENCHMARKS, Benchmark, bench
from bnrepro.benchmarks.memory import PROGRAMS, RUNS, many_programs
from bnrepro.benchmarks.rows import row
from bnrepro.benchmarks.whole import WHOLE
from bnrepro.errors import UserError

SCALE = {
    **{"processor": "A Processor (R) 1", "cores": 2, "instruction_sets": ["avx2"], "load": 0.5, "python": "3.11.7"},
    **{"tensorflow": "2.21.0", "keras": "3.15.1", "numpy": "2.4.6", "bnrepro": "0.1.0"},
    **{"fit_ms_a_step": 1.25, "memory_gb_a_second": 15.0, "n": 5},
}


@pytest.fixture(autouse=True)
def measured(monkeypatch, tmp_path):
    """Rows that take no time, and a folder of other processors; gives the names that were measured."""
    found = []

    def of(name, ours):
        return lambda: found.append(name) or row(name, "ms", [ours, ours + 1, ours + 2], [4.0, 4.0, 4.0])

    known = {
        "one": Benchmark(of("one", 1.0)),
        "two": Benchmark(of("two", 2.0)),
        "asked": Benchmark(of("asked", 3), False),
    }
    monkeypatch.setattr(benches, "BENCHMARKS", known)
    monkeypatch.setattr(benches, "scale", lambda: SCALE)
    monkeypatch.setattr(by_processor, "ROOM", tmp_path / "bench")
    monkeypatch.setattr(by_processor, "processor", lambda: SCALE["processor"])
    return found


def test_the_usual_rows_run_when_none_is_named_and_others_only_by_name(measured, capsys):
    assert [row["ratio"] for row in bench()] == [0.5, 0.75]
    assert bench(["asked"])[0]["ours"] == 4
    assert measured == ["one", "two", "asked"]
    first = capsys.readouterr().out.splitlines()[0]
    assert "1.25 ms a step of Keras `fit` (n = 5)" in first and "15 GB/s; A Processor (R) 1, 2 cores (avx2)" in first


def test_an_unknown_row_is_refused_before_anything_is_measured(measured):
    with pytest.raises(UserError, match="^unknown row 'tow': did you mean 'two'"):
        bench(["one", "tow"])
    assert measured == []


def test_rows_are_kept_by_processor_and_printed_beside_those_of_others(monkeypatch, capsys):
    bench(["one", "two"], kept=True)
    monkeypatch.setattr(by_processor, "processor", lambda: "Another 2")
    capsys.readouterr()
    bench(["one", "asked"], kept=True)
    lines = capsys.readouterr().out.splitlines()
    assert lines[2] == "    elsewhere: A Processor (R) 1 0.500 (n = 3)" and len(lines) == 4
    assert sorted(path.name for path in by_processor.ROOM.iterdir()) == ["a-processor-r-1.json", "another-2.json"]


def test_the_file_of_ones_own_has_scale_and_rows_as_the_processors_has(tmp_path):
    rows = bench(["one"], json_path=tmp_path / "bench.json", kept=True)
    assert json.loads((tmp_path / "bench.json").read_bytes()) == {"scale": SCALE, "rows": rows}
    assert json.loads(by_processor.own_file().read_bytes()).keys() == {"scale", "rows"}


def test_a_row_that_is_measured_again_replaces_the_old_one_and_leaves_the_rest(monkeypatch):
    bench(["one", "two"], kept=True)
    monkeypatch.setattr(benches, "scale", lambda: SCALE | {"fit_ms_a_step": 4.0})
    bench(["two"], kept=True)
    rows = json.loads(by_processor.own_file().read_bytes())["rows"]
    assert [(row["name"], row["fit_ms_a_step"]) for row in rows] == [("one", 1.25), ("two", 4.0)]


def test_rows_of_memory_clusters_whole_protocols_and_whole_commands_are_asked_for_by_name():
    asked = {name for name, one in BENCHMARKS.items() if not one.usual}
    alone = {"figure1/paper_protocol", "memory/figure1_run", "sweep/peak_memory_500_runs"}
    cluster = {"cluster/send", "cluster/record", "cluster/2_workers"}
    training = {"engine/jax_16_seeds", "checkpoint/mnist_mlp_bn", "checkpoint/inception_small_bn"}
    assert asked == alone | cluster | training | set(WHOLE)


def test_the_batch_of_the_row_of_memory_has_500_runs_of_60_programs():
    configs = many_programs()
    assert len({config.id for config in configs}) == RUNS == 500
    assert len({config.compilation_key for config in configs}) == PROGRAMS == 60
