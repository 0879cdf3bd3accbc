"""The claims on regularization as statistics, a function each; the notes tell of the second setting. Draws nothing."""

import itertools
import math

import numpy as np
import pandas as pd

from bnrepro.analysis.formatting import diverged, hundredths, interval, joined, number, points
from bnrepro.analysis.intervals import Interval, Statistic, bootstrap_median, bootstrap_ratio, bound_of_median
from bnrepro.analysis.select import rows_of
from bnrepro.experiments.regularization.tables import (
    LOSS,
    ONE,
    SETTINGS,
    SIX,
    ensemble_nets,
    few,
    gain,
    gap_difference,
    gaps,
    shuffling,
    smallest_seen,
    spreads,
    step_ratios,
)
from bnrepro.records.results import select
from bnrepro.records.schemas import Tables

PAPER = {
    "R5": 0.01,  # section 4.2.1, "about 1%", which is the gain with BN; the paper does not try it without
    "R7": float(SIX - ONE),
}

SMALL, LARGE = 8, 256
"""The mini-batches whose spreads R2 compares."""


def no_worse_without_dropout(tables: Tables) -> Statistic:
    """R1, on the test set after the last step."""
    return _accuracy("R1", tables, "none", "bn_dropout", split="test")


def varies_with_its_mates(tables: Tables) -> Statistic:
    """R2. A seed whose run diverged is undetermined: a tie in the median, anything in the interval."""
    runs, mates = select(tables, "mates", "runs").set_index("run"), spreads(tables)
    training = mates[mates["mode"] == "training"].pivot(index="run", columns="batch_size", values="spread")
    ratio = (training[SMALL] / training[LARGE] if len(training) else pd.Series(dtype=float)).reindex(runs.index)
    ratio = ratio.replace(np.inf, np.nan)  # no ratio either where a spread is 0
    pairs = pd.DataFrame({"ratio": ratio.fillna(1.0), "bound": np.where(ratio.isna(), "~", "")})
    largest = mates.loc[mates["mode"] == "inference", "spread"].max()
    note = joined(
        f"the largest spread at inference is {number(largest)}" if len(mates) else "",
        _of(ratio.isna().sum(), runs, "diverged; such a seed counts as a tie"),
    )
    return Statistic("R2", *bootstrap_ratio(pairs), bound_of_median(pairs), note)


def smaller_gap_at_equal_loss(tables: Tables) -> Statistic:
    """R3, without Dropout."""
    return _gap("R3", tables, ("none", "batch"))


def smaller_weight_decay(tables: Tables) -> Statistic:
    """R4."""
    return _accuracy("R4", tables, "bn", "bn_weight_decay")


def thorough_shuffling(tables: Tables) -> Statistic:
    """R5, the gain with BN minus the gain without."""
    gains = shuffling(tables).groupby(["setting", "arm"])["gain"]
    found = {keys: bootstrap_median(values) for keys, values in gains}
    told = {
        setting: f"gains {points(found[setting, 'batch'])} with BN, {points(found[setting, 'none'])} without"
        for setting in SETTINGS
    }
    judged, other = (found[setting, "difference"] for setting in SETTINGS)
    second = f"dense net: {told['dense']}, difference {points(other)}{_seen(other, ', where {} would have been seen')}"
    arms = ("none", "none_shuffling", "bn", "bn_shuffling")
    lost = _lost(tables, *(f"{setting}_{arm}" for setting in SETTINGS for arm in arms))
    return Statistic("R5", *judged, note=joined(_seen(judged), told["conv"], second, lost))


def higher_rate(tables: Tables) -> Statistic:
    """R6a, steps to the best accuracy that the same seed has at the lower rate."""
    judged, other = (step_ratios(tables, f"{setting}_bn", f"{setting}_bn_rate") for setting in SETTINGS)
    ratio, second = bootstrap_ratio(judged), bootstrap_ratio(other)
    reached = int((~judged["bound"].isin(["<", "~"])).sum())
    note = joined(
        f"{reached} of {len(judged)} runs at the higher rate get there",
        f"a factor of {_factor(ratio)} would have been seen" if _holds_one(ratio) else "",
        f"dense net: {bound_of_median(other)} {number(second.estimate)} ({interval(*second[1:3])})".replace("  ", " "),
    )
    return Statistic("R6a", *ratio, bound_of_median(judged), note)


def no_dropout(tables: Tables) -> Statistic:
    """R6b."""
    return _accuracy("R6b", tables, "bn", "bn_dropout")


def faster_decay(tables: Tables) -> Statistic:
    """R6c."""
    return _accuracy("R6c", tables, "bn", "bn_decay")


def no_local_response_normalization(tables: Tables) -> Statistic:
    """R6d, which the dense net has not."""
    return _accuracy("R6d", tables, "bn", "bn_lrn")


def less_distortion(tables: Tables) -> Statistic:
    """R6e."""
    return _accuracy("R6e", tables, "bn", "bn_distortion")


def ensemble(tables: Tables) -> Statistic:
    """R7, a seed's six nets averaged minus the mean of them alone."""
    errors = tables["ensembles"].pivot(index="seed", columns="members", values="error")
    one, six = (bootstrap_median(errors[members]) for members in (errors.columns.min(), errors.columns.max()))
    words = [f"{100 * error.estimate:.2f}% ({_ends(error)})" for error in (one, six)]
    note = joined(f"error {words[0]} alone, {words[1]} averaged", _diverged(ensemble_nets(tables)))
    return Statistic("R7", *bootstrap_median(errors[errors.columns.max()] - errors[errors.columns.min()]), note=note)


def smaller_gap_with_noise(tables: Tables) -> Statistic:
    """R8, population statistics in place of a mini-batch's in both."""
    return _gap("R8", tables, ("population", "noise"))


STATISTICS = (
    no_worse_without_dropout,
    varies_with_its_mates,
    smaller_gap_at_equal_loss,
    smaller_weight_decay,
    thorough_shuffling,
    higher_rate,
    no_dropout,
    faster_decay,
    no_local_response_normalization,
    less_distortion,
    ensemble,
    smaller_gap_with_noise,
)
"""In their order."""


def analyse(tables: Tables) -> pd.DataFrame:
    """The statistic of each claim: `claim`, `estimate`, `ci_low`, `ci_high`, `n`, `bound`, `note`."""
    return pd.DataFrame(claim(tables) for claim in STATISTICS)


def _accuracy(claim: str, tables: Tables, without: str, with_it: str, split: str = "") -> Statistic:
    """The gain of one group over another in the first setting; the note has the same gain in the second, if it is there."""
    groups = set(tables["sweep"]["group"])
    pairs = [(f"{setting}_{without}", f"{setting}_{with_it}") for setting in SETTINGS]
    pairs = [names for names in pairs if groups.issuperset(names)]
    found = [bootstrap_median(gain(tables, *names, split)) for names in pairs]
    second = [f"dense net: {points(other)}{_seen(other, ', where {} would have been seen')}" for other in found[1:]]
    note = joined(_seen(found[0]), *second, _lost(tables, *itertools.chain(*pairs)))
    return Statistic(claim, *found[0], note=note)


def _gap(claim: str, tables: Tables, arms: tuple[str, str]) -> Statistic:
    """The second arm's gap minus the first's at equal training loss; the note has the same after equal steps."""
    runs = few(gaps(tables))
    judged, missing = gap_difference(runs, "equal", arms)
    last, lost = gap_difference(runs, "last", arms)
    note = joined(
        f"{missing} of {judged.n + missing} seeds left out, of which a run never gets to a training loss of {LOSS:g}"
        if missing
        else "",
        _seen(judged),
        f"after the last step {points(last)}" if last.n else "",
        f"there {lost} of {last.n + lost} seeds left out, of which a run diverged" if lost else "",
    )
    return Statistic(claim, *judged, note=note)


def _ends(found: Interval) -> str:
    return f"{hundredths(found.ci_low)} to {hundredths(found.ci_high)}"


def _seen(found: Interval, words: str = "an effect of {} points would have been seen") -> str:
    """The smallest effect that would have been seen, where the interval holds none; else nothing."""
    return words.format(hundredths(smallest_seen(found))) if found.ci_low <= 0 <= found.ci_high else ""


def _holds_one(ratio: Interval) -> bool:
    return 0 < ratio.ci_low <= 1 <= ratio.ci_high < np.inf


def _factor(ratio: Interval) -> str:
    return number(math.sqrt(ratio.ci_high / ratio.ci_low))


def _lost(tables: Tables, *groups: str) -> str:
    return _diverged(rows_of(tables, groups))


def _diverged(runs: pd.DataFrame) -> str:
    return diverged(runs, "diverged and count as guessing")


def _of(count: int, runs: pd.DataFrame, words: str) -> str:
    return f"{count} of {len(runs)} runs {words}" if count else ""
