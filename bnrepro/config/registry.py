"""Parts by name: ours, those of any installed package, those of plugin files, those of a notebook. Knows no part's content."""

import importlib
from collections.abc import Callable
from dataclasses import dataclass

from bnrepro.config.component import Component
from bnrepro.config.plugins import installed, load_plugins
from bnrepro.errors import UserError, unknown

KINDS = {
    "task": "bnrepro.tasks.base.Task",
    "model": "bnrepro.models.base.Model",
    "normalization": "bnrepro.models.normalization.Normalization",
    "initialization": "bnrepro.models.initialization.Initialization",
    "optimizer": "bnrepro.training.optimizer.Optimizer",
    "regularization": "bnrepro.models.regularization.Regularization",
    "measurement": "bnrepro.measurements.base.Measurement",
}
"""By kind, the class that its parts derive from."""

DEFAULT_PARTS = {
    "task": "mnist",
    "model": "mlp",
    "normalization": "none",
    "initialization": "gaussian",
    "optimizer": "sgd",
    "regularization": "usual",
}
"""The parts of a run that is not told otherwise: the net and protocol of section 4.1, without BN."""

_OURS = {
    "task": {
        "bnrepro.tasks.images": ("mnist", "fashion_mnist", "cifar10"),
        "bnrepro.tasks.imagenet": ("imagenet",),
    },
    "model": {
        "bnrepro.models.mlp": ("mlp",),
        "bnrepro.models.inception_small": ("inception_small",),
        "bnrepro.models.inception_bn": ("inception_bn",),
    },
    "normalization": {
        "bnrepro.models.normalization": ("none", "batch", "renorm", "off", "population", "noise", "kept"),
    },
    "initialization": {
        "bnrepro.models.initialization": ("gaussian", "he", "glorot", "orthogonal", "constant"),
    },
    "optimizer": {"bnrepro.training.optimizer": ("sgd",)},
    "regularization": {"bnrepro.models.regularization": ("usual",)},
    "measurement": {
        "bnrepro.measurements.usual": (
            "gradients",
            "geometry",
            "one_step",
            "mates",
            "probabilities",
            "modes",
            "statistics",
            "shift",
            "sampling",
            "sampling_at_inference",
            "cost",
        ),
    },
}
"""By kind, the modules of this package that register parts, and their names."""

_PARTS = {kind: {} for kind in KINDS}


def register(kind: str, name: str, version: str = "") -> Callable[[type], type]:
    """A decorator that gives a part its name; the class, which derives from its kind's base, becomes a frozen dataclass.

    Args:
        kind: One of `KINDS`.
        name: Another than ours have.
        version: Needed outside this package.

    Raises:
        UserError: No such kind, a name of ours, no version, or a class that derives from another base.
    """
    if kind not in KINDS:
        raise unknown("kind of part", kind, KINDS)

    def registered(part: type) -> type:
        if not part.__module__.startswith("bnrepro."):
            if name in ours(kind):
                raise UserError(
                    f"a part of your own has a name of its own: {name!r} is a {kind} of ours; choose another"
                )
            if not version:
                raise UserError(
                    f"a part of your own has a version, which its runs' ids hold: {name!r} has none; "
                    f'write @register("{kind}", "{name}", version="1")'
                )
        if getattr(part, "kind", None) != kind:
            raise UserError(f"a {kind} derives from {KINDS[kind]}: {part.__name__} does not; let it")
        part.name, part.version = name, version
        if "__dataclass_fields__" not in vars(part):
            part = dataclass(frozen=True, kw_only=True)(part)
        _PARTS[kind][name] = part
        return part

    return registered


def find(kind: str, name: str) -> type[Component]:
    """The part of that kind and name.

    Raises:
        UserError: There is none; the message has the nearest name, and how to register one.
    """
    if name not in _PARTS[kind]:
        _load(kind, name)
    if name not in _PARTS[kind]:
        hint = f' (one of your own: @register("{kind}", "{name}", version="1") in a file, and --plugin FILE)'
        raise UserError(f"{unknown(kind, name, names(kind))}{hint}")
    return _PARTS[kind][name]


def names(kind: str) -> list[str]:
    """All names of a kind: ours, then the others that are known here."""
    load_plugins()
    return list(dict.fromkeys([*ours(kind), *_PARTS[kind], *installed(kind)]))


def ours(kind: str) -> list[str]:
    """The names of this package's parts of a kind."""
    return [name for registered in _OURS[kind].values() for name in registered]


def _load(kind: str, name: str) -> None:
    """Loads what registers the part, if anything does."""
    for module, registered in _OURS[kind].items():
        if name in registered:
            importlib.import_module(module)
            return
    load_plugins()
    if name in installed(kind):
        installed(kind)[name].load()
