"""The claims on batch size, a function each; rows tell of the other budget and of each layer. Draws nothing."""

import pandas as pd

from bnrepro.analysis.claims import Rule, claim
from bnrepro.analysis.findings import Row, counted_if_any, diverged, median_of, single
from bnrepro.experiments.batch_size.tables import (
    AT_INFERENCE,
    LARGE,
    REFERENCE,
    SMALL,
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

_FROM = 8  # the unbiased variance of fewer values has an error that falls faster than 1/sqrt(m)
_FIRST = "hidden_1"  # its inputs depend on the images alone
_POINTS = "difference of shares"
_OWN = "each at the best rate of other seeds"


@claim(
    id="B1a",
    kind="secondary",
    section="3",
    sentence="The accuracy of a net with BN falls as the mini-batch shrinks to 2",
    statistic=f"final test accuracy with BN at m = 2 minus at m = {REFERENCE}, as many examples seen, {_OWN}, through population "
    "statistics, median of seeds; a fall of 8 points or more is seen",
    unit=_POINTS,
    rule=Rule("below", -0.01),
)
def falls_with_bn(tables: Tables) -> list[Row]:
    """Batch Renormalization keeps its running averages, with which it trains."""
    best = measured(tables)
    size = _smallest(best)
    renorm = chosen(best, "examples", "renorm", size)
    difference = (renorm["test"] - chosen(best, "examples", "batch", REFERENCE)["test"]).dropna()
    label = f"Batch Renormalization at m = {size} minus BN at m = {REFERENCE}"
    with_renorm = [median_of(difference, _POINTS, label), _rate(renorm, f"of Batch Renormalization at m = {size}")]
    return _shrinking(best, "batch", with_renorm)


@claim(
    id="B1b",
    kind="secondary",
    section="3",
    sentence="The accuracy of a net without BN does not fall as the mini-batch shrinks to 2",
    statistic=f"final test accuracy without BN at m = 2 minus at m = {REFERENCE}, as many examples seen, {_OWN}, median of "
    "seeds; a point is allowed, and a fall of 4 points or more is seen",
    unit=_POINTS,
    rule=Rule("above", -0.01),
)
def does_not_without(tables: Tables) -> list[Row]:
    return _shrinking(measured(tables), "none")


@claim(
    id="B5",
    kind="secondary",
    section="3",
    sentence=f"At a mini-batch of {LARGE}, ghost batches of {SMALL} make the gap between training mode and inference of a net "
    f"with BN more like that at a mini-batch of {SMALL}",
    statistic=f"distance from m = {SMALL} of the gap between inference with population statistics and training mode, ghost "
    f"batches minus m = {LARGE}, {_OWN}, median of seeds; a difference of 1.7 points or more is seen",
    unit=_POINTS,
    rule=Rule("below", 0.0),
)
def ghosts_act_like_small_mini_batches(tables: Tables) -> list[Row]:
    """A seed of which a run diverged has no gap there and is left out."""
    best = measured(tables)
    runs = {
        f"at m = {SMALL}": chosen(best, "examples", "batch", SMALL),
        f"at m = {LARGE}": chosen(best, "examples", "batch", LARGE),
        f"in ghosts of {SMALL}": chosen(best, "ghost", "ghost", LARGE, SMALL),
    }
    small, large, ghost = (own["gap"] for own in runs.values())
    difference = (ghost - small).abs() - (large - small).abs()
    rows = [median_of(own["gap"].dropna(), _POINTS, f"gap {where}") for where, own in runs.items()]
    for where, own in runs.items():
        rows += [single(f"accuracy {where}", own["test"].median(), "accuracy", len(own)), _rate(own, where)]
    left_out = "seeds left out, of which a run diverged or was not measured"
    return [
        median_of(difference.dropna()),
        *rows,
        *counted_if_any(left_out, difference.isna(), "seeds"),
    ]


_SLOPE = "slope of the logarithm of the error over that of m, m from {} to 1,024, {}, median of seeds"
_INDEPENDENT = "all hidden layers, the layers below normalizing with population statistics"
_DEEPER = "hidden layers behind the first"
_DIFFERENCE = (
    ", training mode minus layers below normalizing with population statistics; a difference of 0.01 or more is seen"
)


@claim(
    id="B6a",
    kind="check",
    section="3",
    sentence="The error of a mini-batch's mean falls as 1/sqrt(m) with its size m where its values are independent",
    statistic=_SLOPE.format(2, _INDEPENDENT),
    unit="slope",
    rule=Rule("around", -0.5, 0.05),
)
def error_of_the_mean(tables: Tables) -> list[Row]:
    return _independent(tables, "mean_error")


@claim(
    id="B6b",
    kind="check",
    section="3",
    sentence="The error of a mini-batch's unbiased variance falls as 1/sqrt(m) with its size m where its values are independent",
    statistic=_SLOPE.format(_FROM, _INDEPENDENT),
    unit="slope",
    rule=Rule("around", -0.5, 0.05),
)
def error_of_the_variance(tables: Tables) -> list[Row]:
    """Of m independent Gaussian values the error of the unbiased variance is the root of 2 / (m - 1)."""
    sizes = pd.DataFrame({"size": sorted(set(sampling_errors(tables)["size"]))}, dtype=float)
    gaussian = sizes.assign(seed=0, error=(2 / (sizes["size"] - 1)) ** 0.5)
    label = f"slope for independent Gaussian values, whose error falls as 1/sqrt(m - 1), over m of {_FROM} and more"
    known = [single(label, slope, "slope") for slope in slopes(gaussian, "error", _FROM)]
    return [*_independent(tables, "variance_error", _FROM), *known]


@claim(
    id="B7a",
    kind="secondary",
    section="3",
    sentence="In the deeper layers of a net with BN the error of a mini-batch's mean falls more slowly with its size because the "
    "layers below normalize with the same mini-batch",
    statistic=_SLOPE.format(2, _DEEPER) + _DIFFERENCE,
    unit="slope",
    rule=Rule("above", 0.0),
)
def slower_fall_of_the_mean(tables: Tables) -> list[Row]:
    return _deeper(tables, "mean_error")


@claim(
    id="B7b",
    kind="secondary",
    section="3",
    sentence="In the deeper layers of a net with BN the error of a mini-batch's variance falls faster with its size because the "
    "layers below normalize with the same mini-batch",
    statistic=_SLOPE.format(2, _DEEPER) + _DIFFERENCE,
    unit="slope",
    rule=Rule("below", 0.0),
)
def faster_fall_of_the_variance(tables: Tables) -> list[Row]:
    return _deeper(tables, "variance_error")


@claim(
    id="B4a",
    kind="secondary",
    section="3",
    sentence="Training with BN takes less time an example in a larger mini-batch",
    statistic="training seconds an example at the smallest m over the largest, dense net with BN, measured while other processes "
    "trained beside it, median of seeds",
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


def _shrinking(best: pd.DataFrame, arm: str, beside: list[Row] | None = None) -> list[Row]:
    """Accuracy at the smallest mini-batch minus at `REFERENCE`; then of the other budget."""
    size = _smallest(best)
    pairs = {group: [chosen(best, group, arm, m) for m in (size, REFERENCE)] for group in ("examples", "steps")}
    compared = pd.concat([*pairs["examples"], *pairs["steps"]]).drop_duplicates("run")
    return [
        _difference(pairs["examples"]),
        *(
            single(f"accuracy at m = {m}", own["test"].median(), "accuracy", len(own))
            for own, m in zip(pairs["examples"], (size, REFERENCE))
        ),
        *(_rate(own, f"at m = {m}") for own, m in zip(pairs["examples"], (size, REFERENCE))),
        _difference(pairs["steps"], "as many steps"),
        _rate(pairs["steps"][0], f"at m = {size} for as many steps"),
        *(beside or []),
        *diverged(compared),
    ]


def _smallest(best: pd.DataFrame) -> int:
    return best.loc[best["group"] == "examples", "batch_size"].min()


def _difference(pair: list[pd.DataFrame], label: str = "") -> Row:
    one, other = pair
    return median_of((one["test"] - other["test"]).dropna(), _POINTS, label)


def _independent(tables: Tables, value: str, least: int = 0) -> list[Row]:
    """The slope of the error over all layers where those below normalize with population statistics; then each layer's, there
    and in training mode.
    """
    at_inference, training = sampling_errors(tables, AT_INFERENCE), sampling_errors(tables)
    whole = over_layers(at_inference)
    return [
        median_of(slopes(whole, value, least)),
        *_by_layer(at_inference, value, least, "slope in {}"),
        *_by_layer(training, value, least, "slope in {} in training mode"),
        *_left_out(tables, AT_INFERENCE),
    ]


def _by_layer(errors: pd.DataFrame, value: str, least: int, label: str) -> list[Row]:
    layers = {layer: slopes(rows, value, least) for layer, rows in errors.groupby("layer")}
    return [
        single(label.format(layer.replace("_", " ")), own.median(), "slope", len(own)) for layer, own in layers.items()
    ]


def _deeper(tables: Tables, value: str) -> list[Row]:
    """By seed the slope in training mode minus that where the values are independent; then each of both."""
    errors = {setting: _behind_the_first(sampling_errors(tables, setting)) for setting in ("", AT_INFERENCE)}
    training, independent = (slopes(own, value) for own in errors.values())
    return [
        median_of((training - independent).dropna()),
        median_of(training, "slope", "slope in training mode"),
        median_of(independent, "slope", "slope where the layers below normalize with population statistics"),
        *_left_out(tables, ""),
    ]


def _behind_the_first(errors: pd.DataFrame) -> pd.DataFrame:
    return over_layers(errors[errors["layer"] != _FIRST])


def _left_out(tables: Tables, setting: str) -> list[Row]:
    runs = select(tables, "sampling", setting=setting)
    return counted_if_any("runs that diverged and are left out", runs["status"] == "diverged")


def _rate(runs: pd.DataFrame, where: str) -> Row:
    """The best rate, and whether it is at the edge of its grid."""
    rate, edge = runs[["learning_rate", "edge"]].iloc[0]
    return single(f"best rate {where}{f', the {edge} tried' if edge else ''}", rate, "rate")
