"""The engine does what a plain Keras training loop does, in one program."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from bnrepro.backend.compilation import compile_mode
from bnrepro.training.keras_engine import Engine

X = np.random.default_rng(0).standard_normal((60, 8)).astype("float32")
Y = np.random.default_rng(1).integers(0, 3, 60).astype("int32")
LOSS = keras.losses.SparseCategoricalCrossentropy(from_logits=True)


def order(start, count):
    rows = [np.random.default_rng([7, step]).permutation(60)[:10] for step in range(start, start + count)]
    return np.array(rows, "int32")


def small_model():
    keras.utils.set_random_seed(3)
    hidden = keras.layers.Dense(5, activation="tanh", kernel_regularizer=keras.regularizers.L2(0.01))
    return keras.Sequential([keras.Input((8,)), hidden, keras.layers.BatchNormalization(), keras.layers.Dense(3)])


def trained(engine, steps, chunk):
    chunks = list(engine.train(tf.constant(X), tf.constant(Y), order, steps, chunk))
    return chunks, [weight.copy() for weight in engine.model.get_weights()]


@pytest.fixture(scope="module", params=["xla", "graph"])
def engine(request):
    return Engine(small_model(), keras.optimizers.SGD(0.1, momentum=0.9), LOSS, mode=request.param)


@pytest.mark.slow
def test_a_chunk_of_steps_is_keras_train_on_batch_again_and_again(engine):
    engine.reset()
    chunks, weights = trained(engine, steps=7, chunk=7)
    model = small_model()
    model.compile(keras.optimizers.SGD(0.1, momentum=0.9), LOSS)
    losses = [model.train_on_batch(X[rows], Y[rows]) for rows in order(0, 7)]
    for ours, theirs in zip(weights, model.get_weights()):
        np.testing.assert_allclose(ours, theirs, rtol=1e-4, atol=1e-6)
    assert chunks[0].loss == pytest.approx(np.mean(losses), rel=1e-4)


@pytest.mark.slow
def test_neither_the_chunk_nor_an_earlier_run_changes_a_bit(engine):
    results = []
    for chunk in (7, 3, 7):
        engine.reset()
        results.append(trained(engine, steps=7, chunk=chunk)[1])
    for whole, split, again in zip(*results):
        np.testing.assert_array_equal(whole, again)
        np.testing.assert_array_equal(whole, split)


@pytest.mark.slow
def test_a_shorter_last_chunk_and_more_steps_run_in_the_program_that_is_compiled_already():
    engine = Engine(small_model(), keras.optimizers.SGD(0.1), LOSS, mode="xla")
    trained(engine, steps=7, chunk=3)
    (program,) = engine._chunk_programs.values()
    assert program.experimental_get_tracing_count() == 1
    # XLA compiles once for each text, which holds the values of those arguments that it takes for constants.
    rows = tf.constant(order(0, 3))
    texts = [
        program.experimental_get_compiler_ir(tf.constant(X), tf.constant(Y), rows, tf.constant(count))()
        for count in (1, 3)
    ]
    assert texts[0] == texts[1]


def test_chunks_tell_their_steps_and_the_last_may_be_shorter(engine):
    engine.reset()
    chunks, _ = trained(engine, steps=7, chunk=3)
    assert [(chunk.step, chunk.count) for chunk in chunks] == [(3, 3), (6, 3), (7, 1)]


@pytest.mark.slow
def test_evaluation_is_keras_evaluate_whatever_the_block(engine):
    engine.reset()
    trained(engine, steps=20, chunk=10)
    model = engine.model
    outputs = model(X, training=False).numpy()
    expected_loss, expected_accuracy = float(LOSS(Y, outputs)), float(np.mean(outputs.argmax(-1) == Y))
    for block in (60, 17):
        loss, accuracy, watched = engine.evaluate(tf.constant(X), tf.constant(Y), block)
        assert loss == pytest.approx(expected_loss, rel=1e-5)
        assert accuracy == pytest.approx(expected_accuracy, abs=1e-6)
        assert watched == []


def test_a_loss_that_is_no_longer_finite_ends_the_training_and_tells_the_step():
    model = keras.Sequential([keras.Input((8,)), keras.layers.Dense(3)])
    engine = Engine(
        model, keras.optimizers.SGD(1e30), keras.losses.MeanSquaredError(), metric=keras.metrics.mean_squared_error
    )
    targets = tf.constant(np.ones((60, 3), "float32"))
    chunks = list(engine.train(tf.constant(X), targets, order, 20, 5))
    losses_until = chunks[-1].diverged_at
    assert len(chunks) == 1 and 1 < losses_until <= 5
    assert not np.isfinite(chunks[-1].loss)


def test_what_a_layer_is_given_can_be_watched():
    model = keras.Sequential(
        [keras.Input((8,)), keras.layers.Dense(5, name="inner"), keras.layers.Dense(3, name="outer")]
    )
    engine = Engine(model, keras.optimizers.SGD(0.1), LOSS, watch=("outer",))
    _, _, (inputs,) = engine.evaluate(tf.constant(X), tf.constant(Y), block=25)
    np.testing.assert_allclose(inputs, model.get_layer("inner")(X).numpy(), rtol=1e-5, atol=1e-6)


def test_dense_nets_run_under_xla_and_convolutions_in_graph_mode_on_a_cpu():
    convolutional = keras.Sequential([keras.Input((8, 8, 1)), keras.layers.Conv2D(2, 3)])
    assert compile_mode(small_model()) == "xla"
    assert compile_mode(convolutional) == ("xla" if tf.config.list_physical_devices("GPU") else "graph")
    assert compile_mode(keras.Sequential([keras.Input((8, 8, 1)), convolutional])) == compile_mode(convolutional)
