"""The widget of notebook 06: accuracy over the rates at any size of the mini-batch, and a run to train. Knows no claim."""

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from bnrepro.analysis.select import config_of, intervals, where
from bnrepro.config.run_config import RunConfig
from bnrepro.experiments.batch_size.tables import BUDGETS, SMALL, tried
from bnrepro.experiments.control import Control, values_in
from bnrepro.experiments.presets import live_run
from bnrepro.plotting import widget_figure
from bnrepro.plotting.arms import COLORS, LABELS
from bnrepro.plotting.axes import accuracy_axis_to, step_axis
from bnrepro.plotting.lines import ticks_at
from bnrepro.plotting.marks import seeds_and_median
from bnrepro.plotting.style import add_panel, new_figure, small, styled
from bnrepro.records.results import select
from bnrepro.records.schemas import Tables

_LIVE_STEPS, _LIVE_EVALUATIONS = 10_000, 16
_ARMS = ("batch", "renorm", "none")
_SHORT = {"batch": "BN", "renorm": "Renormalization", "none": "without"}


def controls(tables: Tables) -> tuple[Control, ...]:
    """The sizes of the dense net, and what is held fixed."""
    sizes = values_in(select(tables, BUDGETS[0])["batch_size"])
    return (
        Control("batch_size", "Mini-batch m", sizes, SMALL),
        Control("budget", "As many", BUDGETS, BUDGETS[0]),
    )


@styled
def explore(tables: Tables, live: pd.DataFrame | None = None, *, batch_size: int, budget: str) -> Figure:
    """Validation accuracy over the rates by arm, each best one ringed; right of it, room for the live run over its steps."""
    runs = tried(tables)
    runs = runs[runs["group"].isin(BUDGETS)]
    own = where(runs, group=budget, batch_size=batch_size)
    best = own[own["chosen"]].groupby("arm")["learning_rate"].first()
    rates = {arm: f"{best[arm]:g}" for arm in _ARMS if arm in best}
    figure = new_figure(*widget_figure.SIZE)
    words = ", ".join(f"{_SHORT[arm]} {rate}" for arm, rate in rates.items())
    title = f"Validation accuracy at m = {batch_size:,}, as many {budget}"
    axes = add_panel(figure, (11, 12, 49, 40), title, subtitle=f"best rate: {words}")
    beside = add_panel(figure, (91, 12, 20, 40))
    for arm in rates:
        _rates(axes, own[own["arm"] == arm], arm)
    _rate_axis(axes, sorted(set(runs["learning_rate"])))
    step_axis(beside, _live(tables, batch_size, budget).steps)
    highest = runs["validation"].max()
    for each in (axes, beside):
        accuracy_axis_to(each, highest)
    beside.tick_params(labelleft=False)
    widget_figure.live_curve(beside, live)
    if not beside.lines:
        style = dict(fontsize=small(), ha="center", va="center", color="#6B6B6B")
        beside.text(0.5, 0.5, "live run", transform=beside.transAxes, **style)
    widget_figure.name_lines(axes)
    widget_figure.name_lines(beside)
    return figure


def live(tables: Tables, *, batch_size: int, budget: str) -> RunConfig:
    """A run with BN at that size and its best rate, at a seed that is not reported; of a long one the first part."""
    return _live(tables, batch_size, budget)


def _live(tables: Tables, batch_size: int, budget: str) -> RunConfig:
    runs = where(tried(tables), group=budget, arm="batch", batch_size=batch_size, chosen=True)
    return live_run(config_of(runs), _LIVE_EVALUATIONS, _LIVE_STEPS)


def _rates(axes: Axes, runs: pd.DataFrame, arm: str) -> None:
    """Each seed thin, the median thick over its interval, a ring around the best rate."""
    medians = intervals(runs.dropna(subset=["validation"]), "learning_rate", "validation")
    seeds_and_median(axes, runs, medians, "learning_rate", "validation", COLORS[arm], LABELS[arm])
    best = runs.loc[runs["chosen"], "learning_rate"].iloc[0]
    ringed = medians.loc[medians["learning_rate"] == best, ["learning_rate", "estimate"]]
    ring = dict(markersize=8, markerfacecolor="none", markeredgecolor=COLORS[arm], markeredgewidth=1.1, zorder=7)
    axes.plot(*ringed.to_numpy().T, "o", label=f"_best {arm}", **ring)


def _rate_axis(axes: Axes, rates: list[float]) -> None:
    axes.set(xscale="log", xlim=(rates[0] / 1.4, rates[-1] * 1.1), xlabel="Learning rate")
    ticks_at(axes.xaxis, rates)
