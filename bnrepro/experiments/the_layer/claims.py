"""The claims on the layer as statistics: the largest error over random draws, and how a bias grows. Draws nothing."""

import numpy as np
import pandas as pd

from bnrepro.analysis.intervals import bootstrap_median
from bnrepro.experiments.the_layer.tables import errors, growth
from bnrepro.records.schemas import Tables

PAPER = {}
"""The paper gives equations, and no number for these claims."""


def analyse(tables: Tables) -> pd.DataFrame:
    """The statistic of each claim: `claim`, `estimate`, `ci_low`, `ci_high`, `n`."""
    rows = [_largest(claim, errors(tables, claim)) for claim in ("A1", "A2", "A3", "A5", "A6", "A7")]
    rows.append(("A4", *bootstrap_median(growth(tables))))
    columns = ["claim", "estimate", "ci_low", "ci_high", "n"]
    return pd.DataFrame(rows, columns=columns).sort_values("claim", ignore_index=True)


def _largest(claim: str, rows: pd.DataFrame) -> tuple:
    """The largest error over all draws as the estimate and both ends of the interval, and the number of draws.

    The claim is about every draw, so one that is wrong contradicts it. An error that is no number is infinite.
    """
    largest = rows["value"].fillna(np.inf).max()
    return claim, largest, largest, largest, rows["draw"].nunique()
