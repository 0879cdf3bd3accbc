"""A part of a run: a name, by which it is found, and fields, checked when it is made. Knows no part and no registry.

A part is a frozen dataclass that builds what it stands for. What it needs for that it imports when it builds, so that sweeps are
planned and tables read without Keras.
"""

import dataclasses
import functools
import typing
from dataclasses import dataclass
from typing import Any, ClassVar

from bnrepro.config.validation import ANY, Rule, check_type
from bnrepro.errors import UserError


def field(default, rule: Rule = ANY, help: str = "", compiled: bool = True, identity: bool = True):
    """A field of a part.

    Args:
        default: Its value where none is given.
        rule: What values it takes.
        help: What it means, with its unit.
        compiled: Whether the compiled net depends on it. Runs that differ only in other fields share one program.
        identity: Whether it is in ids and tables. What says only where data lie is not: moved data give the same numbers.
    """
    metadata = {"rule": rule, "help": help, "compiled": compiled, "identity": identity}
    return dataclasses.field(default=default, metadata=metadata)


@dataclass(frozen=True, kw_only=True)
class Component:
    """What all parts have in common.

    Attributes:
        kind: What it is in a run, as `model`.
        name: Its name among those of its kind, as in tables and ids.
        version: Of a part from outside: its author raises it whenever the part would give other numbers. It is in the id.
    """

    kind: ClassVar[str]
    name: ClassVar[str] = ""
    version: ClassVar[str] = ""

    def __post_init__(self):
        if not self.name:
            raise UserError(
                f"a part of a run has a name: the {self.kind} {type(self).__name__} has none; put "
                f'@register("{self.kind}", "a_name", version="1") on it'
            )
        check_fields(self)

    def check(self, config) -> None:
        """Raises `UserError` where this part does not go with the rest of a `RunConfig`."""

    def values(self) -> dict[str, Any]:
        """The fields in their order."""
        return {one.name: getattr(self, one.name) for one in fields_of(type(self))}

    def identity(self) -> dict[str, Any]:
        """The fields that are in ids and tables, in their order."""
        return {name: getattr(self, name) for name in _in_identity(type(self))}

    def replace(self, **changes) -> typing.Self:
        """The same part with some fields changed."""
        return dataclasses.replace(self, **changes)

    def as_compiled(self) -> typing.Self:
        """The same part with all at its default that a compiled net does not depend on."""
        return self.replace(**uncompiled(self))

    def __str__(self) -> str:
        return self.name


def check_fields(part) -> None:
    """Checks each field of a frozen dataclass by its type and its rule; a scalar of NumPy becomes the value that it holds.

    Raises:
        UserError: A value of the wrong type or out of range.
    """
    for name, kind, (accepted, text) in _checked(type(part)):
        value = check_type(name, getattr(part, name), kind)
        if not accepted(value):
            raise UserError(f"{name} {text}: got {value!r}; change {name}")
        object.__setattr__(part, name, value)


@functools.cache
def _checked(part: type) -> list[tuple[str, type, Rule]]:
    """The fields of a dataclass that hold a number or a word: name, type and rule."""
    types = field_types(part)
    plain = [one for one in fields_of(part) if types[one.name] in (int, float, str, bool)]
    return [(one.name, types[one.name], one.metadata.get("rule", ANY)) for one in plain]


@functools.cache
def _in_identity(part: type) -> tuple[str, ...]:
    """The names of the fields that are in ids and tables."""
    return tuple(one.name for one in fields_of(part) if one.metadata.get("identity", True))


def uncompiled(part) -> dict[str, Any]:
    """The defaults of the fields of a dataclass that a compiled net does not depend on."""
    return {one.name: one.default for one in fields_of(type(part)) if not one.metadata.get("compiled", True)}


@functools.cache
def fields_of(part: type) -> tuple[dataclasses.Field, ...]:
    """The fields of a dataclass, which takes Python some time to find: a sweep makes tens of thousands of configs."""
    return dataclasses.fields(part)


@functools.cache
def field_types(part: type) -> dict[str, type]:
    """By field of a dataclass, its type."""
    hints = typing.get_type_hints(part)
    return {one.name: hints[one.name] for one in fields_of(part)}
