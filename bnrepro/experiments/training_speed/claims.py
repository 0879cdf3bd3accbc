"""The claims on training speed, a function each, with the paper's own numbers. Draws nothing."""

import numpy as np
import pandas as pd

from bnrepro.analysis import paper
from bnrepro.analysis.claims import Rule, claim
from bnrepro.analysis.curves import distance_from_curve, final_metric, steps_to_target
from bnrepro.analysis.findings import (
    Row,
    counted,
    diverged,
    largest_of,
    median_between,
    median_of,
    median_ratio,
    single,
)
from bnrepro.analysis.paired import paired, ratios
from bnrepro.analysis.races import fewer_steps
from bnrepro.analysis.select import group_curves
from bnrepro.experiments.setups import ARMS
from bnrepro.experiments.training_speed.sweep import AXES
from bnrepro.experiments.training_speed.tables import (
    LARGEST_CLASS,
    TARGET,
    at_edge,
    published,
    races,
    readings,
    speed,
)
from bnrepro.plotting.arms import LABELS
from bnrepro.records.schemas import Tables

_LAST = paper.figure1a().groupby("arm")["test_accuracy"].last()
"""By arm, the last point that the paper plots."""

_CALIBRATED = "At the rate and start at which the net without BN follows the paper"
_EASIER = 0.96
"""A test accuracy that our nets without BN reach too."""

_OWN = "Each at its own best rate and start"
_NAMES = {"initial_std": "initial standard deviation", "learning_rate": "learning rate"}


@claim(
    id="T1",
    kind="primary",
    section="4.1",
    sentence=f"{_CALIBRATED}, one with BN has 97% test accuracy in fewer steps",
    statistic="steps to 97% without BN over steps with BN, median of seeds",
    unit="times",
    rule=Rule("above", 1.0),
    paper=paper.STEPS_TO_97_PERCENT["none"] / paper.STEPS_TO_97_PERCENT["batch"],
)
def sooner(tables: Tables) -> list[Row]:
    runs = speed(tables)
    reached = runs.groupby("normalization")["reached"]
    papers = paper.steps_to(_EASIER)
    return [
        median_ratio(_fewer(runs)),
        *(counted(f"runs {LABELS[arm]} that reach {TARGET:.0%}", reached.get_group(arm)) for arm in ARMS),
        median_ratio(_fewer(steps_to_target(group_curves(tables, "main"), _EASIER)), f"the same to {_EASIER:.0%}"),
        single(f"the paper's, to {_EASIER:.0%}", papers["none"] / papers["batch"], "times"),
    ]


def _fewer(runs: pd.DataFrame) -> pd.DataFrame:
    """By seed, steps to a target without BN over with."""
    return ratios(paired(runs, "steps_to_target"), runs["steps"].iloc[0])


@claim(
    id="T2",
    kind="primary",
    section="4.1",
    sentence=f"{_CALIBRATED}, one with BN ends at a higher test accuracy",
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
    runs = distance_from_curve(curves, published(tables).query("arm == 'batch'")).set_index("seed")["distance"]
    label = "runs long enough to be compared with the paper's curve, and on its data"
    compared = runs.notna()
    return [median_of(runs.dropna()), *([] if compared.any() else [counted(label, compared)])]


_TO_TARGET = (
    "to a test accuracy that both arms reach on other seeds, without BN over with, each arm at the fastest of the rates and "
    "starts on other seeds and examples, each known to one evaluation, median of seeds"
)


@claim(
    id="T5",
    kind="secondary",
    section="4.1",
    sentence=f"{_OWN}, a net with BN reaches a test accuracy in fewer steps than one without BN",
    statistic=f"steps {_TO_TARGET}",
    unit="times",
    rule=Rule("above", 1.0),
)
def fewer_steps_at_its_best(tables: Tables) -> list[Row]:
    runs, rows = races(tables), []
    for target in dict.fromkeys(runs["target"]):
        rows.append(single("accuracy that is raced to", target, "accuracy"))
    for arm in ARMS:
        own = runs[runs["normalization"] == arm]
        rows += [_value(tables, own, name) for name in AXES if len(own)]
        rows += [counted(f"runs {LABELS[arm]} that get there", own["reached"])] if len(own) else []
    further = races(tables, TARGET)
    if len(runs) and runs["target"].iloc[0] < TARGET:
        rows.append(median_between(fewer_steps(further), f"steps to {TARGET:.0%}, at the same rates and starts"))
    return [median_between(fewer_steps(runs)), *rows]


@claim(
    id="T6",
    kind="secondary",
    section="4.1",
    sentence=f"{_OWN}, a net with BN reaches a test accuracy in less time than one without BN",
    statistic=f"seconds of training, without compilation and evaluation, {_TO_TARGET}",
    unit="times",
    rule=Rule("above", 1.0),
)
def less_time_at_its_best(tables: Tables) -> list[Row]:
    runs, rows = races(tables), []
    for arm in ARMS:
        each = runs.loc[runs["normalization"] == arm, "seconds"]
        if len(each):
            rows.append(single(f"a step {LABELS[arm]}", 1e3 * each.median(), "milliseconds", len(each)))
            rows.append(single(f"slowest over fastest step {LABELS[arm]}", each.max() / each.min(), "times", len(each)))
    return [median_between(fewer_steps(runs, runs["seconds"])), *rows]


@claim(
    id="T7",
    kind="secondary",
    section="4.1",
    sentence="The paper's curve with BN is nearer to ours read through population statistics than through moving averages",
    statistic="mean distance in accuracy from the paper's curve, through population statistics minus through moving averages, "
    "median of seeds",
    unit="difference of shares",
    rule=Rule("below", 0.0),
)
def read_through_the_population(tables: Tables) -> list[Row]:
    pairs = readings(tables)
    words = {"population": "population statistics", "moving": "moving averages"}
    each = [median_of(pairs[name], "difference of shares", f"distance through {words[name]}") for name in words]
    return [median_of(pairs["population"] - pairs["moving"]), *(each if len(pairs) else [])]


def _value(tables: Tables, runs: pd.DataFrame, name: str) -> Row:
    """The rate or the start of an arm that is raced, and whether a better one may lie beyond."""
    value, arm = runs[name].iloc[0], LABELS[runs["normalization"].iloc[0]]
    edge = ", at an end of its candidates" if at_edge(tables, name, value) else ""
    return single(f"{_NAMES[name]} {arm}{edge}", value, "rate" if name == "learning_rate" else "ratio")


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
