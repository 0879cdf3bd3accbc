"""The figure of Dropout and weight decay, drawn from statistics that are already computed. Knows no claim, no table of runs."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FuncFormatter, MaxNLocator

from bnrepro import panels
from bnrepro.findings import dropout_and_weight_decay_panels as decay
from bnrepro.findings.dropout_and_weight_decay_effects import DECAY, DROPOUT, PLACES, STATISTICS
from bnrepro.findings.dropout_and_weight_decay_panels import ARMS, percent_axis
from bnrepro.lines import median_line
from bnrepro.plots import COLORS, DOUBLE, GREY, LABELS, add_panel, new_figure, styled

_OPEN = dict(markerfacecolor="white", markersize=3.2, linestyle=(0, (4, 1.6)))  # the arm without BN beside the places
_TICKS = (0.02, 0.05, 0.1, 0.2, 0.3, 0.5, 0.7, 0.8, 0.9, 1, 1.1, 1.2, 1.5, 2, 3, 5, 10, 20, 50)
_CHOICES = {
    "moving": "running\naverages",
    "population": "Algorithm 2,\nDropout on",
    "no_dropout": "recomputed,\nDropout off",
}


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
    """The whole figure; the arguments are what the functions of `dropout_and_weight_decay_effects` return.

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
    decay.decayed(add_panel(figure, (13, 124, 36, 35), "e", accuracy, "by what decays"), accuracies)
    norm = add_panel(figure, (85, 124, 27, 35), "f", "Weight norm / start", "with BN, by L2 weight")
    decay.grown(norm, growth, runs, "norm", ("decay_off", "decay_hidden"))
    rate = add_panel(figure, (135, 124, 27, 35), "g", "Effective rate / start", "with BN; dashed: matched")
    decay.grown(rate, growth, runs, "rate", ("decay_off", "decay_hidden", "matched"))
    loss = f"L2 weight {DECAY:g}"
    both = [
        add_panel(figure, (13 + 40 * place, 181, 33, 28), letter, "Validation loss", f"{loss}, {LABELS[arm]}")
        for place, (letter, arm) in enumerate(zip("hi", ARMS))
    ]
    for axes, arm in zip(both, ARMS):
        decay.loss_curves(axes, losses[losses["normalization"] == arm], runs[runs["normalization"] == arm])
    decay.same_scale(both, losses)
    share = "Share of decay's effect", "that the matched rate reproduces"
    decay.reproduced(add_panel(figure, (123, 181, 32, 28), "j", *share), shares)
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
    panels.name_ends(axes, ends)


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
    axes.axhline(1, **panels.DOTTED)
    if not ends:
        panels.nothing(axes)
        return
    low, high = min(ratios.min(), 1) / 1.08, max(ratios.max(), 1) * 1.08
    panels.log_axis(axes, "y", (low, high))
    apart = 0.08 * np.log(high / low)  # so that no label runs into that of 1
    shown = [tick for tick in _TICKS if low <= tick <= high and (tick == 1 or abs(np.log(tick)) > apart)]
    axes.yaxis.set_major_locator(FixedLocator(shown))
    panels.name_ends(axes, ends)


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
    panels.name_ends(axes, ends)
