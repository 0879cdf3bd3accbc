"""The experiments, a folder for each notebook, found by its name and imported when asked for. Knows no experiment's content.

Each folder has the same files for the same roles. `sweep.py`: `PRESETS`, what each preset means; `TABLES`, the tables that are
kept of its runs; `sweep(preset, **overrides)`, the runs to train by group. `tables.py`: what the runs come to, for the claims,
the panels and the notebook. `claims.py`: its claims, each a function decorated with `analysis.claims.claim`, in the order in
which they are shown; nothing else has to name one. `figures.py`: `PANELS`, each one message (`plotting.panel.Panel`), and
`SHEETS`, the panels of each sheet by its name; what draws them is in `panels.py`. No experiment imports from another: what
several need stands in `presets`, `setups`, `figure1`, or in another room. One of somebody's own has the same parts, in one
file or in several.
"""

import functools
from collections.abc import Callable, Iterator, Mapping

from bnrepro.analysis.claims import Claim, by_id, shared_id
from bnrepro.errors import UserError, unknown
from bnrepro.experiments import outside
from bnrepro.experiments.experiment import Experiment


def _of(notebook: str, folder: str) -> Experiment:
    return Experiment(notebook, folder, f"{__name__}.{folder}")


OURS = {
    one.notebook: one
    for one in (
        _of("00_the_layer", "the_layer"),
        _of("01_training_speed", "training_speed"),
        _of("02_activation_drift", "activation_drift"),
        _of("03_learning_rates", "learning_rates"),
        _of("04_regularization", "regularization"),
        _of("05_initialization", "initialization"),
        _of("06_batch_size", "batch_size"),
        _of("07_inference_statistics", "inference_statistics"),
        _of("08_dropout_and_weight_decay", "dropout_and_weight_decay"),
        _of("09_largest_rates", "largest_rates"),
        _of("10_mini_batch_noise", "mini_batch_noise"),
    )
}
"""The experiments of this package by notebook, in the order of the notebooks; the record is theirs alone."""


class _Experiments(Mapping):
    def __getitem__(self, notebook: str) -> Experiment:
        found = self._all()
        if notebook not in found:
            hint = f' (one of your own: register_experiment("{notebook}", __name__) in a file, and --plugin FILE)'
            raise UserError(f"{unknown('notebook', notebook, found)}{hint}")
        return found[notebook]

    def __contains__(self, notebook: object) -> bool:
        return notebook in self._all()

    def __iter__(self) -> Iterator[str]:
        return iter(self._all())

    def __len__(self) -> int:
        return len(self._all())

    def _all(self) -> dict[str, Experiment]:
        others = outside.modules().items()
        return {**OURS, **{name: Experiment(name, name, module) for name, module in others if name not in OURS}}


EXPERIMENTS = _Experiments()
"""Experiment by notebook: ours in the order of the notebooks, then others'."""


def register_experiment(notebook: str, module: str) -> None:
    """Adds an experiment of your own.

    Args:
        notebook: The name of its notebook, without ending; no notebook of ours.
        module: The module that has its parts (see `Experiment`), which a file calls `__name__`.

    Raises:
        UserError: A notebook of ours.
    """
    if notebook in OURS:
        raise UserError(
            f"an experiment of your own has a notebook of its own: {notebook!r} is ours; choose another name"
        )
    outside.EXPERIMENTS[notebook] = module


def register_claim(notebook: str) -> Callable[[Claim], Claim]:
    """A decorator that adds a claim of your own to an experiment, ours or another: it is judged with the others there.

    Args:
        notebook: The experiment's notebook, without ending; its tables are what the claim is given.

    Raises:
        UserError: No such notebook, an id that a claim of ours or another one on that notebook has, or a primary claim on an
            experiment of ours: those are the paper's own, and are corrected for how many they are.
    """
    if notebook not in EXPERIMENTS:
        raise unknown("notebook", notebook, EXPERIMENTS)

    def registered(claim: Claim) -> Claim:
        if claim.id in all_claims():
            raise UserError(f"a claim of your own has an id of its own: {claim.id} is ours; choose another")
        if claim.kind == "primary" and notebook in OURS:
            raise UserError(f"primary claims of ours are the paper's own: {claim.id} is none; make it secondary")
        there = outside.CLAIMS.setdefault(notebook, {})
        if claim.id in there and not claim.repeats(there[claim.id]):
            raise shared_id(there[claim.id])
        there[claim.id] = claim
        return claim

    return registered


def spares_record(notebook: str, preset: str) -> bool:
    """Whether the results of a notebook at this preset go beside the committed record, since it is no notebook of ours."""
    return preset == "paper" and notebook in EXPERIMENTS and notebook not in OURS


@functools.cache
def all_claims() -> dict[str, Claim]:
    """Every claim of ours by its id, in the order of the experiments."""
    return by_id(claim for experiment in OURS.values() for claim in experiment.own_claims)
