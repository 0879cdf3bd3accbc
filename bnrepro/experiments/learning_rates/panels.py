"""The panels that may explain the others: weights, gradients, Jacobians, drawn from computed tables. Knows no claim, no run."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from bnrepro.plotting.arms import COLORS, LABELS
from bnrepro.plotting.axes import DOTTED, log_axis, name_ends, step_axis
from bnrepro.plotting.style import INK, add_panel

_HEIGHT = 25  # mm
_EXPLAINED = ("baseline", "bn_baseline", "bn_x5", "bn_x30", "bn_x5_sigmoid")
_LEAST = 1e-9  # what an error of 0 is drawn as
_SHOWN = ("p05", "p25", "p50", "p75", "p95")
_SMALLEST_SHOWN = 1e-3  # a Jacobian may have singular values of 0, which would leave no room for the others


def draw_effective_rates(figure: Figure, top: float, effective: pd.DataFrame, last: float) -> None:
    """Weight norm and effective rate over the steps, Baseline and arms with BN."""
    titles = {"weight_norm": ("e", "Weight norm"), "effective_rate": ("", "Effective rate")}
    for place, (name, words) in enumerate(titles.items()):
        axes = add_panel(figure, (12 + 41 * place, top, 27, _HEIGHT), *words)
        ends = []
        for arm in _EXPLAINED:
            runs = effective[effective["arm"] == arm].pivot(index="step", columns="run", values=name)
            runs = runs.where(np.isfinite(runs)).dropna(how="all")
            if runs.empty:
                continue
            for run in runs:
                axes.plot(runs.index, runs[run], color=COLORS[arm], linewidth=0.4, alpha=0.35, zorder=2)
            middle = runs.median(axis=1)
            axes.plot(middle.index, middle, color=COLORS[arm], label=LABELS[arm], zorder=4)
            ends.append((middle.index[-1], middle.iloc[-1], LABELS[arm], COLORS[arm]))
        step_axis(axes, last)
        if place:
            log_axis(axes, "y")
        axes.yaxis.set_major_formatter(lambda value, place: f"{value:g}×")
        if place:
            name_ends(axes, ends)


def draw_gradients(figure: Figure, top: float, gradients: pd.DataFrame) -> None:
    """Norms by layer, at the start and at the end, with and without BN."""
    layers = list(dict.fromkeys(gradients["layer"]))
    values = gradients["value"][gradients["value"] > 0]
    for place, moment in enumerate(("start", "end")):
        axes = add_panel(figure, (117 + 32 * place, top, 24, _HEIGHT), *(() if place else ("f", "Gradient norms")))
        axes.annotate(moment, (0, 1), (3, -3), "axes fraction", "offset points", fontsize=7, va="top")
        for arm, own in gradients[gradients["moment"] == moment].groupby("normalization"):
            runs = own.pivot(index="layer", columns="run", values="value").reindex(layers)
            for run in runs:
                axes.plot(runs[run].to_numpy(), color=COLORS[arm], linewidth=0.4, alpha=0.35, zorder=2)
            axes.plot(runs.median(axis=1).to_numpy(), color=COLORS[arm], label=LABELS[arm], zorder=4)
            if place:
                _name_rate(axes, arm, own["learning_rate"].iloc[0])
        if moment not in set(gradients["moment"]):
            axes.annotate("no rate trains", (0.5, 0.5), xycoords="axes fraction", fontsize=7, ha="center")
        log_axis(axes, "y", (values.min() / 1.5, values.max() * 3))
        axes.tick_params(labelleft=not place)
        _module_axis(axes, layers)


def _name_rate(axes: Axes, arm: str, rate: float) -> None:
    """Over the axes, the arm without BN left and the one with BN right."""
    side = int(arm == "batch")
    style = dict(fontsize=7, color=COLORS[arm], ha=("left", "right")[side], annotation_clip=False)
    axes.annotate(f"rate {rate:g}", (side, 1), (0, 7), "axes fraction", "offset points", **style)


def _module_axis(axes: Axes, layers: list[str]) -> None:
    """An x axis of layers, each module named once."""
    if not layers:
        return
    places = pd.Series(range(len(layers))).groupby([layer.partition("_")[0] for layer in layers], sort=False)
    axes.set_xticks(places.mean().tolist(), places.mean().index.tolist())
    axes.tick_params(axis="x", length=0, labelsize=7)
    for label, layers_of in zip(axes.get_xticklabels(), places.size()):
        label.set_ha("right" if layers_of == 1 else "center")  # the stem's name would run into the next
    for edge in places.min().iloc[1:]:
        axes.axvline(edge - 0.5, color="#E6E6E6", linewidth=0.6, zorder=1)
    axes.set(xlim=(-0.8, len(layers) - 0.2), xlabel="Layer")


def draw_jacobians(figure: Figure, top: float, jacobians: pd.DataFrame) -> None:
    """By layer, arm and moment: median, quartiles (thick) and the 5th to 95th percentile (thin)."""
    axes = add_panel(figure, (12, top, 66, _HEIGHT), "g", "Singular values of layer Jacobians, ○ start, ● end")
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
    axes.set_xticks(range(len(layers)), [layer.replace("_", " ") for layer in layers])


def draw_invariances(figure: Figure, top: float, invariances: pd.DataFrame, tolerance: float) -> None:
    """Change and error of logits and weight gradient over the scale: each run a dot, the largest a line."""
    axes = add_panel(figure, (98, top, 44, _HEIGHT), "h", "Relative change by weights times a")
    ends = []
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
    axes.set(xlabel="Scale a")
    name_ends(axes, ends)
