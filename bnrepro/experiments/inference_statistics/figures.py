"""The panels of statistics at inference: courses, gaps, accuracies, variances, shifted data. Knows no claim."""

import functools

import pandas as pd

from bnrepro.experiments.inference_statistics.panels import (
    draw_accuracy,
    draw_changed,
    draw_gaps,
    draw_layers,
    draw_ratios,
    draw_shifted,
    draw_training,
)
from bnrepro.experiments.inference_statistics.tables import (
    DATA,
    MIDDLE,
    MOMENTUM,
    SIZE,
    batch_sizes,
    courses,
    gaps,
    nearest,
    ratios,
    said,
)
from bnrepro.plotting.panel import Panel
from bnrepro.records.schemas import Tables


def training(tables: Tables) -> pd.DataFrame:
    """Accuracy over the steps at one size of the mini-batch."""
    size = nearest(batch_sizes(tables), SIZE)
    lines = courses(tables, size)
    same = (lines["line"] == "training") & (lines["momentum"] != MOMENTUM)  # as with MOMENTUM, to the bit
    return lines[~same].assign(batch_size=size, last_step=tables["runs"]["steps"].iloc[0])


def gap(tables: Tables) -> dict[str, pd.DataFrame]:
    """Training mode minus inference, in points."""
    return _over_sizes(tables, _long(100 * gaps(tables), "points"))


def accuracy(tables: Tables, when: str) -> dict[str, pd.DataFrame]:
    """By choice of statistics; the axis holds the early ones and the late ones."""
    both = pd.concat([said(tables, each) for each in ("last", "first")]).stack(future_stack=True)
    axis = pd.DataFrame({"low": [both.min()], "high": [both.max()]}).fillna(
        {"low": tables["runs"]["chance"].iloc[0], "high": 0.9}
    )
    return {**_over_sizes(tables, _long(said(tables, when), "accuracy")), "axis": axis}


def variance(tables: Tables) -> dict[str, pd.DataFrame]:
    """The variance in use over the population's."""
    return _over_sizes(tables, ratios(tables))


def shifted(tables: Tables) -> pd.DataFrame:
    """The accuracies on each kind of data at one size of the mini-batch."""
    size = nearest(batch_sizes(tables), MIDDLE)
    rows = pd.concat([_long(said(tables, data=data), "accuracy").assign(data=data) for data in DATA])
    return rows[rows["batch_size"] == size].assign(chance=tables["runs"]["chance"].iloc[0]).reset_index(drop=True)


def changed(tables: Tables) -> dict[str, pd.DataFrame]:
    """The share of test examples whose class changes with their mini-batch, by the order of the examples."""
    parts = [
        _long(said(tables, data=data, value="changed"), "changed").assign(data=data) for data in ("test", "imbalanced")
    ]
    return _over_sizes(tables, pd.concat(parts, ignore_index=True))


def _long(wide: pd.DataFrame, value: str) -> pd.DataFrame:
    """A row a size, seed and choice of statistics."""
    return wide.rename_axis(columns="statistics").stack(future_stack=True).rename(value).reset_index()


def _over_sizes(tables: Tables, values: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """With the sizes of the axis, which are all of the sweep, whatever became of their runs."""
    return {"values": values, "sizes": pd.DataFrame({"batch_size": batch_sizes(tables)})}


_SEEDS = "{main_seeds} seeds (thin), their median (thick) and its 95% interval"

PANELS = (
    Panel(
        name="training",
        title="Accuracy over training",
        caption="Training mode on the mini-batches that are trained on, inference on validation examples with moving averages of "
        "three momenta, and on test examples with population statistics; the weights are the same for every momentum. "
        f"{_SEEDS}; a run is at chance from where it diverged.",
        data=training,
        draw=draw_training,
        width=100,
    ),
    Panel(
        name="gaps",
        title="Training mode minus inference",
        caption="Accuracy on the test set with the test batch's own statistics minus with fixed ones, after the last step, "
        f"over the mini-batch. {_SEEDS}, of the runs that did not diverge.",
        data=gap,
        draw=draw_gaps,
        width=71,
    ),
    Panel(
        name="accuracy_late",
        title="Test accuracy at the end, by choice of statistics",
        caption="Pooled: the variance of all values together; biased: without the factor m/(m-1). "
        f"{_SEEDS}, of the runs that did not diverge.",
        data=functools.partial(accuracy, when="last"),
        draw=draw_accuracy,
    ),
    Panel(
        name="accuracy_early",
        title="Test accuracy after the first steps",
        caption="By choice of statistics after the first stretch of training; pooled: the variance of all values together; "
        f"biased: without the factor m/(m-1). {_SEEDS}, of the runs that did not diverge.",
        data=functools.partial(accuracy, when="first"),
        draw=draw_accuracy,
    ),
    Panel(
        name="variance",
        title="Variance in use over the population's, first hidden layer",
        caption="The variance of Algorithm 2 with (filled) and without (open) the factor m/(m-1), over the variance of the BN's "
        f"inputs at inference, mean of the units; dotted, 1 and (m-1)/m. {_SEEDS}, of the runs that did not diverge.",
        data=variance,
        draw=draw_ratios,
    ),
    Panel(
        name="variance_by_layer",
        title="Variance in use over the population's, all layers",
        caption="The variance of Algorithm 2 with the factor m/(m-1), over the variance of each BN's inputs at inference, "
        f"mean of the units; dotted, 1. {_SEEDS}, of the runs that did not diverge.",
        data=variance,
        draw=draw_layers,
    ),
    Panel(
        name="shifted",
        title="Accuracy on shifted data",
        caption="Test images as they are, at half the contrast, with Gaussian noise, and class by class, so that a "
        "mini-batch is of one class: each seed (tick), median (dot) and its 95% interval, of the runs that did "
        "not diverge. Dotted, chance.",
        data=shifted,
        draw=draw_shifted,
    ),
    Panel(
        name="changed",
        title="Answers that change with the mini-batch",
        caption="Share of test examples whose class changes with the other members of their mini-batch; class by class: against "
        f"mixed ones. {_SEEDS}, of the runs that did not diverge.",
        data=changed,
        draw=draw_changed,
    ),
)

SHEETS = {
    "accuracy": ("training", "gaps", "accuracy_late", "accuracy_early"),
    "why": ("variance", "variance_by_layer", "shifted", "changed"),
}
