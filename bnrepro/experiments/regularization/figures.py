"""The panels of regularization: outputs that vary with the mini-batch, gaps, changes, the ensemble. Knows no run."""

import functools

import numpy as np
import pandas as pd

from bnrepro.analysis.intervals import median_interval
from bnrepro.experiments.regularization.claims import (
    faster_decay,
    no_dropout,
    no_local_response_normalization,
    thorough_shuffling,
)
from bnrepro.experiments.regularization.panels import (
    draw_effects,
    draw_ensembles,
    draw_gaps,
    draw_noise,
    draw_ratios,
    draw_shuffling,
    draw_spread,
)
from bnrepro.experiments.regularization.sweep import DENSE_FEW, FEW
from bnrepro.experiments.regularization.tables import LOSS, ONE, SIX, few, gaps, spreads
from bnrepro.experiments.regularization.tables import effects as effects_of
from bnrepro.experiments.regularization.tables import shuffling as shuffling_of
from bnrepro.plotting.panel import Panel
from bnrepro.records.schemas import Tables

MARGINS = {
    "dropout": no_dropout.rule.threshold,
    "decay": faster_decay.rule.threshold,
    "lrn": no_local_response_normalization.rule.threshold,
}
"""How much accuracy a change may cost for its claim to hold."""

_ARMS = ("none", "none_dropout", "batch", "batch_dropout")
_CONTROL = ("none", "batch", "population", "noise")


def gap(tables: Tables, value: str) -> dict[str, pd.DataFrame]:
    """Training minus held-out accuracy by arm and number of examples; the axis holds this gap and the other."""
    rows = gaps(tables)
    rows = rows[rows["arm"].isin(_ARMS)]
    both = 100 * rows[["equal", "last"]].to_numpy(float)
    low, high = (np.nanmin(both), np.nanmax(both)) if np.isfinite(both).any() else (0.0, 1.0)
    return {
        "runs": rows.assign(points=100 * rows[value])[["run", "arm", "seed", "size", "points"]],
        "axis": pd.DataFrame({"low": [low], "high": [high]}),
    }


def noise(tables: Tables) -> pd.DataFrame:
    """Both gaps without Dropout on few examples, and of the control in which noise is told from normalization."""
    rows = few(gaps(tables))
    rows = rows[rows["arm"].isin(_CONTROL)].melt(["run", "arm", "seed"], ["equal", "last"], "moment", "gap")
    return rows.assign(points=100 * rows["gap"]).drop(columns="gap")


def effects(tables: Tables) -> pd.DataFrame:
    """What each change does, in points, and how much its claim allows it to cost."""
    table = effects_of(tables)
    points = {name: 100 * table[name] for name in ("effect", "ci_low", "ci_high")}
    allowed = table["change"].map({change: 100 * margin for change, margin in MARGINS.items()}).astype(float)
    return table[["setting", "change"]].assign(**points, allowed=allowed)


def shuffling(tables: Tables) -> dict[str, pd.DataFrame]:
    """What thorough shuffling gains by seed, its medians, and the paper's gain, in points."""
    gains = shuffling_of(tables).assign(points=lambda table: 100 * table["gain"]).drop(columns="gain")
    rows = [(*keys, *median_interval(values)) for keys, values in gains.groupby(["arm", "setting"])["points"]]
    medians = pd.DataFrame(rows, columns=["arm", "setting", "estimate", "ci_low", "ci_high", "n"])
    return {"seeds": gains, "medians": medians, "paper": pd.DataFrame({"points": [100 * thorough_shuffling.paper]})}


def ensembles(tables: Tables) -> dict[str, pd.DataFrame]:
    """The test error of one net and of several averaged, and the paper's, scaled to our error of one."""
    errors = tables["ensembles"].assign(percent=100 * tables["ensembles"]["error"]).drop(columns="error")
    middle = errors.groupby("members")["percent"].median()
    one, most = middle.index.min(), middle.index.max()
    scaled = [middle[one], SIX / ONE * middle[one]]
    return {"seeds": errors, "paper": pd.DataFrame({"members": [one, most], "percent": scaled})}


_SETTINGS = (
    f"Filled, inception_small on {FEW:,} examples, by which claims are judged; open, the dense net on {DENSE_FEW:,}"
)

PANELS = (
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
        name="gap_after_training",
        title="Generalization gap after equal steps",
        caption="Training minus test accuracy of the dense net after all steps, both in inference mode, over the number of "
        "training examples. {gap_seeds} seeds (thin), their median (thick) and its 95% interval.",
        data=functools.partial(gap, value="last"),
        draw=draw_gaps,
        height=56,
    ),
    Panel(
        name="gap_at_equal_loss",
        title=f"Generalization gap at equal training loss, {LOSS:g}",
        caption=f"Training minus validation accuracy of the dense net where its training loss first falls to {LOSS:g}, both in "
        "inference mode, of the runs that get there. {gap_seeds} seeds (thin), their median (thick) and its 95% "
        "interval.",
        data=functools.partial(gap, value="equal"),
        draw=draw_gaps,
        height=56,
    ),
    Panel(
        name="noise",
        title="Is it the noise?",
        caption=f"The gaps without Dropout at the size nearest to {DENSE_FEW:,} examples, at equal loss (●) and after equal "
        "steps (■): each run (tick), median and 95% interval. With population statistics running averages "
        "normalize while training too; with noise they are jittered as much as a mini-batch's statistics are.",
        data=noise,
        draw=draw_noise,
        height=56,
    ),
    Panel(
        name="effects",
        title="Section 4.2.1, one change at a time: accuracy",
        caption="Best validation accuracy of BN-Baseline with the change minus without, median and 95% interval; an "
        f"upright bar is the loss that a claim allows, an arrow lies beyond the axis. {_SETTINGS}.",
        data=effects,
        draw=draw_effects,
        height=68,
    ),
    Panel(
        name="ratios",
        title="Section 4.2.1, one change at a time: steps",
        caption="How many times fewer steps BN-Baseline takes with the change to the best accuracy that the same seed has "
        f"without it; an arrow is a bound or beyond the axis, a cross undetermined. {_SETTINGS}.",
        data=lambda tables: effects_of(tables)[
            ["setting", "change", "steps_ratio", "ratio_low", "ratio_high", "bound", "n"]
        ],
        draw=draw_ratios,
        height=68,
    ),
    Panel(
        name="shuffling",
        title="Gain from thorough shuffling",
        caption="Best validation accuracy with thorough shuffling minus with fixed mini-batches, with BN, without, and the "
        "difference: each seed (tick), median and 95% interval; diamond, the paper's gain with BN. "
        f"{_SETTINGS}.",
        data=shuffling,
        draw=draw_shuffling,
        height=58,
    ),
    Panel(
        name="ensembles",
        title="Test error of an ensemble",
        caption="Of the averaged probabilities of one to six BN-x30 nets, varied as in the paper, mean over all choices of nets: "
        "each seed (thin), the median (thick) and its 95% interval. Diamonds, the paper's errors of one net and "
        "of six, scaled to our error of one.",
        data=ensembles,
        draw=draw_ensembles,
        height=58,
    ),
)

SHEETS = {
    "gaps": ("spread", "gap_after_training", "gap_at_equal_loss", "noise"),
    "changes": ("effects", "ratios", "shuffling", "ensembles"),
}
