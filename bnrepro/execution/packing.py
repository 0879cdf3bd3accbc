"""A group of runs in bytes, on its way to a worker. Parts of a notebook or a plugin file travel with their code. Knows no run."""

import sys

import cloudpickle

from bnrepro import __version__
from bnrepro.config.plugins import is_plugin
from bnrepro.execution.groups import Group


def pack(group: Group) -> bytes:
    """The runs, and the classes of those parts that a worker could not import."""
    for part in (part for config in group for part in config.parts):
        if is_plugin(type(part).__module__):
            cloudpickle.register_pickle_by_value(sys.modules[type(part).__module__])
    return cloudpickle.dumps((__version__, cloudpickle.dumps(group)))


def unpack(packed: bytes) -> Group:
    """The runs again.

    Raises:
        RuntimeError: They come from another version of this package.
    """
    version, group = cloudpickle.loads(packed)
    if version != __version__:
        raise RuntimeError(
            f"a worker has the command's version of bnrepro: the command has {version}, this worker {__version__}; "
            "install one on both"
        )
    return cloudpickle.loads(group)
