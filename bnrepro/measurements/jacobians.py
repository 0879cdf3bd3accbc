"""Singular values of layer Jacobians and the invariances of section 3.3, measured in a run, like `gradients`. Knows no figure."""

import contextlib
from collections.abc import Iterator

import keras
import numpy as np
from keras import ops

from bnrepro.backend.differentiation import slopes
from bnrepro.layers.batch_normalization import BatchNormalization
from bnrepro.measurements.gradients import Gradients

SCALES = (0.125, 0.5, 2.0, 8.0, 64.0)
"""Factors a on the weights for which BN((aW)u) = BN(Wu) is measured: powers of two, which round nothing away."""

PERCENTILES = (5, 25, 50, 75, 95)
"""Of the singular values."""

JACOBIAN_EXAMPLES = 3
"""Examples at which a Jacobian is taken."""

LARGEST_JACOBIAN = 2_100
"""Inputs of the largest Jacobian; wider layers are left out, for the cost of its singular values grows with the cube."""


class Geometry(Gradients):
    """Those, and at the first and the last evaluation the singular values of layer Jacobians; at the last the invariances."""

    def __init__(self, *args):
        super().__init__(*args)
        self.rows["invariances"] = []

    def measure(self, step: int, rate: float, last: bool) -> None:
        super().measure(step, rate, last)
        if step == 0 or last:
            for branch, values in self._singular_values():
                row = (step, branch)
                for percentile, value in zip(PERCENTILES, np.percentile(values, PERCENTILES)):
                    self.rows["geometry"].append((*row, f"singular_value_p{percentile:02}", value))
                self.rows["geometry"].append((*row, "isometry_error", np.abs(np.log10(values)).mean()))
        if last and any(isinstance(layer, BatchNormalization) for layer in self.model.layers):
            self.rows["invariances"] = list(self._measure_invariances())

    def _singular_values(self) -> Iterator[tuple[str, np.ndarray]]:
        """By double 3x3 branch, the singular values of the map from one nonlinearity's input to the next one's.

        At inference that map is `A f(z) + b`, so its Jacobian is A with each column times `f'(z)`. Inputs at which a ReLU is
        shut have a column of zeros, and are left out; a singular value of 0 counts as the smallest number there is.
        """
        activations = [layer for layer in self.model.layers if layer.name.endswith("_double_1_activation")]
        for first in activations:
            branch = first.name.removesuffix("_1_activation")
            if np.prod(first.input.shape[1:]) > LARGEST_JACOBIAN:
                continue
            second = self.model.get_layer(f"{branch}_2_activation")
            z = keras.Model(self.model.inputs, first.input)(self.x[:JACOBIAN_EXAMPLES], training=False)
            by_example = ops.convert_to_numpy(slopes(first.activation, z)).reshape(len(z), -1)
            linear = _matrix(keras.Model(first.output, second.input), first.output.shape[1:])
            found = [
                np.linalg.svd(linear[:, slope != 0] * slope[slope != 0], compute_uv=False)
                for slope in by_example
                if slope.any()
            ]
            if found and np.isfinite(values := np.concatenate(found)).all():
                yield branch, np.maximum(values, np.finfo("float32").tiny)

    def _measure_invariances(self) -> Iterator[tuple[float, str, float, float]]:
        """By scale, how much logits and gradients change, and what of it is left where epsilon is divided by its square too.

        `BN((aW)u)` with epsilon is `BN(Wu)` with `epsilon / a^2`, exactly. Of kernels with nothing between them, as those of a
        separable convolution, the last is W.
        """
        before = self._pass()
        for scale in SCALES:
            with self._changed(scale, 1.0):
                logits, gradients = self._pass()
            factors = self._factors(scale)
            scaled = logits, [factor * gradient for factor, gradient in zip(factors, gradients)]
            with self._changed(1.0, scale**-2):
                exact = self._pass()
            yield scale, "logits", _difference(scaled[0], exact[0]), _difference(scaled[0], before[0])
            errors, changes = (
                max(_difference(one, other) for one, other in zip(scaled[1], reference[1]))
                for reference in (exact, before)
            )
            yield scale, "gradient", errors, changes

    @contextlib.contextmanager
    def _changed(self, scale: float, epsilon_factor: float):
        """The model with its hidden kernels and its epsilons multiplied, for a while."""
        kernels = [ops.convert_to_numpy(layer.kernel.value) for layer in self.layers]
        norms = [layer for layer in self.model.layers if isinstance(layer, BatchNormalization)]
        epsilons = [layer.epsilon for layer in norms]
        try:
            for layer, kernel, factor in zip(self.layers, kernels, self._factors(scale)):
                layer.kernel.assign(factor * kernel)
            for layer, epsilon in zip(norms, epsilons):
                layer.epsilon = epsilon_factor * epsilon
            yield
        finally:
            for layer, kernel in zip(self.layers, kernels):
                layer.kernel.assign(kernel)
            for layer, epsilon in zip(norms, epsilons):
                layer.epsilon = epsilon

    def _factors(self, scale: float) -> list[float]:
        """By hidden kernel what it is multiplied with: `scale`, or 1 where another kernel follows at once."""
        followed = [any(hasattr(node.operation, "kernel") for node in layer._outbound_nodes) for layer in self.layers]
        return [1.0 if one else scale for one in followed]


def _matrix(model: keras.Model, shape: tuple[int, ...]) -> np.ndarray:
    """The matrix of an affine model's linear part, `(outputs, inputs)`."""
    inputs = np.prod(shape)
    basis = ops.reshape(ops.eye(int(inputs)), (-1, *shape))
    columns = model(basis, training=False) - model(ops.zeros((1, *shape)), training=False)
    return ops.convert_to_numpy(columns).reshape(inputs, -1).T


def _difference(one, other) -> float:
    """The largest difference, relative to the largest value of the second."""
    return float(ops.max(ops.abs(one - other)) / ops.max(ops.abs(other)))
