"""What draws Dropout and weight decay from computed tables. Knows no claim and no run."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import FixedLocator, FuncFormatter, MaxNLocator

from bnrepro.analysis.intervals import median_interval
from bnrepro.experiments.dropout_and_weight_decay.tables import ARMS, DROPOUT, PLACES, REACHES, STATISTICS, medians
from bnrepro.plotting.area import Area
from bnrepro.plotting.arms import COLORS, LABELS
from bnrepro.plotting.axes import CLEAR, DOTTED, accuracy_ticks, key_above, log_axis, name_ends, nothing, step_axis
from bnrepro.plotting.lines import median_line, name_lines, row_axis, ticks_at
from bnrepro.plotting.marks import interval_mark
from bnrepro.plotting.palettes import steps_between
from bnrepro.plotting.style import small

NORMALIZATIONS = ("batch", "none")
"""As they stand in a figure: BN first."""

_UNDER = dict(markerfacecolor="white", markersize=3.2, linestyle=(0, (4, 1.6)))  # the arm without BN beside the places
_LOWEST = -2.0  # shares below are arrows at the edge
_DASHED = dict(color=COLORS["matched"], linewidth=1.1, linestyle=(0, (3, 2)))
_REACHES = {"hidden": ("o", "hidden kernels"), "kernels": ("s", "all kernels"), "all": ("^", "everything")}
_TICKS = (0.02, 0.05, 0.1, 0.2, 0.3, 0.5, 0.7, 0.8, 0.9, 1, 1.1, 1.2, 1.5, 2, 3, 5, 10, 20, 50)
_QUANTITIES = {"accuracy": "Test accuracy", "loss": "Test loss, nats"}
_LOSSES = {"fit": "Training loss, nats", "validation": "Held-out loss, nats"}
_DROPPED = ("-", ":", (0, (4, 1.6)))
"""Lines of convolutional nets by their Dropout rate."""
_ABSENT = "trained at preset paper alone"
_CHOICES = {
    "moving": "running\naverages",
    "population": "Algorithm 2,\nDropout on",
    "no_dropout": "recomputed,\nDropout off",
}


def draw_dropout(area: Area, accuracies: pd.DataFrame) -> None:
    """By place with BN, and without BN, where Dropout is after each nonlinearity."""
    axes, ends = area.axes(), []
    dropped = accuracies[accuracies["regularizer"] == "dropout"]
    plain = dropped["arm"] == "plain"
    for place in PLACES:
        line = pd.concat([dropped[plain], dropped[dropped["setting"] == place]]).query("normalization == 'batch'")
        ends += median_line(axes, line, "amount", "final_metric", COLORS[place], LABELS[place])
    none = dropped[plain | (dropped["setting"] == "after")].query("normalization == 'none'")
    ends += median_line(axes, none, "amount", "final_metric", COLORS["none"], LABELS["none"], **_UNDER)
    _rate_axis(axes)
    axes.set_ylabel("Final test accuracy")
    accuracy_ticks(axes)
    name_ends(axes, ends)


def _rate_axis(axes: Axes) -> None:
    axes.set(xlabel="Dropout rate", xlim=(-0.02, 1.04 * DROPOUT))
    axes.xaxis.set_major_locator(MaxNLocator(6))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, position: f"{value:g}"))


def draw_ratios(area: Area, shifted: pd.DataFrame) -> None:
    """By place; without Dropout they are one net."""
    axes, ends = area.axes(), []
    for place in PLACES:
        own = shifted[shifted["dropout_place"] == place]
        ends += median_line(axes, own, "dropout", "ratio", COLORS[place], LABELS[place])
    _rate_axis(axes)
    _ratio_axis(axes, shifted["ratio"], ends)


def _ratio_axis(axes: Axes, ratios: pd.Series, ends: list[tuple]) -> None:
    """A logarithmic axis that holds 1, with a line there."""
    axes.axhline(1, **DOTTED)
    axes.set_ylabel("Ratio of variances")
    if not ends:
        nothing(axes)
        return
    low, high = min(ratios.min(), 1) / 1.08, max(ratios.max(), 1) * 1.08
    log_axis(axes, "y", (low, high))
    apart = 0.08 * np.log(high / low)  # so that no label runs into that of 1
    shown = [tick for tick in _TICKS if low <= tick <= high and (tick == 1 or abs(np.log(tick)) > apart)]
    axes.yaxis.set_major_locator(FixedLocator(shown))
    name_ends(axes, ends)


def draw_layers(area: Area, shifts: pd.DataFrame) -> None:
    """By place, over the layers."""
    axes, layers, ends = area.axes(), sorted(set(shifts["layer"])), []
    numbered = shifts.assign(
        number=shifts["layer"].map({layer: number for number, layer in enumerate(layers, start=1)})
    )
    for place in PLACES:
        own = numbered[numbered["dropout_place"] == place]
        ends += median_line(axes, own, "number", "ratio", COLORS[place], LABELS[place])
    axes.set(xlabel="Hidden layer, from the images on", xlim=(0.8, max(len(layers), 1) + 0.2))
    axes.xaxis.set_major_locator(FixedLocator(range(1, len(layers) + 1)))
    _ratio_axis(axes, shifts["ratio"], ends)


def draw_statistics(area: Area, accuracies: pd.DataFrame) -> None:
    """By place, a seed's line from one choice of statistics to the next; grey, the net without Dropout."""
    axes, ends = area.axes(), []
    rows = accuracies.assign(position=accuracies["statistics"].map(STATISTICS.index))
    plain = rows["arm"] == "plain"
    for place in PLACES:
        own = rows[(rows["dropout_place"] == place) & ~plain]
        ends += median_line(axes, own, "position", "accuracy", COLORS[place], LABELS[place])
    ends += median_line(axes, rows[plain], "position", "accuracy", COLORS["plain"], "no Dropout")
    axes.set(xlim=(-0.2, len(STATISTICS) - 0.8), xticks=range(len(STATISTICS)), ylabel="Test accuracy")
    axes.set_xticklabels([_CHOICES[name] for name in STATISTICS], fontsize=small())
    accuracy_ticks(axes)
    name_ends(axes, ends)


def draw_decay(area: Area, accuracies: pd.DataFrame) -> None:
    """Both arms in their colors, a marker for what decays; medians and intervals alone, for six lines run close together."""
    axes, decayed = area.axes(), accuracies[accuracies["arm"].isin(["plain", "decay"])]
    decayed = decayed[decayed["regularizer"] == "decay"]
    ends, starts, weights = [], {}, sorted(set(decayed["amount"]))
    positions = _weight_axis(axes, weights)
    for arm in NORMALIZATIONS:
        own = decayed[decayed["normalization"] == arm].assign(position=decayed["amount"].map(positions))
        plain = own[own["arm"] == "plain"]
        for reach in REACHES:
            line = pd.concat([plain, own[own["setting"] == reach]])
            marker, words = _REACHES[reach]
            style = dict(marker=marker, markersize=3, linewidth=1.1)
            ends += median_line(axes, line, "position", "final_metric", COLORS[arm], words, seeds=False, **style)
        if len(plain):
            starts[arm] = plain["final_metric"].median()
    for arm, start in starts.items():
        style = dict(textcoords="offset points", fontsize=small(), color=COLORS[arm], path_effects=CLEAR, zorder=8)
        axes.annotate(LABELS[arm], (0, start), (0, 7 if start == max(starts.values()) else -14), **style)
    axes.margins(y=0.12)
    axes.set_ylabel("Final test accuracy")
    accuracy_ticks(axes)
    name_ends(axes, ends)


def draw_growth(area: Area, data: dict[str, pd.DataFrame], label: str) -> None:
    """A shade an L2 weight, the darkest the largest; dashed, the matched rate."""
    axes, values, runs, ends = area.axes(), data["values"], data["runs"], []
    weights = sorted(set(runs["weight"]))
    # None near what the matched rate's green is to those who see no blue.
    darker = steps_between(COLORS["batch"], "#001A33", count=max(len(weights) - 1, 1))
    shades = dict(zip(weights, ["#7FB5DB", *darker]))
    dashed_last = sorted(runs.groupby(["arm", "weight"]), key=lambda group: group[0][0] == "matched")
    for (arm, weight), own in dashed_last:
        middle = medians(values[(values["arm"] == arm) & (values["weight"] == weight)], "value", len(own))
        style = _DASHED if arm == "matched" else dict(color=shades[weight], linewidth=2.4)
        axes.plot(middle["step"], middle["estimate"], label=f"{arm} {weight:g}", zorder=5, **style)
        if arm != "matched":
            band = dict(color=shades[weight], alpha=0.22, linewidth=0, zorder=3)
            axes.fill_between(middle["step"], middle["ci_low"], middle["ci_high"], **band)
            last = middle.iloc[-1:]
            ends += [(row.step, row.estimate, f"{weight:g}", shades[weight]) for row in last.itertuples()]
    step_axis(axes, runs["steps"].max())
    log_axis(axes, "y")
    axes.set_ylabel(label)
    if "matched" in set(runs["arm"]):
        key_above(axes, ("decay", COLORS["batch"]), ("- - -  matched rate", COLORS["matched"]))
    name_ends(axes, ends)


def draw_losses(area: Area, data: dict[str, pd.DataFrame]) -> None:
    """An axes an arm on one scale; the names stand right."""
    values, runs = data["values"], data["runs"]
    both = area.grid(widths=(1, 1), gap=(6, 3))
    for axes, normalization in zip(both, NORMALIZATIONS):
        for arm in ARMS:
            words = "no decay" if arm == "plain" else LABELS[arm]
            own, rows = (
                table[(table["normalization"] == normalization) & (table["arm"] == arm)] for table in (runs, values)
            )
            _loss(axes, rows, len(own), words, COLORS[arm], dashed=arm == "matched")
        step_axis(axes, runs["steps"].max())
        key_above(axes, (LABELS[normalization], COLORS[normalization]))
        log_axis(axes, "y", (0.95 * values["loss"].min(), 1.05 * values["loss"].max()) if len(values) else None)
    both[0].set_ylabel("Validation loss, nats")
    both[-1].tick_params(labelleft=False)
    name_lines(both[-1])


def _loss(axes: Axes, rows: pd.DataFrame, runs: int, words: str, color: str, dashed: bool) -> None:
    """Each run thin, the median of `runs` thick over its interval."""
    for _, run in rows.groupby("run"):
        axes.plot(run["step"], run["loss"], color=color, linewidth=0.5, alpha=0.3, zorder=2)
    middle = medians(rows, "loss", runs)
    axes.fill_between(middle["step"], middle["ci_low"], middle["ci_high"], color=color, alpha=0.22, linewidth=0)
    dashes = dict(linestyle=_DASHED["linestyle"], linewidth=1.2) if dashed else {}
    axes.plot(middle["step"], middle["estimate"], color=color, label=words, zorder=5 + dashed, **dashes)


def draw_loss_changes(area: Area, changes: pd.DataFrame) -> None:
    """A heading for each arm, below it a row for decay and one for the matched rate; dotted, no change."""
    axes, words, colors = area.axes(), [], []
    for normalization in NORMALIZATIONS:
        words.append(LABELS[normalization])
        colors.append(COLORS[normalization])
        for name in ARMS[1:]:
            own = changes.loc[changes["normalization"] == normalization, name].dropna()
            interval_mark(axes, len(words), own, median_interval(own), COLORS[name])
            words.append(LABELS[name])
            colors.append(COLORS[name])
    row_axis(axes, words, colors)
    axes.axvline(0, **DOTTED)
    axes.set_xlabel("Change of the validation loss, nats")
    axes.xaxis.set_major_locator(MaxNLocator(5))


def draw_shares(area: Area, shares: pd.DataFrame) -> None:
    """The share in both arms over the L2 weight; dotted, none of it and all of it."""
    axes = area.axes()
    positions, ends = _weight_axis(axes, sorted(set(shares["weight"]))), []
    for arm in NORMALIZATIONS:
        own = shares[shares["normalization"] == arm].assign(position=shares["weight"].map(positions))
        ends += median_line(axes, own, "position", "share", COLORS[arm], LABELS[arm])
        middle = own.groupby("position")["share"].median()
        for at in middle.index[middle < _LOWEST]:
            axes.plot(at, _LOWEST, "v", color=COLORS[arm], markersize=4, clip_on=False, zorder=6)
    for value in (0, 1):
        axes.axhline(value, **DOTTED)
    axes.set_ylim(max(axes.get_ylim()[0], _LOWEST), 1.1)
    axes.set_ylabel("Share of decay's effect")
    accuracy_ticks(axes)
    name_ends(axes, [(position, max(share, _LOWEST), *words) for position, share, *words in ends])


def _weight_axis(axes: Axes, weights: list[float]) -> dict[float, float]:
    """An x axis of L2 weights, equally far apart, since 0 is on no logarithmic one; the position of each."""
    axes.set(xlim=(-0.25, len(weights) - 0.75), xlabel="L2 weight", xticks=range(len(weights)))
    axes.set_xticklabels([_weight(weight) for weight in weights], fontsize=small())
    return {weight: position for position, weight in enumerate(weights)}


def _weight(weight: float) -> str:
    """As 0, 0.003, 1e−4."""
    return f"{weight:g}" if weight == 0 or weight >= 1e-3 else f"{weight:.0e}".replace("e-0", "e−")


def draw_convolutional(area: Area, runs: pd.DataFrame) -> None:
    """Accuracy on the left and loss on the right over the Dropout rate, a line without BN and one with it, named on the right."""
    both = area.grid(widths=(1, 1), gap=(16, 3))
    for axes, (quantity, words) in zip(both, _QUANTITIES.items()):
        axes.set(xlabel="Dropout rate", ylabel=words)
        if runs.empty:
            nothing(axes, _ABSENT)
            continue
        ends = []
        for arm in NORMALIZATIONS:
            own = runs[runs["normalization"] == arm]
            ends += median_line(axes, own, "dropout", quantity, COLORS[arm], LABELS[arm])
        rates = sorted(set(runs["dropout"]))
        axes.set_xlim(-0.02, 1.05 * rates[-1])
        ticks_at(axes.xaxis, rates)
        if axes is both[-1]:
            name_ends(axes, ends)
    accuracy_ticks(both[0])


def draw_training(area: Area, medians: pd.DataFrame) -> None:
    """Training loss on the left and held-out loss on the right over the steps: a color an arm, dashes by the Dropout rate."""
    both = area.grid(widths=(1, 1), gap=(25, 3))
    for axes, (quantity, words) in zip(both, _LOSSES.items()):
        axes.set_ylabel(words)
        if medians.empty:
            nothing(axes, _ABSENT)
            step_axis(axes, 1)
            continue
        ends = _lines(axes, medians[medians["quantity"] == quantity])
        step_axis(axes, medians["step"].max())
        log_axis(axes, "y")
        name_ends(axes, ends)
    key_above(both[0], *((LABELS[arm], COLORS[arm]) for arm in NORMALIZATIONS))


def _lines(axes: Axes, medians: pd.DataFrame) -> list[tuple]:
    ends, dashes = [], dict(zip(sorted(set(medians["dropout"])), _DROPPED))
    for (arm, rate), own in medians.groupby(["normalization", "dropout"]):
        own, color = own.sort_values("step"), COLORS[arm]
        band = dict(color=color, alpha=0.15, linewidth=0, zorder=2)
        axes.fill_between(own["step"], own["ci_low"], own["ci_high"], **band)
        axes.plot(own["step"], own["estimate"], color=color, linestyle=dashes[rate], zorder=4)
        ends.append((*own.iloc[-1][["step", "estimate"]], f"{rate:.0%}", color))
    return ends
