"""What the runs come to: the drift of each run's typical unit. Knows no claim, draws nothing."""

import numpy as np
import pandas as pd

from bnrepro.analysis.paired import paired
from bnrepro.experiments.figure1 import INFERENCE
from bnrepro.records.results import select
from bnrepro.records.schemas import Tables

EVERY = 2
"""Of the percentiles each so many-th evaluation is kept."""


def derive(tables: Tables) -> Tables:
    """The tables to keep: of the percentiles every other evaluation, and of the runs through moving averages the typical unit.

    The drift of every unit is of all evaluations, and is kept whole.
    """
    rows, runs = tables["quantiles"], tables["runs"].set_index("run")
    every, last = (rows["run"].map(runs[name]) for name in ("evaluate_every", "steps"))
    pooled = rows["run"].isin(select(tables, "moving")["run"]) & (rows["unit"] == "all")
    kept = ((rows["step"] % (EVERY * every) == 0) | (rows["step"] == last)) & ~pooled
    return {**tables, "quantiles": rows[kept].reset_index(drop=True)}


def typical_drift(tables: Tables) -> pd.DataFrame:
    """By run its config and `drift` of its typical unit: the lower median of its units; NaN where it diverged."""
    typical = tables["drift"].groupby("run")["drift"].quantile(0.5, interpolation="lower")
    runs = select(tables, ("main", "moving"))
    return runs.assign(drift=runs["run"].map(typical).where(runs["status"] != "diverged"))


def drift_ratios(tables: Tables, inference: str = "population") -> pd.DataFrame:
    """By seed the drift without BN over that with BN, read through `moving` averages or `population` statistics.

    A pair of which a run diverged is undetermined: a tie in the median, anything from 0 to infinity in the interval (`lost`).
    """
    runs = typical_drift(tables)
    runs = runs[(runs["normalization"] == "none") | (runs[INFERENCE] == inference)]
    if set(runs["normalization"]) < {"none", "batch"}:
        return pd.DataFrame(columns=["ratio", "bound", "lost"])
    pairs = paired(runs, "drift")
    ratio = (pairs["none"] / pairs["batch"]).replace(np.inf, np.nan)  # no ratio either where a drift is 0
    lost = pairs[["none", "batch"]].isna().any(axis=1)
    return pairs.assign(ratio=ratio.fillna(1.0), bound=np.where(ratio.isna(), "~", ""), lost=lost)
