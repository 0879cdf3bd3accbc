"""Mini-batches that are divided in two, evenly or not, and what one device makes of each. Knows no backend."""

from dataclasses import dataclass, field

import numpy as np

from bnrepro.layers import reference

EPSILON, MOMENTUM = 1e-3, 0.9
STATISTICS = ("moving_mean", "moving_variance")


@dataclass(frozen=True)
class Case:
    """A mini-batch of which the first part has `first` examples.

    Attributes:
        shape: Of the whole.
        first: Examples of the first part.
        axis: Of the features.
        masked: Whether some values do not count.
    """

    shape: tuple[int, ...]
    first: int
    axis: int = -1
    masked: bool = False
    options: dict = field(init=False)

    def __post_init__(self):
        object.__setattr__(self, "options", {"axis": self.axis, "momentum": MOMENTUM, "epsilon": EPSILON})

    @property
    def x(self) -> np.ndarray:
        return (1 + 2 * np.random.default_rng(0).standard_normal(self.shape)).astype("float32")

    @property
    def dy(self) -> np.ndarray:
        return np.random.default_rng(1).standard_normal(self.shape).astype("float32")

    @property
    def mask(self) -> np.ndarray | None:
        """By value of a feature; None where all count."""
        if not self.masked:
            return None
        return np.random.default_rng(2).random(np.delete(self.shape, self.axis)) < 0.6

    @property
    def weights(self) -> list[np.ndarray]:
        """gamma, beta, and both statistics."""
        generator = np.random.default_rng(3)
        return [generator.uniform(0.5, 1.5, self.shape[self.axis]).astype("float32") for _ in range(4)]

    def parts(self, name: str) -> list[np.ndarray] | None:
        """`x`, `dy` or `mask` in two."""
        whole = getattr(self, name)
        return None if whole is None else [whole[: self.first], whole[self.first :]]

    def padded(self, name: str) -> np.ndarray:
        """`x`, `dy` or `mask`, each part with as many examples as the larger one, of which those that are added are masked."""
        parts = self.parts(name) or [np.ones(np.delete(part.shape, self.axis), bool) for part in self.parts("x")]
        size = max(map(len, parts))
        fill = 7.0 if name == "x" else 0
        return np.concatenate(
            [np.pad(part, [(0, size - len(part))] + [(0, 0)] * (part.ndim - 1), constant_values=fill) for part in parts]
        )

    def is_real(self) -> np.ndarray:
        """Which examples of what was padded are none that were added."""
        sizes = self.first, self.shape[0] - self.first
        return np.concatenate([np.arange(max(sizes)) < size for size in sizes])

    def expected(self) -> dict[str, np.ndarray]:
        """Section 3 on the whole mini-batch, in float64."""
        gamma, beta, old_mean, old_variance = self.weights
        mask = None
        if self.masked:
            mask = np.broadcast_to(np.expand_dims(self.mask, self.axis), self.shape)
        y, mean, variance = reference.algorithm_1(self.x, gamma, beta, self.axis, EPSILON, mask)
        dx, d_gamma, d_beta = reference.gradients(self.dy, self.x, gamma, self.axis, EPSILON, mask)
        m = reference.count(self.shape, self.axis) if mask is None else reference.rows(mask, self.axis).sum(0)
        moved = (
            reference.moving(old_mean, mean, MOMENTUM),
            reference.moving(old_variance, variance * m / (m - 1), MOMENTUM),
        )
        return {"y": y, "dx": dx, "d_gamma": d_gamma, "d_beta": d_beta, **dict(zip(STATISTICS, moved))}


CASES = {
    "even": Case((8, 3), first=4),
    "the last mini-batch": Case((8, 3), first=5),
    "nothing for the second": Case((6, 3), first=6),
    "masked": Case((9, 3), first=5, masked=True),
    "images": Case((5, 4, 4, 3), first=3),
    "channels first": Case((5, 3, 4, 4), first=2, axis=1),
}
