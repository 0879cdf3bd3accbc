"""The claims on activation drift, with the paper's own number. Draws nothing."""

import numpy as np

from bnrepro.analysis import paper
from bnrepro.analysis.claims import Rule, claim
from bnrepro.analysis.findings import Row, counted_if_any, median_bounded, median_ratio
from bnrepro.experiments.activation_drift.tables import drift_ratios
from bnrepro.records.schemas import Tables

_PAPER = paper.DRIFT["none"] / paper.DRIFT["batch"]

_THROUGH_AVERAGES = "drift without BN over with BN, read through moving averages"


@claim(
    id="T3",
    kind="secondary",
    section="4.1",
    sentence="With BN the inputs of a typical sigmoid drift less over training than without BN",
    statistic="drift of the typical unit without BN over with BN, read through population statistics, median of seeds",
    unit="times",
    rule=Rule("above", 1.0),
    paper=_PAPER,
)
def less_drift(tables: Tables) -> list[Row]:
    """A pair of which a run diverged is undetermined."""
    pairs, moving = drift_ratios(tables), drift_ratios(tables, "moving")
    lost = counted_if_any("pairs of which a run diverged, which count as ties", pairs["lost"], "pairs")
    return [median_ratio(pairs), *lost, *([median_ratio(moving, _THROUGH_AVERAGES)] if len(moving) else [])]


@claim(
    id="T8",
    kind="secondary",
    section="4.1",
    sentence="The paper's drop in drift with BN is nearer to ours read through population statistics than through moving "
    "averages",
    statistic="distance on a scale of factors of ten of the drift without BN over with BN from the paper's, through population "
    "statistics minus through moving averages, median of seeds",
    unit="decades",
    rule=Rule("below", 0.0),
)
def read_through_the_population(tables: Tables) -> list[Row]:
    """As T3: a pair of which a run diverged is a tie, bounded from neither side."""
    each = [drift_ratios(tables, name) for name in ("population", "moving")]
    one, other = (np.abs(np.log10(own["ratio"].astype(float) / _PAPER)) for own in each)
    undetermined = (each[0]["bound"] == "~") | (each[1]["bound"] == "~")
    table = (one - other).mask(undetermined, 0.0).dropna().rename("nearer").to_frame()
    table = table.assign(bound=np.where(undetermined.reindex(table.index), "~", ""))
    return [median_bounded(table, "nearer")]
