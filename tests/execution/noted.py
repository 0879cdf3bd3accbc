"""A plugin of the tests: a net that notes who compiles it."""

NOTED = '''
import multiprocessing
import os
import time
from pathlib import Path

from bnrepro import Model, field, register


@register("model", "noted", version="1")
class Noted(Model):
    """One hidden layer; notes in which worker it is built, and from `gate` units on waits for the file `GATE`."""

    units: int = field(4, help="units")
    gate: int = field(1_000, help="units from which on it waits")

    def build(self, x, blocks):
        from keras import layers

        with open(os.environ["NOTES"], "a") as notes:
            notes.write(f"{multiprocessing.parent_process().pid} {self.units}\\n")
        while self.units >= self.gate and not Path(os.environ["GATE"]).exists():
            time.sleep(0.05)
        x = layers.Dense(self.units, use_bias=blocks.use_bias)(layers.Flatten()(x))
        return layers.Activation("sigmoid")(blocks.normalize(x, "normalization_1"))
'''
