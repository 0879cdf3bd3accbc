"""Training that takes no time: tables of runs that were not trained, and a process that is none."""

import pandas as pd

from bnrepro.execution.groups import Group
from bnrepro.execution.packing import unpack
from bnrepro.records.schemas import SCHEMAS, Tables, runs_row


def made_up(group: Group) -> list[Tables]:
    """Tables of each run."""
    empty = {name: pd.DataFrame(columns=SCHEMAS[name]) for name in ("curves", "quantiles", "drift", "provenance")}
    return [{**empty, "runs": runs_row(config, "finished")} for config in group]


class NoProcess:
    """In place of `WorkerProcess`: makes tables up; what is made and ended is counted."""

    made = ended = 0

    def __init__(self, seen):
        type(self).made += 1

    def train(self, engine, program, function, number, packed):
        return made_up(unpack(packed))

    def kill(self):
        pass

    def end(self):
        type(self).ended += 1
