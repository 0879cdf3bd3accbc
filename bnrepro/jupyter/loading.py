"""Jupyter's packages, loaded without what takes long and is of no use to a notebook."""

import sys

_GRAMMAR = "rfc3987_syntax"
"""Of addresses beyond ASCII, for which jsonschema asks where it is installed: it takes a second to make."""


def load_nbformat():
    """Loads nbformat, the package, and with it jsonschema; what imports it later, as papermill does, finds it there."""
    absent = sys.modules.setdefault(_GRAMMAR, None) is None
    try:
        import nbformat
    finally:
        if absent:
            del sys.modules[_GRAMMAR]
    return nbformat
