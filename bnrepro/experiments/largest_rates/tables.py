"""What the runs come to: ceilings, their ratios with BN and without, races to a target. Knows no claim, draws nothing."""

import numpy as np
import pandas as pd

from bnrepro.analysis import ceilings as scale
from bnrepro.analysis import races
from bnrepro.analysis.ceilings import TRAINS_AT, between, bracket, ceiling, over, with_trains_by_loss
from bnrepro.analysis.curves import median_curves
from bnrepro.analysis.races import common_target
from bnrepro.analysis.select import group_curves, where
from bnrepro.experiments.largest_rates.sweep import TARGETS
from bnrepro.experiments.presets import SELECTING_SEEDS
from bnrepro.experiments.setups import ARMS
from bnrepro.records.computed import once
from bnrepro.records.results import select
from bnrepro.records.schemas import Tables

CELL = ("hidden_layers", "batch_size", "initialization", "sgd_momentum")
"""What says of which cell of the map a run is."""

PLAIN = {"initialization": "he", "sgd_momentum": 0.0}
"""The map's usual start and momentum."""


def derive(tables: Tables) -> Tables:
    """The tables to keep: of `curves` the validation of what is raced, for of a search the end of the training alone is read."""
    raced = tables["sweep"].loc[tables["sweep"]["group"] != "ceilings", "run"]
    kept = tables["curves"]["run"].isin(raced) & (tables["curves"]["split"] == "validation")
    return {**tables, "curves": tables["curves"][kept].reset_index(drop=True)}


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


def smallest(table: pd.DataFrame, starts: tuple[str, ...], **cell) -> pd.DataFrame:
    """By seed the smallest of the ratios of some starts; no row where one of these was not tried."""
    each = [at(table, initialization=start, **cell) for start in starts]
    low, high = (pd.concat([own[end] for own in each], axis=1).dropna().min(axis=1) for end in ("low", "high"))
    return between(low, high) if all(len(own) for own in each) else each[0].iloc[:0]


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


def race_curves(tables: Tables, setting: str) -> pd.DataFrame:
    """By raced cell, arm and step the median accuracy on held-out examples and its interval."""
    curves = group_curves(tables, "fastest", setting=setting)
    parts = [median_curves(own).assign(**dict(zip(CELL, keys))) for keys, own in curves.groupby(list(CELL))]
    return pd.concat(parts, ignore_index=True)
