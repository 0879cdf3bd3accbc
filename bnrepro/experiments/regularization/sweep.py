"""The runs: generalization gaps, the changes of section 4.2.1 one at a time, the ensemble of Figure 4. Knows no table."""

from dataclasses import dataclass

from bnrepro.config.grid import grid
from bnrepro.config.group import Group, Sweep
from bnrepro.experiments.presets import Length, lengthened, resolve
from bnrepro.experiments.regularization.tables import net
from bnrepro.experiments.setups import ARMS, BASELINE_ACCEPTS, CHANGES, DENSE, baseline_of, changed

TABLES = ("runs", "curves", "mates", "probabilities", "provenance")
"""What is collected of the runs; `derive` makes `ensembles` of `probabilities`, which are too many to keep."""


@dataclass(frozen=True)
class Preset:
    """How much is trained.

    Attributes:
        seeds: Runs of an arm; the seeds are 0 to seeds - 1.
        dense: Runs of the dense net.
        changes: Runs of `inception_small` on few examples, one change at a time.
        ensemble: Its runs on all examples, the members of Figure 4.
        sizes: Training examples of the generalization gap; 0 means all.
    """

    seeds: int
    dense: Length
    changes: Length
    ensemble: Length
    sizes: tuple[int, ...]


PRESETS = {
    "smoke": Preset(
        seeds=1,
        dense=Length(20, 10),
        changes=Length(4, 2),
        ensemble=Length(4, 2),
        sizes=(500, 2_000),
    ),
    "quick": Preset(
        seeds=2,
        dense=Length(2_000, 500),
        changes=Length(200, 50),
        ensemble=Length(150, 150),
        sizes=(500, 2_000, 0),
    ),
    "paper": Preset(
        seeds=8,
        dense=Length(4_000, 250),
        changes=Length(800, 80),
        ensemble=Length(600, 600),
        sizes=(500, 2_000, 10_000, 0),
    ),
}

FEW = 5_000
"""Training examples of `inception_small` one change at a time: few, for a net that does not overfit needs no regularizer."""

DENSE_FEW = 2_000
"""Training examples of the second setting, named in advance: the dense net."""

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

    `gap` and `noise`: the dense net over training-set sizes. `mates`: it again, for the spread of its outputs. `changes`: with
    BN as BN-Baseline, the arm `unchanged`, and an arm for each change of section 4.2.1; `changes_without_bn`: `unchanged` without
    BN, and with thorough shuffling; the setting is `conv`, `inception_small` on `FEW` examples, or `dense`, the dense net on
    `DENSE_FEW`. `ensemble`: the networks of Figure 4, an arm each.
    """
    values, baseline = resolve(PRESETS, preset, overrides, baseline_of(preset), BASELINE_ACCEPTS)
    seeds = range(values.seeds)
    dense = DENSE.replace(task=baseline.task.name, validation_examples=baseline.task.validation_examples)
    plain = lengthened(dense, values.dense)
    sized = plain.replace(fit_examples=2_000)
    small = min(values.sizes, key=lambda size: abs((size or 10**6) - DENSE_FEW))
    noise = sized.replace(train_examples=small)
    settings = {
        "conv": lengthened(baseline, values.changes).replace(train_examples=FEW),
        "dense": plain.replace(
            train_examples=DENSE_FEW,
            batch_size=16,  # larger ones could not keep two examples apart for as many steps
            fit_examples=2_000,
            **{
                name: baseline[name] for name in ("rate_halvings", "weight_decay", "dropout", "distortion", "shuffling")
            },
        ),
    }
    groups = {
        Group("gap"): grid(sized, normalization=ARMS, dropout=(0.0, 0.4), train_examples=values.sizes, seed=seeds),
        Group("noise"): grid(noise, normalization=("population", "noise"), seed=seeds),
        Group("mates"): grid(plain.replace(normalization="batch", measurements="mates"), seed=seeds),
    }
    for setting, without in settings.items():
        with_bn = without.replace(normalization="batch")
        possible = [change for change in CHANGES if changed(with_bn, change) != with_bn]
        groups |= {
            net(setting, with_bn=False): grid(without, seed=seeds),
            net(setting, "shuffling", with_bn=False): grid(changed(without, "shuffling"), seed=seeds),
            net(setting): grid(with_bn, seed=seeds),
            **{net(setting, change): grid(changed(with_bn, change), seed=seeds) for change in possible},
        }
    member = changed(lengthened(baseline, values.ensemble), factor=30).replace(
        normalization="batch", measurements="probabilities"
    )
    groups |= {
        Group("ensemble", arm=name): grid(member.replace(**variation), seed=seeds)
        for name, variation in VARIATIONS.items()
    }
    return groups
