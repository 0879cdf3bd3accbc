"""Statistics of runs: a DataFrame in, a DataFrame out, no state. Knows no claim, no figure and no file.

`curves` here is what `results.select` gives: rows of the table `curves` with the run's config and status beside them. The
unit is the seed. A diverged run is a result: it never reaches a target, and where a metric is asked of it, it guesses, for
with parameters that are not finite a net predicts nothing. How well its task is guessed is the column `chance`.
Where the runs are of several groups, a column of the caller's says which arm a run is.
"""

import numpy as np
import pandas as pd

from bnrepro.analysis.intervals import Interval, median_interval

_MEASURED = ["step", "split", "loss", "metric", "value"]


def evaluations(curves: pd.DataFrame, split: str = "") -> pd.DataFrame:
    """The evaluations on `split`; by default on the validation examples of a run that holds some out, else on the test set."""
    return curves[are_evaluations(curves, split)]


def are_evaluations(curves: pd.DataFrame, split: str = "") -> pd.Series:
    """By row, whether `evaluations` has it."""
    return curves["split"] == (split or held_out(curves))


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
    runs = curves.drop_duplicates("run", ignore_index=True).drop(columns=_MEASURED)
    return runs.assign(**{name: runs["run"].map(values)})


def steps_to_target(curves: pd.DataFrame, target: float | pd.Series) -> pd.DataFrame:
    """By run, `steps_to_target`: the first evaluation at or above `target`; infinite where never, or where it diverged.

    `target` is a number for all runs, or a number by seed. Evaluations before the first step do not count.
    """
    asked = curves["seed"].map(target) if isinstance(target, pd.Series) else target
    there = (curves["value"] >= asked) & (curves["step"] > 0) & (curves["status"] == "finished")
    reached = curves[["run", "step"]][there & are_evaluations(curves)]
    table = each_run(curves, "steps_to_target", reached.groupby("run")["step"].min())
    return table.assign(steps_to_target=table["steps_to_target"].astype(float).fillna(np.inf))


def final_metric(curves: pd.DataFrame, split: str = "") -> pd.DataFrame:
    """By run, `final_metric`: the mean over the evaluations in the last tenth of the steps; chance if it diverged."""
    late = curves[["run", "value"]][are_evaluations(curves, split) & (10 * curves["step"] > 9 * curves["steps"])]
    return _or_chance(each_run(curves, "final_metric", late.groupby("run")["value"].mean()))


def best_metric(curves: pd.DataFrame, split: str = "") -> pd.DataFrame:
    """By run, `best_metric`: the largest of its evaluations; chance if it diverged."""
    test = curves[["run", "value"]][are_evaluations(curves, split)]
    return _or_chance(each_run(curves, "best_metric", test.groupby("run")["value"].max()))


def at_end(curves: pd.DataFrame) -> pd.DataFrame:
    """By run after its last step: `accuracy` and `loss` on the test set, `fit_loss` on the training examples.

    A run that diverged guesses.
    """
    runs, last = final_metric(curves, "test"), curves[curves["step"] == curves["steps"]]
    losses = last.pivot(index="run", columns="split", values="loss").reindex(columns=["fit", "test"])
    found = {name: runs["run"].map(losses[split]) for name, split in (("loss", "test"), ("fit_loss", "fit"))}
    lost = runs["status"] == "diverged"
    guessed = {name: values.mask(lost, runs["guess_loss"]) for name, values in found.items()}
    return runs.rename(columns={"final_metric": "accuracy"}).assign(**guessed)


def _or_chance(table: pd.DataFrame) -> pd.DataFrame:
    """The last column, with the task's chance where the run diverged."""
    name = table.columns[-1]
    return table.assign(**{name: table[name].where(table["status"] != "diverged", table["chance"])})


def distance_from_curve(curves: pd.DataFrame, reference: pd.DataFrame) -> pd.DataFrame:
    """By run, `distance`: the mean absolute difference in accuracy from a published curve.

    Args:
        curves: The runs.
        reference: The published curve, `step` and `test_accuracy`. Only its points within the run's steps count; between
            evaluations the run is interpolated linearly, and after divergence it is at chance.

    Returns:
        The runs with `distance`; NaN where no point lies within the run's steps.
    """
    test = evaluations(curves).sort_values("step")

    def distance(run: pd.DataFrame) -> float:
        points = reference[reference["step"] <= run["steps"].iloc[0]]
        ours = np.interp(points["step"], run["step"], run["value"], right=run["chance"].iloc[0])
        return np.abs(ours - points["test_accuracy"]).mean()

    return each_run(
        test, "distance", pd.Series({name: distance(run) for name, run in test.groupby("run")}, dtype=float)
    )


def median_curves(curves: pd.DataFrame, column: str = "normalization") -> pd.DataFrame:
    """By arm (a value of `column`) and step, the median metric of the evaluations over the seeds and its interval.

    After divergence a run is at chance.

    Returns:
        Columns `column`, `step`, `estimate`, `ci_low`, `ci_high`, `n`.
    """
    rows = []
    for arm, runs in evaluations(curves).groupby(column):
        metric = runs.pivot(index="step", columns="run", values="value").fillna(runs["chance"].iloc[0])
        rows += [(arm, step, *median_interval(values)) for step, values in zip(metric.index, metric.to_numpy())]
    return pd.DataFrame(rows, columns=(column, "step", *Interval._fields))
