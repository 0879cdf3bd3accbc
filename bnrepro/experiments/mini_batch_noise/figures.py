"""The panels of mini-batch noise: accuracy and loss over its dose and at equal training loss, Dropout, rates. Knows no claim."""

import itertools

import pandas as pd

from bnrepro.analysis.intervals import Interval, median_interval
from bnrepro.analysis.select import where
from bnrepro.experiments.mini_batch_noise.panels import (
    draw_apart,
    draw_choice,
    draw_dose,
    draw_doses,
    draw_dropout,
    draw_paths,
)
from bnrepro.experiments.mini_batch_noise.tables import (
    APART,
    ARM,
    BEFORE,
    DOSE_LEVEL,
    DOSE_LEVELS,
    DOSES,
    DROPPED,
    FEW,
    GAMMA,
    KEPT,
    LEVEL,
    LEVELS,
    NOISE,
    OVER,
    SAME,
    SECOND,
    SETTING,
    WHOLE,
    WITH_BN,
    WITHOUT,
    at_equal_loss,
    chosen,
    difference,
    doses,
    ended,
    of_arm,
)
from bnrepro.plotting.arms import LABELS
from bnrepro.plotting.panel import Panel
from bnrepro.records.schemas import Tables


def dose(tables: Tables) -> dict[str, pd.DataFrame]:
    """What changes against the net without BN at its best rate, by seed, accuracies in points.

    `gains`: with BN, by moment, quantity and examples that BN normalizes together. `second`: without BN at its second best rate,
    by moment.
    """
    parts, others = [], []
    moments = {
        "trained": (ended(tables), ended(tables, SECOND)),
        "equal": (at_equal_loss(tables), at_equal_loss(tables, setting=SECOND)),
    }
    for moment, (best, second) in moments.items():
        for arm, (quantity, scale) in itertools.product(doses(best), _SCALES.items()):
            gain = scale * difference(best, quantity, WITHOUT, arm)
            parts.append(gain.rename("gain").reset_index().assign(moment=moment, quantity=quantity, over=arm[1]))
        for quantity, scale in _SCALES.items():
            gain = scale * (of_arm(second, WITHOUT, quantity) - of_arm(best, WITHOUT, quantity)).dropna()
            own = gain.rename("gain").reset_index().assign(moment=moment, quantity=quantity)
            others.append(own.assign(rate=second["learning_rate"].max()))
    return {"gains": pd.concat(parts, ignore_index=True), "second": pd.concat(others, ignore_index=True)}


_SCALES = {"accuracy": 100, "loss": 1}


def paths(tables: Tables) -> pd.DataFrame:
    """By quantity, arm without Dropout and training loss the median on held-out examples there; none where a seed has none."""
    rows = []
    for level in LEVELS:
        runs = at_equal_loss(tables, level)
        for arm, own in runs[runs["arm"].isin(["none", "batch"])].groupby(list(ARM)):
            for quantity in _SCALES if own["before"].ge(BEFORE).all() else ():
                rows.append((quantity, *arm, _words(*arm), level, *median_interval(own[quantity])))
    return pd.DataFrame(rows, columns=["quantity", *ARM, "words", "level", *Interval._fields])


def equal_doses(tables: Tables) -> pd.DataFrame:
    """At each of `DOSE_LEVELS`, by seed, `quantity` and examples that BN normalizes together, `gain` is what changes on held-out
    examples against the net that is called the one with BN, accuracies in points.
    """
    parts = []
    for level in DOSE_LEVELS:
        runs = at_equal_loss(tables, level, group=DOSES)
        for arm, (quantity, scale) in itertools.product(doses(runs), _SCALES.items()):
            gain = scale * (of_arm(runs, arm, quantity) - of_arm(runs, WITH_BN, quantity))
            parts.append(gain.rename("gain").reset_index().assign(level=level, quantity=quantity, over=arm[1]))
    columns = ["seed", "gain", "level", "quantity", "over"]
    return pd.concat(parts, ignore_index=True)[columns] if parts else pd.DataFrame(columns=columns)


def dropout(tables: Tables) -> pd.DataFrame:
    """The judged runs without BN, with BN, and both with Dropout."""
    runs = ended(tables)
    return runs.loc[runs["over"].isin([0, OVER]), ["run", "arm", "seed", "accuracy", "loss"]].sort_values(
        "arm", key=lambda arms: arms.map(list(_ARMS).index), kind="stable"
    )


def choice(tables: Tables) -> pd.DataFrame:
    """By arm and rate the accuracy on held-out examples, the median of the seeds that choose; not of those of `apart_choice`."""
    medians = _choice(tables)
    return medians[~medians["arm"].isin(_CHOOSE_APART)]


def apart(tables: Tables) -> dict[str, pd.DataFrame]:
    """The arms that tell noise from normalization.

    `runs`: the judged ones, arm by arm. `same`: at the rate of BN over the whole mini-batch, the medians of nets that have
    chosen another.
    """
    runs, same = ended(tables), ended(tables, SAME)
    parts = [where(runs, **dict(zip(ARM, arm))).assign(words=_words(*arm)) for arm in APART]
    others = same[~same["run"].isin(runs["run"])].groupby(list(ARM), sort=False)[["accuracy", "loss"]].median()
    columns = ["run", *ARM, "words", "seed", "accuracy", "loss"]
    return {"runs": pd.concat(parts, ignore_index=True)[columns], "same": others.reset_index()}


def apart_choice(tables: Tables) -> pd.DataFrame:
    """As `choice`, of the nets that are normalized by population statistics in training, and of those whose gamma decays."""
    medians = _choice(tables)
    return medians[medians["arm"].isin(_CHOOSE_APART)]


def _choice(tables: Tables) -> pd.DataFrame:
    by = [*ARM, *SETTING, "chosen"]
    medians = chosen(tables).groupby(by)["final_metric"].median().rename("accuracy").reset_index()
    columns = medians[["arm", "over", "weight_decay"]].itertuples(index=False)
    words = [
        f"decay {decay:g}" if decay else _words(arm, over).removeprefix("gradient ") for arm, over, decay in columns
    ]
    return medians.assign(words=words)


_CHOOSE_APART = [arm for arm, _ in (DROPPED, KEPT, NOISE, GAMMA)]


_ARMS = ("none", "none_dropout", "batch", "batch_dropout")


def _words(arm: str, over: int) -> str:
    """As "BN over 64"."""
    return {"batch": f"BN over {over}", DROPPED[0]: "gradient dropped"}.get(arm, LABELS[arm])


PANELS = (
    Panel(
        name="dose",
        title="What BN changes: with BN minus without",
        caption="A dense net on 1,000 examples: accuracy and loss on the test set after training, with BN minus without, and "
        f"on held-out examples where the training loss is first {LEVEL:g}. The median of {{judged_seeds}} seeds (thick) and its "
        "95% interval, after training each seed too (thin), each net at its own best learning rate; orange, without "
        "BN at the second best, after training (dotted) and at that training loss (dashed).",
        data=dose,
        draw=draw_dose,
        width=102,
        height=78,
    ),
    Panel(
        name="paths",
        title="At equal training loss",
        caption="Accuracy and loss on held-out examples where the training loss is first so low: the median of {equal_seeds} "
        "seeds and its 95% interval, each net at its own best learning rate. No point where a seed does not get there, or does "
        "so before its third evaluation.",
        data=paths,
        draw=draw_paths,
        width=69,
        height=78,
    ),
    Panel(
        name="equal_doses",
        title="The dose at equal training loss",
        caption=f"Accuracy and loss on held-out examples where the training loss is first {DOSE_LEVEL:g} (solid) and elsewhere, "
        f"minus those with BN over {OVER} examples, each net at its own best learning rate. The median of the seeds, at "
        f"{DOSE_LEVEL:g} its 95% interval and each seed (thin) too.",
        data=equal_doses,
        draw=draw_doses,
        width=175,
        height=58,
        least=110,
    ),
    Panel(
        name="dropout",
        title="BN and Dropout",
        caption=f"After training, with BN over {OVER} examples and without, with Dropout of 0.4 and without: each of "
        "{judged_seeds} seeds (tick), the median (dot) and its 95% interval, each net at its own best learning rate.",
        data=dropout,
        draw=draw_dropout,
        width=102,
        height=62,
        least=95,
    ),
    Panel(
        name="choice",
        title="Which learning rate is best",
        caption="Accuracy on held-out examples after training, the median of {choice_seeds} seeds that judge nothing; a dot, the "
        "rate that each net is judged at, and a triangle, one that is worse than the axis shows.",
        data=choice,
        draw=draw_choice,
        width=69,
        height=62,
    ),
    Panel(
        name="apart",
        title="Noise or normalization?",
        caption=f"After training, BN over the {WHOLE[1]} examples of the mini-batch and over {FEW}; population statistics with "
        f"BN's gradient dropped, kept, and kept with the noise of {FEW} examples; BN over {WHOLE[1]} whose gamma decays. Each of "
        "{judged_seeds} seeds (tick), the median (dot) and its 95% interval, each net at its own best learning rate; open, the "
        f"median at the rate of BN over {WHOLE[1]}.",
        data=apart,
        draw=draw_apart,
        width=102,
        height=70,
        least=95,
    ),
    Panel(
        name="apart_choice",
        title="Which rate and decay are best",
        caption="Accuracy on held-out examples after training, the median of {choice_seeds} seeds that judge nothing; a dot, the "
        "rate (and the decay) that each net is judged at, and a triangle, one that is worse than the axis shows.",
        data=apart_choice,
        draw=draw_choice,
        width=69,
        height=70,
    ),
)

SHEETS = {
    "dose": ("dose", "paths", "equal_doses"),
    "dropout": ("dropout", "choice"),
    "noise": ("apart", "apart_choice"),
}
"""Panels by sheet."""
