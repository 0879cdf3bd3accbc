"""Whether a layer is asked to train, read from the calls around it. Knows Keras's call protocol, and no layer of ours."""

import inspect
import sys

import keras

_LAYER_CALL = inspect.unwrap(keras.Layer.__call__).__code__
_SECOND_RUNS = {
    "inner_recompute_grad": "tensorflow.python.ops.custom_gradient",
    "recompute_fn": "torch.utils.checkpoint",
}


def training_phase(layer: keras.Layer, training: bool | None) -> bool | None:
    """`training` as this call of the layer and the calls around it were told, whatever a sibling was told.

    Keras keeps one value for a whole tree of calls. The `training=True` that is the default of a `Resizing` therefore
    reaches every layer after it, and a bare `model(x)` trains (keras pull request 23166); so does the `training=True` in
    `self.dropout(x, training=True)`. Here a layer goes by its own argument, else by that of the nearest call around it
    that has one, else by the default in the signature of the outermost call that has one. An argument that equals what
    the call around it was given counts as handed on: it is worth what that call's is. `training=False` that was given when
    a functional graph was made is the layer's own, as in Keras's guide to transfer learning, though Keras 3.15 puts the
    argument of the whole model in its place.

    Args:
        layer: The layer whose `call` is running.
        training: What Keras passed to that `call`.

    Returns:
        The value to go by. In code that `torch.compile` is tracing, which cannot look at the stack, it is `training` itself;
        Keras's trainer is always explicit there.
    """
    torch = sys.modules.get("torch") if keras.backend.backend() == "torch" else None
    if torch is not None and torch.compiler.is_compiling():
        return training
    calls = _enclosing_calls()
    phase = given_around = None
    for call, fixed in calls:
        given = False if fixed is False else call["call_spec"].user_arguments_dict.get("training")
        if given is not None and given is not given_around:
            phase = given
        elif phase is None and given is None:
            phase = call["call_spec"].arguments_dict.get("training")
        given_around = call["kwargs"].get("training")
    reached_by_call = calls and calls[-1][0]["self"] is layer
    if not reached_by_call and training is not None and training is not given_around:
        phase = training  # as `stateless_call` and some wrappers do, which run `layer.call` itself
    return phase


def recomputing() -> bool:
    """Whether this code runs a second time for a gradient, as `keras.RematScope` has it, when nothing may be updated.

    JAX shows no second run, and lets no layer inside of a rematerialized one update anything.
    """
    frame = sys._getframe()
    while frame is not None:
        module = _SECOND_RUNS.get(frame.f_code.co_name)
        if module is not None and frame.f_globals.get("__name__") == module:
            return True
        frame = frame.f_back
    return False


def _enclosing_calls() -> list[tuple[dict, bool | None]]:
    """Local variables of every `Layer.__call__` on the stack, outermost first, and False if the graph says so."""
    calls, frame = [], sys._getframe()
    while frame is not None:
        if frame.f_code is _LAYER_CALL:
            calls.append((frame.f_locals, None))
        elif calls and frame.f_code.co_name == "_run_through_graph":
            node = frame.f_locals.get("node")
            if getattr(node, "operation", None) is calls[-1][0]["self"] and _fixed_for_inference(node, frame):
                calls[-1] = calls[-1][0], False
        frame = frame.f_back
    return calls[::-1]


def _fixed_for_inference(node, frame) -> bool:
    """Whether a functional graph, running in `frame`, was made with `training=False` for this node, as far as Keras notes it.

    It notes the default of the signature just so, and in the graph inside of a `Sequential` what its first call was told.
    """
    if node.arguments.kwargs.get("training") is not False:
        return False
    around = frame.f_back.f_back
    if around is not None and isinstance(around.f_locals.get("self"), keras.Sequential):
        return False
    return inspect.signature(node.operation.call).parameters["training"].default is not False
