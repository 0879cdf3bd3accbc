"""What stands before each nonlinearity, as a part of a run: none, Batch Normalization, its variants. Knows no net."""

from dataclasses import dataclass
from typing import Any, ClassVar

from bnrepro.config.component import Component, field
from bnrepro.config.registry import register
from bnrepro.config.validation import FRACTION, NOT_NEGATIVE, POSITIVE, one_of
from bnrepro.errors import UserError

RENORM_CLIPPING = {"rmax": 3.0, "rmin": 1 / 3, "dmax": 5.0}
"""The limits that Ioffe 2017 ends with (section 4.1); the paper widens them over training, here they hold from the start."""


POPULATION_BATCHES, POPULATION_EXAMPLES = 100, 6_400
"""Training mini-batches over which Algorithm 2 takes its expectations: so many, or those of so many examples if that is more."""


@dataclass(frozen=True, kw_only=True)
class Normalization(Component):
    """A normalization.

    Attributes:
        use_bias: Whether the layers before it keep their bias, which it does not take away.
    """

    kind: ClassVar[str] = "normalization"
    use_bias: ClassVar[bool] = False

    def layer(self, name: str, batch_size: int, **regularizers):
        """A Keras layer of that name, or None for none.

        Args:
            name: Of the layer.
            batch_size: Examples in a mini-batch while training.
            regularizers: `gamma_regularizer` and `beta_regularizer` where scale and shift decay.
        """
        raise NotImplementedError

    def inference_batches(self, batch_size: int) -> int:
        """Training mini-batches whose statistics a net is evaluated with; 0 means what its layers keep."""
        return 0

    def compiled_for(self, batch_size: int) -> int:
        """A mini-batch that stands for all those that the same compiled net serves; one that knows its size has its own."""
        return 2


@register("normalization", "none")
class NoNormalization(Normalization):
    """Nothing."""

    use_bias = True

    def layer(self, name: str, batch_size: int, **regularizers) -> None:
        return None


@dataclass(frozen=True, kw_only=True)
class _OfTheBatch(Normalization):
    """What all variants of Batch Normalization have in common."""

    epsilon: float = field(1e-3, POSITIVE, "added to the variance")
    momentum: float = field(0.99, FRACTION, "weight of the old value in the running statistics")

    def options(self, name: str, regularizers: dict) -> dict[str, Any]:
        return {"momentum": self.momentum, "epsilon": self.epsilon, "name": name, **regularizers}


@dataclass(frozen=True, kw_only=True)
class _ReadAsAsked(_OfTheBatch):
    """What variants have in common that are evaluated with running averages or with population statistics."""

    inference: str = field(
        "moving",
        one_of("moving", "population"),
        "what the net is evaluated with: running averages, or the population statistics of Algorithm 2",
        compiled=False,
    )

    def inference_batches(self, batch_size: int) -> int:
        return max(POPULATION_BATCHES, -(-POPULATION_EXAMPLES // batch_size)) if self.inference == "population" else 0


@register("normalization", "batch")
class BatchNorm(_ReadAsAsked):
    """Batch Normalization, over the whole mini-batch or over ghost batches."""

    ghost_size: int = field(0, NOT_NEGATIVE, "examples that BN normalizes together; 0 means the whole mini-batch")

    def check(self, config) -> None:
        if self.ghost_size and (self.ghost_size < 2 or config.batch_size % self.ghost_size):
            raise UserError(
                f"ghost_size is 2 or more and divides the mini-batch of {config.batch_size}: got {self.ghost_size}; "
                "change one of them"
            )

    def compiled_for(self, batch_size: int) -> int:
        return self.ghost_size or super().compiled_for(batch_size)

    def layer(self, name: str, batch_size: int, **regularizers):
        from bnrepro.layers.batch_normalization import BatchNormalization
        from bnrepro.layers.variants import GhostBatchNormalization

        options = self.options(name, regularizers)
        return GhostBatchNormalization(self.ghost_size, **options) if self.ghost_size else BatchNormalization(**options)


@register("normalization", "renorm")
class BatchRenorm(_OfTheBatch):
    """Batch Renormalization (Ioffe 2017)."""

    def layer(self, name: str, batch_size: int, **regularizers):
        from bnrepro.layers.batch_normalization import BatchNormalization

        renorm = {"renorm": True, "renorm_clipping": RENORM_CLIPPING, "renorm_momentum": self.momentum}
        return BatchNormalization(**self.options(name, regularizers), **renorm)


@register("normalization", "off")
class SwitchedOff(_OfTheBatch):
    """BN in place but the identity, for good: a control."""

    use_bias = True

    def layer(self, name: str, batch_size: int, **regularizers):
        from bnrepro.layers.batch_normalization import BatchNormalization

        # With its starting values, trainable=False makes BN (x - 0) / sqrt(1 + epsilon) * 1 + 0: the identity at epsilon 0.
        return BatchNormalization(**self.options(name, regularizers) | {"epsilon": 0.0, "trainable": False})


@register("normalization", "population")
class PopulationNorm(_OfTheBatch):
    """Running statistics while training too."""

    def layer(self, name: str, batch_size: int, **regularizers):
        from bnrepro.layers.variants import PopulationNormalization

        return PopulationNormalization(0, **self.options(name, regularizers))


@register("normalization", "noise")
class NoisyPopulationNorm(_OfTheBatch):
    """Running statistics while training too, with noise as large as a mini-batch's."""

    def compiled_for(self, batch_size: int) -> int:
        return batch_size

    def layer(self, name: str, batch_size: int, **regularizers):
        from bnrepro.layers.variants import PopulationNormalization

        return PopulationNormalization(batch_size, **self.options(name, regularizers))


@register("normalization", "kept")
class PopulationNormWithGradient(_ReadAsAsked):
    """Running statistics while training too, with the gradient that BN has through the mini-batch's, with noise or without."""

    noise_size: int = field(
        0, NOT_NEGATIVE, "examples of the mini-batches whose noise is added, to each such part its own; 0 means none"
    )

    def check(self, config) -> None:
        if self.noise_size and config.batch_size % self.noise_size:
            raise UserError(
                f"noise_size divides the mini-batch of {config.batch_size}: got {self.noise_size}; change one of them"
            )

    def compiled_for(self, batch_size: int) -> int:
        return self.noise_size or super().compiled_for(batch_size)

    def layer(self, name: str, batch_size: int, **regularizers):
        from bnrepro.layers.variants import PopulationNormalization

        options = self.options(name, regularizers)
        return PopulationNormalization(self.noise_size, gradient="kept", apart=True, **options)
