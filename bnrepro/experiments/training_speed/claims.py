"""The claims on training speed, a function each, with the paper's own numbers. Draws nothing."""

import numpy as np
import pandas as pd

from bnrepro.analysis import paper
from bnrepro.analysis.claims import Rule, claim
from bnrepro.analysis.curves import distance_from_curve, final_metric
from bnrepro.analysis.findings import Row, counted, diverged, largest_of, median_of, median_ratio, single
from bnrepro.analysis.paired import paired, ratios
from bnrepro.analysis.select import group_curves
from bnrepro.experiments.setups import ARMS
from bnrepro.experiments.training_speed.tables import LARGEST_CLASS, TARGET, published, speed
from bnrepro.plotting.arms import LABELS
from bnrepro.records.schemas import Tables

_LAST = paper.figure1a().groupby("arm")["test_accuracy"].last()
"""By arm, the last point that the paper plots."""


@claim(
    id="T1",
    kind="primary",
    section="4.1",
    sentence="A net with BN reaches 97% test accuracy in fewer steps than the same net without BN",
    statistic="steps to 97% without BN over steps with BN, median of seeds",
    unit="times",
    rule=Rule("above", 1.0),
    paper=paper.STEPS_TO_97_PERCENT["none"] / paper.STEPS_TO_97_PERCENT["batch"],
)
def fewer_steps(tables: Tables) -> list[Row]:
    runs = speed(tables)
    pairs = ratios(paired(runs, "steps_to_target"), runs["steps"].iloc[0])
    reached = runs.groupby("normalization")["reached"]
    return [
        median_ratio(pairs),
        *(counted(f"runs {LABELS[arm]} that reach {TARGET:.0%}", reached.get_group(arm)) for arm in ARMS),
    ]


@claim(
    id="T2",
    kind="primary",
    section="4.1",
    sentence="A net with BN ends at a higher test accuracy than the same net without BN",
    statistic="mean accuracy over the last tenth of the steps, with BN minus without, median of seeds",
    unit="difference of shares",
    rule=Rule("above", 0.0),
    paper=float(_LAST["batch"] - _LAST["none"]),
)
def higher_accuracy(tables: Tables) -> list[Row]:
    runs = final_metric(group_curves(tables, "main"))
    pairs = paired(runs, "final_metric")
    return [median_of(pairs["batch"] - pairs["none"]), *diverged(runs)]


@claim(
    id="T4",
    kind="secondary",
    section="4.1",
    sentence="The test accuracy over training of a net with BN, on which nothing was tuned, follows the paper's curve",
    statistic="mean distance in accuracy from the paper's curve, median of seeds",
    unit="difference of shares",
    rule=Rule("below", 0.01),
)
def as_published(tables: Tables) -> list[Row]:
    curves = group_curves(tables, "main").query("normalization == 'batch'")
    runs = distance_from_curve(curves, published(tables).query("arm == 'batch'"))["distance"]
    label = "runs long enough to be compared with the paper's curve, and on its data"
    compared = runs.notna()
    return [median_of(runs.dropna()), *([] if compared.any() else [counted(label, compared)])]


@claim(
    id="C1",
    kind="secondary",
    section="4.1",
    sentence="Control: trained on shuffled labels, a net stays at chance on the test set with BN and without",
    statistic="final accuracy of the better arm minus the share of the largest class, median of seeds",
    unit="difference of shares",
    rule=Rule("below", 0.02),
)
def shuffled_labels(tables: Tables) -> list[Row]:
    runs = final_metric(group_curves(tables, "shuffled"))
    better = paired(runs, "final_metric")[list(ARMS)].max(axis=1)
    return [median_of(better - LARGEST_CLASS[runs["task"].iloc[0]])]


@claim(
    id="C2",
    kind="check",
    section="4.1",
    sentence="Control: a net with BN switched off trains as the net without BN, the same to the bit",
    statistic="largest difference of losses and accuracies between the arms over seeds",
    unit="difference",
    rule=Rule("at most", 0.0),
)
def switched_off(tables: Tables) -> list[Row]:
    off = group_curves(tables, "off")
    none = group_curves(tables, "main").query("normalization == 'none'")
    none = none[none["step"] <= off["steps"].iloc[0]]
    both = off.merge(none, on=["seed", "step", "split"], suffixes=("_off", "_none"), how="outer")
    differences = pd.concat([_difference(both[f"{name}_off"], both[f"{name}_none"]) for name in ("loss", "value")])
    evaluated = int((both["split"] == "test").sum())
    return [
        largest_of(differences, both["seed"].nunique()),
        single("evaluations compared", evaluated, "count"),
        single("stretches of training between them compared", len(both) - evaluated, "count"),
    ]


def _difference(one: pd.Series, other: pd.Series) -> pd.Series:
    """The absolute difference; 0 where both are missing, infinite where one is."""
    same = (one == other) | (one.isna() & other.isna())
    return (one - other).abs().fillna(np.inf).where(~same, 0.0)
