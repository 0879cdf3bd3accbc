"""The figure of the layer: what it computes against the paper's own equations, a panel an equation. Knows no claim's rule."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from bnrepro.plotting.arms import COLORS
from bnrepro.plotting.style import DOUBLE, INK, add_panel, new_figure, styled
from bnrepro.records.schemas import Tables

CAPTION = (
    "The layer against the paper's own equations. (a) A mini-batch before and after Algorithm 1. (b) Its gradient against "
    "finite differences. (c) The input recovered by gamma and beta. (d) A convolution's output against Algorithm 1 over "
    "batch and locations. (e) A net folded against the net itself. (f) Error of the three identities of section 3.3 "
    "against the scale a of the weights, exact but for epsilon. (g) A bias whose gradient ignores the mean. (h) The running "
    "variance over the population's, against the mini-batch."
)


@styled
def figure(tables: Tables) -> Figure:
    """The eight panels of `CAPTION`."""
    drawing = new_figure(DOUBLE, 106)
    titles = ("Algorithm 1", "Gradient", "Identity recovered", "Convolution", "Folding")
    titles += ("Scale invariance", "A bias", "Running variance")
    axes = [
        add_panel(drawing, (12 + 42.5 * (place % 4), 8 + 51 * (place // 4), 31, 33), letter, title)
        for place, (letter, title) in enumerate(zip("abcdefgh", titles))
    ]
    pairs = tables["pairs"].set_index("claim")
    _histogram(axes[0], pairs.loc["Algorithm 1"])
    words = (("finite differences", "layer"), ("input x", "output y"), ("NumPy", "layer"), ("unfolded", "folded"))
    for panel, claim, (expected, found) in zip(axes[1:5], ("A1", "A2", "A7", "A6"), words):
        _agreement(panel, pairs.loc[claim], tables["facts"], expected, found)
    _invariance(axes[5], tables["facts"])
    _bias(axes[6], tables["bias"])
    _running_variance(axes[7], tables["facts"])
    return drawing


def _histogram(axes: Axes, pairs: pd.DataFrame) -> None:
    bins = np.linspace(min(pairs["found"].min(), 0), pairs["expected"].max(), 40)
    for column, color, text, place in (("expected", COLORS["none"], "x", 0.6), ("found", COLORS["batch"], "x̂", 0.24)):
        axes.hist(pairs[column], bins, color=color, alpha=0.75, linewidth=0)
        axes.text(place, 0.8 if column == "found" else 0.3, text, color=color, transform=axes.transAxes)
    axes.set(xlabel="value", ylabel="examples")


def _agreement(axes: Axes, pairs: pd.DataFrame, facts: pd.DataFrame, expected: str, found: str) -> None:
    """Found against expected of one draw, with the largest error that the claim's facts have over all draws."""
    low, high = pairs["expected"].min(), pairs["expected"].max()
    axes.plot([low, high], [low, high], color=COLORS["paper"], linewidth=0.7, zorder=1)
    axes.plot(
        pairs["expected"], pairs["found"], "o", color=COLORS["batch"], markersize=2.2, alpha=0.6, markeredgewidth=0
    )
    claim = facts[facts["claim"] == pairs.index[0]]
    shown = claim[claim["quantity"].isin(pairs["quantity"]) & (claim["setting"] != "printed equations")]
    words = f"largest error\n{shown['value'].max():.0e}"
    axes.text(0.04, 0.9, words, fontsize=7, va="top", transform=axes.transAxes, color=INK)
    axes.set(xlabel=expected, ylabel=found)


def _invariance(axes: Axes, facts: pd.DataFrame) -> None:
    rows = facts[facts["claim"] == "A3"]
    settings = rows["setting"].str.extract(r"epsilon (?P<epsilon>\S+), a (?P<a>\S+)").astype(float)
    worst = rows.assign(**settings).groupby(["epsilon", "a"])["value"].max().clip(lower=1e-9)
    for epsilon, color in ((1e-3, COLORS["none"]), (1e-12, COLORS["batch"])):
        series = worst.loc[epsilon]
        axes.plot(series.index, series, "o-", color=color, markersize=2.5, linewidth=1)
        style = {"color": color, "fontsize": 7, "ha": "right"}
        axes.annotate(f"ε = {epsilon:g}", (series.index[-1], series.iloc[-1]), (0, 5), "data", "offset points", **style)
    axes.set(xscale="log", yscale="log", xlabel="scale a of the weights", ylabel="largest error")


def _bias(axes: Axes, bias: pd.DataFrame) -> None:
    for gradient, color in (("mean ignored", COLORS["none"]), ("mean included", COLORS["batch"])):
        rows = bias[bias["gradient"] == gradient]
        for _, draw in rows.groupby("draw"):
            axes.plot(draw["step"], draw["bias"], color=color, linewidth=0.6, alpha=0.5)
    style = {"fontsize": 7, "transform": axes.transAxes}
    axes.text(0.04, 0.88, "mean ignored", color=COLORS["none"], **style)
    axes.text(0.96, 0.1, "mean included", color=COLORS["batch"], ha="right", **style)
    axes.set(xlabel="step", ylabel="bias b")


def _running_variance(axes: Axes, facts: pd.DataFrame) -> None:
    rows = facts[facts["claim"] == "A5"]
    rows = rows.assign(m=rows["quantity"].str.removeprefix("m = ").astype(int))
    sizes = np.array(sorted(rows["m"].unique()))
    axes.plot(sizes, (sizes - 1) / sizes, color=COLORS["paper"], linewidth=0.7, linestyle="--", zorder=1)
    for setting, arm, words, place in (
        ("m - 1 (Algorithm 2)", "batch", "ours", (0, 5)),
        ("Keras", "none", "Keras", (6, -8)),
    ):
        medians = rows[rows["setting"] == setting].groupby("m")["value"].median()
        axes.plot(medians.index, medians, "o", color=COLORS[arm], markersize=4)
        axes.annotate(words, (sizes[1], medians.iloc[1]), place, "data", "offset points", color=COLORS[arm], fontsize=7)
    axes.set(xscale="log", xlabel="mini-batch m", ylabel="over population's", ylim=(0.4, 1.15))
    axes.set_xticks(sizes, [str(size) for size in sizes], minor=False)
    axes.minorticks_off()
