"""What a trial of a run found, which travels to a process that has loaded no backend, and loads none there."""

from dataclasses import dataclass

from bnrepro.config.run_config import RunConfig
from bnrepro.records.costs import evaluations


@dataclass(frozen=True)
class Trial:
    """What was found.

    Attributes:
        steps: That were timed.
        device: What the net runs on.
        parameters: Numbers that are trained.
        weight_bytes: Of all variables of the net and its optimizer, and a gradient of each parameter.
        activation_bytes: Of the outputs of all layers for a mini-batch, which the gradient needs. What a compiler saves of them,
            and what its operations need besides, is not in it.
        data_bytes: Of the mini-batches that lie ready.
        step_seconds: Of one step, reading included.
        evaluation_seconds: Of one evaluation.
    """

    steps: int
    device: str
    parameters: int
    weight_bytes: int
    activation_bytes: int
    data_bytes: int
    step_seconds: float
    evaluation_seconds: float

    def seconds(self, config: RunConfig) -> float:
        """About how long a run of this net takes."""
        evaluated = evaluations(config.steps, config.evaluate_every) + 1
        return config.steps * self.step_seconds + evaluated * self.evaluation_seconds
