"""The runs: the changes of section 4.2.1 one at a time, with BN and without, outputs by mini-batch, the ensemble of Figure 4.

Knows no table.
"""

from dataclasses import dataclass

from bnrepro.config.grid import grid
from bnrepro.config.group import Group, Sweep
from bnrepro.config.run_config import RunConfig
from bnrepro.experiments.presets import FIRST_JUDGED, SELECTING_SEEDS, Length, lengthened, resolve
from bnrepro.experiments.regularization.tables import UNCHANGED, lrn, net
from bnrepro.experiments.setups import ARMS, BASELINE_ACCEPTS, CHANGES, DENSE, baseline_of, changed

TABLES = ("runs", "curves", "mates", "probabilities", "provenance")
"""What is collected of the runs; `derive` makes `ensembles` of `probabilities`, which are too many to keep."""


@dataclass(frozen=True)
class Preset:
    """How much is trained.

    Attributes:
        seeds: Runs of an arm of the dense net; the seeds are `FIRST_JUDGED` and on. Of `mates`, `lrn` and `ensemble`, which are
            of the first record, at most `EARLIER`, from 0 on.
        choice: Whether the values that the paper does not state are chosen again, as they were for the record.
        changes: Runs of the dense net, one change at a time.
        mates: Its runs whose outputs are seen in many mini-batches.
        lrn: Runs of `inception_small` on few examples.
        ensemble: Its runs on all examples, the members of Figure 4.
    """

    seeds: int
    choice: bool
    changes: Length
    mates: Length
    lrn: Length
    ensemble: Length


PRESETS = {
    "smoke": Preset(
        seeds=1,
        choice=False,
        changes=Length(20, 10),
        mates=Length(20, 10),
        lrn=Length(4, 2),
        ensemble=Length(4, 2),
    ),
    "quick": Preset(
        seeds=2,
        choice=False,
        changes=Length(2_000, 500),
        mates=Length(2_000, 500),
        lrn=Length(200, 50),
        ensemble=Length(150, 150),
    ),
    "paper": Preset(
        seeds=16,
        choice=True,
        changes=Length(4_000, 1_000),
        mates=Length(4_000, 250),
        lrn=Length(800, 80),
        ensemble=Length(600, 600),
    ),
}

EARLIER = 8
"""Seeds of what is kept of the first record."""

FEW = 5_000
"""Training examples of `inception_small` with LRN and without: few, for a net that does not overfit needs no regularizer."""

DENSE_FEW = 3_000
"""Those of the dense net, as many as keep any two apart for as many steps in mini-batches of `BATCH_SIZE`."""

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

HALVINGS = 2.0
"""How often the dense net's rate halves over the run, so that it comes to rest; 6 times as often with the change."""

VARIATIONS = {
    "plain": {},
    "larger_weights": {"initial_gain": 1.5},
    "dropout_5": {"dropout": 0.05},
    "dropout_10": {"dropout": 0.1},
    "larger_weights_dropout_5": {"initial_gain": 1.5, "dropout": 0.05},
    "larger_weights_dropout_10": {"initial_gain": 1.5, "dropout": 0.1},
}
"""The six networks of Figure 4: BN-x30 with larger initial weights in some, Dropout of 5% or 10% in some."""


def sweep(preset: str, **overrides) -> Sweep:
    """The runs by group.

    `choice`: the dense net without BN at each of `CHOICES`. `changes`: the dense net as the arm `unchanged` and with each change
    of section 4.2.1 that it can have; the setting is `none` or `batch`, without BN or with it. `mates`: a dense net with BN, for
    the spread of its outputs. `lrn`: BN-Baseline on `FEW` examples, and without LRN, which the dense net does not have.
    `ensemble`: the networks of Figure 4, an arm each.
    """
    values, baseline = resolve(PRESETS, preset, overrides, baseline_of(preset), BASELINE_ACCEPTS, FIRST_JUDGED)
    dense = DENSE.replace(task=baseline.task.name, validation_examples=baseline.task.validation_examples)
    judged = range(FIRST_JUDGED, FIRST_JUDGED + values.seeds)
    earlier = range(min(values.seeds, EARLIER))
    plain = lengthened(_regularized(dense, baseline), values.changes)
    nets = {"none": plain, "batch": plain.replace(normalization="batch", inference="population")}
    with_lrn = lengthened(baseline, values.lrn).replace(normalization="batch", train_examples=FEW)
    member = changed(lengthened(baseline, values.ensemble), factor=30).replace(
        normalization="batch", measurements="probabilities"
    )
    choice = {
        Group("choice"): [
            config
            for rate, weight in CHOICES
            for config in grid(plain.replace(learning_rate=rate, weight_decay=weight), seed=SELECTING_SEEDS)
        ]
    }
    return {
        **(choice if values.choice else {}),
        **{
            net(change, arm): grid(_with(nets[arm], change), seed=judged)
            for arm in ARMS
            for change in (UNCHANGED, *CHANGES)
            if change == UNCHANGED or changed(plain, change) != plain
        },
        Group("mates"): grid(
            lengthened(dense, values.mates).replace(normalization="batch", measurements="mates"), seed=earlier
        ),
        **{lrn(change): grid(_with(with_lrn, change), seed=earlier) for change in (UNCHANGED, "lrn")},
        **{
            Group("ensemble", arm=name): grid(member.replace(**variation), seed=earlier)
            for name, variation in VARIATIONS.items()
        },
    }


def _with(config: RunConfig, change: str) -> RunConfig:
    return config if change == UNCHANGED else changed(config, change)


def _regularized(dense: RunConfig, baseline: RunConfig) -> RunConfig:
    """The dense net with what the changes change: the Baseline's, but for rate, L2 and decay."""
    return dense.replace(
        train_examples=DENSE_FEW,
        fit_examples=DENSE_FEW,
        batch_size=BATCH_SIZE,
        learning_rate=RATE,
        weight_decay=WEIGHT_DECAY,
        rate_halvings=HALVINGS,
        dropout_place="last",  # before the softmax alone, as in Inception
        **{name: baseline[name] for name in ("sgd_momentum", "dropout", "distortion", "shuffling")},
    )
