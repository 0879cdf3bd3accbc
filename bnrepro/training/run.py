"""A run, or several at once: configs in, tables out. Knows no backend, no record, no figure and no claim."""

import threading
import time
from collections.abc import Callable, Iterable

import pandas as pd

from bnrepro.backend.engines import check_installed
from bnrepro.backend.keras_settings import default_settings
from bnrepro.config.run_config import RunConfig
from bnrepro.errors import UserError
from bnrepro.records.machine import peak_memory_mib, processor, versions
from bnrepro.records.schemas import SCHEMAS, Tables
from bnrepro.training.engine import Replicates
from bnrepro.training.history import History

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
) -> list[Tables]:
    """Trains runs at once, if their engine can, and returns the tables of each as `run` does.

    A run that diverges ends there in its tables, and the others go on. The seconds of the provenance are those of the whole
    group divided by the number of its runs, so that a sum over runs is time on the clock.

    Args:
        configs: Runs with one `replicate_key`: of one net, which may differ in seed, learning rate and start.
        on_steps: As in `run`; the steps of all runs together.
        on_curves: As in `run`, with the curves of all runs.

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
    with _ONE_GROUP_AT_A_TIME, default_settings(engine):
        return _Group(configs, _start(engine, configs)).train(on_steps, on_curves)


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
    """Runs while they last: the engine's replicates, and what becomes of each."""

    def __init__(self, configs: list[RunConfig], replicates: Replicates):
        self.config, self.configs, self.replicates = configs[0], configs, replicates
        self.histories = [History(config) for config in configs]
        # Where memory is measured nothing is evaluated: that may need more of it than training.
        self.evaluated = [] if self.config.alone else [self.config.task.evaluated_on]
        if self.config.fit_examples:
            self.evaluated.append("fit")
        self.train_seconds = self.evaluate_seconds = 0.0

    def train(self, on_steps: Callable[[int], None], on_curves: Callable[[pd.DataFrame], None] | None) -> list[Tables]:
        self._evaluate(0)
        self._tell(on_curves)
        for chunks in self.replicates.train() if self._left() else ():
            for history, chunk in zip(self.histories, chunks):
                history.trained(chunk)
            self.train_seconds += chunks[0].seconds
            if self._left():
                self._evaluate(chunks[0].step)
            on_steps(sum(chunk.count for chunk in chunks))
            self._tell(on_curves)
            if not self._left():
                break
        return [self._tables(place) for place in range(len(self.configs))]

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
        seconds = (self.train_seconds, self.evaluate_seconds, replicates.compile_seconds / len(self.configs))
        row = (run, *seconds, peak_memory_mib(), replicates.mode, replicates.device, processor(), *versions().values())
        return pd.DataFrame([row], columns=SCHEMAS["provenance"]).assign(**replicates.provenance)
