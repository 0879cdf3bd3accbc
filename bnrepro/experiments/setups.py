"""The nets that several experiments train: the dense one, and section 4.2 with its changes, small and whole. Knows no table."""

import math

from bnrepro.config.run_config import RunConfig

ARMS = ("none", "batch")
"""Without BN and with it."""

DENSE = RunConfig(
    task="fashion_mnist", pixels="grey", activation="relu", initialization="he", validation_examples=4_000
)
"""The dense net: three hidden layers of 100 ReLU."""

BASE_RATE = 0.03
"""The rate of the Baseline: its own best in the sweep of notebook 03 on the validation split, seeds that are not reported."""

TEN_MODULES_RATE = 0.03
"""The same of the net of ten modules, by the same rule, on other seeds."""

BASELINE = RunConfig(
    task="fashion_mnist",
    pixels="grey",
    model="inception_small",
    activation="relu",
    initialization="he",
    batch_size=32,
    learning_rate=BASE_RATE,
    sgd_momentum=0.9,
    rate_halvings=0.5,
    weight_decay=5e-4,
    dropout=0.4,
    local_response_normalization=True,
    distortion=0.4,
    shuffling="fixed",
    validation_examples=5_000,
)
"""Inception without BN. Mini-batch, Dropout and LRN are the paper's; the other values are ours, set before any run."""

TEN_MODULES = BASELINE.replace(model="inception_bn", width=8, stem="small", learning_rate=TEN_MODULES_RATE)
"""The Baseline with the ten modules of the paper's appendix, an eighth as wide."""

BN_BASELINE = BASELINE.replace(normalization="batch")
"""BN before each nonlinearity, and nothing else changed."""

IMAGENET_STEPS = 31_000_000
"""Steps in which the paper's Inception gets to its best accuracy (Figure 3)."""

IMAGENET_EPOCH = 1_281_167 // 32
"""Steps in which every training image of ILSVRC 2012 is shown once."""

PAPER_RATES = (0.0015, 0.0075, 0.045)
"""Initial rates of Inception and BN-Baseline, BN-x5, BN-x30 (section 4.2.2)."""

IMAGENET = BASELINE.replace(
    task="imagenet",
    model="inception_bn",
    width=64,
    learning_rate=PAPER_RATES[0],
    rate_halvings=round(IMAGENET_STEPS / (8 * IMAGENET_EPOCH) * -math.log2(0.96), 2),
)
"""Inception at full size on ImageNet. The rate falls by 4% every 8 epochs, as Szegedy et al. 2014 write (section 6) of the net
that it is a variant of; what else the paper does not state is as in `BASELINE`.
"""

CHANGES = ("rate", "dropout", "weight_decay", "decay", "lrn", "shuffling", "distortion")
"""Section 4.2.1, in its order."""


def changed(config: RunConfig, *changes: str, factor: float = 5) -> RunConfig:
    """`config` with changes of section 4.2.1: each of `CHANGES`, or those named.

    Rate times `factor`; no Dropout; L2 weight / 5; decay 6 times faster; no LRN; the same examples never share a mini-batch
    again; photometric distortion halved. What a net does not have is not changed.
    """
    new = {
        "rate": {"learning_rate": config.optimizer.learning_rate * factor},
        "dropout": {"dropout": 0.0},
        "weight_decay": {"weight_decay": config.regularization.weight_decay / 5},
        "decay": {"rate_halvings": config.optimizer.rate_halvings * 6},
        "lrn": {"local_response_normalization": False},
        "shuffling": {"shuffling": "thorough"},
        "distortion": {"distortion": config.regularization.distortion / 2},
    }
    for change in changes or CHANGES:
        config = config.replace(**{name: value for name, value in new[change].items() if config.has(name)})
    return config


def arms(baseline: RunConfig) -> dict[str, RunConfig]:
    """The networks of Figures 2 and 3 by name; x5 and sigmoid without BN, which the text only mentions; and two that it lacks,
    with the changes of section 4.2.1 and without BN, at the Baseline's rate and at five times that.

    BN is read through population statistics, where the training examples are in memory.
    """
    inference = "moving" if baseline.task.streams else "population"
    with_bn = baseline.replace(normalization="batch", inference=inference)
    return {
        "baseline": baseline,
        "bn_baseline": with_bn,
        "bn_x5": changed(with_bn),
        "bn_x30": changed(with_bn, factor=30),
        "bn_x5_sigmoid": changed(with_bn).replace(activation="sigmoid"),
        "baseline_x5": changed(baseline, "rate"),
        "baseline_changed": changed(baseline, *(change for change in CHANGES if change != "rate")),
        "baseline_x5_changed": changed(baseline),
        "sigmoid": baseline.replace(activation="sigmoid"),
    }


PAPER_MODELS = {
    "baseline": "Inception",
    "bn_baseline": "BN-Baseline",
    "bn_x5": "BN-x5",
    "bn_x30": "BN-x30",
    "bn_x5_sigmoid": "BN-x5-Sigmoid",
}
"""What the paper's Figures 2 and 3 call an arm."""

BASELINE_ACCEPTS = ("batch_size", "learning_rate", "width", "task")
"""The fields of the Baseline that are parameters of its notebooks; `learning_rate` is the base rate."""


def baseline_of(preset: str, task: str = "") -> RunConfig:
    """The Baseline of a task at a preset: as it is, or for tests the narrowest net. That of ImageNet is the paper's own."""
    if task == IMAGENET.task.name:
        return IMAGENET.replace(width=4, image_size=64) if preset == "smoke" else IMAGENET
    return BASELINE.replace(width=4) if preset == "smoke" else BASELINE


def raced_of(preset: str, task: str = "") -> RunConfig:
    """The Baseline that Figures 2 and 3 are made with: of ten modules in the record, else `baseline_of`, for their time."""
    return TEN_MODULES if preset == "paper" and task != IMAGENET.task.name else baseline_of(preset, task)
