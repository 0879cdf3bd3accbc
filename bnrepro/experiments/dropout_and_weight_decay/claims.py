"""The claims on Dropout and weight decay as statistics; the notes tell of other places, rates, weights. Draws nothing."""

import pandas as pd

from bnrepro.analysis.formatting import diverged, joined, number, points, times
from bnrepro.analysis.intervals import Statistic, bootstrap_bounded, bootstrap_median, bound_of_median
from bnrepro.analysis.select import rows_of
from bnrepro.experiments.dropout_and_weight_decay.tables import (
    DECAY,
    DROPOUT,
    FRESH,
    PLACES,
    STATISTICS,
    WHY,
    by_statistics,
    growth,
    nearly_equal,
    shares,
    shifted,
    shifts,
)
from bnrepro.plotting.arms import LABELS
from bnrepro.records.schemas import Tables

PAPER = {}
"""The paper has no experiment on this."""

_RESULT = {
    "moving": "with running averages",
    "population": "with those of Algorithm 2, Dropout active",
    "no_dropout": "recomputed without Dropout",
}
_LOST = {
    "matched": "seeds whose run at the matched rate diverged count as 0",
    "other": "seeds of which a run with or without decay diverged count as 0",
    "nothing": "seeds in which decay changed nothing count as 0",
}


def shifts_before(tables: Tables) -> Statistic:
    """D1a."""
    return _shift("D1a", tables, "before")


def none_after_the_last(tables: Tables) -> Statistic:
    """D1b."""
    return _shift("D1b", tables, "last")


def recomputed(tables: Tables) -> Statistic:
    """D2. A run that diverged guesses with any statistics, so nothing recovers it."""
    said = by_statistics(tables)
    without = _by_seed(said[said["group"] == "dropout_off"])
    places = {
        place: _by_seed(said[(said["dropout"] == DROPOUT) & (said["dropout_place"] == place)]) for place in PLACES
    }
    judged = places["before"]
    words = [f"{judged[name].median():.2%} {_RESULT[name]}" for name in STATISTICS]
    gains = [
        f"{LABELS[place]} {points(bootstrap_median(own['no_dropout'] - own['moving']))}"
        for place, own in places.items()
        if place != "before"
    ]
    runs = rows_of(tables, ("dropout_off", "dropout"))
    note = joined(
        ", ".join(words),
        f"{points(bootstrap_median(judged['no_dropout'] - judged['population']))} over Algorithm 2 with Dropout active",
        f"without any Dropout {without['moving'].median():.2%} with running averages, "
        f"{without['no_dropout'].median():.2%} recomputed",
        f"gain with Dropout {', '.join(gains)}",
        diverged(
            runs[(runs["dropout"] == DROPOUT) | (runs["group"] == "dropout_off")], "diverged and count as guessing"
        ),
    )
    return Statistic("D2", *bootstrap_median(judged["no_dropout"] - judged["moving"]), note=note)


def through_the_rate(tables: Tables) -> Statistic:
    """D3."""
    return _share("D3", tables, "batch")


def not_without(tables: Tables) -> Statistic:
    """D4."""
    return _share("D4", tables, "none")


def in_training(tables: Tables) -> Statistic:
    """D5."""
    return _fresh_share("D5", tables, "batch")


def not_in_training_without(tables: Tables) -> Statistic:
    """D6."""
    return _fresh_share("D6", tables, "none")


_COMPARED = (("decay_off", 0.0), ("decay_hidden", DECAY), ("matched", DECAY))

STATISTICS_OF_CLAIMS = (
    shifts_before,
    none_after_the_last,
    recomputed,
    through_the_rate,
    not_without,
    in_training,
    not_in_training_without,
)
"""In their order."""


def analyse(tables: Tables) -> pd.DataFrame:
    """The statistic of each claim: `claim`, `estimate`, `ci_low`, `ci_high`, `n`, `bound`, `note`."""
    return pd.DataFrame(claim(tables) for claim in STATISTICS_OF_CLAIMS)


def _shift(claim: str, tables: Tables, place: str) -> Statistic:
    """The distance at one place. A seed whose run has none is undetermined: a tie in the median, anything in the interval."""
    runs = shifted(tables)
    at = {other: runs[(runs["dropout"] == DROPOUT) & (runs["dropout_place"] == other)] for other in PLACES}
    own, off = at[place], runs[(runs["dropout"] == 0) & (runs["dropout_place"] == place)]
    distance = own["distance"].fillna(own["distance"].median())
    pairs = pd.DataFrame({"distance": distance, "bound": own["distance"].isna().map({True: "~", False: ""})})
    pairs = pairs.dropna(subset=["distance"])
    others = [f"{LABELS[other]} {number(at[other]['ratio'].median())}" for other in PLACES if other != place]
    others.append(f"without Dropout {number(off['ratio'].median())}")
    note = joined(
        f"ratio {number(own['ratio'].median())}, by layer {_layers(tables, place)}",
        f"mean of the layers with Dropout {', '.join(others)}",
        f"distance {number(own['distance_no_dropout'].median())} with statistics recomputed without Dropout",
        f"{int(own['distance'].isna().sum())} of {len(own)} runs diverged; such a seed may be anything"
        if own["distance"].isna().any()
        else "",
    )
    found = bootstrap_bounded(pairs, "distance", least=0.0)
    return Statistic(claim, *found, bound_of_median(pairs, "distance") if found.n else "", note)


def _layers(tables: Tables, place: str) -> str:
    """The median ratio of each BN from the images on, with the running statistics."""
    rows = shifts(tables)
    rows = rows[(rows["dropout"] == DROPOUT) & (rows["dropout_place"] == place) & (rows["statistics"] == "moving")]
    return ", ".join(number(ratio) for ratio in rows.groupby("layer")["ratio"].median()) or number(float("nan"))


def _by_seed(said: pd.DataFrame) -> pd.DataFrame:
    return said.pivot(index="seed", columns="statistics", values="accuracy").reindex(columns=STATISTICS)


def _share(claim: str, tables: Tables, arm: str) -> Statistic:
    found = shares(tables).query("normalization == @arm")
    judged = found[found["weight"] == DECAY]
    measured = judged[judged["missing"] == ""]
    others = [
        f"{number(weight)} share {times(bootstrap_median(own['share']))}{_lost(own)}"
        for weight, own in found[found["weight"] != DECAY].groupby("weight")
    ]
    note = joined(
        f"decay changes the validation loss by {number(measured['effect'].median())} on average, the matched rate stays "
        f"{number(measured['rest'].median())} away from decay"
        if len(measured)
        else "",
        _noise(tables, arm),
        f"share of the change in training accuracy, in training mode, {times(bootstrap_median(judged['training_share']))}",
        _grown(tables, arm),
        *_missing(judged),
        f"at the L2 weight {', at '.join(others)}" if others else "",
    )
    return Statistic(claim, *bootstrap_median(judged["share"]), note=note)


def _fresh_share(claim: str, tables: Tables, arm: str) -> Statistic:
    """The share of the training accuracy on the fresh seeds; the note has that of the validation loss there."""
    found = shares(tables, FRESH).query("normalization == @arm")
    seeds = sorted(found["seed"])
    note = joined(
        f"seeds {seeds[0]} to {seeds[-1]}" if len(seeds) > 1 else f"seed {seeds[0]}",
        f"share of the validation loss there {times(bootstrap_median(found['share']))}",
        *_missing(found),
    )
    return Statistic(claim, *bootstrap_median(found["training_share"]), note=note)


def _missing(found: pd.DataFrame) -> list[str]:
    """Why seeds count as 0."""
    counts = {why: int((found["missing"] == why).sum()) for why in WHY}
    return [f"{count} of {len(found)} {_LOST[why]}" for why, count in counts.items() if count]


def _noise(tables: Tables, arm: str) -> str:
    """How far runs are apart that differ by a small L2 weight."""
    found = nearly_equal(tables).query("normalization == @arm and weight < @DECAY").dropna()
    if found.empty:
        return ""
    weight, distance = number(found["weight"].iloc[0]), number(found["distance"].median())
    return f"an L2 weight of {weight} on all kernels already moves a run by {distance}"


def _grown(tables: Tables, arm: str) -> str:
    """The effective rate after the last step over that at the start, medians of the runs that get there."""
    rows = growth(tables).query("normalization == @arm")
    ends = (
        rows[rows["step"] == rows_of(tables, ("matched",))["steps"].max()].groupby(["group", "weight"])["rate"].median()
    )
    factor = {group: ends.get((group, weight)) for group, weight in _COMPARED}
    words = {"decay_off": "without decay", "decay_hidden": "with decay", "matched": "at the matched rate"}
    parts = [f"{number(value)} {words[group]}" for group, value in factor.items() if value is not None]
    return f"effective rate at the end over its start {', '.join(parts)}" if parts else ""


def _lost(found: pd.DataFrame) -> str:
    lost = int((found["missing"] != "").sum())
    return f", {lost} of {len(found)} seeds count as 0" if lost else ""
