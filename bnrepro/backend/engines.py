"""What each engine needs of this machine and this process. Knows no run; loads no backend."""

import importlib.util

from bnrepro.config.validation import ENGINES
from bnrepro.errors import UserError

REMEDIES = {"tensorflow": "pip install tensorflow", "jax": "pip install 'bnrepro[jax]', or 'jax[cuda13]' for a GPU"}
"""By package, how to get it."""


def check_installed(engine: str) -> None:
    """Raises `UserError` where an engine's package is missing."""
    package = ENGINES[engine]
    if importlib.util.find_spec(package) is None:
        raise UserError(f"the engine {engine} needs the package {package}: it is not installed; {REMEDIES[package]}")
