"""How much each preset trains, and what a notebook's parameters do to it, checked in one place. Knows no table."""

import dataclasses
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from bnrepro.config.run_config import RunConfig
from bnrepro.config.validation import check_preset, check_type
from bnrepro.errors import UserError, unknown

CALIBRATION_SEEDS = (1000, 1001)
"""Seeds that choose the unstated values; never among the seeds whose runs are reported."""

FIRST_JUDGED = 100
"""The first of the seeds that judge a claim; those below have been seen in earlier records."""

SELECTING_SEEDS = (2000, 2001)
"""Seeds that choose, where a claim is about what each arm can do at its best; they judge nothing."""

_FEW = 512


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


def resolve(presets: Mapping, preset: str, overrides: dict, base: RunConfig, accepted: Iterable[str], first: int = 0):
    """The preset with a notebook's parameters put in, and the run that all its runs are variations of.

    Args:
        presets: What each preset means: frozen dataclasses with `seeds`, perhaps `<group>_seeds`, and fields of type `Length`.
        preset: The name of one.
        overrides: `seeds` (a count, of every group), `steps` (no run is longer), `engine`, and fields of `RunConfig`; 0 or an
            empty word means the preset's value.
        base: The run without them.
        accepted: The fields of `RunConfig` that are parameters of the notebook, besides `seeds`, `steps` and `engine`.
        first: The first of the seeds.

    Raises:
        UserError: An unknown name, or a value of the wrong type or out of range.
    """
    values = presets[check_preset(preset)]
    given = _check_overrides(overrides, base, ("seeds", "steps", "engine", *accepted))
    counts = {"seeds": values.seeds}
    if "seeds" in given:
        counts = dict.fromkeys(
            (name for name in vars(values) if name == "seeds" or name.endswith("_seeds")), given.pop("seeds")
        )
    _check_seeds(counts["seeds"], first)
    steps = given.pop("steps", None)
    lengths = {}
    if steps is not None:
        steps = base.replace(steps=steps).steps
        lengths = {name: value.at_most(steps) for name, value in vars(values).items() if isinstance(value, Length)}
    config = base.replace(**given)
    if config.task.streams and not base.task.streams:
        raise UserError(
            f"what a notebook trains on is in memory, but for imagenet in notebook 03: got {config.task}, which is read while a "
            "net trains; choose another task, or train it in a script"
        )
    return dataclasses.replace(values, **counts, **lengths), config


def smallest(config: RunConfig) -> RunConfig:
    """`config` as preset `smoke` has it, for tests: evaluated on few examples, and not compiled by XLA, which takes seconds,
    where the engine has a choice.
    """
    few = {name: min(config[name], _FEW) for name in ("validation_examples", "fit_examples") if config.has(name)}
    compiler = "graph" if config.engine == "tensorflow" else config.compiler
    return config.replace(test_examples=_FEW, compiler=compiler, **few)


def live_run(config: RunConfig, evaluations: int, steps: int = 0) -> RunConfig:
    """`config` as a widget trains it: at a seed that is not reported, with nothing else measured, evaluated more often.

    Args:
        config: A run of the record.
        evaluations: How often it is evaluated, about.
        steps: The most steps; 0 means all of the run's.
    """
    steps = min(config.steps, steps or config.steps)
    every = max(1, steps // evaluations)
    return config.replace(steps=steps, evaluate_every=every, seed=CALIBRATION_SEEDS[0], measurements="")


def _check_overrides(overrides: dict, base: RunConfig, accepted: tuple[str, ...]) -> dict:
    """The parameters that were given a value: known by name, of the right type, and neither 0 nor empty."""
    for name, value in overrides.items():
        if name not in accepted:
            raise unknown("parameter", name, accepted)
        if name == "seeds" or name in base.as_dict():  # others are checked where they are put in
            check_type(name, value, int if name == "seeds" else type(base[name]))
    return {name: value for name, value in overrides.items() if value}


def _check_seeds(seeds: int, first: int) -> None:
    """Raises `UserError` where a calibration seed would be among `seeds`, a count from seed `first` on."""
    calibrates = min(CALIBRATION_SEEDS)
    most = calibrates - first
    if not 1 <= seeds <= most:
        raise UserError(f"seeds is a count from 1 to {most} (seed {calibrates} calibrates): got {seeds}; change seeds")
