"""Many notebooks as one job: every run they need is trained once, then each is executed in a process of its own.

The front door's engine: it knows plans, records and processes, and nothing of what a notebook is about.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from bnrepro.errors import RecordError
from bnrepro.jupyter.execute import REASON
from bnrepro.jupyter.plan import Plan
from bnrepro.jupyter.watch import Watch, kill_all
from bnrepro.records.drafts import draft_folder
from bnrepro.records.store import replace_record
from bnrepro.records.workspace import CHECKOUT, is_executed

LAST = "99_verdicts"
"""Reads what the other notebooks write."""

SESSION = "JPY_SESSION_NAME"
"""What jupyter_server puts into the environment of a kernel that a browser opened, and so of all that is started from it."""


@dataclass(frozen=True)
class Failure:
    """Which part of a batch failed, why, and where its log is."""

    what: str
    why: str
    log: Path | None = None

    def __str__(self) -> str:
        return f"{self.what} failed: {self.why}" + (f" (log: {self.log})" if self.log else "")


def run_batch(plan: Plan, force: bool = False) -> list[Failure]:
    """Trains and executes. What fails is in the answer, and the rest is done all the same.

    Args:
        plan: What to do.
        force: Whether runs that have a record are trained again.
    """
    plan.workspace.executed.mkdir(parents=True, exist_ok=True)
    failures = _train(plan, force) if plan.sweep() else []
    failures += _execute_all({path: own for path, own in plan.notebooks.items() if path.stem != LAST}, plan)
    failures += _execute_all({path: own for path, own in plan.notebooks.items() if path.stem == LAST}, plan)
    return failures


def _train(plan: Plan, force: bool) -> list[Failure]:
    from bnrepro.execution.rounds import run_rounds
    from bnrepro.execution.waiting import RunsFailed

    records, log = plan.workspace.runs, plan.workspace.executed / "training.log"
    log.unlink(missing_ok=True)
    try:
        if force:
            _train_anew(plan, records)
        else:
            run_rounds(plan.sweep, records, plan.jobs)
    except RunsFailed as error:
        log.write_text("".join(f"{failure}\n" for failure in error.failures), encoding="utf-8")
        return [Failure("training", str(error), log)]
    except (RecordError, OSError) as error:
        return [Failure("training", str(error))]
    return []


def _train_anew(plan: Plan, records: Path) -> None:
    """Each old record stays until the new one is there, so that an interrupt costs no finished run."""
    from bnrepro.execution.rounds import run_rounds

    with draft_folder("anew", records) as new:
        try:
            run_rounds(plan.sweep, new, plan.jobs)
        finally:
            for done in new.glob("*/done.json"):
                replace_record(new, records, done.parent.name)


def _execute_all(notebooks: dict[Path, dict], plan: Plan) -> list[Failure]:
    waiting, running, failures = list(notebooks.items()), [], []
    try:
        while waiting or running:
            while waiting and len(running) < plan.jobs:
                running.append(_Execution(*waiting.pop(0), plan))
            time.sleep(0.05)
            for execution in running:
                execution.end_if_hung()
            for execution in [one for one in running if one.process.poll() is not None]:
                running.remove(execution)
                failures += execution.finish()
    finally:
        for execution in running:
            execution.stop()
    return failures


class _Execution:
    """One notebook in a process of its own. Its output gets its name only once it is whole."""

    def __init__(self, source: Path, values: dict, plan: Plan):
        self.folder, self.stem, self.began = plan.workspace.executed, source.stem, time.monotonic()
        self.log = self.folder / f"{self.stem}.log"
        self.draft = self.folder / f".{self.stem}.{os.getpid()}.ipynb"
        draft_log = self.draft.with_suffix(".log")
        for kind in ("ipynb", "html", "failed.ipynb"):
            (self.folder / f"{self.stem}.{kind}").unlink(missing_ok=True)
        # Figures inline, and panels as figures, also where the batch was started from a notebook.
        outer = ("MPLBACKEND", SESSION)
        environment = {name: value for name, value in os.environ.items() if name not in outer}
        environment["PYTHONPATH"] = os.pathsep.join(filter(None, [str(CHECKOUT), environment.get("PYTHONPATH")]))
        environment["JUPYTER_PREFER_ENV_PATH"] = "1"  # this environment's kernel before one of the same name elsewhere
        environment["BNREPRO_JOBS"] = str(plan.jobs)
        # A notebook is UTF-8 whatever the locale, so its process and the log are; the values come as the system spells paths.
        environment |= {"PYTHONUTF8": "1", "PYTHONIOENCODING": "utf-8"}
        told = json.dumps(values, ensure_ascii=False)
        command = [sys.executable, "-m", "bnrepro.jupyter.execute", source, self.draft.name, told]
        self.told = tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace")  # the log may be on a full disk
        with open(draft_log, "wb") as log:
            # It gets its name by a move: a link is replaced, what it leads to stays, and another batch keeps its own.
            draft_log.replace(self.log)
            # A session of its own: Ctrl-C reaches this process alone, which then ends the others in order.
            self.process = subprocess.Popen(
                command, cwd=self.folder, env=environment, stdout=self.told, stderr=log, start_new_session=True
            )
        self.watch, self.hung = Watch(self.process.pid, plan.still_seconds), ""

    def end_if_hung(self) -> None:
        """Ends the process and its kernel where neither does anything any more."""
        if not self.hung and self.watch.is_still():
            self.hung = (
                f"hung: it did nothing for {self.watch.seconds} s and was ended; "
                "allow more with the environment variable BNREPRO_STILL_SECONDS"
            )
            kill_all(self.process.pid)

    def finish(self) -> list[Failure]:
        """Gives the output its name; a failure where the process says so, whatever lies on the disk."""
        page, code, seconds = self.draft.with_suffix(".html"), self.process.returncode, time.monotonic() - self.began
        print(f"{self.stem:24} {'failed' if code else 'done'} in {seconds:.0f} s", flush=True)
        with self.told:
            self.told.seek(0)
            lines = [line.removeprefix(REASON) for line in self.told if line.startswith(REASON)]
        if code == 0:
            page.replace(self.folder / f"{self.stem}.html")
            self.draft.replace(self.folder / f"{self.stem}.ipynb")
            return []
        page.unlink(missing_ok=True)
        if not is_executed(self.draft):  # as on a full disk, which papermill leaves a torn one on
            self.draft.unlink(missing_ok=True)
        else:
            self.draft.replace(self.folder / f"{self.stem}.failed.ipynb")
        why = f"killed by signal {-code}" if code < 0 else (lines or [f"exit code {code}"])[-1].rstrip()
        return [Failure(self.stem, self.hung or why, self.log)]

    def stop(self) -> None:
        """Ends the process, which ends its kernel."""
        self.process.terminate()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
        self.told.close()
        self.draft.unlink(missing_ok=True)
