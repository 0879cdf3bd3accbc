"""Which runs, and what they come to: selections and summaries that several experiments share.

Knows the columns of the tables, and no experiment, no claim and no figure.
"""

from collections.abc import Iterable

import numpy as np
import pandas as pd

from bnrepro.analysis.curves import with_lost
from bnrepro.analysis.intervals import Interval, bound_of, median_interval
from bnrepro.config.group import Group
from bnrepro.config.run_config import RunConfig
from bnrepro.records.computed import once
from bnrepro.records.results import select
from bnrepro.records.schemas import Tables

TRAINS = 0.5
"""A run trains if it ends at this accuracy or above; chance is a tenth."""


def groups_of(tables: Tables) -> list[Group]:
    """The groups of the sweep that the tables are of, in their order."""
    return [Group(*row) for row in tables["sweep"][list(Group._fields)].drop_duplicates().itertuples(index=False)]


@once
def group_curves(
    tables: Tables, group: str | tuple[str, ...], *, arm: str | None = None, setting: str | None = None
) -> pd.DataFrame:
    """The curves of a group, or of several, arm after arm; a run that diverged before its first evaluation has one row,
    without values, at step 0. The arguments are those of `select`.
    """
    runs = select(tables, group, arm=arm, setting=setting)
    runs = runs.assign(place=runs.groupby(list(Group._fields), sort=False).ngroup())
    curves = with_lost(runs.merge(tables["curves"], on="run"), runs)
    return curves.sort_values("place", kind="stable", ignore_index=True).drop(columns="place")


def trained_curves(configs: Iterable[RunConfig], so_far: Tables | None) -> pd.DataFrame | None:
    """The curves of runs on which a later round depends, as of `group_curves`; None while one is not trained, or without any."""
    ids = {config.id for config in configs}
    if not ids or so_far is None:
        return None
    runs = so_far["runs"][so_far["runs"]["run"].isin(ids)]
    if len(runs) < len(ids):
        return None
    return with_lost(runs.merge(so_far["curves"], on="run"), runs)


def where(table: pd.DataFrame, **values) -> pd.DataFrame:
    """The rows with these values in the columns of these names."""
    chosen = np.ones(len(table), bool)
    for name, value in values.items():
        chosen &= (table[name] == value).to_numpy()
    return table[chosen]


def config_of(runs: pd.DataFrame) -> RunConfig:
    """The config of the first of `runs`, of which there may be other columns too."""
    return RunConfig.of_row(runs.iloc[:1].to_dict("records")[0])


def on_papers_data(tables: Tables) -> bool:
    """Whether the runs are on the data of the paper's Figure 1, so that its curves may stand beside them."""
    return set(tables["runs"]["task"]) == {"mnist"}


def with_trains(runs: pd.DataFrame) -> pd.DataFrame:
    """Adds to runs with their `final_metric` whether each `trains`: it finished at `TRAINS` or above."""
    return runs.assign(trains=(runs["status"] == "finished") & (runs["final_metric"] >= TRAINS))


def at_best_rate(runs: pd.DataFrame, by: list[str], value: str) -> pd.DataFrame:
    """Of each combination of `by`, the runs at its best rate.

    It is one rate for all seeds: that of the highest median of the column `value`, the lowest of equals.
    """
    medians = runs.groupby([*by, "learning_rate"])[value].median().fillna(runs["chance"].min())
    best = pd.DataFrame(medians.groupby(by).idxmax().tolist(), columns=[*by, "learning_rate"])
    return runs.merge(best, on=[*by, "learning_rate"])


def intervals(table: pd.DataFrame, x: str, y: str) -> pd.DataFrame:
    """At each `x` the median of `y` and its interval: `x`, `estimate`, `ci_low`, `ci_high`, `n`."""
    rows = [(position, *median_interval(values)) for position, values in table.groupby(x)[y]]
    return pd.DataFrame(rows, columns=[x, *Interval._fields])


def ratios_with_bn(counted: pd.DataFrame, raises: pd.Series, lowers: pd.Series) -> pd.DataFrame:
    """By seed, `ratio`, with BN over without, and `bound`: the true one may be larger (`>`), smaller (`<`) or both (`~`)."""
    return pd.DataFrame({"ratio": counted["batch"] / counted["none"], "bound": bound_of(raises, lowers)})


def over_start(geometry: pd.DataFrame) -> pd.DataFrame:
    """By run and step, over the start's: `weight_norm` of the hidden kernels, and `effective_rate`, the rate over its square."""
    rows = geometry[(geometry["layer"] == "all") & geometry["quantity"].isin(["weight_norm", "learning_rate"])]
    wide = rows.pivot(index=["run", "step"], columns="quantity", values="value").astype(float)
    wide = wide.reindex(columns=["weight_norm", "learning_rate"]).reset_index()
    wide = wide.assign(effective_rate=wide["learning_rate"] / wide["weight_norm"] ** 2)
    names = ["weight_norm", "effective_rate"]
    relative = wide[names] / wide.groupby("run")[names].transform("first")
    return pd.concat([wide[["run", "step"]], relative], axis=1)
