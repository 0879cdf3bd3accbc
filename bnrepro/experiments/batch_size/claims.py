"""The claims on batch size, a function each; rows tell of the other budget and net. Draws nothing."""

import pandas as pd

from bnrepro.analysis.claims import Rule, claim
from bnrepro.analysis.findings import Row, counted_if_any, diverged, median_of, single
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
from bnrepro.plotting.arms import LABELS
from bnrepro.records.results import select
from bnrepro.records.schemas import Tables

_FROM = 8  # rows of B2 also tell the slope over sizes from here on
_POINTS = "difference of shares"


@claim(
    id="B1a",
    kind="secondary",
    section="3",
    sentence="The accuracy of a net with BN falls as the mini-batch shrinks to 2",
    statistic=f"final test accuracy with BN at m = 2 minus at m = {REFERENCE}, as many examples seen, each at its "
    "best rate, median of seeds",
    unit=_POINTS,
    rule=Rule("below", -0.01),
)
def falls_with_bn(tables: Tables) -> list[Row]:
    best = at_best_rates(measured(tables))
    size = _smallest(best)
    renorm = chosen(best, "examples", "renorm", size)
    difference = (renorm["test"] - chosen(best, "examples", "batch", REFERENCE)["test"]).dropna()
    label = f"Batch Renormalization at m = {size} minus BN at m = {REFERENCE}"
    with_renorm = [median_of(difference, _POINTS, label), _rate(renorm, f"of Batch Renormalization at m = {size}")]
    return _shrinking(best, "batch", with_renorm if len(difference) else [], [_start_left(best, REFERENCE)])


@claim(
    id="B1b",
    kind="secondary",
    section="3",
    sentence="The accuracy of a net without BN does not fall as the mini-batch shrinks to 2",
    statistic=f"final test accuracy without BN at m = 2 minus at m = {REFERENCE}, as many examples seen, each at "
    "its best rate, median of seeds; a point is allowed",
    unit=_POINTS,
    rule=Rule("above", -0.01),
)
def does_not_without(tables: Tables) -> list[Row]:
    return _shrinking(at_best_rates(measured(tables)), "none")


@claim(
    id="B2a",
    kind="secondary",
    section="3",
    sentence="The error of a mini-batch's mean falls as 1/sqrt(m) with the size m of the mini-batch",
    statistic="slope of the logarithm of the error over that of m, m from 2 to 1,024, all hidden layers, median of "
    "seeds",
    unit="slope",
    rule=Rule("around", -0.5, 0.05),
)
def error_of_the_mean(tables: Tables) -> list[Row]:
    return _sampling(tables, "mean_error")


@claim(
    id="B2b",
    kind="secondary",
    section="3",
    sentence="The error of a mini-batch's unbiased variance falls as 1/sqrt(m) with the size m of the mini-batch",
    statistic="slope of the logarithm of the error over that of m, m from 2 to 1,024, all hidden layers, median of "
    "seeds",
    unit="slope",
    rule=Rule("around", -0.5, 0.05),
)
def error_of_the_variance(tables: Tables) -> list[Row]:
    """Of m independent Gaussian values the error of the unbiased variance is the root of 2 / (m - 1)."""
    sizes = pd.DataFrame({"size": sorted(set(sampling_errors(tables)["size"]))}, dtype=float)
    known = slopes(sizes.assign(seed=0, error=(2 / (sizes["size"] - 1)) ** 0.5), "error")
    label = "slope for independent Gaussian values, whose error falls as 1/sqrt(m - 1)"
    return _sampling(tables, "variance_error", [single(label, slope, "slope") for slope in known])


@claim(
    id="B3",
    kind="secondary",
    section="3",
    sentence=f"Ghost batches of {SMALL} make BN at a mini-batch of {LARGE} more like BN at a mini-batch of {SMALL}",
    statistic=f"distance from m = {SMALL} of the gap between inference and training mode, ghost batches minus m = "
    f"{LARGE}, median of seeds",
    unit=_POINTS,
    rule=Rule("below", 0.0),
)
def ghosts_act_like_small_mini_batches(tables: Tables) -> list[Row]:
    """A seed of which a run diverged has no gap there and is left out."""
    best = at_best_rates(measured(tables))
    runs = {
        f"at m = {SMALL}": chosen(best, "examples", "batch", SMALL),
        f"at m = {LARGE}": chosen(best, "examples", "batch", LARGE),
        f"in ghosts of {SMALL}": chosen(best, "ghost", "ghost", LARGE, SMALL),
    }
    small, large, ghost = (own["gap"] for own in runs.values())
    difference = (ghost - small).abs() - (large - small).abs()
    rows = [median_of(own["gap"].dropna(), _POINTS, f"gap {place}") for place, own in runs.items()]
    for place, own in runs.items():
        rows += [single(f"accuracy {place}", own["test"].median(), "accuracy", len(own)), _rate(own, place)]
    left_out = "seeds left out, of which a run diverged or was not measured"
    return [
        median_of(difference.dropna()),
        *rows,
        _start_left(best, LARGE),
        *counted_if_any(left_out, difference.isna(), "seeds"),
    ]


@claim(
    id="B4a",
    kind="secondary",
    section="3",
    sentence="Training with BN takes less time an example in a larger mini-batch",
    statistic="training seconds an example at the smallest m over the largest, dense net with BN, medians over the "
    "rates, measured while other processes trained beside it, median of seeds",
    unit="times",
    rule=Rule("above", 1.0),
)
def time_an_example(tables: Tables) -> list[Row]:
    """The dense net as many steps long at each size."""
    table = times(tables)
    sizes = sorted(set(table["batch_size"]))
    least, most = sizes[0], sizes[-1]
    first, last = (by_seed(table, "example", arm="batch", batch_size=size) for size in (least, most))
    rows = [median_of((first / last).dropna())]
    for size in (least, most):
        seconds = by_seed(table, "step", arm="batch", batch_size=size)
        rows.append(single(f"step with BN at m = {size}", 1000 * seconds.median(), "milliseconds", len(seconds)))
    for size in sorted({least, REFERENCE, most} & set(sizes)):
        with_bn, without = (by_seed(table, "step", arm=arm, batch_size=size) for arm in ("batch", "none"))
        label = f"step with BN over step without BN at m = {size}"
        rows.append(single(label, (with_bn / without).median(), "ratio", len(with_bn)))
    return rows


@claim(
    id="B4b",
    kind="secondary",
    section="3",
    sentence="Training with BN needs more memory in a larger mini-batch",
    statistic="peak memory of a process that trains inception_small with BN, largest m minus smallest, median of seeds",
    unit="MiB",
    rule=Rule("above", 0.0),
)
def peak_memory(tables: Tables) -> list[Row]:
    table = memory(tables)
    ends = table["batch_size"].min(), table["batch_size"].max()
    more, rows = {}, []
    for arm in ("batch", "none"):
        peaks = [by_seed(table, "peak", arm=arm, batch_size=size) for size in ends]
        more[arm] = (peaks[1] - peaks[0]).dropna()
        for size, own in zip(ends, peaks):
            rows.append(single(f"peak {LABELS[arm]} at m = {size}", own.median(), "MiB", len(own)))
    return [median_of(more["batch"]), *rows, median_of(more["none"], "MiB", "largest m minus smallest without BN")]


def _shrinking(
    best: pd.DataFrame, arm: str, beside: list[Row] | None = None, last: list[Row] | None = None
) -> list[Row]:
    """Accuracy at the smallest mini-batch minus at `REFERENCE`; then of the other budget and the convolutional net."""
    size = _smallest(best)
    pairs = {group: [chosen(best, group, arm, m) for m in (size, REFERENCE)] for group in ("examples", "steps")}
    sizes = best.loc[best["group"] == "conv", "batch_size"]
    least, most = sizes.min(), sizes.max()
    conv = [chosen(best, "conv", arm, m) for m in (least, most)] if least < most else []
    compared = pd.concat([*pairs["examples"], *pairs["steps"], *conv]).drop_duplicates("run")
    convolutional = f"inception_small at one rate, m = {least} minus m = {most}"
    return [
        _difference(pairs["examples"]),
        *(_rate(own, f"at m = {m}") for own, m in zip(pairs["examples"], (size, REFERENCE))),
        _difference(pairs["steps"], "as many steps"),
        _rate(pairs["steps"][0], f"at m = {size} for as many steps"),
        *(beside or []),
        *([_difference(conv, convolutional)] if conv else []),
        *(last or []),
        *diverged(compared),
    ]


def _smallest(best: pd.DataFrame) -> int:
    return best.loc[best["group"] == "examples", "batch_size"].min()


def _difference(pair: list[pd.DataFrame], label: str = "") -> Row:
    one, other = pair
    return median_of((one["test"] - other["test"]).dropna(), _POINTS, label)


def _sampling(tables: Tables, value: str, known: list[Row] | None = None) -> list[Row]:
    """The slope of the error over all layers; then that of each layer, and without the smallest sizes."""
    errors, runs = sampling_errors(tables), select(tables, "sampling")
    whole = over_layers(errors)
    layers = {layer.replace("_", " "): slopes(rows, value) for layer, rows in errors.groupby("layer")}
    later = slopes(whole, value, _FROM)
    return [
        median_of(slopes(whole, value)),
        *(single(f"slope in {layer}", own.median(), "slope", len(own)) for layer, own in layers.items()),
        *([median_of(later, "slope", f"slope over m of {_FROM} and more")] if len(later) else []),
        *(known or []),
        *counted_if_any("runs that diverged and are left out", ~runs["seed"].isin(whole["seed"])),
    ]


def _start_left(best: pd.DataFrame, size: int) -> Row:
    """How much of their start the running statistics still hold at the end, which a long run forgets."""
    steps, momentum = chosen(best, "examples", "batch", size)[["steps", "momentum"]].iloc[0]
    label = f"share of their start that the running statistics still hold after the {steps:.0f} steps at m = {size}"
    return single(label, momentum**steps, "share")


def _rate(runs: pd.DataFrame, place: str) -> Row:
    """The best rate, and whether it is at the edge of its grid."""
    rate, edge = runs[["learning_rate", "edge"]].iloc[0]
    return single(f"best rate {place}{f', the {edge} tried' if edge else ''}", rate, "rate")
