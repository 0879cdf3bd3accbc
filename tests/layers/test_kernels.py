"""The transform and its gradient, on every path of the TensorFlow backend, against the paper's equations in float64."""

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

from bnrepro.layers import kernels, reference
from tests.layers.tolerances import assert_close

EPSILON = 1e-3


def composed(x, gamma, beta, axis, epsilon):
    """The transform without a fast path or a gradient of its own: the one that the others stand in for."""
    mean, variance, _ = kernels.moments(x, axis)
    return kernels.transform(x, gamma, beta, mean, variance, axis, epsilon), mean, variance


PATHS = {"fused": kernels._tensorflow_fused, "by hand": kernels._tensorflow_by_hand, "composed": composed}
COMPILED = {"graph": False, "xla": True}


@st.composite
def mini_batches(draw):
    shape = draw(st.lists(st.integers(1, 5), min_size=2, max_size=5).map(tuple))
    axis = draw(st.integers(-len(shape), len(shape) - 1))
    if reference.count(shape, axis) == 1:
        shape = tuple(size + 1 for size in shape)
    return shape, axis, draw(st.integers(0, 2**16))


def draw_inputs(shape, axis, seed, dtype="float32"):
    generator = np.random.default_rng(seed)
    x, dy = 1 + 2 * generator.standard_normal((2, *shape))
    gamma, beta = generator.uniform(0.5, 2, (2, shape[axis]))
    return [values.astype(dtype) for values in (x, dy, gamma, beta)]


def forward_and_backward(path, x, dy, gamma, beta, axis, epsilon=EPSILON):
    x, gamma, beta = (tf.convert_to_tensor(values) for values in (x, gamma, beta))
    with tf.GradientTape() as tape:
        tape.watch([x, gamma, beta])
        y, mean, variance = path(x, gamma, beta, axis % len(x.shape), epsilon)
    return y, mean, variance, *tape.gradient(y, [x, gamma, beta], dy)


def assert_the_papers(actual, x, dy, gamma, beta, axis, tolerance):
    y, mean, variance = reference.algorithm_1(x, gamma, beta, axis, EPSILON)
    dx, d_gamma, d_beta = reference.gradients(dy, x, gamma, axis, EPSILON)
    dx_terms = np.max(np.abs(gamma)) * np.max(np.abs(dy)) / np.sqrt(np.min(variance) + EPSILON)
    sum_terms = np.max(np.sum(np.abs(reference.rows(dy, axis)), 0))
    oracle = dict(y=(y, None), mean=(mean, None), variance=(variance, None))
    oracle |= dict(dx=(dx, dx_terms), d_gamma=(d_gamma, sum_terms), d_beta=(d_beta, sum_terms))
    for (name, (paper, scale)), mine in zip(oracle.items(), actual, strict=True):
        assert_close(mine, paper, tolerance, name, scale)


def test_the_printed_gradients_are_those_of_finite_differences():
    x, dy, gamma, beta = draw_inputs((3, 2, 4), 1, seed=0, dtype="float64")
    mask = np.random.default_rng(1).random((3, 1, 4)) < 0.7
    mask = np.broadcast_to(mask, x.shape)

    def loss(x, gamma, beta):
        return np.sum(dy * reference.algorithm_1(x, gamma, beta, 1, EPSILON, mask)[0])

    printed = reference.gradients(dy, x, gamma, 1, EPSILON, mask)
    for place, gradient in enumerate(printed):
        for index in np.ndindex(gradient.shape):
            sides = []
            for step in (1e-6, -1e-6):
                arguments = [x.copy(), gamma.copy(), beta.copy()]
                arguments[place][index] += step
                sides.append(loss(*arguments))
            assert gradient[index] == pytest.approx((sides[0] - sides[1]) / 2e-6, rel=1e-6, abs=1e-7)


@pytest.mark.slow
@pytest.mark.parametrize("name", PATHS)
@settings(max_examples=25, deadline=None, derandomize=True)
@given(mini_batches())
def test_every_path_is_algorithm_1_with_its_printed_gradients(name, case):
    shape, axis, seed = case
    inputs = draw_inputs(shape, axis, seed)
    assert_the_papers(forward_and_backward(PATHS[name], *inputs, axis), *inputs, axis, "float32")


@pytest.mark.parametrize("name", ["by hand", "composed"])
@settings(max_examples=10, deadline=None, derandomize=True)
@given(mini_batches())
def test_the_paths_for_wider_types_are_exact_to_the_wider_type(name, case):
    shape, axis, seed = case
    inputs = draw_inputs(shape, axis, seed, "float64")
    assert_the_papers(forward_and_backward(PATHS[name], *inputs, axis), *inputs, axis, "float64")


@pytest.mark.slow
@pytest.mark.parametrize("mode", COMPILED)
@pytest.mark.parametrize(
    "shape, axis, known",
    [((60, 10), -1, True), ((16, 10, 10, 48), 3, False), ((8, 24, 20, 20), 1, True), ((2, 3, 4, 5, 6), 2, False)],
)
def test_compiled_code_gives_the_same_with_batches_known_and_unknown(mode, shape, axis, known):
    inputs = draw_inputs(shape, axis, seed=3)
    images = tf.TensorSpec(shape if known else (None, *shape[1:]), "float32")
    weights = tf.TensorSpec([shape[axis]], "float32")

    @tf.function(jit_compile=COMPILED[mode], input_signature=[images, images, weights, weights])
    def compiled(x, dy, gamma, beta):
        return forward_and_backward(kernels.batch_transform, x, dy, gamma, beta, axis)

    assert_the_papers(compiled(*inputs), *inputs, axis, "float32")


def operations(function, *shapes):
    graph = function.get_concrete_function(*(tf.TensorSpec(shape, "float32") for shape in shapes)).graph.as_graph_def()
    return {node.op for part in (graph.node, *(inner.node_def for inner in graph.library.function)) for node in part}


@pytest.mark.parametrize(
    "shape, fused", [((64, 28, 28, 64), True), ((None, 28, 28, 64), True), ((60, 100), False), ((None, 100), False)]
)
def test_graph_mode_takes_the_fused_op_from_the_measured_size_on(shape, fused):
    transform = tf.function(lambda x: kernels.batch_transform(x, None, None, -1, EPSILON)[0])
    assert ("FusedBatchNormV3" in operations(transform, shape)) == fused


def test_xla_never_gets_the_fused_op_not_even_in_a_loop_or_an_inner_function():
    inner = tf.function(lambda x: kernels.batch_transform(x, None, None, -1, EPSILON)[0])

    @tf.function(jit_compile=True)
    def loop(x):
        for _ in tf.range(3):
            x = inner(kernels.batch_transform(x, None, None, -1, EPSILON)[0])
        return x

    assert "FusedBatchNormV3" not in operations(loop, (64, 28, 28, 64))


@pytest.mark.parametrize("name", PATHS)
def test_a_large_mean_neither_loses_the_variance_nor_makes_it_negative(name):
    generator = np.random.default_rng(0)
    x = (1e4 + generator.standard_normal((64, 8))).astype("float32")
    dy, gamma, beta = draw_inputs((64, 8), 1, 1)[1:]
    actual = forward_and_backward(PATHS[name], x, dy, gamma, beta, 1)
    assert_the_papers(actual, x, dy, gamma, beta, 1, "large mean")
    constant = np.full((64, 8), 1e4 + 0.1, "float32")
    y, _, variance, *_ = forward_and_backward(PATHS[name], constant, dy, gamma, beta, 1)
    assert np.all(variance.numpy() >= 0) and np.all(np.isfinite(y.numpy()))


@pytest.mark.parametrize("name", ["fused", "by hand"])
@pytest.mark.parametrize("shape, axis", [((6, 3), 1), ((4, 3, 2, 5), 3), ((4, 3, 5), 1)])
def test_second_derivatives_are_those_of_the_composed_transform(name, shape, axis):
    x, dy, gamma, beta = (tf.constant(values) for values in draw_inputs(shape, axis, 5))

    def penalty_gradients(path):
        with tf.GradientTape() as outer:
            outer.watch([x, gamma])
            with tf.GradientTape() as inner:
                inner.watch(x)
                loss = tf.reduce_sum(tf.sin(path(x, gamma, beta, axis, EPSILON)[0]) * dy)
            penalty = tf.reduce_sum(tf.square(inner.gradient(loss, x)))
        return outer.gradient(penalty, [x, gamma])

    for mine, plain in zip(penalty_gradients(PATHS[name]), penalty_gradients(composed), strict=True):
        assert_close(mine, plain, "float32")


@pytest.mark.slow
@pytest.mark.parametrize("name", ["fused", "by hand"])
def test_forward_mode_and_jacobians_are_those_of_the_composed_transform(name):
    x, direction, gamma, beta = (tf.constant(values) for values in draw_inputs((5, 2, 2, 3), 3, 6))

    def derivatives(path):
        with tf.autodiff.ForwardAccumulator(x, direction) as accumulator, tf.GradientTape() as tape:
            tape.watch(x)
            y = path(x, gamma, beta, 3, EPSILON)[0]
        return accumulator.jvp(y), tape.jacobian(y, x)

    for mine, plain in zip(derivatives(PATHS[name]), derivatives(composed), strict=True):
        assert_close(mine, plain, "float32")


@pytest.mark.parametrize("name", ["fused", "by hand"])
def test_statistics_are_constants_to_differentiation(name):
    x, _, gamma, beta = (tf.constant(values) for values in draw_inputs((4, 3), 1, 7))
    with tf.GradientTape(persistent=True) as tape:
        tape.watch(x)
        _, mean, variance = PATHS[name](x, gamma, beta, 1, EPSILON)
    assert tape.gradient(mean, x) is None and tape.gradient(variance, x) is None


@pytest.mark.parametrize("shape, axis", [((6, 4), 1), ((64, 16, 16, 8), 3), ((3, 4, 2, 2), 1)])
@pytest.mark.parametrize("mode", [None, *COMPILED])
@pytest.mark.parametrize("scaled", [True, False])
def test_inference_is_the_linear_map_of_algorithm_2(shape, axis, mode, scaled):
    x, _, gamma, beta = draw_inputs(shape, axis, 8)
    mean, variance = np.random.default_rng(9).uniform(0.5, 2, (2, shape[axis])).astype("float32")

    def infer(x):
        return kernels.population_transform(
            x, *((gamma, beta) if scaled else (None, None)), mean, variance, axis, EPSILON
        )

    actual = infer(tf.constant(x)) if mode is None else tf.function(infer, jit_compile=COMPILED[mode])(tf.constant(x))
    expected = reference.inference(x, *((gamma, beta) if scaled else (1.0, 0.0)), mean, variance, axis, EPSILON)
    assert_close(actual, expected, "float32")


@settings(max_examples=25, deadline=None, derandomize=True)
@given(mini_batches(), st.floats(0, 1))
def test_masked_moments_count_only_what_the_mask_admits(case, share):
    shape, axis, seed = case
    x = draw_inputs(shape, axis, seed)[0]
    mask = np.random.default_rng(seed).random(shape) < share
    mean, variance, number = kernels.moments(tf.constant(x), axis, tf.constant(mask))
    admitted = reference.rows(mask, axis).sum(0).astype(int)
    np.testing.assert_array_equal(number, admitted)
    some = admitted > 0
    with np.errstate(invalid="ignore"):
        expected = reference.moments(x, axis, mask)
    for mine, paper in zip((mean, variance), expected, strict=True):
        assert_close(mine.numpy()[some], paper[some], "float32")
        assert np.all(mine.numpy()[~some] == 0)


def test_m_counts_batch_and_locations_whether_the_batch_is_known_or_not():
    assert kernels.count(tf.zeros((4, 5, 6, 7)), 3) == 4 * 5 * 6  # m p q
    assert kernels.count(tf.zeros((4, 7)), -1) == 4
    unknown = tf.function(lambda x: kernels.count(x, 1), input_signature=[tf.TensorSpec((None, 3, None), "float32")])
    assert float(unknown(tf.zeros((4, 3, 5)))) == 20.0


@pytest.mark.parametrize(
    "lacking, shape", [("last", (4, 3)), ("features", (4, 5)), ("last", (1, 3)), ("features", (4, 1))]
)
def test_a_mask_may_lack_the_last_axis_or_that_of_the_features(lacking, shape):
    aligned = kernels.aligned_mask(tf.ones(shape), tf.zeros((4, 3, 5)), 1)
    assert tuple(aligned.shape) == ((*shape, 1) if lacking == "last" else (shape[0], 1, shape[1]))
    assert aligned.dtype == tf.bool


@pytest.mark.parametrize("shape", [(4,), (4, 3, 5), (4, 2)])
def test_a_mask_that_fits_neither_way_is_refused_with_both_shapes(shape):
    with pytest.raises(ValueError, match=r"a mask must have .* for inputs of shape \(4, 3, 5\): reshape it"):
        kernels.aligned_mask(tf.ones(shape), tf.zeros((4, 3, 5)), 1)
