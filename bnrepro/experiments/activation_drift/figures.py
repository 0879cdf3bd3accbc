"""The panels of activation drift: percentiles over training, and the drift of every unit. Knows no claim."""

import functools

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import LogLocator, NullLocator

from bnrepro.analysis import paper
from bnrepro.analysis.select import on_papers_data
from bnrepro.plotting.area import Area
from bnrepro.plotting.arms import COLORS, LABELS
from bnrepro.plotting.axes import CLEAR, DOTTED, accuracy_ticks, key_above, step_axis
from bnrepro.plotting.marks import name_percentiles, paper_line, paper_mark, percentile_band, share_below
from bnrepro.plotting.panel import Panel
from bnrepro.plotting.style import small
from bnrepro.records.results import select
from bnrepro.records.schemas import Tables

_ARMS = ("none", "batch")
_KEYS = ["run", "normalization", "seed", "steps", "step", "percentile", "value"]


def percentiles(tables: Tables, unit: str) -> dict[str, pd.DataFrame]:
    """Of the typical unit of each run, or of all its units pooled: each run, what is drawn thick, the paper's one unit."""
    rows = select(tables, "main", "quantiles")
    last = rows["steps"].max()
    runs = rows.loc[np.isfinite(rows["value"]) & (rows["unit"] == unit), _KEYS]
    published = paper.figure1bc() if on_papers_data(tables) else paper.figure1bc().iloc[:0]
    published = published.assign(step=published["training_fraction"] * paper.STEPS).query("step <= @last")
    return {
        "runs": runs.reset_index(drop=True),
        "thick": _first_seed(runs) if unit == "typical" else _median(runs),
        "paper": published[["arm", "percentile", "step", "sigmoid_input"]].reset_index(drop=True),
        "axis": pd.DataFrame({"last_step": [last]}),
    }


def _first_seed(rows: pd.DataFrame) -> pd.DataFrame:
    """The run of the first seed: the typical unit is another one in each run, so a median over them would be of no unit."""
    own = rows[rows["seed"] == rows["seed"].min()]
    return own[["normalization", "step", "percentile", "value"]].reset_index(drop=True)


def _median(rows: pd.DataFrame) -> pd.DataFrame:
    """The median over the seeds; of the runs that go on, where some diverged."""
    return rows.groupby(["normalization", "step", "percentile"])["value"].median().reset_index()


def draw_percentiles(area: Area, data: dict[str, pd.DataFrame]) -> None:
    """Without BN at the left, with BN at the right, on one scale."""
    runs, thick, papers = data["runs"], data["thick"], data["paper"]
    values = pd.concat([runs["value"], papers["sigmoid_input"]])
    margin = 0.06 * (values.max() - values.min())
    for axes, arm in zip(area.grid(widths=(1, 1), gap=(9, 3)), _ARMS):
        for _, run in runs[runs["normalization"] == arm].groupby("seed"):
            percentile_band(axes, run, COLORS[arm], strong=False)
        strong = thick[thick["normalization"] == arm]
        percentile_band(axes, strong, COLORS[arm], strong=True)
        for _, line in papers[papers["arm"] == arm].groupby("percentile"):
            paper_line(axes, line["step"], line["sigmoid_input"])
        step_axis(axes, data["axis"]["last_step"].iloc[0])
        axes.set(
            ylim=(values.min() - margin, values.max() + margin), ylabel="Input of the sigmoid" if arm == "none" else ""
        )
        axes.tick_params(labelleft=arm == "none")
        words = [(LABELS[arm], COLORS[arm])]
        if arm == "batch" and len(papers):
            words.append(("- - -  paper", COLORS["paper"]))
        key_above(axes, *words)
        name_percentiles(axes, strong, COLORS[arm])


def drift(tables: Tables) -> dict[str, pd.DataFrame]:
    """The drift of every unit of each run, and the paper's by arm."""
    units = select(tables, "main", "drift")[["run", "normalization", "seed", "unit", "drift"]]
    marks = paper.DRIFT if on_papers_data(tables) else {}
    return {"units": units, "paper": pd.DataFrame(marks.items(), columns=["normalization", "drift"])}


def draw_drift(area: Area, data: dict[str, pd.DataFrame]) -> None:
    """The share of units that drift less, each run thin and all together thick."""
    axes, units = area.axes(), data["units"]
    marks = data["paper"].set_index("normalization")["drift"]
    for arm, level, side in (("batch", 0.8, "right"), ("none", 0.2, "left")):
        own = units[units["normalization"] == arm]
        for _, run in own.groupby("run"):
            share_below(axes, run["drift"], color=COLORS[arm], linewidth=0.5, alpha=0.35)
        share_below(axes, own["drift"], color=COLORS[arm], label=LABELS[arm])
        style = dict(textcoords="offset points", color=COLORS[arm], ha=side, va="center", path_effects=CLEAR)
        axes.annotate(LABELS[arm], (own["drift"].quantile(level), level), (-6 if side == "right" else 6, 0), **style)
        if arm in marks:
            _paper(axes, marks[arm], named=arm == "batch")
    axes.axhline(0.5, **DOTTED)
    accuracy_ticks(axes)
    axes.set(ylim=(0, 1), xlabel="Drift of a unit, in units of its input", ylabel="Share of units", xscale="log")
    axes.xaxis.set_major_locator(LogLocator(subs=(1, 3)))
    axes.xaxis.set_major_formatter("{x:g}")
    axes.xaxis.set_minor_locator(NullLocator())


def _paper(axes: Axes, value: float, named: bool) -> None:
    paper_mark(axes, value, 0.5)
    if named:
        style = dict(fontsize=small(), color=COLORS["paper"], ha="center", va="bottom")
        axes.annotate(LABELS["paper"], (value, 0.5), (0, 5), textcoords="offset points", **style)


PANELS = (
    Panel(
        name="typical",
        title="Input of a typical sigmoid: 15th, 50th and 85th percentile over the test set",
        caption="The unit of the last hidden layer whose drift is the lower median of its run's units, a rule fixed in advance: "
        "that of seed 0 (thick, shaded) and of the other seeds (thin), without and with BN. Dashed, the paper's Figure "
        "1(b, c).",
        data=functools.partial(percentiles, unit="typical"),
        draw=draw_percentiles,
        width=175,
        height=62,
        least=80,
    ),
    Panel(
        name="all_units",
        title="Input of all sigmoids of the layer: 15th, 50th and 85th percentile over the test set",
        caption="Of all units of the last hidden layer pooled, without and with BN: each of {main_seeds} runs an arm "
        "(thin) and the median of the seeds (thick, shaded). Dashed, the same curves of the paper, which are of one unit.",
        data=functools.partial(percentiles, unit="all"),
        draw=draw_percentiles,
        width=175,
        height=62,
        least=80,
    ),
    Panel(
        name="drift",
        title="Share of units that drift less",
        caption="Drift of a unit is the standard deviation of a percentile over the evaluations after step 0, mean of the three: "
        "in each of {main_seeds} runs an arm (thin) and in all together (thick). Diamonds, the paper's unit, placed at "
        "the median.",
        data=drift,
        draw=draw_drift,
        width=175,
        height=58,
    ),
)

SHEETS = {"drift": ("typical", "all_units", "drift")}
