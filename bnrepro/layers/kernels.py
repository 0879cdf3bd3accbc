"""The transform of Algorithm 1 and its gradient, with a fast path for each backend, and the fixed map of Algorithm 2.

Everything here is a pure function of tensors: the layer's weights, its running statistics and its modes are not known.
Statistics are biased (divisor m') and constants to differentiation: the gradient reaches `x`, `gamma` and `beta` only,
through the statistics that `y` was made with. Which path is taken was chosen by measurement, in medians of 8 to 12 on a
2-core AMD EPYC (Zen 5, shared), TensorFlow 2.21, JAX 0.10, PyTorch 2.13, forward and backward, in ms:

| backend, mode | shape | as Keras writes it | fused op | by hand | taken |
|---|---|---|---|---|---|
| TensorFlow, graph | 64 x 28 x 28 x 64 | 11.7 | 3.7 | 10.1 | fused |
| TensorFlow, graph | 4096 x 512 | 14.1 | 5.7 | 12.7 | fused |
| TensorFlow, graph | 60 x 100 | 0.257 | 0.530 | 0.250 | by hand |
| TensorFlow, eager | 32 x 14 x 14 x 128 | 11.3 | 3.7 | 10.2 | fused |
| TensorFlow, XLA | 64 x 28 x 28 x 64 | 10.8 | 11.1 | 5.0 | by hand |
| TensorFlow, XLA loop | 60 x 100 | 0.0063 | - | 0.0029 | by hand |
| JAX, jit | 64 x 28 x 28 x 64 | 4.6 | - | 4.1 | composed: a custom rule costs forward mode |
| PyTorch, eager | 64 x 28 x 28 x 64 | 160 | 72 | - | fused |

Under XLA, sums as matrix products were slower than plain sums (5.5 against 5.0 ms; 0.0047 against 0.0029 in the loop). At
inference in graph mode, 64 x 28 x 28 x 64 takes 2.1 ms as Keras writes it and 1.2 with the fused op, which TensorFlow can
also merge into the convolution before it; 60 x 100 takes 0.20 and 0.34.
"""

import math

import keras
from keras import ops

_BACKEND = keras.backend.backend()
if _BACKEND == "tensorflow":
    import tensorflow as tf
    from tensorflow.python.ops import control_flow_util
elif _BACKEND == "jax":
    import jax
elif _BACKEND == "torch":
    import torch

FUSED_FROM = 2**13
"""Elements from which TensorFlow's fused op wins; below, it costs 0.3 ms to start in graph mode, and gains nothing eagerly.

Within a compiled loop of training it starts in 0.05 ms: a step of `inception_small`, whose 25 layers have 2^13 to 2^17 elements,
takes 14 to 16 ms with this limit and 17 to 18 with 2^16.
"""

USUAL_BATCH = 32
"""Stands for a dimension that is unknown when the graph is traced, to guess the number of elements."""


def batch_transform(x, gamma, beta, axis, epsilon):
    """Algorithm 1: `y = gamma (x - mean) / sqrt(variance + epsilon) + beta`, with this mini-batch's mean and variance.

    Args:
        x: Tensor of any rank, float32 or float64.
        gamma: Scale `(features,)`, or None for 1.
        beta: Offset `(features,)`, or None for 0.
        axis: Axis of the features; negative counts from the end.
        epsilon: Added to the variance.

    Returns:
        `(y, mean, variance)`; the variance is biased.

    References:
        Ioffe and Szegedy 2015, section 3, Algorithm 1; section 3.2 for m' in convolutions.
    """
    axis %= len(x.shape)
    if _BACKEND == "tensorflow":
        return _tensorflow_batch_transform(x, gamma, beta, axis, epsilon)
    if _BACKEND == "torch" and count(x, axis) != 1:
        return _torch_batch_transform(x, gamma, beta, axis, epsilon)
    mean, variance, _ = moments(x, axis)
    y = transform(x, gamma, beta, mean, variance, axis, epsilon)
    return y, ops.stop_gradient(mean), ops.stop_gradient(variance)


def transform(x, gamma, beta, mean, variance, axis, epsilon):
    """`gamma (x - mean) / sqrt(variance + epsilon) + beta` with given statistics, centred first so that no digit is lost."""
    scale = ops.rsqrt(variance + epsilon)
    scale = scale if gamma is None else gamma * scale
    y = (x - along(mean, x, axis)) * along(scale, x, axis)
    return y if beta is None else y + along(beta, x, axis)


def population_transform(x, gamma, beta, mean, variance, axis, epsilon):
    """Algorithm 2, step 11: the fixed linear map of inference, as one scale and one offset. Arguments as in `transform`."""
    axis %= len(x.shape)
    if _BACKEND == "torch":
        y = torch.batch_norm(x.movedim(axis, 1), gamma, beta, mean, variance, False, 0.0, epsilon, True)
        return y.movedim(1, axis)
    if _BACKEND == "tensorflow" and len(x.shape) == 4 and axis == 3 and _fused_is_faster(x):
        gamma = tf.ones_like(mean) if gamma is None else gamma
        beta = tf.zeros_like(mean) if beta is None else beta
        return tf.raw_ops.FusedBatchNormV3(
            x=x, scale=gamma, offset=beta, mean=mean, variance=variance, epsilon=epsilon, is_training=False
        )[0]
    scale = ops.rsqrt(variance + epsilon)
    scale = scale if gamma is None else gamma * scale
    offset = -mean * scale if beta is None else beta - mean * scale
    return x * along(scale, x, axis) + along(offset, x, axis)


def through_moments(x, axis, epsilon, mask=None):
    """`x` to the bit, whose gradient is that of `sigma x_hat` with sigma constant: BN's, without the scale that BN gives it.

    Args:
        x: Tensor of any rank, float32 or float64.
        axis: Axis of the features.
        epsilon: Added to the variance.
        mask: As in `moments`.
    """
    if mask is None:
        x_hat, _, variance = batch_transform(x, None, None, axis, epsilon)
    else:
        mean, variance, _ = moments(x, axis, mask)
        x_hat = transform(x, None, None, mean, variance, axis, epsilon)
    moved = x_hat * along(ops.stop_gradient(ops.sqrt(variance + epsilon)), x, axis)
    return ops.stop_gradient(x) + (moved - ops.stop_gradient(moved))


def moments(x, axis, mask=None, synchronized=False):
    """Mean and biased variance of each feature, in two passes, over the values that `mask` admits.

    Args:
        x: Tensor of any rank.
        axis: Axis of the features.
        mask: Boolean tensor that broadcasts against `x`, or None.
        synchronized: Whether the values of all replicas count as one mini-batch.

    Returns:
        `(mean, variance, m)`, where m counts each feature's values, as a tensor with a mask, else as `count` does.
        Where m is 0, mean and variance are 0.
    """
    axes = [each for each in range(len(x.shape)) if each != axis % len(x.shape)]
    number = count(x, axis)
    if mask is not None:
        mask = ops.broadcast_to(mask, ops.shape(x))
        number = ops.sum(ops.cast(mask, x.dtype), axes)
    if synchronized:
        number = _over_replicas(ops.cast(number, x.dtype))

    def total(values):
        values = values if mask is None else ops.where(mask, values, ops.zeros_like(values))
        summed = ops.sum(values, axes)
        return _over_replicas(summed) if synchronized else summed

    divisor = number if isinstance(number, int) else ops.maximum(number, ops.ones_like(number))
    mean = total(x) / divisor
    return mean, total(ops.square(x - along(mean, x, axis))) / divisor, number


def aligned_mask(mask, x, axis):
    """The mask with the dimension that it lacks: the last one if it fits so, as Keras's masks do, else the features'.

    Raises:
        ValueError: If it fits neither way.
    """
    rank = len(x.shape)
    if len(mask.shape) == rank - 1:
        for position in (rank - 1, axis % rank):
            aligned = ops.expand_dims(ops.cast(mask, "bool"), position)
            if all(
                here in (1, None, there) or there is None for here, there in zip(aligned.shape, x.shape, strict=True)
            ):
                return aligned
    raise ValueError(
        f"a mask must have the inputs' shape without the last axis or without the features' axis {axis}, but is "
        f"{tuple(mask.shape)} for inputs of shape {tuple(x.shape)}: reshape it, or repeat it along what it lacks"
    )


def count(x, axis):
    """m' of section 3.2: values of a feature in `x`; an int where the shape is known, else a float tensor."""
    axis %= len(x.shape)
    sizes = [size for each, size in enumerate(x.shape) if each != axis]
    if all(isinstance(size, int) for size in sizes):
        return math.prod(sizes)
    sizes = [size for each, size in enumerate(ops.shape(x)) if each != axis]
    return math.prod(ops.cast(size, x.dtype) for size in sizes)


def demand(x, condition, message):
    """`x`, which is refused when the graph runs if it does not meet a condition on shapes that TensorFlow's graphs leave open.

    What is made of it waits for the condition, so that nothing else can fail before.
    """
    with tf.control_dependencies([tf.debugging.Assert(condition, [message])]):
        return tf.identity(x)


def is_ragged(x) -> bool:
    """Whether `x` is a ragged tensor of TensorFlow."""
    return _BACKEND == "tensorflow" and isinstance(x, tf.RaggedTensor)


def ragged_values(x):
    """The values of a ragged tensor along the first axis, of size 1 along the others that are ragged or cut into rows.

    Raises:
        ValueError: If `x` is not ragged: a mask that is dense says nothing of rows that have other lengths.
    """
    if not is_ragged(x):
        raise ValueError(
            f"the mask of a ragged tensor must be ragged too, but has shape {tuple(x.shape)}: leave it out"
        )
    values = x.flat_values
    return tf.reshape(values, tf.concat([tf.shape(values)[:1], [1] * x.ragged_rank, tf.shape(values)[1:]], 0))


def as_ragged(values, like):
    """What `ragged_values` took apart, put together with the rows of `like`."""
    return like.with_flat_values(tf.reshape(values, tf.shape(like.flat_values)))


def along(vector, x, axis):
    """The vector `(features,)`, shaped to broadcast along `axis` of `x`."""
    rank = len(x.shape)
    return vector if axis % rank == rank - 1 else ops.reshape(vector, [-1] + [1] * (rank - 1 - axis % rank))


def _tensorflow_batch_transform(x, gamma, beta, axis, epsilon):
    features = tf.shape(x)[axis : axis + 1] if x.shape[axis] is None else [x.shape[axis]]
    gamma = tf.ones(features, x.dtype) if gamma is None else gamma
    beta = tf.zeros(features, x.dtype) if beta is None else beta
    if _fused_is_faster(x):
        return _tensorflow_fused(x, gamma, beta, axis, epsilon)
    return _tensorflow_by_hand(x, gamma, beta, axis, epsilon)


def _fused_is_faster(x) -> bool:
    if x.dtype != tf.float32:
        return False  # the op knows no wider type
    # Private, but the mark that TensorFlow itself goes by: it is set while a function with jit_compile=True is traced, and
    # seen from loops and functions within. Where it errs, a result is slower, never different.
    if control_flow_util.GraphOrParentsInXlaContext(tf.compat.v1.get_default_graph()):
        return False
    return math.prod(size or USUAL_BATCH for size in x.shape) >= FUSED_FROM


def _tensorflow_fused(x, gamma, beta, axis, epsilon):
    rank, last = len(x.shape), len(x.shape) - 1
    order = [each for each in range(rank) if each != axis] + [axis]
    rows = x if axis == last else tf.transpose(x, order)
    images = rows if rank == 4 else tf.reshape(rows, [-1, 1, 1, x.shape[axis]])
    y, mean, unbiased, *_ = tf.raw_ops.FusedBatchNormV3(
        x=images,
        scale=gamma,
        offset=beta,
        mean=tf.zeros([0]),
        variance=tf.zeros([0]),
        epsilon=epsilon,
        is_training=True,
    )
    y = y if rank == 4 else tf.reshape(y, tf.shape(rows))
    y = y if axis == last else tf.transpose(y, [order.index(each) for each in range(rank)])
    y.set_shape(x.shape)
    number = count(x, axis)
    return y, tf.stop_gradient(mean), tf.stop_gradient(unbiased) * ((number - 1) / number)


def _tensorflow_by_hand(x, gamma, beta, axis, epsilon):
    """The gradients that section 3 prints, with the sums over the mini-batch that they share taken once."""
    number = tf.cast(count(x, axis), x.dtype)

    def with_gradient(x, gamma, beta):
        axes = [each for each in range(len(x.shape)) if each != axis % len(x.shape)]
        mean = tf.reduce_sum(x, axes) / number
        centred = x - along(mean, x, axis)
        variance = tf.reduce_sum(tf.square(centred), axes) / number
        inverse = tf.math.rsqrt(variance + epsilon)

        def gradient(dy, *_):
            x_hat = (x - along(mean, x, axis)) * along(inverse, x, axis)
            d_beta = tf.reduce_sum(dy, axes)
            d_gamma = tf.reduce_sum(dy * x_hat, axes)
            inner = dy - along(d_beta / number, x, axis) - x_hat * along(d_gamma / number, x, axis)
            return along(gamma * inverse, x, axis) * inner, d_gamma, d_beta

        y = centred * along(gamma * inverse, x, axis) + along(beta, x, axis)
        return (y, mean, variance), gradient

    # XLA for the CPU takes twice as long for the same sums over three axes as over one.
    flat = axis == len(x.shape) - 1 and len(x.shape) > 2
    rows, axis = (tf.reshape(x, [-1, x.shape[-1]]), 1) if flat else (x, axis)
    y, mean, variance = tf.custom_gradient(with_gradient)(rows, gamma, beta)
    if flat:
        y = tf.reshape(y, tf.shape(x))
        y.set_shape(x.shape)
    return y, tf.stop_gradient(mean), tf.stop_gradient(variance)


def _torch_batch_transform(x, gamma, beta, axis, epsilon):
    # The op writes the unbiased variance into running statistics; with momentum 1 they are this mini-batch's own. What it
    # saves for the gradient, 1 / sqrt(variance + epsilon), would lose a small variance to epsilon.
    mean, unbiased = (torch.zeros(x.shape[axis], dtype=x.dtype, device=x.device) for _ in range(2))
    y = torch.batch_norm(x.movedim(axis, 1), gamma, beta, mean, unbiased, True, 1.0, epsilon, True)
    number = count(x, axis)
    return y.movedim(1, axis), mean, unbiased * ((number - 1) / number)


def _over_replicas(values):
    """The sum over all that hold a part of the mini-batch, whose gradient is the sum of theirs; `values` if nobody else does."""
    if _BACKEND == "tensorflow":
        context = tf.distribute.get_replica_context()
        return values if context is None else context.all_reduce(tf.distribute.ReduceOp.SUM, values)
    if _BACKEND == "jax":
        shards = tuple(jax.sharding.get_abstract_mesh().manual_axes)  # else one program holds the whole mini-batch
        return jax.lax.psum(values, shards) if shards else values
    if torch.distributed.is_available() and torch.distributed.is_initialized():
        return _SumOverProcesses.apply(values)
    return values


if _BACKEND == "torch":

    class _SumOverProcesses(torch.autograd.Function):
        """That of `torch.distributed.nn` is deprecated."""

        @staticmethod
        def forward(context, values):
            total = values.clone()
            torch.distributed.all_reduce(total)
            return total

        @staticmethod
        def backward(context, gradient):
            return _SumOverProcesses.forward(context, gradient)
