"""One notebook of a batch in a process of its own, whose output gets its name only once it is whole. Knows no other notebook."""

import json
import os
import shlex
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from bnrepro.config.plugins import PLUGINS
from bnrepro.jupyter.execute import REASON
from bnrepro.jupyter.plan import Plan
from bnrepro.jupyter.watch import Watch, kill_all
from bnrepro.records.workspace import CHECKOUT, is_executed

SESSION = "JPY_SESSION_NAME"
"""What jupyter_server puts into the environment of a kernel that a browser opened, and so of all that is started from it."""


@dataclass(frozen=True)
class Failure:
    """Which part of a batch failed, why, where its log is, and of a notebook what was executed so far."""

    what: str
    why: str
    log: Path | None = None
    kept: Path | None = None

    def __str__(self) -> str:
        places = [f"log: {self.log}"] if self.log else []
        if self.kept:
            page = self.kept.with_suffix(".html")
            places.append(f"as far as it came: {page if page.is_file() else self.kept}")
            places.append(f"to run its cells by hand: {by_hand(self.kept)}")
        return f"{self.what} failed: {self.why}" + (f" ({'; '.join(places)})" if places else "")


def by_hand(notebook: Path) -> str:
    """The command that opens an executed notebook in JupyterLab: its parameters stand in it, and where its records are."""
    plugins = os.environ.get(PLUGINS)
    python = Path(sys.executable)
    own = Path(shutil.which("jupyter") or "").parent == python.parent
    words = [f"{PLUGINS}={shlex.quote(plugins)}"] if plugins else []
    words += ["jupyter"] if own else [shlex.quote(str(python)), "-m", "jupyter"]
    return " ".join([*words, "lab", shlex.quote(str(notebook))])


class Execution:
    """The process of one notebook.

    Args:
        source: The notebook.
        values: Its parameters.
        plan: Of the batch.
        outer: The environment that the batch was started in.
    """

    def __init__(self, source: Path, values: dict, plan: Plan, outer: Mapping[str, str]):
        self.folder, self.stem, self.began = plan.workspace.executed, source.stem, time.monotonic()
        self.what = f"{plan.cell}/{self.stem}" if plan.cell else self.stem
        self.log = self.folder / f"{self.stem}.log"
        self.draft = self.folder / f".{self.stem}.{os.getpid()}.ipynb"
        draft_log = self.draft.with_suffix(".log")
        for kind in ("ipynb", "html", "failed.ipynb", "failed.html"):
            (self.folder / f"{self.stem}.{kind}").unlink(missing_ok=True)
        # Figures inline, and panels as figures, also where the batch was started from a notebook.
        environment = {name: value for name, value in outer.items() if name not in ("MPLBACKEND", SESSION)}
        environment["PYTHONPATH"] = os.pathsep.join(filter(None, [str(CHECKOUT), environment.get("PYTHONPATH")]))
        environment["JUPYTER_PREFER_ENV_PATH"] = "1"  # this environment's kernel before one of the same name elsewhere
        environment["BNREPRO_JOBS"] = str(plan.jobs)
        # A notebook is UTF-8 whatever the locale, so its process and the log are; the values come as the system spells paths.
        environment |= {"PYTHONUTF8": "1", "PYTHONIOENCODING": "utf-8"}
        passed = json.dumps(values, ensure_ascii=False)
        command = [sys.executable, "-m", "bnrepro.jupyter.execute", source, self.draft.name, passed]
        self.printed = tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace")  # the log may be on a full disk
        with open(draft_log, "wb") as log:
            # It gets its name by a move: a link is replaced, what it leads to stays, and another batch keeps its own.
            draft_log.replace(self.log)
            # A session of its own: Ctrl-C reaches this process alone, which then ends the others in order.
            self.process = subprocess.Popen(
                command, cwd=self.folder, env=environment, stdout=self.printed, stderr=log, start_new_session=True
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

    @property
    def told(self) -> str:
        """How it ended, in a line."""
        seconds = time.monotonic() - self.began
        return f"{self.what:24} {'failed' if self.process.returncode else 'done'} in {seconds:.0f} s"

    def finish(self) -> list[Failure]:
        """Gives the output its name; a failure where the process says so, whatever lies on the disk."""
        page, code = self.draft.with_suffix(".html"), self.process.returncode
        with self.printed:
            self.printed.seek(0)
            lines = [line.removeprefix(REASON) for line in self.printed if line.startswith(REASON)]
        if code == 0:
            page.replace(self.folder / f"{self.stem}.html")
            self.draft.replace(self.folder / f"{self.stem}.ipynb")
            return []
        why = f"killed by signal {-code}" if code < 0 else (lines or [f"exit code {code}"])[-1].rstrip()
        return [Failure(self.what, self.hung or why, self.log, self._keep())]

    def _keep(self) -> Path | None:
        """Keeps what was executed of a notebook that failed, under another name; its page where the process lived to write it."""
        kept, page = self.folder / f"{self.stem}.failed.ipynb", self.draft.with_suffix(".html")
        whole = is_executed(self.draft)  # not so on a full disk, which papermill leaves a torn one on
        if whole:
            self.draft.replace(kept)
        if whole and self.process.returncode > 0 and page.exists():
            page.replace(kept.with_suffix(".html"))
        for left in (self.draft, page):
            left.unlink(missing_ok=True)
        return kept if whole else None

    def stop(self) -> None:
        """Ends the process, which ends its kernel."""
        self.process.terminate()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
        self.printed.close()
        for left in (self.draft, self.draft.with_suffix(".html")):
            left.unlink(missing_ok=True)
