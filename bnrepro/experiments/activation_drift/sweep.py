"""The runs whose inputs of a sigmoid are followed: those of Figure 1(a) that are reported. Knows no table."""

from bnrepro.config.group import Sweep
from bnrepro.experiments import figure1
from bnrepro.experiments.figure1 import read_runs

PRESETS = figure1.PRESETS
TABLES = ("runs", "quantiles", "drift")


def sweep(preset: str, **overrides) -> Sweep:
    """`figure1.read_runs`; whoever has trained those has these."""
    return read_runs(preset, **overrides)
