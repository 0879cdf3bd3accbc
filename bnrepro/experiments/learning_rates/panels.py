"""What draws Figures 2 and 3, the sweep of rates, and what may explain them, from computed tables. Knows no claim, no run."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, MaxNLocator, NullLocator

from bnrepro.config.inception_bn import inception_bn
from bnrepro.config.inception_small import inception_small
from bnrepro.plotting import network_diagram
from bnrepro.plotting.area import Area
from bnrepro.plotting.arms import COLORS, LABELS
from bnrepro.plotting.axes import (
    DOTTED,
    accuracy_axis,
    accuracy_axis_to,
    key_above,
    log_axis,
    name_ends,
    nothing,
    step_axis,
    thousands,
)
from bnrepro.plotting.inks import INK
from bnrepro.plotting.marks import runs_and_interval, seed_curves
from bnrepro.plotting.style import small

_EXPLAINED = ("baseline", "bn_baseline", "bn_x5", "bn_x30", "bn_x5_sigmoid")
_LEAST = 1e-9  # what an error of 0 is drawn as
_SHOWN = ("p05", "p25", "p50", "p75", "p95")
_SMALLEST_SHOWN = 1e-3  # a Jacobian may have singular values of 0, which would leave no room for the others
_DOT = dict(markersize=5.5, markeredgecolor="white", markeredgewidth=0.8, zorder=7, clip_on=False)


def draw_curves(area: Area, data: dict[str, pd.DataFrame]) -> None:
    """Every arm, the target, and where each arm's median gets there."""
    axes, runs, medians, race = area.axes(), data["runs"], data["medians"], data["race"]
    seed_curves(axes, runs, medians, column="arm")
    target = race["target"].median()
    axes.axhline(target, **DOTTED)
    step_axis(axes, race["steps"].max())
    accuracy_axis_to(axes, runs["accuracy"].max())
    axes.set_ylabel("Validation accuracy")
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


def draw_papers_curves(area: Area, data: dict[str, pd.DataFrame]) -> None:
    """The printed steps are diamonds on the line of the best of its Inception."""
    axes, curves, printed = area.axes(), data["curves"], data["printed"]
    ends = []
    for mark in printed.itertuples():
        own, color = curves[curves["arm"] == mark.arm], COLORS[mark.arm]
        axes.plot(own["step"], own["validation_accuracy"], color=color, linewidth=1.3, label=LABELS[mark.arm], zorder=4)
        axes.plot(mark.step, mark.accuracy, "D", color=color, **_DOT | {"markersize": 4.5})
        ends.append((*own.iloc[-1][["step", "validation_accuracy"]], LABELS[mark.arm], color))
    axes.axhline(printed["accuracy"].iloc[0], **DOTTED)
    axes.set(xlim=(0, 1.05 * printed["step"].max()), xlabel="Training steps")
    axes.xaxis.set_major_locator(MaxNLocator(3))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda steps, position: f"{steps / 1e6:g}M" if steps else "0"))
    accuracy_axis(axes, curves["validation_accuracy"].min(), 0.76)
    axes.set_ylabel("Validation accuracy")
    name_ends(axes, ends)


def draw_steps(area: Area, data: dict[str, pd.DataFrame]) -> None:
    """Figure 3 as dots."""
    axes, runs = area.axes(), data["runs"]
    if runs.empty:
        nothing(axes, "of the preset paper alone")
        axes.set(xlabel="Training steps", xticks=[], yticks=[])
        return
    marks = data["paper"].set_index("normalization")["value"].to_dict()
    runs_and_interval(axes, runs, data["medians"], thousands, marks, aside=True)
    smallest = min([runs["value"].min(), *marks.values()])
    log_axis(axes, "x", (smallest / 1.4, 1.15 * runs["value"].max()))
    axes.xaxis.set_major_formatter(thousands)
    axes.set_xlabel("Training steps")


def draw_rates(area: Area, sweep: pd.DataFrame) -> None:
    """Final accuracy over the rates; below it, which of them train, which is best, and how many runs diverged."""
    axes, strip = area.grid(heights=(3, 1), gap=(3, 1.5))
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
        style = dict(textcoords="offset points", fontsize=small(), va="center", color=color)
        for rate, diverged in zip(lost["learning_rate"], lost["diverged"]):
            strip.annotate(f"{diverged}", (rate, row), (4, 0), **style)
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
    axes.set_ylabel("Final accuracy")
    strip.set(ylim=(len(arms) - 0.5, -0.5), yticks=range(len(arms)), yticklabels=[LABELS[arm] for arm in arms])
    strip.set(xlabel="Learning rate (bar: trains, ★ best, × diverged)")
    for label, arm in zip(strip.get_yticklabels(), arms):
        label.set_color(COLORS[arm])
    strip.grid(False)


def draw_effective(area: Area, data: dict[str, pd.DataFrame], label: str, logarithmic: bool) -> None:
    """A quantity of the weights over the steps, Baseline and arms with BN."""
    axes, effective, ends = area.axes(), data["runs"], []
    for arm in _EXPLAINED:
        runs = effective[effective["arm"] == arm].pivot(index="step", columns="run", values="value")
        runs = runs.where(np.isfinite(runs)).dropna(how="all")
        if runs.empty:
            continue
        for run in runs:
            axes.plot(runs.index, runs[run], color=COLORS[arm], linewidth=0.4, alpha=0.35, zorder=2)
        middle = runs.median(axis=1)
        axes.plot(middle.index, middle, color=COLORS[arm], label=LABELS[arm], zorder=4)
        ends.append((middle.index[-1], middle.iloc[-1], LABELS[arm], COLORS[arm]))
    step_axis(axes, data["axis"]["last_step"].iloc[0])
    if logarithmic:
        log_axis(axes, "y")
    axes.yaxis.set_major_formatter(lambda value, position: f"{value:g}×")
    axes.set_ylabel(label)
    name_ends(axes, ends)


def draw_gradients(area: Area, gradients: pd.DataFrame) -> None:
    """Norms by layer, at the start and at the end, with and without BN."""
    layers = list(dict.fromkeys(gradients["layer"]))
    values = gradients["value"][gradients["value"] > 0]
    rates = gradients.groupby("normalization")["learning_rate"].first()
    for moment, axes in zip(("start", "end"), area.grid(widths=(1, 1), gap=(8, 3))):
        for arm, own in gradients[gradients["moment"] == moment].groupby("normalization"):
            runs = own.pivot(index="layer", columns="run", values="value").reindex(layers)
            for run in runs:
                axes.plot(runs[run].to_numpy(), color=COLORS[arm], linewidth=0.4, alpha=0.35, zorder=2)
            axes.plot(runs.median(axis=1).to_numpy(), color=COLORS[arm], label=LABELS[arm], zorder=4)
            for at in np.flatnonzero((runs == 0).any(axis=1)):
                axes.plot(at, values.min() / 1.5, "v", color=COLORS[arm], markersize=3, clip_on=False)
        if moment not in set(gradients["moment"]):
            axes.annotate("no rate trains", (0.5, 0.5), xycoords="axes fraction", fontsize=small(), ha="center")
        log_axis(axes, "y", (values.min() / 1.5, values.max() * 3) if len(values) else None)
        axes.tick_params(labelleft=moment == "start")
        axes.set_ylabel("Norm of the gradient" if moment == "start" else "")
        axes.annotate(moment, (0, 1), (3, -3), "axes fraction", "offset points", fontsize=small(), va="top")
        _module_axis(axes, layers)
        if moment == "start":
            key_above(axes, *[(f"{LABELS[arm]}, rate {rate:g}", COLORS[arm]) for arm, rate in rates.items()])


def _module_axis(axes: Axes, layers: list[str]) -> None:
    """An x axis of layers, each module named once."""
    if not layers:
        return
    positions = pd.Series(range(len(layers))).groupby([layer.partition("_")[0] for layer in layers], sort=False)
    axes.set_xticks(positions.mean().tolist(), positions.mean().index.tolist())
    axes.tick_params(axis="x", length=0, pad=5, labelsize=small())
    for label, layers_of in zip(axes.get_xticklabels(), positions.size()):
        label.set_ha("right" if layers_of == 1 else "center")  # the stem's name would run into the next
    for edge in positions.min().iloc[1:]:
        axes.axvline(edge - 0.5, color="#E6E6E6", linewidth=0.6, zorder=1)
    axes.set(xlim=(-0.8, len(layers) - 0.2), xlabel="Layer")


def draw_jacobians(area: Area, jacobians: pd.DataFrame) -> None:
    """By layer, arm and moment: median, quartiles (thick) and the 5th to 95th percentile (thin)."""
    axes = area.axes()
    layers = list(dict.fromkeys(jacobians["layer"]))
    offsets = {("baseline", "start"): -0.3, ("baseline", "end"): -0.12}
    offsets |= {("bn_baseline", "start"): 0.12, ("bn_baseline", "end"): 0.3}
    for row in jacobians.itertuples():
        x, color = layers.index(row.layer) + offsets[row.arm, row.moment], COLORS[row.arm]
        axes.plot([x, x], [row.p05, row.p95], color=color, linewidth=1, zorder=3)
        axes.plot([x, x], [row.p25, row.p75], color=color, linewidth=3.5, alpha=0.5, zorder=3)
        face = "white" if row.moment == "start" else color
        axes.plot(x, row.p50, "o", color=face, markeredgecolor=color, markersize=4, zorder=5)
    axes.axhline(1, color=INK, linewidth=0.7, linestyle=":", zorder=2)
    lowest, highest = jacobians[list(_SHOWN)].min(axis=None), jacobians[list(_SHOWN)].max(axis=None)
    log_axis(axes, "y", (max(lowest, _SMALLEST_SHOWN) / 1.5, 1.5 * highest) if len(jacobians) else None)
    axes.set_xticks(range(len(layers)), [layer.removesuffix("_double") for layer in layers])
    axes.set(xlabel="Double 3×3 branch of module", ylabel="Singular value")
    key_above(axes, *[(LABELS[arm], COLORS[arm]) for arm in ("baseline", "bn_baseline")], ("○ start   ● end", INK))


def draw_invariances(area: Area, invariances: pd.DataFrame, tolerance: float) -> None:
    """Change and error of logits and weight gradient over the scale: each run a dot, the largest a line."""
    axes, ends = area.axes(), []
    for quantity, marker in (("logits", "o"), ("gradient", "s")):
        own = invariances[invariances["quantity"] == quantity]
        for name, color in (("change", INK), ("error", COLORS["batch"])):
            axes.plot(
                own["scale"], own[name].clip(lower=_LEAST), marker, color=color, markersize=2, alpha=0.4, linewidth=0
            )
            worst = own.groupby("scale")[name].max().clip(lower=_LEAST)
            if len(worst):
                axes.plot(worst.index, worst, color=color, linewidth=1.2, label=f"{quantity}, {name}")
                words = f"{quantity}, " + {"change": "ε as it is", "error": "ε over a²"}[name]
                ends.append((worst.index[-1], worst.iloc[-1], words, color))
    axes.axhline(tolerance, **DOTTED)
    log_axis(axes, "x")
    log_axis(axes, "y")
    axes.set(xlabel="Scale a of the weights", ylabel="Relative change")
    name_ends(axes, ends)


def draw_network(area: Area, config: pd.DataFrame) -> None:
    """The net of the first run."""
    row = config.iloc[0]
    size, channels = (32, 3) if row["task"] == "cifar10" else (28, 1)
    if row["model"] == "inception_bn":
        size = int(row["task.image_size"]) if row["task"] == "imagenet" else size
        network_diagram.draw_table(area.axes(), inception_bn(int(row["width"]), size, row["model.stem"]))
        return
    network_diagram.draw(area.axes(), inception_small(int(row["width"]), size), size, channels)
