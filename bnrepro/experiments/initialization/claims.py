"""The claims on initialization as statistics, a function each; the notes tell of the ReLU net. Draws nothing."""

import pandas as pd

from bnrepro.analysis.formatting import hundredths, interval, joined, number
from bnrepro.analysis.intervals import Statistic, bootstrap_median, bootstrap_ratio, bound_of_median
from bnrepro.analysis.select import TRAINS, ratios_with_bn
from bnrepro.experiments.initialization.tables import NETS, deepest, deviations, ended, over_stds, shares
from bnrepro.experiments.setups import ARMS
from bnrepro.plotting.arms import LABELS
from bnrepro.records.schemas import Tables

PAPER = {}
"""It says that one may be less careful about initialization, and has no experiment on it."""

_WORDS = {"sigmoid": "", "relu": "ReLU net: "}


def more_of_the_map(tables: Tables) -> Statistic:
    """I1. An arm without a cell that trains counts as one cell, and the ratio is a bound."""
    runs = ended(tables, "map")
    table, found, parts = shares(runs), {}, []
    for net in NETS:
        own = table[table["name"] == net]
        trained = own.pivot(index="seed", columns="normalization", values="trained")
        never = trained == 0
        found[net] = ratios_with_bn(trained.clip(lower=1), never["none"], never["batch"])
        middle = own.groupby("normalization")["share"].median()
        words = [f"{middle[arm]:.0%} of the map trains {LABELS[arm]}" for arm in ARMS]
        lost = [f"no cell {LABELS[arm]} with {_of(never[arm])}, which count as one" for arm in ARMS if never[arm].any()]
        ratio = f", ratio {_times(found[net])}" if net != NETS[0] else ""
        parts.append(_WORDS[net] + ", ".join([*words, *lost]) + ratio)
    pairs = found[NETS[0]]
    note = joined(f"{TRAINS:.0%} accuracy or above counts as trained", *parts, _diverged(runs))
    return Statistic("I1", *bootstrap_ratio(pairs), bound_of_median(pairs), note)


def less_spread(tables: Tables) -> Statistic:
    """I2. The best rate is chosen on the validation examples, once for all seeds."""
    whole = ended(tables, "map")
    runs, rates = over_stds(whole), whole["learning_rate"]
    spread, parts, found = deviations(runs), [], {}
    for net in NETS:
        own, by_seed = runs[runs["name"] == net].groupby("normalization"), spread.loc[net]
        found[net] = bootstrap_median(by_seed["batch"] - by_seed["none"])
        best, accuracy = own["learning_rate"].first(), own["final_accuracy"].median()
        words = [
            f"{LABELS[arm]} {hundredths(by_seed[arm].median())} at the best rate {_rate(best[arm], rates)}, "
            f"where the median accuracy is {accuracy[arm]:.0%}"
            for arm in ARMS
        ]
        difference = ""
        if net != NETS[0]:
            middle, low, high = (hundredths(value) for value in found[net][:3])
            difference = f", difference {middle} ({low} to {high})"
        parts.append(f"{_WORDS[net]}{' and '.join(words)}{difference}")
    note = joined("in points of accuracy", *parts, _diverged(runs))
    return Statistic("I2", *found[NETS[0]], note=note)


def deeper(tables: Tables) -> Statistic:
    """I3. Where the answer lies beyond the depths tried, the ratio is a bound: above the largest, or below the smallest."""
    runs = ended(tables, "depth")
    table = deepest(runs)
    tried, found, parts = sorted(set(runs["hidden_layers"])), {}, []
    for net in NETS:
        layers = table.loc[net]
        nowhere, top = layers.isna(), layers == tried[-1]
        counted = layers.fillna(1)
        found[net] = ratios_with_bn(counted, nowhere["none"] | top["batch"], nowhere["batch"] | top["none"])
        words = []
        for arm in ARMS:
            lost = f"at no depth with {_of(nowhere[arm])}, which count as 1" if nowhere[arm].any() else ""
            limited = f"limited by the largest depth tried with {_of(top[arm])}" if top[arm].any() else ""
            remark = ", ".join(part for part in (lost, limited) if part)
            words.append(f"{LABELS[arm]} {number(counted[arm].median())}" + (f" ({remark})" if remark else ""))
        ratio = f", ratio {_times(found[net])}" if net != NETS[0] else ""
        parts.append(f"{_WORDS[net]}{', '.join(words)}{ratio}")
    pairs = found[NETS[0]]
    note = joined(f"median layers, of {', '.join(map(str, tried))} tried", *parts, _diverged(runs))
    return Statistic("I3", *bootstrap_ratio(pairs), bound_of_median(pairs), note)


STATISTICS = (more_of_the_map, less_spread, deeper)
"""In their order."""


def analyse(tables: Tables) -> pd.DataFrame:
    """The statistic of each claim: `claim`, `estimate`, `ci_low`, `ci_high`, `n`, `bound`, `note`."""
    return pd.DataFrame(claim(tables) for claim in STATISTICS)


def _times(pairs: pd.DataFrame) -> str:
    """As "> 2.5 (> 2)"."""
    found = bootstrap_ratio(pairs)
    return f"{bound_of_median(pairs)} {number(found.estimate)} ({interval(*found[1:3])})".strip()


def _rate(rate: float, tried: pd.Series) -> str:
    """The rate, and whether a better one may lie beyond those tried."""
    ends = {tried.min(): ", the smallest tried", tried.max(): ", the largest tried"}
    return number(rate) + ends.get(rate, "")


def _of(seeds: pd.Series) -> str:
    return f"{seeds.sum()} of {len(seeds)} seeds"


def _diverged(runs: pd.DataFrame) -> str:
    """How many runs of each net diverged, nothing where none did."""
    lost = (runs["status"] == "diverged").groupby(runs["name"]).agg(["sum", "size"])
    words = [f"{_WORDS[net]}{lost.loc[net, 'sum']} of {lost.loc[net, 'size']}" for net in NETS]
    return f"diverged and counted as guessing: {', '.join(words)} runs" if lost["sum"].any() else ""
