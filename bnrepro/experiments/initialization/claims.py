"""The claims on initialization, a function each; rows tell of the ReLU net or of each start too. Draws nothing."""

import pandas as pd

from bnrepro.analysis.claims import Rule, claim
from bnrepro.analysis.findings import (
    Row,
    counted,
    counted_if_any,
    diverged,
    median_between,
    median_of,
    median_ratio,
    single,
)
from bnrepro.analysis.select import ratios_with_bn
from bnrepro.experiments.initialization.tables import (
    FROM,
    NETS,
    deeper,
    deepest,
    deviations,
    ended,
    least_deeper,
    over_stds,
    shares,
)
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
        best, accuracy = own["learning_rate"].first(), own["final_metric"].median()
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
    id="I4",
    kind="secondary",
    section="1",
    sentence="The deepest sigmoid net that trains is deeper with BN than without BN, from whichever of three initializations",
    statistic="largest number of hidden layers at which a sigmoid net ends at 50% accuracy or above at either of two rates, with "
    "BN over without, of each seed the smallest ratio of the three initializations, median of seeds; a step of the depths tried "
    "is seen",
    unit="times",
    rule=Rule("above", 1.0),
)
def deeper_from_each(tables: Tables) -> list[Row]:
    """The largest that trains lies between two depths tried, or beyond them, and the ratio with it."""
    runs, ratios = ended(tables, "depth"), deeper(tables)
    rows = [median_between(least_deeper(tables))]
    rows += [single("hidden layers tried", depth, "layers") for depth in sorted(set(runs["hidden_layers"]))]
    for start in FROM:
        rows.append(median_between(ratios.loc[start], FROM[start]))
        for arm in ARMS:
            low = deepest(tables).loc[(start, arm), "low"]
            words = f"{FROM[start]}, most hidden layers that train {LABELS[arm]}"
            rows.append(single(words, low.median(), "layers", len(low)))
            rows += counted_if_any(f"{words}: the largest tried", low == runs["hidden_layers"].max(), "seeds")
            rows += counted_if_any(f"{words}: none of those tried", low == 0, "seeds")
    return [*rows, *diverged(runs)]


def _edge(rate: float, tried: pd.Series) -> str:
    """Whether a better rate may lie beyond those tried."""
    return {tried.min(): ", the smallest tried", tried.max(): ", the largest tried"}.get(rate, "")


def _diverged(runs: pd.DataFrame) -> list[Row]:
    """How many runs of each net diverged, if any did."""
    lost = runs["status"] == "diverged"
    label = "runs that diverged and count as guessing"
    return [counted(f"{_OF[net]}{label}", lost[runs["setting"] == net]) for net in NETS] if lost.any() else []
