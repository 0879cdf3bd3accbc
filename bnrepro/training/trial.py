"""What a run takes on the device at hand, by a few of its steps, before all of them are waited for. Knows no plan, no record."""

import time
from dataclasses import dataclass

import numpy as np
import tensorflow as tf

from bnrepro.backend.keras_settings import default_settings
from bnrepro.config.run_config import RunConfig
from bnrepro.config.validation import ENGINES
from bnrepro.records.costs import evaluations
from bnrepro.tasks.image_stream import AHEAD
from bnrepro.training.streamed_run import EVALUATED_AT_ONCE, StreamedRun

STEPS = 3
"""Steps that are timed, after as many that are not."""


@dataclass(frozen=True)
class Trial:
    """What was found.

    Attributes:
        steps: That were timed.
        device: What the net runs on.
        parameters: Numbers that are trained.
        weight_bytes: Of all variables of the net and its optimizer, and a gradient of each parameter.
        activation_bytes: Of the outputs of all layers for a mini-batch, which the gradient needs. What a compiler saves of them,
            and what its operations need besides, is not in it.
        data_bytes: Of the mini-batches that lie ready.
        step_seconds: Of one step, reading included.
        evaluation_seconds: Of one evaluation.
    """

    steps: int
    device: str
    parameters: int
    weight_bytes: int
    activation_bytes: int
    data_bytes: int
    step_seconds: float
    evaluation_seconds: float

    def seconds(self, config: RunConfig) -> float:
        """About how long a run of this net takes."""
        evaluated = evaluations(config.steps, config.evaluate_every) + 1
        return config.steps * self.step_seconds + evaluated * self.evaluation_seconds


def trial(config: RunConfig) -> Trial:
    """Trains a net of a task that `streams` for a few steps on its real mini-batches, and evaluates it on a few images.

    Raises:
        UserError: The data are not there, or one of them cannot be read.
        MemoryError: The run does not fit here.
    """
    few = config.replace(steps=2 * STEPS, evaluate_every=STEPS, measurements="")
    asked = few["test_examples"] if few.has("test_examples") else 0
    if few.has("test_examples"):
        few = few.replace(test_examples=EVALUATED_AT_ONCE)
    try:
        run, train_seconds, one = _timed(few)
    except tf.errors.ResourceExhaustedError as error:
        raise MemoryError(error.message) from None
    model, stream = run.engine.model, run.stream
    total = min(asked or stream.test_total, stream.test_total)
    trained, kept = _numbers(model.trainable_variables), _numbers([*model.variables, *run.engine.optimizer.variables])
    outputs = [layer.output for layer in model.layers]
    return Trial(
        steps=STEPS,
        device=run.device,
        parameters=trained,
        weight_bytes=4 * (trained + kept),
        activation_bytes=4 * config.batch_size * sum(int(np.prod(output.shape[1:])) for output in outputs),
        data_bytes=4 * (AHEAD + 1) * config.batch_size * int(np.prod(stream.input_shape)),
        step_seconds=train_seconds / STEPS,
        evaluation_seconds=one * total / stream.test_examples,
    )


def _timed(config: RunConfig) -> tuple[StreamedRun, float, float]:
    """A run that is trained, and the seconds of its last chunk and of an evaluation."""
    with default_settings(ENGINES[config.engine]):
        run = StreamedRun(config)
        *_, (last,) = run.train()
        run.evaluate(["test"], None)  # compiles
        began = time.perf_counter()
        run.evaluate(["test"], None)
        return run, last.seconds, time.perf_counter() - began


def _numbers(variables) -> int:
    return sum(int(np.prod(variable.shape)) for variable in variables)
