"""The rules that the fields of a config keep, the types that they take, and the names of the presets. Knows no field."""

import math
import numbers
import typing
from collections.abc import Callable

from bnrepro.errors import UserError, unknown

PRESETS = ("smoke", "quick", "paper")
"""Seconds, for tests; minutes, to look; the full protocol, for the record. What each means stands in the experiments."""

ENGINES = {"tensorflow": "tensorflow", "jax": "jax", "mirrored": "tensorflow"}
"""What trains, and Keras's backend for it, which is the name of its package too."""

ALL_CORES = ("jax", "mirrored")
"""Engines of which one process has all cores or GPUs."""

Rule = tuple[Callable[[typing.Any], bool], str]


def one_of(*names: str) -> Rule:
    return (lambda value: value in names), f"is one of {', '.join(names)}"


def at_least(lowest: int) -> Rule:
    return (lambda value: value >= lowest), f"is at least {lowest}"


ANY: Rule = (lambda value: True), "is anything"
POSITIVE: Rule = (lambda value: value > 0), "is above 0"
NOT_NEGATIVE: Rule = (lambda value: value >= 0), "is 0 or above"
FRACTION: Rule = (lambda value: 0 <= value < 1), "is from 0 to below 1"


def check_type(name: str, value, kind: type):
    """`value` as `kind`, or a `UserError`: whole numbers pass for floats, never the reverse, and no NaN passes.

    A scalar of NumPy or another library counts as the Python value that it holds.
    """
    if type(value) is kind and (kind is not float or math.isfinite(value)):
        return value
    words = {int: "a whole number", float: "a finite number", str: "a word", bool: "true or false"}
    plain = value.item() if hasattr(value, "item") and getattr(value, "shape", None) == () else value
    number = isinstance(plain, numbers.Real) and not isinstance(plain, bool)
    if kind is float and number and math.isfinite(plain):
        return float(plain)
    if kind is int and number and isinstance(plain, numbers.Integral):
        return int(plain)
    if kind in (str, bool) and isinstance(plain, kind):
        return plain
    raise UserError(f"{name} is {words[kind]}: got {value!r}; change {name}")


def check_count(name: str, given: int | str, remedy: str) -> int:
    """A whole number of 1 or more, as given or as the text of an environment variable, or a `UserError` with this remedy."""
    if not str(given).isdecimal() or int(given) < 1:
        raise UserError(f"{name} is a whole number of 1 or more: got {given!r}; {remedy}")
    return int(given)


def check_preset(preset: str) -> str:
    """`preset` itself, or a `UserError` with the nearest name."""
    if preset not in PRESETS:
        raise unknown("preset", preset, PRESETS)
    return preset


def largest_prime(limit: int) -> int:
    """The largest prime number up to `limit`, 1 where there is none."""
    primes = (number for number in range(limit, 1, -1) if all(number % one for one in range(2, math.isqrt(number) + 1)))
    return next(primes, 1)
