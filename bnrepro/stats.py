"""Statistics of runs: a DataFrame in, a DataFrame out, no state. Knows no claim, no figure and no file.

`curves` here is what `tables.select` gives: rows of the table `curves` with the run's config and status beside them. The
unit is the seed. A diverged run is a result: it never reaches a target, and where an accuracy is asked of it, it guesses.
"""

import functools
from typing import NamedTuple

import numpy as np
import pandas as pd

RESAMPLES = 10_000
CONFIDENCE = 0.95
BOOTSTRAP_SEED = 0
_LOW, _HIGH = (1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2

CHANCE = 0.1
"""Accuracy of a diverged run: with parameters that are not finite a net predicts nothing; all data sets have 10 classes."""

_MEASURED = ["step", "split", "loss", "accuracy"]


class Interval(NamedTuple):
    """A median, its bootstrap interval and the number of values; NaN and 0 where there is none."""

    estimate: float
    ci_low: float
    ci_high: float
    n: int


class Statistic(NamedTuple):
    """What a claim is judged by.

    `bound` is `>` or `<` where the estimate is only a bound (see `ratios`), `~` where it is bounded from neither side;
    `note` says in words what the number leaves out.
    """

    claim: str
    estimate: float
    ci_low: float
    ci_high: float
    n: int
    bound: str = ""
    note: str = ""


def evaluations(curves: pd.DataFrame) -> pd.DataFrame:
    """The evaluations on the test set."""
    return curves[curves["split"] == "test"]


def each_run(curves: pd.DataFrame, name: str, values: pd.Series) -> pd.DataFrame:
    """One row a run: its config and status, and a column `name` taken from `values`, which is indexed by run."""
    runs = curves.drop(columns=_MEASURED).drop_duplicates("run", ignore_index=True)
    return runs.assign(**{name: runs["run"].map(values)})


def steps_to_target(curves: pd.DataFrame, target: float) -> pd.DataFrame:
    """By run, `steps_to_target`: the first evaluation at or above `target`; infinite where never, or where it diverged."""
    test = evaluations(curves)
    reached = test[(test["accuracy"] >= target) & (test["status"] == "finished")]
    table = each_run(test, "steps_to_target", reached.groupby("run")["step"].min())
    return table.assign(steps_to_target=table["steps_to_target"].astype(float).fillna(np.inf))


def final_accuracy(curves: pd.DataFrame) -> pd.DataFrame:
    """By run, `final_accuracy`: the mean over the evaluations in the last tenth of the steps; `CHANCE` if it diverged."""
    test = evaluations(curves)
    late = test[10 * test["step"] > 9 * test["steps"]]
    table = each_run(test, "final_accuracy", late.groupby("run")["accuracy"].mean())
    return table.assign(final_accuracy=table["final_accuracy"].where(table["status"] == "finished", CHANCE))


def distance_from_curve(curves: pd.DataFrame, reference: pd.DataFrame) -> pd.DataFrame:
    """By run, `distance`: the mean absolute difference in accuracy from a published curve.

    Args:
        curves: The runs.
        reference: The published curve, `step` and `test_accuracy`. Only its points within the run's steps count; between
            evaluations the run is interpolated linearly, and after divergence it is at `CHANCE`.

    Returns:
        The runs with `distance`; NaN where no point lies within the run's steps.
    """
    test = evaluations(curves).sort_values("step")

    def distance(run: pd.DataFrame) -> float:
        points = reference[reference["step"] <= run["steps"].iloc[0]]
        ours = np.interp(points["step"], run["step"], run["accuracy"], right=CHANCE)
        return np.abs(ours - points["test_accuracy"]).mean()

    return each_run(
        test, "distance", pd.Series({name: distance(run) for name, run in test.groupby("run")}, dtype=float)
    )


def paired(table: pd.DataFrame, value: str, by: tuple[str, ...] = ("seed",)) -> pd.DataFrame:
    """The arms side by side: one row a seed (or whatever `by` names), columns `none` and `batch`.

    Raises:
        ValueError: A seed is in one arm only, or twice in one: then the arms were not treated alike.
    """
    pairs = table.pivot(index=list(by), columns="normalization", values="run")
    if set(pairs) != {"none", "batch"} or pairs.isna().any(axis=None):
        raise ValueError(
            f"each {', '.join(by)} is in both arms, none and batch: {pairs.isna().sum().to_dict()} are missing"
        )
    return table.pivot(index=list(by), columns="normalization", values=value)[["none", "batch"]].reset_index()


def ratios(pairs: pd.DataFrame, limit: float) -> pd.DataFrame:
    """Adds `ratio`, none over batch, and `bound`, to pairs of steps that may be infinite.

    A side that never got there counts as `limit`, the steps it was given. So where only the arm without BN never got
    there, the ratio is a lower bound (`>`); where only the arm with BN never did, an upper bound (`<`); where neither did,
    the pair is undetermined and counts as a tie, ratio 1 (`~`).
    """
    if (pairs[["none", "batch"]] <= 0).any(axis=None):
        raise ValueError("ratios are of numbers above 0")
    never = np.isinf(pairs[["none", "batch"]])
    capped = pairs[["none", "batch"]].clip(upper=limit)
    kinds = [never["none"] & never["batch"], never["none"], never["batch"]]
    return pairs.assign(ratio=capped["none"] / capped["batch"], bound=np.select(kinds, ["~", ">", "<"], ""))


def bound_of_median(table: pd.DataFrame) -> str:
    """Whether the median of `ratio` is itself a bound, and on which side.

    The median stands on the one or two ratios in the middle. A pair known only from below can change it if it stands at the
    upper of them or below; one known only from above, if at the lower or above; a tie could be on either side, so always.
    """
    lower, upper = (table["ratio"].quantile(0.5, interpolation=side) for side in ("lower", "higher"))
    raises = ((table["bound"] == ">") & (table["ratio"] <= upper)).any()
    lowers = ((table["bound"] == "<") & (table["ratio"] >= lower)).any()
    if (table["bound"] == "~").any() or (raises and lowers):
        return "~"
    return ">" if raises else "<" if lowers else ""


@functools.lru_cache(maxsize=8)
def _resamples(n: int) -> np.ndarray:
    return np.random.default_rng(BOOTSTRAP_SEED).integers(n, size=(RESAMPLES, n))


def bootstrap_median(values) -> Interval:
    """The median of finite `values` and its percentile bootstrap interval; always the same for the same values."""
    values = np.asarray(values, float)
    if not np.isfinite(values).all():
        raise ValueError("a median is taken of finite values: decide first what a missing one counts as")
    if not values.size:
        return Interval(np.nan, np.nan, np.nan, 0)
    medians = _medians(values)
    return Interval(float(np.median(values)), _end(medians, _LOW), _end(medians, _HIGH), values.size)


def bootstrap_ratio(table: pd.DataFrame) -> Interval:
    """The median `ratio` and an interval that holds whatever the true ratios of the pairs with a `bound` are.

    Its upper end is taken with `>` and `~` at infinity, its lower end with `<` and `~` at 0. So it may end at 0 or infinity:
    nothing then bounds the median on that side.
    """
    middle = bootstrap_median(table["ratio"])
    if not middle.n:
        return middle
    least = table["ratio"].mask(table["bound"].isin(["<", "~"]), 0.0).to_numpy()
    most = table["ratio"].mask(table["bound"].isin([">", "~"]), np.inf).to_numpy()
    return middle._replace(ci_low=_end(_medians(least), _LOW), ci_high=_end(_medians(most), _HIGH))


def _medians(values: np.ndarray) -> np.ndarray:
    return np.median(values[_resamples(values.size)], axis=1)


def _end(medians: np.ndarray, share: float) -> float:
    """A quantile; where medians are infinite the next one above it, for no line leads from a number to infinity."""
    return float(np.quantile(medians, share, method="higher" if np.isinf(medians).any() else "linear"))


def median_curves(curves: pd.DataFrame) -> pd.DataFrame:
    """By arm and step, the median test accuracy over the seeds and its interval; after divergence a run is at `CHANCE`.

    Returns:
        Columns `normalization`, `step`, `estimate`, `ci_low`, `ci_high`, `n`.
    """
    rows = []
    for arm, runs in evaluations(curves).groupby("normalization"):
        accuracy = runs.pivot(index="step", columns="run", values="accuracy").fillna(CHANCE)
        rows += [(arm, step, *bootstrap_median(values)) for step, values in zip(accuracy.index, accuracy.to_numpy())]
    return pd.DataFrame(rows, columns=("normalization", "step", *Interval._fields))
