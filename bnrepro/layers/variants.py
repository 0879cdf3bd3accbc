"""Variants of BN that experiments need: ghost batches, and population statistics in training, with noise or without, with the
gradient that BN has or without.
"""

import numbers

import keras
from keras import ops

from bnrepro.layers import kernels
from bnrepro.layers.batch_normalization import BatchNormalization


class GhostBatchNormalization(BatchNormalization):
    """BN that normalizes parts of the mini-batch apart, ghost batches: a large step of the optimizer, small normalization.

    Of m examples, those whose positions have the same remainder by m / size are one ghost batch. A step moves the running
    statistics once, by the mean over the ghost batches of their means and of their unbiased variances; where a mask leaves a
    ghost batch no more than `ddof` values of a feature, the mean is over the others. At inference it is `BatchNormalization`.

    Args:
        size: Examples that are normalized together; it divides the mini-batch.
        kwargs: Those of `BatchNormalization`, but for `renorm`, `synchronized` and `axis`: features are last.

    Raises:
        ValueError: For other arguments, and for a mini-batch that `size` does not divide.

    References:
        Hoffer, Hubara and Soudry 2017, *Train longer, generalize better*, section 4, Algorithm 1 (arXiv:1705.08741).
    """

    def __init__(self, size, **kwargs):
        super().__init__(**kwargs)
        if not isinstance(size, numbers.Integral) or size < 1:
            raise ValueError(f"size must be a whole number from 1, but is {size!r}: give the examples of a ghost batch")
        _refuse_variants(self)
        self.size = int(size)

    def build(self, input_shape):
        _refuse_features_first(self, input_shape)
        super().build(input_shape)

    def get_config(self):
        return {**super().get_config(), "size": self.size}

    def batch_moments(self, x, mask=None):
        moments = kernels.moments(_apart(x, self.size), -1, self._mask_apart(mask, x))
        return tuple(ops.reshape(ops.broadcast_to(each, ops.shape(moments[0])), (-1, x.shape[-1])) for each in moments)

    def _transform_batch(self, x, gamma, beta, mask):
        flat, parts = _apart(x, self.size), ops.shape(x)[0] // self.size
        self._refuse_one_value(kernels.count(flat, -1), x)
        if mask is None and isinstance(parts, int):
            gamma, beta = (None if weight is None else ops.tile(weight, parts) for weight in (gamma, beta))
            y, *moments = kernels.batch_transform(flat, gamma, beta, -1, self.epsilon)
            mean, variance = (ops.mean(ops.reshape(moment, (parts, -1)), axis=0) for moment in moments)
            self._update_statistics(mean, variance, kernels.count(flat, -1))
            return _together(y, x, self.size)
        mean, variance, number = self.batch_moments(x, mask)
        used = (ops.reshape(each, (-1,)) for each in self._or_running(mean, variance, number))
        y = _together(kernels.transform(flat, None, None, *used, -1, self.epsilon), x, self.size)
        unbiased, enough = self._unbiased(variance, ops.cast(number, x.dtype))
        parts = ops.sum(ops.cast(enough, x.dtype), axis=0)

        def over_parts(values):
            return ops.stop_gradient(ops.sum(ops.where(enough, values, 0), axis=0) / ops.maximum(parts, 1))

        self._move_statistics(*map(over_parts, (mean, variance, unbiased)), parts > 0)
        return _scaled(y, gamma, beta)

    def _mask_apart(self, mask, x):
        if mask is None:
            return None
        return _apart(ops.broadcast_to(kernels.aligned_mask(mask, x, -1), ops.shape(x)), self.size)


class PopulationNormalization(BatchNormalization):
    """BN that normalizes by running statistics while training too, a control: its output depends on no other example.

    With `noise` m it adds the noise that the statistics of a mini-batch of m examples would have, were the features Gaussian
    and the examples independent: per feature and step, `mean + std z / sqrt(m')` and `variance exp(sqrt(2 / m') z' - 1 / m')`,
    z and z' standard normal, m' the values of a feature (section 3.2); the exponential keeps the variance above 0 and its mean
    where it was. At inference it is `BatchNormalization`.

    The gradient takes statistics as constants, or it is BN's, through the mean and the variance of the mini-batch. With sigma_B
    its standard deviation and sigma the one that was used, this is BN's times the constant sigma_B / sigma, as in Batch
    Renormalization without limits, while the output is what it is otherwise, to the bit.

    Args:
        noise: Examples of the mini-batch whose noise is added; 0 for none.
        gradient: `"dropped"` or `"kept"`: whether the gradient that goes through the mini-batch's statistics is.
        apart: Whether the mini-batch falls into ghost batches of `noise` examples, each with noise of its own; else all its
            examples share that of a step.
        kwargs: Those of `BatchNormalization`, but for `renorm` and `synchronized`; and, with `apart`, for `axis`.

    Raises:
        ValueError: For other arguments, and with `apart` for a mini-batch that `noise` does not divide.

    References:
        Ioffe 2017, *Batch Renormalization*, section 3: r and d, constant to the gradient (arXiv:1702.03275).
    """

    def __init__(self, noise=0, gradient="dropped", apart=False, **kwargs):
        super().__init__(**kwargs)
        _refuse_variants(self)
        if gradient not in ("dropped", "kept"):
            raise ValueError(f"gradient must be 'dropped' or 'kept', but is {gradient!r}: choose one of them")
        self.noise, self.gradient, self.apart = noise, gradient, bool(apart and noise)
        self.seed_generator = keras.random.SeedGenerator(0)

    def build(self, input_shape):
        if self.apart:
            _refuse_features_first(self, input_shape)
        super().build(input_shape)

    def get_config(self):
        return {**super().get_config(), "noise": self.noise, "gradient": self.gradient, "apart": self.apart}

    def _transform_batch(self, x, gamma, beta, mask):
        mask = None if mask is None else kernels.aligned_mask(mask, x, self.axis)
        mean, variance, number = kernels.moments(ops.stop_gradient(x), self.axis, mask)
        if self.gradient == "kept":
            self._refuse_one_value(number, x)
        self._update_statistics(mean, variance, number)
        if self.gradient == "kept":
            x = kernels.through_moments(x, self.axis, self.epsilon, mask)
        mean, variance = (ops.cast(weight, x.dtype) for weight in (self.moving_mean, self.moving_variance))
        if not self.noise:
            return kernels.transform(x, gamma, beta, mean, variance, self.axis, self.epsilon)
        values = self.noise * number / ops.cast(ops.shape(x)[0], x.dtype)
        values = values if mask is None else ops.maximum(values, 1)
        if not self.apart:
            noisy = self._with_noise(mean, variance, values)
            return kernels.transform(x, gamma, beta, *noisy, self.axis, self.epsilon)
        flat, parts = _apart(x, self.noise), ops.shape(x)[0] // self.noise
        shape = (parts, x.shape[-1])
        each = (ops.reshape(ops.broadcast_to(one, shape), (-1,)) for one in (mean, variance, values))
        y = kernels.transform(flat, None, None, *self._with_noise(*each), -1, self.epsilon)
        return _scaled(_together(y, x, self.noise), gamma, beta)

    def _with_noise(self, mean, variance, values):
        """Statistics with the noise that those of so many values would have."""
        shape = ops.shape(mean)
        first, second = (keras.random.normal(shape, dtype=mean.dtype, seed=self.seed_generator) for _ in range(2))
        mean = mean + first * ops.sqrt(variance / values)
        return mean, variance * ops.exp(second * ops.sqrt(2 / values) - 1 / values)


def _apart(x, size):
    """`(size, ..., parts * features)`: each feature of each ghost batch of so many examples is a feature of its own."""
    examples, *locations, features = ops.shape(x)
    rule = f"size must divide the mini-batch, but {size} does not divide"
    remedy = "choose another size, or leave the rest of the examples out"
    if not isinstance(examples, int):
        x = kernels.demand(x, examples % size == 0, f"{rule} its examples: {remedy}")
    elif examples % size:
        raise ValueError(f"{rule} {examples}: {remedy}")
    parts = examples // size if isinstance(examples, int) else -1
    apart = ops.moveaxis(ops.reshape(x, (size, parts, *locations, features)), 1, -2)
    return ops.reshape(apart, (size, *locations, parts * features if parts != -1 else -1))


def _together(y, like, size):
    """The reverse of `_apart`."""
    examples, *locations, features = ops.shape(like)
    parts = examples // size if isinstance(examples, int) else -1
    together = ops.reshape(y, (size, *locations, parts, features))
    return ops.reshape(ops.moveaxis(together, -2, 1), (examples, *locations, features))


def _scaled(y, gamma, beta):
    y = y if gamma is None else y * gamma
    return y if beta is None else y + beta


def _refuse_features_first(layer, input_shape):
    if layer.axis not in (-1, len(input_shape) - 1):
        raise ValueError(f"ghost batches need the features last, but axis is {layer.axis}: leave it at -1")


def _refuse_variants(layer):
    for name in ("renorm", "synchronized"):
        if getattr(layer, name):
            raise ValueError(
                f"{type(layer).__name__} does not know {name}=True: leave it out, or use BatchNormalization"
            )
