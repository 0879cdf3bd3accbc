"""The panels of mini-batch noise: accuracy and loss over its dose, paths, Dropout, rates. Knows no claim."""

import pandas as pd

from bnrepro.analysis.intervals import Interval, median_interval
from bnrepro.experiments.mini_batch_noise.panels import (
    draw_dropout,
    draw_gains,
    draw_losses,
    draw_paths,
    draw_rates,
)
from bnrepro.experiments.mini_batch_noise.tables import (
    ARM,
    LEVEL,
    LEVELS,
    OVER,
    WITHOUT,
    at_equal_loss,
    chosen,
    difference,
    doses,
    ended,
)
from bnrepro.plotting.arms import LABELS
from bnrepro.plotting.panel import Panel
from bnrepro.records.schemas import Tables


def gains(tables: Tables) -> pd.DataFrame:
    """By moment, examples that BN normalizes together, and seed: accuracy with BN minus without, in points."""
    parts = []
    for moment, runs in (("trained", ended(tables)), ("equal", at_equal_loss(tables))):
        for arm in doses(runs):
            own = 100 * difference(runs, "accuracy", WITHOUT, arm)
            parts.append(own.rename("points").reset_index().assign(moment=moment, over=arm[1]))
    return pd.concat(parts, ignore_index=True)


def losses(tables: Tables) -> pd.DataFrame:
    """The test loss of each judged run without Dropout."""
    runs = ended(tables)
    return runs.loc[runs["arm"].isin(["none", "batch"]), ["run", *ARM, "seed", "loss"]]


def paths(tables: Tables) -> pd.DataFrame:
    """By arm and training loss the median of the accuracy on held-out examples there; none where a seed does not get there."""
    rows = []
    for level in LEVELS:
        for arm, own in at_equal_loss(tables, level).groupby(list(ARM)):
            if own["accuracy"].notna().all():
                rows.append((*arm, _words(*arm), level, *median_interval(own["accuracy"])))
    return pd.DataFrame(rows, columns=[*ARM, "words", "level", *Interval._fields])


def dropout(tables: Tables) -> pd.DataFrame:
    """The judged runs without BN, with BN, and both with Dropout."""
    runs = ended(tables)
    return runs.loc[runs["over"].isin([0, OVER]), ["run", "arm", "seed", "accuracy", "loss"]].sort_values(
        "arm", key=lambda arms: arms.map(list(_ARMS).index), kind="stable"
    )


def rates(tables: Tables) -> pd.DataFrame:
    """By arm and rate the accuracy on held-out examples, the median of the seeds that choose."""
    by = [*ARM, "learning_rate", "chosen"]
    medians = chosen(tables).groupby(by)["final_metric"].median().rename("accuracy").reset_index()
    return medians.assign(words=[_words(*arm) for arm in zip(medians["arm"], medians["over"])])


_ARMS = ("none", "none_dropout", "batch", "batch_dropout")


def _words(arm: str, over: int) -> str:
    """As "BN over 64"."""
    return f"BN over {over}" if arm == "batch" else LABELS[arm]


PANELS = (
    Panel(
        name="gains",
        title="What BN adds to accuracy",
        caption="Accuracy of a dense net on 1,000 examples with BN minus without, over the examples that BN normalizes together: "
        f"on the test set after training, and on held-out examples where the training loss is first {LEVEL:g}. Each of "
        "{judged_seeds} seeds (thin), the median (thick) and its 95% interval, each net at its own best learning rate.",
        data=gains,
        draw=draw_gains,
        height=60,
    ),
    Panel(
        name="losses",
        title="Test loss after training",
        caption="The same nets after training: each seed with BN (thin), the medians (thick) and their 95% intervals.",
        data=losses,
        draw=draw_losses,
        height=60,
    ),
    Panel(
        name="paths",
        title="Accuracy at equal training loss",
        caption="On held-out examples where the training loss is first so low: the median of {judged_seeds} seeds and its 95% "
        "interval, each net at its own best learning rate. No point where a seed does not get there, or does so before it was "
        "first evaluated.",
        data=paths,
        draw=draw_paths,
        height=66,
    ),
    Panel(
        name="dropout",
        title="BN and Dropout",
        caption=f"After training, with BN over {OVER} examples and without, with Dropout of 0.4 and without: each of "
        "{judged_seeds} seeds (tick), the median (dot) and its 95% interval, each net at its own best learning rate.",
        data=dropout,
        draw=draw_dropout,
        width=102,
        height=56,
        least=95,
    ),
    Panel(
        name="rates",
        title="Which learning rate is best",
        caption="Accuracy on held-out examples after training, the median of {choice_seeds} seeds that judge nothing; a dot, the "
        "rate that each net is judged at.",
        data=rates,
        draw=draw_rates,
        height=66,
    ),
)

SHEETS = {"dose": ("gains", "losses", "paths", "rates"), "dropout": ("dropout",)}
"""Panels by sheet."""
