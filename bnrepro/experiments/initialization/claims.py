"""The claims on initialization, a function each; rows tell of the ReLU net too. Draws nothing."""

import pandas as pd

from bnrepro.analysis.claims import Rule, claim
from bnrepro.analysis.findings import Row, counted, counted_if_any, median_of, median_ratio, single
from bnrepro.analysis.select import ratios_with_bn
from bnrepro.experiments.initialization.tables import NETS, deepest, deviations, ended, over_stds, shares
from bnrepro.experiments.setups import ARMS
from bnrepro.plotting.arms import LABELS
from bnrepro.records.schemas import Tables

_JUDGED, _OTHER = NETS
_OF = {_JUDGED: "", _OTHER: "ReLU net, "}


@claim(
    id="I1",
    kind="primary",
    section="1",
    sentence="A sigmoid net trains with BN from more combinations of initial standard deviation and learning rate "
    "than without BN",
    statistic="share of the map of both whose runs end at 50% accuracy or above, sigmoid net of section 4.1, with "
    "BN over without, median of seeds",
    unit="times",
    rule=Rule("above", 1.0),
)
def more_of_the_map(tables: Tables) -> list[Row]:
    """An arm without a cell that trains counts as one cell, and the ratio is a bound."""
    runs = ended(tables, "map")
    table, ratios, rows = shares(runs), {}, []
    for net in NETS:
        own = table[table["setting"] == net]
        trained = own.pivot(index="seed", columns="normalization", values="trained")
        never = trained == 0
        ratios[net] = median_ratio(
            ratios_with_bn(trained.clip(lower=1), never["none"], never["batch"]), f"{_OF[net]}ratio"
        )
        share = own.groupby("normalization")["share"].median()
        for arm in ARMS:
            trains = f"{_OF[net]}share of the map that trains {LABELS[arm]}"
            rows.append(single(trains, share[arm], "share", len(trained)))
        for arm in ARMS:
            none = f"{_OF[net]}seeds without a cell that trains {LABELS[arm]}, which count as one"
            rows += counted_if_any(none, never[arm], "seeds")
    return [ratios[_JUDGED], *rows, ratios[_OTHER], *_diverged(runs)]


@claim(
    id="I2",
    kind="secondary",
    section="1",
    sentence="The final accuracy of a sigmoid net depends less on the initial standard deviation with BN than "
    "without BN",
    statistic="standard deviation of the final accuracy over the initial standard deviations, each arm at its best "
    "rate, sigmoid net of section 4.1, with BN minus without, median of seeds",
    unit="difference of shares",
    rule=Rule("below", 0.0),
)
def less_spread(tables: Tables) -> list[Row]:
    """The best rate is chosen on the validation examples, once for all seeds."""
    whole = ended(tables, "map")
    runs, rates = over_stds(whole), whole["learning_rate"]
    spread, differences, rows = deviations(runs), {}, []
    for net in NETS:
        own, by_seed = runs[runs["setting"] == net].groupby("normalization"), spread.loc[net]
        difference = by_seed["batch"] - by_seed["none"]
        differences[net] = median_of(difference, "difference of shares", f"{_OF[net]}difference")
        best, accuracy = own["learning_rate"].first(), own["final_accuracy"].median()
        for arm in ARMS:
            label = f"{_OF[net]}standard deviation {LABELS[arm]}"
            rate = f"{_OF[net]}best rate {LABELS[arm]}{_edge(best[arm], rates)}"
            rows += [
                single(label, by_seed[arm].median(), "difference of shares", len(by_seed)),
                single(rate, best[arm], "rate"),
                single(f"{_OF[net]}median accuracy there {LABELS[arm]}", accuracy[arm], "accuracy"),
            ]
    return [differences[_JUDGED], *rows, differences[_OTHER], *_diverged(runs)]


@claim(
    id="I3",
    kind="secondary",
    section="1",
    sentence="The deepest sigmoid net that trains is deeper with BN than without BN",
    statistic="largest number of hidden layers at which a sigmoid net ends at 50% accuracy or above at any rate, "
    "with BN over without, median of seeds",
    unit="times",
    rule=Rule("above", 1.0),
)
def deeper(tables: Tables) -> list[Row]:
    """Where the answer lies beyond the depths tried, the ratio is a bound: above the largest, or below the smallest."""
    runs = ended(tables, "depth")
    table, tried, ratios = deepest(runs), sorted(set(runs["hidden_layers"])), {}
    rows = [single("hidden layers tried", depth, "layers") for depth in tried]
    for net in NETS:
        layers = table.loc[net]
        nowhere, top = layers.isna(), layers == tried[-1]
        layers = layers.fillna(1)
        pairs = ratios_with_bn(layers, nowhere["none"] | top["batch"], nowhere["batch"] | top["none"])
        ratios[net] = median_ratio(pairs, f"{_OF[net]}ratio")
        for arm in ARMS:
            trains = f"{_OF[net]}most hidden layers that train {LABELS[arm]}"
            none = f"{_OF[net]}seeds that train at no depth {LABELS[arm]}, which count as 1 hidden layer"
            limited = f"{_OF[net]}seeds limited by the largest depth tried {LABELS[arm]}"
            rows += [
                single(trains, layers[arm].median(), "layers", len(layers)),
                *counted_if_any(none, nowhere[arm], "seeds"),
                *counted_if_any(limited, top[arm], "seeds"),
            ]
    return [ratios[_JUDGED], *rows, ratios[_OTHER], *_diverged(runs)]


def _edge(rate: float, tried: pd.Series) -> str:
    """Whether a better rate may lie beyond those tried."""
    return {tried.min(): ", the smallest tried", tried.max(): ", the largest tried"}.get(rate, "")


def _diverged(runs: pd.DataFrame) -> list[Row]:
    """How many runs of each net diverged, if any did."""
    lost = runs["status"] == "diverged"
    label = "runs that diverged and count as guessing"
    return [counted(f"{_OF[net]}{label}", lost[runs["setting"] == net]) for net in NETS] if lost.any() else []
