"""A config as one flat row, the columns of the table `runs`, and the digest in its id. Knows no part's meaning."""

import dataclasses
import functools
import hashlib
import json
from typing import Any

from bnrepro.config.component import fields_of
from bnrepro.config.registry import DEFAULT_PARTS, find, ours

COLUMNS = (
    "task",
    "pixels",
    "train_examples",
    "shuffled_labels",
    "model",
    "hidden_layers",
    "hidden_units",
    "activation",
    "normalization",
    "epsilon",
    "momentum",
    "initial_std",
    "learning_rate",
    "batch_size",
    "steps",
    "evaluate_every",
    "seed",
    "width",
    "initialization",
    "initial_gain",
    "sgd_momentum",
    "rate_halvings",
    "weight_decay",
    "dropout",
    "local_response_normalization",
    "distortion",
    "shuffling",
    "validation_examples",
    "fit_examples",
    "measurements",
    "initial_mean",
    "ghost_size",
    "dropout_place",
    "weight_decay_on",
    "matched_decay",
    "test_examples",
    "compiler",
    "engine",
)
"""The names that stand alone, in their order. Any other field is written with its kind, as `model.depth`."""

_IN_IDS = {"task": "dataset", "initialization": "initializer", "measurements": "probe"}
"""What ids call a column, for they were made when it had that name."""


def as_flat(config) -> dict[str, Any]:
    """Every column of `COLUMNS`, and those of parts from outside; a field of ours that no part has is at its default."""
    return _flat_defaults() | _own_values(config)


def changes(config) -> dict[str, Any]:
    """What differs from the defaults, by column; the version of a part from outside is there always."""
    defaults = _own_defaults(type(config), tuple(map(type, config.parts)))
    return {name: value for name, value in _own_values(config).items() if value != defaults.get(name)}


def digest(config) -> str:
    """Ten hexadecimal digits of what differs from the defaults."""
    changed = {_IN_IDS.get(name, name): value for name, value in changes(config).items()}
    return hashlib.sha256(json.dumps(changed, sort_keys=True).encode()).hexdigest()[:10]


def _own_values(config) -> dict[str, Any]:
    """What the config itself has, by column."""
    values = {name: getattr(config, name) for name in protocol(type(config))}
    values["measurements"] = ",".join(map(str, config.measurements))
    for part in config.parts:
        if part.kind in COLUMNS or DEFAULT_PARTS.get(part.kind, part.name) != part.name:
            values[part.kind] = part.name
        values |= {_column_of(type(part), name): value for name, value in part.identity().items()}
        if part.version:
            values[column_of(part, "version")] = part.version
    return values


@functools.cache
def _own_defaults(config: type, parts: tuple[type, ...]) -> dict[str, Any]:
    """By column, the value with which it is not in an id."""
    defaults = {**protocol(config), **DEFAULT_PARTS, "measurements": ""}
    for part in parts:
        defaults |= {_column_of(part, one.name): one.default for one in fields_of(part)}
    return defaults


def column_of(part, field: str) -> str:
    """The column of a part's field: its bare name where a part of ours of that kind has had it from the start."""
    return _column_of(type(part), field)


@functools.cache
def _column_of(part: type, field: str) -> str:
    if _owner_of(field) == part.kind:
        return field
    return f"{part.kind}.{part.name}.{field}" if part.kind == "measurement" else f"{part.kind}.{field}"


@functools.cache
def _owner_of(field: str) -> str | None:
    """The kind whose field stands alone under this name."""
    return _ours().get(field, (None, None))[0] if field in COLUMNS else None


@functools.cache
def _flat_defaults() -> dict[str, Any]:
    """The columns in their order, each with its default; those of parts, which every config has itself, with None."""
    return {name: _ours().get(name, (None, None))[1] for name in COLUMNS}


@functools.cache
def _ours() -> dict[str, tuple[str, Any]]:
    """By the name of a field of one of our parts, its kind and its default."""
    fields = ((kind, one) for kind in DEFAULT_PARTS for name in ours(kind) for one in fields_of(find(kind, name)))
    found = {}
    for kind, one in fields:
        found.setdefault(one.name, (kind, one.default))
    return found


@functools.cache
def protocol(config: type) -> dict[str, Any]:
    """The defaults of the fields of a config that are no part."""
    return {one.name: one.default for one in fields_of(config) if one.default is not dataclasses.MISSING}
