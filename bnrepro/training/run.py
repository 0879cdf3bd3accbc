"""A run, or several at once: configs in, tables out. Knows no backend, no record, no figure and no claim."""

import functools
import threading
import time
from collections.abc import Callable, Iterable
from typing import Any

import pandas as pd

from bnrepro.backend.engines import check_installed
from bnrepro.backend.keras_settings import default_settings
from bnrepro.config.run_config import RunConfig
from bnrepro.config.validation import ENGINES
from bnrepro.errors import UserError
from bnrepro.records.checkpoints import Checkpoints, Kept
from bnrepro.records.machine import peak_memory_mib, processor, versions
from bnrepro.records.schemas import SCHEMAS, Tables
from bnrepro.training.engine import Replicates
from bnrepro.training.history import History
from bnrepro.training.keeping import Keeper

_ONE_GROUP_AT_A_TIME = threading.Lock()  # engines are kept from run to run, so two threads must not train at once


def run(
    config: RunConfig,
    on_steps: Callable[[int], None] = lambda steps: None,
    on_curves: Callable[[pd.DataFrame], None] | None = None,
) -> Tables:
    """Trains one net and returns its tables: `runs`, `curves`, `provenance`, and those of its measurements.

    A pure function of the config: on one machine with one thread all tables but `provenance` are the same to the bit,
    whatever Keras's global settings are.
    A loss that is no longer finite ends the run, which is recorded as diverged.

    Args:
        config: The run.
        on_steps: Called after each chunk with the steps that it did; what it raises ends the run.
        on_curves: Called after each evaluation with the table `curves` so far; what it raises ends the run.

    Raises:
        UserError: Keras runs on another backend than the run's engine, or that is not installed.
    """
    (tables,) = run_group([config], on_steps, on_curves)
    return tables


def run_group(
    configs: Iterable[RunConfig],
    on_steps: Callable[[int], None] = lambda steps: None,
    on_curves: Callable[[pd.DataFrame], None] | None = None,
    checkpoints: Checkpoints | None = None,
    on_resumed: Callable[[int], None] = lambda steps: None,
) -> list[Tables]:
    """Trains runs at once, if their engine can, and returns the tables of each as `run` does.

    A run that diverges ends there in its tables, and the others go on. The seconds of the provenance are those of the whole
    group divided by the number of its runs, so that a sum over runs is time on the clock.

    Args:
        configs: Runs with one `replicate_key`: of one net, which may differ in seed, learning rate and start.
        on_steps: As in `run`; the steps of all runs together.
        on_curves: As in `run`, with the curves of all runs.
        checkpoints: Where the runs are kept now and then, and go on from what was kept, to the same bits; by default nowhere. It
            stays there. Runs that need a process of their own are not kept, since that would be measured with them.
        on_resumed: Called with the steps of all runs together that were done already, if they go on.

    Raises:
        UserError: As `run`; runs of several keys; or several runs for an engine that trains one at a time.
    """
    configs = list(configs)
    if len({config.replicate_key for config in configs}) != 1:
        raise UserError(
            "runs that are trained at once differ in seed, learning rate and start alone: got others; call run for each"
        )
    engine = configs[0].engine
    check_installed(engine)
    with _ONE_GROUP_AT_A_TIME, default_settings(ENGINES[engine]):
        return _begin(configs, checkpoints, on_resumed).train(on_steps, on_curves)


def _begin(configs: list[RunConfig], checkpoints: Checkpoints | None, on_resumed: Callable[[int], None]) -> "_Group":
    """The runs from their start, or from where they were kept."""
    group = _Group(configs, _start(configs[0].engine, configs))
    if checkpoints is None or configs[0].alone:
        return group
    replicates = group.replicates
    made_with = {**versions(), "processor": processor(), "device": replicates.device, "mode": replicates.mode}
    keeper = Keeper(checkpoints, configs, made_with)
    if not keeper.take_up(group.restore):
        group = _Group(configs, _start(configs[0].engine, configs))
    group.keeper = keeper
    if group.begun_at:
        on_resumed(group.begun_at * len(configs))
    return group


def _start(engine: str, configs: list[RunConfig]) -> Replicates:
    if engine == "jax":
        from bnrepro.training.jax_run import JaxRuns

        return JaxRuns(configs)
    if len(configs) > 1:
        raise UserError(f"the engine {engine} trains one run at a time: got {len(configs)}; call run for each")
    if configs[0].task.streams:
        from bnrepro.training.streamed_run import StreamedRun

        return StreamedRun(*configs)
    from bnrepro.training.tensorflow_run import TensorFlowRun

    return TensorFlowRun(*configs)


class _Group:
    """Runs while they last: the engine's replicates, and what becomes of each.

    Attributes:
        begun_at: Steps that were done before.
        keeper: Keeps the runs now and then, or None.
    """

    def __init__(self, configs: list[RunConfig], replicates: Replicates):
        self.config, self.configs, self.replicates = configs[0], configs, replicates
        self.histories = [History(config) for config in configs]
        # Where memory is measured nothing is evaluated: that may need more of it than training.
        self.evaluated = [] if self.config.alone else [self.config.task.evaluated_on]
        if self.config.fit_examples:
            self.evaluated.append("fit")
        self.train_seconds = self.evaluate_seconds = self.compiled_before = 0.0
        self.begun_at, self.keeper = 0, None

    def restore(self, kept: Kept) -> None:
        """Goes on from a state of these runs; it is of no use any more where that raises."""
        state = kept.state
        self.replicates.restore(state["replicates"], kept.places)
        for history, place in zip(self.histories, kept.places):
            history.restore(state["histories"][place])
        self.train_seconds, self.evaluate_seconds, self.compiled_before = state["seconds"]
        self.begun_at = state["step"]

    def train(self, on_steps: Callable[[int], None], on_curves: Callable[[pd.DataFrame], None] | None) -> list[Tables]:
        if not self.begun_at:
            self._evaluate(0)
        self._tell(on_curves)
        for chunks in self.replicates.train(self.begun_at) if self._left() else ():
            step = chunks[0].step
            for history, chunk in zip(self.histories, chunks):
                history.trained(chunk)
            self.train_seconds += chunks[0].seconds
            if self._left():
                self._evaluate(step)
            if self.keeper and self._left() and step < self.config.steps:
                self.keeper.keep(functools.partial(self._snapshot, step))
            on_steps(sum(chunk.count for chunk in chunks))
            self._tell(on_curves)
            if not self._left():
                break
        return [self._tables(place) for place in range(len(self.configs))]

    def _snapshot(self, step: int) -> dict[str, Any]:
        """All that `restore` needs, after that step and its evaluation."""
        seconds = [self.train_seconds, self.evaluate_seconds, self._compile_seconds()]
        histories = [history.snapshot() for history in self.histories]
        return {"step": step, "seconds": seconds, "histories": histories, "replicates": self.replicates.snapshot()}

    def _compile_seconds(self) -> float:
        return self.compiled_before + self.replicates.compile_seconds / len(self.configs)

    def _left(self) -> list[int]:
        """The places of the runs that have not diverged."""
        return [place for place, history in enumerate(self.histories) if history.diverged_at is None]

    def _evaluate(self, step: int) -> None:
        """Evaluates and has measured. The test set waits for the end where it is spared."""
        began, last = time.perf_counter(), step == self.config.steps
        spared = last and "validation" in self.evaluated
        splits = [*self.evaluated, *(["test"] if spared else [])]
        found = self.replicates.evaluate(splits, "test" if self.evaluated[:1] == ["test"] else None)
        for history, evaluations in zip(self.histories, found):
            history.evaluated(step, evaluations)
        self.replicates.measure(step, last, self._left())
        self.evaluate_seconds += (time.perf_counter() - began) / len(self.configs)

    def _tell(self, on_curves: Callable[[pd.DataFrame], None] | None) -> None:
        if on_curves is not None:  # of many runs, curves take as long to put together as the training
            on_curves(pd.concat([history.curves() for history in self.histories], ignore_index=True))

    def _tables(self, place: int) -> Tables:
        tables = {**self.histories[place].tables(), **self.replicates.measured(place)}
        return {**tables, "provenance": self._provenance(self.configs[place].id)}

    def _provenance(self, run: str) -> pd.DataFrame:
        replicates = self.replicates
        seconds = (self.train_seconds, self.evaluate_seconds, self._compile_seconds())
        row = (run, *seconds, peak_memory_mib(), replicates.mode, replicates.device, processor(), *versions().values())
        return pd.DataFrame([row], columns=SCHEMAS["provenance"]).assign(**replicates.provenance)
