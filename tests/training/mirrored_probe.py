"""Run alone, since it halves the processor: what the engine `mirrored` gives, pickled to the file that is the only argument."""

import pickle
import sys
import tempfile
from pathlib import Path

from bnrepro.config.run_config import RunConfig
from bnrepro.errors import UserError
from bnrepro.records.checkpoints import Checkpoints
from bnrepro.training.run import run, run_group

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
REFUSED = {"dropout": {"dropout": 0.5}, "ghost batches": {"ghost_size": 5}}


def resumed():
    """The run `population` stopped after a chunk, and gone on."""

    def stop(steps):
        raise InterruptedError

    told = []
    with tempfile.TemporaryDirectory() as folder:
        checkpoints = Checkpoints(Path(folder), seconds=0)
        try:
            run_group([RUNS["population"]], stop, checkpoints=checkpoints)
        except InterruptedError:
            return run_group([RUNS["population"]], checkpoints=checkpoints, on_resumed=told.append)[0], told


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
        "mirrored": {name: run(config) for name, config in RUNS.items()},
        "one device": {name: run(config.replace(engine="tensorflow")) for name, config in RUNS.items()},
        "again": run(RUNS["batch"]),
        "resumed": resumed(),
        "refusals": refusals(),
    }
    with open(sys.argv[1], "wb") as file:
        pickle.dump(FOUND, file)
