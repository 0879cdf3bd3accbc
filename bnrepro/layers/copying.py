"""Copies of layers with all that Keras saves of them: config, weights, state of their own, assets. Knows no BN and no fold."""

import tempfile
import warnings

import keras


def copy_of(layer, args, kwargs):
    """A layer like this one with state of its own, made as a `.keras` file makes it.

    What `set_weights` cannot carry comes along too, by `save_own_variables` and `save_assets`: the constants of an adapted
    `Normalization`, the vocabulary of a `StringLookup`, the states of random generators.

    Args:
        layer: A layer that is built.
        args: Arguments that it is called with, symbolic: the copy is called with them if only a call builds it.
        kwargs: Its keyword arguments.

    Returns:
        `(copy, outputs)`, the outputs of that call, or None if there was none.

    Raises:
        Exception: Of any kind, if the layer cannot be made from what Keras saves of it.
    """
    with keras.saving.custom_object_scope(_unregistered(layer)), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of layers that only a call can build
        config = keras.saving.serialize_keras_object(layer)
        copy = keras.saving.deserialize_keras_object(config, safe_mode=False)
    if type(copy) is not type(layer):
        raise TypeError(f"its config makes a {type(copy).__name__}, not a {type(layer).__name__}")
    outputs = None if _all_built(layer, copy) else copy(*args, **kwargs)
    if not _all_built(layer, copy):
        raise ValueError("its config makes other layers inside of it")
    for old, new in zip(layer._flatten_layers(), copy._flatten_layers()):
        _load(old, new)
    return copy, outputs


def _unregistered(layer):
    """Classes inside of the layer that Keras could not find by their names, by these names."""
    classes = {type(each) for each in layer._flatten_layers()}
    own = {each for each in classes if not each.__module__.startswith("keras.")}
    return {each.__name__: each for each in own if keras.saving.get_registered_name(each) == each.__name__}


def _all_built(layer, copy):
    pairs = [list(each._flatten_layers()) for each in (layer, copy)]
    return [_shape(each) for each in pairs[0]] == [_shape(each) for each in pairs[1]]


def _shape(layer):
    return type(layer), layer.built, [variable.shape for variable in layer.variables]


def _load(old, new):
    variables = {}
    old.save_own_variables(variables)
    arrays = {name: value.numpy() if isinstance(value, keras.Variable) else value for name, value in variables.items()}
    new.load_own_variables(arrays)
    if hasattr(old, "save_assets"):
        with tempfile.TemporaryDirectory() as folder:
            old.save_assets(folder)
            new.load_assets(folder)
    for generator, copied in zip(old._seed_generators, new._seed_generators):
        copied.state.assign(generator.state.value)
    if new.trainable != old.trainable:
        new.trainable = old.trainable
