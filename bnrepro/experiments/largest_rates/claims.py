"""The claims on the largest rates, a function each. Draws nothing."""

from bnrepro.analysis.ceilings import over
from bnrepro.analysis.claims import Rule, claim
from bnrepro.analysis.findings import Row, counted, counted_if_any, median_between, single
from bnrepro.analysis.select import where
from bnrepro.experiments.largest_rates.sweep import BATCH_SIZE, LARGE_BATCH_SIZE
from bnrepro.experiments.largest_rates.tables import (
    PLAIN,
    at,
    at_edge,
    fewer_steps,
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
_SHALLOW, _DEEP = 3, 20
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
    table, words = raised(tables), "with BN over without, {} hidden layers"
    depths = sorted(set(where(table, batch_size=BATCH_SIZE, **PLAIN)["hidden_layers"]))
    own = {depth: at(table, hidden_layers=depth, batch_size=BATCH_SIZE) for depth in depths}
    each = [median_between(ratios, words.format(depth)) for depth, ratios in own.items()]
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
    return [median_between(smallest(table, tuple(_STARTS), **cell)), *rows]


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
    f"{_RATIO}, He's start, mini-batches of {LARGE_BATCH_SIZE} over mini-batches of {BATCH_SIZE}, each known to a factor of 1.46, "
    "both after 600 steps, median of seeds; a growth of 1.21 or more is seen"
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
    """How many times fewer steps with BN; to which target, at which rates; and how many runs reach it."""
    runs = raced(tables, setting)
    own, rows = where(runs, **PLAIN | cell), []
    goal = dict.fromkeys(own["target"])
    rows += [single("accuracy that is raced to", target, "accuracy") for target in goal]
    for arm in ARMS:
        mine = own[own["normalization"] == arm]
        if len(mine):
            rate = mine["learning_rate"].iloc[0]
            edge = ", at an end of its candidates" if setting == "own" and at_edge(tables, arm, rate, **cell) else ""
            rows.append(single(f"learning rate {LABELS[arm]}{edge}", rate, "rate"))
            rows.append(counted(f"runs {LABELS[arm]} that get there", mine["reached"]))
    return [median_between(fewer_steps(runs, **cell)), *rows]
