"""Sections 3.4 and 4.2.1, Figure 4: does BN regularize? Sweep, claims R1 to R8, and figure. Trains nothing."""

from dataclasses import dataclass

import pandas as pd
from matplotlib.figure import Figure

from bnrepro import paper
from bnrepro.claims import CLAIMS
from bnrepro.config import RunConfig, grid
from bnrepro.findings import regularization_claims, regularization_figure
from bnrepro.findings import regularization_effects as found
from bnrepro.findings.presets import Length, lengthened, resolve
from bnrepro.findings.regularization_effects import effects
from bnrepro.findings.setups import ARMS, BASELINE_ACCEPTS, CHANGES, DENSE, baseline_of, changed
from bnrepro.tables import Tables

__all__ = ["CAPTION", "PAPER", "PRESETS", "TABLES", "TITLE", "analyse", "derive", "effects", "figure", "sweep"]

TITLE = "Regularization"
TABLES = ("runs", "curves", "mates", "probabilities", "provenance")
"""What is collected of the runs; `derive` makes `ensembles` of `probabilities`, which are too many to keep."""

_ERRORS = paper.figure4().set_index("model")["top1_error"]
ONE, SIX = _ERRORS["BN-Inception multicrop"], _ERRORS["BN-Inception ensemble"]
"""The paper's Figure 4: the error of one network, and of six averaged."""

PAPER = {
    "R5": 0.01,  # section 4.2.1, "about 1%", which is the gain with BN; the paper does not try it without
    "R7": float(SIX - ONE),
}

MARGINS = {
    change: CLAIMS[claim].rule.threshold for change, claim in {"dropout": "R6b", "decay": "R6c", "lrn": "R6d"}.items()
}
"""How much accuracy a change may cost for its claim to hold."""


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

CAPTION = (
    "(a) How much an example's logits vary with the other examples of its mini-batch, relative to their spread over examples: "
    "the dense net with BN after training, each run (thin), the median of the seeds (thick) and its interval; dotted, a fall "
    "with the root of the size. (b, c) Training minus held-out accuracy of the dense net, both in inference mode, over the "
    "number of training examples: after all steps, on the test set; and where the training loss first falls to "
    f"{found.LOSS:g}, on the validation set, for the runs that get there. (d) The same without Dropout at the size nearest to "
    f"{DENSE_FEW:,}: each run (tick), median (mark) and its interval. Population statistics: running averages normalize while "
    "training too; noise: they are jittered as much as a mini-batch's statistics are. (e, f) Section 4.2.1 from BN-Baseline "
    "on, one change at a time: best validation accuracy with the change minus without, and how many times fewer steps it takes "
    "to the best accuracy that the same seed has without it. An upright bar is the loss that a claim allows; an arrow is a "
    "bound or lies beyond the axis; a cross is undetermined. Filled, inception_small on "
    f"{FEW:,} examples, by which the claims are judged; open, the dense net on {DENSE_FEW:,}, named in advance as the second "
    "setting. (g) What thorough shuffling gains over fixed mini-batches with BN, without, and the difference; diamond, the "
    "paper's gain with BN. (h) Test error of the averaged probabilities of one to six BN-x30 nets, varied as in the paper: each "
    "seed (thin), the median and its interval; diamonds, the paper's errors of one net and of six, scaled to our error of one. "
    "{conv_bn_seeds} seeds an arm."
)

VARIATIONS = (
    {},
    {"initial_gain": 1.5},
    {"dropout": 0.05},
    {"dropout": 0.1},
    {"initial_gain": 1.5, "dropout": 0.05},
    {"initial_gain": 1.5, "dropout": 0.1},
)
"""The six networks of Figure 4: BN-x30 with larger initial weights in some, Dropout of 5% or 10% in some."""


def sweep(preset: str, **overrides) -> dict[str, list[RunConfig]]:
    """The runs by group.

    `gap` and `noise`: the dense net over training-set sizes. `mates`: it again, for the spread of its outputs. `conv_*`:
    `inception_small` on `FEW` examples, and `dense_*`: the dense net on `DENSE_FEW`: `*_bn` as BN-Baseline, `*_bn_<change>`
    with one change of section 4.2.1, `*_none` without BN, `*_none_shuffling` that with thorough shuffling. `ensemble_0` to
    `ensemble_5`: the networks of Figure 4.
    """
    values, baseline = resolve(PRESETS, preset, overrides, baseline_of(preset), BASELINE_ACCEPTS)
    seeds = range(values.seeds)
    dense = DENSE.replace(dataset=baseline.dataset, validation_examples=baseline.validation_examples)
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
                name: getattr(baseline, name)
                for name in ("rate_halvings", "weight_decay", "dropout", "distortion", "shuffling")
            },
        ),
    }
    groups = {
        "gap": grid(sized, normalization=ARMS, dropout=(0.0, 0.4), train_examples=values.sizes, seed=seeds),
        "noise": grid(noise, normalization=("population", "noise"), seed=seeds),
        "mates": grid(plain.replace(normalization="batch", probe="mates"), seed=seeds),
    }
    for setting, without in settings.items():
        with_bn = without.replace(normalization="batch")
        possible = [change for change in CHANGES if changed(with_bn, change) != with_bn]
        groups |= {
            f"{setting}_none": grid(without, seed=seeds),
            f"{setting}_none_shuffling": grid(changed(without, "shuffling"), seed=seeds),
            f"{setting}_bn": grid(with_bn, seed=seeds),
            **{f"{setting}_bn_{change}": grid(changed(with_bn, change), seed=seeds) for change in possible},
        }
    member = changed(lengthened(baseline, values.ensemble), factor=30).replace(
        normalization="batch", probe="probabilities"
    )
    groups |= {
        f"ensemble_{place}": grid(member.replace(**variation), seed=seeds) for place, variation in enumerate(VARIATIONS)
    }
    return groups


def derive(tables: Tables) -> Tables:
    """The tables to keep: `ensembles` in place of the `probabilities` that it is made of."""
    kept = {name: table for name, table in tables.items() if name != "probabilities"}
    return {**kept, "ensembles": found.ensemble_errors(tables)}


def analyse(tables: Tables) -> pd.DataFrame:
    """The statistic of each claim: `claim`, `estimate`, `ci_low`, `ci_high`, `n`, `bound`, `note`."""
    return pd.DataFrame(claim(tables) for claim in regularization_claims.STATISTICS)


def figure(tables: Tables) -> Figure:
    """Outputs that vary with the mini-batch, generalization gaps, the changes of section 4.2.1, and the ensemble."""
    return regularization_figure.draw(
        mates=found.spreads(tables),
        gaps=found.gaps(tables),
        effects=effects(tables),
        shuffling=found.shuffling(tables),
        ensembles=tables["ensembles"],
        margins=MARGINS,
        papers_gain=PAPER["R5"],
        papers_ratio=SIX / ONE,
    )
