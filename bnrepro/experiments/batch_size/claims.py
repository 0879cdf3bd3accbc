"""The claims on batch size as statistics, a function each; the notes tell of the other budget and net. Draws nothing."""

import pandas as pd

from bnrepro.analysis.formatting import diverged, interval, joined, number, points
from bnrepro.analysis.intervals import Interval, Statistic
from bnrepro.analysis.select import median
from bnrepro.experiments.batch_size.tables import (
    LARGE,
    REFERENCE,
    SMALL,
    at_best_rates,
    by_seed,
    chosen,
    measured,
    memory,
    over_layers,
    sampling_errors,
    slopes,
    times,
)
from bnrepro.records.results import select
from bnrepro.records.schemas import Tables

PAPER = {}
"""The paper says nothing of other mini-batches than its own."""

_FROM = 8  # the notes of B2 also tell the slope over sizes from here on


def falls_with_bn(tables: Tables) -> Statistic:
    """B1a, on the test set after the last step."""
    best = at_best_rates(measured(tables))
    size = best.loc[best["group"] == "examples", "batch_size"].min()
    renorm = chosen(best, "examples", "renorm", size)
    found = median(renorm["test"] - chosen(best, "examples", "batch", REFERENCE)["test"])
    words = (
        f"Batch Renormalization at m = {size} ({_rate(renorm)}) minus BN at m = {REFERENCE}: {points(found)}"
        if found.n
        else ""
    )
    return _shrinking("B1a", best, "batch", words)


def does_not_without(tables: Tables) -> Statistic:
    """B1b, the same without BN."""
    return _shrinking("B1b", at_best_rates(measured(tables)), "none")


def error_of_the_mean(tables: Tables) -> Statistic:
    """B2a."""
    return _sampling("B2a", tables, "mean_error")


def error_of_the_variance(tables: Tables) -> Statistic:
    """B2b. Of m independent Gaussian values the error of the unbiased variance is the root of 2 / (m - 1)."""
    sizes = pd.DataFrame({"size": sorted(set(sampling_errors(tables)["size"]))}, dtype=float)
    known = slopes(sizes.assign(seed=0, error=(2 / (sizes["size"] - 1)) ** 0.5), "error")
    words = f"of independent Gaussian values it would be {_slope(median(known))}, for there the error falls as 1/sqrt(m - 1)"
    return _sampling("B2b", tables, "variance_error", words if len(known) else "")


def ghosts_act_like_small_mini_batches(tables: Tables) -> Statistic:
    """B3. A seed of which a run diverged has no gap there and is left out."""
    best = at_best_rates(measured(tables))
    runs = {
        f"m = {SMALL}": chosen(best, "examples", "batch", SMALL),
        f"m = {LARGE}": chosen(best, "examples", "batch", LARGE),
        f"ghosts of {SMALL}": chosen(best, "ghost", "ghost", LARGE, SMALL),
    }
    small, large, ghost = (own["gap"] for own in runs.values())
    difference = (ghost - small).abs() - (large - small).abs()
    gaps = [f"{points(median(own['gap']))} at {name}" for name, own in runs.items()]
    accuracies = [f"{_percent(own['test'])} at {name} ({_rate(own)})" for name, own in runs.items()]
    found = median(difference)
    left_out = len(difference) - found.n
    note = joined(
        f"gaps {', '.join(gaps)}; accuracy {', '.join(accuracies)}".replace(" at ghosts", " in ghosts"),
        _start_left(best, LARGE),
        f"{left_out} of {len(difference)} seeds left out, of which a run diverged or was not measured"
        if left_out
        else "",
    )
    return Statistic("B3", *found, note=note)


def time_an_example(tables: Tables) -> Statistic:
    """B4a, the dense net as many steps long at each size."""
    table = times(tables)
    sizes = sorted(set(table["batch_size"]))
    least, most = sizes[0], sizes[-1]
    shown = sorted({least, REFERENCE, most} & set(sizes))
    first, last = (by_seed(table, "example", arm="batch", batch_size=size) for size in (least, most))
    steps = {size: [by_seed(table, "step", arm=arm, batch_size=size) for arm in ("batch", "none")] for size in shown}
    milliseconds = [f"{number(1000 * steps[size][0].median())} ms at m = {size}" for size in (least, most)]
    over = [f"{number((steps[size][0] / steps[size][1]).median())} at m = {size}" for size in shown]
    note = joined(
        f"a step with BN takes {' and '.join(milliseconds)}",
        f"over a step without BN {', '.join(over)}",
        "medians over the rates, measured while other processes trained beside it",
    )
    return Statistic("B4a", *median(first / last), note=note)


def peak_memory(tables: Tables) -> Statistic:
    """B4b."""
    table = memory(tables)
    least, most = table["batch_size"].min(), table["batch_size"].max()
    ends = {
        arm: [by_seed(table, "peak", arm=arm, batch_size=size) for size in (least, most)] for arm in ("batch", "none")
    }
    values = {
        arm: [f"{own.median():,.0f} MiB at m = {m}" for own, m in zip(pair, (least, most))]
        for arm, pair in ends.items()
    }
    without = median(ends["none"][1] - ends["none"][0])
    note = joined(
        " and ".join(values["batch"]),
        f"without BN {' and '.join(values['none'])}, {number(without.estimate)} ({interval(*without[1:3])}) more",
    )
    return Statistic("B4b", *median(ends["batch"][1] - ends["batch"][0]), note=note)


STATISTICS = (
    falls_with_bn,
    does_not_without,
    error_of_the_mean,
    error_of_the_variance,
    ghosts_act_like_small_mini_batches,
    time_an_example,
    peak_memory,
)
"""In their order."""


def analyse(tables: Tables) -> pd.DataFrame:
    """The statistic of each claim: `claim`, `estimate`, `ci_low`, `ci_high`, `n`, `bound`, `note`."""
    return pd.DataFrame(claim(tables) for claim in STATISTICS)


def _shrinking(claim: str, best: pd.DataFrame, arm: str, renorm: str = "") -> Statistic:
    """Accuracy at the smallest mini-batch minus at `REFERENCE`; the notes have the other budget and the convolutional net."""
    size = best.loc[best["group"] == "examples", "batch_size"].min()
    pairs = {group: [chosen(best, group, arm, m) for m in (size, REFERENCE)] for group in ("examples", "steps")}
    sizes = best.loc[best["group"] == "conv", "batch_size"]
    least, most = sizes.min(), sizes.max()
    conv = [chosen(best, "conv", arm, m) for m in (least, most)]
    judged, other, convolutional = (
        median(one["test"] - another["test"]) for one, another in (pairs["examples"], pairs["steps"], conv)
    )
    rates = [f"m = {m} at its best {_rate(own)}" for own, m in zip(pairs["examples"], (size, REFERENCE))]
    compared = pd.concat([*pairs["examples"], *pairs["steps"], *(conv if least < most else [])]).drop_duplicates("run")
    note = joined(
        " minus ".join(rates),
        f"as many steps: {points(other)}, {_rate(pairs['steps'][0])} at m = {size}",
        renorm,
        f"inception_small, m = {least} minus m = {most}, one rate: {points(convolutional)}" if least < most else "",
        _start_left(best, REFERENCE) if arm == "batch" else "",
        diverged(compared, "diverged and count as guessing"),
    )
    return Statistic(claim, *judged, note=note)


def _sampling(claim: str, tables: Tables, value: str, known: str = "") -> Statistic:
    """The slope of the error over all layers; the notes have that of each layer, and without the smallest sizes."""
    errors, runs = sampling_errors(tables), select(tables, "sampling", "runs")
    whole = over_layers(errors)
    layers = [
        f"{layer.replace('_', ' ')} {_slope(median(slopes(rows, value)))}" for layer, rows in errors.groupby("layer")
    ]
    later = median(slopes(whole, value, _FROM))
    missing = int((~runs["seed"].isin(whole["seed"])).sum())
    note = joined(
        f"slope by layer: {', '.join(layers)}" if layers else "",
        f"over m of {_FROM} and more {_slope(later)} ({_slope(later, 'ci_low')} to {_slope(later, 'ci_high')})"
        if later.n
        else "",
        known,
        f"{missing} of {len(runs)} runs diverged and are left out" if missing else "",
    )
    return Statistic(claim, *median(slopes(whole, value)), note=note)


def _start_left(best: pd.DataFrame, size: int) -> str:
    """How much of their start the running statistics still hold at the end, which a long run forgets."""
    steps, momentum = chosen(best, "examples", "batch", size)[["steps", "momentum"]].iloc[0]
    return f"after its {steps:.0f} steps at m = {size} the running statistics hold {momentum**steps:.0%} of their start"


def _rate(runs: pd.DataFrame) -> str:
    """As "rate 1, the largest tried": the best one, and whether it is at the edge of its grid."""
    rate, edge = runs[["learning_rate", "edge"]].iloc[0]
    return f"rate {number(rate)}{f', the {edge} tried' if edge else ''}"


def _percent(values: pd.Series) -> str:
    return f"{100 * values.median():.2f}%"


def _slope(found: Interval, end: str = "estimate") -> str:
    return f"{getattr(found, end):.3f}".replace("-", "−")
