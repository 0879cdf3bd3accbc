"""The paper's equations in float64 NumPy, line by line, and nothing else: what the layer is held against. Knows no layer."""

import numpy as np


def normalize(x, gamma, beta, epsilon):
    """Algorithm 1 on a mini-batch `x` of shape `(m, features)`: the output, of the same shape."""
    mean, variance = moments(x)
    return gamma * (x - mean) / np.sqrt(variance + epsilon) + beta


def moments(x):
    """Mean and biased variance of each feature over the mini-batch, Algorithm 1, lines 1 and 2."""
    x = np.asarray(x, "float64")
    mean = x.sum(axis=0) / len(x)
    return mean, ((x - mean) ** 2).sum(axis=0) / len(x)


def gradients(x, gamma, dy, epsilon):
    """`dx`, `dgamma`, `dbeta` as the paper prints them (section 3), for the gradient `dy` of the output."""
    x, dy = np.asarray(x, "float64"), np.asarray(dy, "float64")
    m = len(x)
    mean, variance = moments(x)
    dx_hat = dy * gamma
    dvariance = (dx_hat * (x - mean) * -0.5 * (variance + epsilon) ** -1.5).sum(axis=0)
    dmean = (dx_hat * -1 / np.sqrt(variance + epsilon)).sum(axis=0) + dvariance * (-2 * (x - mean)).sum(axis=0) / m
    dx = dx_hat / np.sqrt(variance + epsilon) + dvariance * 2 * (x - mean) / m + dmean / m
    x_hat = (x - mean) / np.sqrt(variance + epsilon)
    return dx, (dy * x_hat).sum(axis=0), dy.sum(axis=0)
