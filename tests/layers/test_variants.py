"""Local response normalization, photometric distortion and the control without batch statistics, against their formulas."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from bnrepro.layers.batch_normalization import BatchNormalization
from bnrepro.layers.variants import GhostBatchNormalization, PopulationNormalization
from bnrepro.models.layers import LocalResponseNormalization, PhotometricDistortion

IMAGES = np.random.default_rng(0).random((16, 6, 6, 9)).astype("float32")


def test_local_response_normalization_is_tensorflows():
    layer = LocalResponseNormalization()
    expected = tf.nn.local_response_normalization(IMAGES, layer.radius, layer.bias, layer.alpha, layer.beta)
    np.testing.assert_allclose(layer(IMAGES), expected, rtol=1e-5)


def test_local_response_normalization_of_activations_near_1_is_hardly_more_than_a_factor():
    """So the report's deviations have it, of the stem of `inception_small`."""
    activations = np.random.default_rng(1).normal(0, 1, (4, 6, 6, 48)).clip(0).astype("float32")
    np.testing.assert_allclose(LocalResponseNormalization()(activations), 2**-0.75 * activations, rtol=2e-3)


def test_distortion_changes_each_images_contrast_and_brightness_while_training_alone():
    layer = PhotometricDistortion(0.4)
    np.testing.assert_array_equal(layer(IMAGES, training=False), IMAGES)
    distorted = layer(IMAGES, training=True).numpy()
    means, distorted_means = (values.mean((1, 2, 3)) for values in (IMAGES, distorted))
    contrast = distorted.std((1, 2, 3)) / IMAGES.std((1, 2, 3))
    expected = contrast[:, None, None, None] * (IMAGES - means[:, None, None, None])
    np.testing.assert_allclose(distorted - distorted_means[:, None, None, None], expected, atol=1e-5)
    assert contrast.min() >= 0.6 and contrast.max() <= 1.4 and contrast.std() > 0.05
    assert np.abs(distorted_means - means).max() <= 0.2 and np.std(distorted_means - means) > 0.02


def normalized(noise, times, x, momentum=0.0):
    layer = PopulationNormalization(noise, momentum=momentum, epsilon=1e-9)
    layer.build(x.shape)
    return np.array([layer(x, training=True).numpy() for _ in range(times)])


def test_without_noise_it_normalizes_by_the_running_statistics():
    x = np.random.default_rng(1).normal(3.0, 2.0, (4_000, 3)).astype("float32")
    layer = PopulationNormalization(momentum=0.5)
    layer.build(x.shape)
    y = layer(x, training=True)
    mean, variance = 0.5 * x.mean(0), 0.5 + 0.5 * x.var(0, ddof=1)
    np.testing.assert_allclose(y, (x - mean) / np.sqrt(variance + layer.epsilon), rtol=1e-4, atol=1e-4)


@pytest.mark.slow
def test_its_noise_is_as_large_as_that_of_a_mini_batchs_statistics():
    size, x = 16, np.random.default_rng(2).standard_normal((4_000, 2)).astype("float32")
    example = x[:1]
    noisy = normalized(size, 400, x)[:, 0, 0]
    generator = np.random.default_rng(3)
    batches = np.concatenate([np.repeat(example[np.newaxis], 400, 0), generator.choice(x, (400, size - 1))], axis=1)
    layer = BatchNormalization(epsilon=1e-9)
    mates = np.array([layer(batch, training=True).numpy()[0, 0] for batch in batches])
    assert noisy.std() == pytest.approx(mates.std(), rel=0.2)


def test_an_examples_output_does_not_depend_on_the_examples_beside_it():
    x = np.random.default_rng(4).standard_normal((8, 3)).astype("float32")
    layer = PopulationNormalization(momentum=1 - 1e-9)
    layer.build(x.shape)
    one = layer(x, training=True).numpy()[0]
    np.testing.assert_allclose(layer(np.concatenate([x[:1], -x[1:]]), training=True).numpy()[0], one, rtol=1e-5)


def test_the_gradient_takes_its_statistics_as_constants():
    x = tf.constant(np.random.default_rng(5).standard_normal((8, 3)), tf.float32)
    layer = PopulationNormalization(momentum=0.0)
    layer.build(x.shape)
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = layer(x, training=True)
    variance = x.numpy().var(0, ddof=1)
    expected = np.broadcast_to(1 / np.sqrt(variance + layer.epsilon), x.shape)
    np.testing.assert_allclose(tape.gradient(y, x), expected, rtol=1e-4)


def called(layer, x, mask=None):
    """A layer's output, and the gradients of its input, gamma and beta."""
    if not layer.built:
        layer.build(x.shape)
    layer.gamma.assign(np.arange(1, 6))
    layer.beta.assign(np.arange(5))
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = layer(x, training=True, mask=mask)
    return y.numpy(), *(each.numpy() for each in tape.gradient(y, (x, layer.gamma, layer.beta), tf.sin(x)))


@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize("shape", [(12, 5), (12, 3, 3, 5)])
def test_a_kept_gradient_is_that_of_bn_times_the_ratio_of_standard_deviations_and_the_output_is_what_it_was(
    shape, masked
):
    generator = np.random.default_rng(6)
    x = tf.constant(generator.normal(2, 3, shape), tf.float32)
    mask = tf.constant(generator.random(shape[:-1]) < 0.7) if masked else None
    kept, dropped, bn = PopulationNormalization(gradient="kept"), PopulationNormalization(), BatchNormalization()
    (y, dx, *others), (its_y, _, *its_others), (_, bn_dx, *_) = (called(each, x, mask) for each in (kept, dropped, bn))
    np.testing.assert_array_equal(y, its_y)
    for mine, its in zip(others, its_others):
        np.testing.assert_array_equal(mine, its)
    values = x.numpy().reshape(-1, 5)[slice(None) if mask is None else mask.numpy().ravel()]
    ratio = np.sqrt((values.var(0) + kept.epsilon) / (kept.moving_variance.numpy() + kept.epsilon))
    assert ratio.min() > 1.2, "the running averages have only begun to move"
    np.testing.assert_allclose(dx, ratio * bn_dx, rtol=1e-4, atol=1e-5)


def test_a_kept_gradient_is_that_of_the_output_where_the_statistics_are_the_mini_batchs_own():
    x = np.random.default_rng(7).normal(2, 3, (8, 5))
    layer, bn = (
        PopulationNormalization(gradient="kept", momentum=0.0, ddof=0, dtype="float64"),
        BatchNormalization(dtype="float64"),
    )
    weights = np.sin(x)

    def total(x):
        return np.sum(weights * called(bn, tf.constant(x))[0])

    steps = 1e-5 * np.eye(x.size).reshape(-1, *x.shape)
    expected = [(total(x + step) - total(x - step)) / 2e-5 for step in steps]
    np.testing.assert_allclose(called(layer, tf.constant(x))[1].ravel(), expected, atol=1e-6)


def test_noise_of_ghost_batches_is_as_large_as_that_of_their_means_and_variances_and_each_has_its_own():
    size, x = 4, np.random.default_rng(8).standard_normal((4_000, 2)).astype("float32")
    layer = PopulationNormalization(size, apart=True, momentum=0.0, epsilon=1e-9)
    ghosts = x.reshape(size, -1, 2)
    y = layer(x, training=True).numpy().reshape(ghosts.shape)
    stds = (ghosts[1] - ghosts[0]) / (y[1] - y[0])
    means = ghosts[0] - y[0] * stds
    np.testing.assert_allclose(ghosts[2] - means, y[2] * stds, atol=1e-2)
    own = ghosts.var(0, ddof=1)
    np.testing.assert_allclose(means.std(0), ghosts.mean(0).std(0), rtol=0.1)
    np.testing.assert_allclose((stds**2).std(0) / (stds**2).mean(0), own.std(0) / own.mean(0), rtol=0.2)
    assert np.abs(np.corrcoef(means[:-1, 0], means[1:, 0])[0, 1]) < 0.1


def test_the_noise_of_ghost_batches_goes_by_their_number_where_that_is_not_known_beforehand():
    x = tf.constant(np.random.default_rng(9).normal(2, 3, (12, 5)), tf.float32)
    layer = PopulationNormalization(4, gradient="kept", apart=True)
    layer.build(x.shape)
    step = tf.function(lambda x: layer(x, training=True), input_signature=[tf.TensorSpec((None, 5))])
    state = layer.seed_generator.state.numpy()
    found = step(x)
    layer.seed_generator.state.assign(state)
    layer.moving_mean.assign(np.zeros(5))
    layer.moving_variance.assign(np.ones(5))
    np.testing.assert_allclose(found, layer(x, training=True), atol=1e-5)


@pytest.mark.parametrize("shape", [(12, 5), (12, 3, 3, 5)])
def test_each_ghost_batch_is_normalized_as_if_it_were_alone(shape):
    x = np.random.default_rng(1).normal(2, 3, shape).astype("float32")
    layer, alone = GhostBatchNormalization(4, momentum=0.0), BatchNormalization(momentum=0.0)
    for each in (layer, alone):
        each.build(x.shape)
        each.gamma.assign(np.arange(1, 6))
        each.beta.assign(np.arange(5))
    found = layer(x, training=True).numpy()
    means, variances = [], []
    for ghost in range(3):
        np.testing.assert_allclose(found[ghost::3], alone(x[ghost::3], training=True), rtol=1e-4, atol=1e-4)
        means.append(alone.moving_mean.numpy())
        variances.append(alone.moving_variance.numpy())
    np.testing.assert_allclose(layer.moving_mean, np.mean(means, axis=0), rtol=1e-5)
    np.testing.assert_allclose(layer.moving_variance, np.mean(variances, axis=0), rtol=1e-5)


def test_a_ghost_as_large_as_the_mini_batch_is_bn_and_at_inference_both_are():
    x = np.random.default_rng(2).normal(size=(8, 5)).astype("float32")
    ghost, plain = GhostBatchNormalization(8), BatchNormalization()
    np.testing.assert_allclose(ghost(x, training=True), plain(x, training=True), atol=1e-6)
    np.testing.assert_allclose(ghost(x, training=False), plain(x, training=False), atol=1e-6)


def test_ghost_batches_train_in_fit_where_the_last_mini_batch_is_smaller():
    x = np.random.default_rng(3).normal(2, 3, (20, 2)).astype("float32")
    layer = GhostBatchNormalization(4, momentum=0.0)
    model = keras.Sequential([keras.Input((2,)), layer, keras.layers.Dense(2)])
    model.compile(keras.optimizers.SGD(0.0), "mse")
    model.fit(x, x, batch_size=8, shuffle=False, verbose=0)
    np.testing.assert_allclose(layer.moving_mean, x[16:].mean(0), rtol=1e-5)
    np.testing.assert_allclose(layer.moving_variance, x[16:].var(0, ddof=1), rtol=1e-5)
    with pytest.raises(tf.errors.InvalidArgumentError, match="size must divide the mini-batch"):
        model.fit(x[:6], x[:6], batch_size=6, verbose=0)


@pytest.mark.parametrize("shape", [(12, 5), (12, 3, 2, 5)])
def test_in_a_mini_batch_of_unknown_size_ghost_batches_are_those_of_a_known_one(shape):
    x = tf.constant(np.random.default_rng(4).normal(2, 3, shape), tf.float32)
    known, unknown = (GhostBatchNormalization(4, gamma_initializer="random_normal") for _ in range(2))
    for each in (known, unknown):
        each.build(shape)
    unknown.set_weights(known.get_weights())

    @tf.function(input_signature=[tf.TensorSpec((None, *shape[1:]))])
    def call(x):
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = unknown(x, training=True)
        return y, tape.gradient(y, x, tf.sin(x))

    with tf.GradientTape() as tape:
        tape.watch(x)
        y = known(x, training=True)
    for mine, other in zip(call(x), (y, tape.gradient(y, x, tf.sin(x)))):
        np.testing.assert_allclose(mine, other, atol=2e-5)
    for mine, other in zip(unknown.get_weights(), known.get_weights()):
        np.testing.assert_allclose(mine, other, rtol=1e-5)


def test_a_mask_counts_in_each_ghost_batch():
    generator = np.random.default_rng(5)
    x, mask = generator.normal(2, 3, (8, 6, 3)).astype("float32"), generator.random((8, 6)) < 0.6
    mask[1::2], mask[1, 0] = False, True  # one value in the second ghost batch
    layer, alone = GhostBatchNormalization(4, momentum=0.0), BatchNormalization(momentum=0.0)
    y = layer(x, training=True, mask=mask)
    np.testing.assert_allclose(y[::2], alone(x[::2], training=True, mask=mask[::2]), rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(layer.moving_mean, alone.moving_mean, rtol=1e-5)
    np.testing.assert_allclose(layer.moving_variance, alone.moving_variance, rtol=1e-5)
    before = layer.get_weights()
    layer(x, training=True, mask=np.zeros((8, 6), bool))
    np.testing.assert_array_equal(before, layer.get_weights())


def test_population_normalization_takes_keras_masks():
    generator = np.random.default_rng(6)
    x, mask = generator.normal(2, 3, (4, 6, 3)).astype("float32"), generator.random((4, 6)) < 0.6
    layer = PopulationNormalization(noise=8, momentum=0.0)
    assert np.all(np.isfinite(layer(x, training=True, mask=mask)))
    np.testing.assert_allclose(layer.moving_mean, x[mask].mean(0), rtol=1e-5)


@pytest.mark.parametrize(
    "call, message",
    [
        (lambda: GhostBatchNormalization(0), "size must be a whole number from 1, but is 0: give"),
        (lambda: GhostBatchNormalization(2.5), "size must be a whole number from 1, but is 2.5"),
        (lambda: GhostBatchNormalization(2, renorm=True), "GhostBatchNormalization does not know renorm=True"),
        (lambda: PopulationNormalization(gradient="own"), "gradient must be 'dropped' or 'kept', but is 'own': choose"),
        (
            lambda: PopulationNormalization(4, apart=True, axis=1).build((4, 3, 5)),
            "need the features last, but axis is 1",
        ),
        (lambda: PopulationNormalization(3, apart=True)(IMAGES, training=True), "but 3 does not divide 16: choose"),
        (lambda: PopulationNormalization(gradient="kept")(np.ones((1, 3)), training=True), "needs at least 2 values"),
        (lambda: PopulationNormalization(renorm=True), "PopulationNormalization does not know renorm=True"),
        (lambda: GhostBatchNormalization(2, axis=1).build((4, 3, 5)), "need the features last, but axis is 1"),
        (lambda: GhostBatchNormalization(3)(IMAGES, training=True), "but 3 does not divide 16: choose another"),
        (lambda: GhostBatchNormalization(1)(np.ones((4, 3)), training=True), "training needs at least 2 values"),
    ],
)
def test_ghosts_that_cannot_be_are_refused_in_one_line(call, message):
    with pytest.raises(ValueError, match=message):
        call()
