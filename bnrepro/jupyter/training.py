"""The training of a batch: one experiment after the other, and while the last runs of one are trained those of the next begin.

Knows plans and workers, no notebook's process.
"""

import concurrent.futures
from pathlib import Path

from bnrepro.errors import MachinesLost, RecordError
from bnrepro.execution.parts import Team
from bnrepro.execution.rounds import run_rounds
from bnrepro.execution.waiting import RunsFailed
from bnrepro.jupyter.notebook_process import Failure
from bnrepro.jupyter.plan import Plan
from bnrepro.records.costs import work
from bnrepro.records.drafts import write_whole


class Training:
    """Trains what the notebooks of a plan need, within the block; leaving it early stops what is under way.

    Args:
        plan: What to train.
        records: Folder of the records.
        team: Trains it.
    """

    def __init__(self, plan: Plan, records: Path, team: Team):
        self._plan, self._team, self._progress = plan, team, team.progress
        self._log = plan.workspace.executed / "training.log"
        self._log.unlink(missing_ok=True)
        self._errors: list[Exception] = []
        for notebook, sweep in plan.sweeps.items():
            first = {config for configs in sweep(None).values() for config in configs}
            self._progress.expect(_name(notebook), work([first]) * plan.times_first_round.get(notebook, 1.0))
        self._threads = concurrent.futures.ThreadPoolExecutor(max(1, len(plan.sweeps)))
        self._pending = {
            self._threads.submit(run_rounds, sweep, records, part=team.part(_name(notebook), place)): notebook
            for place, (notebook, sweep) in enumerate(plan.sweeps.items())
        }

    def __enter__(self) -> "Training":
        return self

    def __exit__(self, *error) -> None:
        self._team.close()
        self._threads.shutdown(wait=True)

    def move(self) -> set[str]:
        """Takes note of what is done; the notebooks whose runs are not all trained.

        Raises:
            MachinesLost: Nobody is left who trains.
        """
        self._team.move()
        for future in [one for one in self._pending if one.done()]:
            self._progress.end(_name(self._pending.pop(future)))
            if isinstance(error := future.exception(), MachinesLost):
                raise error
            if error:
                self._errors.append(error)
        return set(self._pending.values())

    def failures(self) -> list[Failure]:
        """What failed; each run stands in the log.

        Raises:
            Exception: One that is neither a failed run, nor a damaged record, nor of the system.
        """
        failed = [error for error in self._errors if isinstance(error, RunsFailed)]
        found = [Failure("training", str(error)) for error in self._errors if isinstance(error, RecordError | OSError)]
        for error in self._errors:
            if not isinstance(error, RunsFailed | RecordError | OSError):
                raise error
        if failed:
            lines = [failure for error in failed for failure in error.failures]
            write_whole(self._log, "".join(f"{line}\n" for line in lines).encode())
            found.append(Failure("training", str(RunsFailed(lines, sum(error.total for error in failed))), self._log))
        return found


def _name(notebook: str) -> str:
    """What the progress calls the training of its runs."""
    return notebook.replace("_", " ")
