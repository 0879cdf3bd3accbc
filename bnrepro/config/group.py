"""What the runs of a sweep are for, in three columns. Knows no experiment and no table."""

from typing import NamedTuple

from bnrepro.config.run_config import RunConfig


class Group(NamedTuple):
    """The runs of a sweep that belong together: the columns of the table `sweep` that say so.

    Attributes:
        group: What they are for, as `main`, `race`, `map`.
        arm: Which of the things that are compared there; empty where a field of their configs says it.
        setting: Where it is compared, as the net or what decays; empty where there is one setting.
    """

    group: str
    arm: str = ""
    setting: str = ""


Sweep = dict[Group, list[RunConfig]]
"""The runs that an experiment trains; a run may be in several groups, and is trained once."""
