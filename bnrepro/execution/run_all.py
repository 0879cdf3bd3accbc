"""Many runs: trains those that have no record, on any `concurrent.futures.Executor`, and returns the tables of all.

Knows runs and records, no claim and no figure.
"""

import concurrent.futures
import contextlib
from collections.abc import Iterable
from pathlib import Path

from bnrepro.backend.engines import check_installed
from bnrepro.config.group import Group
from bnrepro.config.run_config import RunConfig
from bnrepro.execution.groups import groups_of
from bnrepro.execution.packing import pack
from bnrepro.execution.process_pool import Part, Workers, count_jobs
from bnrepro.execution.progress import Bar, Progress
from bnrepro.execution.waiting import wait_for
from bnrepro.execution.worker import is_recorded, train_packed
from bnrepro.records.costs import work
from bnrepro.records.schemas import Tables
from bnrepro.records.store import collect
from bnrepro.records.workspace import Workspace

TABLES = ("runs", "curves", "quantiles", "drift", "provenance")


def run_all(
    configs: Iterable[RunConfig],
    executor: concurrent.futures.Executor | None = None,
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
            `jax` one process. An executor of another kind needs workers that share this folder of records and in which
            Keras has not started yet.
        jobs: Processes of the default pool; by default the environment variable `BNREPRO_JOBS`, else the number of cores.
        records: Folder of the records; by default this checkout's cache.
        part: Of workers that train for others too, in place of an executor; whoever has started them shows how far they are.

    Raises:
        UserError: `jobs` below 1, or an engine that is not installed.
        RunsFailed: A run raised, or its worker was killed twice.
    """
    configs = list({config.id: config for config in configs}.values())
    records = Workspace().runs if records is None else Path(records)
    missing = [config for config in configs if not is_recorded(records, config)]
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
        elif executor is None:
            _train_here(groups, records, count_jobs(jobs))
        else:
            _train_there(groups, records, executor)
    return collect({Group("all"): configs}, records, TABLES)


def _train_here(groups: list[tuple[RunConfig, ...]], records: Path, jobs: int) -> None:
    """Trains in the default pool."""
    progress = Progress(min(jobs, len(groups)))
    with contextlib.closing(Bar(progress)) as bar, Workers(jobs, progress) as workers:
        futures = workers.part(_runs(groups)).train(groups, records)
        wait_for(futures, lambda: (workers.move(), bar.show()), lambda group: None)
        bar.show()


def _train_there(groups: list[tuple[RunConfig, ...]], records: Path, executor: concurrent.futures.Executor) -> None:
    """Trains in an executor, which tells of whole groups alone."""
    progress, name = Progress(1), _runs(groups)
    progress.plan(name, work(groups))
    with contextlib.closing(Bar(progress)) as bar:
        futures = {executor.submit(train_packed, pack(group), records): group for group in groups}
        wait_for(futures, bar.show, lambda group: progress.advance(name, work([group])))
        bar.show()


def _runs(groups: list[tuple[RunConfig, ...]]) -> str:
    count = sum(map(len, groups))
    return f"{count} run{'s' * (count > 1)}"
