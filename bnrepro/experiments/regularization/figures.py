"""The panels of regularization: changes, outputs that vary with the mini-batch, the ensemble. Knows no run."""

import pandas as pd

from bnrepro.analysis.intervals import Interval, median_interval
from bnrepro.experiments.regularization.claims import faster_decay, higher_rate, no_dropout
from bnrepro.experiments.regularization.panels import draw_beyond, draw_effects, draw_ensembles, draw_spread
from bnrepro.experiments.regularization.sweep import FEW
from bnrepro.experiments.regularization.tables import DENSE_CHANGES, MEASURED, ONE, SIX, VARIED, gains, spreads
from bnrepro.plotting.panel import Panel
from bnrepro.records.schemas import Tables

MARGINS = {"rate": higher_rate, "dropout": no_dropout, "decay": faster_decay}
"""By change the claim that allows it to cost accuracy; the others are to gain some."""

_SCALES = {"accuracy": 100, "loss": 1}


def effects(tables: Tables) -> dict[str, pd.DataFrame]:
    """What each change does by seed, `change`, `arm` and `quantity`, accuracies in points; what its claim allows; the medians."""
    seeds = _long(gains(tables), ["change", "arm", "seed"])
    allowed = [(change, 100 * claim.rule.threshold) for change, claim in MARGINS.items()]
    return {
        "seeds": seeds,
        "medians": _medians(seeds, ["quantity", "change", "arm"]),
        "allowed": pd.DataFrame(allowed, columns=["change", "points"]),
    }


def beyond(tables: Tables) -> dict[str, pd.DataFrame]:
    """What each change does with BN minus what it does without, by seed and quantity, and the medians."""
    by_arm = gains(tables).set_index(["change", "seed"])
    with_bn, without = (by_arm.loc[by_arm["arm"] == arm, list(MEASURED)] for arm in ("batch", "none"))
    seeds = _long((with_bn - without).reset_index(), ["change", "seed"])
    return {"seeds": seeds, "medians": _medians(seeds, ["quantity", "change"])}


def _long(table: pd.DataFrame, by: list[str]) -> pd.DataFrame:
    rows = table.melt(by, list(MEASURED), "quantity", "effect")
    return rows.assign(effect=rows["effect"] * rows["quantity"].map(_SCALES))


def _medians(seeds: pd.DataFrame, by: list[str]) -> pd.DataFrame:
    rows = [(*keys, *median_interval(values)) for keys, values in seeds.groupby(by)["effect"]]
    found = pd.DataFrame(rows, columns=[*by, *Interval._fields])
    return found.sort_values("change", key=lambda names: names.map(DENSE_CHANGES.index), kind="stable")


def ensembles(tables: Tables) -> dict[str, pd.DataFrame]:
    """The test error of one net and of several averaged, varied and alike, and the paper's, scaled to our error of one."""
    errors = tables["ensembles"].assign(percent=100 * tables["ensembles"]["error"]).drop(columns="error")
    middle = errors[errors["setting"] == VARIED].groupby("members")["percent"].median()
    one, most = middle.index.min(), middle.index.max()
    scaled = [middle[one], SIX / ONE * middle[one]]
    return {"seeds": errors, "paper": pd.DataFrame({"members": [one, most], "percent": scaled})}


_DENSE = f"to a dense net on {FEW:,} examples: accuracy and loss on the test set after training"

PANELS = (
    Panel(
        name="effects",
        title="Section 4.2.1, one change at a time, with BN and without",
        caption=f"What each change does {_DENSE}, with the change minus without. Each of {{changes_seeds}} seeds (tick), the "
        "median (dot) and its 95% interval; an upright bar is the loss of accuracy that a claim allows.",
        data=effects,
        draw=draw_effects,
        width=96,
        height=92,
    ),
    Panel(
        name="beyond",
        title="What BN adds to it: with BN minus without",
        caption=f"What each change does {_DENSE}, with BN minus without. Each of {{changes_seeds}} seeds (tick), the median "
        "(dot) and its 95% interval; right of the dotted line for accuracy, left of it for loss, BN makes it worth more.",
        data=beyond,
        draw=draw_beyond,
        width=69,
        height=92,
    ),
    Panel(
        name="spread",
        title="Spread of the logits over mini-batches",
        caption="How much an example's logits vary with the other examples of its mini-batch, relative to their spread over "
        "examples: the dense net with BN after training, {mates_seeds} seeds (thin), their median (thick) and its 95% "
        "interval. Dotted, a fall with the root of the size.",
        data=spreads,
        draw=draw_spread,
        height=56,
    ),
    Panel(
        name="ensembles",
        title="Test error of an ensemble",
        caption="Of the averaged probabilities of dense nets with BN and all changes, varied as in the paper: each six (thin), "
        "the median (thick) and its 95% interval; dashed, the median of nets that differ in their seed alone. Diamonds, the "
        "paper's errors of one net and of six, scaled to our error of one.",
        data=ensembles,
        draw=draw_ensembles,
        height=58,
    ),
)

SHEETS = {"changes": ("effects", "beyond"), "outputs": ("spread", "ensembles")}
"""Panels by sheet."""
