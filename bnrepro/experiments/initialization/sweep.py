"""The runs: maps of initial standard deviation and rate, named starts, depths. Knows no table."""

from dataclasses import dataclass

from bnrepro.config.grid import grid
from bnrepro.config.group import Group, Sweep
from bnrepro.config.run_config import RunConfig
from bnrepro.experiments.presets import FIRST_JUDGED, Length, lengthened, resolve

TABLES = ("runs", "curves", "provenance")


@dataclass(frozen=True)
class Preset:
    """How much is trained.

    Attributes:
        seeds: Runs of an arm in the map of the sigmoid net, by which the primary claim is judged; the seeds are `FIRST_JUDGED`
            and on.
        other_seeds: Runs of an arm of the deeper ReLU net, which judges nothing, if the parameter `seeds` has no value; the
            seeds are 0 and on.
        depth_seeds: Runs of an arm at each depth, if the parameter `seeds` has no value; the seeds are `FIRST_JUDGED` and on.
        map: Runs of the map and of the named starts.
        depth: Runs of the nets of different depth.
        stds: Standard deviations of the map.
        rates: Its learning rates.
        other_rates: Learning rates of the named starts.
        depth_rates: Learning rates of the depths.
        depths: Numbers of hidden layers.
    """

    seeds: int
    other_seeds: int
    depth_seeds: int
    map: Length
    depth: Length
    stds: tuple[float, ...]
    rates: tuple[float, ...]
    other_rates: tuple[float, ...]
    depth_rates: tuple[float, ...]
    depths: tuple[int, ...]


STDS = (0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0)
RATES = (0.01, 0.03, 0.1, 0.3, 1.0, 3.0)

PRESETS = {
    "smoke": Preset(
        seeds=1,
        other_seeds=1,
        depth_seeds=1,
        map=Length(20, 20),
        depth=Length(20, 20),
        stds=(0.01, 1.0),
        rates=(0.1, 1.0),
        other_rates=(0.1,),
        depth_rates=(0.3,),
        depths=(2, 5),
    ),
    "quick": Preset(
        seeds=10,
        other_seeds=2,
        depth_seeds=2,
        map=Length(400, 400),
        depth=Length(300, 300),
        stds=STDS[1::3],
        rates=(0.1, 1.0),
        other_rates=(0.3,),
        depth_rates=(0.3,),
        depths=(2, 5, 20),
    ),
    "paper": Preset(
        seeds=12,
        other_seeds=6,
        depth_seeds=12,
        map=Length(1_000, 500),
        depth=Length(1_500, 1_500),
        stds=STDS,
        rates=RATES,
        other_rates=(0.1, 0.3, 1.0),
        depth_rates=(0.3, 3.0),
        depths=(2, 5, 10, 20),
    ),
}

STARTS = {
    "he": {"initialization": "he"},
    "glorot": {"initialization": "glorot"},
    "orthogonal": {"initialization": "orthogonal"},
    "same_variance": {"initialization": "gaussian", "initial_std": 0.05},
    "biased": {"initialization": "he", "initial_mean": 0.5},
    "zero": {"initialization": "gaussian", "initial_std": 0.0},
    "symmetric": {"initialization": "constant", "initial_std": 0.05},
}
"""Starts by name: three recipes of the field; the same variance in every layer; kernels with a mean of half their standard
deviation; and two that leave all units of a layer alike."""

DEPTH_STARTS = {
    "gaussian": {},
    "he": {"initialization": "he"},
    "glorot_4": {"initialization": "glorot", "initial_gain": 4.0},
}
"""Starts of the deep sigmoid nets: section 4.1's; He's; and Glorot's four times as large, which makes up for a slope of at most
1/4, so that without BN the gradient gets further down."""

BASE = RunConfig(validation_examples=4_000)
"""The sigmoid net of section 4.1."""

DEEPER = {"activation": "relu", "hidden_layers": 6}
"""The deeper ReLU net."""

_READ = ({"normalization": "none"}, {"normalization": "batch", "inference": "population"})
"""Both arms, BN's accuracy read with the statistics of Algorithm 2."""

_ACCEPTED = ("batch_size", "hidden_units", "task")


def sweep(preset: str, **overrides) -> Sweep:
    """The runs by group; nets with BN are read through population statistics.

    `map`: standard deviation by rate, in the setting `sigmoid` or `relu`. `start`: the deeper ReLU net, each of `STARTS` a
    setting. `depth`: the sigmoid net at other depths, each of `DEPTH_STARTS` a setting.
    """
    values, base = resolve(PRESETS, preset, overrides, BASE, _ACCEPTED, FIRST_JUDGED)
    others = range(values.other_seeds)
    deep = range(FIRST_JUDGED, FIRST_JUDGED + values.depth_seeds)
    sigmoid, relu = (lengthened(base, values.map).replace(**net) for net in ({}, DEEPER))
    cells = dict(initial_std=values.stds, learning_rate=values.rates)
    layers = dict(hidden_layers=values.depths, learning_rate=values.depth_rates)
    return {
        Group("map", setting="sigmoid"): _both(sigmoid, **cells, seed=range(FIRST_JUDGED, FIRST_JUDGED + values.seeds)),
        Group("map", setting="relu"): _both(relu, **cells, seed=others),
        **{
            Group("start", setting=name): _both(relu.replace(**start), learning_rate=values.other_rates, seed=others)
            for name, start in STARTS.items()
        },
        **{
            Group("depth", setting=name): _both(lengthened(base, values.depth).replace(**start), **layers, seed=deep)
            for name, start in DEPTH_STARTS.items()
        },
    }


def _both(net: RunConfig, **axes) -> list[RunConfig]:
    """A grid of a net in both arms."""
    return [run for arm in _READ for run in grid(net.replace(**arm), **axes)]
