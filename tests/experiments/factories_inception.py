"""Synthetic tables of one run of section 4.2: curves of every split and what its probe measures, all by formulas."""

import numpy as np

from bnrepro.config.inception_bn import inception_bn
from bnrepro.config.inception_small import inception_small
from bnrepro.config.run_config import RunConfig
from tests.experiments.factories_inference import Rows, make_inference
from tests.experiments.rows import CHANCE

SCALES = (0.125, 0.5, 2.0, 8.0, 64.0)
MATES = (2, 4, 8, 16, 32, 64, 128, 256)
JACOBIANS = ("3a_double", "4a_double", "4e_double")
EXAMPLES = 200  # of the test set, to keep the tables small
_PERCENTILES = (5, 25, 50, 75, 95)
_LARGEST_RATE = {"none": 0.2, "off": 0.2, "batch": 5.0, "renorm": 5.0, "population": 0.2, "noise": 0.2}


def default_divergence(config: RunConfig) -> int | None:
    """The step at which a run diverges if a test says nothing: after a tenth, at rates too large for its arm."""
    too_large = config["validation_examples"] and config["learning_rate"] > _LARGEST_RATE.get(
        config["normalization"], 5.0
    )
    return config.steps // 10 + 1 if too_large else None


def make_section_42(config: RunConfig, steps: np.ndarray, finished: bool) -> Rows:
    """The rows by table of a run that is evaluated at `steps`."""
    noise = np.random.default_rng([config.seed, config["normalization"] == "batch", int(1e4 * config["learning_rate"])])
    accuracy, fit = _accuracy(config, steps, noise)
    curves = _curve(config, "validation", steps, accuracy) + _curve(config, "train", steps[1:], fit[1:] - 0.02)
    if config.fit_examples:
        curves += _curve(config, "fit", steps, fit)
    if finished:
        curves += _curve(config, "test", steps[-1:], accuracy[-1:] - 0.003)
    probed = config["measurements"] in ("gradients", "geometry")
    return {
        "curves": curves,
        "geometry": _geometry(config, steps, finished, noise) if probed else [],
        "invariances": _invariances(config)
        if config["measurements"] == "geometry" and config["normalization"] == "batch" and finished
        else [],
        "mates": _mates(config) if config["measurements"] == "mates" and finished else [],
        "probabilities": _probabilities(config, accuracy[-1], noise)
        if config["measurements"] == "probabilities" and finished
        else [],
        **make_inference(config, steps, accuracy, finished),
    }


def _accuracy(config: RunConfig, steps: np.ndarray, noise: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Held out and on training examples: a sigmoid in log steps, faster and higher with BN, best at a rate of its own."""
    normalized = config["normalization"] in ("batch", "renorm", "noise")
    best, half, plateau = (0.3, 60, 0.905) if normalized else (0.03, 220, 0.885)
    distance = np.log10(config["learning_rate"] / best)
    half *= (0.03 / config["learning_rate"]) ** 0.6 * np.exp(0.05 * noise.standard_normal())
    if config["activation"] == "sigmoid" and config["model"].startswith("inception"):
        half, plateau = (3 * half, 0.86) if normalized else (half, CHANCE)
    plateau -= 0.03 * max(distance, 0) ** 2 if plateau > CHANCE else 0
    plateau += 0.004 * (config.shuffling == "thorough") - 0.1 * config["dropout"] ** 2
    examples = config["train_examples"] or 55_000
    gap = 0.6 * (1 - 0.3 * normalized) * (1 - 0.5 * config["dropout"]) * examples**-0.3
    progress = 1 / (1 + (half / np.maximum(steps, 1e-9)) ** 1.4)
    held_out = CHANCE + (plateau - gap / 3 - CHANCE) * progress + 0.002 * noise.standard_normal(len(steps))
    return np.clip(held_out, 0, 1), np.clip(held_out + gap * progress, 0, 1)


def _curve(config: RunConfig, split: str, steps: np.ndarray, accuracy: np.ndarray) -> list[tuple]:
    loss = 2.3 * ((1 - accuracy) / (1 - CHANCE)) ** 1.1
    return [(config.id, step, split, *values) for step, *values in zip(steps, loss, accuracy)]


def hidden_layers(config: RunConfig) -> list[str]:
    """The names of the hidden layers with a kernel, from the images on."""
    if config["model"] == "mlp":
        return [f"hidden_{number}" for number in range(1, config["hidden_layers"] + 1)]
    net = inception_bn if config["model"] == "inception_bn" else inception_small
    modules = [module for module in net(config["width"], 28) if module.kind != "stem"]
    names = ["stem"]
    for module in modules:
        ends = ("three_reduce", "three", "double_reduce", "double_1", "double_2")
        ends += ("one", "projection") if module.kind == "inception" else ()
        names += [f"{module.name}_{end}" for end in ends]
    return names


def _geometry(config: RunConfig, steps: np.ndarray, finished: bool, noise: np.random.Generator) -> list[tuple]:
    normalized, fraction = config["normalization"] == "batch", steps / config.steps
    norm = 12 * (1 + (0.6 if normalized else 0.1) * config["learning_rate"] ** 0.3 * np.sqrt(fraction))
    rate = config["learning_rate"] * 0.5 ** (config["rate_halvings"] * fraction)
    rows = [
        (step, "all", quantity, value)
        for quantity, values in (("weight_norm", norm), ("learning_rate", rate))
        for step, value in zip(steps, values)
    ]
    # A run that diverged before its first evaluation was not measured at all.
    ends = [*steps[:1], *([steps[-1]] if finished else [])]
    layers = hidden_layers(config)
    for step in ends:
        size = 0.3 if step == 0 else 0.1
        for depth, layer in enumerate(layers):
            slope = 0.02 if normalized else 0.09
            value = size * np.exp(-slope * (len(layers) - depth) + 0.1 * noise.standard_normal())
            rows.append((step, layer, "gradient_norm", value))
    for step in ends if config["measurements"] == "geometry" else []:
        spread = (0.25 if normalized else 0.6) + 0.2 * (step > 0)
        for place, layer in enumerate(JACOBIANS):
            middle = -0.1 * place - (0.0 if normalized else 0.3) + 0.02 * noise.standard_normal()
            for percentile in _PERCENTILES:
                value = 10 ** (middle + spread * (percentile - 50) / 45)
                rows.append((step, layer, f"singular_value_p{percentile:02}", value))
            rows.append((step, layer, "isometry_error", abs(middle) + spread / 2))
    return [(config.id, *row) for row in rows]


def _invariances(config: RunConfig) -> list[tuple]:
    return [
        (config.id, scale, quantity, factor * 1e-6, factor * 2e-3 * abs(1 - scale**-2) * (1 + 0.02 * config.seed))
        for scale in SCALES
        for quantity, factor in (("logits", 1.0), ("gradient", 3.0))
    ]


def _mates(config: RunConfig) -> list[tuple]:
    return [
        (config.id, mode, size, 1.2 / np.sqrt(size) * (1 + 0.01 * config.seed) if mode == "training" else 0.0)
        for mode in ("training", "inference")
        for size in MATES
    ]


def _probabilities(config: RunConfig, accuracy: float, noise: np.random.Generator) -> list[tuple]:
    """A softmax of noise and of a push towards the label that makes about `accuracy` of the examples right."""
    labels = np.arange(EXAMPLES) % 10
    logits = noise.standard_normal((EXAMPLES, 10))
    logits[np.arange(EXAMPLES), labels] += 1.5 + 3 * accuracy
    values = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    return [(config.id, example, labels[example], *row) for example, row in enumerate(values)]
