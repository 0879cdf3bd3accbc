"""What a batch will do, checked whole before any of it is done. The front door's desk: trains nothing, executes nothing."""

import functools
import os
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from bnrepro.backend.engines import check_installed
from bnrepro.config.group import Sweep
from bnrepro.config.run_config import RunConfig
from bnrepro.errors import UserError
from bnrepro.execution.by_name import LOCAL, check_executor
from bnrepro.execution.process_pool import count_jobs
from bnrepro.experiments import EXPERIMENTS, spares_record
from bnrepro.jupyter import parameters
from bnrepro.jupyter.watch import STILL_SECONDS, still_seconds
from bnrepro.records.schemas import Tables
from bnrepro.records.workspace import Workspace


@dataclass(frozen=True)
class Plan:
    """A batch.

    Args:
        notebooks: The notebooks in their order, each with the values that are passed to it.
        sweeps: From what has been trained so far to the runs that they need, by notebook.
        workspace: Where everything goes.
        jobs: Processes at once.
        still_seconds: How long a notebook may do nothing.
        times_first_round: About how many times the work of its first round a sweep in rounds comes to, by notebook.
        executor: Where runs are trained, in the command line's word.
        cell: Of a grid its name; empty where there is none.
    """

    notebooks: dict[Path, dict]
    sweeps: dict[str, Callable[[Tables | None], Sweep]]
    workspace: Workspace
    jobs: int
    still_seconds: int = STILL_SECONDS
    times_first_round: Mapping[str, float] = field(default_factory=dict)
    executor: str = LOCAL
    cell: str = ""

    def sweep(self, so_far: Tables | None = None) -> Sweep:
        """The runs of all notebooks."""
        return joined(self.sweeps.values(), so_far)


def joined(sweeps: Iterable[Callable[[Tables | None], Sweep]], so_far: Tables | None = None) -> Sweep:
    """The runs of several sweeps as one, for `run_rounds`; those of one are not told from another's."""
    whole = {}
    for sweep in sweeps:
        for group, configs in sweep(so_far).items():
            whole[group] = [*whole.get(group, []), *configs]
    return whole


def make_plan(
    names: Iterable[str] = (),
    preset: str | None = None,
    assignments: Iterable[str] = (),
    output: str | None = None,
    jobs: int | None = None,
    every: bool = False,
    executor: str = LOCAL,
    cell: str = "",
) -> Plan:
    """Checks what was asked for, and writes nothing.

    Args:
        names: Notebooks by number, name or path; none means those of a first look, and those that are no experiment.
        preset: `smoke`, `quick` or `paper`; by default `quick`.
        assignments: Parameters as `NAME=VALUE`; each goes to those of the notebooks that have it.
        output: A folder for everything that is written; by default this checkout.
        jobs: Processes at once; by default the environment variable `BNREPRO_JOBS`, else one a core.
        every: In place of names, every notebook.
        executor: Where to train, in the command line's word.
        cell: Of a grid its name.

    Raises:
        UserError: Something in it is wrong; one line says what.
    """
    jobs, still = count_jobs(jobs), still_seconds()
    check_executor(executor)
    known = {path: parameters.parameters(path) for path in chosen(names, every)}
    _check_stems(known)
    changes = parameters.parse(assignments, known.values())
    preset = _once("preset", preset, changes)
    preset = "quick" if preset is None else preset
    output = _once("output_root", output, changes)
    changed = any(changes.values()) or any(spares_record(path.stem, preset) for path in known)
    workspace = Workspace(preset, output or "", changed=changed).check_spares(known)
    changes.pop("changed", None)  # names the rooms, and is no parameter of a run
    # A notebook has its own working folder, so paths are passed whole.
    root = str(workspace.root or "")
    if changes.get("folder"):
        changes["folder"] = os.path.abspath(os.path.expanduser(changes["folder"]))
    values = {"preset": preset, "output_root": root, "changed": workspace.changed, **changes}
    passed = {path: {one.name: values[one.name] for one in own if one.name in values} for path, own in known.items()}
    sweeps, times = {}, {}
    for path, own in passed.items():
        if path.stem in EXPERIMENTS:
            overrides = {name: value for name, value in own.items() if name in changes}
            sweeps[path.stem] = functools.partial(EXPERIMENTS[path.stem].sweep, preset, **overrides)
            if not overrides and hasattr(EXPERIMENTS[path.stem], "TIMES_FIRST_ROUND"):
                times[path.stem] = EXPERIMENTS[path.stem].TIMES_FIRST_ROUND[preset]
    plan = Plan(passed, sweeps, workspace, jobs, still, times, executor, cell)
    configs = [config for group in plan.sweep().values() for config in group]
    for engine in {config.engine for config in configs}:
        check_installed(engine)
    _check_data(configs)
    for path in known:
        parameters.check_format(path)
    workspace.check_writable()
    return plan


def chosen(names: Iterable[str], every: bool) -> list[Path]:
    """The notebooks of a batch, in their order."""
    names = list(names)
    if names and every:
        raise UserError(f"--all is every notebook: got {', '.join(names)} too; leave one of them out")
    found = parameters.find_notebooks(names)
    if names or every:
        return found
    return [path for path in found if path.stem not in EXPERIMENTS or EXPERIMENTS[path.stem].is_first_look]


def _once(name: str, option: str | None, changes: dict) -> str | None:
    """A parameter that may be given as an option or with -p."""
    typed = changes.pop(name, None)
    if None not in (option, typed) and option != typed:
        raise UserError(f"{name} is given once: got {option!r} and {typed!r}; leave one out")
    return option if typed is None else typed


def _check_stems(paths: Iterable[Path]) -> None:
    """What a notebook writes has its stem for a name."""
    known = {}
    for path in paths:
        name = path.stem.casefold()  # where case does not count, the names of files are one
        if known.setdefault(name, path) != path:
            raise UserError(f"notebooks of one batch have different names: got {known[name]} and {path}; rename one")


def _check_data(configs: Iterable[RunConfig]) -> None:
    """Reads each data set that is needed, so that a missing or damaged file stops here."""
    for task in {config.task.name: config.task for config in configs}.values():
        task.check_data()
