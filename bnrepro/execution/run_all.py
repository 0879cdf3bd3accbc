"""Many runs: trains those that have no record, on any `concurrent.futures.Executor`, and returns the tables of all.

Knows runs and records, no claim and no figure.
"""

import concurrent.futures
import sys
from collections.abc import Iterable
from pathlib import Path

from tqdm import tqdm

from bnrepro.backend.engines import check_installed
from bnrepro.config.group import Group
from bnrepro.config.run_config import RunConfig
from bnrepro.execution.groups import groups_of, work
from bnrepro.execution.packing import pack
from bnrepro.execution.process_pool import count_jobs, train_in_own_workers
from bnrepro.execution.waiting import RunsFailed, wait_for
from bnrepro.execution.worker import is_recorded, train_packed
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

    Raises:
        UserError: `jobs` below 1, or an engine that is not installed.
        RunsFailed: A run raised, or its worker was killed twice.
    """
    configs = list({config.id: config for config in configs}.values())
    records = Workspace().runs if records is None else Path(records)
    missing = [config for config in configs if not is_recorded(records, config)]
    # Long runs first, so that no core idles at the end; runs of one net next to each other, so that it is compiled once.
    missing.sort(key=lambda config: (-config.steps, config.compilation_key.id, config.batch_size, config.seed))
    if missing:
        for engine in {config.engine for config in missing}:
            check_installed(engine)
        with tqdm(total=work([missing]), unit="step", unit_scale=True, file=sys.stdout) as bar:
            bar.set_description(f"{len(missing)} runs")
            if executor is None:
                _train_here(missing, records, count_jobs(jobs), bar)
            else:
                futures = {executor.submit(train_packed, pack(group), records): group for group in groups_of(missing)}
                wait_for(futures, lambda: None, lambda group: bar.update(work([group])))
    return collect({Group("all"): configs}, records, TABLES)


def _train_here(configs: list[RunConfig], records: Path, jobs: int, bar: tqdm) -> None:
    """Trains in the default pool, the runs of one engine after those of another."""
    failures, by_engine = [], {}
    for group in groups_of(configs):
        by_engine.setdefault(group[0].engine, []).append(group)
    for groups in by_engine.values():
        try:
            train_in_own_workers(groups, records, jobs, bar)
        except RunsFailed as error:
            failures += error.failures
    if failures:
        raise RunsFailed(failures, len(configs))
