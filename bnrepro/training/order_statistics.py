"""Percentiles on a device by bisection of the numbers' bits: exact, without sorting, which a GPU is slow at. Knows no net."""

import functools

import jax
import jax.numpy as jnp
import numpy as np

from bnrepro.measurements.activation_quantiles import Percentiles, ranks


def percentiles(inputs: jax.Array) -> list[Percentiles]:
    """Of the inputs of a layer, `(replicates, examples, units)` in float32: by replicate, of each unit and of all its values."""
    examples, units = inputs.shape[1:]
    below, _, between = ranks(examples)
    pooled_below, _, pooled_between = ranks(examples * units)
    low, high, pooled_low, pooled_high = map(
        np.asarray, _neighbours(inputs, tuple(below.tolist()), tuple(pooled_below.tolist()))
    )
    of_units = low + (high - low) * between[:, np.newaxis]
    of_all = pooled_low + (pooled_high - pooled_low) * pooled_between
    return [Percentiles(*pair) for pair in zip(of_units, of_all)]


@functools.partial(jax.jit, static_argnums=(1, 2))
def _neighbours(inputs: jax.Array, below: tuple[int, ...], pooled_below: tuple[int, ...]) -> tuple[jax.Array, ...]:
    """The values of those ranks and of the ranks after them: `(replicates, ranks, units)` twice, `(replicates, ranks)` twice."""
    keys = _as_ordered_bits(inputs.transpose(0, 2, 1))  # the values that are counted lie side by side
    pooled = keys.reshape(len(keys), 1, -1)
    low, high = _of_rank(keys, below)
    pooled_low, pooled_high = _of_rank(pooled, pooled_below)
    return low, high, pooled_low[:, :, 0], pooled_high[:, :, 0]


def _of_rank(keys: jax.Array, ranks: tuple[int, ...]) -> tuple[jax.Array, jax.Array]:
    """The keys `(replicates, rows, values)` of those ranks in each row, and the next ones: `(replicates, ranks, rows)`."""
    ranks = jnp.array(ranks, jnp.int32)[:, jnp.newaxis]
    values = keys[:, jnp.newaxis]

    def bit(number, found):
        larger = found | (jnp.uint32(1) << (31 - number).astype(jnp.uint32))
        smaller_values = jnp.sum(values < larger[..., jnp.newaxis], axis=-1, dtype=jnp.int32)
        return jnp.where(smaller_values <= ranks, larger, found)

    low = jax.lax.fori_loop(0, 32, bit, jnp.zeros((len(keys), len(ranks), keys.shape[1]), jnp.uint32))
    up_to = jnp.sum(values <= low[..., jnp.newaxis], axis=-1, dtype=jnp.int32)
    beyond = jnp.min(jnp.where(values > low[..., jnp.newaxis], values, jnp.uint32(2**32 - 1)), axis=-1)
    last = ranks + 1 == keys.shape[2]
    return _as_float(low), _as_float(jnp.where((up_to > ranks + 1) | last, low, beyond))


def _as_ordered_bits(values: jax.Array) -> jax.Array:
    """Whole numbers in the order of the numbers that they stand for: a negative one's bits turned, the others above them."""
    bits = jax.lax.bitcast_convert_type(values, jnp.uint32)
    return jnp.where(bits >> 31 == 1, ~bits, bits | jnp.uint32(2**31))


def _as_float(keys: jax.Array) -> jax.Array:
    bits = jnp.where(keys >> 31 == 1, keys & jnp.uint32(2**31 - 1), ~keys)
    return jax.lax.bitcast_convert_type(bits, jnp.float32)
