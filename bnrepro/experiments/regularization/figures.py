"""The figure of regularization: outputs that vary with the mini-batch, gaps, changes, the ensemble. Knows no run."""

import textwrap

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from bnrepro.analysis.formatting import number
from bnrepro.analysis.intervals import bootstrap_median
from bnrepro.analysis.select import intervals
from bnrepro.experiments.regularization.claims import (
    faster_decay,
    no_dropout,
    no_local_response_normalization,
    thorough_shuffling,
)
from bnrepro.experiments.regularization.panels import draw_effects, draw_ensembles, draw_ratios, draw_shuffling
from bnrepro.experiments.regularization.sweep import DENSE_FEW, FEW
from bnrepro.experiments.regularization.tables import LOSS, ONE, SIX, effects, few, gaps, shuffling, spreads
from bnrepro.plotting.arms import COLORS, LABELS
from bnrepro.plotting.axes import (
    DOTTED,
    log_axis,
    name_ends,
    nothing,
    thousands,
)
from bnrepro.plotting.lines import median_line, row_axis, ticks_at
from bnrepro.plotting.marks import interval_mark, seeds_and_median
from bnrepro.plotting.style import DOUBLE, add_panel, new_figure, styled
from bnrepro.records.schemas import Tables

CAPTION = (
    "(a) How much an example's logits vary with the other examples of its mini-batch, relative to their spread over examples: "
    "the dense net with BN after training, each run (thin), the median of the seeds (thick) and its interval; dotted, a fall "
    "with the root of the size. (b, c) Training minus held-out accuracy of the dense net, both in inference mode, over the "
    "number of training examples: after all steps, on the test set; and where the training loss first falls to "
    f"{LOSS:g}, on the validation set, for the runs that get there. (d) The same without Dropout at the size nearest to "
    f"{DENSE_FEW:,}: each run (tick), median (mark) and its interval. Population statistics: running averages normalize while "
    "training too; noise: they are jittered as much as a mini-batch's statistics are. (e, f) Section 4.2.1 from BN-Baseline "
    "on, one change at a time: best validation accuracy with the change minus without, and how many times fewer steps it takes "
    "to the best accuracy that the same seed has without it. An upright bar is the loss that a claim allows; an arrow is a "
    "bound or lies beyond the axis; a cross is undetermined. Filled, inception_small on "
    f"{FEW:,} examples, by which the claims are judged; open, the dense net on {DENSE_FEW:,}, named in advance as the second "
    "setting. (g) What thorough shuffling gains over fixed mini-batches with BN, without, and the difference; diamond, the "
    "paper's gain with BN. (h) Test error of the averaged probabilities of one to six BN-x30 nets, varied as in the paper: each "
    "seed (thin), the median and its interval; diamonds, the paper's errors of one net and of six, scaled to our error of one. "
    "{conv_bn_seeds} seeds an arm."
)

MARGINS = {
    "dropout": no_dropout.rule.threshold,
    "decay": faster_decay.rule.threshold,
    "lrn": no_local_response_normalization.rule.threshold,
}
"""How much accuracy a change may cost for its claim to hold."""

_ARMS = ("none", "none_dropout", "batch", "batch_dropout")
_CONTROL = ("none", "batch", "population", "noise")
_MOMENTS = {"equal": ("o", -0.17), "last": ("s", 0.17)}  # marker, and place in its row

_KEY = "● inception_small   ○ dense net"


def figure(tables: Tables) -> Figure:
    """Outputs that vary with the mini-batch, generalization gaps, the changes of section 4.2.1, and the ensemble."""
    return draw(
        mates=spreads(tables),
        gaps=gaps(tables),
        effects=effects(tables),
        shuffling=shuffling(tables),
        ensembles=tables["ensembles"],
        margins=MARGINS,
        papers_gain=thorough_shuffling.paper,
        papers_ratio=SIX / ONE,
    )


@styled
def draw(
    mates: pd.DataFrame,
    gaps: pd.DataFrame,
    effects: pd.DataFrame,
    shuffling: pd.DataFrame,
    ensembles: pd.DataFrame,
    margins: dict[str, float],
    papers_gain: float,
    papers_ratio: float,
) -> Figure:
    """The whole figure.

    Args:
        mates: The table `mates` with the config of its runs.
        gaps: As `tables.gaps` gives them; so too `effects` and `shuffling`.
        effects: What each change does.
        shuffling: What thorough shuffling gains.
        ensembles: The table `ensembles`.
        margins: By change, how much accuracy it may cost for its claim to hold.
        papers_gain: What thorough shuffling gains in the paper.
        papers_ratio: The error of the paper's ensemble over that of one of its nets.
    """
    figure = new_figure(DOUBLE, 196)
    _spread(add_panel(figure, (13, 12, 33, 38), "a", "Spread of the logits", "over mini-batches"), mates)
    gap = "Generalization gap, points"
    last = add_panel(figure, (58, 12, 32, 38), "b", gap, "after equal steps")
    equal = add_panel(figure, (117, 12, 32, 38), "c", gap, f"at equal training loss, {LOSS:g}")
    _sizes({"last": last, "equal": equal}, gaps)
    _noise(
        add_panel(figure, (27, 74, 30, 46), "d", "Is it the noise?", f"● at loss {LOSS:g}   ■ after equal steps"), gaps
    )
    draw_effects(add_panel(figure, (91, 74, 41, 46), "e", "Effect on best accuracy", _KEY), effects, margins)
    draw_ratios(add_panel(figure, (139, 74, 33, 46), "f", "Times fewer steps", "to the best without it"), effects)
    draw_shuffling(
        add_panel(figure, (27, 144, 49, 41), "g", "Gain from thorough shuffling", _KEY), shuffling, papers_gain
    )
    ensemble = add_panel(
        figure, (103, 144, 45, 41), "h", "Test error of an ensemble", "mean over all choices of its nets"
    )
    draw_ensembles(ensemble, ensembles, papers_ratio)
    return figure


def _spread(axes: Axes, mates: pd.DataFrame) -> None:
    """Training mode by seed and median, with the slope of a mean of independent examples; inference in words."""
    color, runs = COLORS["batch"], mates[mates["mode"] == "training"]
    axes.set(xscale="log", yscale="log", xlabel="Mini-batch size")
    sizes = sorted(set(mates["batch_size"]))
    if runs.empty:
        nothing(axes)
        return
    medians = intervals(runs, "batch_size", "spread")
    seeds_and_median(axes, runs, medians, "batch_size", "spread", color)
    middle = medians.set_index("batch_size")["estimate"]
    falling = middle.iloc[0] * np.sqrt(sizes[0] / np.array(sizes))
    axes.plot(sizes, falling, **DOTTED)
    style = dict(textcoords="offset points", fontsize=7)
    axes.annotate("1 / √size", (sizes[-1], falling[-1]), (0, -9), color="#6B6B6B", ha="right", **style)
    at_inference = mates.loc[mates["mode"] == "inference", "spread"].max()
    axes.annotate("training mode", (sizes[2], middle.iloc[2]), (6, 5), color=color, **style)
    words = f"inference: {number(at_inference)}"
    axes.annotate(words, (0, 0), (3, 4), "axes fraction", textcoords="offset points", fontsize=7, color=color)
    ticks_at(axes.xaxis, sizes[::2], thousands)
    log_axis(axes, "y", (min(falling[-1], runs["spread"].min()) / 2.4, 1.4 * runs["spread"].max()))


def _sizes(each: dict[str, Axes], gaps: pd.DataFrame) -> None:
    """Both gaps over the training-set size, on the same scale."""
    gaps = gaps[gaps["arm"].isin(_ARMS)]
    sizes = sorted(set(gaps["size"]))
    values = 100 * gaps[list(each)].to_numpy(float)
    low, high = (np.nanmin(values), np.nanmax(values)) if np.isfinite(values).any() else (0.0, 1.0)
    margin = 0.06 * (high - low) + 0.1
    for value, axes in each.items():
        ends = []
        for arm in _ARMS:
            own = gaps[gaps["arm"] == arm]
            own = own.assign(points=100 * own[value])
            ends += median_line(axes, own, "size", "points", COLORS[arm], LABELS[arm])
        axes.set(xscale="log", xlim=(sizes[0] / 1.25, sizes[-1] * 1.25), ylim=(min(low - margin, 0), high + margin))
        axes.set(xlabel="Training examples")
        ticks_at(axes.xaxis, sizes, thousands)
        axes.yaxis.set_major_locator(MaxNLocator(5, steps=[1, 2, 5, 10]))
        name_ends(axes, ends)
        if not ends:
            nothing(axes, "no run gets there")


def _noise(axes: Axes, gaps: pd.DataFrame) -> None:
    """The gaps without Dropout on few examples, and of the control in which noise is told from normalization."""
    runs = few(gaps)
    for place, arm in enumerate(_CONTROL):
        for value, (marker, shift) in _MOMENTS.items():
            own = 100 * runs.loc[runs["arm"] == arm, value].dropna()
            interval_mark(axes, place + shift, own, bootstrap_median(own), COLORS[arm], marker=marker)
    row_axis(axes, [textwrap.fill(LABELS[arm], 12) for arm in _CONTROL], [COLORS[arm] for arm in _CONTROL])
    axes.set_xlim(left=min(0, axes.get_xlim()[0]))
    axes.set_xlabel("Training minus held-out, points")
