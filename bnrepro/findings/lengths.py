"""How long the runs of a group are, and what a notebook's parameters do to them. Knows no table."""

from dataclasses import dataclass, replace

from bnrepro.config import RunConfig, check_preset
from bnrepro.findings.protocol import check_overrides, check_seeds

DENSE = RunConfig(
    dataset="fashion_mnist", pixels="grey", activation="relu", initializer="he", validation_examples=4_000
)
"""The dense net of notebooks 06 to 08: three hidden layers of 100 ReLU."""


@dataclass(frozen=True)
class Length:
    """Steps of the runs of one group, and between their evaluations."""

    steps: int
    evaluate_every: int

    def at_most(self, steps: int) -> "Length":
        """The same, no longer than `steps`."""
        return Length(min(self.steps, steps), min(self.evaluate_every, steps))


def lengthened(config: RunConfig, length: Length) -> RunConfig:
    """`config` with a group's steps."""
    return config.replace(steps=length.steps, evaluate_every=length.evaluate_every)


def resolve(presets: dict, preset: str, overrides: dict, kinds: dict[str, type], base: RunConfig):
    """The preset with a notebook's parameters put in, and the run that all its runs are variations of.

    Args:
        presets: What each preset means: frozen dataclasses with `seeds` and fields of type `Length`.
        preset: The name of one.
        overrides: `seeds` (a count), `steps` (no run is longer), and fields of `RunConfig`; 0 or an empty word means the
            preset's value.
        kinds: The overrides that the notebook has, and their types.
        base: The run without them.

    Raises:
        UserError: An unknown name, or a value of the wrong type or out of range.
    """
    values = presets[check_preset(preset)]
    given = check_overrides(overrides, kinds)
    seeds = check_seeds(given.pop("seeds", values.seeds))
    steps = given.pop("steps", None)
    lengths = {}
    if steps is not None:
        steps = base.replace(steps=steps).steps
        lengths = {name: value.at_most(steps) for name, value in vars(values).items() if isinstance(value, Length)}
    return replace(values, seeds=seeds, **lengths), base.replace(**given)
