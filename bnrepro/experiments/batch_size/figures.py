"""The panels of batch size: accuracy, best rates, gaps, errors of moments, time, memory. Knows no claim."""

import functools

import pandas as pd

from bnrepro.experiments.batch_size.panels import (
    INDEPENDENT,
    accuracy_limits,
    draw_accuracy,
    draw_accuracy_of_ways,
    draw_errors,
    draw_gaps,
    draw_memory,
    draw_rates,
    draw_times,
)
from bnrepro.experiments.batch_size.tables import (
    AT_INFERENCE,
    BUDGETS,
    LARGE,
    REFERENCE,
    SMALL,
    measured,
    memory,
    over_layers,
    sampling_errors,
    times,
)
from bnrepro.plotting.panel import Panel
from bnrepro.records.schemas import Tables

_RUN = ["run", "group", "arm", "batch_size", "together", "seed", "learning_rate", "status"]


def accuracy(tables: Tables, group: str) -> pd.DataFrame:
    """The runs of one budget at their best rates; the axis of both budgets is one."""
    dense = measured(tables)
    low, high = accuracy_limits(dense["test"])
    return dense.loc[dense["group"] == group, [*_RUN, "test"]].assign(axis_low=low, axis_high=high)


def rates(tables: Tables) -> pd.DataFrame:
    """The best rate of each arm, size and budget."""
    dense = measured(tables)
    dense = dense[dense["group"].isin(BUDGETS)]
    return dense.drop_duplicates(["group", "arm", "batch_size"])[["group", "arm", "batch_size", "learning_rate"]]


def ways(tables: Tables) -> pd.DataFrame:
    """BN's runs over its mini-batches, and over its ghost batches, whose last is the whole mini-batch."""
    dense = measured(tables)
    low, high = accuracy_limits(dense["test"])
    batch = dense[(dense["group"] == "examples") & (dense["arm"] == "batch")]
    ghost = pd.concat([dense[dense["arm"] == "ghost"], batch[batch["batch_size"] == LARGE]]).assign(arm="ghost")
    table = pd.concat([batch, ghost], ignore_index=True)
    return table.assign(gap_points=100 * table["gap"], axis_low=low, axis_high=high)[
        [*_RUN, "test", "gap_points", "axis_low", "axis_high"]
    ]


def errors(tables: Tables) -> pd.DataFrame:
    """The errors by layer in training mode, and as one more layer, `INDEPENDENT`, those of all layers of independent values."""
    independent = over_layers(sampling_errors(tables, AT_INFERENCE)).assign(layer=INDEPENDENT)
    return pd.concat([sampling_errors(tables), independent], ignore_index=True)


_LINES = "{examples_seeds} seeds an arm (thin), their median (thick) and its 95% interval (band)"

PANELS = (
    Panel(
        name="accuracy_by_examples",
        title="Test accuracy, as many examples seen",
        caption="The dense net after the last step over the size m of the mini-batch, each arm and size at its best "
        f"learning rate, as many examples seen at each. {_LINES}; a run that diverged counts as guessing.",
        data=functools.partial(accuracy, group="examples"),
        draw=draw_accuracy,
    ),
    Panel(
        name="accuracy_by_steps",
        title="Test accuracy, as many steps",
        caption="The dense net over the size m of the mini-batch, each arm and size at its best learning rate, with as "
        f"many steps as m = {REFERENCE} takes for the same examples. {_LINES}; a run that diverged counts as guessing.",
        data=functools.partial(accuracy, group="steps"),
        draw=draw_accuracy,
    ),
    Panel(
        name="rates",
        title="Best learning rate",
        caption="Of each arm and size of the mini-batch, chosen on other seeds and on validation examples, the lines a little "
        "apart. Filled, as many examples seen; open, as many steps.",
        data=rates,
        draw=draw_rates,
    ),
    Panel(
        name="gaps",
        title="Gap between inference and training mode",
        caption="How far the test accuracy with population statistics lies from that with each test mini-batch's own, "
        f"over the examples that BN normalizes together: mini-batches of m, and ghosts in mini-batches of m = {LARGE}, of "
        f"which the last is whole; the claim compares ghosts of {SMALL} with m = {SMALL}. The axis is linear up to 0.1, and "
        "a run that diverged has no gap.",
        data=ways,
        draw=draw_gaps,
    ),
    Panel(
        name="accuracy_by_ghosts",
        title="BN's batch apart from the optimizer's",
        caption="Test accuracy of BN over the examples that it normalizes together: mini-batches of m, and ghosts in "
        f"mini-batches of m = {LARGE}. Where the curves part, it is the optimizer's mini-batch that matters; where they "
        "fall together, it is BN's.",
        data=ways,
        draw=draw_accuracy_of_ways,
    ),
    Panel(
        name="error_of_mean",
        title="Error of a mini-batch's mean, and its slope",
        caption="Root mean square error against the population's mean, in its standard deviations, by layer of a trained "
        "net in training mode, and of all layers where those below normalize with population statistics (independent), "
        "with the slopes of the logarithms. {sampling_seeds} seeds (thin), their median (thick); dotted, 1/√m.",
        data=errors,
        draw=functools.partial(draw_errors, value="mean_error", unit="Error, standard deviations"),
    ),
    Panel(
        name="error_of_variance",
        title="Error of a mini-batch's variance, and its slope",
        caption="Root mean square error of the unbiased variance, relative to the population's, by layer of a trained net in "
        "training mode, and of all layers where those below normalize with population statistics (independent), with "
        "the slopes of the logarithms. {sampling_seeds} seeds (thin), their median (thick); dotted, 1/√m.",
        data=errors,
        draw=functools.partial(draw_errors, value="variance_error", unit="Relative error"),
    ),
    Panel(
        name="times",
        title="Training time of a step and of an example",
        caption="Dense net, while other processes trained beside it: each seed (thin) and the median (thick).",
        data=times,
        draw=draw_times,
    ),
    Panel(
        name="memory",
        title="Peak memory",
        caption="Of a process that trains inception_small and nothing else: each seed (thin) and the median (thick).",
        data=memory,
        draw=draw_memory,
    ),
)

SHEETS = {
    "accuracy": ("accuracy_by_examples", "accuracy_by_steps", "rates", "accuracy_by_ghosts"),
    "statistics": ("gaps", "error_of_mean", "error_of_variance"),
    "cost": ("times", "memory"),
}
