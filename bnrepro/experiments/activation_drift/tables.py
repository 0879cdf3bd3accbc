"""What the runs come to: the drift of each run's typical unit. Knows no claim, draws nothing."""

import pandas as pd

from bnrepro.records.results import select
from bnrepro.records.schemas import Tables


def typical_drift(tables: Tables) -> pd.DataFrame:
    """By run of the main group, its config and `drift` of its typical unit: the lower median of its units."""
    typical = tables["drift"].groupby("run")["drift"].quantile(0.5, interpolation="lower")
    runs = select(tables, "main")
    return runs.assign(drift=runs["run"].map(typical))
