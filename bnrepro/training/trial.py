"""What a run takes on the device at hand, by a few of its steps, before all of them are waited for. Knows no plan, no record."""

import time

import numpy as np
import tensorflow as tf

from bnrepro.backend.keras_settings import default_settings
from bnrepro.config.run_config import RunConfig
from bnrepro.config.validation import ENGINES
from bnrepro.tasks.image_stream import AHEAD
from bnrepro.training.streamed_run import EVALUATED_AT_ONCE, StreamedRun
from bnrepro.training.tried import Trial

STEPS = 3
"""Steps that are timed, after as many that are not."""


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
