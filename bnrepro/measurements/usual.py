"""The measurements of this package by their names. Knows how each is begun, and nothing of how it is done."""

from dataclasses import dataclass
from typing import ClassVar

from bnrepro.config.registry import register
from bnrepro.config.validation import ENGINES
from bnrepro.measurements.base import Measurement, Observed, Observer


@register("measurement", "gradients")
class OfGradients(Measurement):
    """Norms of weights and gradients."""

    engines = tuple(ENGINES)
    of_few_examples = True

    def begin(self, run: Observed) -> Observer:
        from bnrepro.measurements.gradients import Gradients

        return Gradients(run.model, run.loss, *run.splits["train"])


@register("measurement", "geometry")
class OfGeometry(Measurement):
    """Those, singular values of layer Jacobians, and the invariances of section 3.3."""

    engines = tuple(ENGINES)
    of_few_examples = True

    def begin(self, run: Observed) -> Observer:
        from bnrepro.measurements.jacobians import Geometry

        return Geometry(run.model, run.loss, *run.splits["train"])


@register("measurement", "one_step")
class OfOneStep(Measurement):
    """What one step along a mini-batch's own gradient does, of all weights and of some of them alone."""

    engines = tuple(ENGINES)
    of_few_examples = True

    def begin(self, run: Observed) -> Observer:
        from bnrepro.measurements.one_step import OneStep

        return OneStep(run.model, run.loss, *run.splits["train"], run.config.batch_size)


@register("measurement", "mates")
class OfMates(Measurement):
    """How much outputs vary with the other examples of a mini-batch."""

    def begin(self, run: Observed) -> Observer:
        from bnrepro.measurements.batch_dependence import Mates

        return Mates(run.model, run.splits["train"][0], run.config.seed)


@register("measurement", "probabilities")
class OfProbabilities(Measurement):
    """The class probabilities of the test set."""

    def begin(self, run: Observed) -> Observer:
        from bnrepro.measurements.class_probabilities import Probabilities

        return Probabilities(run.model, *run.splits["test"])


@dataclass(frozen=True, kw_only=True)
class _AtInference(Measurement):
    """What a net with BN says with one choice of statistics or another."""

    observer: ClassVar[str]

    def begin(self, run: Observed) -> Observer:
        from bnrepro.measurements import normalization_statistics

        observer = getattr(normalization_statistics, self.observer)
        return observer(run.config, run.model, run.loss, run.splits["train"], run.splits["test"])


@register("measurement", "modes")
class OfModes(_AtInference):
    """The test set with the statistics that the run is evaluated with and with those of its own mini-batches."""

    observer = "Modes"


@register("measurement", "statistics")
class OfStatistics(_AtInference):
    """Every choice of statistics, on the test set and on shifted data."""

    observer = "Statistics"


@register("measurement", "shift")
class OfShift(_AtInference):
    """What Dropout does to the variances that BN sees."""

    observer = "Shift"


@register("measurement", "sampling")
class OfSampling(_AtInference):
    """How far the statistics of a mini-batch lie from the population's."""

    observer = "Sampling"


@register("measurement", "sampling_at_inference")
class OfSamplingAtInference(_AtInference):
    """The same where the layers below normalize with the population's, so that its examples are independent in every layer."""

    observer = "SamplingAtInference"


@register("measurement", "cost")
class OfCost(Measurement):
    """Time and memory, which every run's provenance has, without what evaluation needs of them."""

    alone = True
    of_few_examples = True

    def begin(self, run: Observed) -> None:
        return None
