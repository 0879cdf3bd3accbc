"""What the large runs of a batch take here, in words: memory, steps, time, by a few steps of each net. Writes nothing."""

import concurrent.futures
import multiprocessing
import os
from collections.abc import Iterable
from concurrent.futures.process import BrokenProcessPool

from bnrepro.config.run_config import RunConfig
from bnrepro.config.validation import ENGINES
from bnrepro.errors import UserError
from bnrepro.execution.progress import in_words


def trial_lines(configs: Iterable[RunConfig]) -> list[str]:
    """Some lines a net whose task reads its data while it trains, and one for all of them; none where there is none.

    Args:
        configs: The runs that are to be trained.

    Raises:
        UserError: A net that does not fit into the memory here.
    """
    nets = {}
    for config in {config.id: config for config in configs if config.task.streams}.values():
        nets.setdefault(f"{config.model}, normalization {config.normalization}, on {config.task}", []).append(config)
    if not nets:
        return []
    lines, together, steps = [], 0.0, 0
    for (net, runs), found in zip(nets.items(), _trials(nets)):
        seconds = sum(map(found.seconds, runs))
        together, steps = together + seconds, steps + sum(config.steps for config in runs)
        memory = found.weight_bytes + found.activation_bytes + found.data_bytes
        lines += [
            f"{net}: {_runs(runs)}",
            f"  parameters  {found.parameters:,}",
            f"  memory      {_size(memory)}, counted: {_size(found.weight_bytes)} weights, gradients and optimizer, "
            f"{_size(found.activation_bytes)} outputs of all layers, {_size(found.data_bytes)} images that lie ready",
            f"  time        {in_long_words(seconds)}, by {1e3 * found.step_seconds:,.0f} ms a step and "
            f"{found.evaluation_seconds:,.1f} s an evaluation, measured here ({found.device}) on {found.steps} steps",
        ]
    return [*lines, f"large runs together: {steps:,} steps, {in_long_words(together)} one after another"]


def _trials(nets: dict[str, list[RunConfig]]) -> list:
    """A `Trial` of the first run of each net, one after the other."""
    trials = []
    with concurrent.futures.ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as alone:
        for net, runs in nets.items():
            try:
                trials.append(alone.submit(_tried, runs[0]).result())
            except (MemoryError, BrokenProcessPool):  # the system ends a process that wants more than there is
                raise UserError(
                    f"a run fits into memory: {net}, does not fit here with mini-batches of {runs[0].batch_size}; "
                    "lower batch_size"
                ) from None
    return trials


def _tried(config: RunConfig):
    """A `Trial` of a run as a worker trains it, in a process that has loaded nothing yet."""
    os.environ["KERAS_BACKEND"] = ENGINES[config.engine]
    from bnrepro.backend.tensorflow_logging import load_tensorflow, without_tensorflow_chatter

    load_tensorflow()
    with without_tensorflow_chatter():
        from bnrepro.training.keras_engine import one_thread
        from bnrepro.training.trial import trial

        one_thread()
        return trial(config)


def in_long_words(seconds: float) -> str:
    """As `in_words`, and "about 12 days"."""
    return in_words(seconds) if seconds < 2 * 86_400 else f"about {seconds / 86_400:,.0f} days"


def _runs(configs: list[RunConfig]) -> str:
    steps = sum(config.steps for config in configs)
    return f"{len(configs)} run{'s' * (len(configs) != 1)}, {steps:,} steps"


def _size(count: float) -> str:
    return f"{count / 2**20:,.0f} MiB" if count < 2**30 else f"{count / 2**30:,.1f} GiB"
