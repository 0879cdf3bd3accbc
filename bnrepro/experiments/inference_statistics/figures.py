"""The figure of statistics at inference: courses, gaps, accuracies, variances, shifted data. Knows no claim."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.offsetbox import AnchoredOffsetbox, HPacker, TextArea
from matplotlib.ticker import FixedLocator, FuncFormatter, MaxNLocator, NullFormatter, PercentFormatter

from bnrepro.analysis.curves import CHANCE
from bnrepro.analysis.intervals import bootstrap_median
from bnrepro.experiments.inference_statistics.tables import (
    DATA,
    MIDDLE,
    MOMENTUM,
    SIZE,
    batch_sizes,
    courses,
    gaps,
    nearest,
    ratio_of,
    ratios,
    said,
)
from bnrepro.plotting.arms import COLORS, LABELS
from bnrepro.plotting.axes import (
    DOTTED,
    accuracy_axis,
    accuracy_axis_to,
    name_ends,
    nothing,
    step_axis,
    thousands,
)
from bnrepro.plotting.lines import median_line
from bnrepro.plotting.marks import interval_mark
from bnrepro.plotting.style import DOUBLE, add_panel, new_figure, styled
from bnrepro.records.schemas import Tables

CAPTION = (
    "A dense net with BN on Fashion-MNIST, mini-batches of m examples, at one rate; {main_seeds} seeds (thin lines, ticks), "
    "their median (thick, dot) and its 95% bootstrap interval. Blue: moving averages of momentum 0.99, Keras's default; green: "
    "population statistics, step 10 of Algorithm 2; pink: a mini-batch's own statistics, as in training. (a) Training mode on "
    "the mini-batches that are trained on, inference on validation examples with moving averages of three momenta, and on test "
    "examples with population statistics. The weights are the same for every momentum; a run is at chance from where it "
    "diverged. (b) Accuracy on the test set with the test batch's own statistics minus with fixed ones. (c, d) Test accuracy "
    "by choice of statistics; pooled: the variance of all values together; biased: without the factor m/(m-1). (e, f) The "
    "variance in use, of Algorithm 2 with (filled) and without (open) that factor, over the variance of the BN's inputs at "
    "inference, mean of the units; dotted, 1 and (m-1)/m. (g) Test images as they are, at half the contrast, with Gaussian "
    "noise, and class by class, so that a mini-batch is of one class; dotted, chance. (h) Share of test examples whose class "
    "changes with the other members of their mini-batch; class by class: against mixed ones. (b) to (h) leave out runs that "
    "diverged."
)

_COLORS = {**COLORS, "batch": COLORS["test_batch"], "training": COLORS["test_batch"]}
_LABELS = {**LABELS, "batch": LABELS["test_batch"], "training": "training mode"}
"""In the table `statistics`, `batch` is the test batch's own statistics; training mode has a mini-batch's own too."""

_DASHES = ("-", "--", ":")
_MOMENTA = (_DASHES[1], _DASHES[0], _DASHES[2])  # ascending; the one in the middle is Keras's default
_SHORT = {**_LABELS, "batch": "the batch's own", "population": "population"}
_SHIFTED = ("moving", "population", "batch")
_DATA = {"test": "test set", "contrast": "half the contrast", "noise": "noise", "imbalanced": "class by class"}


def figure(tables: Tables) -> Figure:
    """Training mode and inference over the steps and over the mini-batch, variances, shifted data, answers that change."""
    sizes, run = batch_sizes(tables), tables["runs"].iloc[0]
    shown = nearest(sizes, SIZE), nearest(sizes, MIDDLE)
    shifted = {data: said(tables, data=data) for data in DATA}
    lines = courses(tables, shown[0])
    same = (lines["line"] == "training") & (lines["momentum"] != MOMENTUM)  # as with MOMENTUM, to the bit
    return draw(
        courses=lines[~same],
        gaps=gaps(tables),
        ratios=ratios(tables),
        accuracies={when: said(tables, when) for when in ("last", "first")},
        shifted={
            data: table[table.index.get_level_values("batch_size") == shown[1]] for data, table in shifted.items()
        },
        changed={data: said(tables, data=data, value="changed") for data in ("test", "imbalanced")},
        sizes=sizes,
        shown=shown,
        steps=(run["evaluate_every"], run["steps"]),
    )


@styled
def draw(
    courses: pd.DataFrame,
    gaps: pd.DataFrame,
    ratios: pd.DataFrame,
    accuracies: dict[str, pd.DataFrame],
    shifted: dict[str, pd.DataFrame],
    changed: dict[str, pd.DataFrame],
    sizes: list[int],
    shown: tuple[int, int],
    steps: tuple[int, int],
) -> Figure:
    """The whole figure; tables are what the functions of `tables` return.

    Args:
        courses: Of the mini-batch `shown[0]`.
        gaps: Training mode minus inference.
        ratios: Of variances.
        accuracies: By `last` and `first`, by size, seed and choice of statistics.
        shifted: By data, the accuracies at the mini-batch `shown[1]`.
        changed: By data, the share of answers that change with the mini-batch.
        sizes: All mini-batches.
        shown: The mini-batches of (a) and of (g).
        steps: The first and the last evaluation.
    """
    figure = new_figure(DOUBLE, 213)
    early, late = (f"after {thousands(step)} steps" for step in steps)
    _courses(add_panel(figure, (12, 12, 57, 31), "a", "Accuracy over training", f"m = {shown[0]}"), courses, steps[1])
    gap = add_panel(figure, (116, 12, 34, 31), "b", "Training mode minus inference", f"points, {late}")
    _gaps(gap, gaps, sizes)
    title = "Accuracy by choice of statistics"
    both = (
        add_panel(figure, (12, 65, 55, 31), "c", title, f"{late}; colors as in (d)"),
        add_panel(figure, (80, 65, 55, 31), "d", title, early),
    )
    _accuracies(both, [accuracies["last"], accuracies["first"]], sizes)
    title = "Variance in use / the population's"
    _ratios(add_panel(figure, (12, 118, 42, 31), "e", title, "first hidden layer"), ratios, sizes)
    _layers(add_panel(figure, (108, 118, 42, 31), "f", title, "all hidden layers, with m / (m − 1)"), ratios, sizes)
    _shifted(add_panel(figure, (28, 171, 46, 31), "g", f"Shifted data, m = {shown[1]}", " "), shifted)
    share = add_panel(figure, (108, 171, 42, 31), "h", "Answers that change", "with the mini-batch's other members")
    _changed(share, changed, sizes)
    return figure


def draw_courses(axes: Axes, courses: pd.DataFrame) -> list[tuple]:
    """Each seed and the median of every line, other momenta in other dashes; returns the ends for `name_ends`."""
    ends, momenta = [], sorted(set(courses.loc[courses["line"] == "moving", "momentum"]))
    for (line, momentum), own in courses.groupby(["line", "momentum"]):
        several = line == "moving" and len(momenta) > 1
        words = f"{_LABELS[line]}, {momentum:g}" if several else _LABELS[line]
        dashes = _MOMENTA[momenta.index(momentum)] if several else "-"
        ends += median_line(axes, own, "step", "accuracy", _COLORS[line], words, linestyle=dashes)
    return ends


def _courses(axes: Axes, courses: pd.DataFrame, last: int) -> None:
    ends = draw_courses(axes, courses)
    step_axis(axes, last)
    accuracy_axis_to(axes, max([CHANCE, *courses["accuracy"]]))
    name_ends(axes, ends)


def _gaps(axes: Axes, gaps: pd.DataFrame, sizes: list[int]) -> None:
    axes.axhline(0, **DOTTED)
    ends = []
    for name in gaps:
        ends += _line(axes, 100 * gaps[name], _COLORS[name], _SHORT[name])
    axes.yaxis.set_major_locator(MaxNLocator(5, steps=[1, 2, 5, 10]))
    _size_axis(axes, sizes, ends)


def _accuracies(both: list[Axes], tables: list[pd.DataFrame], sizes: list[int]) -> None:
    """On the same scale; the names stand beside the second."""
    measured = pd.concat(tables).to_numpy(float)
    low, high = (np.nanmin(measured), np.nanmax(measured)) if np.isfinite(measured).any() else (CHANCE, 0.9)
    for axes, table in zip(both, tables):
        ends = []
        for name in table:
            ends += _line(axes, table[name], _COLORS[name], _LABELS[name])
        accuracy_axis(axes, 1 - 1.1 * (1 - low), 1 - (1 - high) / 1.15)
        _size_axis(axes, sizes, ends, named=axes is both[-1])


def _ratios(axes: Axes, ratios: pd.DataFrame, sizes: list[int]) -> None:
    """Of the first layer; the lines are what the m / (m - 1) of Algorithm 2 is to give, and what is had without it."""
    axes.axhline(1, **DOTTED)
    axes.plot(sizes, [1 - 1 / size for size in sizes], **DOTTED)
    ends = []
    for statistics, words, fill in (
        ("population", "with m / (m − 1)", COLORS["population"]),
        ("population_ddof0", "without it: (m − 1) / m", "white"),
    ):
        values, mark = ratio_of(ratios, "hidden_1", statistics), dict(markerfacecolor=fill, markersize=3.5)
        ends += _line(axes, values, COLORS["population"], words, **mark)
    _size_axis(axes, sizes, ends)


def _layers(axes: Axes, ratios: pd.DataFrame, sizes: list[int]) -> None:
    axes.axhline(1, **DOTTED)
    ends = []
    for place, layer in enumerate(sorted(set(ratios["layer"]))):
        words, style = layer.replace("hidden_", "hidden layer "), dict(linestyle=_DASHES[place % len(_DASHES)])
        ends += _line(axes, ratio_of(ratios, layer, "population"), COLORS["population"], words, **style)
    _size_axis(axes, sizes, ends)


def _shifted(axes: Axes, shifted: dict[str, pd.DataFrame]) -> None:
    """A row for each kind of data, in it a mark for each choice of statistics."""
    axes.set_xlim(0, 1)
    for place, table in enumerate(shifted.values()):
        for name, shift in zip(_SHIFTED, (-0.24, 0, 0.24)):
            values = table[name].dropna()
            interval_mark(axes, place + shift, values, bootstrap_median(values), _COLORS[name])
    if not any(line.get_marker() == "o" for line in axes.lines):
        nothing(axes)
    for place in range(1, len(shifted)):
        axes.axhline(place - 0.5, color="#E6E6E6", linewidth=0.6, zorder=1)
    axes.axvline(CHANCE, **DOTTED)
    axes.set(ylim=(len(shifted) - 0.5, -0.5), yticks=range(len(shifted)), yticklabels=[_DATA[name] for name in shifted])
    axes.set_xlabel("Accuracy")
    axes.xaxis.set_major_formatter(PercentFormatter(1, 0))
    axes.grid(False)
    axes.spines["left"].set_visible(False)
    words = [TextArea(_SHORT[name], textprops=dict(color=_COLORS[name], fontsize=7)) for name in _SHIFTED]
    key = HPacker(children=words, pad=0, sep=6)
    place = dict(bbox_to_anchor=(0, 1.01), bbox_transform=axes.transAxes, frameon=False, pad=0, borderpad=0.2)
    axes.add_artist(AnchoredOffsetbox("lower left", child=key, **place))


def _changed(axes: Axes, changed: dict[str, pd.DataFrame], sizes: list[int]) -> None:
    shown = (("test", "batch", "mixed classes"), ("imbalanced", "batch", "class by class"))
    ends = []
    for place, (data, name, words) in enumerate((*shown, ("test", "moving", _LABELS["moving"]))):
        ends += _line(axes, changed[data][name], _COLORS[name], words, linestyle=_DASHES[place % 2])
    axes.set_ylim(-0.03, 1)
    axes.yaxis.set_major_formatter(PercentFormatter(1, 0))
    _size_axis(axes, sizes, ends)


def _line(axes: Axes, values: pd.Series, color: str, words: str, **style) -> list[tuple]:
    """Each seed and the median over the mini-batches, of values by `batch_size` and `seed`; `style` is of the median.

    Returns the end of the median for `name_ends`, in a list that is empty where nothing is drawn.
    """
    return median_line(axes, values.rename("value").reset_index(), "batch_size", "value", color, words, **style)


def _size_axis(axes: Axes, sizes: list[int], ends: list[tuple], named: bool = True) -> None:
    """A logarithmic x axis of mini-batches, and the names of the lines, now that the limits are final."""
    axes.set(xscale="log", xlim=(sizes[0] / 1.25, sizes[-1] * 1.25), xlabel="Mini-batch size m")
    axes.xaxis.set_major_locator(FixedLocator(sizes[::2] if len(sizes) > 5 else sizes))
    axes.xaxis.set_minor_locator(FixedLocator(sizes))
    axes.xaxis.set_major_formatter(FuncFormatter(thousands))
    axes.xaxis.set_minor_formatter(NullFormatter())
    if named:
        name_ends(axes, ends)
    if not ends:
        nothing(axes)
