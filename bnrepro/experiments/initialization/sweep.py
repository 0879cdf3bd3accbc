"""The runs: maps of initial standard deviation and rate, named starts, depths. Knows no table."""

from dataclasses import dataclass

from bnrepro.config.grid import grid
from bnrepro.config.group import Group, Sweep
from bnrepro.config.run_config import RunConfig
from bnrepro.experiments.presets import Length, lengthened, resolve
from bnrepro.experiments.setups import ARMS

TABLES = ("runs", "curves", "provenance")


@dataclass(frozen=True)
class Preset:
    """How much is trained.

    Attributes:
        seeds: Runs of an arm in the maps, by which the primary claim is judged; the seeds are 0 to seeds - 1.
        other_seeds: Runs of an arm elsewhere, if the parameter `seeds` has no value.
        map: Runs of the map and of the named starts.
        depth: Runs of the nets of different depth.
        stds: Standard deviations of the map.
        rates: Its learning rates.
        other_rates: Learning rates of the named starts and of the depths.
        depths: Numbers of hidden layers.
    """

    seeds: int
    other_seeds: int
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
        other_seeds=1,
        map=Length(20, 10),
        depth=Length(20, 10),
        stds=(0.01, 1.0),
        rates=(0.1, 1.0),
        other_rates=(0.1,),
        depths=(3, 6),
    ),
    "quick": Preset(
        seeds=10,
        other_seeds=2,
        map=Length(400, 400),
        depth=Length(200, 200),
        stds=STDS[1::3],
        rates=(0.1, 1.0),
        other_rates=(0.3,),
        depths=(3, 10, 20),
    ),
    "paper": Preset(
        seeds=8,
        other_seeds=8,
        map=Length(1_000, 500),
        depth=Length(600, 300),
        stds=STDS,
        rates=RATES,
        other_rates=(0.1, 0.3, 1.0),
        depths=(3, 10, 20),
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

BASE = RunConfig(validation_examples=4_000)
"""The sigmoid net of section 4.1."""

DEEPER = {"activation": "relu", "hidden_layers": 6}
"""The deeper ReLU net."""

_ACCEPTED = ("batch_size", "hidden_units", "task")


def sweep(preset: str, **overrides) -> Sweep:
    """The runs by group.

    `map`: standard deviation by rate, in the setting `sigmoid` or `relu`. `start`: the deeper ReLU net, each of `STARTS` a
    setting. `depth`: the nets at other depths, `sigmoid` from its usual start, `relu` from He's.
    """
    values, base = resolve(PRESETS, preset, overrides, BASE, _ACCEPTED)
    arms = dict(normalization=ARMS, seed=range(values.seeds))
    others = arms | {"seed": range(overrides.get("seeds") or values.other_seeds)}
    nets = {"sigmoid": lengthened(base, values.map), "relu": lengthened(base, values.map).replace(**DEEPER)}
    deep = {
        "sigmoid": lengthened(base, values.depth),
        "relu": lengthened(base, values.depth).replace(activation="relu", initialization="he"),
    }
    cells = dict(initial_std=values.stds, learning_rate=values.rates, **arms)
    return {
        **{Group("map", setting=name): grid(net, **cells) for name, net in nets.items()},
        **{
            Group("start", setting=name): grid(
                nets["relu"].replace(**start), learning_rate=values.other_rates, **others
            )
            for name, start in STARTS.items()
        },
        **{
            Group("depth", setting=name): grid(
                net, hidden_layers=values.depths, learning_rate=values.other_rates, **others
            )
            for name, net in deep.items()
        },
    }
