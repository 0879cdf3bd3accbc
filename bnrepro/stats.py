"""Statistics of runs: a DataFrame in, a DataFrame out, no state. Knows no claim, no figure and no file.

`curves` here is what `tables.select` gives: rows of the table `curves` with the run's config and status beside them. The
unit is the seed. A diverged run is a result: it never reaches a target, and where an accuracy is asked of it, it guesses.
Where the runs are of several groups, a column of the caller's says which arm a run is.
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


def evaluations(curves: pd.DataFrame, split: str = "") -> pd.DataFrame:
    """The evaluations on `split`; by default on the validation examples of a run that holds some out, else on the test set."""
    return curves[curves["split"] == (split or held_out(curves))]


def held_out(runs: pd.DataFrame) -> pd.Series:
    """By row, the split that a run is evaluated on while it trains: `validation` where it holds examples out, else `test`."""
    examples = runs["validation_examples"] if "validation_examples" in runs else pd.Series(0, runs.index)
    return pd.Series(np.where(examples > 0, "validation", "test"), runs.index)


def with_lost(curves: pd.DataFrame, runs: pd.DataFrame) -> pd.DataFrame:
    """Adds a row without values at step 0 for each of `runs` that diverged before its first evaluation: it counts too."""
    lost = runs[~runs["run"].isin(curves["run"])]
    rows = lost.assign(step=0, split=held_out(lost))
    return pd.concat([curves, rows], ignore_index=True) if len(lost) else curves


def each_run(curves: pd.DataFrame, name: str, values: pd.Series) -> pd.DataFrame:
    """One row a run: its config and status, and a column `name` taken from `values`, which is indexed by run."""
    runs = curves.drop(columns=_MEASURED).drop_duplicates("run", ignore_index=True)
    return runs.assign(**{name: runs["run"].map(values)})


def steps_to_target(curves: pd.DataFrame, target: float | pd.Series) -> pd.DataFrame:
    """By run, `steps_to_target`: the first evaluation at or above `target`; infinite where never, or where it diverged.

    `target` is a number for all runs, or a number by seed. Evaluations before the first step do not count.
    """
    test = evaluations(curves)
    asked = test["seed"].map(target) if isinstance(target, pd.Series) else target
    reached = test[(test["accuracy"] >= asked) & (test["step"] > 0) & (test["status"] == "finished")]
    table = each_run(curves, "steps_to_target", reached.groupby("run")["step"].min())
    return table.assign(steps_to_target=table["steps_to_target"].astype(float).fillna(np.inf))


def final_accuracy(curves: pd.DataFrame, split: str = "") -> pd.DataFrame:
    """By run, `final_accuracy`: the mean over the evaluations in the last tenth of the steps; `CHANCE` if it diverged."""
    test = evaluations(curves, split)
    late = test[10 * test["step"] > 9 * test["steps"]]
    return _or_chance(each_run(curves, "final_accuracy", late.groupby("run")["accuracy"].mean()))


def best_accuracy(curves: pd.DataFrame, split: str = "") -> pd.DataFrame:
    """By run, `best_accuracy`: the largest of its evaluations; `CHANCE` if it diverged."""
    test = evaluations(curves, split)
    return _or_chance(each_run(curves, "best_accuracy", test.groupby("run")["accuracy"].max()))


def _or_chance(table: pd.DataFrame) -> pd.DataFrame:
    """The last column, with `CHANCE` where the run diverged."""
    name = table.columns[-1]
    return table.assign(**{name: table[name].where(table["status"] == "finished", CHANCE)})


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


def paired(
    table: pd.DataFrame,
    value: str,
    by: tuple[str, ...] = ("seed",),
    arms: tuple[str, str] = ("none", "batch"),
    column: str = "normalization",
) -> pd.DataFrame:
    """Two arms side by side: one row a seed (or whatever `by` names), a column for each of `arms`, the values of `column`.

    Raises:
        ValueError: A seed is in one arm only, or twice in one: then the arms were not treated alike.
    """
    table = table[table[column].isin(arms)]
    pairs = table.pivot(index=list(by), columns=column, values="run")
    if set(pairs) != set(arms) or pairs.isna().any(axis=None):
        raise ValueError(
            f"each {', '.join(by)} is in both arms, {' and '.join(arms)}: {pairs.isna().sum().to_dict()} are missing"
        )
    return table.pivot(index=list(by), columns=column, values=value)[list(arms)].reset_index()


def ratios(pairs: pd.DataFrame, limit: float, arms: tuple[str, str] = ("none", "batch")) -> pd.DataFrame:
    """Adds `ratio`, the first arm over the second, and `bound`, to pairs of steps that may be infinite.

    A side that never got there counts as `limit`, the steps it was given. So where only the first arm (without BN) never
    got there, the ratio is a lower bound (`>`); where only the second never did, an upper bound (`<`); where neither did,
    the pair is undetermined and counts as a tie, ratio 1 (`~`).
    """
    first, second = (pairs[arm] for arm in arms)
    if (pairs[list(arms)] <= 0).any(axis=None):
        raise ValueError("ratios are of numbers above 0")
    never = np.isinf(first), np.isinf(second)
    kinds = [never[0] & never[1], *never]
    ratio = first.clip(upper=limit) / second.clip(upper=limit)
    return pairs.assign(ratio=ratio, bound=np.select(kinds, ["~", ">", "<"], ""))


def bound_of_median(table: pd.DataFrame, value: str = "ratio") -> str:
    """Whether the median of the column `value` is itself a bound, and on which side.

    The median stands on the one or two values in the middle. A pair known only from below can change it if it stands at the
    upper of them or below; one known only from above, if at the lower or above; a tie could be on either side, so always.
    """
    lower, upper = (table[value].quantile(0.5, interpolation=side) for side in ("lower", "higher"))
    raises = ((table["bound"] == ">") & (table[value] <= upper)).any()
    lowers = ((table["bound"] == "<") & (table[value] >= lower)).any()
    if (table["bound"] == "~").any() or (raises and lowers):
        return "~"
    return ">" if raises else "<" if lowers else ""


@functools.lru_cache(maxsize=8)
def _drawn(n: int) -> np.ndarray:
    """How often each resample of `n` values holds each of them, `(n, RESAMPLES)`."""
    resamples = np.random.default_rng(BOOTSTRAP_SEED).integers(n, size=(RESAMPLES, n))
    return np.stack([(resamples == value).sum(axis=1, dtype=np.int16) for value in range(n)])


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
    return bootstrap_bounded(table, "ratio", least=0.0)


def bootstrap_bounded(table: pd.DataFrame, value: str, least: float = -np.inf) -> Interval:
    """As `bootstrap_ratio`, of the column `value`, whose true values lie anywhere from `least` on."""
    middle = bootstrap_median(table[value])
    if not middle.n:
        return middle
    low = table[value].mask(table["bound"].isin(["<", "~"]), least).to_numpy()
    high = table[value].mask(table["bound"].isin([">", "~"]), np.inf).to_numpy()
    return middle._replace(ci_low=_end(_medians(low), _LOW), ci_high=_end(_medians(high), _HIGH))


def _medians(values: np.ndarray) -> np.ndarray:
    """The median of each resample: of its values in order, the one in the middle or the mean of the two there.

    To count how many of its values lie at or below each value is ten times as fast as to sort each resample.
    """
    order = np.argsort(values)
    at_or_below, lower, upper = np.zeros((3, RESAMPLES), np.int16)
    for drawn in _drawn(values.size)[order]:
        at_or_below += drawn
        lower += at_or_below <= (values.size - 1) // 2
        upper += at_or_below <= values.size // 2
    return (values[order][lower] + values[order][upper]) / 2


def _end(medians: np.ndarray, share: float) -> float:
    """A quantile; where medians are infinite the next one outwards, for no line leads from a number to infinity."""
    outwards = "lower" if np.isneginf(medians).any() else "higher" if np.isposinf(medians).any() else "linear"
    return float(np.quantile(medians, share, method=outwards))


def median_curves(curves: pd.DataFrame, column: str = "normalization") -> pd.DataFrame:
    """By arm (a value of `column`) and step, the median accuracy of the evaluations over the seeds and its interval.

    After divergence a run is at `CHANCE`.

    Returns:
        Columns `column`, `step`, `estimate`, `ci_low`, `ci_high`, `n`.
    """
    rows = []
    for arm, runs in evaluations(curves).groupby(column):
        accuracy = runs.pivot(index="step", columns="run", values="accuracy").fillna(CHANCE)
        rows += [(arm, step, *bootstrap_median(values)) for step, values in zip(accuracy.index, accuracy.to_numpy())]
    return pd.DataFrame(rows, columns=(column, "step", *Interval._fields))
