"""The figure of training speed: curves, steps and seconds to 97%, the grid. Knows no claim."""

import numpy as np
import pandas as pd
import seaborn
from matplotlib.axes import Axes
from matplotlib.colors import LogNorm
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter

from bnrepro.analysis import paper
from bnrepro.analysis.curves import median_curves
from bnrepro.analysis.intervals import bootstrap_median
from bnrepro.analysis.select import group_curves
from bnrepro.experiments.training_speed.tables import TARGET, calibrated, published, sensitivity, speed
from bnrepro.plotting.arms import COLORS
from bnrepro.plotting.axes import DOTTED, step_axis, thousands
from bnrepro.plotting.heatmap import frame_cell, heat_map
from bnrepro.plotting.marks import (
    name_curve,
    paper_line,
    paper_mark,
    runs_and_interval,
    seed_curves,
)
from bnrepro.plotting.style import DOUBLE, add_panel, new_figure, styled
from bnrepro.records.schemas import Tables

CAPTION = (
    "(a) Accuracy on the test set of the net of section 4.1, without and with BN: {main_seeds} seeds an arm (thin lines), "
    "their median (thick) and its 95% bootstrap interval (band); dashed, the curves of the paper's Figure 1(a). "
    "(b, c) Training steps, and seconds of training without compilation and evaluation, until a run is first at 97%: each run "
    "(tick), median (dot) and its interval; diamonds, the paper's steps. A run that never gets there counts with all its steps "
    "and is an arrow. "
    "(d) The values that the paper does not state: mean distance, in percentage points of accuracy, of the arm without BN from "
    "the paper's curve; the frame marks the values used in (a). (e) How many times fewer steps BN needs to 97% at the same "
    "values; > where the arm without BN never got there, < where the arm with BN never did, a dash where neither did. "
    "Each cell of (d) and (e) is {calibration_seeds} seeds that occur nowhere else."
)

_ARMS = ("batch", "none")  # as they stand in a figure: the higher curve first
_RIGHT = 130  # mm; left edge of the right column
_GRID_TOP = 82  # mm; upper edge of the heat maps
_CELL = (8.6, 5.8)  # mm; width and height of a cell of a heat map


def figure(tables: Tables) -> Figure:
    """Curves, steps and seconds to 97%, calibration and sensitivity."""
    return draw(
        curves=group_curves(tables, "main"),
        published=published(tables),
        speed=speed(tables),
        target=TARGET,
        calibration=calibrated(tables),
        sensitivity=sensitivity(tables),
    )


@styled
def draw(
    curves: pd.DataFrame,
    published: pd.DataFrame,
    speed: pd.DataFrame,
    target: float,
    calibration: pd.DataFrame,
    sensitivity: pd.DataFrame,
) -> Figure:
    """The whole figure; the arguments are what the functions of `training_speed` return, `curves` those of the main group."""
    used = curves.iloc[0]
    rows = max(cells["initial_std"].nunique() for cells in (calibration, sensitivity))
    figure = new_figure(DOUBLE, _GRID_TOP + rows * _CELL[1] + 11)
    _accuracy(add_panel(figure, (12, 7, 92, 51), "a", "Test accuracy"), curves, published, speed, target)
    marks = dict(paper.STEPS_TO_97_PERCENT) if len(published) else {}
    steps = add_panel(figure, (_RIGHT, 7, 42, 18), "b", f"Training steps to {target:.0%}")
    _until_target(steps, speed, "steps_spent", thousands, marks)
    seconds = add_panel(figure, (_RIGHT, 40, 42, 18), "c", f"Seconds of training to {target:.0%}")
    _until_target(seconds, speed, "seconds_spent", "{:.3g} s".format, {})
    _distances(figure, calibration, used)
    _ratios(figure, sensitivity, used)
    return figure


def _accuracy(axes: Axes, curves: pd.DataFrame, published: pd.DataFrame, speed: pd.DataFrame, target: float) -> None:
    runs, last = curves[curves["split"] == "test"], curves["steps"].max()
    medians = median_curves(curves)
    seed_curves(axes, runs, medians)
    published = published[published["step"] <= last]
    for place, (_, curve) in enumerate(published.groupby("arm")):
        paper_line(axes, curve["step"], curve["test_accuracy"], label="_paper" if place else "paper, Figure 1(a)")
    drawn = pd.concat([runs, published.rename(columns={"test_accuracy": "accuracy"})])
    for arm in _ARMS:
        name_curve(axes, drawn, arm, 0.62, above=arm == "batch")
        reached = speed.loc[speed["normalization"] == arm, "steps_to_target"].median()
        if len(published) and paper.STEPS_TO_97_PERCENT[arm] <= last:
            paper_mark(axes, paper.STEPS_TO_97_PERCENT[arm], target)
        if np.isfinite(reached):
            style = dict(color=COLORS[arm], markersize=6, markeredgecolor="white", markeredgewidth=0.9, zorder=7)
            axes.plot(reached, target, "o", **style)
    axes.axhline(target, **DOTTED)
    step_axis(axes, last)
    slowest = medians.groupby("normalization")["estimate"].last().min()
    axes.set(ylim=(0.7 if slowest > 0.75 else 0.0, 1.0), ylabel="")  # the paper's axis, where it shows both arms
    axes.yaxis.set_major_formatter(PercentFormatter(1, 0))
    if len(published):
        lines = [line for line in axes.lines if line.get_label().startswith("paper")]
        axes.legend(handles=lines, loc="lower right", bbox_to_anchor=(1, 1.01), borderaxespad=0)


def _until_target(axes: Axes, speed: pd.DataFrame, value: str, words, marks: dict[str, float]) -> None:
    rows = []
    for arm in _ARMS:
        own = speed[speed["normalization"] == arm]
        reached = np.isfinite(own["steps_to_target"].median())
        rows.append((arm, *bootstrap_median(own[value]), reached))
    intervals = pd.DataFrame(rows, columns=("normalization", "estimate", "ci_low", "ci_high", "n", "reached"))
    runs_and_interval(axes, speed.rename(columns={value: "value"}), intervals, words, marks)
    axes.xaxis.set_major_formatter(thousands)


def _distances(figure: Figure, calibration: pd.DataFrame, used: pd.Series) -> None:
    """A heat map for each reading of the pixels, the one that is used first."""
    colors, norm = seaborn.light_palette("#3F4A5A", reverse=True, as_cmap=True), LogNorm(0.005, 0.7, clip=True)
    readings = sorted(set(calibration["pixels"]), key=lambda pixels: (pixels != used["pixels"], pixels == "grey"))
    for number, pixels in enumerate(readings):
        cells = calibration[calibration["pixels"] == pixels]
        words = cells["distance"].map(lambda value: f"{100 * value:.2g}" if np.isfinite(value) else "–")
        titles = ("d", "Distance of the curve without BN from the paper's, in points") if number == 0 else ("", "")
        left = 12 + number * (_CELL[0] * cells["learning_rate"].nunique() + 2.5)
        axes = _cells(figure, left, cells, *titles, f"{pixels} pixels")
        heat_map(axes, cells.assign(words=words), "distance", "words", colors, norm)
        if pixels == used["pixels"]:
            frame_cell(axes, cells, used["initial_std"], used["learning_rate"])
        axes.set(ylabel="" if number else "Initial std")
        axes.tick_params(labelleft=number == 0)


def _ratios(figure: Figure, sensitivity: pd.DataFrame, used: pd.Series) -> None:
    """Times fewer steps with BN, in the color of the arm that is faster."""
    colors = seaborn.blend_palette([COLORS["none"], "white", COLORS["batch"]], as_cmap=True)
    undecided = sensitivity["bound"] == "~"
    words = (sensitivity["bound"] + sensitivity["ratio"].map(" {:.2g}".format)).str.strip().mask(undecided, "–")
    cells = sensitivity.assign(words=words, ratio=sensitivity["ratio"].mask(undecided))
    axes = _cells(figure, _RIGHT, cells, "e", "Times fewer steps with BN", f"{used['pixels']} pixels")
    heat_map(axes, cells, "ratio", "words", colors, LogNorm(1 / 12, 12, clip=True))
    frame_cell(axes, cells, used["initial_std"], used["learning_rate"])


def _cells(figure: Figure, left: float, cells: pd.DataFrame, *titles: str) -> Axes:
    size = _CELL[0] * cells["learning_rate"].nunique(), _CELL[1] * cells["initial_std"].nunique()
    return add_panel(figure, (left, _GRID_TOP, *size), *titles)
