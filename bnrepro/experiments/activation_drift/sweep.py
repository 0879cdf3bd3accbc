"""The runs whose inputs of a sigmoid are followed: the pairs of Figure 1(a). Knows no table."""

from bnrepro.config.run_config import RunConfig
from bnrepro.experiments import figure1
from bnrepro.experiments.figure1 import pairs

PRESETS = figure1.PRESETS
TABLES = ("runs", "quantiles", "drift")


def sweep(preset: str, **overrides) -> dict[str, list[RunConfig]]:
    """The pairs of runs of Figure 1(a); whoever has trained those has these."""
    return {"main": pairs(preset, **overrides)}
