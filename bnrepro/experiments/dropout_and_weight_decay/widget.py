"""The widget of notebook 08: a net with BN at any Dropout rate and place, and a run to train at once. Knows no claim."""

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from bnrepro.analysis.curves import evaluations, median_curves
from bnrepro.analysis.formatting import number
from bnrepro.analysis.select import config_of, group_curves, where
from bnrepro.config.run_config import RunConfig
from bnrepro.experiments.control import Control, values_in
from bnrepro.experiments.dropout_and_weight_decay.tables import DROPOUT, PLACES, shifted
from bnrepro.experiments.presets import live_run
from bnrepro.plotting import widget_figure
from bnrepro.plotting.arms import COLORS, LABELS
from bnrepro.plotting.axes import accuracy_axis_to, step_axis
from bnrepro.plotting.style import styled
from bnrepro.records.results import select
from bnrepro.records.schemas import Tables

_LIVE_EVALUATIONS = 20


def controls(tables: Tables) -> tuple[Control, ...]:
    """The Dropout rates of the record, and the places; it starts where the claims are judged."""
    rates = values_in(select(tables, "dropout", arm="dropout")["dropout"])
    return (
        Control("dropout", "Dropout rate", rates, DROPOUT),
        Control("dropout_place", "Place of Dropout", PLACES, "before"),
    )


@styled
def explore(tables: Tables, live: pd.DataFrame | None = None, *, dropout: float, dropout_place: str) -> Figure:
    """Validation accuracy over the steps with this Dropout and BN, the net with BN and no Dropout behind."""
    curves = group_curves(tables, "dropout")
    chosen = (curves["dropout"] == dropout) & (curves["dropout_place"] == dropout_place)
    title = f"Validation accuracy, Dropout {dropout:.0%} {LABELS[dropout_place]}"
    figure, axes = widget_figure.panel(title, _shift(tables, dropout, dropout_place))
    _accuracy(axes, curves[curves["arm"] == "plain"], "batch", "no Dropout")
    _accuracy(axes, curves[(curves["arm"] == "dropout") & chosen], dropout_place, f"Dropout of {dropout:.0%}")
    step_axis(axes, curves["steps"].max())
    highest = evaluations(curves)["value"].fillna(curves["chance"]).max()
    accuracy_axis_to(axes, highest)
    widget_figure.live_curve(axes, live)
    widget_figure.name_lines(axes)
    return figure


def live(tables: Tables, *, dropout: float, dropout_place: str) -> RunConfig:
    """The record's run at this rate and place, as long, but at a seed that is not reported and with nothing else measured."""
    runs = where(select(tables, "dropout", arm="dropout"), dropout=dropout, dropout_place=dropout_place)
    return live_run(config_of(runs), _LIVE_EVALUATIONS)


def _accuracy(axes: Axes, curves: pd.DataFrame, arm: str, label: str) -> None:
    """Each run thin, their median thick over its interval."""
    runs = evaluations(curves).dropna(subset=["value"])
    for _, run in runs.groupby("run"):
        axes.plot(run["step"], run["value"], color=COLORS[arm], linewidth=0.5, alpha=0.35, zorder=2)
    middle = median_curves(curves, "arm")
    band = dict(color=COLORS[arm], alpha=0.22, linewidth=0, zorder=3)
    axes.fill_between(middle["step"], middle["ci_low"], middle["ci_high"], **band)
    axes.plot(middle["step"], middle["estimate"], color=COLORS[arm], label=label, zorder=5)


def _shift(tables: Tables, dropout: float, dropout_place: str) -> str:
    """The variance at inference over that in use in words."""
    runs = shifted(tables).query("dropout_place == @dropout_place")
    with_it, without = (number(runs.loc[runs["dropout"] == rate, "ratio"].median()) for rate in (dropout, 0.0))
    return f"variance at inference over the running one {with_it}, without Dropout {without}"
