"""Layers that a fixed linear map of their features can be folded into, and their weights then. Knows no model."""

import keras
import numpy as np

_FEATURES_LAST = (
    *(keras.layers.Dense, keras.layers.Conv1D, keras.layers.Conv2D, keras.layers.Conv3D),
    *(keras.layers.SeparableConv1D, keras.layers.SeparableConv2D),
)
_FEATURES_BEFORE_LAST = (keras.layers.Conv1DTranspose, keras.layers.Conv2DTranspose, keras.layers.Conv3DTranspose)
_DEPTHWISE = (keras.layers.DepthwiseConv1D, keras.layers.DepthwiseConv2D)

_ROUNDING = {"float16": 2**-11, "bfloat16": 2**-8, "float32": 2**-24, "float64": 2**-53}
_LARGEST = {"float16": 65504.0, "float64": np.finfo("float64").max}


def tolerance_of(dtype):
    """How far outputs may be apart and still count as equal, relative to the largest: 1e-5, or 32 roundings if that is more."""
    return max(1e-5, 32 * _ROUNDING.get(dtype, 0))


def why_not_folded(layer, bn, tensor):
    """Why `bn` cannot be folded into `layer`, whose output is `tensor`, in words that follow "because"; None if it can."""
    if type(layer) not in (*_FEATURES_LAST, *_FEATURES_BEFORE_LAST, *_DEPTHWISE):
        return f"the layer before it, {layer.name!r}, is no Dense or convolution"
    if layer.activation not in (None, keras.activations.linear):
        return f"the layer before it, {layer.name!r}, has an activation"
    if bn.axis % len(tensor.shape) != _features_axis(layer, tensor):
        return f"its axis {bn.axis} is not that of the features of {layer.name!r}"
    if bn.compute_dtype != layer.compute_dtype or _is_quantized(layer):
        return f"{layer.name!r} has another dtype, or is quantized"
    *_, bias = weights = folded_weights(layer, bn)
    dtypes = {layer.compute_dtype, layer.variable_dtype}
    scale, shift, terms = _map_of(layer, bn)
    largest = min(_LARGEST.get(dtype, 3.4e38) for dtype in dtypes)
    if not all(np.all(np.abs(values) <= largest) for values in (*weights, terms, bias)):  # false for nan too
        return f"the weights of {layer.name!r} would not be finite in {layer.compute_dtype}"
    magnitude = np.max(np.abs(shift) + np.abs(_values(bn.gamma, np.ones_like(scale))), initial=0)
    dtype = max(dtypes, key=lambda each: _ROUNDING[each])
    if _ROUNDING[dtype] * np.max(terms, initial=0) > tolerance_of(dtype) * magnitude:
        return f"a mean of it is so many standard deviations from 0 that {layer.compute_dtype} would lose digits"
    return None


def folded_weights(layer, bn):
    """The weights of `layer` followed by `bn` at inference, in the order of `get_weights`, with a bias."""
    scale, shift, _ = _map_of(layer, bn)
    bias = shift + (_values(layer.bias, 0.0) - _values(bn.moving_mean, 0.0)) * scale
    *others, kernel = layer.get_weights()[: -1 if layer.use_bias else None]
    if type(layer) in _FEATURES_BEFORE_LAST:
        kernel = kernel * scale[:, None]
    elif type(layer) in _DEPTHWISE:
        kernel = kernel * scale.reshape(kernel.shape[-2:])
    else:
        kernel = kernel * scale
    return [*others, kernel, bias]


def _map_of(layer, bn):
    """Of the map `scale x + shift - mean scale`: scale, shift, and the magnitude of what cancels in it."""
    with np.errstate(invalid="ignore", divide="ignore"):
        scale = _values(bn.gamma, 1.0) / np.sqrt(_values(bn.moving_variance, 1.0) + bn.epsilon)
    mean = _values(bn.moving_mean, 0.0)
    return scale, _values(bn.beta, 0.0), np.abs((mean - _values(layer.bias, 0.0)) * scale)


def _values(weight, default):
    return default if weight is None else weight.numpy().astype("float64")


def _is_quantized(layer):
    return layer.quantization_mode is not None or getattr(layer, "lora_enabled", False)


def _features_axis(layer, tensor):
    first = getattr(layer, "data_format", None) == "channels_first"
    return 1 if first else len(tensor.shape) - 1
