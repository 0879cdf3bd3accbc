"""The optimizer and its learning rate, as a part of a run. Knows no net and no data."""

from dataclasses import dataclass
from typing import ClassVar

from bnrepro.config.component import Component, field
from bnrepro.config.registry import register
from bnrepro.config.validation import FRACTION, NOT_NEGATIVE, POSITIVE
from bnrepro.errors import UserError


@dataclass(frozen=True, kw_only=True)
class Optimizer(Component):
    """A rule of descent, at a rate that may fall exponentially over the run."""

    kind: ClassVar[str] = "optimizer"

    learning_rate: float = field(0.1, POSITIVE, "at the start", compiled=False)
    rate_halvings: float = field(
        0.0, NOT_NEGATIVE, "how often the rate halves over the run, exponentially", compiled=False
    )

    def build(self, rate, model):
        """A Keras optimizer.

        Args:
            rate: The learning rate as a Keras schedule, whose numbers are those of each run; one program serves them all.
            model: What is trained.
        """
        raise NotImplementedError

    def rate_of(self, optimizer) -> float:
        """The rate of the hidden kernels at the next step of an optimizer that `build` made."""
        return float(optimizer.learning_rate)


@register("optimizer", "sgd")
class SGD(Optimizer):
    """Stochastic gradient descent, with momentum or with the rate that does what weight decay would."""

    sgd_momentum: float = field(0.0, FRACTION, "weight of the old step")
    matched_decay: float = field(
        0.0, NOT_NEGATIVE, "nothing decays, but the rate of the hidden kernels grows as this L2 weight would raise it"
    )

    def check(self, config) -> None:
        weight_decay = config.regularization.values().get("weight_decay", 0.0)
        if self.matched_decay and (weight_decay or self.sgd_momentum or self.rate_halvings):
            raise UserError(
                "matched_decay stands for weight_decay in plain gradient descent at a constant rate: got it with "
                f"weight_decay {weight_decay:g}, sgd_momentum {self.sgd_momentum:g}, rate_halvings "
                f"{self.rate_halvings:g}; leave those at 0"
            )

    def build(self, rate, model):
        import keras

        from bnrepro.training.schedules import MatchedSGD

        if not self.matched_decay:
            return keras.optimizers.SGD(rate, momentum=self.sgd_momentum)
        *hidden, _ = (layer.kernel for layer in model.layers if hasattr(layer, "kernel"))
        return MatchedSGD(rate, self.matched_decay, hidden)

    def rate_of(self, optimizer) -> float:
        return optimizer.grown_rate() if self.matched_decay else super().rate_of(optimizer)
