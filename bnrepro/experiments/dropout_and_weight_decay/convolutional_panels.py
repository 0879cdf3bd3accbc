"""How the panels of the convolutional nets are drawn, from data that are already computed. Knows no run and no claim."""

import pandas as pd
from matplotlib.axes import Axes

from bnrepro.plotting.area import Area
from bnrepro.plotting.arms import COLORS, LABELS
from bnrepro.plotting.axes import accuracy_ticks, key_above, log_axis, name_ends, nothing, step_axis
from bnrepro.plotting.lines import median_line, ticks_at

NORMALIZATIONS = ("batch", "none")
_QUANTITIES = {"accuracy": "Test accuracy", "loss": "Test loss, nats"}
_LOSSES = {"fit": "Training loss, nats", "validation": "Held-out loss, nats"}
_DASHES = ("-", (0, (4, 1.6)))
_NONE = "trained at preset paper alone"


def draw_convolutional(area: Area, runs: pd.DataFrame) -> None:
    """Accuracy on the left and loss on the right over the Dropout rate, a line without BN and one with it, named on the right."""
    both = area.grid(widths=(1, 1), gap=(16, 3))
    for axes, (quantity, words) in zip(both, _QUANTITIES.items()):
        axes.set(xlabel="Dropout rate", ylabel=words)
        if runs.empty:
            nothing(axes, _NONE)
            continue
        ends = []
        for arm in NORMALIZATIONS:
            own = runs[runs["normalization"] == arm]
            ends += median_line(axes, own, "dropout", quantity, COLORS[arm], LABELS[arm])
        rates = sorted(set(runs["dropout"]))
        axes.set_xlim(-0.02, 1.05 * rates[-1])
        ticks_at(axes.xaxis, rates)
        if axes is both[-1]:
            name_ends(axes, ends)
    accuracy_ticks(both[0])


def draw_training(area: Area, medians: pd.DataFrame) -> None:
    """Training loss on the left and held-out loss on the right over the steps: a color an arm, dashes by the Dropout rate."""
    both = area.grid(widths=(1, 1), gap=(25, 3))
    for axes, (quantity, words) in zip(both, _LOSSES.items()):
        axes.set_ylabel(words)
        if medians.empty:
            nothing(axes, _NONE)
            step_axis(axes, 1)
            continue
        ends = _lines(axes, medians[medians["quantity"] == quantity])
        step_axis(axes, medians["step"].max())
        log_axis(axes, "y")
        name_ends(axes, ends)
    key_above(both[0], *((LABELS[arm], COLORS[arm]) for arm in NORMALIZATIONS))


def _lines(axes: Axes, medians: pd.DataFrame) -> list[tuple]:
    ends, dashes = [], dict(zip(sorted(set(medians["dropout"])), _DASHES))
    for (arm, rate), own in medians.groupby(["normalization", "dropout"]):
        own, color = own.sort_values("step"), COLORS[arm]
        band = dict(color=color, alpha=0.15, linewidth=0, zorder=2)
        axes.fill_between(own["step"], own["ci_low"], own["ci_high"], **band)
        axes.plot(own["step"], own["estimate"], color=color, linestyle=dashes[rate], zorder=4)
        ends.append((*own.iloc[-1][["step", "estimate"]], f"{rate:.0%}", color))
    return ends
