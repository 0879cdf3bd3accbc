"""Dense nets of many depths: at which rates they train, and how fast at the best of them. Rounds of runs, each planned from what
the ones before gave. Knows no claim and draws nothing.
"""

import functools
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from bnrepro.analysis.ceilings import bracket, rate, to_try, with_trains_by_loss
from bnrepro.analysis.races import common_target, fastest
from bnrepro.analysis.select import trained_curves
from bnrepro.config.grid import grid
from bnrepro.config.group import Group, Sweep
from bnrepro.config.run_config import RunConfig
from bnrepro.config.validation import check_type
from bnrepro.experiments.presets import FIRST_JUDGED, SELECTING_SEEDS, Length, lengthened, resolve, smallest
from bnrepro.experiments.setups import ARMS, DENSE
from bnrepro.records.schemas import Tables

TABLES = ("runs", "curves", "updates", "provenance")

ROUNDS = True
"""Later runs depend on what earlier ones gave."""

TIMES_FIRST_ROUND = {"smoke": 3.1, "quick": 9.5, "paper": 16.3}
"""By preset, about how many times the work of the first round all of them come to: of 177, 454 and 4,227 runs."""

TARGETS = (0.83, 0.8, 0.75, 0.7, 0.6)
"""Accuracies on held-out examples: a net is raced to the highest that both arms reach on the seeds that choose."""

CANDIDATES = (0, -7, -14, -21, -28, -35, -42)
"""Steps of a factor of 1.1 from an arm's ceiling to the rates of which it takes the fastest: about 1, 1/2, 1/4, ... 1/64. An arm
without a ceiling has all rates of a scan, which lie as far apart.
"""

BATCH_SIZE = 32
"""Examples in a mini-batch where nothing else is said."""

LARGE_BATCH_SIZE = 512
"""Examples in the large mini-batches."""

OTHERS = (
    {"initialization": "glorot"},
    {"initialization": "gaussian", "initial_std": 0.01},
    {"sgd_momentum": 0.9},
)
"""Glorot's start; the hand-set Gaussian of before 2015 (Krizhevsky et al. 2012, section 5); momentum."""

PAST, BASE = 14, -7
"""Steps of a factor of 1.1 from an arm's ceiling to a rate past it, 3.8 times as high, where nets break within a few steps; and
from the ceiling without BN to a rate for both arms, about half of it, at which both train.
"""


@dataclass(frozen=True)
class Preset:
    """Which nets are trained, and how long.

    Attributes:
        seeds: Judged runs of a cell and arm; the seeds are `FIRST_JUDGED` and on.
        depths: Hidden layers; with mini-batches of 32, from He's start and without momentum.
        large_depths: The same with mini-batches of 512.
        others: What is changed one at a time from mini-batches of 32, at each of `other_depths`.
        other_depths: Hidden layers there.
        raced: Hidden layers of the nets that are raced, those of `large_depths` and `other_depths` among them.
        ceilings: The runs that ask whether a rate trains.
        races: The runs that are raced.
        large_races: The same with mini-batches of 512, which take fewer steps.
        broken: Hidden layers of the nets whose first steps past the ceiling are looked at.
        first_steps: The runs in which they are.
    """

    seeds: int
    depths: tuple[int, ...]
    raced: tuple[int, ...]
    ceilings: Length
    races: Length
    large_races: Length = Length(500, 20)
    large_depths: tuple[int, ...] = ()
    others: tuple[Mapping, ...] = ()
    other_depths: tuple[int, ...] = ()
    broken: tuple[int, ...] = ()
    first_steps: Length = Length(10, 1)


PRESETS = {
    "smoke": Preset(
        seeds=1,
        depths=(1, 2),
        raced=(2,),
        ceilings=Length(40, 40),
        races=Length(40, 20),
    ),
    "quick": Preset(
        seeds=10,
        depths=(3, 20),
        raced=(3,),
        ceilings=Length(400, 400),
        races=Length(750, 50),
    ),
    "paper": Preset(
        seeds=12,
        depths=(3, 10, 20, 40),
        large_depths=(3, 10, 20, 40),
        others=OTHERS,
        other_depths=(3, 20),
        raced=(3, 20),
        ceilings=Length(600, 600),
        races=Length(1_500, 25),
        broken=(3, 20),
    ),
}


def sweep(preset: str, so_far: Tables | None = None, **overrides) -> Sweep:
    """The runs of the rounds so far and of the next one, by group.

    `ceilings`: on a seed that judges nothing a scan of all rates and then a search between two of them, and around what it
    finds one on each of the judged seeds; what is read of these runs is their training loss. `choice`: the raced nets at the
    candidates of each arm, on seeds that judge nothing, which choose target and rates. `fastest`: on the judged seeds, in the
    setting `own` each arm at the fastest of its candidates, in the setting `same` each arm at that of the arm without BN.
    `first_steps`: on the judged seeds a few steps, in the setting `past` at `PAST` from each arm's own ceiling, in the setting
    `base` at `BASE` from that without BN. The parameter `another_arm` names a normalization for a third arm of all of them.
    """
    another_arm = check_type("another_arm", overrides.pop("another_arm", ""), str)
    values, base = resolve(PRESETS, preset, overrides, DENSE.replace(batch_size=BATCH_SIZE), ("hidden_units", "task"))
    base = smallest(base) if preset == "smoke" else base
    arms = [*ARMS, *([another_arm] if another_arm else [])]
    trained = {} if so_far is None else with_trains_by_loss(so_far["runs"]).set_index("run")["trains"].to_dict()
    judged = range(FIRST_JUDGED, FIRST_JUDGED + values.seeds)
    own, same = Group("fastest", setting="own"), Group("fastest", setting="same")
    groups = {Group("ceilings"): [], Group("choice"): [], own: [], same: []}
    broken = [base.replace(hidden_layers=depth) for depth in values.broken]
    for net in _nets(values, base):
        asked = {arm: lengthened(net, values.ceilings).replace(normalization=arm) for arm in arms}
        scans = {arm: _search(config.replace(seed=SELECTING_SEEDS[0]), None, trained) for arm, config in asked.items()}
        starts = {arm: bracket(scan.trains)[0] for arm, scan in scans.items() if scan.done}
        searches = {}
        for arm, scan in scans.items():
            groups[Group("ceilings")] += scan.configs
            for seed in judged if scan.done else ():
                searches[arm, seed] = _search(asked[arm].replace(seed=seed), starts[arm], trained)
                groups[Group("ceilings")] += searches[arm, seed].configs
        for group, configs in _first_steps(net, values.first_steps, searches).items() if net in broken else ():
            groups[group] = groups.get(group, []) + configs
        if net["hidden_layers"] not in values.raced or set(starts) < set(arms):
            continue
        length = values.large_races if net.batch_size == LARGE_BATCH_SIZE else values.races
        races = {arm: _raced(net, arm, length) for arm in starts}
        candidates = [config for arm, race in races.items() for config in _candidates(race, starts[arm])]
        groups[Group("choice")] += candidates
        rates = _fastest(candidates, so_far)
        for arm in rates:
            groups[own] += grid(races[arm].replace(learning_rate=rates[arm]), seed=judged)
            groups[same] += grid(races[arm].replace(learning_rate=rates[arms[0]]), seed=judged)
    return groups


def _candidates(race: RunConfig, start: int | None) -> list[RunConfig]:
    """An arm's candidates for its fastest rate, on the seeds that choose: from its ceiling down, or without one all of a scan."""
    numbers = to_try({}) if start is None else [start + steps for steps in CANDIDATES]
    return grid(race, learning_rate=[rate(number) for number in numbers], seed=SELECTING_SEEDS)


def _first_steps(net: RunConfig, length: Length, searches: Mapping[tuple[str, int], "_Search"]) -> Sweep:
    """The first steps of a net past an arm's own ceiling and at the rate beside it, as far as the searches of these are done.

    Args:
        net: Without BN.
        length: Of its runs.
        searches: By arm and seed.
    """
    found = {key: bracket(search.trains)[0] for key, search in searches.items() if search.done}
    groups = {Group("first_steps", setting=setting): [] for setting in ("past", "base")}
    past, beside = groups.values()
    for arm, seed in searches:
        config = lengthened(net, length).replace(normalization=arm, seed=seed, measurements="one_step")
        for group, ceiling, steps in ((past, found.get((arm, seed)), PAST), (beside, found.get((ARMS[0], seed)), BASE)):
            group += [] if ceiling is None else [_at(config, ceiling + steps)]
    return groups


def _fastest(candidates: list[RunConfig], so_far: Tables | None) -> dict[str, float]:
    """By arm its fastest rate; none while a candidate is not trained."""
    curves = trained_curves(candidates, so_far)
    if curves is None:
        return {}
    cells = fastest(curves, common_target(curves, TARGETS))
    return {arm: cell["learning_rate"] for arm, cell in cells.items()}


def _nets(values: Preset, base: RunConfig) -> list[RunConfig]:
    """A net for each cell of the map, without BN."""
    changed = [
        net.replace(**change) for change in values.others for net in grid(base, hidden_layers=values.other_depths)
    ]
    large = [base.replace(hidden_layers=depth, batch_size=LARGE_BATCH_SIZE) for depth in values.large_depths]
    return [*grid(base, hidden_layers=values.depths), *large, *changed]


def _raced(net: RunConfig, arm: str, length: Length) -> RunConfig:
    """The net of an arm in a race: its accuracy is read with the statistics of Algorithm 2 where it has BN."""
    own = lengthened(net, length).replace(normalization=arm)
    return own.replace(inference="population") if arm == "batch" else own


@dataclass(frozen=True)
class _Search:
    """A search so far: whether it is `done`, what it knows, and its runs with those of its next round."""

    done: bool
    trains: Mapping[int, bool]
    configs: Iterable[RunConfig]


def _search(config: RunConfig, start: int | None, trained: Mapping[str, bool]) -> _Search:
    """How far a search is.

    Args:
        config: Its runs but for the rate.
        start: As of `to_try`.
        trained: Of each run that was trained whether it trains.
    """
    trains, configs = {}, []
    while numbers := to_try(trains, start):
        tried = {number: _at(config, number) for number in numbers}
        configs += tried.values()
        if any(each.id not in trained for each in tried.values()):
            return _Search(False, trains, configs)
        trains |= {number: trained[each.id] for number, each in tried.items()}
    return _Search(True, trains, configs)


@functools.lru_cache(maxsize=1 << 15)
def _at(config: RunConfig, number: int) -> RunConfig:
    """The run at a rate, made once, since each round asks for those of all rounds before."""
    return config.replace(learning_rate=rate(number))
