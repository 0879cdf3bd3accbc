"""The paper in float64 NumPy: Algorithms 1 and 2 and the gradients of section 3, line by line as printed, without a thought
for speed. m' = m p q for convolutions (section 3.2): every axis but the features' counts. Batch Renormalization from
Ioffe 2017. A `mask` has the shape of `x`; where it is False, a value is normalized but enters no statistic."""

import numpy as np


def count(shape, axis):
    """m' of a mini-batch of that shape."""
    return int(np.prod(np.delete(np.array(shape), axis)))


def moments(x, axis, mask=None):
    """Algorithm 1, lines 1 and 2: mean and biased variance of each feature."""
    x = rows(x, axis)
    admitted = np.ones(x.shape, bool) if mask is None else rows(mask, axis).astype(bool)
    m = admitted.sum(0)
    mean = np.where(admitted, x, 0).sum(0) / m
    variance = np.where(admitted, (x - mean) ** 2, 0).sum(0) / m
    return mean, variance


def algorithm_1(x, gamma, beta, axis, epsilon, mask=None):
    """`(y, mean, variance)` of a mini-batch."""
    mean, variance = moments(x, axis, mask)
    x_hat = (rows(x, axis) - mean) / np.sqrt(variance + epsilon)
    return _like(gamma * x_hat + beta, x, axis), mean, variance


def gradients(dy, x, gamma, axis, epsilon, mask=None):
    """`(dx, d_gamma, d_beta)`, the six equations of section 3."""
    mean, variance = moments(x, axis, mask)
    admitted = 1.0 if mask is None else rows(mask, axis)
    m = count(x.shape, axis) if mask is None else admitted.sum(0)
    values, dy = rows(x, axis), rows(dy, axis)
    centred, root = values - mean, np.sqrt(variance + epsilon)
    d_x_hat = dy * gamma
    d_variance = np.sum(d_x_hat * centred * -0.5 * (variance + epsilon) ** -1.5, 0)
    d_mean = np.sum(d_x_hat * -1 / root, 0) + d_variance * np.sum(-2 * admitted * centred, 0) / m
    dx = d_x_hat / root + admitted * (d_variance * 2 * centred / m + d_mean / m)
    return _like(dx, x, axis), np.sum(dy * centred / root, 0), np.sum(dy, 0)


def algorithm_2(batches, axis):
    """Step 10: `(E[x], Var[x])` from training mini-batches of equal size."""
    m = count(batches[0].shape, axis)
    means, variances = zip(*(moments(batch, axis) for batch in batches), strict=True)
    return np.mean(means, 0), m / (m - 1) * np.mean(variances, 0)


def inference(x, gamma, beta, mean, variance, axis, epsilon):
    """Step 11: `gamma / sqrt(Var[x] + eps) x + (beta - gamma E[x] / sqrt(Var[x] + eps))`."""
    scale = gamma / np.sqrt(variance + epsilon)
    return _like(scale * rows(x, axis) + (beta - scale * mean), x, axis)


def moving(old, new, momentum):
    return momentum * old + (1 - momentum) * new


def renormalized(x, gamma, beta, renorm_mean, renorm_stddev, axis, epsilon, rmin=0, rmax=np.inf, dmax=np.inf):
    """Batch Renormalization, Ioffe 2017, Algorithm 1: y of a mini-batch."""
    mean, variance = moments(x, axis)
    stddev = np.sqrt(variance + epsilon)
    r = np.clip(stddev / renorm_stddev, rmin, rmax)
    d = np.clip((mean - renorm_mean) / renorm_stddev, -dmax, dmax)
    return _like(gamma * ((rows(x, axis) - mean) / stddev * r + d) + beta, x, axis)


def rows(x, axis):
    """`(m', features)`."""
    x = np.moveaxis(np.asarray(x, "float64"), axis, -1)
    return x.reshape(-1, x.shape[-1])


def _like(rows, x, axis):
    moved = np.moveaxis(np.asarray(x), axis, -1).shape
    return np.moveaxis(rows.reshape(moved), -1, axis)
