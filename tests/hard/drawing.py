"""What Hypothesis draws, as a list: the same for the same seed, each once."""

import hypothesis
from hypothesis import HealthCheck, Phase, strategies


def drawn(strategy: strategies.SearchStrategy, count: int, seed: int) -> list:
    """Up to `count` different values, fewer where there are no more."""
    found = {}

    @hypothesis.seed(seed)
    @hypothesis.settings(
        max_examples=3 * count,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @hypothesis.given(strategy)
    def collect(value):
        found.setdefault(repr(value), value)

    collect()
    return list(found.values())[:count]
