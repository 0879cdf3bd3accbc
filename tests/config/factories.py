"""A registry of one's own, for tests that add parts."""

from bnrepro.config import registry
from bnrepro.config.plugins import PLUGINS
from bnrepro.config.registry import KINDS, find, ours
from bnrepro.experiments import outside


def own_registry(monkeypatch) -> None:
    """What is registered from here on is forgotten with the test."""
    for kind in KINDS:
        for name in ours(kind):
            find(kind, name)
    monkeypatch.setattr(registry, "_PARTS", {kind: dict(parts) for kind, parts in registry._PARTS.items()})
    monkeypatch.setattr(outside, "EXPERIMENTS", dict(outside.EXPERIMENTS))
    monkeypatch.setattr(outside, "CLAIMS", {notebook: dict(claims) for notebook, claims in outside.CLAIMS.items()})
    monkeypatch.setenv(PLUGINS, "")
