"""The panels of Dropout and weight decay: by rate and place, variances, the effective rate. Knows no claim."""

import functools

import pandas as pd

from bnrepro.experiments.dropout_and_weight_decay.panels import (
    draw_convolutional,
    draw_decay,
    draw_dropout,
    draw_growth,
    draw_layers,
    draw_loss_changes,
    draw_losses,
    draw_ratios,
    draw_shares,
    draw_statistics,
    draw_training,
)
from bnrepro.experiments.dropout_and_weight_decay.tables import (
    ARMS,
    DROPOUT,
    LOSS_DECAY,
    accuracies,
    by_statistics,
    changes,
    ended,
    growth,
    losses,
    matching,
    shares,
    shifted,
    shifts,
    training,
)
from bnrepro.plotting.panel import Panel
from bnrepro.records.schemas import Tables


def accuracy(tables: Tables) -> pd.DataFrame:
    """The runs by what is dropped or decays, and how much of it."""
    return accuracies(tables)[
        ["run", "normalization", "seed", "regularizer", "arm", "setting", "amount", "final_metric", "status"]
    ]


def shift(tables: Tables) -> pd.DataFrame:
    """The variance shift by Dropout rate and place, mean of the layers."""
    return shifted(tables)[["run", "seed", "dropout", "dropout_place", "ratio"]]


def shift_by_layer(tables: Tables) -> pd.DataFrame:
    """The variance shift by layer and place at the rate by which claims are judged, with the running statistics."""
    rows = shifts(tables)
    rows = rows[(rows["dropout"] == DROPOUT) & (rows["statistics"] == "moving")]
    return rows[["run", "seed", "dropout_place", "layer", "ratio"]].reset_index(drop=True)


def statistics(tables: Tables) -> pd.DataFrame:
    """Test accuracy by what BN normalizes with, at that rate and without Dropout."""
    rows = by_statistics(tables)
    rows = rows[(rows["dropout"] == DROPOUT) | (rows["arm"] == "plain")]
    return rows[["run", "arm", "seed", "dropout_place", "statistics", "accuracy"]].reset_index(drop=True)


def grown(tables: Tables, value: str, arms: tuple[str, ...]) -> dict[str, pd.DataFrame]:
    """With BN, the norm of the weights or the effective rate over its start, and all runs, those that diverged too."""
    values, runs = growth(tables), _runs(tables, "decay")
    values, runs = (rows[(rows["normalization"] == "batch") & rows["arm"].isin(arms)] for rows in (values, runs))
    columns = ["run", "arm", "seed", "weight", "step", value]
    return {"values": values[columns].rename(columns={value: "value"}), "runs": runs}


def validation_losses(tables: Tables) -> dict[str, pd.DataFrame]:
    """Without decay, with it and at the matched rate, and all runs."""
    return {"values": losses(tables), "runs": _runs(tables, "loss")}


def convolutional(tables: Tables) -> pd.DataFrame:
    """The convolutional nets after training."""
    return ended(tables)[["run", "normalization", "dropout", "seed", "learning_rate", "accuracy", "loss", "status"]]


def _runs(tables: Tables, group: str) -> pd.DataFrame:
    return matching(tables, group)[["run", "arm", "normalization", "seed", "weight", "status", "steps"]]


_SEEDS = "{dropout_seeds} seeds (thin), their median (thick) and its 95% interval"

PANELS = (
    Panel(
        name="dropout",
        title="Test accuracy by Dropout rate and place",
        caption="The dense net on few examples with BN and Dropout before each BN, after each nonlinearity or after the last one "
        f"alone, and without BN (dashed, after each nonlinearity), BN read through population statistics. {_SEEDS}; a run that "
        "diverged guesses.",
        data=accuracy,
        draw=draw_dropout,
    ),
    Panel(
        name="variance_shift",
        title="Variance at inference over running variance",
        caption="The variance shift of Li et al. 2018: of a BN's inputs at inference over its running variance, mean of "
        f"the layers, by Dropout rate and place; 1 is no shift. {_SEEDS}, of the runs that did not diverge.",
        data=shift,
        draw=draw_ratios,
    ),
    Panel(
        name="shift_by_layer",
        title=f"Variance shift by layer, Dropout of {DROPOUT:.0%}",
        caption="The variance of a BN's inputs at inference over its running variance by layer and place of Dropout, at a "
        f"rate of {DROPOUT:g}; 1 is no shift. {_SEEDS}, of the runs that did not diverge.",
        data=shift_by_layer,
        draw=draw_layers,
    ),
    Panel(
        name="statistics",
        title=f"Test accuracy by statistics, Dropout of {DROPOUT:.0%}",
        caption="When BN normalizes with its running averages, with the population statistics of Algorithm 2 while Dropout is "
        "active, which cannot cure the shift, and with those recomputed without Dropout; grey, the net without any. "
        f"{_SEEDS}; a run that diverged guesses.",
        data=statistics,
        draw=draw_statistics,
    ),
    Panel(
        name="decay",
        title="Test accuracy by L2 weight and what decays",
        caption="Decay of the hidden kernels (circles), of all kernels (squares), and of everything with biases, gamma and beta "
        "(triangles), BN read through population statistics: medians and 95% intervals of {decay_seeds} seeds. A run that "
        "diverged guesses.",
        data=accuracy,
        draw=draw_decay,
    ),
    Panel(
        name="weight_norm",
        title="Weight norm by L2 weight, with BN",
        caption="Norm of all hidden kernels over its start, where those decay, by L2 weight. Median of {decay_seeds} "
        "seeds and its 95% interval; a run that diverged lies beyond all others.",
        data=functools.partial(grown, value="norm", arms=("plain", "decay")),
        draw=functools.partial(draw_growth, label="Weight norm over its start"),
    ),
    Panel(
        name="effective_rate",
        title="Effective rate by L2 weight, with BN",
        caption="The learning rate over the square of the norm of all hidden kernels, over its start: decay by L2 weight "
        "(solid), and no decay but a rate of the hidden kernels that grows as decay would raise their effective rate "
        "(dashed). Medians of {decay_seeds} seeds, with decay their 95% intervals; a run that diverged lies "
        "beyond all others.",
        data=functools.partial(grown, value="rate", arms=ARMS),
        draw=functools.partial(draw_growth, label="Effective rate over its start"),
    ),
    Panel(
        name="losses",
        title=f"Validation loss with decay at an L2 weight of {LOSS_DECAY:g}, and at the matched rate",
        caption="Without decay, with decay of the hidden kernels, and at the rate that stands for it (dashed), without BN and "
        "with BN, read through population statistics: {loss_seeds} seeds (thin), their median (thick) and its 95% interval. "
        "A run that diverged lies beyond all others.",
        data=validation_losses,
        draw=draw_losses,
        width=175,
        least=100,
    ),
    Panel(
        name="loss_changes",
        title="What decay and the matched rate do to the validation loss",
        caption="Mean validation loss over the second half of training minus that without decay, of the same seeds: each seed "
        "(tick), median (dot) and its 95% interval (bar).",
        data=lambda tables: changes(tables)[["normalization", "seed", "decay", "matched"]],
        draw=draw_loss_changes,
        height=58,
    ),
    Panel(
        name="shares",
        title="Share of decay's effect on training that the matched rate gives",
        caption="One minus the distance of the matched run's training accuracy, in training mode, from the decayed one's over "
        "that of the run without decay; 100% is all of it, 0 no nearer than without decay, an arrow below the axis, a "
        "diverged run 0. The seeds that gave the idea: {decay_seeds} (thin), their median and its 95% interval.",
        data=shares,
        draw=draw_shares,
    ),
    Panel(
        name="convolutional",
        title="Dropout before the softmax of a convolutional net, with BN and without",
        caption="Accuracy and loss on the test set after training on 1,000 examples, BN read through population statistics, "
        "each net at its own best learning rate: each seed (thin), the median (thick) and its 95% interval. A run that "
        "diverged guesses.",
        data=convolutional,
        draw=draw_convolutional,
        width=175,
        least=110,
    ),
    Panel(
        name="convolutional_training",
        title="How these nets train, by Dropout rate",
        caption="Loss on the training examples and on held-out ones, Dropout off and BN read through population statistics: the "
        "median of the seeds and its 95% interval, while no run has diverged.",
        data=training,
        draw=draw_training,
        width=175,
        least=110,
    ),
)

SHEETS = {
    "dropout": ("dropout", "variance_shift", "shift_by_layer", "statistics"),
    "decay": ("decay", "weight_norm", "effective_rate", "shares"),
    "losses": ("losses", "loss_changes"),
    "convolutional": ("convolutional", "convolutional_training"),
}
