"""The small figure of a notebook's widget: the runs of one choice, what was published behind them, the live run on top.

Its axes are the same for every choice, so that a slider moves the curves and nothing else. Knows no experiment, no widget.
"""

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patheffects import withStroke

from bnrepro.analysis.curves import evaluations, median_curves
from bnrepro.plotting.axes import accuracy_axis_to, name_ends, step_axis
from bnrepro.plotting.inks import INK
from bnrepro.plotting.marks import seed_curves
from bnrepro.plotting.style import add_panel, new_figure, small

SIZE = (120, 62)
"""Of the figure, in mm."""

LIVE = dict(color=INK, linestyle=(0, (3, 1.2)), linewidth=1.8, label="live", zorder=8)
"""How the live run is drawn: near black and dashed, like nothing else."""


def panel(title: str, subtitle: str = "") -> tuple[Figure, Axes]:
    """A figure with one panel, and room right of it for the names of the curves."""
    figure = new_figure(*SIZE)
    return figure, add_panel(figure, (11, 12, 80, 40), title, subtitle=subtitle)


def accuracy_curves(axes: Axes, curves: pd.DataFrame, last: float, highest: float) -> None:
    """Each run of both arms thin, their median thick over its interval, over the steps to `last`.

    Args:
        axes: Where to.
        curves: The runs of the choice, as `results.select` gives them; one without an evaluation has a row too.
        last: The last step of the axis.
        highest: The largest accuracy that any choice shows.
    """
    seed_curves(axes, evaluations(curves), medians(curves), y="value")
    step_axis(axes, last)
    accuracy_axis_to(axes, highest)
    axes.set(ylabel="")


def medians(curves: pd.DataFrame) -> pd.DataFrame:
    """What `median_curves` gives; of two runs the interval is their range, which needs no resampling, and a slider is waiting."""
    runs = evaluations(curves)
    if set(runs.groupby("normalization")["run"].nunique()) != {2}:
        return median_curves(curves)
    parts = []
    for arm, own in runs.groupby("normalization"):
        pair = own.pivot(index="step", columns="run", values="value").fillna(own["chance"].iloc[0])
        part = dict(estimate=pair.mean(axis=1), ci_low=pair.min(axis=1), ci_high=pair.max(axis=1))
        parts.append(pd.DataFrame({"normalization": arm, **part}).reset_index())
    return pd.concat(parts, ignore_index=True)[["normalization", "step", "estimate", "ci_low", "ci_high"]]


def live_curve(axes: Axes, live: pd.DataFrame | None) -> None:
    """The run trained so far, if there is one: a row an evaluation, on the examples that it is evaluated on while it trains."""
    if live is None or live.empty:
        return
    held_out = live[live["split"] == ("validation" if "validation" in set(live["split"]) else "test")]
    axes.plot(held_out["step"], held_out["value"], **LIVE)
    end = held_out.iloc[-1]
    axes.plot(end["step"], end["value"], "o", color=INK, markersize=4.5, zorder=8, clip_on=False)


def name_lines(axes: Axes) -> None:
    """Writes the label of each line that has one: right of the axes, or at its end where that is far from there.

    Called last, for the limits of the axes are final by then.
    """
    (low, high), last, ends = axes.get_ylim(), axes.get_xlim()[1], []
    for line in axes.lines:
        if line.get_label().startswith("_") or not len(line.get_xdata()):
            continue
        step, value = line.get_xdata()[-1], min(max(line.get_ydata()[-1], low), high)
        if step > 0.85 * last:
            ends.append((step, value, line.get_label(), line.get_color()))
        else:
            clear = [withStroke(linewidth=2, foreground="white")]
            style = dict(fontsize=small(), va="center", color=line.get_color(), path_effects=clear, zorder=8)
            axes.annotate(line.get_label(), (step, value), (6, -6), textcoords="offset points", **style)
    name_ends(axes, ends)
