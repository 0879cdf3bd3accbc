"""How far a tensor may be from its oracle, and why; relative to a magnitude that `assert_close` takes."""

import numpy as np

TOLERANCES = {
    "float32": 2e-5,  # 100 roundings of 6e-8 in sums of some hundreds, and the quotient of two such sums
    "float64": 1e-10,  # the same, of 1e-16, with room for other orders of summation
    "float16": 4e-3,  # the output is rounded once to 11 bits; statistics are float32
    "bfloat16": 3e-2,  # the output is rounded once to 8 bits; statistics are float32
    "large mean": 2e-3,  # mean 1e4, variance 1: the last bit of an input, and of a float32 mean, is 1e-3
    "epsilon to 0": 1e-4,  # identities of the paper that hold as epsilon goes to 0; epsilon is 1e-8 or less here
    "folded": 1e-5,  # as specified: outputs of a folded model are those of the model
    "synchronized": 1e-5,  # as specified: what is divided among devices is what one device gives
    "another backend": 2e-5,  # the same float32 operations in another order
}


def assert_close(actual, oracle, tolerance, what="", scale=None):
    """Fails unless `actual` is within `TOLERANCES[tolerance] * scale` of `oracle`, everywhere.

    `scale` is the largest magnitude in `oracle` unless given: a sum that cancels is as exact as its terms are large.
    """
    actual, oracle = np.asarray(actual, "float64"), np.asarray(oracle, "float64")
    assert actual.shape == oracle.shape, f"{what}: shape {actual.shape}, not {oracle.shape}"
    assert np.all(np.isfinite(actual)), f"{what}: not finite"
    scale = max(np.max(np.abs(oracle), initial=0.0) if scale is None else scale, 1e-3)
    worst = np.max(np.abs(actual - oracle), initial=0.0) / scale
    assert worst <= TOLERANCES[tolerance], f"{what}: off by {worst:.2g}, and {TOLERANCES[tolerance]:.2g} is allowed"
