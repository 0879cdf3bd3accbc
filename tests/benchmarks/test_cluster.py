"""The rows of a cluster measure what they say, with a real scheduler and without training."""

import pytest

pytest.importorskip("distributed", reason="Dask is not installed: pip install 'bnrepro[dask]'")

from bnrepro.benchmarks import cluster  # noqa: E402
from tests.execution.factories import NoProcess, made_up  # noqa: E402

pytestmark = pytest.mark.slow


def test_sending_is_measured_until_the_scheduler_has_all_and_takes_everything_back():
    row = cluster.send_row(repeats=2, runs=6)
    assert (row["name"], row["unit"], row["n"]) == ("cluster/send", "ms a run", 2)
    assert row["ours"] > 0 and row["theirs"] > 0


def test_recording_is_measured_on_records_that_are_written_and_read(monkeypatch):
    read = []
    really = cluster.read_record
    monkeypatch.setattr(cluster, "run", lambda config: made_up((config,))[0])
    monkeypatch.setattr(cluster, "read_record", lambda *arguments: read.append(really(*arguments)))
    row = cluster.record_row(repeats=1, runs=3)
    assert row["name"] == "cluster/record" and row["ours"] > 0
    assert len(read) == 2 * 3 and all(tables is not None for tables in read)


def test_workers_are_measured_as_runs_an_hour(monkeypatch):
    monkeypatch.setattr("bnrepro.execution.lent.WorkerProcess", NoProcess)
    row = cluster.workers_row(repeats=1, runs=4)
    assert (row["name"], row["unit"]) == ("cluster/2_workers", "runs an hour")
    assert row["ratio"] > 0
