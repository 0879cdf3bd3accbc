"""What travels to a machine elsewhere: groups of runs of one compiled net, trained there one after another. Knows no Keras."""

import math
from collections.abc import Iterable

from bnrepro.execution.groups import Group
from bnrepro.records.costs import work

BUNDLES_A_WORKER = 4
"""At least so many for each worker, where there are as many groups, so that none idles long while others finish."""

Bundle = tuple[Group, ...]


def bundles_of(groups: Iterable[Group], workers: int, longest: float) -> list[Bundle]:
    """The groups in bundles of one `compilation_key`, in the order of their first groups.

    Those of one program lie next to each other, so that a worker that takes them in order is done with a program before it
    begins the next one, and compiles each at most once.

    Args:
        groups: In the order in which they are best trained.
        workers: How many train at once.
        longest: Seconds next to which it is little to compile: no bundle of several groups is much longer.
    """
    groups, alike = list(groups), {}
    for group in groups:
        alike.setdefault(group[0].compilation_key, []).append(group)
    longest = min(longest, work(groups) / (BUNDLES_A_WORKER * workers))
    found = []
    for own in alike.values():
        count = min(len(own), math.ceil(work(own) / longest))
        bounds = [len(own) * number // count for number in range(count + 1)]
        found += [tuple(own[start:end]) for start, end in zip(bounds, bounds[1:])]
    return found
