"""The panels of learning rates: Figures 2 and 3, the sweep of rates, what may explain them. Knows no claim but one limit."""

import functools

import pandas as pd

from bnrepro.analysis import paper
from bnrepro.analysis.curves import evaluations, median_curves
from bnrepro.analysis.intervals import bounded_interval
from bnrepro.analysis.select import TRAINS, group_curves
from bnrepro.experiments.learning_rates.claims import invariant
from bnrepro.experiments.learning_rates.panels import (
    draw_curves,
    draw_effective,
    draw_gradients,
    draw_invariances,
    draw_jacobians,
    draw_network,
    draw_papers_curves,
    draw_rates,
    draw_steps,
)
from bnrepro.experiments.learning_rates.tables import (
    effective_rates,
    gradients,
    invariances,
    jacobians,
    published,
    race,
    rate_sweep,
)
from bnrepro.experiments.setups import PAPER_MODELS
from bnrepro.plotting.panel import Panel
from bnrepro.records.schemas import Tables

TOLERANCE = invariant.rule.threshold
"""Up to which error a claim calls two nets the same."""

_RACE = ["run", "arm", "seed", "status", "steps", "steps_to_target", "steps_spent", "reached", "target"]


def accuracy(tables: Tables) -> dict[str, pd.DataFrame]:
    """Each run and the medians of every arm, and what each run's race comes to."""
    curves = group_curves(tables, "race")
    runs = evaluations(curves)[["run", "arm", "seed", "step", "value", "steps"]].rename(columns={"value": "accuracy"})
    return {"runs": runs, "medians": median_curves(curves, "arm"), "race": race(tables)[_RACE]}


def papers_accuracy(tables: Tables) -> dict[str, pd.DataFrame]:
    """The paper's Figure 2 in our arms' names, and the steps that it prints."""
    curves, printed = paper.figure2(), paper.figure3().set_index("model")
    names = {model: arm for arm, model in PAPER_MODELS.items()}
    curves = curves[curves["model"].isin(names)].assign(arm=curves["model"].map(names))
    steps = printed["steps_to_72_2_percent"].reindex(list(names)).rename(index=names)
    marks = pd.DataFrame({"arm": steps.index, "step": steps.to_numpy(), "accuracy": printed["max_accuracy"].iloc[0]})
    return {"curves": curves[["arm", "step", "validation_accuracy"]], "printed": marks}


def steps(tables: Tables, group: str = "race") -> dict[str, pd.DataFrame]:
    """Figure 3: each run's steps, the medians, and the paper's ratios on our Baseline, so that its own mark lies on our dot."""
    runs = race(tables, group).assign(
        normalization=lambda table: table["arm"], value=lambda table: table["steps_spent"]
    )
    rows = []
    for arm, own in runs.groupby("arm", sort=False):
        interval = bounded_interval(own.assign(bound=""), "value")
        rows.append((arm, *interval, own["steps_to_target"].median() < float("inf")))
    names = ["normalization", "estimate", "ci_low", "ci_high", "n", "reached"]
    medians = pd.DataFrame(rows, columns=names)
    fewer = published().set_index("arm")["paper_fewer"].reindex(medians["normalization"]).dropna()
    marks = medians["estimate"].iloc[:1].max() / fewer
    return {
        "runs": runs[["run", "normalization", "seed", "value", "reached"]],
        "medians": medians,
        "paper": pd.DataFrame({"normalization": marks.index, "value": marks.to_numpy()}),
    }


def effective(tables: Tables, value: str) -> dict[str, pd.DataFrame]:
    """A quantity of the weights over its start, by run and step."""
    rows = effective_rates(tables).rename(columns={value: "value"})
    last = group_curves(tables, "race")["steps"].max()
    return {"runs": rows[["run", "arm", "seed", "step", "value"]], "axis": pd.DataFrame({"last_step": [last]})}


def network(tables: Tables) -> pd.DataFrame:
    """What the picture of the net is made by."""
    first = group_curves(tables, "race").iloc[:1]
    return first[[name for name in ("task", "model", "width", "model.stem", "task.image_size") if name in first]]


PANELS = (
    Panel(
        name="accuracy",
        title="Validation accuracy",
        caption="A narrow Inception: {race_seeds} seeds an arm (thin), their median (thick) and its 95% interval "
        "(band), on an axis spaced by the logarithm of the error; a cross where all runs of an arm diverged. Dotted, the "
        "Baseline's best accuracy, median of the seeds, with a dot where each arm's median reaches it.",
        data=accuracy,
        draw=draw_curves,
        width=106,
        height=66,
        least=80,
    ),
    Panel(
        name="paper",
        title="The paper's Figure 2",
        caption="The same on ImageNet, in the same colors. Diamonds, the paper's printed steps to the best of its Inception.",
        data=papers_accuracy,
        draw=draw_papers_curves,
        width=65,
        height=66,
    ),
    Panel(
        name="steps",
        title="Training steps to the Baseline's best",
        caption="To the best accuracy of the Baseline of the same seed: each run (tick), median (dot, number) and its "
        "interval, and the paper's ratios, put on our Baseline (diamonds). A run that never gets there counts with all its "
        "steps and is an arrow.",
        data=steps,
        draw=draw_steps,
        height=68,
    ),
    Panel(
        name="papers_rates",
        title="The same at the paper's own learning rates",
        caption="Steps to the best accuracy of the Baseline of the same seed, at rates of 0.0015, 0.0075 and 0.045, as the paper "
        "prints them: each run (tick), median (dot, number) and its interval, and the paper's ratios, put on our Baseline "
        "(diamonds).",
        data=functools.partial(steps, group="papers_rates"),
        draw=draw_steps,
        height=68,
    ),
    Panel(
        name="rates",
        title="Accuracy at the end, by learning rate",
        caption="Shorter runs of an Inception of four modules without and with BN, median of {rates_seeds} seeds and its "
        f"interval. Below, the rates at which half of the runs or more end at {TRAINS:.0%} or above (bar), the best (star), and "
        "how many runs diverged (cross).",
        data=rate_sweep,
        draw=draw_rates,
        height=68,
    ),
    Panel(
        name="weight_norm",
        title="Norm of all hidden weights",
        caption="Norm of all hidden weights over its start, Baseline and the arms with BN, {race_seeds} seeds (thin) "
        "and their median (thick).",
        data=functools.partial(effective, value="weight_norm"),
        draw=functools.partial(draw_effective, label="Weight norm over its start", logarithmic=False),
        height=54,
    ),
    Panel(
        name="effective_rate",
        title="Effective rate",
        caption="The learning rate over the square of the norm of all hidden weights, over its start: {race_seeds} "
        "seeds (thin) and their median (thick).",
        data=functools.partial(effective, value="effective_rate"),
        draw=functools.partial(draw_effective, label="Effective rate over its start", logarithmic=True),
        height=54,
    ),
    Panel(
        name="gradients",
        title="Norm of the gradient by layer",
        caption="At the start and at the end of the shorter runs of four modules without and with BN, each at the largest rate "
        "at which it trains: each run (thin), the median (thick). A triangle below the axis is a norm of 0.",
        data=gradients,
        draw=draw_gradients,
        height=58,
    ),
    Panel(
        name="jacobians",
        title="Singular values of layer Jacobians",
        caption="Of a convolution in a double 3x3 branch, Baseline and BN-Baseline, before (○) and after training (●). Median, "
        "quartiles (thick) and 5th to 95th percentile (thin), each the median of the seeds.",
        data=jacobians,
        draw=draw_jacobians,
        height=58,
    ),
    Panel(
        name="invariances",
        title="Relative change by weights times a",
        caption="Logits and weight gradients when all weights before a BN are multiplied by a, in every trained BN-Baseline: "
        "dots, with the largest as a line. Black with epsilon as it is, blue with epsilon over a squared, where "
        "nothing but rounding may be left (0 is drawn as 1e-9); dotted, the limit of the claim.",
        data=lambda tables: invariances(tables)[["run", "arm", "seed", "scale", "quantity", "change", "error"]],
        draw=functools.partial(draw_invariances, tolerance=TOLERANCE),
        width=175,
        height=52,
        least=85,
    ),
    Panel(
        name="network",
        title="The network",
        caption="Of ten modules a table: channels of the convolutions, and size and channels of the images. Of four a picture: "
        "convolutions (blue) with size, stride and channels, pooling (grey), what the changes of section 4.2.1 remove (dashed).",
        data=network,
        draw=draw_network,
        width=175,
        height=46,
        least=174,
    ),
)

SHEETS = {
    "figures_2_and_3": ("accuracy", "paper", "steps", "papers_rates"),
    "rates": ("rates", "gradients"),
    "reasons": ("weight_norm", "effective_rate", "jacobians"),
    "network": ("invariances", "network"),
}
