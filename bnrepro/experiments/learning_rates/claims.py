"""The claims on learning rates, a function each, with the paper's own numbers. Draws nothing."""

import numpy as np
import pandas as pd

from bnrepro.analysis.claims import Rule, claim
from bnrepro.analysis.findings import (
    Row,
    counted,
    counted_if_any,
    diverged,
    largest_of,
    lost,
    median_bounded,
    median_of,
    median_ratio,
    single,
)
from bnrepro.analysis.paired import paired
from bnrepro.experiments.learning_rates.tables import (
    at_papers_rates,
    invariances,
    isometry,
    published,
    race,
    step_ratios,
)
from bnrepro.plotting.arms import LABELS
from bnrepro.records.results import select
from bnrepro.records.schemas import Tables

_PUBLISHED = published().set_index("arm")
_FEWER, _BEST = _PUBLISHED["paper_fewer"], _PUBLISHED["paper_best_accuracy"]


_STEPS = "steps to the Baseline's best validation accuracy of the same seed, each known to one evaluation"
_SHARES = "difference of shares"
_AN_EVALUATION = "median of seeds; one evaluation earlier at 10 of 12 seeds is seen"


@claim(
    id="L10",
    kind="secondary",
    section="4.2.2",
    sentence="At the same learning rate, Inception with BN reaches the best accuracy of Inception without BN in "
    "fewer steps",
    statistic=f"{_STEPS}, Baseline over BN-Baseline, {_AN_EVALUATION}",
    unit="times",
    rule=Rule("above", 1.0),
    paper=float(_FEWER["bn_baseline"]),
)
def faster(tables: Tables) -> list[Row]:
    return _fewer(tables, "baseline", "bn_baseline")


@claim(
    id="L11",
    kind="secondary",
    section="4.2.2",
    sentence="With BN, five times the learning rate and the changes of section 4.2.1, Inception reaches the best "
    "accuracy of Inception without BN in fewer steps than with BN alone",
    statistic=f"{_STEPS}, BN-Baseline over BN-x5, {_AN_EVALUATION}",
    unit="times",
    rule=Rule("above", 1.0),
    paper=float(_FEWER["bn_x5"] / _FEWER["bn_baseline"]),
)
def faster_still(tables: Tables) -> list[Row]:
    both = median_ratio(step_ratios(race(tables), "baseline", "bn_x5"), "Baseline over BN-x5")
    return [*_fewer(tables, "bn_baseline", "bn_x5"), both]


@claim(
    id="L12",
    kind="secondary",
    section="4.2.2",
    sentence="Of two Inceptions with the other changes of section 4.2.1, the one with BN and five times the learning rate "
    "reaches the best accuracy of Inception without BN in fewer steps than the one without BN at its own rate",
    statistic=f"{_STEPS}, Baseline with all changes but the rate over BN-x5, {_AN_EVALUATION}",
    unit="times",
    rule=Rule("above", 1.0),
)
def faster_than_with_the_changes_alone(tables: Tables) -> list[Row]:
    runs, arms = race(tables), ("bn_x5", "baseline_changed", "baseline_x5_changed")
    best = paired(runs, "best_metric", arms=arms, column="arm")
    return [
        *_fewer(tables, "baseline_changed", "bn_x5"),
        median_ratio(step_ratios(runs, "baseline_x5_changed", "bn_x5"), "Baseline x5 changed over BN-x5"),
        *_outcomes(runs, "baseline_x5_changed"),
        *(median_of(best[arm], "accuracy", f"best accuracy of {LABELS[arm]}") for arm in arms),
    ]


@claim(
    id="L13",
    kind="secondary",
    section="4.2.2",
    sentence="With 30 times the learning rate and the changes of section 4.2.1, Inception with BN ends at least as "
    "high as with 5 times the rate",
    statistic="best validation accuracy, BN-x30 minus BN-x5, median of seeds; a fifth of a point is allowed, and 0.4 points more "
    "than BN-x5 are seen",
    unit=_SHARES,
    rule=Rule("above", -0.002),
    paper=float(_BEST["bn_x30"] - _BEST["bn_x5"]),
)
def as_high(tables: Tables) -> list[Row]:
    rows = [median_of(_higher(tables))]
    if _has_papers_rates(tables):
        rows.append(median_of(_higher(tables, "papers_rates"), _SHARES, "the same at the paper's own rates"))
    return [*rows, *_guessing(race(tables), "bn_x5", "bn_x30")]


@claim(
    id="L14",
    kind="secondary",
    section="4.2.2",
    sentence="Without BN, Inception at 5 times the learning rate diverges or stays behind",
    statistic="final validation accuracy, Baseline x5 minus the Baseline, median of seeds; a point less is seen",
    unit=_SHARES,
    rule=Rule("below", 0.0),
)
def too_fast_without(tables: Tables) -> list[Row]:
    runs = race(tables)
    pairs = paired(runs, "final_metric", arms=("baseline", "baseline_x5"), column="arm")
    return [median_of(pairs["baseline_x5"] - pairs["baseline"]), *_guessing(runs, "baseline", "baseline_x5")]


@claim(
    id="L15a",
    kind="secondary",
    section="4.2.2",
    sentence="With sigmoids and without BN, Inception stays at chance",
    statistic="final validation accuracy minus chance, median of seeds",
    unit=_SHARES,
    rule=Rule("below", 0.02),
)
def sigmoid_without(tables: Tables) -> list[Row]:
    runs = race(tables)
    own = runs[runs["arm"] == "sigmoid"].set_index("seed")
    return [median_of(own["final_metric"] - own["chance"]), *_guessing(runs, "sigmoid")]


@claim(
    id="L15b",
    kind="secondary",
    section="4.2.2",
    sentence="With sigmoids, Inception trains if it has BN",
    statistic="final validation accuracy, BN-x5-Sigmoid minus the Baseline with sigmoids, median of seeds",
    unit=_SHARES,
    rule=Rule("above", 0.2),
)
def sigmoid_with(tables: Tables) -> list[Row]:
    runs = race(tables)
    pairs = paired(runs, "final_metric", arms=("sigmoid", "bn_x5_sigmoid"), column="arm")
    return [median_of(pairs["bn_x5_sigmoid"] - pairs["sigmoid"]), *_guessing(runs, "sigmoid", "bn_x5_sigmoid")]


@claim(
    id="L8",
    kind="check",
    section="3.3",
    sentence="In a trained net with BN, scaling the weights by a changes outputs and gradients only as dividing "
    "epsilon by a^2 does",
    statistic="largest relative error of logits and weight gradients over the layers and a from 1/8 to 64, largest "
    "of the seeds",
    unit="relative error",
    rule=Rule("below", 1e-3),
)
def invariant(tables: Tables) -> list[Row]:
    table = invariances(tables)
    nets = single("trained nets with BN in which it was measured", table["run"].nunique(), "count")
    if table.empty:
        return [Row("", np.nan), nets]
    change = single("largest change with epsilon as it is", table["change"].max(), "relative error")
    return [largest_of(table["error"], table["seed"].nunique()), nets, change]


@claim(
    id="L16",
    kind="secondary",
    section="3.3",
    sentence="In trained Inception nets the singular values of layer Jacobians lie closer to 1 with BN than without",
    statistic="mean distance from 0 of their logarithm (base 10), BN-Baseline minus Baseline, median of seeds; a "
    "twentieth of a decade is seen",
    unit="decades",
    rule=Rule("below", 0.0),
)
def isometric(tables: Tables) -> list[Row]:
    """A pair of which a run diverged or has none is undetermined: no difference in the median, any in the interval."""
    difference = isometry(tables, "bn_baseline") - isometry(tables, "baseline")
    lost = difference.isna()
    pairs = pd.DataFrame({"difference": difference.fillna(0.0), "bound": np.where(lost, "~", "")})
    return [
        median_bounded(pairs, "difference"),
        *counted_if_any(
            "pairs of which a run diverged or has no singular values, which count as no difference", lost, "pairs"
        ),
    ]


@claim(
    id="L17",
    kind="secondary",
    section="4.2.2",
    sentence="At the paper's own learning rates, Inception with BN, five times the rate and the changes of section 4.2.1 reaches "
    "the best accuracy of Inception without BN in fewer steps",
    statistic=f"{_STEPS}, Baseline at a rate of 0.0015 over BN-x5 at 0.0075, {_AN_EVALUATION}",
    unit="times",
    rule=Rule("above", 1.0),
    paper=float(_FEWER["bn_x5"]),
)
def faster_at_papers_rates(tables: Tables) -> list[Row]:
    if not _has_papers_rates(tables):
        return [Row("", np.nan)]
    ours = median_ratio(step_ratios(race(tables), "baseline", "bn_x5"), "the same at the Baseline's own best rate")
    return [*_fewer(tables, "baseline", "bn_x5", "papers_rates"), ours, *_best(tables, "baseline", "bn_x5")]


@claim(
    id="L18",
    kind="secondary",
    section="4.2.2",
    sentence="BN, five times the rate and the changes of section 4.2.1 save more steps where Inception without BN has the "
    "paper's learning rate than where it has its own best",
    statistic=f"{_STEPS}, Baseline over BN-x5, at rates of 0.0015 and 0.0075 over at 0.03 and 0.15, {_AN_EVALUATION}",
    unit="times",
    rule=Rule("above", 1.0),
)
def saves_more_at_papers_rates(tables: Tables) -> list[Row]:
    return [median_ratio(at_papers_rates(tables))] if _has_papers_rates(tables) else [Row("", np.nan)]


@claim(
    id="L19",
    kind="secondary",
    section="4.2.2",
    sentence="At the paper's own learning rates, Inception with BN ends at least as high with 30 times the rate as with 5 times",
    statistic="best validation accuracy, BN-x30 at a rate of 0.045 minus BN-x5 at 0.0075, median of seeds; a fifth of a point is "
    "allowed, and 0.4 points more are seen",
    unit=_SHARES,
    rule=Rule("above", -0.002),
    paper=float(_BEST["bn_x30"] - _BEST["bn_x5"]),
)
def as_high_at_papers_rates(tables: Tables) -> list[Row]:
    if not _has_papers_rates(tables):
        return [Row("", np.nan)]
    own, arms = race(tables, "papers_rates"), ("bn_x5", "bn_x30")
    return [median_of(_higher(tables, "papers_rates")), *_best(tables, *arms), *_guessing(own, *arms)]


def _higher(tables: Tables, group: str = "race") -> pd.Series:
    """By seed by how much the best accuracy of BN-x30 is higher than that of BN-x5."""
    pairs = paired(race(tables, group), "best_metric", arms=("bn_x5", "bn_x30"), column="arm")
    return pairs["bn_x30"] - pairs["bn_x5"]


def _has_papers_rates(tables: Tables) -> bool:
    return len(select(tables, "papers_rates")) > 0


def _best(tables: Tables, *arms: str) -> list[Row]:
    """The best accuracies of arms at the paper's rates."""
    runs = race(tables, "papers_rates")
    return [
        median_of(runs.loc[runs["arm"] == arm, "best_metric"], "accuracy", f"best of {LABELS[arm]}") for arm in arms
    ]


def _fewer(tables: Tables, slower: str, faster: str, group: str = "race") -> list[Row]:
    """How many times fewer steps the second arm needs than the first, how many runs of both get there, and how many at once."""
    runs = race(tables, group)
    pairs = step_ratios(runs, slower, faster)
    ties = (pairs["ratio"] == 1) & (pairs["bound"] == "")
    return [
        median_ratio(pairs),
        *_outcomes(runs, slower, faster),
        *counted_if_any("pairs that get there at the same evaluation, a ratio of 1", ties, "pairs"),
    ]


def _outcomes(runs: pd.DataFrame, *arms: str) -> list[Row]:
    """By arm how many runs reach the target, then how many diverged."""
    own = {LABELS[arm]: runs[runs["arm"] == arm] for arm in arms}
    ended = [row for name, rows in own.items() for row in diverged(rows, f"runs of {name} that diverged")]
    return [
        *(counted(f"runs of {name} that reach that accuracy", rows["reached"]) for name, rows in own.items()),
        *ended,
    ]


def _guessing(runs: pd.DataFrame, *arms: str) -> list[Row]:
    """By arm how many runs diverged and how many collapsed, where any did."""
    return [row for arm in arms for row in lost(runs[runs["arm"] == arm], f"runs of {LABELS[arm]}")]
