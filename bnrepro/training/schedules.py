"""The learning rate over a run, as a Keras schedule whose numbers can be set, so that one program serves every rate; and the
rate that does what weight decay does to a scale-invariant weight.
"""

import math

import keras
from keras import ops


class HalvingRate(keras.optimizers.schedules.LearningRateSchedule):
    """`rate(step) = start 2^(-halvings step / steps)`, exponential decay; constant with 0 halvings.

    Its three numbers are variables: a compiled training step reads them anew.
    """

    def __init__(self):
        super().__init__()
        self._start, self._halvings, self._steps = (
            keras.Variable(value, dtype="float32", trainable=False) for value in (0.0, 0.0, 1.0)
        )

    @property
    def variables(self) -> list[keras.Variable]:
        """The three numbers: what a run's rate depends on besides its step."""
        return [self._start, self._halvings, self._steps]

    def set(self, start: float, halvings: float, steps: int) -> None:
        """Sets the numbers for the next run."""
        for variable, value in zip(self.variables, (start, halvings, steps)):
            variable.assign(value)

    def __call__(self, step):
        done = ops.cast(step, "float32") / self._steps
        return self._start * ops.power(2.0, -self._halvings * done)


class MatchedSGD(keras.optimizers.SGD):
    """Gradient descent in which the rate of some variables grows as weight decay would raise their effective rate.

    With L2 weight d and a constant rate r, `w_{t+1} = (1 - r d) w_t - r g(w_t)`. Where the loss does not depend on the scale of
    w, `g(c w) = g(w) / c`, and `v_t = w_t / (1 - r d)^t` follows, with no decay at all,

        v_{t+1} = v_t - r (1 - r d)^-(2 t + 1) g(v_t)

    so both nets compute the same at every step. With BN that is so, as epsilon -> 0, for kernels before it.

    Args:
        learning_rate: r, a number or a schedule.
        decay: d.
        variables: Those that v stands for; all others keep the rate r.

    References:
        van Laarhoven 2017, *L2 regularization versus batch and weight normalization*, section 3 (arXiv:1706.05350).
        Li and Arora 2020, *An exponential learning rate schedule for deep learning*, theorem 2.1 (arXiv:1910.07454).
    """

    def __init__(self, learning_rate, decay, variables):
        super().__init__(learning_rate)
        self.decay, self._grown = decay, {variable.path for variable in variables}

    def update_step(self, gradient, variable, learning_rate):
        index = self._get_variable_index(variable)
        grown = self._trainable_variables[index].path in self._grown
        super().update_step(gradient, variable, learning_rate * self._growth(learning_rate) if grown else learning_rate)

    def grown_rate(self) -> float:
        """The rate of those variables at the next step."""
        rate = float(self.learning_rate)
        return rate * math.exp(self._exponent(rate))

    def _growth(self, rate):
        return ops.exp(-(2 * ops.cast(self.iterations, "float32") + 1) * ops.log1p(-rate * self.decay))

    def _exponent(self, rate: float) -> float:
        return -(2 * int(self.iterations) + 1) * math.log1p(-rate * self.decay)
