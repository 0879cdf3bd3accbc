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

_ARMS = ("none", "batch", "moving")
_KEYS = ["run", "arm", "seed", "steps", "step", "percentile", "value"]
_LABELS = {**LABELS, "moving": "with BN, moving averages"}


def percentiles(tables: Tables, unit: str) -> dict[str, pd.DataFrame]:
    """Of the typical unit of each run, or of all its units pooled: each run, what is drawn thick, the paper's one unit."""
    rows = _with_arms(tables, "quantiles")
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


def _with_arms(tables: Tables, name: str) -> pd.DataFrame:
    """The rows of a table with `arm`: without BN, with BN through population statistics, or `moving` averages."""
    rows = select(tables, ("main", "moving"), name)
    return rows.assign(arm=rows["normalization"].mask(rows["group"] == "moving", "moving"))


def _first_seed(rows: pd.DataFrame) -> pd.DataFrame:
    """The run of the first seed: the typical unit is another one in each run, so a median over them would be of no unit."""
    own = rows[rows["seed"] == rows["seed"].min()]
    return own[["arm", "step", "percentile", "value"]].reset_index(drop=True)


def _median(rows: pd.DataFrame) -> pd.DataFrame:
    """The median over the seeds; of the runs that go on, where some diverged."""
    return rows.groupby(["arm", "step", "percentile"])["value"].median().reset_index()


def draw_percentiles(area: Area, data: dict[str, pd.DataFrame]) -> None:
    """Without BN at the left, with BN right of it, on one scale."""
    runs, thick, papers = data["runs"], data["thick"], data["paper"]
    values = pd.concat([runs["value"], papers["sigmoid_input"]])
    margin = 0.06 * (values.max() - values.min())
    arms = [arm for arm in _ARMS if arm in _ARMS[:2] or arm in set(runs["arm"])]
    for axes, arm in zip(area.grid(widths=[1] * len(arms), gap=(9, 3)), arms):
        for _, run in runs[runs["arm"] == arm].groupby("seed"):
            percentile_band(axes, run, COLORS[arm], strong=False)
        strong = thick[thick["arm"] == arm]
        percentile_band(axes, strong, COLORS[arm], strong=True)
        for _, line in papers[papers["arm"] == ("none" if arm == "none" else "batch")].groupby("percentile"):
            paper_line(axes, line["step"], line["sigmoid_input"])
        step_axis(axes, data["axis"]["last_step"].iloc[0])
        axes.set(
            ylim=(values.min() - margin, values.max() + margin), ylabel="Input of the sigmoid" if arm == "none" else ""
        )
        axes.tick_params(labelleft=arm == "none")
        words = [(_LABELS[arm], COLORS[arm])]
        if arm == "none" and len(papers):
            words.append(("- - -  paper", COLORS["paper"]))
        key_above(axes, *words)
        name_percentiles(axes, strong, COLORS[arm])


def drift(tables: Tables) -> dict[str, pd.DataFrame]:
    """The drift of every unit of each run, and the paper's by arm."""
    units = _with_arms(tables, "drift")[["run", "arm", "seed", "unit", "drift"]]
    marks = paper.DRIFT if on_papers_data(tables) else {}
    return {"units": units, "paper": pd.DataFrame(marks.items(), columns=["arm", "drift"])}


def draw_drift(area: Area, data: dict[str, pd.DataFrame]) -> None:
    """The share of units that drift less, each run thin and all together thick, through moving averages dashed."""
    axes, units = area.axes(), data["units"]
    marks = data["paper"].set_index("arm")["drift"]
    for arm, level, side in (("moving", 0.65, "right"), ("batch", 0.8, "right"), ("none", 0.8, "left")):
        own, dashes = units[units["arm"] == arm], "--" if arm == "moving" else "-"
        if own.empty:
            continue
        for _, run in own.groupby("run"):
            share_below(axes, run["drift"], color=COLORS[arm], linewidth=0.5, alpha=0.35)
        share_below(axes, own["drift"], color=COLORS[arm], label=LABELS[arm], linestyle=dashes)
        style = dict(textcoords="offset points", color=COLORS[arm], ha=side, va="center", path_effects=CLEAR)
        axes.annotate(_LABELS[arm], (own["drift"].quantile(level), level), (-6 if side == "right" else 6, 0), **style)
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
        "that of the first seed (thick, shaded) and of the others (thin), with BN read through population statistics and through "
        "moving averages. Dashed, the paper's Figure 1(b, c).",
        data=functools.partial(percentiles, unit="typical"),
        draw=draw_percentiles,
        width=175,
        height=62,
        least=130,
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
        "in each of {main_seeds} runs an arm (thin) and in all together (thick), with BN read through population statistics or "
        "moving averages (dashed). Diamonds, the paper's unit, placed at the median.",
        data=drift,
        draw=draw_drift,
        width=175,
        height=58,
    ),
)

SHEETS = {"drift": ("typical", "all_units", "drift")}
