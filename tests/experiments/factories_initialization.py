"""Synthetic tables of notebook 05: every run of its sweep, ending where a function of its config says; no training."""

from collections.abc import Callable

from bnrepro.config.identity import COLUMNS
from bnrepro.config.run_config import RunConfig
from bnrepro.experiments import EXPERIMENTS
from bnrepro.records.schemas import Tables
from bnrepro.records.store import membership
from tests.experiments.rows import CHANCE, table

initialization = EXPERIMENTS["05_initialization"]

MACHINE = (1.0, 0.1, 1.0, 900.0, "xla", "CPU", "a processor", "3.11.9", "2.21.0", "3.15.1", "2.4.6", "0.1.0")

INFERENCE = "normalization.inference"
"""A field later than the first record's, so a column of its own."""


def made(
    ends: Callable[[RunConfig], float | None],
    preset: str = "smoke",
    validation: Callable[[RunConfig], float | None] | None = None,
    **overrides,
) -> Tables:
    """The tables of a preset, as `collect` would return them.

    Args:
        ends: By config, the test accuracy after the last step; None: the run diverges before its first evaluation.
        preset: Which.
        validation: The validation accuracy there, `ends` if it is not given.
        **overrides: Of the sweep.
    """
    sweep = initialization.sweep(preset, **overrides)
    runs, curves, provenance = [], [], []
    for run, config in sorted({config.id: config for group in sweep.values() for config in group}.items()):
        test = ends(config)
        lost = test is None
        runs.append((run, *(config[name] for name in COLUMNS), "diverged" if lost else "finished", 1 if lost else None))
        provenance.append((run, *MACHINE))
        if not lost:
            last = (validation or ends)(config)
            curves += [(run, 0, "validation", 2.3, CHANCE), (run, config.steps // 2, "validation", 2.0, last / 2)]
            curves += [(run, config.steps, "test", 1.0, test), (run, config.steps, "train", 1.0, test)]
            curves.append((run, config.steps, "validation", 1.0, last))
    inference = {config.id: config.as_dict().get(INFERENCE) for group in sweep.values() for config in group}
    return {
        "sweep": membership(sweep),
        "runs": table("runs", runs).assign(**{INFERENCE: lambda made: made["run"].map(inference)}),
        "curves": table("curves", curves),
        "provenance": table("provenance", provenance),
    }
