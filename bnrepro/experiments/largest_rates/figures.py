"""The panels of the largest rates: the map over depth, its ratios, races to a target. Knows no claim."""

import functools
import itertools

import numpy as np
import pandas as pd

from bnrepro.analysis.ceilings import between
from bnrepro.analysis.intervals import Interval, bound_of_median, censored_interval, median_interval
from bnrepro.analysis.select import where
from bnrepro.experiments.largest_rates.panels import (
    draw_ceilings,
    draw_curves,
    draw_layers,
    draw_losses,
    draw_races,
    draw_raised,
    draw_worth,
)
from bnrepro.experiments.largest_rates.sweep import BATCH_SIZE
from bnrepro.experiments.largest_rates.tables import (
    CELL,
    GROUPS,
    PLAIN,
    USUAL,
    after_steps,
    arms_of,
    at_moment,
    fewer_steps,
    known,
    of_groups,
    of_layers,
    race_curves,
    raced,
    raised,
    searched,
    worth,
)
from bnrepro.experiments.setups import ARMS
from bnrepro.plotting.arms import LABELS
from bnrepro.plotting.panel import Panel
from bnrepro.records.schemas import Tables

_STARTS = {"glorot": "Glorot's start", "gaussian": "Gaussian start, 0.01"}


def ceilings(tables: Tables) -> pd.DataFrame:
    """Of each size of the mini-batch, depth, arm and seed the largest rate found to train; none where none does."""
    found = where(searched(tables), **PLAIN)
    names = ["batch_size", "hidden_layers", "normalization", "seed", "rate"]
    return found.assign(rate=found["low"].where(found["low"] > 0))[names]


def ratios(tables: Tables) -> dict[str, pd.DataFrame]:
    """The ratio of each cell, arm and seed, and the median of each cell and arm."""
    rows, seeds = [], []
    for arm in arms_of(tables)[1:]:
        whose = "" if arm == ARMS[1] else f", {LABELS[arm]}"
        for _, own in sorted(raised(tables, arm=arm).groupby(list(CELL)), key=lambda cell: _position(*cell[0])):
            cell = f"{_words(own.iloc[0])}{whose}"
            rows.append((cell, arm, *censored_interval(own), bound_of_median(own)))
            seeds.append(own[["seed", "ratio"]].assign(cell=cell))
    return {
        "seeds": pd.concat(seeds, ignore_index=True),
        "cells": pd.DataFrame(rows, columns=["cell", "normalization", *Interval._fields, "bound"]),
    }


def races(tables: Tables, setting: str) -> dict[str, pd.DataFrame]:
    """Of the usual cells each run's steps to the target, and the median of each race and arm."""
    runs, rows, arms = where(raced(tables, setting), **USUAL), [], arms_of(tables)
    runs = runs.assign(race=[f"{_words(row)}, to {row['target']:.0%}" for _, row in runs.iterrows()])
    for (*_, arm), own in sorted(
        runs.groupby([*CELL, "normalization"]), key=lambda race: (_position(*race[0][:-1]), arms.index(race[0][-1]))
    ):
        reached = own["steps_to_target"].median() < float("inf")
        rows.append((own["race"].iloc[0], arm, own["learning_rate"].iloc[0], *median_interval(own["value"]), reached))
    columns = ["race", "normalization", "learning_rate", *Interval._fields, "reached"]
    return {
        "runs": runs[["run", "race", "normalization", "seed", "value", "reached"]],
        "medians": pd.DataFrame(rows, columns=columns),
    }


def curves(tables: Tables) -> dict[str, pd.DataFrame]:
    """Of the usual cells the medians of the races at each arm's own best rate, and their targets."""
    medians, goals = race_curves(tables), where(raced(tables, "own"), **USUAL)
    return {
        "medians": medians[["hidden_layers", "normalization", "step", "estimate", "ci_low", "ci_high"]],
        "targets": goals[["hidden_layers", "target"]].drop_duplicates(ignore_index=True),
    }


def worths(tables: Tables, setting: str) -> dict[str, pd.DataFrame]:
    """The ratio of each raced cell and seed, and what each cell comes to, below a heading for each depth; `target` in words."""
    cells = worth(tables, setting)
    if cells.empty:
        return {"seeds": pd.DataFrame(columns=["heading", "row", "ratio"]), "cells": cells}
    cells = cells.iloc[sorted(range(len(cells)), key=lambda row: _position(*cells.iloc[row][list(CELL)]))]
    cells = cells.assign(
        heading=[f"{depth} layers" for depth in cells["hidden_layers"]],
        row=[_change(cell) or f"He's start, mini-batches of {BATCH_SIZE}" for _, cell in cells.iterrows()],
        target=[f"{target:.0%}" for target in cells["target"]],
    )
    runs, seeds = raced(tables, setting), []
    for _, cell in cells.iterrows():
        own = fewer_steps(runs, **cell[list(CELL)]).reset_index()
        seeds.append(own[["seed", "ratio"]].assign(heading=cell["heading"], row=cell["row"]))
    return {"seeds": pd.concat(seeds, ignore_index=True), "cells": cells}


def layers(tables: Tables, value: str, settings: tuple[str, ...]) -> pd.DataFrame:
    """Of the deepest net whose first steps are looked at, a value of each hidden layer at the step that is looked at; none where
    it is beyond single precision.
    """
    found = pd.concat([of_layers(tables, setting).assign(setting=setting) for setting in settings], ignore_index=True)
    found = found[found["hidden_layers"] == found["hidden_layers"].max()]
    values = found[value].astype(float)
    return found.assign(value=values.where(np.isfinite(values)))[["normalization", "setting", "seed", "layer", "value"]]


def groups(tables: Tables) -> dict[str, pd.DataFrame]:
    """Past its largest rate each net with BN, and the deepest without: by group of weights the loss after these alone have taken
    the step, over guessing.
    """
    depths, (without, *others) = sorted(set(at_moment(tables, "past")["hidden_layers"])), arms_of(tables)
    seeds, rows = [], []
    for arm, depth in [*itertools.product(others, depths), *((without, depth) for depth in depths[-1:])]:
        for part, losses in of_groups(tables, "past", "over_guessing", arm, depth).items():
            ratios = known(losses)
            _add(
                seeds, rows, GROUPS[part], arm, between(ratios["low"], ratios["high"]), f"{depth} layers {LABELS[arm]}"
            )
    return _marks(seeds, rows)


def after(tables: Tables) -> dict[str, pd.DataFrame]:
    """Of each net past its largest rate the loss after the last of the first steps, over guessing."""
    seeds, rows = [], []
    for depth, arm in itertools.product(sorted(set(at_moment(tables, "past")["hidden_layers"])), arms_of(tables)):
        _add(seeds, rows, f"{depth} layers {LABELS[arm]}", arm, after_steps(tables, "past", arm, depth))
    return _marks(seeds, rows)


def _add(seeds: list, rows: list, label: str, arm: str, own: pd.DataFrame, heading: str = "") -> None:
    """Appends a row of `draw_losses` and its seeds, of `own` as `ceilings.between`; nothing where that has no row."""
    if len(own):
        rows.append((heading, label, arm, *censored_interval(own), bound_of_median(own)))
        seeds.append(own.reset_index()[["seed", "ratio", "bound"]].assign(heading=heading, row=label))


def _marks(seeds: list, rows: list) -> dict[str, pd.DataFrame]:
    columns = ["seed", "ratio", "bound", "heading", "row"]
    return {
        "seeds": pd.concat(seeds, ignore_index=True) if seeds else pd.DataFrame(columns=columns),
        "rows": pd.DataFrame(rows, columns=["heading", "row", "normalization", *Interval._fields, "bound"]),
    }


def _position(depth: int, size: int, start: str, momentum: float) -> tuple:
    """By depth, and there what is usual first."""
    return depth, ["he", *_STARTS].index(start), momentum, size


def _words(cell: pd.Series) -> str:
    """As "20 layers, momentum 0.9"; what is usual is not said."""
    return ", ".join(filter(None, (f"{cell['hidden_layers']} layers", _change(cell))))


def _change(cell: pd.Series) -> str:
    """What is not usual in a cell, as "momentum 0.9"."""
    words = [_STARTS[cell["initialization"]]] if cell["initialization"] in _STARTS else []
    words += [f"momentum {cell['sgd_momentum']:g}"] if cell["sgd_momentum"] else []
    words += [f"mini-batches of {cell['batch_size']}"] if cell["batch_size"] != BATCH_SIZE else []
    return ", ".join(words)


_IN_COLOR = "in the color of the faster arm, grey where neither surely is"

PANELS = (
    Panel(
        name="ceilings",
        title="Largest learning rate that trains",
        caption="A plain dense net of 100 ReLU a layer, from He's start, with mini-batches of 32 (solid; each seed thin) and of "
        "512 (dashed): the median (thick) and its 95% interval, no point where no rate trains. A rate trains if the loss ends at "
        "half that of guessing or less; the largest is known to a factor of 1.1.",
        data=ceilings,
        draw=draw_ceilings,
        width=69,
        height=66,
    ),
    Panel(
        name="ratios",
        title="How many times higher with BN",
        caption="The largest rate that trains, with BN over without: each seed (tick), the median (dot) and its 95% interval, "
        "mini-batches of 32 and He's start where nothing else is said. At an arrow no rate trains without BN "
        "within so few steps, though one may within more (panel worth); at a cross none does with BN, and without it not at all "
        "seeds.",
        data=ratios,
        draw=draw_raised,
        width=102,
        height=66,
        least=95,
    ),
    Panel(
        name="races",
        title="Steps to a target, each arm at its own best rate",
        caption="Steps to an accuracy on held-out examples at the rate beside each arm, the fastest of seven on other seeds: "
        "each run (tick), the median (dot) and its 95% interval. A run that never gets there counts with all its steps, and a "
        "median of such runs is an arrow.",
        data=functools.partial(races, setting="own"),
        draw=draw_races,
        height=76,
        least=80,
    ),
    Panel(
        name="same_rate",
        title="Steps to a target, both arms at the rate that is best without BN",
        caption="The same at one rate for both, that of the arm without BN.",
        data=functools.partial(races, setting="same"),
        draw=draw_races,
        height=76,
        least=80,
    ),
    Panel(
        name="curves",
        title="Each arm at its own best rate",
        caption="Accuracy on held-out examples of the shallower (solid) and the deeper net (dashed) with mini-batches of 32, "
        "median of {fastest_seeds} seeds and its 95% interval; dotted, the targets.",
        data=curves,
        draw=draw_curves,
        height=60,
    ),
    Panel(
        name="worth",
        title="What BN is worth, each arm at its own best rate",
        caption="Steps to an accuracy on held-out examples, without BN over with: each seed (tick), the median (dot) and its 95% "
        f"interval, {_IN_COLOR}. One thing at a time is changed from He's start, no momentum and mini-batches of 32; an arrow is "
        "a bound, where one arm never gets there or is there at the first evaluation; right, target and median steps of both.",
        data=functools.partial(worths, setting="own"),
        draw=draw_worth,
        width=120,
        height=76,
        least=95,
    ),
    Panel(
        name="worth_same",
        title="What BN is worth, both arms at the rate that is best without BN",
        caption=f"The same at one rate for both, {_IN_COLOR}; a cross, where in the median neither gets there.",
        data=functools.partial(worths, setting="same"),
        draw=draw_worth,
        width=120,
        height=76,
        least=95,
    ),
    Panel(
        name="activations",
        title="What the step that breaks a net does to activations",
        caption="How many times larger a step makes the root mean square of what each linear map gives, before BN and ReLU: at "
        "3.8 times an arm's largest rate (solid) the first step that takes a mini-batch's loss above twice that of guessing, at "
        "half the largest rate without BN (dashed) the first of all. Each seed (thin) and the median (thick) with its 95% "
        "interval; no point beyond single precision.",
        data=functools.partial(layers, value="growth", settings=("past", "base")),
        draw=functools.partial(draw_layers, label="Outputs after over before"),
        width=85,
        height=62,
    ),
    Panel(
        name="gradients",
        title="Gradients before any step",
        caption="Norm of the gradient of a mini-batch's loss by each hidden kernel at the start of training: each seed (thin) "
        "and the median (thick) with its 95% interval. A line that rises towards the input is where BN loses: its first kernels "
        "get the longest steps, and only since a kernel's scale is free with BN does one make the next smaller (section 3.3).",
        data=functools.partial(layers, value="gradient_norm", settings=("base",)),
        draw=functools.partial(draw_layers, label="Norm of the kernel's gradient"),
        width=85,
        height=62,
    ),
    Panel(
        name="weights",
        title="Which weights break a net",
        caption="Loss of the mini-batch where some weights alone have taken the step that breaks the net, over that of guessing: "
        "each seed (tick), the median (dot) and its 95% interval. Dotted, guessing and twice that.",
        data=groups,
        draw=draw_losses,
        width=85,
        height=92,
        least=80,
    ),
    Panel(
        name="after_ten",
        title="Ten steps past the largest rate",
        caption="Loss of the mini-batch after ten steps at 3.8 times the largest rate, over that of guessing: each seed (tick), "
        "the median (dot) and its 95% interval; an arrow, where the median run has diverged. Right of the second dotted line, at "
        "twice guessing, a net has not come back, with BN or without.",
        data=after,
        draw=draw_losses,
        width=85,
        height=50,
        least=80,
    ),
)

SHEETS = {
    "map": ("ceilings", "ratios"),
    "races": ("races", "same_rate", "curves"),
    "worth": ("worth", "worth_same"),
    "why": ("activations", "gradients", "weights", "after_ten"),
}
"""Panels by sheet."""
