"""Executors by the command line's words: each mistake told in one line, and Slurm asked for one array of tasks."""

import importlib.util
import re
import shutil

import pytest

from bnrepro.errors import UserError
from bnrepro.execution import by_name
from bnrepro.execution.executors import ARRAY, Submitit, executor_of

MISTAKES = {
    "": "an executor is local, dask, dask=tcp://HOST:PORT, slurm or slurm=TASKS: got ''",
    "dsk": "got 'dsk'; choose one of them",
    "dask=": "got 'dask='",
    "local=2": "got 'local=2'",
    "dask=head": "a Dask scheduler has an address as tcp://HOST:PORT: got 'head'",
    "dask=tcp://head": "got 'tcp://head'",
    "dask=htp://head:8786": "got 'htp://head:8786'",
    "slurm=0": "slurm=TASKS is a whole number of 1 or more: got '0'; leave it out for 100",
    "slurm=many": "got 'many'",
}


@pytest.mark.parametrize("word", MISTAKES)
def test_a_word_that_is_none_is_refused(word):
    with pytest.raises(UserError, match=re.escape(MISTAKES[word])):
        by_name.check_executor(word)


@pytest.mark.parametrize(("word", "extra"), [("dask=tcp://head:8786", "dask"), ("dask", "dask"), ("slurm=7", "slurm")])
def test_a_missing_package_is_told_with_the_command_that_installs_it(word, extra, monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(UserError, match=re.escape(f"it is not installed; pip install 'bnrepro[{extra}]'")):
        by_name.check_executor(word)
    by_name.check_executor("local")


def test_slurm_is_refused_where_its_programs_are_missing(monkeypatch):
    pytest.importorskip("submitit", reason="submitit is not installed: pip install 'bnrepro[slurm]'")
    monkeypatch.setattr(shutil, "which", lambda name: None)
    with pytest.raises(UserError, match="the executor slurm needs sbatch and srun"):
        by_name.check_executor("slurm")


@pytest.mark.slow
def test_an_address_where_nobody_answers_is_told_in_one_line(monkeypatch, tmp_path):
    pytest.importorskip("distributed", reason="Dask is not installed: pip install 'bnrepro[dask]'")
    monkeypatch.setattr(by_name, "CONNECT_SECONDS", 1)
    with pytest.raises(UserError, match="nobody did at tcp://127.0.0.1:1 in 1 s; start it, or name another$"):
        with by_name.opened("dask=tcp://127.0.0.1:1", 1, tmp_path):
            pass


@pytest.mark.slow
def test_the_word_dask_is_a_cluster_of_this_machine(tmp_path):
    pytest.importorskip("distributed", reason="Dask is not installed: pip install 'bnrepro[dask]'")
    with by_name.opened("dask", 3, tmp_path) as executor:
        assert executor.workers == 3
        assert executor.lost() == ""
    assert "is lost" in executor.lost()


@pytest.fixture
def slurm(tmp_path, monkeypatch):
    """Programs of the names of Slurm's, which note what they are asked and do nothing."""
    programs = {"sbatch": 'cat "$1" >> asked; echo Submitted batch job 7', "scancel": 'echo "$@" >> given-up'}
    for name in ("sbatch", "srun", "sacct", "scancel"):
        (tmp_path / name).write_text(f"#!/bin/sh\ncd {tmp_path}\n{programs.get(name, 'true')}\n")
        (tmp_path / name).chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    return tmp_path


def test_slurm_gets_one_array_for_all_bundles_and_is_told_to_give_each_task_up(slurm):
    pytest.importorskip("submitit", reason="submitit is not installed: pip install 'bnrepro[slurm]'")
    by_name.check_executor("slurm=2")
    with by_name.opened("slurm=2", 1, slurm) as executor:
        futures = executor.submit(0, ["tensorflow"] * 3, ["a", "b", "c"], [[b""]] * 3)
    asked = (slurm / "asked").read_text()
    assert asked.count("#!/bin/bash") == 1 and "#SBATCH --array=0-2%2\n" in asked
    executor.stop(futures[1:])
    assert (slurm / "given-up").read_text() == "7_1 7_2\n"


def test_an_array_is_no_longer_than_slurm_takes():
    class Executor:
        arrays = []

        def name(self):
            return "local"

        def map_array(self, function, *columns):
            self.arrays.append([len(column) for column in columns])
            return list(zip(*columns))

    executor, count = executor_of(Executor(), 5), ARRAY + 1
    assert isinstance(executor, Submitit) and executor.workers == 5
    columns = [list(range(count)) for _ in range(3)]
    assert executor.submit(0, *columns) == [("", *row) for row in zip(*columns)]
    assert Executor.arrays == [[ARRAY] * 4, [1] * 4]
