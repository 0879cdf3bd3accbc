"""What draws regularization from computed tables: section 4.2.1, the logits, the ensemble. Knows no claim, no run."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import FixedLocator, FuncFormatter

from bnrepro.analysis.formatting import number
from bnrepro.analysis.select import intervals, where
from bnrepro.experiments.regularization.tables import ALIKE, VARIED
from bnrepro.plotting.area import Area
from bnrepro.plotting.arms import COLORS, LABELS
from bnrepro.plotting.axes import DOTTED, key_above, log_axis, name_ends, nothing, thousands
from bnrepro.plotting.inks import INK
from bnrepro.plotting.lines import median_line, row_axis, ticks_at
from bnrepro.plotting.marks import interval_mark, paper_line, paper_mark, seeds_and_median
from bnrepro.plotting.style import small

_CHANGES = {
    "rate": "rate x 5",
    "dropout": "no\nDropout",
    "weight_decay": "L2 / 5",
    "decay": "decay 6 x\nfaster",
    "shuffling": "thorough\nshuffling",
    "distortion": "less\ndistortion",
}
_QUANTITIES = {"accuracy": "Accuracy, points", "loss": "Loss, nats"}
_ALIKE = dict(markerfacecolor="white", markersize=3.2, linestyle=(0, (4, 1.6)))
_ARMS = {"batch": -0.18, "none": 0.18}  # position in the row
_MOST = {"accuracy": 6, "loss": 0.6}  # effects beyond are arrows at the edge


def draw_effects(area: Area, data: dict[str, pd.DataFrame]) -> None:
    """A row a change, accuracy on the left, loss on the right, a mark with BN and one without; bars where a loss is allowed."""
    both = _columns(area, data)
    for change, points in data["allowed"].itertuples(index=False):
        position = list(_CHANGES).index(change)
        both[0].plot([points, points], [position - 0.42, position + 0.42], color=INK, linewidth=0.8, zorder=2)
    for axes, quantity in zip(both, _QUANTITIES):
        for arm, shift in _ARMS.items():
            own = {name: where(data[name], quantity=quantity, arm=arm) for name in ("seeds", "medians")}
            _marks(axes, own, COLORS[arm], shift)
    key_above(both[0], *((f"● {LABELS[arm]}", COLORS[arm]) for arm in _ARMS))


def draw_beyond(area: Area, data: dict[str, pd.DataFrame]) -> None:
    """A row a change, accuracy on the left and loss on the right."""
    for axes, quantity in zip(_columns(area, data), _QUANTITIES):
        _marks(axes, {name: where(data[name], quantity=quantity) for name in ("seeds", "medians")}, INK)


def _columns(area: Area, data: dict[str, pd.DataFrame]) -> list[Axes]:
    """Two axes with the same rows and a line at no effect."""
    both = area.grid(widths=(1, 1), gap=(4, 3))
    for axes, (quantity, label) in zip(both, _QUANTITIES.items()):
        effects = where(data["seeds"], quantity=quantity)["effect"]
        low, high = effects.min(), effects.max()
        room = 0.05 * (high - low) + 0.1 * _MOST[quantity]
        axes.set_xlim(max(min(low, 0) - room, -_MOST[quantity]), min(max(high, 0) + room, _MOST[quantity]))
        row_axis(axes, list(_CHANGES.values()), [INK] * len(_CHANGES), lines=True)
        axes.axvline(0, **DOTTED)
        axes.tick_params(labelleft=axes is both[0])
        axes.set_xlabel(label)
    return both


def _marks(axes: Axes, own: dict[str, pd.DataFrame], color: str, shift: float = 0.0) -> None:
    for row in own["medians"].itertuples():
        seeds = where(own["seeds"], change=row.change)["effect"]
        position = list(_CHANGES).index(row.change) + shift
        low, high = axes.get_xlim()
        interval_mark(axes, position, seeds[seeds.between(low, high)], (row.estimate, row.ci_low, row.ci_high), color)
        for marker, edge, those in (("<", low, seeds < low), (">", high, seeds > high)):
            if those.any():
                axes.plot(edge, position, marker, color=color, markersize=2.5, clip_on=False)


def draw_spread(area: Area, mates: pd.DataFrame) -> None:
    """Training mode by seed and median, with the slope of a mean of independent examples; inference in words."""
    axes, color, runs = area.axes(), COLORS["batch"], mates[mates["mode"] == "training"]
    axes.set(
        xscale="log",
        yscale="log",
        xlabel="Size of the mini-batch",
        ylabel="Spread over mini-batches\nover that of examples",
    )
    sizes = sorted(set(mates["batch_size"]))
    if runs.empty:
        nothing(axes)
        return
    medians = intervals(runs, "batch_size", "spread")
    seeds_and_median(axes, runs, medians, "batch_size", "spread", color)
    middle = medians.set_index("batch_size")["estimate"]
    falling = middle.iloc[0] * np.sqrt(sizes[0] / np.array(sizes))
    axes.plot(sizes, falling, **DOTTED)
    style = dict(textcoords="offset points", fontsize=small())
    axes.annotate("1 / √size", (sizes[-1], falling[-1]), (0, -9), color="#6B6B6B", ha="right", **style)
    at_inference = mates.loc[mates["mode"] == "inference", "spread"].max()
    axes.annotate("training mode", (sizes[2], middle.iloc[2]), (6, 5), color=color, **style)
    axes.annotate(f"inference: {number(at_inference)}", (0, 0), (3, 4), "axes fraction", color=color, **style)
    ticks_at(axes.xaxis, sizes[::2], thousands)
    log_axis(axes, "y", (min(falling[-1], runs["spread"].min()) / 2.4, 1.4 * runs["spread"].max()))


def draw_ensembles(area: Area, data: dict[str, pd.DataFrame]) -> None:
    """Each six, the median; dashed the median of nets alike; the paper's ensemble scaled to our single net."""
    axes, color, papers = area.axes(), COLORS["batch"], data["paper"]
    varied, alike = (where(data["seeds"], setting=setting) for setting in (VARIED, ALIKE))
    ends = median_line(axes, alike, "members", "percent", color, "seed alone", seeds=False, **_ALIKE)
    ends += median_line(axes, varied, "members", "percent", color, "varied")
    members = sorted(set(varied["members"]))
    paper_line(axes, papers["members"], papers["percent"], linewidth=0.8)
    for mark in papers.itertuples():
        paper_mark(axes, mark.members, mark.percent)
    ends.append((members[-1], papers["percent"].iloc[-1], "paper, scaled", COLORS["paper"]))
    low, high = (pick([*data["seeds"]["percent"], *papers["percent"]]) for pick in (min, max))
    room = 0.08 * (high - low)
    axes.set(xlim=(members[0] - 0.2, members[-1] + 0.2), ylim=(low - room, high + room))
    axes.set(xlabel="Nets averaged", ylabel="Test error")
    axes.xaxis.set_major_locator(FixedLocator(members))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, position: f"{value:g}%"))
    name_ends(axes, ends)
