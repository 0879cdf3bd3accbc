"""The panels of weight decay, drawn from computed tables. Knows no claim and no run."""

import pandas as pd
import seaborn
from matplotlib.axes import Axes
from matplotlib.patheffects import withStroke
from matplotlib.ticker import FuncFormatter, MaxNLocator

from bnrepro.experiments.dropout_and_weight_decay.tables import DECAY, REACHES, medians
from bnrepro.plotting.arms import COLORS, LABELS
from bnrepro.plotting.axes import DOTTED, log_axis, name_ends, step_axis
from bnrepro.plotting.lines import median_line, name_lines
from bnrepro.plotting.style import GREY

ARMS = ("batch", "none")
"""As they stand in a figure: BN first."""

"""Of the net without a regularizer."""

_OPEN = dict(markerfacecolor="white", markersize=3.2, linestyle=(0, (1, 1.2)), linewidth=1.1)
_LOWEST = -2.0  # shares below are arrows at the edge
_DASHED = dict(color=COLORS["matched"], linewidth=1.1, linestyle=(0, (3, 2)))
_CLEAR = [withStroke(linewidth=2, foreground="white")]
_REACHES = {"hidden": ("o", "hidden kernels"), "kernels": ("s", "all kernels"), "all": ("^", "everything")}
_LINES = {"decay_off": "no decay", "decay_hidden": LABELS["decay"], "matched": LABELS["matched"]}
_LINE_COLORS = {"decay_off": GREY, "decay_hidden": COLORS["decay"], "matched": COLORS["matched"]}


def percent_axis(axes: Axes) -> None:
    """A y axis of fractions, written as percentages."""
    axes.yaxis.set_major_locator(MaxNLocator(5, steps=[1, 2, 2.5, 5, 10]))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, place: f"{100 * value:g}%"))


def draw_decay(axes: Axes, accuracies: pd.DataFrame) -> None:
    """Both arms in their colors, a marker for what decays; medians and intervals alone, for six lines run close together."""
    ends, starts, weights = [], {}, sorted(set(accuracies.loc[accuracies["kind"].str.startswith("decay"), "amount"]))
    places = _weight_axis(axes, weights)
    for arm in ARMS:
        own = accuracies[accuracies["normalization"] == arm].assign(place=accuracies["amount"].map(places))
        off = own[own["kind"] == "decay_off"]
        for reach in REACHES:
            line = pd.concat([off, own[own["kind"] == f"decay_{reach}"]])
            marker, words = _REACHES[reach]
            style = dict(marker=marker, markersize=3, linewidth=1.1)
            ends += median_line(axes, line, "place", "final_accuracy", COLORS[arm], words, seeds=False, **style)
        starts[arm] = off["final_accuracy"].median()
    for arm, start in starts.items():
        style = dict(textcoords="offset points", fontsize=7, color=COLORS[arm], path_effects=_CLEAR, zorder=8)
        axes.annotate(LABELS[arm], (0, start), (0, 7 if start == max(starts.values()) else -14), **style)
    axes.margins(y=0.12)
    percent_axis(axes)
    name_ends(axes, ends)


def draw_growth(axes: Axes, growth: pd.DataFrame, runs: pd.DataFrame, value: str, groups: tuple[str, ...]) -> None:
    """A shade an L2 weight, the darkest the largest; dashed, the matched rate."""
    runs, growth = (table[table["normalization"] == "batch"] for table in (runs, growth))
    weights, ends = sorted(set(runs["weight"])), []
    # None near the light blue that is the matched rate's green to those who see no blue.
    darker = seaborn.blend_palette([COLORS["batch"], "#001A33"], max(len(weights) - 1, 1)).as_hex()
    shades = dict(zip(weights, ["#7FB5DB", *darker]))
    for group in groups:
        for weight, own in runs[runs["group"] == group].groupby("weight"):
            rows = growth[(growth["group"] == group) & (growth["weight"] == weight)]
            middle = medians(rows, value, len(own))
            style = _DASHED if group == "matched" else dict(color=shades[weight], linewidth=2.4)
            axes.plot(middle["step"], middle["estimate"], label=f"{group} {weight:g}", zorder=5, **style)
            if group != "matched":
                band = dict(color=shades[weight], alpha=0.22, linewidth=0, zorder=3)
                axes.fill_between(middle["step"], middle["ci_low"], middle["ci_high"], **band)
                ends += [
                    (row.step, row.estimate, f"{weight:g}", shades[weight]) for row in middle.iloc[-1:].itertuples()
                ]
    step_axis(axes, runs["steps"].max())
    axes.xaxis.set_major_locator(MaxNLocator(3, steps=[1, 2, 5, 10]))
    log_axis(axes, "y")
    name_ends(axes, ends)


def draw_losses(axes: Axes, losses: pd.DataFrame, runs: pd.DataFrame) -> None:
    """No decay, decay and matched rate in one arm."""
    for group, label in _LINES.items():
        own, weight = runs[runs["group"] == group], 0.0 if group == "decay_off" else DECAY
        rows = losses[(losses["group"] == group) & (losses["weight"] == weight)]
        color = _LINE_COLORS[group]
        for _, run in rows.groupby("run"):
            axes.plot(run["step"], run["loss"], color=color, linewidth=0.5, alpha=0.3, zorder=2)
        middle = medians(rows, "loss", int((own["weight"] == weight).sum()))
        axes.fill_between(middle["step"], middle["ci_low"], middle["ci_high"], color=color, alpha=0.22, linewidth=0)
        dashes = dict(linestyle=_DASHED["linestyle"], linewidth=1.2) if group == "matched" else {}
        axes.plot(middle["step"], middle["estimate"], color=color, label=label, zorder=5 + bool(dashes), **dashes)
    step_axis(axes, runs["steps"].max())
    axes.xaxis.set_major_locator(MaxNLocator(4, steps=[1, 2, 5, 10]))


def same_scale(both: list[Axes], losses: pd.DataFrame) -> None:
    """The same scale left and right, which holds the medians after the start; the names stand right."""
    shown = losses[(losses["step"] > 0) & losses["weight"].isin([0.0, DECAY])]
    middle = shown.groupby(["normalization", "group", "step"])["loss"].median()
    for axes in both if len(middle) else ():
        axes.set_ylim(0.9 * middle.min(), 1.15 * middle.max())
    both[-1].tick_params(labelleft=False)
    name_lines(both[-1])


def draw_shares(axes: Axes, shares: pd.DataFrame) -> None:
    """The share in both arms over the L2 weight, open that of the training accuracy; dotted, none of it and all of it."""
    places, ends = _weight_axis(axes, sorted(set(shares["weight"]))), []
    for arm in ARMS:
        own = shares[shares["normalization"] == arm].assign(place=shares["weight"].map(places))
        ends += median_line(axes, own, "place", "share", COLORS[arm], LABELS[arm])
        ends += median_line(axes, own, "place", "training_share", COLORS[arm], "in training", seeds=False, **_OPEN)
        beyond = own.groupby("place")["share"].median().loc[lambda share: share < _LOWEST]
        style = dict(color=COLORS[arm], markersize=4, clip_on=False, zorder=6)
        axes.plot(beyond.index, [_LOWEST] * len(beyond), "v", **style)
    for value in (0, 1):
        axes.axhline(value, **DOTTED)
    axes.set_ylim(max(axes.get_ylim()[0], _LOWEST), 1.1)
    percent_axis(axes)
    name_ends(axes, [(place, max(share, _LOWEST), *words) for place, share, *words in ends])


def _weight_axis(axes: Axes, weights: list[float]) -> dict[float, float]:
    """An x axis of L2 weights, equally far apart, since 0 has no place on a logarithmic one; the place of each."""
    axes.set(xlim=(-0.25, len(weights) - 0.75), xlabel="L2 weight", xticks=range(len(weights)))
    axes.set_xticklabels([_weight(weight) for weight in weights], fontsize=7)
    return {weight: place for place, weight in enumerate(weights)}


def _weight(weight: float) -> str:
    """As 0, 0.003, 1e−4."""
    return f"{weight:g}" if weight == 0 or weight >= 1e-3 else f"{weight:.0e}".replace("e-0", "e−")
