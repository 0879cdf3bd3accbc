"""What becomes of one run while it lasts, and how it ends: the rows of its tables. Knows no engine and no Keras."""

from typing import Any

import numpy as np
import pandas as pd

from bnrepro.config.run_config import RunConfig
from bnrepro.measurements.activation_quantiles import ActivationQuantiles
from bnrepro.records.schemas import SCHEMAS, Tables, runs_row
from bnrepro.training.engine import Chunk, Evaluation
from bnrepro.training.outcome import outcome


class History:
    """The curves of one run and the percentiles of its watched layer, until it ends or diverges.

    A loss that is no longer finite ends the run, be it a training step's or an evaluation's. What comes after that in the
    chunk, and whatever an engine computes of it later, is no part of it.

    Attributes:
        diverged_at: The step at which it diverged, None while all is finite.
    """

    def __init__(self, config: RunConfig):
        self.config, self.diverged_at = config, None
        self._rows, self._losses = [], []
        self._quantiles = ActivationQuantiles((config.model.watched or "").removesuffix("_activation"))

    def trained(self, chunk: Chunk) -> None:
        """Takes a chunk of training steps."""
        if self.diverged_at is not None:
            return
        self.diverged_at = chunk.diverged_at
        self._losses.append(chunk.losses)
        if self.diverged_at is None:
            self._add(chunk.step, "train", chunk.loss, chunk.metric)

    def evaluated(self, step: int, found: dict[str, Evaluation]) -> None:
        """Takes the evaluations at one step, by split; those from the first that is not finite on count for nothing."""
        if self.diverged_at is not None:
            return
        for split, evaluation in found.items():
            if not np.isfinite(evaluation.loss):
                self.diverged_at = step
                return
            self._add(step, split, evaluation.loss, evaluation.metric)
            if evaluation.percentiles is not None:
                self._quantiles.add(step, evaluation.percentiles)

    def snapshot(self) -> dict[str, Any]:
        """All of it so far, for `restore`."""
        losses = np.concatenate(self._losses or [[]])
        kept = {"rows": self._rows, "losses": losses, "quantiles": self._quantiles.snapshot()}
        return {**kept, "diverged_at": self.diverged_at}

    def restore(self, state: dict[str, Any]) -> None:
        """Goes on from where another one of the same run stood."""
        self._rows, self._losses = [tuple(row) for row in state["rows"]], [state["losses"]]
        self._quantiles.restore(state["quantiles"])
        self.diverged_at = state["diverged_at"]

    def curves(self) -> pd.DataFrame:
        """The table `curves` so far."""
        curves = pd.DataFrame(self._rows, columns=SCHEMAS["curves"])
        return curves.sort_values(["run", "step", "split"], ignore_index=True)

    def tables(self) -> Tables:
        """The tables `runs`, `curves`, `quantiles` and `drift`."""
        ended = outcome(np.concatenate(self._losses or [[]]), self.diverged_at, self.config.task.guess_loss)
        runs = runs_row(self.config, **ended)
        return {"runs": runs, "curves": self.curves(), **self._quantiles.tables(self.config.id)}

    def _add(self, step: int, split: str, loss: float, value: float) -> None:
        self._rows.append((self.config.id, step, split, loss, self.config.task.metric, value))
