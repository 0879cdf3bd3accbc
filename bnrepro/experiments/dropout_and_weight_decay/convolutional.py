"""What convolutional nets come to with and without BN and Dropout, each at its own best rate. Knows no claim, draws nothing."""

import pandas as pd

from bnrepro.analysis.curves import at_end, final_metric
from bnrepro.analysis.intervals import Interval, median_interval
from bnrepro.analysis.select import at_best_rate, group_curves, where
from bnrepro.records.computed import once
from bnrepro.records.results import select
from bnrepro.records.schemas import Tables

CHOICE, CONVOLUTIONAL = "choice", "convolutional"
"""The groups of the runs that choose a learning rate, and of those that are judged."""

STRONG = 0.4
"""The Dropout rate that claims are judged by, the paper's."""

NET = ["normalization", "dropout"]
"""What says which net a run is."""


def at_best(runs: pd.DataFrame) -> pd.DataFrame:
    """Of each net the runs at its best rate, by the median of their `final_metric`."""
    return at_best_rate(runs, NET, "final_metric") if len(runs) else runs


@once
def chosen(tables: Tables) -> pd.DataFrame:
    """By net its learning rate, and whether that is `at_edge` of those tried."""
    runs = final_metric(group_curves(tables, CHOICE))
    best = at_best(runs).drop_duplicates(NET)
    return best.assign(at_edge=best["learning_rate"].isin(runs["learning_rate"].agg(["min", "max"])))


@once
def ended(tables: Tables) -> pd.DataFrame:
    """The judged runs after training, as `curves.at_end` has them, and `fit_accuracy` on the training examples."""
    curves = group_curves(tables, CONVOLUTIONAL)
    fitted = final_metric(curves, "fit").set_index("run")["final_metric"]
    runs = at_end(curves)
    return runs.assign(fit_accuracy=runs["run"].map(fitted))


def of_net(tables: Tables, normalization: str, dropout: float, value: str) -> pd.Series:
    """A column of `ended` of one net by seed; empty where it was not trained."""
    return where(ended(tables), normalization=normalization, dropout=dropout).set_index("seed")[value].sort_index()


def gain(tables: Tables, normalization: str, value: str) -> pd.Series:
    """By seed what Dropout does to a column of `ended`: with it minus without."""
    return of_net(tables, normalization, STRONG, value) - of_net(tables, normalization, 0.0, value)


def beyond(tables: Tables, value: str) -> pd.Series:
    """By seed what Dropout does with BN minus what it does without."""
    return gain(tables, "batch", value) - gain(tables, "none", value)


def beyond_at_each_rate(tables: Tables) -> pd.Series:
    """By learning rate the same of the loss on held-out examples, of the runs that choose, all at that rate: medians of seeds."""
    curves = group_curves(tables, CHOICE)
    ends = curves[(curves["step"] == curves["steps"]) & (curves["split"] == "validation")]
    losses = ends.pivot(index=["learning_rate", "seed"], columns=NET, values="loss").reindex(
        columns=pd.MultiIndex.from_product([("none", "batch"), (0.0, STRONG)], names=NET)
    )
    change = losses.xs(STRONG, axis=1, level="dropout") - losses.xs(0.0, axis=1, level="dropout")
    return (change["batch"] - change["none"]).dropna().groupby(level="learning_rate").median()


def training(tables: Tables) -> pd.DataFrame:
    """By net, `quantity` and step the median loss of the runs on the training examples (`fit`) and on held-out ones
    (`validation`), and its interval, where no run has diverged.
    """
    runs = select(tables, CONVOLUTIONAL)
    curves = group_curves(tables, CONVOLUTIONAL).dropna(subset=["loss"])
    rows = []
    for (split, *net, step), losses in curves.groupby(["split", *NET, "step"])["loss"]:
        if split in ("fit", "validation") and len(losses) == len(where(runs, **dict(zip(NET, net)))):
            rows.append((split, *net, step, *median_interval(losses)))
    return pd.DataFrame(rows, columns=["quantity", *NET, "step", *Interval._fields])
