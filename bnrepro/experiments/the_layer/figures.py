"""The panels of the layer: what it computes against the paper's own equations, a panel an equation. Knows no claim's rule."""

import functools

import numpy as np
import pandas as pd

from bnrepro.plotting.area import Area
from bnrepro.plotting.arms import COLORS, LABELS
from bnrepro.plotting.axes import log_axis
from bnrepro.plotting.inks import GREY, INK
from bnrepro.plotting.lines import ticks_at
from bnrepro.plotting.panel import Panel
from bnrepro.plotting.style import small
from bnrepro.records.schemas import Tables

_LEAST = 1e-9  # what an error of 0 is drawn as


def histogram(tables: Tables) -> pd.DataFrame:
    """One mini-batch before and after Algorithm 1."""
    pairs = tables["pairs"].query("claim == 'Algorithm 1'")
    return pairs[["expected", "found"]].rename(columns={"expected": "x", "found": "x_hat"}).reset_index(drop=True)


def draw_histogram(area: Area, values: pd.DataFrame) -> None:
    """Both on one axis."""
    axes = area.axes()
    bins = np.linspace(min(values["x_hat"].min(), 0), values["x"].max(), 40)
    for column, color, text, position in (("x", GREY, "x", (0.6, 0.3)), ("x_hat", COLORS["batch"], "x̂", (0.24, 0.8))):
        axes.hist(values[column], bins, color=color, alpha=0.75, linewidth=0)
        axes.text(*position, text, color=color, transform=axes.transAxes)
    axes.set(xlabel="Value", ylabel="Examples")


def agreement(tables: Tables, claim: str) -> dict[str, pd.DataFrame]:
    """Found and expected of one draw, and the largest error that the claim's facts have over all draws."""
    pairs = tables["pairs"][tables["pairs"]["claim"] == claim]
    facts = tables["facts"][tables["facts"]["claim"] == claim]
    shown = facts[facts["quantity"].isin(pairs["quantity"]) & (facts["setting"] != "printed equations")]
    return {"pairs": pairs.reset_index(drop=True), "largest": pd.DataFrame({"error": [shown["value"].max()]})}


def draw_agreement(area: Area, data: dict[str, pd.DataFrame], expected: str, found: str) -> None:
    """Dots on the line of equal values."""
    axes, pairs = area.axes(), data["pairs"]
    low, high = pairs["expected"].min(), pairs["expected"].max()
    axes.plot([low, high], [low, high], color=COLORS["paper"], linewidth=0.7, zorder=1)
    dots = dict(color=COLORS["batch"], markersize=2.2, alpha=0.6, markeredgewidth=0)
    axes.plot(pairs["expected"], pairs["found"], "o", **dots)
    words = f"largest error\n{data['largest']['error'].iloc[0]:.0e}"
    axes.text(0.04, 0.95, words, fontsize=small(), va="top", transform=axes.transAxes, color=INK)
    axes.set(xlabel=expected, ylabel=found)


def invariance(tables: Tables) -> pd.DataFrame:
    """The largest error of the three identities, by epsilon and scale a of the weights."""
    rows = tables["facts"].query("claim == 'A3'")
    settings = rows["setting"].str.extract(r"epsilon (?P<epsilon>\S+), a (?P<a>\S+)").astype(float)
    worst = rows.assign(**settings).groupby(["epsilon", "a"])["value"].max().clip(lower=_LEAST)
    return worst.rename("error").reset_index()


def draw_invariance(area: Area, worst: pd.DataFrame) -> None:
    """A line an epsilon, the one that is used filled."""
    axes = area.axes()
    for epsilon, face, dashes in ((1e-3, COLORS["batch"], "-"), (1e-12, "white", (0, (3, 1.5)))):
        own = worst[worst["epsilon"] == epsilon]
        style = dict(color=COLORS["batch"], markerfacecolor=face, linestyle=dashes, markersize=3, linewidth=1)
        axes.plot(own["a"], own["error"], "o", **style)
        style = {"color": COLORS["batch"], "fontsize": small(), "ha": "right"}
        words, end = f"ε = {epsilon:g}", (own["a"].iloc[-1], own["error"].iloc[-1])
        axes.annotate(words, end, (0, 5), "data", "offset points", **style)
    axes.set(xscale="log", yscale="log", xlabel="Scale a of the weights", ylabel="Largest relative error")
    log_axis(axes, "y")


def bias(tables: Tables) -> pd.DataFrame:
    """The bias over the steps of each draw."""
    return tables["bias"][["gradient", "draw", "step", "bias"]]


def draw_bias(area: Area, rows: pd.DataFrame) -> None:
    """A line a draw, with the gradient as it is and with one that ignores the mean."""
    axes = area.axes()
    for gradient, arm in (("mean ignored", "mean_ignored"), ("mean included", "batch")):
        for _, draw in rows[rows["gradient"] == gradient].groupby("draw"):
            axes.plot(draw["step"], draw["bias"], color=COLORS[arm], linewidth=0.6, alpha=0.5)
    style = {"fontsize": small(), "transform": axes.transAxes}
    axes.text(0.04, 0.88, LABELS["mean_ignored"], color=COLORS["mean_ignored"], **style)
    axes.text(0.96, 0.1, "mean included", color=COLORS["batch"], ha="right", **style)
    axes.set(xlabel="Steps", ylabel="Bias b")


def running_variance(tables: Tables) -> pd.DataFrame:
    """By size m of the mini-batch, the median of the running variance over the population's, ours and Keras's."""
    rows = tables["facts"].query("claim == 'A5'")
    rows = rows.assign(m=rows["quantity"].str.removeprefix("m = ").astype(int))
    medians = rows.groupby(["setting", "m"])["value"].median().rename("ratio").reset_index()
    return medians[medians["setting"].isin(["m - 1 (Algorithm 2)", "Keras"])].reset_index(drop=True)


def draw_running_variance(area: Area, medians: pd.DataFrame) -> None:
    """Dots by m; dashed, (m - 1) / m."""
    axes, sizes = area.axes(), np.array(sorted(medians["m"].unique()))
    axes.plot(sizes, (sizes - 1) / sizes, color=COLORS["paper"], linewidth=0.7, linestyle="--", zorder=1)
    ours, keras = ("m - 1 (Algorithm 2)", "batch", "ours", (0, 5)), ("Keras", "keras", LABELS["keras"], (6, -8))
    for setting, arm, words, offset in (ours, keras):
        own = medians[medians["setting"] == setting]
        axes.plot(own["m"], own["ratio"], "o", color=COLORS[arm], markersize=4)
        style = dict(color=COLORS[arm], fontsize=small())
        axes.annotate(words, (own["m"].iloc[1], own["ratio"].iloc[1]), offset, "data", "offset points", **style)
    axes.set(
        xscale="log", xlabel="Size m of the mini-batch", ylabel="Variance over the\npopulation's", ylim=(0.4, 1.15)
    )
    ticks_at(axes.xaxis, sizes)


_COMMON = dict(height=52, least=40)


def _against(name: str, title: str, caption: str, claim: str, expected: str, found: str) -> Panel:
    """A panel of found against expected."""
    data = functools.partial(agreement, claim=claim)
    draw = functools.partial(draw_agreement, expected=expected, found=found)
    return Panel(name=name, title=title, caption=caption, data=data, draw=draw, **_COMMON)


PANELS = (
    Panel(
        name="algorithm_1",
        title="Algorithm 1",
        caption="A mini-batch before (x) and after (x̂) Algorithm 1.",
        data=histogram,
        draw=draw_histogram,
        **_COMMON,
    ),
    _against(
        "gradient",
        "Gradient",
        "The layer's gradient against finite differences, one draw; the number is the largest error of all draws.",
        claim="A1",
        expected="Finite differences",
        found="Layer",
    ),
    _against(
        "identity",
        "Identity recovered",
        "The input recovered by gamma and beta, one draw; the number is the largest error of all draws.",
        claim="A2",
        expected="Input x",
        found="Output y",
    ),
    _against(
        "convolution",
        "Convolution",
        "A convolution's output against Algorithm 1 over batch and locations, one draw; the number is the largest error of all.",
        claim="A7",
        expected="NumPy",
        found="Layer",
    ),
    _against(
        "folding",
        "Folding",
        "A net folded against the net itself, one draw; the number is the largest error of all draws.",
        claim="A6",
        expected="Output, unfolded",
        found="Output, folded",
    ),
    Panel(
        name="scale_invariance",
        title="Scale invariance",
        caption="Largest error of the three identities of section 3.3 over all draws, against the scale a of the weights. "
        "They are exact but for epsilon (filled, as it is used; open, next to none).",
        data=invariance,
        draw=draw_invariance,
        **_COMMON,
    ),
    Panel(
        name="bias",
        title="A bias whose gradient ignores the mean",
        caption="A bias over training steps, each draw a line. Where its gradient ignores that the mean depends on it, it grows "
        "without bound.",
        data=bias,
        draw=draw_bias,
        **_COMMON,
    ),
    Panel(
        name="running_variance",
        title="Running variance",
        caption="The running variance over the population's by size of the mini-batch, ours and Keras's, medians over the draws. "
        "Dashed, (m - 1) / m.",
        data=running_variance,
        draw=draw_running_variance,
        **_COMMON,
    ),
)

SHEETS = {
    "equations": ("algorithm_1", "gradient", "identity", "convolution"),
    "properties": ("folding", "scale_invariance", "bias", "running_variance"),
}
