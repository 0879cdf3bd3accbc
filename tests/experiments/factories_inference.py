"""Synthetic tables of what the probes of inference measure, by formulas: small mini-batches are noisy, Dropout shifts."""

import numpy as np

from bnrepro.config.run_config import RunConfig
from bnrepro.measurements.normalization_statistics import SIZES

Rows = dict[str, list[tuple]]
"""By table."""

DATA = ("test", "contrast", "noise", "imbalanced")
STATISTICS = ("moving", "population", "moving_ddof0", "pooled", "batch")


def make_inference(config: RunConfig, steps: np.ndarray, accuracy: np.ndarray, finished: bool) -> Rows:
    """The rows of `statistics`, `variances` and `errors` of a run that is evaluated at `steps` with `accuracy`."""
    noise = np.random.default_rng([config.seed, config.batch_size, len(config["dropout_place"])])
    rows = {name: [] for name in ("statistics", "variances", "errors")}
    if finished and config["normalization"] != "none":
        if config["measurements"] == "modes":
            rows["statistics"] = _statistics(config, steps[-1], accuracy[-1], ("moving", "batch"), ("test",), noise)
        elif config["measurements"] == "statistics":
            for step, value in zip(steps[1:], accuracy[1:]):
                whole = step in (steps[1], steps[-1])
                kinds = (STATISTICS, DATA) if whole else (STATISTICS[:2], DATA[:1])
                rows["statistics"] += _statistics(config, step, value, *kinds, noise)
            for name, factor in (
                ("population", 1.0),
                ("population_ddof0", 1 - 1 / config.batch_size),
                ("moving", 0.97),
            ):
                rows["variances"] += _variances(config, name, factor, noise)
        elif config["measurements"] == "shift":
            names = ("moving", "population", "no_dropout")
            rows["statistics"] = _statistics(config, steps[-1], accuracy[-1], names, ("test",), noise)
            shifted = 1 + config["dropout"] * {"before": 2, "after": 1, "last": 0}[config["dropout_place"]]
            for name, factor in (("moving", shifted), ("population", shifted), ("no_dropout", 1.0)):
                rows["variances"] += _variances(config, name, factor, noise)
        elif config["measurements"] == "sampling":
            rows["errors"] = [
                (f"hidden_{layer}", size, size**-0.5 * (1 + wobble), 1.4 * size**-0.5 * (1 + wobble))
                for layer in range(1, config["hidden_layers"] + 1)
                for size in SIZES
                for wobble in [0.01 * noise.standard_normal()]
            ]
    return {name: [(config.id, *row) for row in kept] for name, kept in rows.items()}


def _statistics(config, step, accuracy, names, data, noise) -> list[tuple]:
    """The own statistics of a small mini-batch cost accuracy, and one class alone more; a shift costs all others some."""
    small = 0.5 / (config["ghost_size"] or config.batch_size)
    lost = {"batch": small, "moving": 0.03 * small, "moving_ddof0": 0.05 * small, "population": 0.01 * small}
    rows = []
    for name in names:
        for shift in data:
            own = name == "batch"
            penalty = lost.get(name, 0.0) + (
                0.5 if own and shift == "imbalanced" else 0.1 * (not own) * (shift != "test")
            )
            value = float(np.clip(accuracy - penalty + 0.001 * noise.standard_normal(), 0, 1))
            rows.append((int(step), shift, name, 2.3 * (1 - value), value, small if own else 0.0))
    return rows


def _variances(config, name, factor, noise) -> list[tuple]:
    rows = []
    for layer in range(1, config["hidden_layers"] + 1):
        used = factor * (1 + 0.005 * noise.standard_normal())
        rows.append((config.steps, f"hidden_{layer}", name, used, 1 / used))
    return rows
