"""What a run is: `RunConfig`, frozen and validated, and its id. Knows no path, no Keras and no table."""

import dataclasses
import functools
import hashlib
import json
import math
from dataclasses import dataclass

from bnrepro.config.validation import ANY, FRACTION, NOT_NEGATIVE, POSITIVE, Rule, at_least, check_type, one_of
from bnrepro.errors import UserError, unknown

TRAINING_EXAMPLES = {"mnist": 60_000, "fashion_mnist": 60_000, "cifar10": 50_000}
"""The data sets, and how many examples each has to train on."""

TEST_EXAMPLES = 10_000
"""How many test examples each data set has."""

PROBES = (
    *("gradients", "geometry", "mates", "probabilities"),
    *("modes", "statistics", "shift", "sampling", "cost"),
)
"""What can be measured in a run besides loss and accuracy."""

_UP_TO_ALL: Rule = (lambda value: 0 <= value <= TEST_EXAMPLES), f"is from 0 to {TEST_EXAMPLES}"


def _field(default, rule: Rule, help: str):
    return dataclasses.field(default=default, metadata={"rule": rule, "help": help})


@dataclass(frozen=True, kw_only=True)
class RunConfig:
    """One training run, whole: whoever has this has the run. The defaults are the net and protocol of section 4.1.

    `initial_std`, `learning_rate` and `pixels` are not stated in the paper; the defaults were calibrated on the arm
    without BN alone (notebook 01), then frozen. Fields that cannot change a number (device, paths, workers) are not here.

    Raises:
        UserError: A value of the wrong type or out of range.
    """

    dataset: str = _field("mnist", one_of(*TRAINING_EXAMPLES), "the data")
    pixels: str = _field("nonzero", one_of("grey", "binary", "nonzero"), "grey, 1 above half, or 1 above zero")
    train_examples: int = _field(0, NOT_NEGATIVE, "training examples used; 0 means all")
    shuffled_labels: bool = _field(False, ANY, "training labels permuted, a control")
    model: str = _field("mlp", one_of("mlp", "inception_small"), "the architecture")
    hidden_layers: int = _field(3, at_least(1), "hidden layers")
    hidden_units: int = _field(100, at_least(1), "units in each hidden layer")
    activation: str = _field("sigmoid", one_of("sigmoid", "relu", "tanh"), "the nonlinearity")
    normalization: str = _field(
        "none",
        one_of("none", "batch", "renorm", "off", "population", "noise"),
        "the arm; renorm: Batch Renormalization; off: BN in place but switched off; population: running statistics while "
        "training too; noise: those, with noise as large as a mini-batch's",
    )
    epsilon: float = _field(1e-3, POSITIVE, "added to the variance")
    momentum: float = _field(0.99, FRACTION, "weight of the old value in the running statistics")
    initial_std: float = _field(0.05, NOT_NEGATIVE, "standard deviation of the kernels at the start")
    learning_rate: float = _field(0.1, POSITIVE, "of stochastic gradient descent, at the start")
    batch_size: int = _field(60, at_least(2), "examples in a mini-batch")
    steps: int = _field(50_000, at_least(1), "training steps")
    evaluate_every: int = _field(500, at_least(1), "steps between evaluations")
    seed: int = _field(0, NOT_NEGATIVE, "fixes initial kernels and batch order, alike in all arms")
    width: int = _field(16, at_least(4), "channels after the stem of inception_small; its other widths follow")
    initializer: str = _field(
        "gaussian",
        one_of("gaussian", "he", "glorot", "orthogonal", "constant"),
        "kernels at the start; he: std sqrt(2 / inputs) in place of initial_std; constant: all are initial_std",
    )
    initial_gain: float = _field(1.0, POSITIVE, "factor on the kernels at the start")
    sgd_momentum: float = _field(0.0, FRACTION, "of stochastic gradient descent")
    rate_halvings: float = _field(0.0, NOT_NEGATIVE, "how often the rate halves over the run, exponentially")
    weight_decay: float = _field(0.0, NOT_NEGATIVE, "L2 weight: this / 2 times the squared kernels joins the loss")
    dropout: float = _field(0.0, FRACTION, "share dropped before the softmax; in the mlp after each nonlinearity")
    local_response_normalization: bool = _field(False, ANY, "after the stem of inception_small")
    distortion: float = _field(0.0, FRACTION, "photometric: brightness and contrast vary by up to this share")
    shuffling: str = _field(
        "epoch",
        one_of("epoch", "fixed", "thorough"),
        "mini-batches drawn anew each epoch; always the same; never two examples together twice",
    )
    validation_examples: int = _field(
        0, NOT_NEGATIVE, "training examples held out and evaluated on instead of the test set"
    )
    fit_examples: int = _field(0, NOT_NEGATIVE, "training examples evaluated on too, in inference mode")
    probe: str = _field("", one_of("", *PROBES), "what else is measured; see data/README.md")
    initial_mean: float = _field(0.0, ANY, "mean of the kernels at the start, in their standard deviations")
    ghost_size: int = _field(0, NOT_NEGATIVE, "examples that BN normalizes together; 0 means the whole mini-batch")
    dropout_place: str = _field(
        "after",
        one_of("before", "after", "last"),
        "in the mlp: right before each normalization, after each nonlinearity, or after the last nonlinearity alone",
    )
    weight_decay_on: str = _field(
        "hidden",
        one_of("hidden", "kernels", "all"),
        "what decays: the hidden kernels; all kernels; all kernels, biases, gamma and beta",
    )
    matched_decay: float = _field(
        0.0, NOT_NEGATIVE, "nothing decays, but the rate of the hidden kernels grows as this L2 weight would raise it"
    )
    test_examples: int = _field(0, _UP_TO_ALL, "test examples evaluated on, the first ones; 0 means all")
    compiler: str = _field(
        "auto",
        one_of("auto", "xla", "graph"),
        "of the net; auto: XLA or TensorFlow's graph, whichever is faster in a long run",
    )

    def __post_init__(self):
        for field in dataclasses.fields(self):
            value = check_type(field.name, getattr(self, field.name), field.type)
            accepted, text = field.metadata["rule"]
            if not accepted(value):
                raise UserError(f"{field.name} {text}: got {value!r}; change {field.name}")
            object.__setattr__(self, field.name, value)
        whole = TRAINING_EXAMPLES[self.dataset]
        if self.train_examples > whole:
            raise UserError(
                f"train_examples is at most {whole} for {self.dataset}: got {self.train_examples}; lower it"
            )
        if max(self.train_examples, 1) + self.validation_examples > whole:
            raise UserError(
                f"training and validation share the {whole} training examples of {self.dataset}: got "
                f"{self.train_examples} and {self.validation_examples}; lower one of them"
            )
        used = self.train_examples or whole - self.validation_examples
        if self.batch_size > used:
            raise UserError(f"batch_size is at most the {used} training examples: got {self.batch_size}; lower it")
        if self.ghost_size and (self.ghost_size < 2 or self.batch_size % self.ghost_size):
            raise UserError(
                f"ghost_size is 2 or more and divides the mini-batch of {self.batch_size}: got {self.ghost_size}; "
                "change one of them"
            )
        if self.matched_decay and (self.weight_decay or self.sgd_momentum or self.rate_halvings):
            raise UserError(
                "matched_decay stands for weight_decay in plain gradient descent at a constant rate: got it with "
                f"weight_decay {self.weight_decay:g}, sgd_momentum {self.sgd_momentum:g}, rate_halvings "
                f"{self.rate_halvings:g}; leave those at 0"
            )
        columns = largest_prime(used // self.batch_size)
        if self.shuffling == "thorough" and not (self.batch_size <= columns and self.steps <= columns**2):
            raise UserError(
                f"thorough shuffling keeps {used} examples in mini-batches of {self.batch_size} apart for "
                f"{columns**2 if self.batch_size <= columns else 0} steps: got {self.steps}; lower batch_size or steps"
            )

    @functools.cached_property
    def id(self) -> str:
        """A readable slug and a hash of the fields that differ from their defaults."""
        changed = {name: value for name, value in self.as_dict().items() if value != _DEFAULTS[name]}
        digest = hashlib.sha256(json.dumps(changed, sort_keys=True).encode()).hexdigest()[:10]
        return f"{self.dataset}-{self.model}-{self.normalization}-{self.seed}-{digest}"

    @functools.cached_property
    def program(self) -> "RunConfig":
        """The config with all at its default that a compiled net does not depend on: one engine serves them all."""
        # The net that adds noise knows the size of its mini-batch; ghost batches need one that they divide.
        size = self.batch_size if self.normalization == "noise" else self.ghost_size or _DEFAULTS["batch_size"]
        return self.replace(batch_size=size, **{name: _DEFAULTS[name] for name in _NOT_IN_PROGRAM})

    def as_dict(self) -> dict:
        """The fields in their order."""
        return {name: getattr(self, name) for name in _DEFAULTS}

    def replace(self, **changes) -> "RunConfig":
        """The same run with some fields changed; an unknown name raises `UserError`."""
        for name in changes:
            if name not in _DEFAULTS:
                raise unknown("field", name, _DEFAULTS)
        return dataclasses.replace(self, **changes)


_NOT_IN_PROGRAM = (
    *("dataset", "pixels", "train_examples", "shuffled_labels", "validation_examples", "fit_examples", "shuffling"),
    *(
        "test_examples",
        "initializer",
        "initial_std",
        "initial_gain",
        "initial_mean",
        "learning_rate",
        "rate_halvings",
        "steps",
        "evaluate_every",
        "seed",
        "probe",
    ),
)

_DEFAULTS = {field.name: field.default for field in dataclasses.fields(RunConfig)}


def largest_prime(limit: int) -> int:
    """The largest prime number up to `limit`, 1 where there is none."""
    primes = (number for number in range(limit, 1, -1) if all(number % one for one in range(2, math.isqrt(number) + 1)))
    return next(primes, 1)
