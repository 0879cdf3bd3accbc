"""The figure of activation drift, drawn from tables of quantiles and drift. Knows no claim."""

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, NullLocator, PercentFormatter

from bnrepro import panels, paper
from bnrepro.plots import COLORS, DOUBLE, LABELS, add_panel, new_figure, styled

_PANELS = (("none", "a", 10), ("batch", "b", 67))


@styled
def draw(quantiles: pd.DataFrame, published: pd.DataFrame, drift: pd.DataFrame, marks: dict[str, float]) -> Figure:
    """The whole figure.

    Args:
        quantiles: The typical unit of each run, with its config.
        published: The paper's Figure 1(b, c), or no row of it.
        drift: Every unit of each run, with its config.
        marks: The paper's drift by arm, or nothing.
    """
    figure = new_figure(DOUBLE, 64)
    last, first_seed = quantiles["steps"].max(), quantiles["seed"].min()
    published = published.assign(step=published["training_fraction"] * paper.STEPS).query("step <= @last")
    strong = quantiles[quantiles["seed"] == first_seed]
    values = pd.concat([strong["value"], published["sigmoid_input"]])
    margin = 0.06 * (values.max() - values.min())
    for arm, letter, left in _PANELS:
        axes = add_panel(figure, (left, 7, 44, 46), letter, f"Input of a sigmoid {LABELS[arm]}")
        for seed, run in quantiles[quantiles["normalization"] == arm].groupby("seed"):
            panels.percentile_band(axes, run, COLORS[arm], strong=seed == first_seed)
        for place, (_, line) in enumerate(published[published["arm"] == arm].groupby("percentile")):
            panels.paper_line(
                axes, line["step"], line["sigmoid_input"], label="_paper" if place else "paper, Figure 1(b, c)"
            )
        if len(published) and letter == "b":
            axes.legend(loc="upper right", borderaxespad=0.2)
        panels.step_axis(axes, last)
        axes.set_ylim(values.min() - margin, values.max() + 3 * margin)
        panels.name_percentiles(axes, strong[strong["normalization"] == arm], COLORS[arm])
        axes.set_ylabel("")
    _distribution(add_panel(figure, (129, 7, 43, 46), "c", "Units that drift less"), drift, marks)
    return figure


def _distribution(axes: Axes, drift: pd.DataFrame, marks: dict[str, float]) -> None:
    for arm, level, side in (("batch", 0.8, "right"), ("none", 0.2, "left")):
        own = drift[drift["normalization"] == arm]
        for _, run in own.groupby("run"):
            panels.share_below(axes, run["drift"], color=COLORS[arm], linewidth=0.5, alpha=0.35)
        panels.share_below(axes, own["drift"], color=COLORS[arm], label=LABELS[arm])
        offset = (-6 if side == "right" else 6, 0)
        style = dict(textcoords="offset points", color=COLORS[arm], ha=side, va="center")
        axes.annotate(LABELS[arm], (own["drift"].quantile(level), level), offset, **style)
        if arm in marks:
            panels.paper_mark(axes, marks[arm], 0.5)
            if arm == "batch":
                style = dict(textcoords="offset points", fontsize=7, color=COLORS["paper"], ha="center", va="bottom")
                axes.annotate(LABELS["paper"], (marks[arm], 0.5), (0, 5), **style)
    axes.axhline(0.5, color="#8C8C8C", linewidth=0.7, linestyle=":", zorder=1)
    axes.yaxis.set_major_formatter(PercentFormatter(1, 0))
    axes.set(ylim=(0, 1), xlabel="Drift of a unit", ylabel="", xscale="log")
    axes.xaxis.set_major_locator(LogLocator(subs=(1, 3)))
    axes.xaxis.set_major_formatter("{x:g}")
    axes.xaxis.set_minor_locator(NullLocator())
