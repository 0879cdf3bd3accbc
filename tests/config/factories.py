"""A registry of one's own, for tests that add parts."""

from bnrepro.config import registry
from bnrepro.config.registry import KINDS, PLUGINS, find, ours


def own_registry(monkeypatch) -> None:
    """What is registered from here on is forgotten with the test."""
    for kind in KINDS:
        for name in ours(kind):
            find(kind, name)
    monkeypatch.setattr(registry, "_PARTS", {kind: dict(parts) for kind, parts in registry._PARTS.items()})
    monkeypatch.setenv(PLUGINS, "")
