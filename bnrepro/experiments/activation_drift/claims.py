"""The claim on activation drift as a statistic, and the paper's own number. Draws nothing."""

import numpy as np
import pandas as pd

from bnrepro.analysis import paper
from bnrepro.analysis.intervals import Statistic, bootstrap_ratio, bound_of_median
from bnrepro.analysis.paired import paired
from bnrepro.experiments.activation_drift.tables import typical_drift
from bnrepro.records.schemas import Tables

PAPER = {"T3": paper.DRIFT["none"] / paper.DRIFT["batch"]}


def analyse(tables: Tables) -> pd.DataFrame:
    """The statistic of T3: `claim`, `estimate`, `ci_low`, `ci_high`, `n`, `bound`, `note`."""
    return pd.DataFrame([_drifts_less(tables)])


def _drifts_less(tables: Tables) -> Statistic:
    """A pair of which a run diverged is undetermined: a tie in the median, anything from 0 to infinity in the interval."""
    runs = typical_drift(tables)
    pairs = paired(runs.assign(drift=runs["drift"].where(runs["status"] == "finished")), "drift")
    ratio = (pairs["none"] / pairs["batch"]).replace(np.inf, np.nan)  # no ratio either where a drift is 0
    table = pairs.assign(ratio=ratio.fillna(1.0), bound=np.where(ratio.isna(), "~", ""))
    lost = int(pairs[["none", "batch"]].isna().any(axis=1).sum())
    note = f"a run of {lost} of {len(pairs)} pairs diverged; such a pair counts as a tie" if lost else ""
    return Statistic("T3", *bootstrap_ratio(table), bound_of_median(table), note)
