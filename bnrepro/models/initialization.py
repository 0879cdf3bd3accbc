"""Kernels at the start, as a part of a run, in NumPy. Knows no net and no Keras."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from bnrepro.config.component import Component, field
from bnrepro.config.registry import register
from bnrepro.config.validation import ANY, NOT_NEGATIVE, POSITIVE


@dataclass(frozen=True, kw_only=True)
class Initialization(Component):
    """A rule for kernels, of shape `(..., inputs, outputs)`."""

    kind: ClassVar[str] = "initialization"

    initial_gain: float = field(1.0, POSITIVE, "factor on the kernels at the start", compiled=False)
    initial_mean: float = field(
        0.0, ANY, "mean of the kernels at the start, in their standard deviations", compiled=False
    )

    def start(self, noise: np.ndarray) -> tuple[np.ndarray, float]:
        """A kernel and its standard deviation, from standard normal noise of its shape."""
        raise NotImplementedError

    def kernel(self, noise: np.ndarray) -> np.ndarray:
        """`gain (start + std mean)` in float32."""
        start, std = self.start(noise)
        start = start + std * self.initial_mean if self.initial_mean else start
        return (self.initial_gain * start).astype("float32")


@dataclass(frozen=True, kw_only=True)
class _WithStd(Initialization):
    initial_std: float = field(0.05, NOT_NEGATIVE, "standard deviation of the kernels at the start", compiled=False)


@register("initialization", "gaussian")
class Gaussian(_WithStd):
    """Gaussian values of one standard deviation in every layer."""

    def start(self, noise: np.ndarray) -> tuple[np.ndarray, float]:
        return self.initial_std * noise, self.initial_std


@register("initialization", "constant")
class Constant(_WithStd):
    """All values are `initial_std`, so that all units of a layer stay alike."""

    def start(self, noise: np.ndarray) -> tuple[np.ndarray, float]:
        return np.full(noise.shape, self.initial_std), self.initial_std


@register("initialization", "he")
class He(Initialization):
    """Gaussian of standard deviation sqrt(2 / inputs) (He et al. 2015)."""

    def start(self, noise: np.ndarray) -> tuple[np.ndarray, float]:
        std = np.sqrt(2 / np.prod(noise.shape[:-1]))
        return std * noise, std


@register("initialization", "glorot")
class Glorot(Initialization):
    """Gaussian of standard deviation sqrt(2 / (inputs + outputs)) (Glorot and Bengio 2010)."""

    def start(self, noise: np.ndarray) -> tuple[np.ndarray, float]:
        std = np.sqrt(2 / (noise.size / noise.shape[-1] + noise.size / noise.shape[-2]))
        return std * noise, std


@register("initialization", "orthogonal")
class Orthogonal(Initialization):
    """The orthonormal columns, or rows if they are fewer, nearest in order to those of the noise (Saxe et al. 2014)."""

    def start(self, noise: np.ndarray) -> tuple[np.ndarray, float]:
        matrix = noise.reshape(-1, noise.shape[-1])
        tall = matrix if len(matrix) >= matrix.shape[1] else matrix.T
        q, r = np.linalg.qr(tall)
        q = q * np.sign(np.diag(r))
        return (q if tall is matrix else q.T).reshape(noise.shape), len(tall) ** -0.5
