"""The runs: the changes of section 4.2.1 one at a time, with BN and without, outputs by mini-batch, the ensemble of Figure 4.

Knows no table.
"""

from dataclasses import dataclass

from bnrepro.config.grid import grid
from bnrepro.config.group import Group, Sweep
from bnrepro.config.run_config import RunConfig
from bnrepro.experiments.presets import FIRST_JUDGED, SELECTING_SEEDS, Length, lengthened, resolve
from bnrepro.experiments.regularization.tables import (
    ALIKE,
    DENSE_CHANGES,
    FIRST_MEMBER,
    TOGETHER,
    UNCHANGED,
    VARIED,
    net,
)
from bnrepro.experiments.setups import ARMS, BASELINE, DENSE, changed

TABLES = ("runs", "curves", "mates", "probabilities", "provenance")
"""What is collected of the runs; `derive` makes `ensembles` of `probabilities`, which are too many to keep."""


@dataclass(frozen=True)
class Preset:
    """How much is trained.

    Attributes:
        seeds: Runs of an arm; the seeds are `FIRST_JUDGED` and on. Of ensembles there are at most `ENSEMBLES`.
        choice: Whether the values that the paper does not state are chosen again, as they were for the record.
        changes: The runs one change at a time.
        mates: Those whose outputs are seen in many mini-batches.
        ensemble: Those with all changes, the members of ensembles.
    """

    seeds: int
    choice: bool
    changes: Length
    mates: Length
    ensemble: Length


PRESETS = {
    "smoke": Preset(
        seeds=1,
        choice=False,
        changes=Length(20, 10),
        mates=Length(20, 20),
        ensemble=Length(20, 20),
    ),
    "quick": Preset(
        seeds=2,
        choice=False,
        changes=Length(2_000, 500),
        mates=Length(2_000, 2_000),
        ensemble=Length(1_000, 1_000),
    ),
    "paper": Preset(
        seeds=16,
        choice=True,
        changes=Length(4_000, 1_000),
        mates=Length(4_000, 4_000),
        ensemble=Length(4_000, 4_000),
    ),
}

ENSEMBLES = 12
"""Ensembles of six, varied ones and others."""

FEW = 3_000
"""Training examples: few, for a net that does not overfit needs no regularizer, and as many as thorough shuffling needs to keep
any two apart in mini-batches of `BATCH_SIZE`.
"""

BATCH_SIZE = 32
"""The paper's, of section 4.2."""

RATE, WEIGHT_DECAY = 0.01, 0.005
"""Of the dense net, the best of `CHOICES` without BN on seeds that judge nothing; never chosen on a net with BN."""

CHOICES = (
    (0.003, 0.02),
    (0.01, 0.005),
    (0.01, 0.01),
    (0.01, 0.02),
    (0.03, 0.002),
    (0.03, 0.005),
    (0.03, 0.01),
    (0.03, 0.02),
)
"""Learning rates and L2 weights, of which each pair shrinks a kernel that nothing else moves to less than 1/e within the run."""

PLAIN = DENSE.replace(validation_examples=BASELINE["validation_examples"])
"""The net whose outputs are seen in many mini-batches: nothing regularizes it but BN."""

BASE = PLAIN.replace(
    train_examples=FEW,
    batch_size=BATCH_SIZE,
    learning_rate=RATE,
    weight_decay=WEIGHT_DECAY,
    rate_halvings=2.0,  # so that it comes to rest; 6 times as many with the change
    dropout_place="last",  # before the softmax alone, as in Inception
    compiler="graph",  # for XLA takes four times as long to draw what Dropout drops
    **{name: BASELINE[name] for name in ("sgd_momentum", "dropout", "distortion", "shuffling")},
)
"""The net with all that the changes take away: but for rate, L2 and decay as in the Baseline."""

VARIATIONS = {
    "plain": {},
    "larger_weights": {"initial_gain": 1.5},
    "dropout_5": {"dropout": 0.05},
    "dropout_10": {"dropout": 0.1},
    "larger_weights_dropout_5": {"initial_gain": 1.5, "dropout": 0.05},
    "larger_weights_dropout_10": {"initial_gain": 1.5, "dropout": 0.1},
}
"""The six networks of Figure 4, with larger initial weights in some, Dropout of 5% or 10% in some."""

_ACCEPTED = ("hidden_units", "train_examples", "task")

FACTORS, FACTOR = (1, 5, 30), 5
"""By how much the members' rate is higher than `RATE`: the paper's factors, and the best of them on seeds that judge nothing."""


def sweep(preset: str, **overrides) -> Sweep:
    """The runs by group.

    `choice`: the dense net without BN at each of `CHOICES`, the arm `unchanged`, and one with BN and all changes at each of
    `FACTORS`, the arm `ensemble`. `changes`: the dense net as the arm `unchanged` and with each change of section 4.2.1 that it
    can have; the setting is `none` or `batch`, without BN or with it. `mates`: a dense net with BN, for the spread of its
    outputs. `ensemble`: the dense net with BN and all changes, varied as in Figure 4, an arm each, and as many that are alike.
    """
    values, base = resolve(PRESETS, preset, overrides, BASE, _ACCEPTED, FIRST_JUDGED)
    seeds = range(FIRST_JUDGED, FIRST_JUDGED + values.seeds)
    plain = lengthened(base, values.changes).replace(fit_examples=base.task.train_examples)
    nets = {"none": plain, "batch": plain.replace(normalization="batch", inference="population")}
    mates = PLAIN.replace(task=base.task.name, hidden_units=base["hidden_units"], measurements="mates")
    return {
        **(_choice(nets) if values.choice else {}),
        **{
            net(change, arm): grid(changed(nets[arm], change) if change in DENSE_CHANGES else nets[arm], seed=seeds)
            for arm in ARMS
            for change in (UNCHANGED, *DENSE_CHANGES)
        },
        Group("mates"): grid(lengthened(mates, values.mates).replace(normalization="batch"), seed=seeds),
        **_ensembles(lengthened(changed(nets["batch"], factor=FACTOR), values.ensemble), values.seeds),
    }


def _choice(nets: dict[str, RunConfig]) -> Sweep:
    plain = [nets["none"].replace(learning_rate=rate, weight_decay=weight) for rate, weight in CHOICES]
    member = [changed(nets["batch"], factor=factor) for factor in FACTORS]
    return {
        Group("choice", arm): [run for net in those for run in grid(net, seed=SELECTING_SEEDS)]
        for arm, those in ((UNCHANGED, plain), ("ensemble", member))
    }


def _ensembles(member: RunConfig, seeds: int) -> Sweep:
    """Six nets on the same examples, with seeds that follow one another, varied and alike; the first of both is one net."""
    member = member.replace(measurements="probabilities")
    sixes = range(FIRST_MEMBER, FIRST_MEMBER + TOGETHER * min(seeds, ENSEMBLES), TOGETHER)
    varied = {
        Group("ensemble", name, VARIED): [
            member.replace(**own, seed=first + place, subset_seed=first) for first in sixes
        ]
        for place, (name, own) in enumerate(VARIATIONS.items())
    }
    alike = [
        config
        for first in sixes
        for config in grid(member.replace(subset_seed=first), seed=range(first, first + TOGETHER))
    ]
    return {**varied, Group("ensemble", "plain", ALIKE): alike}
