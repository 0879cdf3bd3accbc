"""Made-up tables of notebook 07 whose answers are known: what each choice of statistics says is a number that a test can set."""

import pandas as pd

from bnrepro.config.identity import COLUMNS
from bnrepro.experiments import EXPERIMENTS
from bnrepro.records.schemas import Tables
from bnrepro.records.store import membership
from tests.experiments.rows import table

inference_statistics = EXPERIMENTS["07_inference_statistics"]

DATA = ("test", "contrast", "noise", "imbalanced")
STATISTICS = ("moving", "population", "pooled", "moving_ddof0", "batch")
RATIOS = {"population": 1.0, "population_ddof0": 1.0, "moving": 1.1}


def make(preset: str = "quick", seeds: int = 3, lost: dict[str, int] | None = None, **overrides) -> Tables:
    """The tables of a sweep; of a run whose id is in `lost` there is what was measured before that step.

    All accuracies are 0.8 and no answer changes; the variances in use are right, with the biased one short of (m - 1) / m.
    """
    sweep, lost = inference_statistics.sweep(preset, seeds=seeds, **overrides), lost or {}
    rows = {name: [] for name in ("runs", "curves", "statistics", "variances", "provenance")}
    for group, configs in sweep.items():
        for config in configs:
            diverged_at = lost.get(config.id)
            ended = diverged_at is not None
            status = "diverged" if ended else "finished"
            rows["runs"].append((config.id, *(config[name] for name in COLUMNS), status, diverged_at))
            rows["provenance"].append((config.id, *[1.0] * 4, *["here"] * 8))
            steps = [*range(0, config.steps, config.evaluate_every), config.steps]
            steps = [step for step in steps if not ended or step < diverged_at]
            rows["curves"] += [(config.id, step, "validation", 0.6, 0.8) for step in steps]
            rows["curves"] += [(config.id, step, "train", 0.6, 0.8) for step in steps if step]
            if group.group != "momentum":
                rows["statistics"] += [row for step in steps if step for row in said(config, step)]
                rows["variances"] += [] if ended else variances(config)
    tables = {name: table(name, kept) for name, kept in rows.items()}
    return {"sweep": membership(sweep), **tables}


def said(config, step: int) -> list[tuple]:
    """The rows of one evaluation, as many as the probe writes."""
    whole = step in (config.evaluate_every, config.steps)
    data, statistics = (DATA, STATISTICS) if whole else (DATA[:1], STATISTICS[:2])
    return [(config.id, step, one, name, 0.6, 0.8, 0.0) for one in data for name in statistics]


def variances(config) -> list[tuple]:
    biased = 1 - 1 / config.batch_size
    return [
        (config.id, config.steps, f"hidden_{layer}", name, ratio * (biased if name.endswith("0") else 1), 1.0)
        for layer in (1, 2, 3)
        for name, ratio in RATIOS.items()
    ]


def put(tables: Tables, name: str, column: str, value, **where) -> None:
    """Sets `column` of table `name` where its columns or the run's fields have the values of `where`.

    `value` is a number, or a list with a number for each seed.
    """
    table = tables[name]
    found = table[["run"]].merge(tables["runs"], on="run", how="left").drop(columns="run")
    found = pd.concat([table.reset_index(drop=True), found], axis=1)
    chosen = pd.Series(True, found.index)
    for key, wanted in where.items():
        chosen &= found[key] == wanted
    assert chosen.any(), where
    seeds = found.loc[chosen, "seed"]
    values = (seeds % 100).map(dict(enumerate(value))).to_numpy() if isinstance(value, list) else value
    table.loc[chosen.to_numpy(), column] = values
