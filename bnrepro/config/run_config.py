"""What a run is: `RunConfig`, composed of parts, frozen and checked. Knows no path, no Keras and no table."""

import functools
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from bnrepro.config.component import Component, check_fields, field, field_types, fields_of, uncompiled
from bnrepro.config.identity import as_flat, column_of, digest, protocol
from bnrepro.config.registry import DEFAULT_PARTS, find, names, ours
from bnrepro.config.validation import ENGINES, NOT_NEGATIVE, at_least, largest_prime, one_of
from bnrepro.errors import UserError, unknown


@dataclass(frozen=True, init=False)
class RunConfig:
    """One training run, whole: whoever has this has the run. The defaults are the net and protocol of section 4.1.

    `RunConfig(model="inception_small", width=8, normalization=BatchNorm(momentum=0.9))`: a part is given as itself or by its
    name, and a field of a part by the field's name; where two parts share it, with its part, as `**{"model.width": 8}`.
    A value of the wrong kind, an unknown name, and parts that do not go together raise `UserError`.

    `initial_std`, `learning_rate` and `pixels` are not stated in the paper; the defaults were calibrated on the arm
    without BN alone (notebook 01), then frozen. What cannot change a number (device, paths, workers) is not here.

    Attributes:
        task: Data, loss, metric and its level of chance.
        model: The net between the inputs and the layer of the outputs.
        normalization: What stands before each nonlinearity.
        initialization: The kernels at the start.
        optimizer: With its learning rate.
        regularization: Weight decay, Dropout, distortion.
        measurements: What is measured besides loss and metric; see data/README.md.
    """

    task: Component
    model: Component
    normalization: Component
    initialization: Component
    optimizer: Component
    regularization: Component
    measurements: tuple[Component, ...]
    batch_size: int = field(60, at_least(2), "examples in a mini-batch", compiled=False)
    steps: int = field(50_000, at_least(1), "training steps", compiled=False)
    evaluate_every: int = field(500, at_least(1), "steps between evaluations", compiled=False)
    seed: int = field(0, NOT_NEGATIVE, "fixes initial kernels and batch order, alike in all arms", compiled=False)
    shuffling: str = field(
        "epoch",
        one_of("epoch", "fixed", "thorough"),
        "mini-batches drawn anew each epoch; always the same; never two examples together twice",
        compiled=False,
    )
    fit_examples: int = field(0, NOT_NEGATIVE, "training examples evaluated on too, in inference mode", compiled=False)
    compiler: str = field(
        "auto",
        one_of("auto", "xla", "graph"),
        "of the net; auto: XLA or TensorFlow's graph, whichever is faster in a long run",
    )
    engine: str = field(
        "tensorflow",
        one_of(*ENGINES),
        "what trains; jax: runs of one net that differ in seed, rate and start at once; mirrored: all GPUs share each mini-batch",
    )

    def __init__(self, **values: Any):
        parts = {kind: find(kind, name)() for kind, name in DEFAULT_PARTS.items()}
        self._set(_changed({**parts, "measurements": (), **_PROTOCOL}, values))

    def _set(self, values: dict[str, Any]) -> None:
        for name, value in values.items():
            object.__setattr__(self, name, value)
        check_fields(self)
        for part in self.parts:
            part.check(self)
        self._check_shuffling(self.task.examples)
        self._check_engine()

    def _check_shuffling(self, examples: int | None) -> None:
        if self.shuffling != "thorough" or examples is None:
            return
        columns = largest_prime(examples // self.batch_size)
        if self.batch_size > columns or self.steps > columns**2:
            raise UserError(
                f"thorough shuffling keeps {examples} examples in mini-batches of {self.batch_size} apart for "
                f"{columns**2 if self.batch_size <= columns else 0} steps: got {self.steps}; lower batch_size or steps"
            )

    def _check_engine(self) -> None:
        impossible = {"jax": "graph", "mirrored": "xla"}.get(self.engine)
        if self.compiler == impossible:
            raise UserError(
                f"compiler is a choice of the engine tensorflow: got {impossible} with {self.engine}; leave one of them out"
            )
        for one in self.measurements:
            if self.engine not in one.engines:
                raise UserError(
                    f"the measurement {one} needs the engine {' or '.join(one.engines)}: got {self.engine}; leave one of "
                    "them out"
                )

    @classmethod
    def of_row(cls, row: Mapping[str, Any]) -> "RunConfig":
        """The config of a row of the table `runs`: the reverse of `as_dict`. Other columns, and empty ones, count for nothing."""
        row = {name: value for name, value in row.items() if value == value}
        config = cls(**{name: row[name] for name in (*DEFAULT_PARTS, "measurements", *_PROTOCOL) if name in row})
        parts = [part.replace(**_in_row(part, row)) for part in config.parts]
        return config.replace(
            **{part.kind: part for part in parts if part.kind in DEFAULT_PARTS},
            measurements=[part for part in parts if part.kind not in DEFAULT_PARTS],
        )

    @property
    def parts(self) -> tuple[Component, ...]:
        """All parts."""
        return (*(getattr(self, kind) for kind in DEFAULT_PARTS), *self.measurements)

    def __getitem__(self, column: str) -> Any:
        """A value by the name of its column, as `config["learning_rate"]`."""
        return self._flat[column]

    def has(self, field: str) -> bool:
        """Whether this run, or a part of it, has a field of that name."""
        return field in _PROTOCOL or any(field in part.values() for part in self.parts)

    @property
    def alone(self) -> bool:
        """Whether it needs a process in which nothing else is trained."""
        return any(one.alone for one in self.measurements)

    @functools.cached_property
    def id(self) -> str:
        """A readable slug and a hash of what differs from the defaults."""
        return f"{self.task}-{self.model}-{self.normalization}-{self.seed}-{digest(self)}"

    @functools.cached_property
    def compilation_key(self) -> "RunConfig":
        """The config with all at its default that a compiled net does not depend on: one engine serves them all."""
        key = {kind: getattr(self, kind).as_compiled() for kind in DEFAULT_PARTS}
        key["initialization"] = find("initialization", DEFAULT_PARTS["initialization"])()
        protocol = uncompiled(self) | {"batch_size": self.normalization.compiled_for(self.batch_size)}
        return self._with({**key, "measurements": (), **protocol})

    @functools.cached_property
    def replicate_key(self) -> "RunConfig":
        """The config with all at its default in which runs that are trained at once may differ: seed, rate and start.

        Where the data depend on the seed it stays, so runs with one key share their data.
        """
        key = {"seed": self.task.data_seed(self.seed), "optimizer": self.optimizer.as_compiled()}
        return self._with({**key, "initialization": find("initialization", DEFAULT_PARTS["initialization"])()})

    def as_dict(self) -> dict[str, Any]:
        """All fields by the name of their column, parts by theirs; a field of ours that no part of this run has, its default."""
        return dict(self._flat)

    @functools.cached_property
    def _flat(self) -> dict[str, Any]:
        return as_flat(self)

    def replace(self, **changes: Any) -> "RunConfig":
        """The same run with some parts or fields changed. Another part by name keeps the values of fields that both have."""
        return self._with(_changed({one.name: getattr(self, one.name) for one in fields_of(RunConfig)}, changes))

    def _with(self, values: dict[str, Any]) -> "RunConfig":
        other = object.__new__(RunConfig)
        other._set({one.name: values.get(one.name, getattr(self, one.name)) for one in fields_of(RunConfig)})
        return other


def _in_row(part: Component, row: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of a part in a row. Whole numbers are floats in a column that is empty in other rows."""
    columns = {name: column_of(part, name) for name in part.values()}
    found = {name: row[column] for name, column in columns.items() if column in row}
    types = field_types(type(part))
    floats = {name: value for name, value in found.items() if types[name] is int and isinstance(value, float)}
    return found | {name: int(value) for name, value in floats.items() if value.is_integer()}


_PROTOCOL = protocol(RunConfig)


def _changed(values: dict[str, Any], changes: dict[str, Any]) -> dict[str, Any]:
    """The values of the fields of a config with changes put in: whole parts first, then fields of parts by their names."""
    values, changes = dict(values), dict(changes)
    for kind in DEFAULT_PARTS:
        if kind in changes:
            values[kind] = _part(kind, changes.pop(kind), values[kind])
    if "measurements" in changes:
        values["measurements"] = _measurements(changes.pop("measurements"))
    fields = {}
    for name, value in changes.items():
        if name in _PROTOCOL:
            values[name] = value
        else:
            kind, own = _owner(values, name)
            fields.setdefault(kind, {})[own] = value
    return values | {kind: values[kind].replace(**own) for kind, own in fields.items()}


def _part(kind: str, given, before: Component) -> Component:
    """The part that was given, or the one of that name, which keeps what it has in common with the part before."""
    if isinstance(given, Component):
        if given.kind != kind:
            raise UserError(f"{kind} is a {kind}: got the {given.kind} {given}; give {given.kind}={given}")
        return given
    if not isinstance(given, str):
        raise UserError(f"{kind} is a part or the name of one: got {given!r}; choose one of {', '.join(names(kind))}")
    part = find(kind, given)
    return before if part is type(before) else part(**_common(before, part))


def _common(before: Component, part: type[Component]) -> dict[str, Any]:
    return {name: value for name, value in before.values().items() if name in field_types(part)}


def _measurements(given: str | Component | Iterable[str | Component]) -> tuple[Component, ...]:
    """Measurements in the order of their names, each once: a word may hold several, with commas between."""
    if isinstance(given, str):
        given = [name.strip() for name in given.split(",") if name.strip()]
    found = [one if isinstance(one, Component) else find("measurement", one)() for one in _listed(given)]
    return tuple(sorted(dict.fromkeys(found), key=str))


def _listed(given) -> list:
    return [given] if isinstance(given, Component) else list(given)


def _owner(values: dict[str, Any], name: str) -> tuple[str, str]:
    """The part of a run that has the field, and the field's name there."""
    kind, dot, own = name.partition(".")
    candidates = [kind] if dot and kind in DEFAULT_PARTS else list(DEFAULT_PARTS)
    own = own if dot else name
    owners = [kind for kind in candidates if own in field_types(type(values[kind]))]
    if len(owners) > 1:
        raise UserError(
            f"a field that parts share is given with its part: {name} is in {' and '.join(owners)}; write {owners[0]}.{own}"
        )
    if owners:
        return owners[0], own
    having = {kind: [one for one in ours(kind) if own in field_types(find(kind, one))] for kind in candidates}
    for kind, parts in having.items():
        if parts:
            raise UserError(
                f"{name} is a field of the {kind} {', '.join(parts)}: this run has {values[kind]}; choose one of them, "
                f"or leave {name} out"
            )
    known = [one for kind in DEFAULT_PARTS for one in field_types(type(values[kind]))]
    raise unknown("field", name, [*known, *DEFAULT_PARTS, "measurements", *_PROTOCOL])
