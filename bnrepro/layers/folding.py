"""Algorithm 2, step 11: the fixed map of a BN folded into the layer before it. Knows no experiment and no data set."""

import collections
import inspect
import re
import warnings

import keras
from keras import tree

from bnrepro.errors import UserError
from bnrepro.layers.agreement import difference, first_difference, graph_of, outputs_of, random_batch
from bnrepro.layers.batch_normalization import BatchNormalization
from bnrepro.layers.copying import copy_of
from bnrepro.layers.linear import folded_weights, tolerance_of, why_not_folded

KINDS = (BatchNormalization, keras.layers.BatchNormalization)


def fold(model, x=None, tolerance=None):
    """The same model for inference, with every BN folded into the layer before it, where that is shown to be equal.

    At inference a BN is a fixed linear map (Algorithm 2, step 11), so with `scale = gamma / sqrt(Var[x] + epsilon)`

        kernel <- kernel scale,    bias <- beta + (bias - E[x]) scale

    in a layer that is linear itself, and the BN is gone. A `Dense`, `Conv`, depthwise, separable or transposed convolution
    is such a layer, in 1 to 3 dimensions, if it has no activation of its own, nothing but the BN uses its output, and its
    dtype holds the new weights without a loss of digits. Any other BN is kept; one `UserWarning` names each with the reason.

    Every other layer is copied with all that a `.keras` file keeps of it. One that cannot be made from that is shared with
    `model`, and named in a `UserWarning`. The outputs of both models are compared at the end.

    The names of inputs and outputs stay: a layer whose BN gave an output takes its name. A folded layer has no regularizers
    and no constraints, which were of another kernel. Where that takes a penalty from the losses it is said, and in a model
    that is compiled, so that it would change what `evaluate` gives, the BN is kept.

    Args:
        model: A built `Sequential` or functional model, with others nested in it at any depth.
        x: Examples to compare on, as `model` takes them; by default two at random.
        tolerance: The largest difference of outputs, relative to the largest output, that counts as equal; by default 1e-5,
            or 32 roundings of the dtype if that is more (0.016 in float16).

    Returns:
        A new model with weights of its own, whose outputs with `training=False` are those of `model`.

    Raises:
        ValueError: If the model's graph is not known, as in a subclassed model, or if the outputs do not agree.

    References:
        Ioffe and Szegedy 2015, section 3.1, Algorithm 2, step 11.
    """
    if not _is_graph(model) or not hasattr(graph_of(model), "operations"):
        raise UserError(
            f"fold needs a built Sequential or functional model, but {model.name!r} is a {type(model).__name__}: write it as "
            "keras.Model(inputs, outputs), or call it first"
        )
    folding = _Folding(keeps_penalties=model.compiled)
    folded = folding.model(model)
    if model.compiled:
        folding.compile(model, folded)
    folding.compare(model, folded, x, tolerance)
    for heading, changes in folding.warnings.items():
        warnings.warn(f"fold {heading.format(len(changes))}: " + "; ".join(changes), UserWarning, stacklevel=2)
    return folded


class _Folding:
    """One call of `fold`: the layers copied so far, and what it has to warn of."""

    def __init__(self, keeps_penalties):
        self.keeps_penalties = keeps_penalties
        self.warnings = {}
        self.copies = {}  # {(layer, the BN it takes in or None): copy}, so that what is shared stays shared

    def say(self, heading, what, why):
        self.warnings.setdefault(heading, []).append(f"{what}, because {why}")

    def model(self, model):
        graph = graph_of(model)
        into = self._foldable(graph)  # {BN: the layer that takes it in}
        takes = {layer: bn for bn, layer in into.items()}
        named = {bn for bn in into if any(bn is each._keras_history.operation for each in graph.outputs)}
        training = {node.operation for node in _nodes(graph) if _trains(node)}
        made = {}

        def call(operation, *args, **kwargs):
            if operation in into:
                return args[0] if args else kwargs["inputs"]
            if not isinstance(operation, keras.Layer) or isinstance(operation, keras.layers.Lambda):
                return operation(*args, **kwargs)  # it has no state
            bn, outputs = takes.get(operation), None
            if (operation, bn) not in self.copies:
                if bn is not None:
                    copy = _with_taken_in(operation, bn, named)
                elif _is_graph(operation) and operation not in training:
                    copy = self.model(operation)
                else:
                    copy, outputs = self._copy(operation, operation in training, args, kwargs)
                self.copies[operation, bn] = copy
            made[operation] = self.copies[operation, bn]
            return made[operation](*args, **kwargs) if outputs is None else outputs

        inputs = tree.map_structure(_input_like, graph.input)
        outputs = graph._run_through_graph(inputs, call_fn=call)
        frozen = {} if model.trainable else {"trainable": False}
        if isinstance(model, keras.Sequential):
            layers = [made.get(layer, layer) for layer in model.layers if layer not in into]
            return keras.Sequential([*tree.flatten(inputs), *layers], name=model.name, **frozen)
        alike = inspect.getfullargspec(type(model).__init__).args[1:] == ["inputs", "outputs", "name"]
        return (type(model) if alike else keras.Model)(inputs, outputs, name=model.name, **frozen)

    def compile(self, model, folded):
        try:
            folded.compile_from_config(model.get_compile_config())
        except Exception as error:  # of the classes and functions that it was compiled with
            self.say("did not compile", repr(model.name), f"its config cannot be read: {_first_line(error)}")

    def compare(self, model, folded, x, tolerance):
        given, x = x is not None, random_batch(model) if x is None else x
        tolerance = max(map(tolerance_of, _dtypes(model))) if tolerance is None else tolerance
        try:
            expected = outputs_of(model, x)
        except Exception as error:
            if given:
                raise
            why = f"it takes no batch at random here ({_first_line(error)}): pass x, a batch of examples"
            self.say("compared no outputs of", repr(model.name), why)
            return
        found = difference(outputs_of(folded, x), expected)
        if found > tolerance:
            stands_for = {copy.name: bn.name for (_, bn), copy in self.copies.items() if bn is not None}
            where = first_difference(model, folded, x, tolerance, stands_for) or model.name
            raise UserError(
                f"a folded model must give the model's outputs to {tolerance:.0e} of the largest, but from {where!r} on it is "
                f"off by {found:.1e}: let config, weights or save_own_variables hold all state of that layer, or raise tolerance"
            )

    def _copy(self, layer, trains, args, kwargs):
        inside = layer._flatten_layers(include_self=False)
        for bn in [each for each in inside if isinstance(each, KINDS)]:
            why = f"it is inside of {layer.name!r}" + (", which is called with training=True" if trains else "")
            self.say("kept {} BN", repr(bn.name), why)
        try:
            return copy_of(layer, args, kwargs)
        except Exception as error:  # of a class that is not ours
            self.say("shares with the model", repr(layer.name), f"it cannot be copied: {_first_line(error)}")
            return layer, None

    def _foldable(self, graph):
        """`{BN: the layer before it}` for every BN of this graph that can be folded; of the others it says why not."""
        nodes = _nodes(graph)
        calls = collections.Counter(node.operation for node in nodes)
        uses = collections.Counter(id(tensor) for node in nodes for tensor in node.input_tensors)
        uses.update(id(tensor) for tensor in tree.flatten(graph.outputs))
        into = {}
        for bn in [operation for operation in graph.operations if isinstance(operation, KINDS)]:
            (node, *others) = [node for node in nodes if node.operation is bn]
            tensor = node.input_tensors[0]
            before = tensor._keras_history.operation
            penalized = [
                repr(layer.name) for layer in (before, bn) if isinstance(layer, keras.Layer) and _penalty(layer)
            ]
            if others or calls[before] > 1:
                reason = "it, or the layer before it, is called more than once"
            elif _trains(node):
                reason = "it is called with training=True"
            elif not _is_plain(bn):
                reason = f"a {type(bn).__name__} may do more than BN: its call is its own"
            elif reason := why_not_folded(before, bn, tensor):
                pass
            elif uses[id(tensor)] > 1:
                reason = f"the output of {before.name!r} is used elsewhere too"
            elif penalized and self.keeps_penalties:
                reason = (
                    f"the penalty of {' and '.join(penalized)} would be missing in the losses of the compiled model"
                )
            else:
                into[bn] = before
                if penalized:
                    self.say("left a penalty out of the losses", " and ".join(penalized), "it was of the kernel before")
                continue
            self.say("kept {} BN", repr(bn.name), reason)
        return into


def _with_taken_in(layer, bn, named):
    """A copy of `layer` with a bias and the weights of `layer` followed by `bn`; with the name of a BN in `named`."""
    config = {
        key: None if key.endswith(("_regularizer", "_constraint")) else value
        for key, value in layer.get_config().items()
    }
    copy = type(layer).from_config({**config, "use_bias": True, "name": (bn if bn in named else layer).name})
    copy.build_from_config(layer.get_build_config())
    copy.set_weights(folded_weights(layer, bn))
    return copy


def _input_like(tensor):
    layer = tensor._keras_history.operation
    kinds = {name: getattr(layer, name, False) for name in ("sparse", "ragged", "optional")}
    return keras.Input(batch_shape=tensor.shape, dtype=tensor.dtype, name=tensor.name, **kinds)


def _nodes(graph):
    return [node for nodes in graph._nodes_by_depth.values() for node in nodes]


def _is_graph(layer):
    """Whether the layer is a model that does what its graph says, and nothing else."""
    known = isinstance(layer, keras.Sequential) or (isinstance(layer, keras.Model) and hasattr(layer, "operations"))
    return known and type(layer).call.__module__.startswith("keras.") and "call" not in vars(layer)


def _is_plain(bn):
    own = any(vars(bn).get(name) for name in ("call", "__call__"))
    return not own and any(type(bn).call is kind.call for kind in KINDS) and type(bn).__call__ is keras.Layer.__call__


def _trains(node):
    return bool(node.arguments.kwargs.get("training"))


def _penalty(layer):
    regularized = any(weight.regularizer is not None for weight in layer.trainable_weights)
    return regularized or layer.activity_regularizer is not None


def _dtypes(model):
    return {dtype for layer in model._flatten_layers() for dtype in (layer.compute_dtype, layer.variable_dtype)}


def _first_line(error):
    lines = [re.sub(r"\x1b\[\d*m", "", line).strip() for line in str(error).splitlines()]  # Keras prints in bold
    return next((line for line in lines if line and not line.startswith("Exception encountered")), type(error).__name__)
