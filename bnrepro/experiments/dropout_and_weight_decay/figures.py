"""The figure of Dropout and weight decay: by rate and place, variances, the effective rate. Knows no claim."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FuncFormatter, MaxNLocator

from bnrepro.analysis.select import rows_of
from bnrepro.experiments.dropout_and_weight_decay.panels import (
    ARMS,
    draw_decay,
    draw_growth,
    draw_losses,
    draw_shares,
    percent_axis,
    same_scale,
)
from bnrepro.experiments.dropout_and_weight_decay.tables import (
    DECAY,
    DROPOUT,
    MATCHING,
    PLACES,
    STATISTICS,
    accuracies,
    by_statistics,
    growth,
    l2_weight,
    losses,
    shares,
    shifted,
    shifts,
)
from bnrepro.plotting.arms import COLORS, LABELS
from bnrepro.plotting.axes import DOTTED, log_axis, name_ends, nothing
from bnrepro.plotting.lines import median_line
from bnrepro.plotting.style import DOUBLE, GREY, add_panel, new_figure, styled
from bnrepro.records.schemas import Tables

CAPTION = (
    "The dense net on few examples of Fashion-MNIST. (a) Accuracy on the test set over the Dropout rate, with BN and "
    "Dropout before each BN, after each nonlinearity or after the last nonlinearity alone, and without BN (dashed, after "
    "each nonlinearity): each seed (thin), the median (thick) and its 95% bootstrap interval (band). (b) The variance shift "
    "of Li et al. 2018: the variance of a BN's inputs at inference over its running variance, mean of the layers; 1 is no "
    f"shift. (c) The same by layer at a rate of {DROPOUT:g}. (d) Accuracy on test examples at that rate when BN normalizes "
    "with its running averages, with the population statistics of Algorithm 2 while Dropout is active, which cannot cure "
    "the shift, and with those recomputed without Dropout; grey, the net without any Dropout. (e) Accuracy over the L2 "
    "weight (medians and intervals): decay of the hidden kernels (circles), of all kernels (squares), and of everything "
    "with biases, gamma and beta (triangles). (f) Norm of all hidden kernels over its start, by L2 weight, where those "
    "decay. (g) The effective rate, the learning rate over the square of that norm, over its start: decay (solid), and no "
    "decay but a learning rate of the hidden kernels that grows as decay would raise their effective rate (dashed). (h, i) "
    f"Validation loss without decay, with decay of the hidden kernels at an L2 weight of {DECAY:g}, and at the matched rate. "
    "(j) The share of decay's effect on the validation loss over training that the matched rate reproduces: one minus the "
    "distance of the matched run from the decayed one over the distance of the run without decay from it. 100% is all of "
    "it, 0 no nearer than without decay; an arrow is below the axis. Open marks, the same of the training accuracy in "
    "training mode, which was added after these runs and is judged on others. A run that diverged guesses in (a), (d) and "
    "(e), reproduces nothing in (j), is not in (b) and (c), and lies beyond all others in (f) to (i). {dropout_off_seeds} "
    "seeds each."
)

_OPEN = dict(markerfacecolor="white", markersize=3.2, linestyle=(0, (4, 1.6)))  # the arm without BN beside the places
_TICKS = (0.02, 0.05, 0.1, 0.2, 0.3, 0.5, 0.7, 0.8, 0.9, 1, 1.1, 1.2, 1.5, 2, 3, 5, 10, 20, 50)
_CHOICES = {
    "moving": "running\naverages",
    "population": "Algorithm 2,\nDropout on",
    "no_dropout": "recomputed,\nDropout off",
}


def figure(tables: Tables) -> Figure:
    """Dropout by rate and place, what it does to variances, and what weight decay does by way of the effective rate."""
    matching = rows_of(tables, MATCHING)
    return draw(
        accuracies=accuracies(tables),
        shifts=shifts(tables),
        shifted=shifted(tables),
        said=by_statistics(tables),
        growth=growth(tables),
        losses=losses(tables),
        shares=shares(tables),
        runs=matching.assign(weight=l2_weight(matching)),
    )


@styled
def draw(
    accuracies: pd.DataFrame,
    shifts: pd.DataFrame,
    shifted: pd.DataFrame,
    said: pd.DataFrame,
    growth: pd.DataFrame,
    losses: pd.DataFrame,
    shares: pd.DataFrame,
    runs: pd.DataFrame,
) -> Figure:
    """The whole figure; the arguments are what the functions of `tables` return.

    `said` is of `by_statistics`; `runs` are the rows of the groups `decay_off`, `decay_hidden` and `matched` with `weight`,
    those that diverged too.
    """
    figure = new_figure(DOUBLE, 219)
    accuracy, ratio = "Final test accuracy", "Variance at inference / running"
    _dropout(add_panel(figure, (13, 9, 42, 35), "a", accuracy), accuracies)
    _ratios(add_panel(figure, (101, 9, 42, 35), "b", ratio), shifted)
    judged = f"Dropout of {DROPOUT:.0%}"
    _layers(add_panel(figure, (13, 66, 42, 35), "c", ratio, judged), shifts)
    _statistics(add_panel(figure, (101, 66, 42, 35), "d", "Test accuracy by statistics", judged), said)
    draw_decay(add_panel(figure, (13, 124, 36, 35), "e", accuracy, "by what decays"), accuracies)
    norm = add_panel(figure, (85, 124, 27, 35), "f", "Weight norm / start", "with BN, by L2 weight")
    draw_growth(norm, growth, runs, "norm", ("decay_off", "decay_hidden"))
    rate = add_panel(figure, (135, 124, 27, 35), "g", "Effective rate / start", "with BN; dashed: matched")
    draw_growth(rate, growth, runs, "rate", ("decay_off", "decay_hidden", "matched"))
    loss = f"L2 weight {DECAY:g}"
    both = [
        add_panel(figure, (13 + 40 * place, 181, 33, 28), letter, "Validation loss", f"{loss}, {LABELS[arm]}")
        for place, (letter, arm) in enumerate(zip("hi", ARMS))
    ]
    for axes, arm in zip(both, ARMS):
        draw_losses(axes, losses[losses["normalization"] == arm], runs[runs["normalization"] == arm])
    same_scale(both, losses)
    share = "Share of decay's effect", "that the matched rate reproduces"
    draw_shares(add_panel(figure, (123, 181, 32, 28), "j", *share), shares)
    return figure


def _dropout(axes: Axes, accuracies: pd.DataFrame) -> None:
    """By place with BN, and without BN, where Dropout is after each nonlinearity."""
    off, ends = accuracies[accuracies["kind"] == "dropout_off"], []
    for place in PLACES:
        own = accuracies["kind"] == f"dropout_{place}"
        line = pd.concat([off, accuracies[own]]).query("normalization == 'batch'")
        ends += median_line(axes, line, "amount", "final_accuracy", COLORS[place], LABELS[place])
    none = accuracies[accuracies["kind"].isin(["dropout_off", "dropout_after"])].query("normalization == 'none'")
    ends += median_line(axes, none, "amount", "final_accuracy", COLORS["none"], LABELS["none"], **_OPEN)
    _rate_axis(axes)
    percent_axis(axes)
    name_ends(axes, ends)


def _rate_axis(axes: Axes) -> None:
    axes.set(xlabel="Dropout rate", xlim=(-0.02, 1.04 * DROPOUT))
    axes.xaxis.set_major_locator(MaxNLocator(6))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, place: f"{value:g}"))


def _ratios(axes: Axes, shifted: pd.DataFrame) -> None:
    """By place; without Dropout they are one net."""
    ends = []
    for place in PLACES:
        own = shifted[shifted["dropout_place"] == place]
        ends += median_line(axes, own, "dropout", "ratio", COLORS[place], LABELS[place])
    _rate_axis(axes)
    _ratio_axis(axes, shifted["ratio"], ends)


def _ratio_axis(axes: Axes, ratios: pd.Series, ends: list[tuple]) -> None:
    """A logarithmic axis that holds 1, with a line there."""
    axes.axhline(1, **DOTTED)
    if not ends:
        nothing(axes)
        return
    low, high = min(ratios.min(), 1) / 1.08, max(ratios.max(), 1) * 1.08
    log_axis(axes, "y", (low, high))
    apart = 0.08 * np.log(high / low)  # so that no label runs into that of 1
    shown = [tick for tick in _TICKS if low <= tick <= high and (tick == 1 or abs(np.log(tick)) > apart)]
    axes.yaxis.set_major_locator(FixedLocator(shown))
    name_ends(axes, ends)


def _layers(axes: Axes, shifts: pd.DataFrame) -> None:
    """By place, with the running statistics."""
    judged = shifts[(shifts["dropout"] == DROPOUT) & (shifts["statistics"] == "moving")]
    layers, ends = sorted(set(judged["layer"])), []
    judged = judged.assign(number=judged["layer"].map({layer: place for place, layer in enumerate(layers, start=1)}))
    for place in PLACES:
        own = judged[judged["dropout_place"] == place]
        ends += median_line(axes, own, "number", "ratio", COLORS[place], LABELS[place])
    axes.set(xlabel="Hidden layer, from the images on", xlim=(0.8, max(len(layers), 1) + 0.2))
    axes.xaxis.set_major_locator(FixedLocator(range(1, len(layers) + 1)))
    _ratio_axis(axes, judged["ratio"], ends)


def _statistics(axes: Axes, said: pd.DataFrame) -> None:
    """By place, a seed's line from one choice of statistics to the next; grey, the net without Dropout."""
    said = said.assign(place=said["statistics"].map(STATISTICS.index))
    ends = []
    for place in PLACES:
        own = said[(said["dropout"] == DROPOUT) & (said["dropout_place"] == place)]
        ends += median_line(axes, own, "place", "accuracy", COLORS[place], LABELS[place])
    ends += median_line(axes, said[said["group"] == "dropout_off"], "place", "accuracy", GREY, "no Dropout")
    axes.set(xlim=(-0.2, len(STATISTICS) - 0.8), xticks=range(len(STATISTICS)))
    axes.set_xticklabels([_CHOICES[name] for name in STATISTICS], fontsize=7)
    percent_axis(axes)
    name_ends(axes, ends)
