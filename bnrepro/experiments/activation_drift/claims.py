"""The claim on activation drift, with the paper's own number. Draws nothing."""

import numpy as np

from bnrepro.analysis import paper
from bnrepro.analysis.claims import Rule, claim
from bnrepro.analysis.findings import Row, counted_if_any, median_ratio
from bnrepro.analysis.paired import paired
from bnrepro.experiments.activation_drift.tables import typical_drift
from bnrepro.records.schemas import Tables


@claim(
    id="T3",
    kind="secondary",
    section="4.1",
    sentence="With BN the inputs of a typical sigmoid drift less over training than without BN",
    statistic="drift of the typical unit without BN over with BN, median of seeds",
    unit="times",
    rule=Rule("above", 1.0),
    paper=paper.DRIFT["none"] / paper.DRIFT["batch"],
)
def less_drift(tables: Tables) -> list[Row]:
    """A pair of which a run diverged is undetermined: a tie in the median, anything from 0 to infinity in the interval."""
    runs = typical_drift(tables)
    pairs = paired(runs.assign(drift=runs["drift"].where(runs["status"] != "diverged")), "drift")
    ratio = (pairs["none"] / pairs["batch"]).replace(np.inf, np.nan)  # no ratio either where a drift is 0
    table = pairs.assign(ratio=ratio.fillna(1.0), bound=np.where(ratio.isna(), "~", ""))
    lost = pairs[["none", "batch"]].isna().any(axis=1)
    return [median_ratio(table), *counted_if_any("pairs of which a run diverged, which count as ties", lost, "pairs")]
