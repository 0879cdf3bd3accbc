"""Our layer against what a user of JAX or PyTorch would write: Flax's BatchNorm in a jitted step, `torch.nn.BatchNorm`.

`KERAS_BACKEND=jax python -m bnrepro.benchmarks.idioms` prints a row a line as JSON, and a sentence for what is not installed.
Loads no TensorFlow.
"""

import importlib.util
import json
import sys
import time
from collections.abc import Callable, Iterator

import keras
import numpy as np

from bnrepro.benchmarks.rows import Row, row
from bnrepro.layers.batch_normalization import BatchNormalization

SHAPES = {"60x100": (60, 100), "64x28x28x64": (64, 28, 28, 64)}
"""A layer of section 4.1's net; a convolution's output. Features are last; PyTorch's own layer has them second."""


def main(tiny: bool) -> None:
    """Prints the rows of the backend that Keras runs on."""
    rows = {"jax": jax_rows, "torch": torch_rows}[keras.backend.backend()]
    for measured in rows(repeats=2 if tiny else 9, passes=3 if tiny else 200):
        print(json.dumps(measured), flush=True)


def jax_rows(repeats: int, passes: int) -> Iterator[Row]:
    """A forward and backward pass in training, running statistics included: many in one program of XLA."""
    if importlib.util.find_spec("flax") is None:
        print("the layer against Flax is left out: flax is not installed")
        return
    for name, shape in SHAPES.items():
        x, dy = _arrays(shape)
        for variance in ("one pass", "two passes"):
            nets = _ours_on_jax(shape), _flax(x, fast=variance == "one pass")
            sides = [_jax_loop(apply, start, x, dy, passes) for apply, start in nets]
            note = f"theirs: flax.linen.BatchNorm, whose variance takes {variance}; ours takes two"
            yield row(f"layer/jax/{name}/jit, {variance}", "ms", *_in_turns(repeats, sides, passes), note)


def torch_rows(repeats: int, passes: int) -> Iterator[Row]:
    """The same on PyTorch, eager and compiled, a call after the other."""
    import torch

    device = "cuda" if torch.cuda.is_available() else "cpu"
    for name, shape in SHAPES.items():
        ours = BatchNormalization()
        ours.build(shape)
        theirs = (torch.nn.BatchNorm1d if len(shape) == 2 else torch.nn.BatchNorm2d)(shape[-1], eps=1e-3, momentum=0.01)
        layers = [lambda x, layer=ours: layer(x, training=True), theirs.to(device)]
        for mode in ("eager", "compiled"):
            calls = layers if mode == "eager" else [torch.compile(layer) for layer in layers]
            sides = []
            for place, call in enumerate(calls):
                last = place == 0 or len(shape) == 2
                x, dy = (torch.tensor(each, device=device) for each in _arrays(shape))
                x, dy = (each if last else each.movedim(-1, 1).contiguous() for each in (x, dy))
                sides.append(_torch_loop(call, x.requires_grad_(), dy, passes))
            note = f"theirs: torch.nn.{type(theirs).__name__}, on {device}"
            try:
                yield row(f"layer/torch/{name}/{mode}", "ms", *_in_turns(repeats, sides, passes), note)
            except Exception as error:  # what torch.compile cannot do on this machine
                print(f"layer/torch/{name}/{mode} is left out: {type(error).__name__}: {str(error).splitlines()[0]}")


def _ours_on_jax(shape: tuple[int, ...]) -> tuple[Callable, tuple]:
    layer = BatchNormalization()
    layer.build(shape)

    def apply(weights, statistics, x):
        return layer.stateless_call(weights, statistics, x, training=True)

    start = tuple([one.value for one in each] for each in (layer.trainable_variables, layer.non_trainable_variables))
    return apply, start


def _flax(x: np.ndarray, fast: bool) -> tuple[Callable, tuple]:
    """Flax's layer. Its fast variance, the default, is E[x^2] - E[x]^2, which loses the digits of a small one."""
    import flax.linen
    import jax

    layer = flax.linen.BatchNorm(use_running_average=False, momentum=0.99, epsilon=1e-3, use_fast_variance=fast)
    variables = layer.init(jax.random.key(0), x)

    def apply(weights, statistics, x):
        y, new = layer.apply({"params": weights, "batch_stats": statistics}, x, mutable=["batch_stats"])
        return y, new["batch_stats"]

    return apply, (variables["params"], variables["batch_stats"])


def _jax_loop(apply: Callable, start: tuple, x: np.ndarray, dy: np.ndarray, passes: int) -> Callable[[], None]:
    import jax

    def loss(weights, x, statistics):
        y, statistics = apply(weights, statistics, x)
        return (y * dy).sum(), statistics

    def a_pass(_, state):
        weights, statistics, x = state
        (gradients, dx), statistics = jax.grad(loss, (0, 1), has_aux=True)(weights, x, statistics)
        # Each pass needs the one before it, or the loop might be emptied.
        weights = jax.tree.map(lambda weight, gradient: weight - 1e-3 * gradient, weights, gradients)
        return weights, statistics, x + 1e-3 * dx

    program = jax.jit(lambda state: jax.lax.fori_loop(0, passes, a_pass, state))
    state = jax.device_put((*start, x))
    return lambda: jax.block_until_ready(program(state))


def _torch_loop(call: Callable, x, dy, passes: int) -> Callable[[], None]:
    import torch

    def loop():
        for _ in range(passes):
            x.grad = None
            call(x).backward(dy)
        if x.is_cuda:
            torch.cuda.synchronize()

    return loop


def _arrays(shape: tuple[int, ...]) -> tuple[np.ndarray, np.ndarray]:
    generator = np.random.default_rng(0)
    return tuple(generator.standard_normal(shape).astype("float32") for _ in range(2))


def _in_turns(repeats: int, sides: list[Callable[[], None]], passes: int) -> list[list[float]]:
    """Milliseconds a pass of each side, in turns, after one call of each that is not counted."""
    samples = [[] for _ in sides]
    for repeat in range(-1, repeats):
        for side, own in zip(sides, samples):
            began = time.perf_counter()
            side()
            if repeat >= 0:
                own.append(1e3 * (time.perf_counter() - began) / passes)
    return samples


if __name__ == "__main__":
    main("--tiny" in sys.argv)
