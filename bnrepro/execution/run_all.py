"""Many runs: trains those that have no record, here or elsewhere, and returns the tables of all.

Knows runs and records, no claim and no figure.
"""

import contextlib
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from bnrepro.backend.engines import check_installed
from bnrepro.config.group import Group
from bnrepro.config.run_config import RunConfig
from bnrepro.execution.cluster import Cluster
from bnrepro.execution.executors import Executor, executor_of
from bnrepro.execution.groups import groups_of
from bnrepro.execution.parts import Part, Team
from bnrepro.execution.process_pool import Workers, count_jobs
from bnrepro.execution.progress import Bar, Progress
from bnrepro.execution.waiting import wait_for
from bnrepro.execution.worker import is_recorded
from bnrepro.records.committed import is_committed
from bnrepro.records.schemas import Tables
from bnrepro.records.store import collect
from bnrepro.records.workspace import Workspace

TABLES = ("runs", "curves", "quantiles", "drift", "provenance")


def run_all(
    configs: Iterable[RunConfig],
    executor: Any = None,
    jobs: int | None = None,
    *,
    records: Path | None = None,
    part: Part | None = None,
) -> Tables:
    """Trains each run that has no record and returns the tables of all.

    Finished runs are kept whatever happens to the others: after an interrupt, a kill or a full disk the next call goes on.

    Args:
        configs: The runs; one that occurs twice is trained once.
        executor: Where to train. By default a pool of processes, one a core, with one thread each; for runs of the engine
            `jax` one process. Of `concurrent.futures` or submitit, or a Dask client: its workers need this package and the
            data sets, and no folder of records, which are written here.
        jobs: Processes of the default pool, or workers of the executor, where it is no Dask client, which knows; by default
            the environment variable `BNREPRO_JOBS`, else the number of cores.
        records: Folder of the records; by default this checkout's cache.
        part: Of workers that train for others too, in place of an executor; whoever has started them shows how far they are.

    Raises:
        UserError: `jobs` below 1, or an engine that is not installed.
        RunsFailed: A run raised, or its worker was killed twice.
        MachinesLost: The workers of the executor are gone.
    """
    configs = list({config.id: config for config in configs}.values())
    records = Workspace().runs if records is None else Path(records)
    missing = [config for config in configs if not is_recorded(records, config) and not is_committed(config.id)]
    # Long runs first, so that no core idles at the end; runs of one net next to each other, so that it is compiled once.
    missing.sort(key=lambda config: (-config.steps, config.compilation_key.id, config.batch_size, config.seed))
    if part is not None:
        part.skip(set(configs) - set(missing))
    if missing:
        for engine in {config.engine for config in missing}:
            check_installed(engine)
        groups = groups_of(missing)
        if part is not None:
            wait_for(part.train(groups, records), lambda: None, lambda group: None)
        else:
            at_once = count_jobs(jobs)
            given = None if executor is None else executor_of(executor, at_once)
            _train(groups, records, team_of(given, min(at_once, len(groups))))
    return collect({Group("all"): configs}, records, TABLES)


def _train(groups: list[tuple[RunConfig, ...]], records: Path, team: Team) -> None:
    with contextlib.closing(Bar(team.progress)) as bar, team:
        futures = team.part(_runs(groups)).train(groups, records)
        wait_for(futures, lambda: (team.move(), bar.show()), lambda group: None)
        bar.show()


def team_of(executor: Executor | None, jobs: int) -> Team:
    """Those of an executor, or processes of this machine."""
    if executor is None:
        return Workers(jobs, Progress(jobs))
    return Cluster(executor, Progress(executor.workers))


def _runs(groups: list[tuple[RunConfig, ...]]) -> str:
    count = sum(map(len, groups))
    return f"{count} run{'s' * (count > 1)}"
