"""Keras models from descriptions: sequential, functional, nested, shared, subclassed. Knows no oracle."""

import dataclasses

import keras
from keras import layers

from bnrepro.layers.batch_normalization import BatchNormalization
from tests.hard.descriptions import Description

CONVOLUTIONS = {1: layers.Conv1D, 2: layers.Conv2D, 3: layers.Conv3D}
DEPTHWISE = {1: layers.DepthwiseConv1D, 2: layers.DepthwiseConv2D}

Steps = list
"""Layers in their order; a list among them is a block, which is added to what goes into it where the shapes are one."""


def steps_of(description: Description) -> Steps:
    """The layers of a description, made once; where its form is `shared`, they are called twice."""
    masking = [layers.Masking(0.0, dtype=description.dtype)] if description.masked else []
    return masking + [_step(part, description) for part in description.parts]


def _step(part: tuple, description: Description):
    kind, settings = part
    if kind == "block":
        return [_step(each, description) for each in settings]
    settings = {**dict(settings), "dtype": description.dtype}
    place = {"data_format": "channels_first" if description.channels_first else "channels_last"}
    if kind == "bn":
        return BatchNormalization(axis=description.axis, **settings)
    if kind == "conv":
        return CONVOLUTIONS[description.rank](**settings, **place)
    if kind == "depthwise":
        return DEPTHWISE[description.rank](**settings, **place)
    return {"dense": layers.Dense, "activation": layers.Activation}[kind](**settings)


def call(steps: Steps, x):
    """The steps one after the other."""
    for step in steps:
        if isinstance(step, list):
            y = call(step, x)
            x = layers.Add(dtype=y.dtype)([x, y]) if x.shape == y.shape else y
        else:
            x = step(x)
    return x


def build(description: Description) -> tuple[keras.Model, Steps, str]:
    """The model; its layers in the order in which they are called, a shared one as often as it is; its form.

    One that cannot be sequential or shared is functional.
    """
    keras.utils.set_random_seed(description.seed)
    steps = steps_of(description)
    inputs = keras.Input(description.shape, dtype=keras.DTypePolicy(description.dtype).compute_dtype)
    if description.form == "subclassed":
        model = Described(dataclasses.asdict(description))
        model(keras.ops.zeros((description.examples, *description.shape), inputs.dtype))
        return model, model.steps, description.form
    if description.form == "sequential" and not any(isinstance(step, list) for step in steps):
        return keras.Sequential([inputs, *steps]), steps, description.form
    if description.form == "nested":
        half = len(steps) // 2
        middle = call(steps[:half], inputs)
        inner = keras.Input(middle.shape[1:], dtype=middle.dtype)
        tail = keras.Model(inner, call(steps[half:], inner))
        return keras.Model(inputs, tail(middle)), steps, description.form
    outputs = call(steps, inputs)
    if description.form == "shared" and outputs.shape == inputs.shape:
        return keras.Model(inputs, call(steps, outputs)), steps + steps, description.form
    return keras.Model(inputs, outputs), steps, "functional"


@keras.saving.register_keras_serializable(package="tests.hard")
class Described(keras.Model):
    """A subclassed model: what it does stands in its `call` alone."""

    def __init__(self, description: dict, **kwargs):
        super().__init__(dtype=description["dtype"], **kwargs)
        self.description = description
        self.steps = steps_of(Description(**description))

    def call(self, inputs):
        return call(self.steps, inputs)

    def get_config(self):
        return {"description": self.description}
