"""Run alone, since it halves the processor: what the engine `mirrored` gives, pickled to the file that is the only argument."""

import pickle
import sys
import tempfile
from pathlib import Path

import keras
import tensorflow as tf

from bnrepro.config.run_config import RunConfig
from bnrepro.errors import UserError
from bnrepro.records.checkpoints import Checkpoints
from bnrepro.training.mirrored import divide, strategy_of
from bnrepro.training.run import run, run_group
from tests.tasks.factories import class_folders

TINY = RunConfig(
    engine="mirrored",
    compiler="graph",
    normalization="batch",
    hidden_layers=2,
    hidden_units=6,
    train_examples=600,
    test_examples=128,
    batch_size=15,  # of which the devices have 7 and 8
    steps=25,
    evaluate_every=10,
    initial_std=0.3,
)
RUNS = {
    "batch": TINY,
    "population": TINY.replace(inference="population", fit_examples=100, sgd_momentum=0.9, weight_decay=0.01),
    "renorm": TINY.replace(normalization="renorm"),
    "none": TINY.replace(normalization="none", activation="relu", rate_halvings=2),
    "measured": TINY.replace(measurements="geometry", steps=10),
}
REFUSED = {"ghost batches": {"ghost_size": 5}, "its own": {"normalization": "noise"}}


def streamed():
    """A run whose images are read meanwhile, on two devices and on one."""
    strategy_of("mirrored")  # before the images are made, by TensorFlow
    with tempfile.TemporaryDirectory() as folder:
        images = dict(task="imagenet", folder=str(class_folders(Path(folder))), classes=3, image_size=16)
        config = RunConfig(**images, normalization="batch", compiler="graph", batch_size=5, steps=9, evaluate_every=4)
        return [run(config.replace(engine=engine)) for engine in ("mirrored", "tensorflow")]


def resumed():
    """A run with Dropout whole, and the same stopped after a chunk and gone on."""

    def stop(steps):
        raise InterruptedError

    config, told = TINY.replace(dropout=0.5, inference="population", sgd_momentum=0.9), []
    with tempfile.TemporaryDirectory() as folder:
        checkpoints = Checkpoints(Path(folder), seconds=0)
        try:
            run_group([config], stop, checkpoints=checkpoints)
        except InterruptedError:
            return run(config), *run_group([config], checkpoints=checkpoints, on_resumed=told.append), told


def masks():
    """What each device drops of ones, twice from the same state."""
    strategy = strategy_of("mirrored")
    with strategy.scope():
        model = keras.Sequential([keras.Input((200,)), keras.layers.Dropout(0.5, seed=3)])
    divide(model)
    (layer,), found = model.layers, []
    for _ in range(2):
        layer.seed_generator.state.assign([5, 0])
        drops = strategy.run(tf.function(lambda: model(tf.ones((1, 200)), training=True)))
        found.append([one.numpy() > 0 for one in strategy.experimental_local_results(drops)])
    return found


def refusals():
    """The message of each mistake."""
    found = {}
    for name, change in REFUSED.items():
        try:
            run(TINY.replace(**change))
        except UserError as error:
            found[name] = str(error)
    return found


if __name__ == "__main__":
    FOUND = {
        "streamed": streamed(),
        "mirrored": {name: run(config) for name, config in RUNS.items()},
        "one device": {name: run(config.replace(engine="tensorflow")) for name, config in RUNS.items()},
        "again": run(RUNS["batch"]),
        "resumed": resumed(),
        "masks": masks(),
        "refusals": refusals(),
    }
    with open(sys.argv[1], "wb") as file:
        pickle.dump(FOUND, file)
