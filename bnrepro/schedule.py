"""The learning rate over a run, as a Keras schedule whose numbers can be set, so that one program serves every rate."""

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

    def set(self, start: float, halvings: float, steps: int) -> None:
        """Sets the numbers for the next run."""
        for variable, value in ((self._start, start), (self._halvings, halvings), (self._steps, steps)):
            variable.assign(value)

    def __call__(self, step):
        done = ops.cast(step, "float32") / self._steps
        return self._start * ops.power(2.0, -self._halvings * done)
