"""Jupyter's packages, loaded without what takes long and is of no use to a notebook."""

import sys

_GRAMMAR = "rfc3987_syntax"
"""Of addresses beyond ASCII, for which jsonschema asks where it is installed: it takes a second to make."""


def load_nbformat() -> None:
    """Loads nbformat, and with it jsonschema; what imports it later, as papermill and nbconvert do, finds it there."""
    absent = sys.modules.setdefault(_GRAMMAR, None) is None
    try:
        import nbformat  # noqa: F401
    finally:
        if absent:
            del sys.modules[_GRAMMAR]
