"""The claims on the largest rates, a function each. Draws nothing."""

import itertools
import math

import pandas as pd

from bnrepro.analysis.ceilings import over
from bnrepro.analysis.claims import Rule, claim
from bnrepro.analysis.findings import Row, counted, counted_if_any, median_between, single
from bnrepro.analysis.select import where
from bnrepro.experiments.largest_rates.sweep import BATCH_SIZE, LARGE_BATCH_SIZE
from bnrepro.experiments.largest_rates.tables import (
    BROKEN_AT,
    GROUPS,
    OUTERMOST,
    PLAIN,
    after_steps,
    at,
    at_edge,
    at_moment,
    fewer_steps,
    grown,
    known,
    of_groups,
    of_layers,
    over_depth,
    raced,
    raised,
    searched,
    smallest,
)
from bnrepro.experiments.setups import ARMS
from bnrepro.plotting.arms import LABELS
from bnrepro.records.schemas import Tables

_RATIO = (
    "largest rate at which the training loss over the last tenth of the steps is at most half that of guessing, with BN over "
    "without"
)
_SHALLOW, _BETWEEN, _DEEP, _DEEPEST = 3, 10, 20, 40
_OTHER_SHARE = 0.75
_STARTS = {"he": "He's start", "glorot": "Glorot's start", "gaussian": "Gaussian kernels of standard deviation 0.01"}


@claim(
    id="H1",
    kind="primary",
    section="3.3",
    sentence="The largest learning rate at which a dense net of 20 ReLU layers trains is more than 5 times higher with BN",
    statistic=f"{_RATIO}, He's start, mini-batches of 32, each ratio known to a factor of 1.21, median of seeds; a ratio of "
    "5.5 or more is seen",
    unit="times",
    rule=Rule("above", 5.0),
)
def higher_rates(tables: Tables) -> list[Row]:
    cell = dict(hidden_layers=_DEEP, batch_size=BATCH_SIZE)
    stricter = "where a rate trains that ends at three quarters of the loss of guessing"
    return [
        median_between(at(raised(tables), **cell)),
        *_ceilings(tables, **cell),
        median_between(at(raised(tables, _OTHER_SHARE), **cell), stricter),
    ]


@claim(
    id="H2",
    kind="primary",
    section="3.3",
    sentence="BN raises the largest learning rate at which a dense net trains more in a net of 20 layers than in one of 3",
    statistic=f"{_RATIO}, He's start, mini-batches of 32, that of 20 layers over that of 3, each known to a factor of 1.46, "
    "median of seeds; a growth of 1.21 or more is seen",
    unit="times",
    rule=Rule("above", 1.0),
)
def more_in_deep_nets(tables: Tables) -> list[Row]:
    """Of a depth at which an arm trains at no rate it is told at how many seeds, and no ratio."""
    table, words = raised(tables), "with BN over without, {} hidden layers"
    depths = sorted(set(where(table, batch_size=BATCH_SIZE, **PLAIN)["hidden_layers"]))
    own = {depth: at(table, hidden_layers=depth, batch_size=BATCH_SIZE) for depth in depths}
    each = []
    for depth, ratios in own.items():
        row, cell = median_between(ratios, words.format(depth)), dict(hidden_layers=depth, batch_size=BATCH_SIZE)
        each += _ceilings(tables, f"{depth} hidden layers, ", **cell) if row.bound == "~" else [row]
    ends = [own.get(depth, table.iloc[:0]) for depth in (_DEEP, _SHALLOW)]
    return [median_between(over(ends[0], ends[1].reindex(ends[0].index))), *each]


@claim(
    id="H3",
    kind="secondary",
    section="3.3",
    sentence="BN raises the largest learning rate at which a dense net of 20 layers trains from whichever start: He's, "
    "Glorot's, or Gaussian kernels of a fixed standard deviation",
    statistic=f"{_RATIO}, mini-batches of 32, the smallest of the three starts, each ratio known to a factor of 1.21, median "
    "of seeds",
    unit="times",
    rule=Rule("above", 1.0),
)
def from_any_start(tables: Tables) -> list[Row]:
    table, cell = raised(tables), dict(hidden_layers=_DEEP, batch_size=BATCH_SIZE)
    rows = []
    for start, words in _STARTS.items():
        own = at(table, initialization=start, **cell)
        if len(own):
            rows += [median_between(own, f"with BN over without, {words}")]
            rows += _ceilings(tables, f"{words}, ", initialization=start, **cell)
    return [median_between(smallest([at(table, initialization=start, **cell) for start in _STARTS])), *rows]


@claim(
    id="H4",
    kind="secondary",
    section="3.3",
    sentence="With momentum too, the largest learning rate at which a dense net of 20 layers trains is more than 5 times "
    "higher with BN",
    statistic=f"{_RATIO}, momentum 0.9, He's start, mini-batches of 32, each ratio known to a factor of 1.21, median of seeds",
    unit="times",
    rule=Rule("above", 5.0),
)
def with_momentum(tables: Tables) -> list[Row]:
    cell = dict(hidden_layers=_DEEP, batch_size=BATCH_SIZE, sgd_momentum=0.9)
    return [median_between(at(raised(tables), **cell)), *_ceilings(tables, **cell)]


_GROWN = (
    f"{_RATIO}, He's start, mini-batches of {LARGE_BATCH_SIZE} over mini-batches of {BATCH_SIZE}, each known to a factor of "
    "1.46, both after 600 steps, median of seeds; a growth of 1.21 or more is seen"
)


@claim(
    id="H8",
    kind="secondary",
    section="3.3",
    sentence="BN raises the largest learning rate at which a dense net of 20 layers trains more with mini-batches of 512 than "
    "with mini-batches of 32",
    statistic=_GROWN,
    unit="times",
    rule=Rule("above", 1.0),
)
def more_with_large_batches(tables: Tables) -> list[Row]:
    return _with_large_batches(tables, _DEEP)


@claim(
    id="H9",
    kind="secondary",
    section="3.3",
    sentence="BN raises the largest learning rate at which a dense net of 3 layers trains more with mini-batches of 512 than "
    "with mini-batches of 32",
    statistic=_GROWN,
    unit="times",
    rule=Rule("above", 1.0),
)
def more_with_large_batches_in_a_shallow_net(tables: Tables) -> list[Row]:
    return _with_large_batches(tables, _SHALLOW)


@claim(
    id="H10",
    kind="secondary",
    section="3.3",
    sentence="BN raises the largest learning rate at which a dense net of 10 layers trains more with mini-batches of 512 than "
    "with mini-batches of 32",
    statistic=_GROWN.replace("1.21 or more", "1.4 or more"),
    unit="times",
    rule=Rule("above", 1.0),
)
def more_with_large_batches_in_between(tables: Tables) -> list[Row]:
    return _with_large_batches(tables, _BETWEEN)


@claim(
    id="H14",
    kind="secondary",
    section="3.3",
    sentence="With mini-batches of 512, BN raises the largest learning rate at which a dense net trains more in a net of 40 "
    "layers than in one of 20",
    statistic=f"{_RATIO}, He's start, mini-batches of {LARGE_BATCH_SIZE}, that of 40 layers over that of 20, each known to a "
    "factor of 1.46, median of seeds; a growth of 1.5 or more is seen",
    unit="times",
    rule=Rule("above", 1.0),
)
def more_in_deep_nets_with_large_batches(tables: Tables) -> list[Row]:
    table, depths = raised(tables), (_SHALLOW, _BETWEEN, _DEEP, _DEEPEST)
    own = {depth: at(table, hidden_layers=depth, batch_size=LARGE_BATCH_SIZE) for depth in depths}
    grown = {
        f"{deep} layers over {shallow}": over(own[deep], own[shallow].reindex(own[deep].index))
        for shallow, deep in itertools.pairwise(depths)
    }
    rows = [row for depth in depths for row in _if_any(own[depth], f"with BN over without, {depth} hidden layers")]
    rows += [row for words, pairs in grown.items() for row in _if_any(pairs, words)]
    cell = dict(hidden_layers=_DEEPEST, batch_size=LARGE_BATCH_SIZE)
    return [median_between(list(grown.values())[-1]), *rows, *_ceilings(tables, f"{_DEEPEST} layers, ", **cell)]


_FEWER = (
    "steps to an accuracy on held-out examples that both arms reach on other seeds, without BN over with, mini-batches of 32, "
    "each known to one evaluation"
)
_OWN = "each arm at the fastest of seven rates on other seeds"


@claim(
    id="H5",
    kind="primary",
    section="3.3",
    sentence="Each at the best learning rate of its own, a dense net of 3 layers needs fewer steps with BN",
    statistic=f"{_FEWER}, {_OWN}, median of seeds",
    unit="times",
    rule=Rule("above", 1.0),
)
def faster_at_its_best(tables: Tables) -> list[Row]:
    return _race(tables, "own", hidden_layers=_SHALLOW, batch_size=BATCH_SIZE)


@claim(
    id="H6",
    kind="secondary",
    section="3.3",
    sentence="Each at the best learning rate of its own, a dense net of 20 layers needs fewer steps with BN",
    statistic=f"{_FEWER}, {_OWN}, median of seeds",
    unit="times",
    rule=Rule("above", 1.0),
)
def faster_at_its_best_in_a_deep_net(tables: Tables) -> list[Row]:
    return _race(tables, "own", hidden_layers=_DEEP, batch_size=BATCH_SIZE)


@claim(
    id="H7",
    kind="secondary",
    section="3.3",
    sentence="At the learning rate that is best without BN, a dense net of 3 layers needs fewer steps with BN",
    statistic=f"{_FEWER}, both arms at the fastest of seven rates without BN on other seeds, median of seeds",
    unit="times",
    rule=Rule("above", 1.0),
)
def faster_at_the_same_rate(tables: Tables) -> list[Row]:
    return _race(tables, "same", hidden_layers=_SHALLOW, batch_size=BATCH_SIZE)


_AXES = {
    "Glorot's start": {"initialization": "glorot"},
    "Gaussian kernels of standard deviation 0.01": {"initialization": "gaussian"},
    "momentum 0.9": {"sgd_momentum": 0.9},
    f"mini-batches of {LARGE_BATCH_SIZE}": {"batch_size": LARGE_BATCH_SIZE},
}
_ELSEWHERE = _FEWER.replace("mini-batches of 32, ", "")


@claim(
    id="H11",
    kind="secondary",
    section="3.3",
    sentence="Each at the best learning rate of its own, a dense net of 3 layers needs fewer steps with BN from Glorot's start, "
    "from Gaussian kernels of a fixed standard deviation, with momentum, and with mini-batches of 512",
    statistic=f"{_ELSEWHERE}, {_OWN}, the smallest of the four changes, one at a time from He's start, no momentum and "
    "mini-batches of 32, median of seeds; a ratio of 1.3 or more is seen",
    unit="times",
    rule=Rule("above", 1.0),
)
def faster_at_its_best_whatever_else_is_changed(tables: Tables) -> list[Row]:
    runs, rows, each = raced(tables, "own"), [], []
    for words, change in _AXES.items():
        cell = {"hidden_layers": _SHALLOW, "batch_size": BATCH_SIZE} | change
        each.append(fewer_steps(runs, **cell))
        rows += _if_any(each[-1], f"without BN over with, {words}") + _raced(tables, "own", f"{words}, ", **cell)
    return [median_between(smallest(each)), *rows]


@claim(
    id="H12",
    kind="secondary",
    section="3.3",
    sentence="Each at the best learning rate of its own, a dense net of 20 layers with momentum needs fewer steps with BN",
    statistic=f"{_FEWER}, momentum 0.9, {_OWN}, median of seeds; a ratio of 1.35 or more is seen",
    unit="times",
    rule=Rule("above", 1.0),
)
def faster_at_its_best_with_momentum(tables: Tables) -> list[Row]:
    return _race(tables, "own", hidden_layers=_DEEP, batch_size=BATCH_SIZE, sgd_momentum=0.9)


@claim(
    id="H13",
    kind="secondary",
    section="3.3",
    sentence="Each at the best learning rate of its own, a dense net of 20 layers needs fewer steps with BN where mini-batches "
    "are of 512",
    statistic=f"{_ELSEWHERE}, {_OWN}, median of seeds; a ratio of 1.35 or more is seen",
    unit="times",
    rule=Rule("above", 1.0),
)
def faster_at_its_best_with_large_batches(tables: Tables) -> list[Row]:
    return _race(tables, "own", hidden_layers=_DEEP, batch_size=LARGE_BATCH_SIZE)


_STEP = (
    "a step of gradient descent on one mini-batch, at 3.8 times an arm's own largest rate, the first of ten that takes the "
    "loss of that mini-batch above twice that of guessing, else the first of all"
)
_SETTINGS = {"past": "past the largest rate", "base": "at half the largest rate without BN"}


@claim(
    id="W1",
    kind="secondary",
    section="3.3",
    sentence="Past the largest learning rate at which a dense net of 20 layers trains, a step makes activations grow more with "
    "depth without BN than with BN",
    statistic=f"{_STEP}: the factor by which it raises the root mean square of the outputs of the last hidden layer's linear "
    "map, over that of the first, without BN over with, median of seeds",
    unit="times",
    rule=Rule("above", 1.0),
)
def activations_grow_with_depth(tables: Tables) -> list[Row]:
    rows = []
    for depth, setting, arm in itertools.product((_DEEP, _SHALLOW), _SETTINGS, ARMS):
        own = over_depth(tables, setting, "growth", arm, depth, (depth, 1))
        rows += _if_any(own, f"last over first of {depth} layers {LABELS[arm]}, {_SETTINGS[setting]}")
    without, with_bn = (over_depth(tables, "past", "growth", arm, _DEEP, (_DEEP, 1)) for arm in ARMS)
    return [median_between(over(without, with_bn.reindex(without.index))), *rows, *_unbroken(tables)]


@claim(
    id="W2",
    kind="secondary",
    section="3.3",
    sentence="Before any step of training, gradients of a dense net of 20 layers grow more from the outputs towards the inputs "
    "with BN than without",
    statistic="norm of the gradient of one mini-batch's loss by the first hidden kernel, over that by the last, He's start, "
    "with BN over without, median of seeds",
    unit="times",
    rule=Rule("above", 1.0),
)
def gradients_grow_towards_the_inputs(tables: Tables) -> list[Row]:
    without, with_bn = (over_depth(tables, "base", "gradient_norm", arm, _DEEP, (1, _DEEP)) for arm in ARMS)
    each = zip(ARMS, (without, with_bn))
    rows = [row for arm, own in each for row in _if_any(own, f"first over last kernel {LABELS[arm]}")]
    return [median_between(over(with_bn, without.reindex(with_bn.index))), *rows]


@claim(
    id="W3",
    kind="secondary",
    section="3.3",
    sentence="Past its largest learning rate a dense net of 20 layers with BN is broken more by the step of the logits' layer "
    "than by that of the hidden kernels",
    statistic=f"{_STEP}: the loss after the logits' layer alone has taken it, over that after the hidden kernels alone have, "
    "with BN, median of seeds",
    unit="times",
    rule=Rule("above", 1.0),
)
def the_logits_layer_breaks(tables: Tables) -> list[Row]:
    rows = [row for depth in (_DEEP, _SHALLOW) for row in _by_group(tables, depth)]
    losses = of_groups(tables, "past", "loss", ARMS[1], _DEEP).reindex(columns=[OUTERMOST, "kernel"])
    return [median_between(over(known(losses[OUTERMOST]), known(losses["kernel"]))), *rows]


@claim(
    id="W4",
    kind="secondary",
    section="3.3",
    sentence="After ten steps past its largest learning rate the loss of a dense net of 20 layers with BN is below twice that "
    "of guessing",
    statistic="loss of one mini-batch after ten steps at 3.8 times the largest rate at which the net trains, over that of "
    "guessing, with BN; infinite where a run diverged, median of seeds",
    unit="times",
    rule=Rule("below", BROKEN_AT),
)
def the_loss_comes_back(tables: Tables) -> list[Row]:
    rows = []
    for depth, arm in itertools.product((_DEEP, _SHALLOW), ARMS):
        rows += _if_any(
            after_steps(tables, "past", arm, depth), f"{depth} layers {LABELS[arm]}, loss over that of guessing"
        )
        rows += _if_any(
            grown(tables, arm, depth), f"{depth} layers {LABELS[arm]}, norm of the hidden kernels over the start's"
        )
    return [median_between(after_steps(tables, "past", ARMS[1], _DEEP)), *rows]


def _with_large_batches(tables: Tables, depth: int) -> list[Row]:
    """How many times more BN raises the largest rate with large mini-batches; what it is with each."""
    own = {size: at(raised(tables), hidden_layers=depth, batch_size=size) for size in (LARGE_BATCH_SIZE, BATCH_SIZE)}
    large, usual = own.values()
    rows = []
    for size, ratios in own.items():
        words = f"mini-batches of {size}"
        rows += [median_between(ratios, f"with BN over without, {words}")]
        rows += _ceilings(tables, f"{words}, ", hidden_layers=depth, batch_size=size)
    return [median_between(over(large, usual.reindex(large.index))), *rows]


def _ceilings(tables: Tables, prefix: str = "", **cell) -> list[Row]:
    """By arm the largest rate that trains; at how many seeds none does, and why; of how many a smaller one does not."""
    own, rows = at(searched(tables), **cell), []
    for arm in ARMS:
        found, name = own[own["normalization"] == arm], LABELS[arm]
        some = found[found["low"] > 0]
        if len(some):
            rows.append(single(f"{prefix}largest rate that trains {name}", some["low"].median(), "rate", len(some)))
        rows += counted_if_any(f"{prefix}seeds that train at no rate {name}", found["low"] == 0, "seeds")
        slow = (
            f"{prefix}seeds of these whose loss is finite at the smallest rate, which may only need more steps, {name}"
        )
        rows += counted_if_any(slow, found["slow"].astype(bool), "seeds")
        fails = f"{prefix}seeds that do not train at a rate below it {name}"
        rows += counted_if_any(fails, found["fails_below"].astype(bool), "seeds")
    return rows


def _race(tables: Tables, setting: str, **cell) -> list[Row]:
    """How many times fewer steps with BN, and what `_raced` says of it."""
    return [median_between(fewer_steps(raced(tables, setting), **cell)), *_raced(tables, setting, **cell)]


def _raced(tables: Tables, setting: str, prefix: str = "", **cell) -> list[Row]:
    """To which target a race is, at which rates, and how many runs reach it."""
    own, rows = where(raced(tables, setting), **PLAIN | cell), []
    goal = dict.fromkeys(own["target"])
    rows += [single(f"{prefix}accuracy that is raced to", target, "accuracy") for target in goal]
    for arm in ARMS:
        mine = own[own["normalization"] == arm]
        if len(mine):
            rate = mine["learning_rate"].iloc[0]
            edge = ", at an end of its candidates" if setting == "own" and at_edge(tables, arm, rate, **cell) else ""
            rows.append(single(f"{prefix}learning rate {LABELS[arm]}{edge}", rate, "rate"))
            rows.append(counted(f"{prefix}runs {LABELS[arm]} that get there", mine["reached"]))
    return rows


def _if_any(pairs: pd.DataFrame, label: str) -> list[Row]:
    """Their median, if there are any."""
    return [median_between(pairs, label)] if len(pairs) else []


def _unbroken(tables: Tables) -> list[Row]:
    """How many runs past the ceiling have no step that breaks them, and how many at the rate beside it have one."""
    rows = []
    for setting, words in (("past", "that no step breaks"), ("base", "that the first step breaks")):
        runs = at_moment(tables, setting).groupby("run")["breaks"].first()
        those = ~runs if setting == "past" else runs
        rows += counted_if_any(f"runs {_SETTINGS[setting]} {words}", those)
    return rows


def _by_group(tables: Tables, depth: int) -> list[Row]:
    """With BN the loss after a group of weights alone has taken the step, and how large its step is beside the weights; in both
    arms of how many seeds the loss is the highest.
    """
    rows = []
    for arm in reversed(ARMS):
        losses, sizes = (of_groups(tables, "past", value, arm, depth) for value in ("loss", "relative"))
        alone, net = losses.drop(columns=["nothing", "all"], errors="ignore"), f"{depth} layers {LABELS[arm]}"
        for group in alone if arm == ARMS[1] else ():
            words, size = f"{net}, {GROUPS[group]}", sizes[group].median()
            rows.append(single(f"{words}: loss after their step alone", losses[group].median(), "nats", len(losses)))
            if math.isfinite(size):
                rows.append(single(f"{words}: norm of the step over theirs", size, "times", len(sizes)))
        first = where(of_layers(tables, "past"), normalization=arm, hidden_layers=depth, layer=1)["relative"]
        if arm == ARMS[1] and len(first):
            words = f"{net}, first hidden kernel: norm of its step over its own"
            rows.append(single(words, first.median(), "times", len(first)))
        highest = alone.fillna(math.inf).idxmax(axis=1)
        for group in alone:
            words = f"{net}, {GROUPS[group]}: seeds at which this loss is the highest"
            rows += counted_if_any(words, highest == group, "seeds")
    return rows
