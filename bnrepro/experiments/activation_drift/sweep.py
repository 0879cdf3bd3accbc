"""The runs whose inputs of a sigmoid are followed: the pairs of Figure 1(a). Knows no table."""

from bnrepro.config.group import Group, Sweep
from bnrepro.experiments import figure1
from bnrepro.experiments.figure1 import pairs

PRESETS = figure1.PRESETS
TABLES = ("runs", "quantiles", "drift")


def sweep(preset: str, **overrides) -> Sweep:
    """The pairs of runs of Figure 1(a); whoever has trained those has these."""
    return {Group("main"): pairs(preset, **overrides)}
