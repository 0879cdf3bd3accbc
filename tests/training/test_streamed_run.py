"""A run over mini-batches that are read while it trains is the run over the same mini-batches in memory."""

from dataclasses import dataclass
from typing import ClassVar

import keras
import numpy as np
import pytest
import tensorflow as tf

from bnrepro.config.run_config import RunConfig
from bnrepro.errors import UserError
from bnrepro.models import normalization
from bnrepro.models.build import build_model
from bnrepro.models.initialize import initialize
from bnrepro.records.checkpoints import Checkpoints
from bnrepro.tasks.base import Classification
from bnrepro.tasks.batch_order import batch_order
from bnrepro.training.run import run, run_group
from bnrepro.training.streamed_run import StreamedRun
from bnrepro.training.trial import trial
from tests.tasks.factories import class_folders

pytestmark = pytest.mark.slow

SIZE, STEPS = 16, 6


@pytest.fixture(scope="module")
def config(tmp_path_factory):
    folder = class_folders(tmp_path_factory.mktemp("imagenet"))
    return RunConfig(
        task="imagenet",
        folder=str(folder),
        classes=3,
        image_size=SIZE,
        normalization="batch",
        hidden_units=8,
        hidden_layers=1,
        batch_size=6,
        steps=STEPS,
        evaluate_every=4,
        compiler="graph",
        learning_rate=0.3,
    )


@pytest.fixture(scope="module")
def tables(config):
    return run(config)


def test_its_losses_are_those_of_a_loop_in_keras_over_the_same_mini_batches(config, tables):
    model = build_model(config, (SIZE, SIZE, 3), 3)
    initialize(model, config)
    optimizer, loss = keras.optimizers.SGD(config["learning_rate"]), config.task.loss()
    stream = config.task.stream()
    losses = []
    for x, y in stream.batches(batch_order(config.seed, 18, 6, STEPS), config.seed, 0):
        with tf.GradientTape() as tape:
            losses.append(value := loss(y, model(x, training=True)))
        optimizer.apply(tape.gradient(value, model.trainable_variables), model.trainable_variables)
    curves = tables["curves"]
    trained = curves[curves["split"] == "train"]
    assert list(trained["step"]) == [4, 6]
    np.testing.assert_allclose(trained["loss"], [np.mean(losses[:4]), np.mean(losses[4:])], rtol=1e-5)
    x, y = next(iter(stream.evaluated(6)))
    tested = curves[(curves["split"] == "test") & (curves["step"] == STEPS)].iloc[0]
    assert tested["loss"] == pytest.approx(float(loss(y, model(x, training=False))), rel=1e-5)
    assert (tested["metric"], sorted(set(curves["split"]))) == ("accuracy", ["test", "train"])


def test_it_is_the_same_to_the_bit_again_and_the_lie_of_the_data_is_not_in_its_tables(config, tables):
    again = run(config)
    for name in ("runs", "curves"):
        assert again[name].equals(tables[name]), name
    assert config.task.folder not in tables["runs"].to_csv()


def test_one_program_serves_all_chunks_and_seeds(config):
    runs = [StreamedRun(config.replace(seed=seed)) for seed in (3, 4)]
    assert [len(list(one.train())) for one in runs] == [2, 2]
    assert runs[0].engine is runs[1].engine
    assert runs[0].engine._steps.experimental_get_tracing_count() == 1


def test_under_xla_the_losses_are_the_same_but_for_rounding(config, tables):
    compiled = run(config.replace(compiler="xla"))["curves"]
    np.testing.assert_allclose(compiled["loss"], tables["curves"]["loss"], rtol=1e-4)


def test_population_statistics_are_taken_over_mini_batches_as_they_are_trained_on(config, monkeypatch):
    monkeypatch.setattr(normalization, "POPULATION_EXAMPLES", 30)
    monkeypatch.setattr(normalization, "POPULATION_BATCHES", 4)
    streamed = StreamedRun(config.replace(inference="population"))
    with streamed._statistics(needed=True):
        found = streamed.engine.model.get_layer("hidden_1_normalization").moving_mean.numpy()
    rows = batch_order(config.seed, 18, 6, 5)
    dense = keras.Model(streamed.engine.model.inputs, streamed.engine.model.get_layer("hidden_1").output)
    means = [dense(x).numpy().mean(axis=0) for x, _ in streamed.stream.batches(rows, config.seed, 0)]
    np.testing.assert_allclose(found, np.mean(means, axis=0), rtol=1e-4, atol=1e-6)


def test_what_measures_sees_one_mini_batch(config):
    tables = run(config.replace(measurements="gradients"))
    assert {"weight_norm", "gradient_norm"} <= set(tables["geometry"]["quantity"])


def test_a_trial_counts_what_a_run_keeps_and_times_it_by_its_steps_and_evaluations(config):
    found = trial(config.replace(sgd_momentum=0.9))
    parameters = SIZE * SIZE * 3 * 8 + 2 * 8 + 8 * 3 + 3
    assert found.parameters == parameters
    states = 2 * 8 + 2  # running statistics, the step and the rate
    assert found.weight_bytes == pytest.approx(4 * (3 * parameters + states), abs=16)
    assert found.data_bytes == 4 * 3 * 6 * SIZE * SIZE * 3
    outputs = 2 * SIZE * SIZE * 3 + 3 * 8 + 3  # images, flattened; dense, normalized, activated; logits
    assert found.activation_bytes == 4 * 6 * outputs
    assert found.seconds(config) == pytest.approx(6 * found.step_seconds + 3 * found.evaluation_seconds)


def test_a_broken_image_ends_the_run_with_its_name(config, tmp_path):
    folder = class_folders(tmp_path / "imagenet")
    path = sorted((folder / "train").glob("*/*"))[7]
    path.write_bytes(b"no image")
    with pytest.raises(UserError, match=f"{path} is not"):
        run(config.replace(folder=str(folder)))
    path.unlink()
    path = sorted((folder / "val").glob("*/*"))[3]
    path.write_bytes(b"no image")
    with pytest.raises(UserError, match=f"{path} is not"):
        run(config.replace(folder=str(folder)))


@pytest.mark.parametrize("batch", [0, 1, 2])
def test_a_broken_image_is_named_though_its_mini_batch_does_not_come_again(config, tmp_path, batch):
    folder = class_folders(tmp_path / "imagenet")
    place = batch_order(config.seed, 18, 6, 3)[batch, 2]
    path = sorted((folder / "train").glob("*/*"))[place]
    path.write_bytes(b"no image")
    with pytest.raises(UserError, match=f"{path} is not"):
        run(config.replace(folder=str(folder), steps=3, evaluate_every=3))


@pytest.mark.parametrize("changes", [{"measurements": "gradients"}, {"inference": "population"}])
def test_a_broken_image_is_named_before_a_step_is_done(config, tmp_path, changes):
    folder = class_folders(tmp_path / "imagenet")
    for path in (folder / "train").glob("*/*"):
        path.write_bytes(b"no image")
    with pytest.raises(UserError, match=f"{folder / 'train'}.* is not"):
        run(config.replace(folder=str(folder), **changes))


def test_a_task_without_a_choice_of_test_images_is_tried_on_all_of_them(config):
    @dataclass(frozen=True, kw_only=True)
    class Plain(Classification):
        name: ClassVar[str] = "plain"
        version: ClassVar[str] = "1"
        streams: ClassVar[bool] = True

        def stream(self):
            return config.task.stream()

    plain = RunConfig(task=Plain(), hidden_units=8, hidden_layers=1, batch_size=6, compiler="graph")
    assert not plain.has("test_examples") and trial(plain).evaluation_seconds > 0


def test_where_memory_ends_no_image_is_looked_for(config, monkeypatch):
    streamed = StreamedRun(config)
    monkeypatch.setattr(streamed.stream, "told", lambda error, rows: UserError("looked for"))
    for error in (tf.errors.ResourceExhaustedError, tf.errors.InvalidArgumentError):
        expected = UserError if error is tf.errors.InvalidArgumentError else error
        with pytest.raises(expected), streamed._named():
            raise error(None, None, "")


def test_a_trial_says_that_there_is_too_little_memory(config, monkeypatch):
    def exhausted(stream):
        raise tf.errors.ResourceExhaustedError(None, None, "OOM when allocating tensor")

    monkeypatch.setattr(StreamedRun, "train", exhausted)
    with pytest.raises(MemoryError, match="OOM when allocating"):
        trial(config)


def test_stopped_halfway_it_goes_on_to_the_same_bits(config, tables, tmp_path):
    def stop(steps):
        raise InterruptedError

    checkpoints, told = Checkpoints(tmp_path, seconds=0), []
    with pytest.raises(InterruptedError):
        run_group([config], stop, checkpoints=checkpoints)
    (resumed,) = run_group([config], checkpoints=checkpoints, on_resumed=told.append)
    assert told == [4]
    for name in resumed.keys() - {"provenance"}:
        assert resumed[name].equals(tables[name]), name
