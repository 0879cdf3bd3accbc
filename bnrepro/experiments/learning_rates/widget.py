"""The widget of notebook 03: both Baselines at any rate of the sweep, and a run to train at once. Knows no claim."""

import pandas as pd
from matplotlib.figure import Figure

from bnrepro.analysis.curves import evaluations
from bnrepro.analysis.select import group_curves
from bnrepro.config.run_config import RunConfig
from bnrepro.experiments.control import Control, values_in
from bnrepro.experiments.presets import live_run
from bnrepro.experiments.setups import BASE_RATE, BN_BASELINE
from bnrepro.plotting import widget_figure
from bnrepro.plotting.arms import LABELS
from bnrepro.plotting.style import styled
from bnrepro.records.results import select
from bnrepro.records.schemas import Tables

_LIVE_EVALUATIONS = 10
_LIVE_VALIDATION_EXAMPLES = 1_000  # a fifth of the record's: evaluation would else take longer than training


def controls(tables: Tables) -> tuple[Control, ...]:
    """The rates of the sweep, which starts at the Baseline's own best, or on another task at the lowest."""
    rates = values_in(select(tables, "rates")["learning_rate"])
    return (Control("learning_rate", "Learning rate", rates, BASE_RATE if BASE_RATE in rates else rates[0]),)


@styled
def explore(tables: Tables, live: pd.DataFrame | None = None, *, learning_rate: float) -> Figure:
    """Validation accuracy over the steps without and with BN at one rate; of a run that diverged, a guess from then on."""
    curves = group_curves(tables, "rates")
    own = curves[curves["learning_rate"] == learning_rate]
    figure, axes = widget_figure.panel(f"Validation accuracy at the rate {learning_rate:g}", _diverged(own))
    highest = evaluations(curves)["value"].fillna(curves["chance"]).max()
    widget_figure.accuracy_curves(axes, own, curves["steps"].max(), highest)
    widget_figure.live_curve(axes, live)
    widget_figure.name_lines(axes)
    return figure


def live(tables: Tables, *, learning_rate: float) -> RunConfig:
    """The first half of a run of BN-Baseline at this rate, at a seed that is not reported."""
    half = BN_BASELINE.replace(
        rate_halvings=BN_BASELINE.optimizer.rate_halvings / 2,
        learning_rate=learning_rate,
        steps=int(select(tables, "rates")["steps"].max()) // 2,
        validation_examples=_LIVE_VALIDATION_EXAMPLES,
    )
    return live_run(half, _LIVE_EVALUATIONS)


def _diverged(curves: pd.DataFrame) -> str:
    """How many runs of each arm diverged, in words."""
    runs = curves.drop_duplicates("run")
    lost = (runs["status"] == "diverged").groupby(runs["normalization"]).agg(["sum", "size"])
    words = [f"{row['sum']} of {row['size']} {LABELS[arm]}" for arm, row in lost.iterrows() if row["sum"]]
    return f"diverged: {', '.join(words)}" if words else "no run diverged"
