"""What draws statistics at inference from computed tables: lines over steps and over the mini-batch. Knows no claim, no run."""

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import FixedLocator, FuncFormatter, MaxNLocator, NullFormatter

from bnrepro.analysis.intervals import median_interval
from bnrepro.experiments.inference_statistics.tables import DATA, STATISTICS, ratio_of
from bnrepro.plotting.area import Area
from bnrepro.plotting.arms import COLORS, LABELS
from bnrepro.plotting.axes import (
    DOTTED,
    accuracy_axis,
    accuracy_axis_to,
    accuracy_ticks,
    key_above,
    name_ends,
    nothing,
    step_axis,
    thousands,
)
from bnrepro.plotting.inks import INK
from bnrepro.plotting.lines import median_line, row_axis
from bnrepro.plotting.marks import interval_mark

_COLORS = {**COLORS, "batch": COLORS["test_batch"], "training": COLORS["test_batch"]}
_LABELS = {**LABELS, "batch": LABELS["test_batch"], "training": "training mode"}
"""In the table `statistics`, `batch` is the test batch's own statistics; training mode has a mini-batch's own too."""

_DASHES = ("-", "--", ":")
_MOMENTA = (_DASHES[1], _DASHES[0], _DASHES[2])  # ascending; the one in the middle is Keras's default
_SHORT = {**_LABELS, "batch": "the batch's own", "population": "population"}
_SHIFTED = ("moving", "population", "batch")
_DATA = {"test": "test set", "contrast": "half the contrast", "noise": "noise", "imbalanced": "class by class"}


def draw_courses(axes: Axes, courses: pd.DataFrame) -> list[tuple]:
    """Each seed and the median of every line, other momenta in other dashes; returns the ends for `name_ends`."""
    ends, momenta = [], sorted(set(courses.loc[courses["line"] == "moving", "momentum"]))
    for (line, momentum), own in courses.groupby(["line", "momentum"]):
        several = line == "moving" and len(momenta) > 1
        words = f"{_LABELS[line]}, {momentum:g}" if several else _LABELS[line]
        dashes = _MOMENTA[momenta.index(momentum)] if several else "-"
        ends += median_line(axes, own, "step", "accuracy", _COLORS[line], words, linestyle=dashes)
    return ends


def draw_training(area: Area, courses: pd.DataFrame) -> None:
    """All momenta."""
    axes = area.axes()
    ends = draw_courses(axes, courses)
    step_axis(axes, courses["last_step"].iloc[0])
    accuracy_axis_to(axes, courses["accuracy"].max())
    axes.set_ylabel("Accuracy")
    key_above(axes, (f"m = {courses['batch_size'].iloc[0]}", INK))
    name_ends(axes, ends)


def draw_gaps(area: Area, data: dict[str, pd.DataFrame]) -> None:
    """With moving averages and with population statistics."""
    axes, gaps, ends = area.axes(), data["values"], []
    axes.axhline(0, **DOTTED)
    for name in ("moving", "population"):
        ends += _line(axes, gaps[gaps["statistics"] == name], "points", _COLORS[name], _SHORT[name])
    axes.yaxis.set_major_locator(MaxNLocator(5, steps=[1, 2, 5, 10]))
    axes.set_ylabel("Difference, points")
    _size_axis(axes, data["sizes"], ends)


def draw_accuracy(area: Area, data: dict[str, pd.DataFrame]) -> None:
    """A line a choice of statistics."""
    axes, rows, ends = area.axes(), data["values"], []
    for name in STATISTICS:
        ends += _line(axes, rows[rows["statistics"] == name], "accuracy", _COLORS[name], _LABELS[name])
    low, high = data["axis"].iloc[0]
    accuracy_axis(axes, 1 - 1.1 * (1 - low), 1 - (1 - high) / 1.15)
    axes.set_ylabel("Test accuracy")
    _size_axis(axes, data["sizes"], ends)


def draw_ratios(area: Area, data: dict[str, pd.DataFrame]) -> None:
    """Of the first layer; the lines are what the m / (m - 1) of Algorithm 2 is to give, and what is had without it."""
    axes, ratios, sizes, ends = area.axes(), data["values"], data["sizes"]["batch_size"], []
    axes.axhline(1, **DOTTED)
    axes.plot(sizes, [1 - 1 / size for size in sizes], **DOTTED)
    for statistics, words, fill in (
        ("population", "with m / (m − 1)", COLORS["population"]),
        ("population_ddof0", "without it", "white"),
    ):
        values = ratio_of(ratios, "hidden_1", statistics).reset_index()
        style = dict(markerfacecolor=fill, markersize=3.5)
        ends += _line(axes, values, "ratio", COLORS["population"], words, **style)
    axes.set_ylabel("Ratio of variances")
    _size_axis(axes, data["sizes"], ends)


def draw_layers(area: Area, data: dict[str, pd.DataFrame]) -> None:
    """A dash a layer."""
    axes, ratios, ends = area.axes(), data["values"], []
    axes.axhline(1, **DOTTED)
    for index, layer in enumerate(sorted(set(ratios["layer"]))):
        words, style = layer.replace("hidden_", "hidden layer "), dict(linestyle=_DASHES[index % len(_DASHES)])
        values = ratio_of(ratios, layer, "population").reset_index()
        ends += _line(axes, values, "ratio", COLORS["population"], words, **style)
    axes.set_ylabel("Ratio of variances")
    _size_axis(axes, data["sizes"], ends)


def draw_shifted(area: Area, shifted: pd.DataFrame) -> None:
    """A row for each kind of data, in it a mark for each choice of statistics."""
    axes = area.axes()
    axes.set_xlim(0, 1)
    for position, data in enumerate(DATA):
        for name, shift in zip(_SHIFTED, (-0.24, 0, 0.24)):
            own = shifted[(shifted["data"] == data) & (shifted["statistics"] == name)]
            values = own["accuracy"].dropna()
            interval_mark(axes, position + shift, values, median_interval(values), _COLORS[name])
    if not any(line.get_marker() == "o" for line in axes.lines):
        nothing(axes)
    for chance in set(shifted["chance"]):
        axes.axvline(chance, **DOTTED)
    row_axis(axes, [_DATA[data] for data in DATA], [INK] * len(DATA), lines=True)
    axes.set_xlabel("Test accuracy")
    accuracy_ticks(axes, "x", [0, 0.25, 0.5, 0.75, 1])
    key_above(axes, *[(_SHORT[name], _COLORS[name]) for name in _SHIFTED])


def draw_changed(area: Area, data: dict[str, pd.DataFrame]) -> None:
    """With the batch's own statistics in both orders, and with moving averages."""
    axes, changed, ends = area.axes(), data["values"], []
    shown = (("test", "batch", "mixed classes"), ("imbalanced", "batch", "class by class"))
    for index, (order, name, words) in enumerate((*shown, ("test", "moving", _LABELS["moving"]))):
        own = changed[(changed["data"] == order) & (changed["statistics"] == name)]
        ends += _line(axes, own, "changed", _COLORS[name], words, linestyle=_DASHES[index % 2])
    axes.set(ylim=(-0.03, 1), ylabel="Share of test examples")
    accuracy_ticks(axes)
    _size_axis(axes, data["sizes"], ends)


def _line(axes: Axes, rows: pd.DataFrame, value: str, color: str, words: str, **style) -> list[tuple]:
    """Each seed and the median over the mini-batches; `style` is of the median.

    Returns the end of the median for `name_ends`, in a list that is empty where nothing is drawn.
    """
    return median_line(axes, rows[["batch_size", "seed", value]], "batch_size", value, color, words, **style)


def _size_axis(axes: Axes, table: pd.DataFrame, ends: list[tuple]) -> None:
    """A logarithmic x axis of mini-batches, and the names of the lines, now that the limits are final."""
    sizes = table["batch_size"].tolist()
    axes.set(xscale="log", xlim=(sizes[0] / 1.25, sizes[-1] * 1.25), xlabel="Size m of the mini-batch")
    axes.xaxis.set_major_locator(FixedLocator(sizes[::2] if len(sizes) > 5 else sizes))
    axes.xaxis.set_minor_locator(FixedLocator(sizes))
    axes.xaxis.set_major_formatter(FuncFormatter(thousands))
    axes.xaxis.set_minor_formatter(NullFormatter())
    name_ends(axes, ends)
    if not ends:
        nothing(axes)
