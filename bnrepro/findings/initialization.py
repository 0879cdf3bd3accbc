"""Notebook 05: does BN make training less dependent on initialization? Sweep, claims I1 to I3, and figure. Trains nothing."""

from dataclasses import dataclass

import pandas as pd
from matplotlib.figure import Figure

from bnrepro.config import RunConfig, grid
from bnrepro.findings import initialization_claims, initialization_figure
from bnrepro.findings import initialization_effects as found
from bnrepro.findings.initialization_effects import effects
from bnrepro.findings.initialization_explore import controls, explore, live
from bnrepro.findings.presets import Length, lengthened, resolve
from bnrepro.findings.setups import ARMS
from bnrepro.select import TRAINS
from bnrepro.tables import Tables

__all__ = [
    "BASE",
    "CAPTION",
    "DEEPER",
    "PAPER",
    "PRESETS",
    "STARTS",
    "TABLES",
    "TITLE",
    "analyse",
    "controls",
    "effects",
    "explore",
    "figure",
    "live",
    "sweep",
]

TITLE = "Initialization"
TABLES = ("runs", "curves", "provenance")

PAPER = {}
"""It says that one may be less careful about initialization, and has no experiment on it."""

CAPTION = (
    "(a, b) Final test accuracy in percent over the standard deviation of the kernels at the start and the learning rate, "
    "without and with BN: median of {map_sigmoid_seeds} seeds, a diverged run counted as chance; a cross where half of the runs "
    f"or more diverged. The line is around the cells at {TRAINS:.0%} or above; the diamond marks the values with which the net "
    "follows the paper's curve (notebook 01). (c) Share of the map whose runs end there: each seed (tick), median (dot) and its "
    "95% bootstrap interval (bar). (d, e) Accuracy over the standard deviation, each arm at its best rate over all of them on "
    "validation examples (above the panel, without and with BN): each seed (thin), median (thick) and its interval (band). "
    "(f) The deeper ReLU net from named starts, each arm at its best rate on validation examples; below the line, two that leave "
    "all units of a layer alike; dotted, chance. (g, h) Accuracy over the number of hidden layers, each arm at its best rate at "
    "each depth; the ReLU nets from He's start."
)


@dataclass(frozen=True)
class Preset:
    """How much is trained.

    Attributes:
        seeds: Runs of an arm; the seeds are 0 to seeds - 1.
        map: Runs of the map and of the named starts.
        depth: Runs of the nets of different depth.
        stds: Standard deviations of the map.
        rates: Its learning rates.
        other_rates: Learning rates of the named starts and of the depths.
        depths: Numbers of hidden layers.
    """

    seeds: int
    map: Length
    depth: Length
    stds: tuple[float, ...]
    rates: tuple[float, ...]
    other_rates: tuple[float, ...]
    depths: tuple[int, ...]


STDS = (0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0)
RATES = (0.01, 0.03, 0.1, 0.3, 1.0, 3.0)

PRESETS = {
    "smoke": Preset(
        seeds=1,
        map=Length(20, 10),
        depth=Length(20, 10),
        stds=(0.01, 1.0),
        rates=(0.1, 1.0),
        other_rates=(0.1,),
        depths=(3, 6),
    ),
    "quick": Preset(
        seeds=2,
        map=Length(200, 100),
        depth=Length(200, 100),
        stds=STDS[::2],
        rates=(0.03, 0.3, 3.0),
        other_rates=(0.3,),
        depths=(3, 10, 20),
    ),
    "paper": Preset(
        seeds=8,
        map=Length(1_000, 500),
        depth=Length(600, 300),
        stds=STDS,
        rates=RATES,
        other_rates=(0.1, 0.3, 1.0),
        depths=(3, 10, 20),
    ),
}

STARTS = {
    "he": {"initializer": "he"},
    "glorot": {"initializer": "glorot"},
    "orthogonal": {"initializer": "orthogonal"},
    "same_variance": {"initializer": "gaussian", "initial_std": 0.05},
    "biased": {"initializer": "he", "initial_mean": 0.5},
    "zero": {"initializer": "gaussian", "initial_std": 0.0},
    "symmetric": {"initializer": "constant", "initial_std": 0.05},
}
"""Starts by name: three recipes of the field; the same variance in every layer; kernels with a mean of half their standard
deviation; and two that leave all units of a layer alike."""

BASE = RunConfig(validation_examples=4_000)
"""The sigmoid net of section 4.1."""

DEEPER = {"activation": "relu", "hidden_layers": 6}
"""The deeper ReLU net."""

_ACCEPTED = ("batch_size", "hidden_units", "dataset")


def sweep(preset: str, **overrides) -> dict[str, list[RunConfig]]:
    """The runs by group.

    `map_sigmoid`, `map_relu`: standard deviation by rate, both arms. `start_<name>`: the deeper ReLU net from each of `STARTS`.
    `depth_sigmoid`, `depth_relu`: the nets at other depths, the first from its usual start, the second from He's.
    """
    values, base = resolve(PRESETS, preset, overrides, BASE, _ACCEPTED)
    arms = dict(normalization=ARMS, seed=range(values.seeds))
    nets = {"sigmoid": lengthened(base, values.map), "relu": lengthened(base, values.map).replace(**DEEPER)}
    deep = {
        "sigmoid": lengthened(base, values.depth),
        "relu": lengthened(base, values.depth).replace(activation="relu", initializer="he"),
    }
    cells = dict(initial_std=values.stds, learning_rate=values.rates, **arms)
    return {
        **{f"map_{name}": grid(net, **cells) for name, net in nets.items()},
        **{
            f"start_{name}": grid(nets["relu"].replace(**start), learning_rate=values.other_rates, **arms)
            for name, start in STARTS.items()
        },
        **{
            f"depth_{name}": grid(net, hidden_layers=values.depths, learning_rate=values.other_rates, **arms)
            for name, net in deep.items()
        },
    }


def analyse(tables: Tables) -> pd.DataFrame:
    """The statistic of each claim: `claim`, `estimate`, `ci_low`, `ci_high`, `n`, `bound`, `note`."""
    return pd.DataFrame(claim(tables) for claim in initialization_claims.STATISTICS)


def figure(tables: Tables) -> Figure:
    """Maps of start and rate, what of them trains, the named starts, and depth."""
    runs = found.ended(tables, "map")
    return initialization_figure.draw(
        maps=found.maps(runs),
        shares=found.shares(runs),
        over_stds=found.over_stds(runs),
        starts=found.starts(tables),
        depths=found.depths(tables),
    )
