"""The figure of learning rates: Figures 2 and 3, the sweep of rates, the network. Knows no claim but a limit that it draws."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MaxNLocator, NullLocator

from bnrepro.analysis import paper
from bnrepro.analysis.curves import CHANCE, evaluations, median_curves
from bnrepro.analysis.intervals import bootstrap_bounded
from bnrepro.analysis.select import TRAINS, curves_of
from bnrepro.config.inception_small import inception_small
from bnrepro.experiments.learning_rates.claims import invariant
from bnrepro.experiments.learning_rates.panels import (
    draw_effective_rates,
    draw_gradients,
    draw_invariances,
    draw_jacobians,
)
from bnrepro.experiments.learning_rates.tables import (
    ARMS,
    effective_rates,
    gradients,
    invariances,
    jacobians,
    published,
    race,
    rate_sweep,
)
from bnrepro.experiments.setups import PAPER_MODELS
from bnrepro.plotting import network_diagram
from bnrepro.plotting.arms import COLORS, LABELS
from bnrepro.plotting.axes import (
    accuracy_axis,
    accuracy_axis_to,
    log_axis,
    name_ends,
    step_axis,
    thousands,
)
from bnrepro.plotting.marks import runs_and_interval, seed_curves
from bnrepro.plotting.style import DOUBLE, INK, add_panel, new_figure, styled
from bnrepro.records.schemas import Tables

CAPTION = (
    "(a) Accuracy on validation examples of a small Inception: {baseline_seeds} seeds an arm (thin lines), their median (thick) "
    "and its 95% bootstrap interval (band), on an axis spaced by the logarithm of the error; a cross where all runs of an arm "
    "diverged. Dotted, the best accuracy of the Baseline (median of the seeds); a dot where each arm's median reaches it. "
    "(b) The paper's Figure 2, on ImageNet, in the same colors; diamonds, its printed steps to the best of its Inception. "
    "(c) Training steps to the best accuracy of the Baseline of the same seed: each run (tick), median (dot, number) and its "
    "interval; diamonds, the paper's ratios, put on our Baseline. A run that never gets there counts with all its steps and is "
    "an arrow. (d) Accuracy at the end of shorter runs without and with BN, median of {rates_seeds} seeds and its interval; "
    f"below, the rates at which half of the runs or more end at {TRAINS:.0%} or above (bar), the best (star), and how many runs "
    "diverged (cross). (e) Norm of all hidden weights, and rate over the norm squared, both over the start's. (f) Norm "
    "of the gradient by layer at the start and at the end of the runs of (d) at the largest rate that trains: each run (thin), "
    "median (thick). (g) Singular values of the Jacobian of a convolution in a double 3x3 branch, Baseline and BN-Baseline, "
    "before and after training: median, quartiles, 5th to 95th percentile, medians of the seeds. (h) Relative change of logits "
    "and weight gradients when all weights before a BN are multiplied by a, in every trained net with BN (dots; line, the "
    "largest): as it is, and with epsilon divided by a squared, where nothing but rounding may be left; dotted, the limit of the "
    "claim. (i) The network: convolutions (blue) with their size, stride and channels, pooling (grey), and what the changes of "
    "section 4.2.1 remove (dashed); size and channels of its images below."
)

_DOT = dict(markersize=5.5, markeredgecolor="white", markeredgewidth=0.8, zorder=7, clip_on=False)


def figure(tables: Tables) -> Figure:
    """Figures 2 and 3, the sweep of rates, and what may explain them."""
    return draw(
        curves=curves_of(tables, *ARMS),
        race=race(tables),
        published=published(),
        sweep=rate_sweep(tables),
        effective=effective_rates(tables),
        gradients=gradients(tables),
        jacobians=jacobians(tables),
        invariances=invariances(tables),
        tolerance=invariant.rule.threshold,
    )


@styled
def draw(
    curves: pd.DataFrame,
    race: pd.DataFrame,
    published: pd.DataFrame,
    sweep: pd.DataFrame,
    effective: pd.DataFrame,
    gradients: pd.DataFrame,
    jacobians: pd.DataFrame,
    invariances: pd.DataFrame,
    tolerance: float,
) -> Figure:
    """The whole figure; the arguments are what the functions of `tables` return, `curves` those of all arms."""
    figure = new_figure(DOUBLE, 250)
    _curves(add_panel(figure, (12, 7, 66, 44), "a", "Validation accuracy"), curves, race)
    _papers_curves(add_panel(figure, (121, 7, 30, 44), "b", "The paper's Figure 2"))
    _steps(add_panel(figure, (25, 68, 48, 44), "c", "Training steps to the Baseline's best accuracy"), race, published)
    _rates(figure, 68, sweep)
    draw_effective_rates(figure, 129, effective, curves["steps"].max())
    draw_gradients(figure, 129, gradients)
    draw_jacobians(figure, 171, jacobians)
    draw_invariances(figure, 171, invariances, tolerance)
    _network(add_panel(figure, (2, 210, 171, 38), "i", "The network"), curves.iloc[0])
    return figure


def _network(axes: Axes, config: pd.Series) -> None:
    size, channels = (32, 3) if config["task"] == "cifar10" else (28, 1)
    network_diagram.draw(axes, inception_small(int(config["width"]), size), size, channels)


def _curves(axes: Axes, curves: pd.DataFrame, race: pd.DataFrame) -> None:
    """Every arm, the target, and where each arm's median gets there."""
    last, runs = curves["steps"].max(), evaluations(curves)
    medians = median_curves(curves, "arm")
    seed_curves(axes, runs, medians, column="arm")
    target = race["target"].median()
    axes.axhline(target, color=INK, linewidth=0.7, linestyle=":", zorder=1)
    step_axis(axes, last)
    highest = runs["accuracy"].fillna(CHANCE).max()  # a run that was never evaluated is there without a value
    accuracy_axis_to(axes, highest)
    axes.set_ylabel("")
    ends = []
    for arm, own in race.groupby("arm", sort=False):
        reached, diverged = own["steps_to_target"].median(), int((own["status"] == "diverged").sum())
        if np.isfinite(reached):
            axes.plot(reached, target, "o", color=COLORS[arm], **_DOT)
        end = medians[medians["arm"] == arm].iloc[-1]
        if diverged == len(own):
            axes.plot(end["step"], end["estimate"], "x", color=COLORS[arm], markersize=4.5, zorder=7, clip_on=False)
        words = LABELS[arm] + f", {diverged} diverged" * (diverged > 0)
        ends.append((end["step"], end["estimate"], words, COLORS[arm]))
    name_ends(axes, ends)


def _papers_curves(axes: Axes) -> None:
    """Diamonds are the printed steps to the Baseline's best."""
    table, printed = paper.figure2(), paper.figure3().set_index("model")
    target = printed["max_accuracy"].iloc[0]
    ends = []
    for arm, model in PAPER_MODELS.items():
        own, color = table[table["model"] == model], COLORS[arm]
        axes.plot(own["step"], own["validation_accuracy"], color=color, linewidth=1.3, label=LABELS[arm], zorder=4)
        axes.plot(printed.loc[model, "steps_to_72_2_percent"], target, "D", color=color, **_DOT | {"markersize": 4.5})
        ends.append((*own.iloc[-1][["step", "validation_accuracy"]], LABELS[arm], color))
    axes.axhline(target, color=INK, linewidth=0.7, linestyle=":", zorder=1)
    axes.set(xlim=(0, 1.05 * printed["steps_to_72_2_percent"].max()), xlabel="Training steps")
    axes.xaxis.set_major_locator(MaxNLocator(3))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda steps, place: f"{steps / 1e6:g}M" if steps else "0"))
    accuracy_axis(axes, table["validation_accuracy"].min(), 0.76)
    name_ends(axes, ends)


def _steps(axes: Axes, race: pd.DataFrame, published: pd.DataFrame) -> None:
    """Figure 3 as dots. The paper's ratios stand on our Baseline, so that its own mark lies on our dot."""
    runs = race.assign(normalization=race["arm"], value=race["steps_spent"])
    rows = []
    for arm, own in runs.groupby("arm", sort=False):
        interval = bootstrap_bounded(own.assign(bound=""), "value")
        rows.append((arm, *interval, np.isfinite(own["steps_to_target"].median())))
    intervals = pd.DataFrame(rows, columns=("normalization", "estimate", "ci_low", "ci_high", "n", "reached"))
    marks = (intervals["estimate"].iloc[0] / published.set_index("arm")["paper_fewer"]).dropna().to_dict()
    runs_and_interval(axes, runs, intervals, thousands, marks, aside=True)
    smallest = min([runs["value"].min(), *marks.values()])
    log_axis(axes, "x", (smallest / 1.4, 1.15 * runs["value"].max()))
    axes.xaxis.set_major_formatter(thousands)


def _rates(figure: Figure, top: float, sweep: pd.DataFrame) -> None:
    """Final accuracy over the rates; below it, which of them train, which is best, and how many runs diverged."""
    axes = add_panel(figure, (104, top, 69, 32), "d", "Accuracy at the end, by learning rate")
    strip = add_panel(figure, (104, top + 33.5, 69, 10.5))
    for row, (arm, rates) in enumerate(reversed(list(sweep.groupby("normalization")))):
        color, x = COLORS[arm], rates["learning_rate"]
        axes.fill_between(x, rates["ci_low"], rates["ci_high"], color=color, alpha=0.22, linewidth=0, zorder=3)
        axes.plot(x, rates["estimate"], "o-", color=color, label=LABELS[arm], markersize=2.5, zorder=5)
        best = rates[rates["best"]].iloc[0]
        for on, y in ((axes, best["estimate"]), (strip, row)):
            on.plot(best["learning_rate"], y, "*", color=color, **_DOT | {"markersize": 9})
        trains = x[rates["trains"]]
        strip.plot([trains.min(), trains.max()], [row, row], color=color, linewidth=4, alpha=0.4, zorder=3)
        lost = rates[rates["diverged"] > 0]
        strip.plot(lost["learning_rate"], [row] * len(lost), "x", color=color, markersize=4, zorder=4)
        for rate, diverged in zip(lost["learning_rate"], lost["diverged"]):
            strip.annotate(
                f"{diverged}", (rate, row), (4, 0), textcoords="offset points", fontsize=7, va="center", color=color
            )
    _rate_axes(axes, strip, sweep)


def _rate_axes(axes: Axes, strip: Axes, sweep: pd.DataFrame) -> None:
    arms, rates = list(reversed(sorted(set(sweep["normalization"])))), sweep["learning_rate"]
    tens = rates.nunique() > 6  # then there is room for the powers of ten alone
    words = [f"{rate:g}" if not tens or np.log10(rate).is_integer() else "" for rate in sorted(set(rates))]
    for each in (axes, strip):
        each.set_xscale("log")
        each.set_xlim(rates.min() / 1.5, rates.max() * 1.7)
        each.xaxis.set_minor_locator(NullLocator())
        each.set_xticks(sorted(set(rates)), words)
    axes.tick_params(labelbottom=False)
    accuracy_axis_to(axes, sweep["ci_high"].max(), room=1.25)
    strip.set(ylim=(len(arms) - 0.5, -0.5), yticks=range(len(arms)), yticklabels=[LABELS[arm] for arm in arms])
    strip.set(xlabel="Learning rate (bar: trains, ★ best, × diverged)")
    for label, arm in zip(strip.get_yticklabels(), arms):
        label.set_color(COLORS[arm])
    strip.grid(False)
