"""What the runs come to: gains of each change, spreads, errors of ensembles. Knows no claim, draws nothing."""

import itertools
import math

import numpy as np
import pandas as pd

from bnrepro.analysis import paper
from bnrepro.analysis.curves import at_end, evaluations
from bnrepro.analysis.paired import paired
from bnrepro.analysis.select import group_curves, where
from bnrepro.config.group import Group
from bnrepro.config.run_config import RunConfig
from bnrepro.experiments.setups import ARMS, CHANGES
from bnrepro.records.computed import once
from bnrepro.records.results import select
from bnrepro.records.schemas import SCHEMAS, Tables

_ERRORS = paper.figure4().set_index("model")["top1_error"]
ONE, SIX = _ERRORS["BN-Inception multicrop"], _ERRORS["BN-Inception ensemble"]
"""The paper's Figure 4: the error of one network, and of six averaged."""

PAPERS_SHARE = round(float(1 - SIX / ONE), 3)
"""What averaging removes of the error of one, in the paper."""

TOGETHER = 6
"""Nets of an ensemble, as many as in the paper; their seeds follow one another."""

FIRST_MEMBER = 200
"""The first of their seeds."""

VARIED, ALIKE = "varied", "alike"
"""The settings of the ensembles: nets varied as in the paper, and nets that differ in their seed alone."""

UNCHANGED = "unchanged"
"""The arm with none of the changes of section 4.2.1."""

DENSE_CHANGES = tuple(change for change in CHANGES if change != "lrn")
"""Those that a dense net can have."""

MEASURED = ("accuracy", "loss")
"""What is read of a dense net on the test set after its last step."""

_CLASSES = [name for name in SCHEMAS["probabilities"] if name.startswith("class_")]


def derive(tables: Tables) -> Tables:
    """The tables to keep: `ensembles` in place of the `probabilities` that it is made of."""
    kept = {name: table for name, table in tables.items() if name != "probabilities"}
    return {**kept, "ensembles": ensemble_errors(tables)}


def net(change: str = UNCHANGED, arm: str = "batch") -> Group:
    """The dense nets with a change of section 4.2.1, or with none, with BN (`batch`) or without (`none`)."""
    return Group("changes", change, arm)


def steps_to_decay(config: RunConfig) -> float:
    """The steps in which weight decay alone shrinks a kernel to 1/e of what it was; infinite if that takes more than the run.

    At a rate r and with momentum m it takes a share r x L2 / (1 - m) of a kernel each step, and r halves over the run.
    """
    share = config["learning_rate"] * config["weight_decay"] / (1 - config["sgd_momentum"])
    fall = config["rate_halvings"] * math.log(2) / config["steps"]  # of the logarithm of the rate, a step
    left = 1 - fall / share if share else -1
    if not fall:
        return 1 / share if share * config["steps"] >= 1 else math.inf
    steps = -math.log(left) / fall if left > 0 else math.inf
    return steps if steps <= config["steps"] else math.inf


@once
def gains(tables: Tables) -> pd.DataFrame:
    """What each change of section 4.2.1 does to the dense net, with it minus without it.

    Returns:
        By `change`, `arm` (`none` or `batch`) and `seed`: `accuracy` and `loss` on the test set after the last step, where a run
        that diverged guesses, and `late`, how much accuracy on held-out examples the net with the change gains in the last
        quarter of the steps, NaN where it diverged.
    """
    curves = group_curves(tables, "changes")
    runs, late, parts = at_end(curves), _late(curves), []
    measured = runs.set_index("run")[list(MEASURED)]
    for arm, change in itertools.product(ARMS, DENSE_CHANGES):
        pairs = paired(where(runs, setting=arm), "run", arms=(UNCHANGED, change), column="arm")
        with_it, without = (measured.loc[pairs[name]].set_index(pairs.index) for name in (change, UNCHANGED))
        found = (with_it - without).assign(late=pairs[change].map(late))
        parts.append(found.reset_index().assign(change=change, arm=arm))
    return pd.concat(parts, ignore_index=True)[["change", "arm", "seed", *MEASURED, "late"]]


def _late(curves: pd.DataFrame) -> pd.Series:
    """By run the metric on held-out examples at the end minus that at the evaluation before the last quarter of the steps."""
    held_out = evaluations(curves).sort_values("step")
    ends = held_out[held_out["step"] == held_out["steps"]].set_index("run")["value"]
    before = held_out[4 * held_out["step"] <= 3 * held_out["steps"]].groupby("run")["value"].last()
    return ends - before


def gain(tables: Tables, change: str, arm: str, value: str = "accuracy") -> pd.Series:
    """A column of `gains` by seed."""
    return where(gains(tables), change=change, arm=arm).set_index("seed")[value]


def beyond(tables: Tables, change: str, value: str = "accuracy") -> pd.Series:
    """By seed what a change does with BN minus what it does without."""
    return gain(tables, change, "batch", value) - gain(tables, change, "none", value)


def spreads(tables: Tables) -> pd.DataFrame:
    """The table `mates` of the group `mates`, with `seed`."""
    return select(tables, "mates")[["run", "seed"]].merge(tables["mates"], on="run")


@once
def relative_reductions(tables: Tables) -> pd.DataFrame:
    """By the first seed of six and `setting`, the share of the mean error of one net that averaging all six removes."""
    errors = tables["ensembles"].pivot(index=["seed", "setting"], columns="members", values="error")
    removed = 1 - errors[errors.columns.max()] / errors[errors.columns.min()]
    return removed.unstack("setting").reindex(columns=[VARIED, ALIKE])


def ensemble_errors(tables: Tables) -> pd.DataFrame:
    """By setting, first of six seeds and number of members, the test error of the averaged class probabilities: `ensembles`.

    The mean over all ways to choose so many of the six nets. A net that diverged is a member too and guesses: it gives
    every class the same probability, so alone it is as good as chance and among others it changes nothing. Where classes
    tie for the largest probability, one of them is taken at random; the error is the expected one.
    """
    nets = select(tables, "ensemble")
    measured = {run: rows.sort_values("example") for run, rows in tables["probabilities"].groupby("run")}
    labels = next(iter(measured.values()))["label"].to_numpy(int) if measured else np.zeros(1, int)
    guess = np.full((len(labels), len(_CLASSES)), 1 / len(_CLASSES))
    rows = []
    first = nets["seed"] - (nets["seed"] - FIRST_MEMBER) % TOGETHER
    for (setting, seed), members in nets.groupby(["setting", first]):
        each = np.stack(
            [
                measured[net.run][_CLASSES].to_numpy(float) if net.status != "diverged" else guess
                for net in members.itertuples()
            ]
        )
        for count in range(1, len(each) + 1):
            chosen = itertools.combinations(range(len(each)), count)
            errors = [_error(each[list(subset)].sum(axis=0), labels) for subset in chosen]
            rows.append((setting, seed, count, float(np.mean(errors))))
    return pd.DataFrame(rows, columns=SCHEMAS["ensembles"])


def _error(sums: np.ndarray, labels: np.ndarray) -> float:
    largest = sums == sums.max(axis=1, keepdims=True)
    return 1 - float((largest[np.arange(len(labels)), labels] / largest.sum(axis=1)).mean())
