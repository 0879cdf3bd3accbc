"""Which runs are trained at once: what travels to a worker is a group of runs, and their tables are what comes of it.

Knows no Keras and no table.
"""

from collections.abc import Iterable

from bnrepro.config.run_config import RunConfig

MOST_AT_ONCE = {"tensorflow": 1, "jax": 256, "mirrored": 1}
"""By engine, the most runs of a group. Past 256 a step of the dense nets costs as much more as there are more replicates, and
what a group keeps of a Figure 1 run on a GPU (variables, and 10,000 examples' inputs of a layer, twice) is 10 MB: 2.6 GB then.
"""

Group = tuple[RunConfig, ...]


def groups_of(configs: Iterable[RunConfig]) -> list[Group]:
    """The runs in groups of one `replicate_key`, as equal in size as can be, in the order of the groups' first runs."""
    configs, alike = list(configs), {}
    for config in configs:
        alike.setdefault(config.replicate_key, []).append(config)
    found = []
    for runs in alike.values():
        count = -(-len(runs) // MOST_AT_ONCE[runs[0].engine])
        bounds = [len(runs) * number // count for number in range(count + 1)]
        found += [tuple(runs[start:end]) for start, end in zip(bounds, bounds[1:])]
    places = {config: place for place, config in enumerate(configs)}
    return sorted(found, key=lambda group: places[group[0]])
