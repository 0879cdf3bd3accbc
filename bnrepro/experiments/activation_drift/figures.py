"""The figure of activation drift: percentiles over training, and the drift of every unit. Knows no claim."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, NullLocator, PercentFormatter

from bnrepro.analysis import paper
from bnrepro.analysis.select import on_papers_data
from bnrepro.plotting.arms import COLORS, LABELS
from bnrepro.plotting.axes import DOTTED, step_axis
from bnrepro.plotting.marks import (
    name_percentiles,
    paper_line,
    paper_mark,
    percentile_band,
    share_below,
)
from bnrepro.plotting.style import DOUBLE, add_panel, new_figure, styled
from bnrepro.records.results import select
from bnrepro.records.schemas import Tables

CAPTION = (
    "(a, b) The 15th, 50th and 85th percentile, over the test set, of the input of one sigmoid of the last hidden layer while "
    "the net trains, without and with BN: the typical unit of seed 0 (thick, shaded) and of the other seeds (thin); dashed, "
    "the paper's Figure 1(b, c). The typical unit of a run is the one whose drift is the lower median of its units, a rule "
    "fixed in advance. (c, d) The same percentiles of all the layer's units pooled: each run (thin), the median of the seeds "
    "(thick, shaded), and dashed the same curves of the paper, which are of one unit. (e) Drift of a unit: the standard "
    "deviation of a percentile over the evaluations after step 0, mean of the three percentiles. The share of units that drift "
    "less, in each of {main_seeds} runs an arm (thin) and in all together (thick); diamonds, the paper's unit, placed at the "
    "median."
)

_ROWS = (("typical", 7, "ab", "A typical sigmoid"), ("all", 63, "cd", "All sigmoids"))
_ARMS = (("none", 10), ("batch", 67))


def figure(tables: Tables) -> Figure:
    """Percentiles of the typical unit and of all units pooled in each arm, and the drift of every unit."""
    quantiles = select(tables, "main", "quantiles")
    is_papers = on_papers_data(tables)
    published = paper.figure1bc() if is_papers else paper.figure1bc().iloc[:0]
    marks = paper.DRIFT if is_papers else {}
    return draw(quantiles, published, select(tables, "main", "drift"), marks)


@styled
def draw(quantiles: pd.DataFrame, published: pd.DataFrame, drift: pd.DataFrame, marks: dict[str, float]) -> Figure:
    """The whole figure. What is infinite is left out of the panels.

    Args:
        quantiles: The typical unit of each run, and all its units pooled, with its config.
        published: The paper's Figure 1(b, c), or no row of it.
        drift: Every unit of each run, with its config.
        marks: The paper's drift by arm, or nothing.
    """
    figure = new_figure(DOUBLE, 119)
    last = quantiles["steps"].max()
    quantiles = quantiles[np.isfinite(quantiles["value"])]
    published = published.assign(step=published["training_fraction"] * paper.STEPS).query("step <= @last")
    runs = {unit: quantiles[quantiles["unit"] == unit] for unit, *_ in _ROWS}
    strong = {"typical": _first_seed(runs["typical"]), "all": _median(runs["all"])}
    values = pd.concat([*(lines["value"] for lines in strong.values()), published["sigmoid_input"]])
    margin = 0.06 * (values.max() - values.min())
    for unit, top, letters, title in _ROWS:
        for letter, (arm, left) in zip(letters, _ARMS):
            axes = add_panel(figure, (left, top, 44, 44), letter, f"{title} {LABELS[arm]}")
            for _, run in runs[unit][runs[unit]["normalization"] == arm].groupby("seed"):
                percentile_band(axes, run, COLORS[arm], strong=False)
            thick = strong[unit][strong[unit]["normalization"] == arm]
            percentile_band(axes, thick, COLORS[arm], strong=True)
            _paper_lines(axes, published[published["arm"] == arm])
            if len(published) and letter == "b":
                axes.legend(loc="upper right", borderaxespad=0.2)
            step_axis(axes, last)
            axes.set(ylim=(values.min() - margin, values.max() + 3 * margin))
            if unit == "typical":
                axes.set_xlabel("")
            name_percentiles(axes, thick, COLORS[arm])
    _distribution(add_panel(figure, (129, 7, 43, 100), "e", "Units that drift less"), drift, marks)
    return figure


def _first_seed(rows: pd.DataFrame) -> pd.DataFrame:
    """The run of the first seed: the typical unit is another one in each run, so a median over them would be of no unit."""
    return rows[rows["seed"] == rows["seed"].min()]


def _median(rows: pd.DataFrame) -> pd.DataFrame:
    """The median over the seeds; of the runs that go on, where some diverged."""
    return rows.groupby(["normalization", "step", "percentile"])["value"].median().reset_index()


def _paper_lines(axes: Axes, lines: pd.DataFrame) -> None:
    for place, (_, line) in enumerate(lines.groupby("percentile")):
        label = "_paper" if place else "paper, Figure 1(b, c)"
        paper_line(axes, line["step"], line["sigmoid_input"], label=label)


def _distribution(axes: Axes, drift: pd.DataFrame, marks: dict[str, float]) -> None:
    for arm, level, side in (("batch", 0.8, "right"), ("none", 0.2, "left")):
        own = drift[drift["normalization"] == arm]
        for _, run in own.groupby("run"):
            share_below(axes, run["drift"], color=COLORS[arm], linewidth=0.5, alpha=0.35)
        share_below(axes, own["drift"], color=COLORS[arm], label=LABELS[arm])
        offset = (-6 if side == "right" else 6, 0)
        style = dict(textcoords="offset points", color=COLORS[arm], ha=side, va="center")
        axes.annotate(LABELS[arm], (own["drift"].quantile(level), level), offset, **style)
        if arm in marks:
            paper_mark(axes, marks[arm], 0.5)
            if arm == "batch":
                style = dict(textcoords="offset points", fontsize=7, color=COLORS["paper"], ha="center", va="bottom")
                axes.annotate(LABELS["paper"], (marks[arm], 0.5), (0, 5), **style)
    axes.axhline(0.5, **DOTTED)
    axes.yaxis.set_major_formatter(PercentFormatter(1, 0))
    axes.set(ylim=(0, 1), xlabel="Drift of a unit", ylabel="", xscale="log")
    axes.xaxis.set_major_locator(LogLocator(subs=(1, 3)))
    axes.xaxis.set_major_formatter("{x:g}")
    axes.xaxis.set_minor_locator(NullLocator())
