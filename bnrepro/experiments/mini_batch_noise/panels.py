"""How the panels of mini-batch noise are drawn, from data that are already computed. Knows no run and no claim."""

import pandas as pd
from matplotlib.axes import Axes

from bnrepro.analysis.intervals import median_interval
from bnrepro.experiments.mini_batch_noise.tables import DOSE_LEVEL, DOSE_LEVELS
from bnrepro.plotting.area import Area
from bnrepro.plotting.arms import COLORS, LABELS
from bnrepro.plotting.axes import DOTTED, accuracy_ticks, log_axis, name_ends, nothing
from bnrepro.plotting.lines import median_line, row_axis, ticks_at
from bnrepro.plotting.marks import interval_mark

_OPEN = dict(markerfacecolor="white", markersize=3.2, linestyle=(0, (4, 1.6)))
_ONE_RATE = dict(markerfacecolor="white", markersize=4.5, markeredgewidth=1.1, zorder=6)
_MOMENTS = {"trained": ("after training", {}), "equal": ("at equal training loss", _OPEN)}
_QUANTITIES = {"accuracy": "Accuracy, points", "loss": "Loss, nats"}
_SHOWN = 0.08  # accuracies that lie further below the best are triangles at the edge
_DECAYS = {1e-4: (0, (1, 1.2)), 1e-3: "-", 1e-2: (0, (5, 1.2))}
"""Lines of decays."""

_DASHES = {4: (0, (1, 1.2)), 16: (0, (4, 1.6)), 256: (0, (5, 1.2, 1, 1.2))}
"""Lines of BN by the examples that it normalizes together; a solid line for what is called the net with BN, and for all else."""

_SECOND = {"trained": ("without BN, rate {:g}", _DASHES[4]), "equal": ("the same, equal loss", _DASHES[16])}
"""What is written of the net without BN at its second best rate at a moment, and its line."""

_LEVELS = {DOSE_LEVELS[0]: (0, (1, 1.2)), DOSE_LEVELS[-1]: (0, (5, 1.2))}
"""Lines of training losses at which nets are compared, besides the one that is judged."""


def draw_dose(area: Area, data: dict[str, pd.DataFrame]) -> None:
    """Accuracy above and loss below, with BN minus without, over the examples that BN normalizes together: a line a moment.

    A line across is the net without BN at its second best rate, at the same moment.
    """
    both, gains = area.grid(heights=(1, 1), gap=(3, 5)), data["gains"]
    for axes, (quantity, label) in zip(both, _QUANTITIES.items()):
        own, ends = gains[gains["quantity"] == quantity], []
        for moment, (name, style) in _MOMENTS.items():
            rows, seeds = own[own["moment"] == moment], moment == "trained"
            ends += median_line(axes, rows, "over", "gain", COLORS["batch"], name, seeds=seeds, **style)
        if not ends:
            nothing(axes, "no run gets there")
            continue
        for (moment, rate), second in data["second"].query("quantity == @quantity").groupby(["moment", "rate"]):
            middle, (words, dashes) = second["gain"].median(), _SECOND[moment]
            axes.axhline(middle, color=COLORS["none"], linestyle=dashes, linewidth=1.2, zorder=3)
            ends.append((own["over"].max(), middle, words.format(rate), COLORS["none"]))
        axes.axhline(0, **DOTTED)
        axes.set_xscale("log", base=2)
        ticks_at(axes.xaxis, sorted(set(own["over"])))
        axes.tick_params(labelbottom=axes is both[-1])
        axes.set_ylabel(label)
        name_ends(axes, ends)
    both[-1].set_xlabel("Examples that BN normalizes together")


def draw_paths(area: Area, medians: pd.DataFrame) -> None:
    """Held-out accuracy above and loss below over the training loss, which falls to the right: the median of each arm."""
    if medians.empty:
        nothing(area.axes(), "no run gets there")
        return
    both = area.grid(heights=(1, 1), gap=(3, 5))
    levels = sorted(set(medians["level"]))
    for axes, quantity in zip(both, _QUANTITIES):
        ends = []
        axes.set(xscale="log", xlim=(1.15 * levels[-1], levels[0] / 1.15))
        for (arm, over), own in medians[medians["quantity"] == quantity].groupby(["arm", "over"]):
            own, color = own.sort_values("level", ascending=False), COLORS[arm]
            band = dict(color=color, alpha=0.15, linewidth=0, zorder=2)
            axes.fill_between(own["level"], own["ci_low"], own["ci_high"], **band)
            axes.plot(own["level"], own["estimate"], color=color, linestyle=_DASHES.get(over, "-"), zorder=4)
            ends.append((*own.iloc[-1][["level", "estimate"]], own["words"].iloc[0], color))
        ticks_at(axes.xaxis, levels)
        axes.tick_params(labelbottom=axes is both[-1])
        axes.autoscale_view()  # for names stand where the axes end
        axes.set_ylabel({"accuracy": "Held-out accuracy", "loss": "Held-out loss, nats"}[quantity])
        name_ends(axes, ends)
    accuracy_ticks(both[0])
    both[-1].set_xlabel("Training loss, nats")


def draw_doses(area: Area, gains: pd.DataFrame) -> None:
    """Accuracy on the left and loss on the right over the examples that BN normalizes together: a line a training loss.

    Seeds and intervals are drawn at the one that is judged; lines are named on the right.
    """
    both = area.grid(widths=(1, 1), gap=(21, 3))
    for axes, (quantity, words) in zip(both, _QUANTITIES.items()):
        own, ends = gains[gains["quantity"] == quantity].dropna(), []
        axes.set(xlabel="Examples that BN normalizes together", ylabel=words)
        if own.empty:
            nothing(axes, "no run gets there") if len(gains) else _not_trained(axes)
            continue
        for level, rows in own.groupby("level", sort=False):
            medians, color, words = rows.groupby("over")["gain"].median(), COLORS["batch"], f"at {level:g}"
            if level == DOSE_LEVEL:
                ends += median_line(axes, rows, "over", "gain", color, words)
            else:
                axes.plot(medians, color=color, linestyle=_LEVELS[level], linewidth=1.2, label=words, zorder=4)
                ends.append((medians.index[-1], medians.iloc[-1], words, color))
        axes.axhline(0, **DOTTED)
        axes.set_xscale("log", base=2)
        ticks_at(axes.xaxis, sorted(set(own["over"])))
        if axes is both[-1]:
            name_ends(axes, ends)


def draw_dropout(area: Area, runs: pd.DataFrame) -> None:
    """A row an arm: test accuracy on the left, test loss on the right, each seed, the median and its interval."""
    _rows(area, {(LABELS[arm], COLORS[arm]): own for arm, own in runs.groupby("arm", sort=False)})


def draw_apart(area: Area, data: dict[str, pd.DataFrame]) -> None:
    """As `draw_dropout`, BN over ghost batches in a color of its own; an open dot is a median at one rate for all."""
    runs, named = data["runs"], {}
    if not set(runs["arm"]) - {"batch"}:
        _not_trained(area.axes())
        return
    arms = list(runs.groupby(["arm", "over"], sort=False))
    for (arm, over), own in arms:
        few = arm == "batch" and over < runs["over"].max()
        named[own["words"].iloc[0], COLORS["ghost" if few else arm]] = own
    positions = {arm: (position, color) for position, ((arm, _), (_, color)) in enumerate(zip(arms, named))}
    for axes, value in zip(_rows(area, named), ("accuracy", "loss")):
        for row in data["same"].to_dict("records"):
            position, color = positions[row["arm"], row["over"]]
            axes.plot(row[value], position, "o", color=color, **_ONE_RATE)


def _not_trained(axes: Axes) -> None:
    nothing(axes, "trained at the preset paper alone")
    axes.tick_params(labelbottom=False, labelleft=False)


def _rows(area: Area, named: dict[tuple[str, str], pd.DataFrame]) -> tuple[Axes, Axes]:
    """Draws the runs of a row by its word and color; the axes of accuracy and of loss."""
    left, right = area.grid(widths=(1, 1), gap=(6, 3))
    for axes, value, label in ((left, "accuracy", "Test accuracy"), (right, "loss", "Test loss, nats")):
        for position, ((_, color), own) in enumerate(named.items()):
            interval_mark(axes, position, own[value], median_interval(own[value]), color)
        row_axis(axes, *map(list, zip(*named)), lines=True)
        axes.tick_params(labelleft=axes is left)
        axes.set_xlabel(label)
    accuracy_ticks(left, "x")
    return left, right


def draw_choice(area: Area, medians: pd.DataFrame) -> None:
    """Held-out accuracy over the learning rate on the seeds that choose, a line an arm, the chosen rate a dot."""
    axes = area.axes()
    if medians.empty:
        _not_trained(axes)
        return
    ends, lowest = [], medians["accuracy"].max() - _SHOWN
    for (arm, over, decay), own in medians.groupby(["arm", "over", "weight_decay"]):
        color, own = COLORS[arm], own.sort_values("learning_rate")
        shown, dashes = own["accuracy"].clip(lower=lowest), _DECAYS.get(decay) or _DASHES.get(over, "-")
        axes.plot(own["learning_rate"], shown, color=color, linestyle=dashes, zorder=4)
        for marker, those in (("o", own["chosen"]), ("v", own["accuracy"] < lowest)):
            axes.plot(own["learning_rate"][those], shown[those], marker, color=color, markersize=4, zorder=5)
        ends.append((own["learning_rate"].iloc[-1], shown.iloc[-1], own["words"].iloc[0], color))
    log_axis(axes, "x")
    ticks_at(axes.xaxis, sorted(set(medians["learning_rate"])))
    accuracy_ticks(axes)
    axes.set(xlabel="Learning rate", ylabel="Held-out accuracy")
    name_ends(axes, ends)
