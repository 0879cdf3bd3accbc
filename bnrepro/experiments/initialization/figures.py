"""The panels of initialization: maps of start and rate, what of them trains, named starts, depth. Knows no claim."""

import functools

import pandas as pd

from bnrepro.analysis.select import TRAINS
from bnrepro.experiments.initialization.panels import (
    draw_by_depth,
    draw_by_start,
    draw_map,
    draw_named_starts,
    draw_shares,
)
from bnrepro.experiments.initialization.tables import NETS, at_any_rate, ended, maps, over_stds, shares, starts
from bnrepro.plotting.panel import Panel
from bnrepro.records.schemas import Tables

_NETS = {"sigmoid": "sigmoid net", "relu": "deeper ReLU net"}
_RUN = ["run", "setting", "normalization", "seed", "learning_rate", "final_metric"]


def cells(tables: Tables, net: str) -> pd.DataFrame:
    """A net's map of start and rate in both arms."""
    table = maps(ended(tables, "map"))
    return table[table["setting"] == net].reset_index(drop=True)


def by_start(tables: Tables, net: str) -> pd.DataFrame:
    """A net's runs over the standard deviation, each arm at its best rate over all of them."""
    runs = over_stds(ended(tables, "map"))
    return runs.loc[runs["setting"] == net, [*_RUN, "initial_std"]]


def by_depth(tables: Tables) -> pd.DataFrame:
    """The runs of the sigmoid nets over depth, of each seed and arm the best of its rates."""
    return at_any_rate(tables)[[*_RUN, "hidden_layers"]]


def _map(net: str, mark: str) -> Panel:
    return Panel(
        name=f"map_{net}",
        title=f"Final test accuracy by start and rate, {_NETS[net]}, %",
        caption=f"Median of {{map_{net}_seeds}} seeds over the standard deviation of the kernels at the start and the learning "
        "rate, a diverged run counted as chance; × where half of the runs or more diverged. The line is around the cells "
        f"at {TRAINS:.0%} or above{mark}.",
        data=functools.partial(cells, net=net),
        draw=functools.partial(draw_map, marked=net == "sigmoid"),
        width=175,
        height=58,
        least=110,
    )


def _start(net: str) -> Panel:
    return Panel(
        name=f"start_{net}",
        title=f"Accuracy by start, {_NETS[net]}",
        caption="Final test accuracy over the standard deviation of the kernels at the start, each arm at the rate that is its "
        "best over all of them on validation examples. "
        f"{{map_{net}_seeds}} seeds (thin), their median (thick) and its 95% interval; dotted, {TRAINS:.0%}.",
        data=functools.partial(by_start, net=net),
        draw=draw_by_start,
        height=58,
    )


PANELS = (
    _map("sigmoid", "; the diamond marks the values with which the net follows the paper's curve (notebook 01)"),
    _map("relu", ""),
    Panel(
        name="shares",
        title=f"Share of the map that ends at {TRAINS:.0%} or above",
        caption=f"Of all starts and rates of the maps, the share whose runs end at {TRAINS:.0%} or above: each seed (tick), "
        "median (dot) and its 95% interval (bar).",
        data=lambda tables: shares(ended(tables, "map")),
        draw=draw_shares,
        height=66,
    ),
    _start(NETS[0]),
    _start(NETS[1]),
    Panel(
        name="named_starts",
        title="Named starts, deeper ReLU net",
        caption="Final test accuracy, each arm at its best rate on validation examples: each seed (tick), median (dot) and "
        "its 95% interval (bar). Below the line, two starts that leave all units of a layer alike; dotted, "
        "chance.",
        data=lambda tables: starts(tables)[[*_RUN, "chance"]],
        draw=draw_named_starts,
        height=66,
    ),
    Panel(
        name="depth",
        title="Accuracy by depth and start, sigmoid net",
        caption="Final test accuracy over the number of hidden layers, from three starts: of each seed (thin) the best of all "
        f"rates tried, their median (thick) and its 95% interval; dotted, {TRAINS:.0%}. {{depth_seeds}} seeds.",
        data=by_depth,
        draw=draw_by_depth,
        width=175,
        height=58,
        least=110,
    ),
)

SHEETS = {
    "maps": ("map_sigmoid", "map_relu"),
    "starts": ("start_sigmoid", "start_relu", "named_starts", "shares"),
    "depth": ("depth",),
}
