"""Algorithm 2, step 11: the fixed map of a BN folded into the layer before it. Knows no experiment and no data set."""

import collections
import warnings

import keras
import numpy as np
from keras import ops, tree

from bnrepro.errors import UserError
from bnrepro.layer import BatchNormalization

KINDS = (BatchNormalization, keras.layers.BatchNormalization)

_FEATURES_LAST = (
    *(keras.layers.Dense, keras.layers.Conv1D, keras.layers.Conv2D, keras.layers.Conv3D),
    *(keras.layers.SeparableConv1D, keras.layers.SeparableConv2D),
)
_FEATURES_BEFORE_LAST = (keras.layers.Conv1DTranspose, keras.layers.Conv2DTranspose, keras.layers.Conv3DTranspose)
_DEPTHWISE = (keras.layers.DepthwiseConv1D, keras.layers.DepthwiseConv2D)


def fold(model):
    """The same model for inference, with every BN folded into the layer before it, where that is possible.

    At inference a BN is a fixed linear map (Algorithm 2, step 11), so with `scale = gamma / sqrt(Var[x] + epsilon)`

        kernel <- kernel scale,    bias <- beta + (bias - E[x]) scale

    in a layer that is linear itself, and the BN is gone. A `Dense`, `Conv`, depthwise, separable or transposed convolution
    is such a layer, in 1 to 3 dimensions, if it has no activation of its own and nothing but the BN uses its output. Any
    other BN is kept; one `UserWarning` names each with the reason.

    Args:
        model: A built `Sequential` or functional model, with others nested in it at any depth.

    Returns:
        A new model with weights of its own, whose outputs with `training=False` are those of `model`.

    Raises:
        ValueError: If the model's graph is not known, as in a subclassed model.

    References:
        Ioffe and Szegedy 2015, section 3.1, Algorithm 2, step 11.
    """
    kept = []
    folded = _fold(model, kept)
    if kept:
        warnings.warn(f"fold kept {len(kept)} BN: " + "; ".join(kept), UserWarning, stacklevel=2)
    return folded


def _fold(model, kept):
    graph = getattr(model, "_functional", None) if isinstance(model, keras.Sequential) else model
    if not hasattr(graph, "operations"):
        raise UserError(
            f"fold needs a built Sequential or functional model, but {model.name!r} is a {type(model).__name__}: write it as "
            "keras.Model(inputs, outputs), or call it first"
        )
    into = _foldable(graph, kept)  # {BN: the layer that takes it in}
    takes = {layer: bn for bn, layer in into.items()}
    copies = {}

    def copy(layer):
        if layer not in copies:
            copies[layer] = _copy(layer, layer in takes, kept)
        return copies[layer]

    if isinstance(model, keras.Sequential):
        inputs = keras.Input(batch_shape=model.inputs[0].shape, dtype=model.inputs[0].dtype)
        layers = [copy(layer) for layer in model.layers if layer not in into]
        folded = keras.Sequential([inputs, *layers], name=model.name, trainable=model.trainable)
        if model.compiled:
            folded.compile_from_config(model.get_compile_config())
    else:

        def call(operation, *args, **kwargs):
            if any(operation is copies.get(bn) for bn in into):
                return args[0] if args else kwargs["inputs"]
            return operation(*args, **kwargs)

        folded = keras.models.clone_model(model, clone_function=copy, call_function=call)
    for layer, new in copies.items():
        if layer in takes:
            _take_in(takes[layer], layer, new)
        elif new is not layer and layer not in into and not _is_graph(layer) and isinstance(layer, keras.Layer):
            new.set_weights(layer.get_weights())
    return folded


def _is_graph(layer):
    return isinstance(layer, keras.Sequential) or (isinstance(layer, keras.Model) and hasattr(layer, "operations"))


def _foldable(graph, kept):
    """`{BN: the layer before it}` for every BN of this graph that can be folded; the others join `kept`, with the reason."""
    nodes = [node for depth in graph._nodes_by_depth.values() for node in depth]
    calls = collections.Counter(node.operation for node in nodes)
    uses = collections.Counter(id(tensor) for node in nodes for tensor in node.input_tensors)
    uses.update(id(tensor) for tensor in tree.flatten(graph.outputs))
    into = {}
    for bn in [operation for operation in graph.operations if isinstance(operation, KINDS)]:
        (node, *others) = [node for node in nodes if node.operation is bn]
        tensor = node.input_tensors[0]
        before = tensor._keras_history.operation
        if others or calls[before] > 1:
            reason = "it, or the layer before it, is called more than once"
        elif node.arguments.kwargs.get("training"):
            reason = "it is called with training=True"
        elif type(before) not in (*_FEATURES_LAST, *_FEATURES_BEFORE_LAST, *_DEPTHWISE):
            reason = f"the layer before it, {before.name!r}, is no Dense or convolution"
        elif before.activation not in (None, keras.activations.linear):
            reason = f"the layer before it, {before.name!r}, has an activation"
        elif uses[id(tensor)] > 1:
            reason = f"the output of {before.name!r} is used elsewhere too"
        elif bn.axis % len(tensor.shape) != _features_axis(before, tensor):
            reason = f"its axis {bn.axis} is not that of the features of {before.name!r}"
        elif bn.compute_dtype != before.compute_dtype or _is_quantized(before):
            reason = f"{before.name!r} has another dtype, or is quantized"
        else:
            into[bn] = before
            continue
        kept.append(f"{bn.name!r}, because {reason}")
    return into


def _is_quantized(layer):
    return layer.quantization_mode is not None or getattr(layer, "lora_enabled", False)


def _features_axis(layer, tensor):
    first = getattr(layer, "data_format", None) == "channels_first"
    return 1 if first else len(tensor.shape) - 1


def _copy(layer, biased, kept):
    if _is_graph(layer):
        return _fold(layer, kept)
    inside = layer._flatten_layers(include_self=False) if isinstance(layer, keras.Layer) else ()
    kept += [f"{bn.name!r}, because it is inside of {layer.name!r}" for bn in inside if isinstance(bn, KINDS)]
    if isinstance(layer, keras.layers.Lambda):
        return layer  # without weights, and not safe to build from its config
    config = layer.get_config()
    return type(layer).from_config({**config, "use_bias": True} if biased else config)


def _take_in(bn, layer, new):
    """Gives `new`, a copy of `layer` with a bias, the weights of `layer` followed by `bn`."""

    def values(weight, default):
        return default if weight is None else ops.convert_to_numpy(weight.value).astype("float64")

    scale = values(bn.gamma, 1.0) / np.sqrt(values(bn.moving_variance, 1.0) + bn.epsilon)
    bias = values(bn.beta, 0.0) + (values(layer.bias, 0.0) - values(bn.moving_mean, 0.0)) * scale
    *others, kernel = layer.get_weights()[: -1 if layer.use_bias else None]
    if type(layer) in _FEATURES_BEFORE_LAST:
        kernel = kernel * scale[:, None]
    elif type(layer) in _DEPTHWISE:
        kernel = kernel * scale.reshape(kernel.shape[-2:])
    else:
        kernel = kernel * scale
    new.set_weights([*others, kernel, bias])
