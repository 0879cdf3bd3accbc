"""Notebook 08: how does BN interact with Dropout and weight decay? Sweep, claims D1 to D6, and figure. Trains nothing."""

from dataclasses import dataclass

import pandas as pd
from matplotlib.figure import Figure

from bnrepro.config import RunConfig, grid
from bnrepro.findings import dropout_and_weight_decay_claims, dropout_and_weight_decay_figure
from bnrepro.findings import dropout_and_weight_decay_effects as found
from bnrepro.findings.dropout_and_weight_decay_effects import DECAY, DROPOUT, PLACES, effects
from bnrepro.findings.dropout_and_weight_decay_explore import controls, explore, live
from bnrepro.findings.presets import Length, lengthened, resolve
from bnrepro.findings.setups import ARMS, DENSE
from bnrepro.select import rows_of
from bnrepro.tables import Tables

__all__ = [
    "CAPTION",
    "PAPER",
    "PRESETS",
    "TABLES",
    "TITLE",
    "analyse",
    "controls",
    "effects",
    "explore",
    "figure",
    "live",
    "sweep",
]

TITLE = "Dropout and weight decay"
TABLES = ("runs", "curves", "statistics", "variances", "geometry", "provenance")

PAPER = {}
"""The paper has no experiment on this."""


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


PRESETS = {
    "smoke": Preset(
        seeds=1,
        main=Length(20, 10),
        dropouts=(DROPOUT,),
        decays=(DECAY,),
        matched=(DECAY,),
    ),
    "quick": Preset(
        seeds=2,
        main=Length(400, 200),
        dropouts=(0.2, DROPOUT),
        decays=(0.001, DECAY),
        matched=(DECAY,),
    ),
    "paper": Preset(
        seeds=8,
        main=Length(2_000, 200),
        dropouts=(0.1, 0.2, 0.3, DROPOUT),
        decays=(1e-4, 0.001, DECAY, 0.01),
        matched=(0.001, DECAY, 0.01),
    ),
}

BASE = DENSE.replace(train_examples=5_000, batch_size=64, learning_rate=0.1)
"""The dense net on few examples, for a net that does not overfit needs no regularizer."""

_ACCEPTED = ("batch_size", "learning_rate", "hidden_units", "dataset")


CAPTION = (
    "The dense net on few examples of Fashion-MNIST. (a) Accuracy on the test set over the Dropout rate, with BN and "
    "Dropout before each BN, after each nonlinearity or after the last nonlinearity alone, and without BN (dashed, after "
    "each nonlinearity): each seed (thin), the median (thick) and its 95% bootstrap interval (band). (b) The variance shift "
    "of Li et al. 2018: the variance of a BN's inputs at inference over its running variance, mean of the layers; 1 is no "
    f"shift. (c) The same by layer at a rate of {DROPOUT:g}. (d) Accuracy on test examples at that rate when BN normalizes "
    "with its running averages, with the population statistics of Algorithm 2 while Dropout is active, which cannot cure "
    "the shift, and with those recomputed without Dropout; grey, the net without any Dropout. (e) Accuracy over the L2 "
    "weight (medians and intervals): decay of the hidden kernels (circles), of all kernels (squares), and of everything "
    "with biases, gamma and beta (triangles). (f) Norm of all hidden kernels over its start, by L2 weight, where those "
    "decay. (g) The effective rate, the learning rate over the square of that norm, over its start: decay (solid), and no "
    "decay but a learning rate of the hidden kernels that grows as decay would raise their effective rate (dashed). (h, i) "
    f"Validation loss without decay, with decay of the hidden kernels at an L2 weight of {DECAY:g}, and at the matched rate. "
    "(j) The share of decay's effect on the validation loss over training that the matched rate reproduces: one minus the "
    "distance of the matched run from the decayed one over the distance of the run without decay from it. 100% is all of "
    "it, 0 no nearer than without decay; an arrow is below the axis. Open marks, the same of the training accuracy in "
    "training mode, which was added after these runs and is judged on others. A run that diverged guesses in (a), (d) and "
    "(e), reproduces nothing in (j), is not in (b) and (c), and lies beyond all others in (f) to (i). {dropout_off_seeds} "
    "seeds each."
)


def sweep(preset: str, **overrides) -> dict[str, list[RunConfig]]:
    """The runs by group.

    `dropout`: BN with Dropout at each rate and place, and `dropout_off` without; `dropout_none`: no BN, Dropout after each
    nonlinearity. `decay_off`, and by what decays `decay_hidden`, `decay_kernels`, `decay_all`: both arms at each L2 weight;
    `matched`: no decay, but the rate of the hidden kernels grows as decay of those would raise their effective rate. `fresh_off`,
    `fresh_decay`, `fresh_matched`: the last comparison once more on other seeds, for D5 and D6, which were declared after it.
    """
    values, base = resolve(PRESETS, preset, overrides, BASE, _ACCEPTED)
    net, seeds = lengthened(base, values.main), dict(seed=range(values.seeds))
    dropped = net.replace(normalization="batch", probe="shift")
    decayed, arms = net.replace(probe="gradients"), dict(normalization=ARMS, **seeds)
    fresh = dict(normalization=ARMS, seed=range(values.seeds, 2 * values.seeds))
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
        "fresh_off": grid(decayed, **fresh),
        "fresh_decay": grid(decayed, weight_decay=(DECAY,), **fresh),
        "fresh_matched": grid(decayed, matched_decay=(DECAY,), **fresh),
    }


def analyse(tables: Tables) -> pd.DataFrame:
    """The statistic of each claim: `claim`, `estimate`, `ci_low`, `ci_high`, `n`, `bound`, `note`."""
    return pd.DataFrame(claim(tables) for claim in dropout_and_weight_decay_claims.STATISTICS_OF_CLAIMS)


def figure(tables: Tables) -> Figure:
    """Dropout by rate and place, what it does to variances, and what weight decay does by way of the effective rate."""
    decayed = rows_of(tables, found.MATCHING)
    return dropout_and_weight_decay_figure.draw(
        accuracies=found.accuracies(tables),
        shifts=found.shifts(tables),
        shifted=found.shifted(tables),
        said=found.by_statistics(tables),
        growth=found.growth(tables),
        losses=found.losses(tables),
        shares=found.shares(tables),
        runs=decayed.assign(weight=found.l2_weight(decayed)),
    )
