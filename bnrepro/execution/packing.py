"""A config in bytes, on its way to a worker. Parts of a notebook or a plugin file travel with their code. Knows no run."""

import sys

import cloudpickle

from bnrepro.config.plugins import is_plugin
from bnrepro.config.run_config import RunConfig


def pack(config: RunConfig) -> bytes:
    """The config, and the classes of those parts that a worker could not import."""
    for part in config.parts:
        if is_plugin(type(part).__module__):
            cloudpickle.register_pickle_by_value(sys.modules[type(part).__module__])
    return cloudpickle.dumps(config)


def unpack(packed: bytes) -> RunConfig:
    """The config again."""
    return cloudpickle.loads(packed)
