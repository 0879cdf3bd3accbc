"""Notebook 08: how does BN interact with Dropout and weight decay? Sweep, claims D1 to D4, and figure. Trains nothing."""

from dataclasses import dataclass

from bnrepro.config import RunConfig, grid
from bnrepro.findings.lengths import Length, lengthened, resolve

TITLE = "Dropout and weight decay"
TABLES = ("runs", "curves", "statistics", "variances", "geometry", "provenance")
ARMS = ("none", "batch")
PLACES = ("before", "after", "last")


@dataclass(frozen=True)
class Preset:
    """How much is trained.

    Attributes:
        seeds: Runs of a cell; the seeds are 0 to seeds - 1.
        main: Their length.
        dropouts: Dropout rates above 0.
        decays: L2 weights above 0.
        matched: Those whose effect on the rate is imitated.
    """

    seeds: int
    main: Length
    dropouts: tuple[float, ...]
    decays: tuple[float, ...]
    matched: tuple[float, ...]


DROPOUT, DECAY = 0.5, 0.003
"""The Dropout rate and the L2 weight by which the claims are judged."""

PRESETS = {
    "smoke": Preset(1, Length(20, 10), (DROPOUT,), (DECAY,), (DECAY,)),
    "quick": Preset(2, Length(500, 250), (0.2, DROPOUT), (0.001, DECAY, 0.01), (DECAY,)),
    "paper": Preset(8, Length(2_000, 200), (0.1, 0.2, 0.3, DROPOUT), (1e-4, 0.001, DECAY, 0.01), (0.001, DECAY, 0.01)),
}

BASE = RunConfig(
    dataset="fashion_mnist",
    pixels="grey",
    train_examples=5_000,
    activation="relu",
    initializer="he",
    batch_size=64,
    learning_rate=0.1,
    validation_examples=4_000,
)
"""The dense net on few examples, for a net that does not overfit needs no regularizer."""

_OVERRIDES = {
    "seeds": int,
    "steps": int,
    "batch_size": int,
    "learning_rate": float,
    "hidden_units": int,
    "dataset": str,
}


def sweep(preset: str, **overrides) -> dict[str, list[RunConfig]]:
    """The runs by group.

    `dropout`: BN with Dropout at each rate and place, and `dropout_off` without; `dropout_none`: no BN, Dropout after each
    nonlinearity. `decay_off`, and by what decays `decay_hidden`, `decay_kernels`, `decay_all`: both arms at each L2 weight;
    `matched`: no decay, but the rate of the hidden kernels grows as decay of those would raise their effective rate.
    """
    values, base = resolve(PRESETS, preset, overrides, _OVERRIDES, BASE)
    net, seeds = lengthened(base, values.main), dict(seed=range(values.seeds))
    dropped = net.replace(normalization="batch", probe="shift")
    decayed, arms = net.replace(probe="gradients"), dict(normalization=ARMS, **seeds)
    reaches = {"hidden": values.matched, "kernels": values.decays, "all": values.decays}
    return {
        "dropout_off": grid(dropped, **seeds),
        "dropout": grid(dropped, dropout_place=PLACES, dropout=values.dropouts, **seeds),
        "dropout_none": grid(net, dropout=(0.0, *values.dropouts), **seeds),
        "decay_off": grid(decayed, **arms),
        **{
            f"decay_{reach}": grid(decayed.replace(weight_decay_on=reach), weight_decay=weights, **arms)
            for reach, weights in reaches.items()
        },
        "matched": grid(decayed, matched_decay=values.matched, **arms),
    }
