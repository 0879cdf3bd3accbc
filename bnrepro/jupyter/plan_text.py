"""What a batch would do, in words: its notebooks, their runs, about how long. Writes nothing, trains but steps of large runs."""

import functools
from collections.abc import Callable, Iterable
from pathlib import Path

from bnrepro.config.group import Sweep
from bnrepro.config.run_config import RunConfig
from bnrepro.errors import RecordError
from bnrepro.execution.by_name import LOCAL
from bnrepro.execution.progress import in_words
from bnrepro.experiments import EXPERIMENTS
from bnrepro.jupyter.batch import NOTEBOOK_SECONDS
from bnrepro.jupyter.plan import Plan
from bnrepro.jupyter.trial_lines import trial_lines
from bnrepro.records.committed import is_committed
from bnrepro.records.costs import work
from bnrepro.records.store import read_record


def plan_text(plan: Plan, cells: Iterable[Plan] = ()) -> str:
    """A line a notebook, of each cell of a grid, then what all of them come to; and what large runs take, which are tried.

    Args:
        plan: What is trained.
        cells: As of `run_batch`.
    """
    lines, of_notebooks = [], {}
    trained = functools.cache(functools.partial(_is_trained, plan.workspace.runs))
    for one in list(cells) or [plan]:
        for stem in (source.stem for source in one.notebooks):
            runs = _runs(one.sweeps[stem](None)) if stem in one.sweeps else {}
            later = (
                ", and any that depend on them" if stem in EXPERIMENTS and hasattr(EXPERIMENTS[stem], "ROUNDS") else ""
            )
            of_notebooks.setdefault(stem, {}).update(runs)
            lines.append(f"{one.cell}{'/' if one.cell else ''}{stem}: {_counted(runs.values(), trained)}{later}")
    seconds, counted, large = NOTEBOOK_SECONDS * len(lines), {}, []
    for notebook, runs in of_notebooks.items():
        new = [config for run, config in runs.items() if run not in counted and not trained(config)]
        small = [config for config in new if not config.task.streams]
        seconds += work([small]) * plan.times_first_round.get(notebook, 1.0)
        large += [config for config in new if config.task.streams]
        counted |= runs
    local = plan.executor == LOCAL
    cores = f"{plan.jobs} cores" if local and plan.jobs > 1 else "one core"
    time = in_words(seconds / (plan.jobs if local else 1))
    time = f"{time} on {cores}" + (", without those that follow" if large else "")
    return "\n".join([*lines, f"together: {_counted(counted.values(), trained)}; {time}", *trial_lines(large)])


def _runs(sweep: Sweep) -> dict[str, RunConfig]:
    return {config.id: config for group in sweep.values() for config in group}


def _is_trained(records: Path, config: RunConfig) -> bool:
    """Whether a batch would find what is kept of a run and take it; a damaged record stays where it is."""
    try:
        return is_committed(config.id) or read_record(records, config) is not None
    except RecordError:
        return False


def _counted(runs: Iterable[RunConfig], trained: Callable[[RunConfig], bool]) -> str:
    """As "106 runs, 12 of them trained already"."""
    found = [trained(config) for config in runs]
    words = f", {sum(found)} of them trained already" if any(found) else ""
    return f"{len(found)} run{'s' * (len(found) != 1)}{words}"
