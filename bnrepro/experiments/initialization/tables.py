"""What the runs come to: maps, shares, spreads, starts, depths. Knows no claim, draws nothing."""

import numpy as np
import pandas as pd

from bnrepro.analysis.ceilings import between, over
from bnrepro.analysis.curves import final_metric
from bnrepro.analysis.intervals import median_interval
from bnrepro.analysis.paired import paired
from bnrepro.analysis.select import TRAINS, at_best_rate, group_curves, with_trains
from bnrepro.records.computed import once
from bnrepro.records.schemas import Tables

NETS = ("sigmoid", "relu")
"""By the first the claims are judged; the other stands beside it."""

FROM = {"gaussian": "from section 4.1's start", "he": "from He's start", "glorot_4": "from Glorot's start times 4"}
"""From which starts, the settings of the group `depth`, sigmoid nets of other depths are trained, in words."""


@once
def ended(tables: Tables, kind: str) -> pd.DataFrame:
    """Where each run of the group `kind` ended: `map`, `start` or `depth`.

    Returns:
        The runs with `setting`, the net or the start; `final_metric` on the test set and `validation_metric`, both at
        the end, chance if it diverged; and whether it `trains`: it finished at `TRAINS` or above on the test set.
    """
    curves = group_curves(tables, kind)
    runs, validation = final_metric(curves, "test"), final_metric(curves, "validation")
    return with_trains(runs).assign(validation_metric=validation["final_metric"])


def maps(runs: pd.DataFrame) -> pd.DataFrame:
    """The maps of both nets and arms, of `runs` as `ended` gives those of the kind `map`; so too below.

    Returns:
        A row a cell: `setting` (the net), `normalization`, `initial_std`, `learning_rate`; `accuracy`, the median of the seeds;
        `trains`, whether that is `TRAINS` or above; `lost`, whether half of the runs or more diverged.
    """
    cells = runs.groupby(["setting", "normalization", "initial_std", "learning_rate"])
    table = cells["final_metric"].median().rename("accuracy").reset_index()
    lost = cells["status"].agg(lambda status: (status == "diverged").mean() >= 0.5)
    return table.assign(trains=table["accuracy"] >= TRAINS, lost=lost.to_numpy(bool))


def shares(runs: pd.DataFrame) -> pd.DataFrame:
    """By net, arm and seed: `cells` of the map, how many of them `trained`, and their `share`."""
    seeds = runs.groupby(["setting", "normalization", "seed"])["trains"]
    table = seeds.agg(cells="size", trained="sum").reset_index()
    return table.assign(share=table["trained"] / table["cells"])


def over_stds(runs: pd.DataFrame) -> pd.DataFrame:
    """The runs of the maps at the best rate of each net and arm, chosen once for all seeds and standard deviations."""
    return at_best_rate(runs, ["setting", "normalization"], "validation_metric")


@once
def starts(tables: Tables) -> pd.DataFrame:
    """The runs of each named start at each arm's best rate there."""
    return at_best_rate(ended(tables, "start"), ["setting", "normalization"], "validation_metric")


@once
def depths(tables: Tables) -> pd.DataFrame:
    """The runs from each start at each depth, each arm at its best rate there."""
    return at_best_rate(ended(tables, "depth"), ["setting", "hidden_layers", "normalization"], "validation_metric")


def deviations(runs: pd.DataFrame) -> pd.DataFrame:
    """By net (`setting`) and seed, a column an arm: the standard deviation of the final accuracy over the initial ones.

    It divides by their number, for they are all that there are. `runs` as `over_stds` gives them.
    """
    return runs.groupby(["setting", "seed", "normalization"])["final_metric"].std(ddof=0).unstack()


@once
def at_any_rate(tables: Tables) -> pd.DataFrame:
    """From each start, at each depth, of each seed and arm the run that ends best on the test set, whatever its rate."""
    runs = ended(tables, "depth")
    best = runs.groupby(["setting", "hidden_layers", "normalization", "seed"])["final_metric"].idxmax()
    return runs.loc[best].reset_index(drop=True)


@once
def deepest(tables: Tables) -> pd.DataFrame:
    """By start (`setting`), arm and seed, between which two numbers the most hidden layers that train at any rate lie.

    Returns:
        Columns `low`, the largest depth tried that trains, 0 where none does, and `high`, one layer less than the next depth
        tried: infinite where the largest of all trains.
    """
    runs = ended(tables, "depth")
    tried = sorted(set(runs["hidden_layers"]))
    layers = runs["hidden_layers"].where(runs["trains"], 0)
    low = layers.groupby([runs[name] for name in ("setting", "normalization", "seed")]).max()
    nexts = dict(zip([0, *tried], [*(depth - 1.0 for depth in tried), np.inf]))
    return pd.DataFrame({"low": low.astype(float), "high": low.map(nexts)})


def deeper(tables: Tables) -> pd.DataFrame:
    """By start (`setting`) and seed the ratio of `deepest` with BN over without, as `ceilings.between` gives it."""
    arms = deepest(tables)
    return over(arms.xs("batch", level="normalization"), arms.xs("none", level="normalization"))


def least_deeper(tables: Tables) -> pd.DataFrame:
    """By seed the smallest of these ratios, over the starts."""
    smallest = deeper(tables).groupby("seed")[["low", "high"]].min()
    return between(smallest["low"], smallest["high"])


def effects(tables: Tables) -> pd.DataFrame:
    """Final test accuracy from each named start and at each depth, each arm at its best rate there.

    Returns:
        A row a start or depth: `group`, `setting`, `hidden_layers`; `rate_none`, `rate_batch`; `accuracy_none`,
        `accuracy_batch` (medians of the seeds); `effect`, with BN minus without by seed, its interval `ci_low`, `ci_high`;
        `n`, the seeds; `diverged`, runs of both arms.
    """
    runs = pd.concat([starts(tables), depths(tables)], ignore_index=True)
    cell = ["group", "setting", "hidden_layers"]
    rows = []
    for keys, own in runs.groupby(cell, sort=False):
        rates = own.groupby("normalization")["learning_rate"].first()
        medians = own.groupby("normalization")["final_metric"].median()
        pairs = paired(own, "final_metric")
        effect = median_interval(pairs["batch"] - pairs["none"])
        diverged = (own["status"] == "diverged").sum()
        rows.append((*keys, *rates[["none", "batch"]], *medians[["none", "batch"]], *effect, diverged))
    names = (
        "rate_none",
        "rate_batch",
        "accuracy_none",
        "accuracy_batch",
        "effect",
        "ci_low",
        "ci_high",
        "n",
        "diverged",
    )
    return pd.DataFrame(rows, columns=(*cell, *names))
