"""The model of a cluster: as many runs an hour as its workers do, until the driver is busy all the time."""

import pytest

from bnrepro.benchmarks.scaling import WORKERS, largest_useful, main, runs_an_hour
from bnrepro.records.workspace import CHECKOUT


def test_few_workers_do_as_many_runs_as_there_are_of_them():
    assert runs_an_hour(workers=1, run=36.0, start=0.0, driver=0.0, runs=1_000) == pytest.approx(100)
    assert runs_an_hour(workers=10, run=36.0, start=0.0, driver=0.01, runs=1_000) == pytest.approx(1_000)


def test_a_worker_that_has_to_start_first_does_less_and_the_last_run_is_waited_for():
    assert runs_an_hour(workers=2, run=10.0, start=10.0, driver=0.0, runs=3) == pytest.approx(3_600 * 3 / 30)


def test_from_some_number_on_more_workers_bring_nothing():
    enough = largest_useful(run=30.0, driver=0.1)
    assert enough == pytest.approx(300)
    hourly = [runs_an_hour(workers, 30.0, 0.0, 0.1, 100_000) for workers in (enough, 2 * enough)]
    assert hourly == pytest.approx([36_000, 36_000], rel=0.01)


def test_the_command_prints_a_row_for_each_number_of_workers(capsys):
    main(["--run", "40", "--driver", "40"])
    printed = capsys.readouterr().out
    assert sum(line.startswith("| ") for line in printed.splitlines()) == len(WORKERS) + 1
    assert "from 1,000 workers on" in printed


def test_the_page_has_what_the_command_prints(capsys):
    main([])
    assert capsys.readouterr().out in (CHECKOUT / "docs" / "scaling.md").read_text()
