"""Every combination of some fields' values, as configs. Knows no experiment."""

import itertools
from collections.abc import Iterable

from bnrepro.config.run_config import RunConfig
from bnrepro.errors import UserError


def grid(base: RunConfig = RunConfig(), **axes: Iterable) -> list[RunConfig]:
    """All combinations of the values in `axes` on top of `base`, the last axis fastest.

    Example: `grid(normalization=("none", "batch"), seed=range(10))` are the twenty runs of Figure 1.
    """
    for name, values in axes.items():
        if isinstance(values, str) or not isinstance(values, Iterable) or getattr(values, "shape", None) == ():
            raise UserError(f"an axis of a grid is a list of values: {name} got {values!r}; write [{values!r}]")
        axes[name] = list(values)
        if not axes[name]:
            raise UserError(f"an axis of a grid has a value or more: {name} is empty; give it one")
    return [base.replace(**dict(zip(axes, values))) for values in itertools.product(*axes.values())]
