"""Figure 1(b, c): do the inputs of a sigmoid drift less with BN? Claim T3 and the figure, on the runs of Figure 1."""

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from bnrepro import paper
from bnrepro.config import RunConfig
from bnrepro.findings import activation_drift_figure
from bnrepro.findings.figure1 import PRESETS, pairs
from bnrepro.select import on_papers_data
from bnrepro.stats import Statistic, bootstrap_ratio, bound_of_median, paired
from bnrepro.tables import Tables, select

__all__ = ["CAPTION", "PAPER", "PRESETS", "TABLES", "TITLE", "analyse", "figure", "sweep", "typical_drift"]

TITLE = "Activation drift"
TABLES = ("runs", "quantiles", "drift")
PAPER = {"T3": paper.DRIFT["none"] / paper.DRIFT["batch"]}

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


def sweep(preset: str, **overrides) -> dict[str, list[RunConfig]]:
    """The pairs of runs of Figure 1(a); whoever has trained those has these."""
    return {"main": pairs(preset, **overrides)}


def analyse(tables: Tables) -> pd.DataFrame:
    """The statistic of T3: `claim`, `estimate`, `ci_low`, `ci_high`, `n`, `bound`, `note`."""
    return pd.DataFrame([_drifts_less(tables)])


def figure(tables: Tables) -> Figure:
    """Percentiles of the typical unit and of all units pooled in each arm, and the drift of every unit."""
    quantiles = select(tables, "main", "quantiles")
    is_papers = on_papers_data(tables)
    published = paper.figure1bc() if is_papers else paper.figure1bc().iloc[:0]
    marks = paper.DRIFT if is_papers else {}
    return activation_drift_figure.draw(quantiles, published, select(tables, "main", "drift"), marks)


def typical_drift(tables: Tables) -> pd.DataFrame:
    """By run of the main group, its config and `drift` of its typical unit: the lower median of its units."""
    typical = tables["drift"].groupby("run")["drift"].quantile(0.5, interpolation="lower")
    runs = select(tables, "main", "runs")
    return runs.assign(drift=runs["run"].map(typical))


def _drifts_less(tables: Tables) -> Statistic:
    """A pair of which a run diverged is undetermined: a tie in the median, anything from 0 to infinity in the interval."""
    runs = typical_drift(tables)
    pairs = paired(runs.assign(drift=runs["drift"].where(runs["status"] == "finished")), "drift")
    ratio = (pairs["none"] / pairs["batch"]).replace(np.inf, np.nan)  # no ratio either where a drift is 0
    table = pairs.assign(ratio=ratio.fillna(1.0), bound=np.where(ratio.isna(), "~", ""))
    lost = int(pairs[["none", "batch"]].isna().any(axis=1).sum())
    note = f"a run of {lost} of {len(pairs)} pairs diverged; such a pair counts as a tie" if lost else ""
    return Statistic("T3", *bootstrap_ratio(table), bound_of_median(table), note)
