"""The runs: the changes of section 4.2.1 one at a time, with BN and without, and outputs by mini-batch. Knows no table."""

from dataclasses import dataclass

from bnrepro.config.grid import grid
from bnrepro.config.group import Group, Sweep
from bnrepro.experiments.presets import FIRST_JUDGED, SELECTING_SEEDS, Length, lengthened, resolve
from bnrepro.experiments.regularization.tables import DENSE_CHANGES, UNCHANGED, net
from bnrepro.experiments.setups import ARMS, BASELINE, DENSE, changed

TABLES = ("runs", "curves", "mates", "provenance")


@dataclass(frozen=True)
class Preset:
    """How much is trained.

    Attributes:
        seeds: Runs of an arm; the seeds are `FIRST_JUDGED` and on.
        choice: Whether the values that the paper does not state are chosen again, as they were for the record.
        changes: The runs one change at a time.
        mates: Those whose outputs are seen in many mini-batches.
    """

    seeds: int
    choice: bool
    changes: Length
    mates: Length


PRESETS = {
    "smoke": Preset(
        seeds=1,
        choice=False,
        changes=Length(20, 10),
        mates=Length(20, 20),
    ),
    "quick": Preset(
        seeds=2,
        choice=False,
        changes=Length(2_000, 500),
        mates=Length(2_000, 2_000),
    ),
    "paper": Preset(
        seeds=16,
        choice=True,
        changes=Length(4_000, 1_000),
        mates=Length(4_000, 4_000),
    ),
}

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

_ACCEPTED = ("hidden_units", "train_examples", "task")


def sweep(preset: str, **overrides) -> Sweep:
    """The runs by group.

    `choice`: the dense net without BN at each of `CHOICES`. `changes`: the dense net as the arm `unchanged` and with each change
    of section 4.2.1 that it can have; the setting is `none` or `batch`, without BN or with it. `mates`: a dense net with BN, for
    the spread of its outputs.
    """
    values, base = resolve(PRESETS, preset, overrides, BASE, _ACCEPTED, FIRST_JUDGED)
    seeds = range(FIRST_JUDGED, FIRST_JUDGED + values.seeds)
    plain = lengthened(base, values.changes).replace(fit_examples=base.task.train_examples)
    nets = {"none": plain, "batch": plain.replace(normalization="batch", inference="population")}
    mates = PLAIN.replace(task=base.task.name, hidden_units=base["hidden_units"], measurements="mates")
    choice = [
        config
        for rate, weight in CHOICES
        for config in grid(plain.replace(learning_rate=rate, weight_decay=weight), seed=SELECTING_SEEDS)
    ]
    return {
        **({Group("choice"): choice} if values.choice else {}),
        **{
            net(change, arm): grid(changed(nets[arm], change) if change in DENSE_CHANGES else nets[arm], seed=seeds)
            for arm in ARMS
            for change in (UNCHANGED, *DENSE_CHANGES)
        },
        Group("mates"): grid(lengthened(mates, values.mates).replace(normalization="batch"), seed=seeds),
    }
