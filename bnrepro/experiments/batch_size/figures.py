"""The figure of batch size: accuracy, best rates, gaps, errors of moments, time, memory. Knows no claim."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patheffects import withStroke

from bnrepro.experiments.batch_size.panels import (
    ARMS,
    accuracy_limits,
    arm_line,
    draw_errors,
    draw_memory,
    draw_times,
    plain,
    size_axis,
)
from bnrepro.experiments.batch_size.tables import (
    LARGE,
    REFERENCE,
    SMALL,
    at_best_rates,
    measured,
    memory,
    sampling_errors,
    times,
)
from bnrepro.plotting.arms import COLORS, LABELS
from bnrepro.plotting.axes import accuracy_axis
from bnrepro.plotting.lines import name_lines, ticks_at
from bnrepro.plotting.style import DOUBLE, add_panel, new_figure, styled
from bnrepro.records.schemas import Tables

CAPTION = (
    "(a, b) Test accuracy of the dense net after the last step over the size m of the mini-batch, each arm and size at its best "
    f"learning rate: as many examples seen, and as many steps as m = {REFERENCE} takes for them. {{examples_seeds}} seeds an arm "
    "(thin), their median (thick) and its 95% bootstrap interval (band). (c) These rates, chosen on validation examples, the "
    "lines a little apart; filled, as many examples, open, as many steps. (d) How far the test accuracy with the moving "
    "averages, as at inference, lies from that with each test mini-batch's own statistics, as in training, over the number of "
    f"examples that BN normalizes together: mini-batches of m, and ghost batches in mini-batches of m = {LARGE}, the last of "
    f"which is whole; the claim compares ghosts of {SMALL} with m = {SMALL}. The axis is linear up to 0.1. "
    "(e) The test accuracy of the same nets: where the curves part, it is the "
    "optimizer's mini-batch that matters; where they fall together, it is BN's. (f, g) Root mean square error of the mean and "
    "of the unbiased variance of a mini-batch, against the population's, by layer of a trained net, with the slopes of the "
    "logarithms; dotted, 1/√m. (h) inception_small, all sizes at one rate and as many steps; its BN normalizes m' = m p q "
    "values of a feature map together. (i) Microseconds of training a step and an example, dense net, medians over the rates, "
    "while other processes trained beside it. (j) Peak memory of a process that trains inception_small and nothing else. "
    "Orange, without BN; blue, with BN; green, Batch Renormalization; purple, ghost batches. A run that diverged counts as "
    "guessing, and has no gap."
)

_CLEAR = [withStroke(linewidth=2, foreground="white")]
_SMALLEST_GAP = 0.1  # points; up to here the axis of gaps is linear, for two accuracies may be the same
_APART = 0.045  # decades between lines that would else hide each other
_WAYS = {"batch": "mini-batches of m", "ghost": f"m = {LARGE} in ghosts"}


def figure(tables: Tables) -> Figure:
    """Accuracy, best rates and the gap between inference and training over the mini-batch; errors of moments; time, memory."""
    return draw(
        best=at_best_rates(measured(tables)),
        errors=sampling_errors(tables),
        times=times(tables),
        memory=memory(tables),
    )


@styled
def draw(best: pd.DataFrame, errors: pd.DataFrame, times: pd.DataFrame, memory: pd.DataFrame) -> Figure:
    """The whole figure.

    Args:
        best: The runs at their best rates, as `tables.at_best_rates` gives them.
        errors: As `tables.sampling_errors` gives them; so too `times` and `memory`.
        times: Seconds of training.
        memory: Peak memory.
    """
    figure = new_figure(DOUBLE, 208)
    dense = best[best["group"] != "conv"]
    budgets = {name: dense[dense["group"] == name] for name in ("examples", "steps")}
    sizes = sorted(set(budgets["examples"]["batch_size"]))
    limits = accuracy_limits(dense["test"])
    seen = add_panel(figure, (13, 12, 40, 31), "a", "Test accuracy", "as many examples seen")
    taken = add_panel(figure, (58, 12, 40, 31), "b", "Test accuracy", "as many steps")
    for axes, runs in zip((seen, taken), budgets.values()):
        _accuracy(axes, runs, sizes, limits)
    _name_renorm(seen, budgets["examples"])
    name_lines(taken)
    taken.tick_params(labelleft=False)
    _rates(add_panel(figure, (131, 12, 40, 31), "c", "Best rate", "● as many examples  ○ steps"), budgets, sizes)
    ways = _two_ways(dense)
    _gaps(add_panel(figure, (13, 65, 47, 31), "d", "Gap, inference to training mode", "points of test accuracy"), ways)
    parted = add_panel(figure, (98, 65, 47, 31), "e", "Test accuracy", "BN's batch apart from the optimizer's")
    _accuracy_of_ways(parted, ways, limits)
    titles = {"mean_error": ("f", "Error of the batch mean", "in standard deviations; slopes")}
    titles |= {"variance_error": ("g", "Error of the batch variance", "relative; slopes")}
    for left, (value, words) in zip((13, 98), titles.items()):
        draw_errors(add_panel(figure, (left, 118, 47, 31), *words), errors, value)
    conv = best[best["group"] == "conv"]
    _convolutional(add_panel(figure, (13, 171, 28, 27), "h", "Test accuracy", "inception_small, m' = m p q"), conv)
    draw_times(add_panel(figure, (74, 171, 28, 27), "i", "Training time, µs", "dense net"), times)
    draw_memory(add_panel(figure, (130, 171, 25, 27), "j", "Peak memory, MiB", "inception_small"), memory)
    return figure


def _accuracy(axes: Axes, runs: pd.DataFrame, sizes: list[int], limits: tuple[float, float]) -> None:
    for arm in ARMS:
        arm_line(axes, runs[runs["arm"] == arm], "test", arm, f"_{arm}" if arm == "renorm" else LABELS[arm])
    size_axis(axes, sizes, "Mini-batch m")
    accuracy_axis(axes, *limits)


def _name_renorm(axes: Axes, runs: pd.DataFrame) -> None:
    """Where small and large sizes leave room, for its curve ends far from the names of the others."""
    if (runs["arm"] == "renorm").any():
        style = dict(fontsize=7, ha="center", va="bottom", color=COLORS["renorm"], path_effects=_CLEAR, zorder=8)
        axes.text(0.5, 0.05, LABELS["renorm"].replace(" ", "\n"), transform=axes.transAxes, **style)


def _rates(axes: Axes, budgets: dict[str, pd.DataFrame], sizes: list[int]) -> None:
    """A line an arm and budget, a little apart where they would hide each other."""
    rates = sorted(set(pd.concat(budgets.values())["learning_rate"]))
    for budget, runs in budgets.items():
        for place, arm in enumerate(ARMS):
            own = runs[runs["arm"] == arm].drop_duplicates("batch_size").sort_values("batch_size")
            apart = 10 ** (_APART * (2 * (place - 1) + (0.5 if budget == "steps" else -0.5)))
            filled = budget == "examples"
            style = dict(color=COLORS[arm], linewidth=1, markersize=3, markeredgewidth=0.8, label=f"_{budget} {arm}")
            style |= dict(markerfacecolor=COLORS[arm] if filled else "white", linestyle="-" if filled else (0, (2, 1)))
            axes.plot(own["batch_size"], own["learning_rate"] * apart, "o", **style)
    size_axis(axes, sizes, "Mini-batch m")
    axes.set(yscale="log", ylim=(rates[0] / 1.6, rates[-1] * 1.6))
    ticks_at(axes.yaxis, rates, plain)


def _two_ways(dense: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """BN's runs over its mini-batches, and over its ghost batches, whose last is the whole mini-batch."""
    batch = dense[(dense["group"] == "examples") & (dense["arm"] == "batch")]
    return {"batch": batch, "ghost": pd.concat([dense[dense["arm"] == "ghost"], batch[batch["batch_size"] == LARGE]])}


def _gaps(axes: Axes, ways: dict[str, pd.DataFrame]) -> None:
    for arm, runs in ways.items():
        arm_line(axes, runs.assign(points=100 * runs["gap"]), "points", arm, _WAYS[arm], "together")
    size_axis(axes, _sizes_of(ways), "Examples normalized together")
    axes.set_yscale("symlog", linthresh=_SMALLEST_GAP, linscale=0.5)
    axes.set_ylim(0, max(axes.dataLim.y1, 1) * 1.3 if np.isfinite(axes.dataLim.y1) else 1)
    ticks_at(axes.yaxis, [0, 0.1, 0.3, 1, 3, 10, 30, 100], plain)
    name_lines(axes)


def _accuracy_of_ways(axes: Axes, ways: dict[str, pd.DataFrame], limits: tuple[float, float]) -> None:
    for arm, runs in ways.items():
        arm_line(axes, runs, "test", arm, _WAYS[arm], "together")
    size_axis(axes, _sizes_of(ways), "Examples normalized together")
    accuracy_axis(axes, *limits)
    name_lines(axes)


def _sizes_of(ways: dict[str, pd.DataFrame]) -> list[int]:
    return sorted(set(pd.concat(ways.values())["together"]))


def _convolutional(axes: Axes, conv: pd.DataFrame) -> None:
    for arm in ARMS[:2]:
        arm_line(axes, conv[conv["arm"] == arm], "test", arm, LABELS[arm])
    size_axis(axes, sorted(set(conv["batch_size"])), "Mini-batch m")
    accuracy_axis(axes, *accuracy_limits(conv["test"]))
    name_lines(axes)
