"""What others added: experiments by their notebooks, and claims on the tables of any experiment. Knows no experiment of ours."""

from bnrepro.analysis.claims import Claim
from bnrepro.config.plugins import installed, load_plugins

EXPERIMENTS: dict[str, str] = {}
"""By notebook, the module that has the parts of an experiment."""

CLAIMS: dict[str, dict[str, Claim]] = {}
"""By notebook and id, claims on an experiment that stand outside of its files."""


def modules() -> dict[str, str]:
    """By notebook, the module of each experiment that a plugin file or an entry point `bnrepro.experiment` adds."""
    load_plugins()
    return {**{name: point.module for name, point in installed("experiment").items()}, **EXPERIMENTS}


def claims_on(notebook: str) -> tuple[Claim, ...]:
    """The claims on an experiment that plugin files or entry points `bnrepro.claim` add."""
    load_plugins()
    for point in installed("claim").values():
        point.load()
    return tuple(CLAIMS.get(notebook, {}).values())


def holds(claim: Claim) -> bool:
    """Whether a claim was registered on an experiment, be it the one in whose file it stands or another."""
    return any(claim.repeats(claims[claim.id]) for claims in CLAIMS.values() if claim.id in claims)
