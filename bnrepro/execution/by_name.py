"""An executor by the word of the command line: `local`, `dask`, `dask=ADDRESS`, `slurm`, `slurm=TASKS`. Knows no run."""

import contextlib
import importlib.util
import logging
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

from bnrepro.errors import UserError
from bnrepro.execution.executors import Dask, Executor, Slurm

LOCAL = "local"

PACKAGES = {"dask": "distributed", "slurm": "submitit"}
"""What each kind needs, which is installed with the extra of its name."""

TASKS = 100
"""Of a job array at once."""

CONNECT_SECONDS = 15

TASK_MINUTES, TASK_GIB = 120, 4
"""What each task of an array asks Slurm for, besides one core."""


def check_executor(word: str) -> None:
    """Raises `UserError` for a word that is none, or one whose package or program is missing."""
    kind, _, detail = word.partition("=")
    if kind not in (LOCAL, *PACKAGES) or (detail == "") != (word == kind) or (kind == LOCAL and detail):
        raise UserError(
            f"an executor is local, dask, dask=tcp://HOST:PORT, slurm or slurm=TASKS: got {word!r}; choose one of them"
        )
    if kind == "dask" and detail and not re.fullmatch(r"(tcp|tls|ws|wss)://[^\s/]+:\d+", detail):
        raise UserError(f"a Dask scheduler has an address as tcp://HOST:PORT: got {detail!r}; its log says which")
    if kind == "slurm" and detail and not re.fullmatch(r"[1-9]\d*", detail):
        raise UserError(f"slurm=TASKS is a whole number of 1 or more: got {detail!r}; leave it out for {TASKS}")
    if kind in PACKAGES and importlib.util.find_spec(PACKAGES[kind]) is None:
        raise UserError(
            f"the executor {kind} needs the package {PACKAGES[kind]}: it is not installed; pip install 'bnrepro[{kind}]'"
        )
    if kind == "slurm" and not (shutil.which("sbatch") and shutil.which("srun")):
        raise UserError(
            "the executor slurm needs sbatch and srun: this machine has them not; start on one of the cluster's"
        )


@contextlib.contextmanager
def opened(word: str, jobs: int, folder: Path) -> Iterator[Executor | None]:
    """The executor of a word, until the block ends; None for the processes of this machine.

    Args:
        word: One that `check_executor` lets pass.
        jobs: Processes at once of `dask`, whose workers are of this machine.
        folder: Where the tasks of `slurm` find what is to be done, which all its machines see.

    Raises:
        UserError: Nobody answers at an address.
    """
    kind, _, detail = word.partition("=")
    if kind == "dask":
        with _dask(detail, jobs) as executor:
            yield executor
    else:
        yield _slurm(int(detail or TASKS), folder) if kind == "slurm" else None


@contextlib.contextmanager
def _dask(address: str, jobs: int) -> Iterator[Dask]:
    import distributed

    for name in ("distributed", "distributed.client", "asyncio"):  # of a lost scheduler they write pages
        logging.getLogger(name).setLevel(logging.CRITICAL)
    where = dict(address=address) if address else dict(processes=False, threads_per_worker=jobs, dashboard_address=":0")
    try:
        client = distributed.Client(**where, timeout=CONNECT_SECONDS)
    except (OSError, ValueError) as error:
        raise UserError(
            f"a Dask scheduler answers at its address: nobody did at {address} in {CONNECT_SECONDS} s; start it, or name another"
        ) from error
    try:
        yield Dask(client)
    finally:
        client.close(timeout=2)


def _slurm(tasks: int, folder: Path) -> Slurm:
    import submitit

    executor = submitit.AutoExecutor(folder / "slurm", cluster="slurm")
    executor.update_parameters(
        name="bnrepro",
        timeout_min=TASK_MINUTES,
        cpus_per_task=1,
        mem_gb=TASK_GIB,
        slurm_array_parallelism=tasks,
    )
    return Slurm(executor, tasks)
