"""What each engine needs of this machine and this process. Knows no run; loads no backend."""

import importlib.util

from bnrepro.errors import UserError

REMEDIES = {"tensorflow": "pip install tensorflow", "jax": "pip install 'bnrepro[backends]', or jax[cuda13] for a GPU"}
"""By engine, which is the name of the package and of Keras's backend too, how to get it."""


def check_installed(engine: str) -> None:
    """Raises `UserError` where an engine's package is missing."""
    if importlib.util.find_spec(engine) is None:
        raise UserError(f"the engine {engine} needs the package {engine}: it is not installed; {REMEDIES[engine]}")
