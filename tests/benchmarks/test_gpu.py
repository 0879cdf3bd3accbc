"""A machine may be lent for once: what fails or comes too late takes nothing else along, and records come back in one file."""

import json
import tarfile

import pytest

from bnrepro.benchmarks import gpu
from bnrepro.benchmarks.rows import row
from bnrepro.execution.groups import groups_of

PARTS = ("figure_1_rows", "scaling_rows", "rates_rows", "figure_2_rows", "precision_rows", "layer_rows")


@pytest.fixture
def parts(monkeypatch):
    """Parts that measure nothing, each of which gives a row of its name."""
    monkeypatch.setenv("XLA_PYTHON_CLIENT_PREALLOCATE", "true")
    for name in PARTS:
        monkeypatch.setattr(gpu, name, lambda *_, name=name: iter([row(name, "s", [1.0])]))
    return monkeypatch


def names(folder):
    return [found["name"] for found in json.loads((folder / "rows.json").read_text())]


def test_all_parts_are_measured_the_most_important_first(parts, tmp_path):
    assert gpu.bench_gpu(tmp_path / "new")
    assert names(tmp_path / "new") == list(PARTS)


def test_a_part_that_fails_is_told_and_takes_no_other_along(parts, tmp_path, capsys):
    def failing(*_):
        yield row("half", "s", [1.0])
        raise ValueError("no memory")

    parts.setattr(gpu, "scaling_rows", failing)
    assert not gpu.bench_gpu(tmp_path)
    assert names(tmp_path) == ["figure_1_rows", "half", *PARTS[2:]]
    assert "ValueError: no memory" in capsys.readouterr().err


def test_no_part_begins_when_the_time_is_over(parts, tmp_path, capsys):
    assert not gpu.bench_gpu(tmp_path, seconds=-1)
    assert capsys.readouterr().out.count("left out, for -1 s are over") == len(PARTS)


def test_seeds_and_rates_of_a_net_are_trained_at_once(monkeypatch, tmp_path):
    trained = []

    def take(runs, records):
        trained.append(runs)
        raise InterruptedError

    monkeypatch.setattr(gpu, "_trained", take)
    for rows in (gpu.figure_1_rows, gpu.rates_rows, gpu.figure_2_rows):
        with pytest.raises(InterruptedError):
            list(rows(gpu.Extent(), tmp_path))
    assert [sorted(map(len, groups_of(runs))) for runs in trained] == [[100, 100], [90] * 4, [36, 36]]


def test_records_come_back_in_one_file(tmp_path):
    for run in ("a", "b", "c"):
        (tmp_path / "runs" / run).mkdir(parents=True)
        (tmp_path / "runs" / run / "done.json").write_text(run)
    gpu._pack(tmp_path, "records", ["c", "a"])
    with tarfile.open(tmp_path / "records.tar.gz") as archive:
        assert sorted(archive.getnames()) == ["a", "a/done.json", "c", "c/done.json"]
