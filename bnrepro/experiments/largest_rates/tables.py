"""What the runs come to: ceilings, their ratios with BN and without, races to a target. Knows no claim, draws nothing."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from bnrepro.analysis import ceilings as scale
from bnrepro.analysis import races
from bnrepro.analysis.ceilings import TRAINS_AT, between, bracket, ceiling, over, with_trains_by_loss
from bnrepro.analysis.curves import median_curves
from bnrepro.analysis.intervals import bound_of_median, censored_interval
from bnrepro.analysis.races import common_target
from bnrepro.analysis.select import group_curves, where
from bnrepro.experiments.largest_rates.sweep import BATCH_SIZE, TARGETS
from bnrepro.experiments.presets import SELECTING_SEEDS
from bnrepro.experiments.setups import ARMS
from bnrepro.records.computed import once
from bnrepro.records.results import select
from bnrepro.records.schemas import Tables

CELL = ("hidden_layers", "batch_size", "initialization", "sgd_momentum")
"""What says of which cell of the map a run is."""

PLAIN = {"initialization": "he", "sgd_momentum": 0.0}
"""The map's usual start and momentum."""

USUAL = PLAIN | {"batch_size": BATCH_SIZE}
"""Its usual cell at a depth."""

BROKEN_AT = 2.0
"""A step breaks a net if it takes the loss of the examples that it is made from above so many times the loss of guessing."""

OUTERMOST = "logits"
"""The last layer of a dense net; it is a group of weights of its own."""

GROUPS = {
    "nothing": "no weights",
    "kernel": "hidden kernels",
    "bias": "hidden biases",
    "gamma": "gamma",
    "beta": "beta",
    OUTERMOST: "logits' layer",
    "all": "all weights",
}
"""Of weights that alone take a step, in words."""

_AT_END = ("nothing", "kernel")
"""Of the last step past the ceiling what is read of groups: the loss, and how large the kernels are."""

_BESIDE = ("kernel", "all")
"""The same of the first step beside the ceiling: how large the kernels are, and whether the step breaks the net."""

_LARGEST = float(np.finfo("float32").max)


def derive(tables: Tables) -> Tables:
    """The tables to keep: of `curves` the validation of what is raced, whole where the race is drawn, else what it asks for; of a
    search none, for the end of the training alone is read; of `updates` the step that breaks a net, and what has come of it after
    the last.
    """
    held_out = tables["curves"][tables["curves"]["split"] == "validation"]
    drawn = held_out["run"].isin(where(select(tables, "fastest", setting="own"), **USUAL)["run"])
    others = held_out["run"].isin(select(tables, ("choice", "fastest"))["run"]) & ~drawn
    curves = pd.concat([held_out[drawn], races.deciding(held_out[others], TARGETS)]).sort_index()
    steps = with_moment(tables)
    past = steps["run"].isin(select(tables, "first_steps", setting="past")["run"])
    parts = past | ~steps["part"].isin(GROUPS) | steps["part"].isin(_BESIDE)
    updates = (steps["step"] == steps["moment"]) & parts
    updates |= (steps["step"] == steps["steps"]) & past & steps["part"].isin(_AT_END)
    return {
        **tables,
        "curves": curves.reset_index(drop=True),
        "updates": tables["updates"][updates.to_numpy()].reset_index(drop=True),
    }


@once
def searched(tables: Tables, share: float = TRAINS_AT) -> pd.DataFrame:
    """By cell, arm and judged seed the ceiling: the largest learning rate that trains lies from `low` to `high`.

    Adds `fails_below`, whether a smaller rate that was tried does not train, and `slow`, whether none trains but the smallest
    that was tried has a finite loss, so that it may only need more steps.

    Args:
        tables: Of this experiment.
        share: What training means: the share of the loss of guessing at which a run ends. The searches were made for `TRAINS_AT`;
            for another share the two rates lie further apart.
    """
    runs = with_trains_by_loss(select(tables, "ceilings"), share)
    rows = []
    for keys, own in runs[~runs["seed"].isin(SELECTING_SEEDS)].groupby([*CELL, "normalization", "seed"]):
        trains = dict(zip(own["learning_rate"].map(scale.number), own["trains"]))
        last, _ = bracket(trains)
        fails_below = any(not fine for number, fine in trains.items() if last is not None and number < last)
        slow = last is None and own.loc[own["learning_rate"].idxmin(), "status"] != "diverged"
        rows.append((*keys, *ceiling(trains), fails_below, slow))
    return pd.DataFrame(rows, columns=[*CELL, "normalization", "seed", "low", "high", "fails_below", "slow"])


@once
def raised(tables: Tables, share: float = TRAINS_AT, arm: str = ARMS[1]) -> pd.DataFrame:
    """By cell and seed how many times higher the ceiling is in an arm than without BN, as `ceilings.over`."""
    found = searched(tables, share).set_index([*CELL, "seed"])
    without, own = (found.loc[found["normalization"] == one, ["low", "high"]] for one in (ARMS[0], arm))
    return over(own, without.loc[own.index]).reset_index()


def arms_of(tables: Tables) -> list[str]:
    """The arms that were searched, first those without and with BN."""
    return list(dict.fromkeys([*ARMS, *select(tables, "ceilings")["normalization"]]))


def at(table: pd.DataFrame, **cell) -> pd.DataFrame:
    """The rows of one cell, by seed; from He's start and without momentum unless `cell` says otherwise."""
    return where(table, **PLAIN | cell).set_index("seed").sort_index()


def smallest(each: Sequence[pd.DataFrame]) -> pd.DataFrame:
    """By seed the smallest of several ratios, as `ceilings.between`; no row where one of these is not known."""
    low, high = (pd.concat([own[end] for own in each], axis=1, join="inner").min(axis=1) for end in ("low", "high"))
    return between(low, high)


def targets(tables: Tables) -> dict[tuple, float]:
    """The accuracy that the nets of each raced cell are raced to: the seeds that choose have chosen it."""
    return {keys: common_target(own, TARGETS) for keys, own in group_curves(tables, "choice").groupby(list(CELL))}


@once
def raced(tables: Tables, setting: str) -> pd.DataFrame:
    """By run of the races at each arm's own best rate (`own`) or at the one without BN (`same`), what `races.raced` gives."""
    curves, parts = group_curves(tables, "fastest", setting=setting), []
    for keys, target in targets(tables).items():
        own = where(curves, **dict(zip(CELL, keys)))
        if len(own):
            parts.append(races.raced(own, target))
    return pd.concat(parts or [races.raced(curves.iloc[:0], np.nan)], ignore_index=True)


def fewer_steps(runs: pd.DataFrame, **cell) -> pd.DataFrame:
    """By seed of a cell how many times fewer steps a race takes with BN, as `races.fewer_steps`."""
    return races.fewer_steps(where(runs, **PLAIN | cell))


def at_edge(tables: Tables, arm: str, rate: float, **cell) -> bool:
    """Whether a rate is the largest or the smallest of an arm's candidates, so that a better one may lie beyond."""
    own = where(select(tables, "choice"), **PLAIN | cell, normalization=arm)["learning_rate"]
    return rate in (own.min(), own.max())


@once
def worth(tables: Tables, setting: str) -> pd.DataFrame:
    """What BN is worth in each raced cell: how many times fewer steps it takes to the target, in a setting of `raced`.

    Returns:
        A row a cell: `target`; of both arms, `_without` BN and `_with`, the `rate`, the median `steps` (NaN where the median run
        never gets there) and the share of runs that have `reached` it; and of the ratio `estimate`, `ci_low`, `ci_high`, `n`,
        `bound`, as of `fewer_steps`. No row where an arm was not raced.
    """
    rows = []
    for keys, own in raced(tables, setting).groupby([*CELL, "target"]):
        pairs, row = races.fewer_steps(own), dict(zip((*CELL, "target"), keys))
        for arm, name in zip(ARMS, ("without", "with")):
            mine = own[own["normalization"] == arm]
            steps = mine["steps_to_target"].median()
            row |= {
                f"rate_{name}": mine["learning_rate"].min(),
                f"steps_{name}": steps if np.isfinite(steps) else np.nan,
            }
            row[f"reached_{name}"] = mine["reached"].mean()
        rows += [row | censored_interval(pairs)._asdict() | {"bound": bound_of_median(pairs)}] if len(pairs) else []
    return pd.DataFrame(rows)


@once
def with_moment(tables: Tables) -> pd.DataFrame:
    """The table `updates` with each run's config, and more columns.

    `moment` is the step that is looked at: past the ceiling the first that breaks the net, or where none does the first of all,
    and beside it the first; `breaks`, whether that one breaks it. `relative` is the change of a part by its step, which is one
    of gradient descent, over its norm; `over_guessing` the loss over that of guessing.
    """
    steps = tables["updates"].merge(tables["runs"], on="run", validate="many_to_one")
    past = steps["run"].isin(select(tables, "first_steps", setting="past")["run"])
    breaks = (steps["part"] == "all") & ~(steps["loss"] <= BROKEN_AT * steps["guess_loss"])
    by_run = steps["run"].map
    first, broken = (by_run(rows.groupby("run")["step"].min()).astype(float) for rows in (steps, steps[breaks & past]))
    moment = broken.fillna(first)
    breaks = by_run((breaks & (steps["step"] == moment)).groupby(steps["run"]).any())
    relative = (steps["learning_rate"] * steps["gradient_norm"] / steps["weight_norm"]).astype(float)
    over_guessing = (steps["loss"] / steps["guess_loss"]).astype(float)
    return steps.assign(moment=moment, breaks=breaks, relative=relative, over_guessing=over_guessing)


def at_moment(tables: Tables, setting: str) -> pd.DataFrame:
    """The parts at the step that is looked at, as of `with_moment`, of the runs in that setting."""
    steps, runs = with_moment(tables), select(tables, "first_steps", setting=setting)["run"]
    return steps[steps["run"].isin(runs) & (steps["step"] == steps["moment"])]


def of_layers(tables: Tables, setting: str) -> pd.DataFrame:
    """Of `at_moment` the hidden layers, with their `layer` from 1 on, and `growth`: how many times larger the step makes their
    outputs.
    """
    steps = at_moment(tables, setting)
    hidden = steps[~steps["part"].isin(GROUPS)]
    layer = hidden.groupby("run").cumcount() + 1
    return hidden.assign(layer=layer, growth=hidden["output_after"] / hidden["output_before"])


def over_depth(tables: Tables, setting: str, value: str, arm: str, depth: int, layers: tuple[int, int]) -> pd.DataFrame:
    """By seed a value of the first of two layers over that of the second, as `ceilings.over`."""
    own = where(of_layers(tables, setting), hidden_layers=depth, normalization=arm)
    first, second = (known(where(own, layer=layer).set_index("seed")[value]) for layer in layers)
    return over(first, second.reindex(first.index))


def of_groups(tables: Tables, setting: str, value: str, arm: str, depth: int) -> pd.DataFrame:
    """By seed a value of each of `GROUPS` that the net has, at the step that is looked at."""
    own = where(at_moment(tables, setting), hidden_layers=depth, normalization=arm)
    parts = [part for part in GROUPS if part in set(own["part"])]
    return own.pivot(index="seed", columns="part", values=value).reindex(columns=parts)


def after_steps(tables: Tables, setting: str, arm: str, depth: int) -> pd.DataFrame:
    """By seed the loss after the last of the first steps over that of guessing, as `ceilings.between`.

    Of a run that has diverged by then it is bounded by the loss after the step that is looked at, and by nothing above.
    """
    own = where(with_moment(tables), hidden_layers=depth, normalization=arm)
    own = own[own["run"].isin(select(tables, "first_steps", setting=setting)["run"])]
    at_end, moment = own["step"] == own["steps"], own["step"] == own["moment"]
    ends = own[at_end & (own["part"] == "nothing")].set_index("seed")["over_guessing"]
    least = known(own[moment & (own["part"] == "all")].set_index("seed")["over_guessing"])["low"]
    ends = ends.reindex(least.index)
    return between(ends.fillna(least), ends.fillna(np.inf))


def grown(tables: Tables, arm: str, depth: int) -> pd.DataFrame:
    """By seed past the ceiling the norm of the hidden kernels after the last of the first steps over that at the start."""
    own = where(with_moment(tables), part="kernel", normalization=arm, hidden_layers=depth)
    past = own["run"].isin(select(tables, "first_steps", setting="past")["run"])
    end, start = own[past & (own["step"] == own["steps"])], own[~past & (own["step"] == own["moment"])]
    end, start = (known(rows.set_index("seed")["weight_norm"]) for rows in (end, start))
    return over(end, start.reindex(end.index))


def known(values: pd.Series) -> pd.DataFrame:
    """From `low` to `high` what each value may be: one that is beyond single precision, anything from its largest number on."""
    values = values.astype(float).fillna(np.inf)
    return pd.DataFrame({"low": values.clip(upper=_LARGEST), "high": values.where(values <= _LARGEST, np.inf)})


def race_curves(tables: Tables) -> pd.DataFrame:
    """Of the usual cells, each arm at its own best rate: by depth, arm and step the median accuracy on held-out examples and its
    interval.
    """
    curves = where(group_curves(tables, "fastest", setting="own"), **USUAL)
    parts = [median_curves(own).assign(hidden_layers=depth) for depth, own in curves.groupby("hidden_layers")]
    return pd.concat(parts, ignore_index=True)
